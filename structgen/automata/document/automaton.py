"""The document automaton: bytes in, configurations out.

A configuration is a tuple: the nine registers of ``kernels.document`` and, where text must be kept, its keepers
(``keeping``). It is immutable and hashable, and every configuration handed out is live.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from structgen.automata.document.arrays import Arrays
from structgen.automata.document.completion import Step, completion_of
from structgen.automata.document.contexts import MUST, Contexts
from structgen.automata.document.distinct import DistinctItems
from structgen.automata.document.formulas import Reducer
from structgen.automata.document.general_objects import GeneralObjects
from structgen.automata.document.guess import NO_GUESS, Guesser, text_of
from structgen.automata.document.judge import canonical, value_of
from structgen.automata.document.keeping import Digits, Keeping
from structgen.automata.document.objects import Objects
from structgen.automata.document.strings import StringSpecs
from structgen.automata.document.tables import Tables
from structgen.automata.document.witness import Witness
from structgen.errors import LimitError, UnsatisfiableError
from structgen.ir.formulas import FALSE, TRUE, Formula, Ref
from structgen.kernels import document as K
from structgen.kernels.jit import direct

__all__ = ["Config", "DocumentAutomaton", "FormulaSource"]

MOST_ENDS = 1 << 14
"""Steps of completions remembered before starting over."""
Config = tuple[Any, ...]
Registers = npt.NDArray[np.int64]
_GOES, _DIES = K.GOES, K.DIES
"""What is needed for every new step of every text, at hand."""
MOST_ARRAYS = 1 << 13
_arrays: dict[bytes, npt.NDArray[np.uint8]] = {}
"""Texts read before, as kernels take them."""
_SPACES = {"compact": 0, "any": K.ANY_SPACE, "bounded": 24, "pretty": K.PRETTY}


class FormulaSource(Protocol):
    """Where formulas come from: the root, and what references stand for."""

    @property
    def root(self) -> Formula: ...

    def resolve(self, ref: Ref) -> Formula: ...

    def target(self, formula: Formula) -> Formula:
        """What ``formula`` comes to if it is a reference to nothing but another reference; else itself."""
        ...

    def is_plainly_satisfiable(self, formula: Formula) -> bool:
        """True where a glance shows that some value satisfies ``formula``; False decides nothing."""
        ...

    def constants(self, values: Sequence[Any]) -> Formula:
        """The formula of values equal to one of some."""
        ...


class DocumentAutomaton:
    """A lazily built pushdown automaton of the JSON documents that satisfy a formula."""

    def __init__(
        self,
        source: FormulaSource,
        *,
        whitespace: str = "bounded",
        in_order: bool = False,
        plain_numbers: bool = False,
        max_bytes: int = 256 << 20,
    ) -> None:
        self.source = source
        self.plain_numbers = plain_numbers
        self.in_order = in_order
        self.tables = Tables(max_bytes=max_bytes, max_space=_SPACES[whitespace])
        self.reduce = Reducer(source.resolve)
        self.strings = StringSpecs(self.tables)
        self.contexts = Contexts(self)
        self.objects = Objects(self)
        self.general_objects = GeneralObjects(self)
        self.arrays = Arrays(self)
        self.guesser = Guesser(self.reduce)
        self.witness = Witness(self)
        self.distinct = DistinctItems(self)
        self.keeping = Keeping(self)
        self._constants: dict[tuple[str, ...], Formula] = {}
        self._typed: set[int] = set()
        self.plain: set[int] = {TRUE.uid}
        """Uids of formulas of which a glance or a guess has shown that some value satisfies them."""
        self._guessed: dict[int, bytes] = {}
        self._ends: dict[Config, Step] = {}
        self._miss = np.zeros(3, np.int64)
        self._read = direct(K.read)
        self._scratch: list[tuple[Registers, Registers]] = []
        with deep_recursion():
            self.start = self._start()

    def _start(self) -> Config:
        root = self.contexts.must(self.source.root)
        if not root or not self.is_alive(root):
            raise UnsatisfiableError("no JSON document satisfies the schema", pointer="")
        top = self.tables.add_frame(K.TOP, 0, 0, 0, 0, 0, 0, 0, 0, 0)
        return (K.M_VALUE, 0, 0, 0, 0, root, top, 0, 0)

    # -- questions the builders ask ----------------------------------------------------------

    def handle(self, value: int, column: int) -> int:
        """What type ``column`` leads to in a value context, filled if need be."""
        found = int(self.tables.values[value, column])
        return self.contexts.fill(value, column) if found < 0 else found

    def is_alive(self, value: int) -> bool:
        """Whether some value is acceptable to a context."""
        context = self.contexts.by_index[value]
        if context.alive is None:
            if context.accepts is None and self._is_plain(context.goals[0]):
                context.alive = True
                return True
            if context.accepts is not None and any(context.accepts(label) for label, _ in self.witness.aimed(context)):
                context.alive = True
                return True
            found = bool(self.witness.outcomes(value))
            if context.outcomes is None:
                return found
            context.alive = found
        return context.alive

    def is_satisfiable(self, formula: Formula) -> bool:
        """Whether some value satisfies ``formula``."""
        if formula is TRUE:
            return True
        if formula is FALSE:
            return False
        if self._is_plain(formula):
            return True
        value = self.contexts.must(formula)
        return bool(value) and self.is_alive(value)

    def _is_plain(self, formula: Formula) -> bool:
        """True where a glance or a guess shows that some value satisfies ``formula``."""
        if formula.uid in self.plain:
            return True
        if self.source.is_plainly_satisfiable(formula) or self.guesser.value(formula) is not NO_GUESS:
            self.plain.add(formula.uid)
            return True
        return False

    def may_be(self, formula: Formula) -> bool:
        """False where no value satisfies ``formula``; True, too, while that hangs on a context still being searched."""
        if formula.uid in self.plain:
            return True
        if self.source.is_plainly_satisfiable(formula):
            self.plain.add(formula.uid)
            return True
        if self.is_satisfiable(formula):
            return True
        value = self.contexts.must(formula)
        return bool(value) and self.contexts.by_index[value].alive is None

    def some_text(self, value: int) -> bytes | None:
        """A text that a context with one goal accepts, not always a shortest one; None where there is none."""
        if not value:
            return None
        guess = self.guess(value)
        return guess if guess is not None else self.witness.outcomes(value).get(MUST)

    def guess(self, value: int) -> bytes | None:
        """A text that a context with one goal accepts, where a guess finds one."""
        known = self._guessed.get(value)
        if known is None:
            context = self.contexts.by_index[value]
            found = self.guesser.value(context.goals[0]) if context.accepts is None else NO_GUESS
            if found is NO_GUESS:
                return None
            known = self._guessed[value] = text_of(found)
        return known

    def constants(self, texts: tuple[str, ...]) -> Formula:
        """The formula of values equal to one of some canonical JSON texts."""
        if not texts:
            return FALSE
        if texts not in self._constants:
            self._constants[texts] = self.source.constants([value_of(text) for text in texts])
        return self._constants[texts]

    def canonical(self, value: Any) -> str:
        """One text per JSON value: equal values have equal texts."""
        return canonical(value)

    # -- steps -----------------------------------------------------------------------------

    def fill(self, kind: int, first: int, second: int) -> None:
        """Provide a table entry that a kernel found missing."""
        with deep_recursion():
            if kind == K.NEED_TYPE:
                self.contexts.fill(first, second)
            elif kind == K.NEED_CHILD:
                if int(self.tables.frames[first, K.F_KIND]) == K.PLAIN_OBJECT:
                    self.objects.fill_child(first, second)
                else:
                    self.arrays.fill_child(first, second)
            elif kind == K.NEED_FRAME:
                if int(self.tables.frames[first, K.F_KIND]) == K.GENERAL_OBJECT:
                    self.general_objects.finish(first)
                else:
                    self.arrays.finish(first)
            else:
                self.event(first, second)

    def event(self, frame: int, event: int) -> tuple[int, int]:
        """(frame, value context) after ``event`` in a general frame; (0, 0) where forbidden."""
        found = self.tables.events.get((frame, event))
        if found is None:
            kind = int(self.tables.frames[frame, K.F_KIND])
            builder = self.general_objects if kind == K.GENERAL_OBJECT else self.arrays
            with deep_recursion():
                found = builder.event(frame, event)
            self.tables.add_event(frame, event, *found)
        return found

    def fill_types(self, value: int) -> None:
        """Provide what all types lead to in a value context."""
        if value in self._typed:
            return
        with deep_recursion():
            self.contexts.fill_all(value)
        self._typed.add(value)

    def registers(self, config: Config) -> Registers:
        """A row of registers at ``config``."""
        regs = np.zeros(K.WIDTH, np.int64)
        regs[: K.CONFIG_WIDTH] = config[: K.CONFIG_WIDTH]
        regs[K.R_FREE] = self.tables.n_cells
        return regs

    def interned(self, regs: Registers) -> Config:
        """The configuration of a row: cells pushed in scratch become permanent."""
        *head, cell = regs[: K.CONFIG_WIDTH].tolist()
        return (*head, self._kept_cell(cell))

    def _kept_cell(self, cell: int) -> int:
        """The permanent cell that is like ``cell``, which may be in scratch."""
        tables = self.tables
        first = tables.n_cells
        if cell < first:
            return cell
        rows = tables.cells[first : cell + 1].tolist()
        pushed = []
        while cell >= first:
            frame, count, cell = rows[cell - first]
            pushed.append((frame, count))
        for frame, count in reversed(pushed):
            cell = tables.cell(frame, count, cell)
        return cell

    @property
    def is_pretty(self) -> bool:
        """Whether blanks are prescribed, so that what may follow depends on the depth, too."""
        return bool(self.tables.max_space == K.PRETTY)

    def read_spaced(self, config: Config, data: bytes) -> tuple[bytes, Config] | None:
        """``data``, which has no blanks between lexemes, with those that are prescribed, and where it leads."""
        if not self.is_pretty:
            after = self.read(config, data)
            return None if after is None else (data, after)
        text = b""
        for byte in data:
            depth, cell = 0, config[K.R_CELL]
            while cell:
                depth, cell = depth + 1, self.tables.cell_list[cell][2]
            gaps = (b"", b" ", b"\n" + b"  " * depth, b"\n" + b"  " * (depth - 1))
            behind = config[K.R_B] if config[K.R_MODE] < K.FIRST_LEXICAL else 0
            for part in (gap[behind:] + bytes([byte]) for gap in gaps if len(gap) >= behind):
                after = self.read(config, part)
                if after is not None:
                    text, config = text + part, after
                    break
            else:
                return None
        return text, config

    def read(self, config: Config, data: bytes) -> Config | None:
        """The configuration after ``data``; None where no document goes on so."""
        if len(config) > K.CONFIG_WIDTH:
            return self.keeping.read(config, data)
        array = _arrays.get(data)
        if array is None:
            array = _array_of(data)
        try:
            scratch = self._scratch.pop()
        except IndexError:
            scratch = np.zeros(K.WIDTH, np.int64), np.zeros(K.WIDTH, np.int64)
        tables = self.tables
        found = self._read(*config, *scratch, array, *tables.arguments, self._miss)
        status = found[0]
        after: Config | None = None
        if status == _GOES:
            after = found[2:] if found[-1] < tables.n_cells else (*found[2:-1], self._kept_cell(found[-1]))
        elif status != _DIES:
            after = self._read_on(*scratch, data, array, status, found[1])
        self._scratch.append(scratch)
        return after

    def _read_on(
        self, regs: Registers, before: Registers, data: bytes, array: npt.NDArray[np.uint8], status: int, at: int
    ) -> Config | None:
        """Go on where a kernel could not."""
        while True:
            if status == K.GOES:
                return self.interned(regs)
            if status == K.DIES:
                return None
            if status == K.MISSING:
                self.fill(*self._miss.tolist())
            elif status == K.FULL:
                regs[:] = self.registers(self.interned(regs))
                regs[K.R_KEPT] = 1
            else:
                # Text that must be kept begins: go on byte by byte.
                return self.keeping.read(self.interned(regs), data[at:])
            status, at = K.run(regs, before, array, at, *self.tables.arguments, self._miss)

    def after_item(self, frame: int, label: int, value: Any) -> int:
        """The frame of an array that keeps values, after an item with a verdict; 0 where that leaves no completion."""
        with deep_recursion():
            state = self.arrays.after_item(self.arrays.states[frame], label)
            after = None if state is None else self.arrays.with_value(state, value)
            return 0 if after is None else self.arrays.frame(after)

    def keeps_items(self, frame: int) -> bool:
        """Whether a frame is an array in which it still matters if the items differ."""
        return bool(self.tables.frames[frame, K.F_KIND] == K.KEEPING_ARRAY)

    # -- ends ------------------------------------------------------------------------------

    def is_accepting(self, config: Config) -> bool:
        """Whether the bytes so far are a document that satisfies the formula."""
        if config[K.R_MODE] == K.M_END:
            return True
        if config[K.R_MODE] != K.M_NUMBER:
            return False
        if type(config[-1]) is Digits and not self.keeping.is_right(config[-1]):
            return False
        top = self.tables.frames[config[K.R_FRAME], K.F_KIND] == K.TOP
        return bool(top and self.tables.arena.number_label[config[K.R_A]])

    def completion(self, config: Config) -> bytes:
        """A shortest way to end the document from ``config``."""
        if len(self._ends) > MOST_ENDS:
            self._ends.clear()
        with deep_recursion():
            return completion_of(self, config, self._ends)


def _array_of(data: bytes) -> npt.NDArray[np.uint8]:
    array = np.frombuffer(data, np.uint8)
    if len(data) <= 32:
        if len(_arrays) >= MOST_ARRAYS:
            _arrays.clear()
        _arrays[data] = array
    return array


class deep_recursion:
    """Room for schemas nested as deeply as the scan allows; too deep ends in ``LimitError``.

    A class, for a generator costs as much as some of the steps it guards.
    """

    __slots__ = ("_old",)
    DEPTH = 12_000

    def __enter__(self) -> None:
        self._old = sys.getrecursionlimit()
        if self._old < self.DEPTH:
            sys.setrecursionlimit(self.DEPTH)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if self._old < self.DEPTH:
            sys.setrecursionlimit(self._old)
        if kind is not None and issubclass(kind, RecursionError):
            raise LimitError("the schema nests too deeply", what="schema depth") from None
