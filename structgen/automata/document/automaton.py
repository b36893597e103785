"""The document automaton: bytes in, configurations out.

A configuration is a tuple: the nine registers of ``kernels.document`` and, where an array
with ``uniqueItems`` is open, the bytes of its current item (one entry per such array). It
is immutable and hashable, and every configuration handed out is live.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from structgen.automata.document.arrays import Arrays
from structgen.automata.document.completion import completion_of
from structgen.automata.document.contexts import MUST, Contexts
from structgen.automata.document.formulas import Reducer
from structgen.automata.document.guess import NO_GUESS, Guesser, text_of
from structgen.automata.document.judge import canonical
from structgen.automata.document.objects import Objects
from structgen.automata.document.strings import StringSpecs
from structgen.automata.document.tables import Tables
from structgen.automata.document.witness import Witness
from structgen.errors import LimitError, UnsatisfiableError
from structgen.ir.document import FALSE, TRUE, Formula, Ref
from structgen.kernels import document as K

__all__ = ["Config", "DocumentAutomaton", "FormulaSource"]

Config = tuple[Any, ...]
Registers = npt.NDArray[np.int64]
_SPACES = {"compact": 0, "any": K.ANY_SPACE, "bounded": 24, "pretty": K.PRETTY}


class FormulaSource(Protocol):
    """Where formulas come from: the root, and what references stand for."""

    @property
    def root(self) -> Formula: ...

    def resolve(self, ref: Ref) -> Formula: ...

    def is_plainly_satisfiable(self, formula: Formula) -> bool:
        """True where a glance shows that some value satisfies ``formula``; False decides nothing."""
        ...

    def constants(self, texts: tuple[str, ...]) -> Formula:
        """The formula of values equal to one of some JSON texts."""
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
        self.arrays = Arrays(self)
        self.guesser = Guesser(self.reduce)
        self.witness = Witness(self)
        self._constants: dict[tuple[str, ...], Formula] = {}
        self._typed: set[int] = set()
        self._miss = np.zeros(3, np.int64)
        self.n_filled = 0
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
        return self.source.is_plainly_satisfiable(formula) or self.guesser.value(formula) is not NO_GUESS

    def some_text(self, value: int) -> bytes | None:
        """A text that a context with one goal accepts, not always a shortest one; None where there is none."""
        if not value:
            return None
        context = self.contexts.by_index[value]
        if context.accepts is None:
            guess = self.guesser.value(context.goals[0])
            if guess is not NO_GUESS:
                return text_of(guess)
        return self.witness.outcomes(value).get(MUST)

    def is_unsatisfiable(self, formula: Formula) -> bool:
        """Whether no value satisfies ``formula``; False, too, while that hangs on a context still being searched."""
        if self.is_satisfiable(formula):
            return False
        value = self.contexts.must(formula)
        return not value or self.contexts.by_index[value].alive is not None

    def constants(self, texts: tuple[str, ...]) -> Formula:
        """The formula of values equal to one of some canonical JSON texts."""
        if not texts:
            return FALSE
        if texts not in self._constants:
            self._constants[texts] = self.source.constants(texts)
        return self._constants[texts]

    def canonical(self, value: Any) -> str:
        """One text per JSON value: equal values have equal texts."""
        return canonical(value)

    # -- steps -----------------------------------------------------------------------------

    def fill(self, kind: int, first: int, second: int) -> None:
        """Provide a table entry that a kernel found missing."""
        self.n_filled += 1
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
                    self.objects.finish(first)
                else:
                    self.arrays.finish(first)
            else:
                kind_of = int(self.tables.frames[first, K.F_KIND])
                builder = self.objects if kind_of == K.GENERAL_OBJECT else self.arrays
                after, value = builder.event(first, second)
                self.tables.add_event(first, second, after, value)

    def fill_types(self, value: int) -> None:
        """Provide what all types lead to in a value context."""
        if value in self._typed:
            return
        missing = [column for column, handle in enumerate(self.tables.values[value].tolist()) if handle < 0]
        if missing:
            self.n_filled += 1
            with deep_recursion():
                for column in missing:
                    self.contexts.fill(value, column)
        self._typed.add(value)

    def registers(self, config: Config) -> Registers:
        """A row of registers at ``config``."""
        regs = np.zeros(K.WIDTH, np.int64)
        regs[: K.CONFIG_WIDTH] = config[: K.CONFIG_WIDTH]
        regs[K.R_FREE] = self.tables.n_cells
        return regs

    def interned(self, regs: Registers) -> Config:
        """The configuration of a row: cells pushed in scratch become permanent."""
        cell = int(regs[K.R_CELL])
        n_cells = self.tables.n_cells
        if cell >= n_cells:
            scratch = []
            while cell >= n_cells:
                frame, count, parent = self.tables.cells[cell].tolist()
                scratch.append((frame, count))
                cell = parent
            for frame, count in reversed(scratch):
                cell = self.tables.cell(frame, count, cell)
        head = regs[:8].tolist()
        return (*head, cell)

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
            return self._read_keeping(config, data)
        regs = self.registers(config)
        array = np.frombuffer(data, np.uint8)
        at = 0
        regs[K.R_KEPT] = 1
        while True:
            status, at = K.run(regs, np.empty_like(regs), array, at, *self.tables.arguments, self._miss)
            if status == K.GOES:
                return self.interned(regs)
            if status == K.DIES:
                return None
            if status == K.MISSING:
                self.fill(*self._miss.tolist())
            elif status == K.FULL:
                cell = self.interned(regs)
                regs = self.registers(cell)
                regs[K.R_KEPT] = 1
            else:
                # A frame that keeps values was opened: go on byte by byte.
                return self._read_keeping(self.interned(regs), data[at:])

    # -- arrays that keep the values of their items --------------------------------------------

    def _read_keeping(self, config: Config, data: bytes) -> Config | None:
        current: Config | None = config
        for byte in data:
            current = self._step_keeping(current, byte)  # type: ignore[arg-type]
            if current is None:
                return None
        return current

    def _step_keeping(self, config: Config, byte: int) -> Config | None:
        """One byte where the text of items matters."""
        kept: tuple[bytes, ...] = config[K.CONFIG_WIDTH :]
        plain = config[: K.CONFIG_WIDTH]
        while True:
            regs = self.registers(plain)
            regs[K.R_KEPT] = 2
            status, _ = K.run(
                regs, np.empty_like(regs), np.array([byte], np.uint8), 0, *self.tables.arguments, self._miss
            )
            if status == K.MISSING:
                self.fill(*self._miss.tolist())
                continue
            if status == K.DIES:
                return None
            if status == K.GOES:
                return self._noted(plain, self.interned(regs), kept, byte)
            if plain[K.R_MODE] == K.M_NUMBER and not self._keeps(plain):
                # The byte ends a number, and only then the item around it.
                plain = self._number_ended(plain)
                continue
            found = self._item_done(plain, kept, byte)
            if found is None:
                return None
            plain, kept, consumed = found
            if consumed:
                return (*plain, *kept)

    def _keeps(self, config: Config) -> bool:
        return bool(self.tables.frames[config[K.R_FRAME], K.F_KIND] == K.KEEPING_ARRAY)

    def _number_ended(self, config: Config) -> Config:
        """The configuration with the number at hand taken as complete; it is known to be."""
        while True:
            regs = self.registers(config)
            status = K.end_number(regs, self.tables.arena.number_label, self.tables.frames, self.tables.keys,
                                  self.tables.results, self._miss)  # fmt: skip
            if status != K.MISSING:
                return self.interned(regs)
            self.fill(*self._miss.tolist())

    def _noted(self, before: Config, after: Config, kept: tuple[bytes, ...], byte: int) -> Config:
        """The kept texts after a byte that ended no kept item."""
        kinds = self.tables.frames
        was, now = before[K.R_FRAME], after[K.R_FRAME]
        opened = before[K.R_CELL] != after[K.R_CELL] and byte == 91
        if byte == 93 and before[K.R_MODE] in (K.M_AFTER, K.M_FIRST_ITEM) and kinds[was, K.F_KIND] == K.KEEPING_ARRAY:
            kept = kept[:-1]
        kept = tuple(text + bytes([byte]) for text in kept)
        if opened and kinds[now, K.F_KIND] == K.KEEPING_ARRAY:
            kept = (*kept, b"")
        return (*after, *kept)

    def _item_done(
        self, plain: Config, kept: tuple[bytes, ...], byte: int
    ) -> tuple[Config, tuple[bytes, ...], bool] | None:
        """Step the innermost keeping array on its finished item; whether ``byte`` belonged to the item."""
        consumed = plain[K.R_MODE] != K.M_NUMBER
        regs = self.registers(plain)
        label, parent_kept = self._verdict(regs, byte, kept)
        if label == 0:
            return None
        text = parent_kept[-1] + (bytes([byte]) if consumed else b"")
        value = json.loads(text.lstrip(b" \t\n\r,"), parse_float=Decimal, parse_int=Decimal)
        frame = int(regs[K.R_FRAME])
        with deep_recursion():
            state = self.arrays.after_item(self.arrays.states[frame], label)
            after = None if state is None else self.arrays.with_value(state, value)
            if after is None:
                return None
            regs[K.R_FRAME] = self.arrays.frame(after)
        regs[K.R_MODE] = K.M_AFTER
        for register in (K.R_A, K.R_B, K.R_C, K.R_VALUE, K.R_ESC):
            regs[register] = 0
        outer = parent_kept[:-1]
        if consumed:
            outer = tuple(text + bytes([byte]) for text in outer)
        return self.interned(regs), (*outer, b""), consumed

    def _verdict(self, regs: Registers, byte: int, kept: tuple[bytes, ...]) -> tuple[int, tuple[bytes, ...]]:
        """The label of the item that ``byte`` ends, with ``regs`` moved to the array's frame."""
        mode = int(regs[K.R_MODE])
        tables = self.tables
        if mode == K.M_NUMBER:
            return int(tables.arena.number_label[regs[K.R_A]]), kept
        if mode == K.M_WORD:
            return int(regs[K.R_C]), kept
        if mode >= K.M_FREE:
            return int(K.string_label(regs, *tables.arguments[:12])), kept
        frame, cell = int(regs[K.R_FRAME]), int(regs[K.R_CELL])
        label = int(tables.frames[frame, K.F_CLOSE])
        if tables.frames[frame, K.F_KIND] == K.KEEPING_ARRAY:
            kept = kept[:-1]
        regs[K.R_FRAME], regs[K.R_COUNT], regs[K.R_CELL] = tables.cells[cell].tolist()
        return label, kept

    # -- ends ------------------------------------------------------------------------------

    def is_accepting(self, config: Config) -> bool:
        """Whether the bytes so far are a document that satisfies the formula."""
        if config[K.R_MODE] == K.M_END:
            return True
        if config[K.R_MODE] != K.M_NUMBER:
            return False
        top = self.tables.frames[config[K.R_FRAME], K.F_KIND] == K.TOP
        return bool(top and self.tables.arena.number_label[config[K.R_A]])

    def completion(self, config: Config) -> bytes:
        """A shortest way to end the document from ``config``."""
        with deep_recursion():
            return completion_of(self, config)


@contextmanager
def deep_recursion() -> Iterator[None]:
    """Room for schemas nested as deeply as the scan allows; too deep ends in ``LimitError``."""
    import sys

    old = sys.getrecursionlimit()
    sys.setrecursionlimit(max(old, 12_000))
    try:
        yield
    except RecursionError:
        raise LimitError("the schema nests too deeply", what="schema depth") from None
    finally:
        sys.setrecursionlimit(old)
