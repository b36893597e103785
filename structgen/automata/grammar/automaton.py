"""A grammar as a byte automaton: lexer, LR parser and stacks, filled as they are needed.

It knows no tokenizer: it moves *threads* over bytes (see ``kernels.pushdown``) and says
whether the text so far is complete. Tables are filled lazily: kernels note what they miss,
``run`` fills it and calls again.

Not thread-safe; the machine that owns it holds a lock.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from structgen.automata.grammar.follows import following_bytes
from structgen.automata.grammar.indent import Registers
from structgen.automata.grammar.lalr import LalrTables
from structgen.automata.grammar.prospects import Prospects
from structgen.automata.lexer import UNKNOWN, Lexer
from structgen.automata.table_heap import TableHeap
from structgen.dtypes import ByteArray, IntArray
from structgen.errors import LimitError
from structgen.ir.grammar import Grammar
from structgen.kernels import alike_stacks, grammar_facts, grammar_heap, grammar_walk
from structgen.kernels.jit import direct

if TYPE_CHECKING:
    from structgen.automata.grammar.glr import NondeterministicTables

__all__ = ["GrammarAutomaton", "Thread", "Threads"]

Thread = tuple[int, int, int, int, int]
"""(stack cell, lexer state, watched runs, indentation register, column)."""
Threads = tuple[Thread, ...]

CELLS, MAX_CELLS = 1 << 9, 1 << 27
"""Stack cells that there is room for at first (a text of 400 tokens needs 40 to 400), and at most."""
BEGUN = -2
"""A column that is none, like -1, and tells threads from those before any byte."""
FEW_TERMINALS = 16
"""Terminals of a grammar that is small."""
AHEAD = 48
"""States expanded beyond the one that was missed: fewer retries, little waste."""


class GrammarAutomaton:
    """Lexer and parser over bytes; ``forked`` says what else may be done where ``tables`` have a conflict.

    ``exclusive`` is whether a lexeme is one terminal only, as Lark's LALR parsers read it.
    """

    def __init__(
        self,
        grammar: Grammar,
        tables: LalrTables,
        forked: NondeterministicTables | None = None,
        *,
        collides: bool = False,
        exclusive: bool = True,
    ) -> None:
        self.grammar = grammar
        self.tables = tables
        self.forked = forked
        self.heap = heap = TableHeap()
        self._add_sections()
        if collides:
            Prospects.add_sections(heap, grammar.n_terminals)
        self.registers = Registers(heap, indented=grammar.indentation is not None)
        self.lexer = Lexer(grammar, heap, exclusive=exclusive)  # the heap is laid out here, with all sections
        self.registers.begin()
        self.work = _new_work(1 << 15, 1 << 12, forked is not None)
        self.work[grammar_heap.N_ARENA] = 1
        self._threads = int(self.work[grammar_heap.THREADS])
        self._joins = 0
        self._start: Threads | None = None
        self.n_filled = 0
        self.prospects = Prospects(self) if collides else None

    def _add_sections(self) -> None:
        heap, tables, grammar, forked = self.heap, self.tables, self.grammar, self.forked
        heap.set_number(grammar_heap.N_TERMINALS, grammar.n_terminals)
        heap.set_number(grammar_heap.ALL_ENDS, int(grammar.scannerless))
        heap.add("joins", grammar_heap.JOINS, 64, 3)
        heap.add("start", grammar_heap.START, tables.n_states, 0, UNKNOWN)
        heap.set_number(grammar_heap.N_NONTERMINALS, tables.goto.shape[1])
        heap.put("action", grammar_heap.ACTION, tables.action if forked is None else forked.action)
        heap.put("goto", grammar_heap.GOTO, tables.goto)
        heap.put("length", grammar_heap.LENGTH, tables.length)
        heap.put("left", grammar_heap.LEFT, tables.left)
        if forked is None:
            self._add_shortenings()
        else:
            heap.put("choices", grammar_heap.CHOICES, np.array(forked.lists, dtype=np.int32))
            heap.set_number(grammar_heap.FORKED, 1)
            heap.set_number(grammar_heap.ACCEPTS_EMPTY, int(forked.accepts_empty))
        roles, indent = _roles(grammar)
        heap.put("roles", grammar_heap.ROLES, roles)
        heap.put("indent", grammar_heap.INDENT, indent)
        heap.add("hashed", grammar_heap.HASHED, 2 * CELLS, 0, -1)
        heap.set_number(grammar_heap.N_HASHED, 2 * CELLS)
        heap.add("cells", grammar_heap.CELLS, CELLS, 3)
        heap.set_number(grammar_heap.CELL_CAPACITY, CELLS)

    def _add_shortenings(self) -> None:
        """Tables by which stacks that do not fork are shortened (see ``kernels.alike_stacks``)."""
        heap, tables = self.heap, self.tables
        heap.put("kernel_start", grammar_heap.KERNEL_START, tables.kernel_start)
        left, read = tables.kernel_places()
        heap.put("kernel_left", grammar_heap.KERNEL_LEFT, left)
        heap.put("kernel_read", grammar_heap.KERNEL_READ, read)
        heap.add("shortenings", grammar_heap.SHORTENINGS, 1 << 10, alike_stacks.ROW)
        if self.grammar.n_terminals < alike_stacks.MOST_TERMINALS:
            heap.set_number(grammar_heap.N_SHORTENINGS, 1 << 10)
        heap.add("lone", grammar_heap.LONE, tables.n_states)

    @property
    def accepts_empty(self) -> bool:
        """Whether a nondeterministic parser takes the empty text, of which its tables know nothing."""
        return self.forked is not None and self.forked.accepts_empty

    def stacks(self, cell: int) -> list[int]:
        """The stacks that lie at ``cell``, which is one of them unless it is a fork."""
        found = []
        cells = self.heap["cells"]
        while (state := int(cells[cell, 0])) < 0:
            found.append(int(cells[cell, 1]))
            cell = -1 - state
        return [*found, cell]

    def bases(self, below: int, n: int) -> list[tuple[int, int]]:
        """(place, parser state) ``n`` steps under ``below``, which may be a fork."""
        cells = self.heap["cells"]
        found = dict.fromkeys(self.stacks(below))
        for _ in range(n):
            found = dict.fromkeys(stack for cell in found for stack in self.stacks(int(cells[cell, 1])))
        return [(cell, int(cells[cell, 0])) for cell in found]

    def top(self, cell: int) -> tuple[int, int]:
        """(parser state, what lies below it) of a stack."""
        state, below, _ = self.heap["cells"][cell].tolist()
        return state, below

    def begin(self) -> None:
        """Start a new call's scratch: cells made before are gone."""
        work = self.work
        work[grammar_heap.N_SCRATCH] = 0
        work[grammar_heap.LOWEST] = 1 << 30
        self.forget()

    def forget(self) -> None:
        """Drop what kernels remember of shifts and checks."""
        direct(grammar_heap.begin_generation)(self.work)

    def run(self, call: Callable[[IntArray, IntArray], Any]) -> Any:
        """Call a kernel until it missed nothing; its writes must be idempotent."""
        mark = int(self.work[grammar_heap.N_SCRATCH])
        while True:
            self.clear()
            result = call(self.heap.array, self.work)
            if not self.supply():
                return result
            self.work[grammar_heap.N_SCRATCH] = mark
            self.forget()

    def clear(self) -> None:
        """Forget what kernels have noted as missing."""
        self.work[grammar_heap.N_MISSING] = 0
        self.work[grammar_heap.NOTED] = 0
        self.work[grammar_heap.STATUS] = grammar_heap.OK

    def supply(self) -> bool:
        """Fill or enlarge what the last kernel missed; False where it missed nothing."""
        work = self.work
        if work[grammar_heap.STATUS] == grammar_heap.FULL:
            self._grow()
            return True
        if work[grammar_heap.STATUS] == grammar_heap.TOO_MANY:
            raise LimitError("one terminal closes too many parses", what="stacks", limit=grammar_heap.MOST_WAYS)
        count = int(work[grammar_heap.N_MISSING])
        if not count:
            return False
        first = grammar_heap.MISSING
        missing = work[first : first + 3 * count].reshape(-1, 3).tolist()
        rows = [one for kind, one, _ in missing if kind == grammar_heap.ROW]
        contexts = [one for kind, one, _ in missing if kind == grammar_heap.CONTEXT]
        if contexts:
            self.n_filled += len(contexts)
            rows += self._new_starts(contexts)
        for kind, one, other in missing:
            if kind not in (grammar_heap.ROW, grammar_heap.CONTEXT):
                self._fill(kind, one, other)
        if rows:
            self.n_filled += len(rows)
            self.lexer.expand_all(rows, AHEAD)
        return True

    def _fill(self, kind: int, one: int, other: int) -> None:
        self.n_filled += 1
        if kind == grammar_heap.WATCH:
            self.lexer.watches.fill(one)
        elif kind == grammar_heap.NEVER:
            watch = self.lexer.watches.never(one)
            if one >= 0:
                self.heap["never"][one] = watch
            else:
                self._add_join(one, 0, watch)
        elif kind == grammar_heap.JOIN:
            self._add_join(one, other, self.lexer.watches.join(one, other))
        elif kind == grammar_heap.REGISTER:
            if other:
                self.registers.indent(one, other)
            else:
                self.registers.fill(one)
        elif kind == grammar_heap.ARENA:
            self.reserve(len(self.heap["cells"]))
        elif kind == grammar_heap.FATE:
            assert self.prospects is not None
            self.prospects.make_room(one)
        else:
            assert kind >= grammar_heap.DOUBT and self.prospects is not None
            self.prospects.tell(one, other, kind - grammar_heap.DOUBT)

    def _add_join(self, one: int, other: int, both: int) -> None:
        self.heap.ensure("joins", self._joins + 1)
        self.heap["joins"][self._joins] = (one, other, both)
        self._joins += 1
        self.heap.set_number(grammar_heap.N_JOINS, self._joins)

    def _new_starts(self, states: list[int]) -> list[int]:
        """Find the codes for parser states; returns lexer states that are read from next.

        Under a small grammar the codes of all states are found: its texts meet nearly all of them, and one at a time
        they take longer in all.
        """
        if self.grammar.n_terminals <= FEW_TERMINALS:
            states = np.flatnonzero(self.heap["start"] == UNKNOWN).tolist()
        codes = {self.start_code(state) for state in states}
        delta = self.heap["delta"]
        return [code for code in sorted(codes) if code > 0 and delta.item(code, 0) == UNKNOWN]

    def _start_of(self, state: int) -> None:
        """Find the code for a state, and for all that are like it."""
        code = self.lexer.context(self.live_terminals(state))
        direct(grammar_facts.states_alike)(self.heap["action"], state, self.heap["start"], code)

    def live_terminals(self, state: int) -> frozenset[int]:
        """Terminals the lexer tries in a parser state: those with an action, the ignored, newlines."""
        grammar = self.grammar
        found = set(self.heap["action"][state, : grammar.n_terminals].nonzero()[0].tolist())
        found |= grammar.ignore
        if grammar.indentation is not None:
            found.add(grammar.indentation.newline)
        return frozenset(found)

    def follows(self) -> ByteArray:
        """(T, 256) uint8: the bytes that may come right behind each terminal, or more."""
        return following_bytes(self.grammar, self.tables.action)

    def start_code(self, state: int) -> int:
        """The code with which lexemes start in a parser state."""
        code: int = self.heap["start"].item(state)
        if code == UNKNOWN:
            self._start_of(state)
            code = self.heap["start"].item(state)
        return code

    def expanded(self, state: int) -> IntArray:
        """The successors of a lexer state."""
        if self.heap["delta"][state, 0] == UNKNOWN:
            self.lexer.expand_all([state], AHEAD)
        row: IntArray = self.heap["delta"][state]
        return row

    def _grow(self) -> None:
        """Double what may have been too small: scratch, thread rows, arena."""
        old = self.work
        size, n_threads = int(old[grammar_heap.SCRATCH_CAPACITY]), int(old[grammar_heap.THREAD_CAPACITY])
        if size > MAX_CELLS >> 3:
            raise LimitError("one token needs too much parsing", what="scratch cells", limit=MAX_CELLS >> 3)
        self.work = work = _new_work(2 * size, 2 * n_threads, self.forked is not None)
        kept = grammar_heap.SCRATCH_AT + 2 * size
        sizes = work[grammar_heap.SCRATCH_CAPACITY : grammar_heap.THREAD_CAPACITY + 1].copy()
        ways = work[grammar_heap.FORKED_AT]
        work[:kept] = old[:kept]
        work[grammar_heap.SCRATCH_CAPACITY : grammar_heap.THREAD_CAPACITY + 1] = sizes
        work[grammar_heap.FORKED_AT] = ways
        before, after = int(old[grammar_heap.THREADS]), int(work[grammar_heap.THREADS])
        work[after : after + 5 * n_threads] = old[before : before + 5 * n_threads]
        self._threads = after

    def reserve(self, n_more: int) -> None:
        """Room for ``n_more`` arena cells."""
        n_arena = int(self.work[grammar_heap.N_ARENA])
        if n_arena + n_more <= len(self.heap["cells"]):
            return
        if n_arena + n_more > MAX_CELLS:
            raise LimitError("the text's stacks need too many cells", what="stack cells", limit=MAX_CELLS)
        self.heap.ensure("cells", n_arena + n_more)
        capacity = len(self.heap["cells"])
        self.heap.set_number(grammar_heap.CELL_CAPACITY, capacity)
        size = len(self.heap["hashed"])
        while size < 2 * capacity:
            size *= 2
        if size != len(self.heap["hashed"]):
            from structgen.kernels.grammar_walk import rehash

            self.heap.ensure("hashed", size)
            self.heap["hashed"][:] = -1
            self.heap.set_number(grammar_heap.N_HASHED, len(self.heap["hashed"]))
            rehash(self.heap.array, n_arena)

    def start(self) -> Threads:
        """The threads before any byte."""
        if self._start is None:
            code = self.start_code(int(self.heap["cells"][0, 0]))
            self._start = tuple((0, state, watch, 0, -1) for state, watch in self.lexer.fork(code) if state)
        return self._start

    def advance(self, threads: Threads, data: bytes) -> Threads:
        """The threads after ``data``; none where it cannot be read."""
        for at in range(0, len(data), 256):
            threads = self._advance_part(threads, np.frombuffer(data[at : at + 256], dtype=np.uint8))
            if not threads:
                break
        if threads == self._start and data:
            # read, but as if nothing had been: the text may be complete before its first lexeme, not within
            threads = tuple((*thread[:4], BEGUN) for thread in threads)
        return threads

    def advance_one(self, thread: Thread, data: ByteArray, offsets: Any, token_id: int) -> Threads | None:
        """``advance`` of one thread over a token where that is simple; None where it is not.

        ``offsets`` (V + 1,) say where tokens begin in ``data``.
        """
        kernel = direct(grammar_walk.advance_one)
        while True:
            found = kernel(self.heap.array, self.work, data, offsets, token_id, *thread)
            count = found[0]
            if count == 1:
                after: Threads = (found[1:],)
                return ((*found[1:5], BEGUN),) if found[1] == 0 and after == self._start else after
            if count == -2:
                self.reserve(int(self.work[grammar_heap.N_SCRATCH]) + 1)
            elif count >= 0 or not self.supply():
                return None if count else ()

    def _advance_part(self, threads: Threads, part: ByteArray) -> Threads:
        from structgen.kernels.grammar_walk import advance_all

        flat = [number for thread in threads for number in thread]
        while 4 * len(threads) > self.work[grammar_heap.THREAD_CAPACITY]:
            self._grow()
        while True:
            work = self.work
            self.begin()
            self.clear()
            first = int(work[grammar_heap.THREADS])
            work[first : first + len(flat)] = flat
            count = int(advance_all(self.heap.array, work, part, len(threads)))
            if count >= 0:
                break
            if count == -2:
                self.reserve(int(work[grammar_heap.N_SCRATCH]) + 1)
            else:
                self.supply()
        found = work[first : first + 5 * count].tolist()
        if count == 1:
            return ((found[0], found[1], found[2], found[3], found[4]),)
        rows = {(c, q, w, r, n) for c, q, w, r, n in zip(*(found[i::5] for i in range(5)), strict=True)}
        return tuple(sorted(rows))

    def is_accepting(self, threads: Threads) -> bool:
        """Whether the text so far is complete."""
        if threads == self.start():
            self.begin()
            return self._ends(0, -1, 0, -1)
        for cell, state, watch, register, column in threads:
            self.begin()
            if self.may_be_complete((cell, state, watch, register, column)):
                return True
        return False

    def may_be_complete(self, thread: Thread) -> bool:
        """Whether the text is complete by the guess ``thread``; for use after ``begin``."""
        cell, state, watch, register, column = thread
        endings = self.lexer.endings(self.lexer.ended(state))
        if not endings or not self.lexer.watches.at_end(watch):
            return False
        return any(self._ends(cell, terminal, register, column) for terminal, _ in endings)

    def can_end(self, cell: int) -> bool:
        """Whether the text is complete on ``cell``, whatever was ignored last."""
        return self._ends(cell, -1, 0, -1)

    def ends_on(self, cell: int, register: int) -> bool:
        """Whether the text is complete where no lexeme has begun on ``cell``."""
        self.begin()
        return self._ends(cell, -1, register, -1)

    def _ends(self, cell: int, terminal: int, register: int, column: int) -> bool:
        from structgen.kernels.grammar_walk import is_complete

        return bool(self.run(lambda heap, work: is_complete(heap, work, cell, terminal, register, column)))

    def __repr__(self) -> str:
        kind = "nondeterministic " if self.forked is not None else ""
        return (
            f"GrammarAutomaton({self.tables.n_states} {kind}parser states, {self.lexer.n_states} lexer states so far)"
        )


def _roles(grammar: Grammar) -> tuple[IntArray, IntArray]:
    roles = np.zeros(grammar.n_terminals + 1, dtype=np.int32)
    for terminal in grammar.ignore:
        roles[terminal] |= grammar_heap.IGNORED
    rules = grammar.indentation
    if rules is None:
        return roles, np.array([-1, -1, -1, 0], dtype=np.int32)
    roles[rules.newline] |= grammar_heap.NEWLINE
    for terminal in rules.opening:
        roles[terminal] |= grammar_heap.OPEN
    for terminal in rules.closing:
        roles[terminal] |= grammar_heap.CLOSE
    return roles, np.array([rules.newline, rules.indent, rules.dedent, rules.tab_length], dtype=np.int32)


def _new_work(n_scratch: int, n_threads: int, is_forked: bool) -> IntArray:
    at = grammar_heap.SCRATCH_AT + 2 * n_scratch
    ways = at + 5 * n_threads
    room = grammar_heap.WAYS_ROOM + n_scratch if is_forked else 0
    work: IntArray = np.empty(ways + room, dtype=np.int32)
    work[: grammar_heap.PATH] = 0
    work[grammar_heap.SHIFT_MEMO : grammar_heap.WORDS] = 0
    work[grammar_heap.SCRATCH_CAPACITY] = n_scratch
    work[grammar_heap.THREADS] = at
    work[grammar_heap.THREAD_CAPACITY] = n_threads
    work[grammar_heap.FORKED_AT] = ways
    return work
