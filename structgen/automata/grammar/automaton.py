"""A grammar as a byte automaton: lexer, LR parser and stacks, filled as they are needed.

It knows no tokenizer: it moves *threads* over bytes (see ``kernels.pushdown``) and says
whether the text so far is complete. Tables are filled lazily: kernels note what they miss,
``run`` fills it and calls again.

Not thread-safe; the machine that owns it holds a lock.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from structgen.automata.grammar.indent import Registers
from structgen.automata.grammar.lalr import LalrTables
from structgen.automata.lexer import UNKNOWN, Lexer
from structgen.dtypes import IntArray
from structgen.errors import LimitError
from structgen.ir.grammar import Grammar
from structgen.kernels import pushdown
from structgen.kernels.pushdown import GrammarTables, GrammarWork

__all__ = ["GrammarAutomaton", "Thread", "Threads"]

Thread = tuple[int, int, int, int, int]
"""(stack cell, lexer state, watched runs, indentation register, column)."""
Threads = tuple[Thread, ...]

MAX_CELLS = 1 << 27
AHEAD = 24
"""States expanded beyond the one that was missed: fewer retries, little waste."""


class Parser(Protocol):
    """What the automaton asks of a nondeterministic parser; see ``glr``."""

    shifts: IntArray

    def fill(self, cell: int, terminal: int) -> None: ...
    def expected(self, state: int) -> frozenset[int]: ...


class GrammarAutomaton:
    """Lexer and parser over bytes; ``parser`` takes the place of ``lalr`` where the grammar is not LALR(1)."""

    def __init__(self, grammar: Grammar, lalr: LalrTables | None, parser: Parser | None = None) -> None:
        self.grammar = grammar
        self.lalr = lalr
        self.parser = parser
        self.lexer = Lexer(grammar, exclusive=lalr is not None)
        self.registers = Registers()
        self.hashed = np.full(1 << 13, -1, dtype=np.int32)
        self.cells = np.zeros((3, 1 << 12), dtype=np.int32)
        self.work = _new_work(1 << 15, 1 << 12)
        self.work.registers[pushdown.N_ARENA] = 1
        self._accepted = lalr.accept_sets() if lalr is not None else None
        n_states = lalr.n_states if lalr is not None else 1
        self._start = np.full(n_states, UNKNOWN, dtype=np.int32)
        self._never = np.full(64, UNKNOWN, dtype=np.int32)
        self._joins: list[tuple[int, int, int]] = []
        self._roles, self._indent = _roles(grammar)
        self._tables: GrammarTables | None = None
        self._generation = 1
        self.n_filled = 0

    @property
    def tables(self) -> GrammarTables:
        """The arrays for the kernels, as they now are."""
        if self._tables is None:
            self._tables = self._collect()
        return self._tables

    def _collect(self) -> GrammarTables:
        lexer, lalr = self.lexer, self.lalr
        if len(self._never) < len(lexer.delta):
            longer = np.full(len(lexer.delta), UNKNOWN, dtype=np.int32)
            longer[: len(self._never)] = self._never
            self._never = longer
        empty2, empty1 = np.zeros((1, 1), dtype=np.int32), np.zeros(1, dtype=np.int32)
        return GrammarTables(
            delta=lexer.delta,
            accepts=lexer.accepts,
            family=lexer.family,
            family_start=lexer.family_start,
            family_terminals=lexer.family_terminals,
            fork_start=lexer.fork_start,
            fork_state=lexer.fork_state,
            fork_watch=lexer.fork_watch,
            watch_step=lexer.watches.step,
            never=self._never,
            joins=np.array(self._joins, dtype=np.int32).reshape(-1, 3),
            start=self._start,
            action=lalr.action if lalr is not None else empty2,
            goto=lalr.goto if lalr is not None else empty2,
            length=lalr.length if lalr is not None else empty1,
            left=lalr.left if lalr is not None else empty1,
            roles=self._roles,
            feed=self.registers.feed,
            feed_count=self.registers.feed_count,
            indent=self._indent,
            cells=self.cells,
            shifts=self.parser.shifts if self.parser is not None else np.full((1, 3), -1, dtype=np.int32),
        )

    def begin(self) -> None:
        """Start a new call's scratch: cells made before are gone."""
        registers = self.work.registers
        registers[pushdown.N_SCRATCH] = 0
        registers[pushdown.LOWEST] = 1 << 30
        self._next_generation()

    def _next_generation(self) -> None:
        self._generation = self._generation + 1 if self._generation < 1 << 30 else 1
        self.work.registers[pushdown.GENERATION] = self._generation

    def run(self, call: Callable[[GrammarTables, GrammarWork], Any]) -> Any:
        """Call a kernel until it missed nothing; its writes must be idempotent."""
        mark = int(self.work.registers[pushdown.N_SCRATCH])
        while True:
            registers = self.work.registers
            registers[pushdown.N_MISSING] = 0
            registers[pushdown.STATUS] = pushdown.OK
            result = call(self.tables, self.work)
            if registers[pushdown.STATUS] == pushdown.FULL:
                self._grow()
            elif registers[pushdown.N_MISSING]:
                for kind, one, other in self.work.missing[: registers[pushdown.N_MISSING]].tolist():
                    self._fill(kind, one, other)
                self._tables = None
            else:
                return result
            self.work.registers[pushdown.N_SCRATCH] = mark
            self._next_generation()

    def _fill(self, kind: int, one: int, other: int) -> None:
        self.n_filled += 1
        if kind == pushdown.ROW:
            self._expand(one)
        elif kind == pushdown.CONTEXT:
            self._start_of(one)
        elif kind == pushdown.WATCH:
            self.lexer.watches.fill(one)
        elif kind == pushdown.NEVER:
            watch = self.lexer.watches.never(one)
            if one >= 0:
                self._never[one] = watch
            else:
                self._joins.append((one, 0, watch))
        elif kind == pushdown.JOIN:
            self._joins.append((one, other, self.lexer.watches.join(one, other)))
        elif kind == pushdown.REGISTER:
            self.registers.fill(one)
        elif self.parser is not None:
            self.parser.fill(one, other)

    def _expand(self, state: int) -> None:
        """Fill the row of ``state``, and of a few states behind it."""
        lexer, todo, done = self.lexer, [state], 0
        while todo and done <= AHEAD:
            at = todo.pop(0)
            if lexer.delta[at, 0] == UNKNOWN:
                lexer.expand(at)
                done += 1
                todo += [int(code) for code in np.unique(lexer.delta[at]) if code > 0]

    def _start_of(self, state: int) -> None:
        if state >= len(self._start):
            longer = np.full(max(state + 1, 2 * len(self._start)), UNKNOWN, dtype=np.int32)
            longer[: len(self._start)] = self._start
            self._start = longer
        self._start[state] = self.lexer.context(self.live_terminals(state))

    def live_terminals(self, state: int) -> frozenset[int]:
        """Terminals the lexer tries in a parser state: those with an action, the ignored, newlines."""
        grammar = self.grammar
        if self._accepted is not None:
            found = set(np.flatnonzero(self._accepted[state]).tolist())
        else:
            assert self.parser is not None
            found = set(self.parser.expected(state))
        found |= grammar.ignore
        if grammar.indentation is not None:
            found.add(grammar.indentation.newline)
        return frozenset(found)

    def start_code(self, state: int) -> int:
        """The code with which lexemes start in a parser state."""
        if state >= len(self._start) or self._start[state] == UNKNOWN:
            self._start_of(state)
            self._tables = None
        return int(self._start[state])

    def expanded(self, state: int) -> IntArray:
        """The successors of a lexer state."""
        if self.lexer.delta[state, 0] == UNKNOWN:
            self._expand(state)
            self._tables = None
        row: IntArray = self.lexer.delta[state]
        return row

    def _grow(self) -> None:
        """Double what may have been too small: scratch, thread rows, arena."""
        old = self.work
        size = old.scratch.shape[1]
        if size > MAX_CELLS >> 3:
            raise LimitError("one token needs too much parsing", what="scratch cells", limit=MAX_CELLS >> 3)
        self.work = _new_work(2 * size, 2 * len(old.threads))
        self.work.scratch[:, :size] = old.scratch
        self.work.threads[: len(old.threads)] = old.threads
        self.work.registers[:] = old.registers
        self.reserve(self.cells.shape[1])

    def reserve(self, n_more: int) -> None:
        """Room for ``n_more`` arena cells."""
        n_arena = int(self.work.registers[pushdown.N_ARENA])
        if n_arena + n_more <= self.cells.shape[1]:
            return
        if n_arena + n_more > MAX_CELLS:
            raise LimitError("the text's stacks need too many cells", what="stack cells", limit=MAX_CELLS)
        cells = np.zeros((3, 2 * (n_arena + n_more)), dtype=np.int32)
        cells[:, :n_arena] = self.cells[:, :n_arena]
        self.cells = cells
        size = len(self.hashed)
        while size < 2 * cells.shape[1]:
            size *= 2
        if size != len(self.hashed):
            self.hashed = np.full(size, -1, dtype=np.int32)
            from structgen.kernels.grammar_walk import rehash

            rehash(self.cells, n_arena, self.hashed)
        self._tables = None

    def start(self) -> Threads:
        """The threads before any byte."""
        parser_state = int(self.cells[0, 0])
        if self._start[parser_state] == UNKNOWN:
            self._start_of(parser_state)
            self._tables = None
        code = int(self._start[parser_state])
        if code == 0:
            return ()
        if code > 0:
            return ((0, code, 0, 0, -1),)
        lexer, fork = self.lexer, -2 - code
        span = range(lexer.fork_start[fork], lexer.fork_start[fork + 1])
        return tuple((0, int(lexer.fork_state[i]), int(lexer.fork_watch[i]), 0, -1) for i in span)

    def advance(self, threads: Threads, data: bytes) -> Threads:
        """The threads after ``data``; none where it cannot be read."""
        from structgen.kernels.grammar_walk import advance, persist

        for at in range(0, len(data), 256):
            part = np.frombuffer(data[at : at + 256], dtype=np.uint8)
            while len(threads) > len(self.work.threads) // 4:
                self._grow()
            rows = np.array(threads, dtype=np.int32).reshape(-1, 5)

            def call(tables: GrammarTables, work: GrammarWork, rows: Any = rows, part: Any = part) -> tuple[int, int]:
                work.threads[: len(rows)] = rows
                low, count = advance(tables, work, part, len(rows))
                return int(low), int(count)

            self.begin()
            low, count = self.run(call)
            if not count:
                return ()
            found = self.work.threads[low : low + count].tolist()
            self.reserve(int(self.work.registers[pushdown.N_SCRATCH]) + 1)
            tables = self.tables
            lasting = [int(persist(tables, self.work, self.hashed, row[0])) for row in found]
            threads = tuple(sorted((cell, *row[1:]) for cell, row in zip(lasting, found, strict=True)))
        return threads

    def is_accepting(self, threads: Threads) -> bool:
        """Whether the text so far is complete."""
        from structgen.kernels.grammar_walk import is_complete

        accepts, at_end = self.lexer.accepts, self.lexer.watches.at_end
        if threads == self.start():
            self.begin()
            return bool(self.run(lambda tables, work: is_complete(tables, work, 0, -1, 0, -1)))
        for cell, state, watch, register, column in threads:
            terminal = int(accepts[state])
            if terminal < 0 or not at_end[watch]:
                continue
            self.begin()
            if self.run(lambda tables, work, c=cell, t=terminal, r=register, n=column: is_complete(tables, work, c, t, r, n)):
                return True
        return False

    def __repr__(self) -> str:
        n_parser = self.lalr.n_states if self.lalr is not None else "nondeterministic"
        return f"GrammarAutomaton({n_parser} parser states, {self.lexer.n_states} lexer states so far)"


def _roles(grammar: Grammar) -> tuple[IntArray, IntArray]:
    roles = np.zeros(grammar.n_terminals + 1, dtype=np.int32)
    for terminal in grammar.ignore:
        roles[terminal] |= pushdown.IGNORED
    rules = grammar.indentation
    if rules is None:
        return roles, np.array([-1, -1, -1, 0], dtype=np.int32)
    roles[rules.newline] |= pushdown.NEWLINE
    for terminal in rules.opening:
        roles[terminal] |= pushdown.OPEN
    for terminal in rules.closing:
        roles[terminal] |= pushdown.CLOSE
    return roles, np.array([rules.newline, rules.indent, rules.dedent, rules.tab_length], dtype=np.int32)


def _new_work(n_scratch: int, n_threads: int) -> GrammarWork:
    memo = pushdown.MEMO
    return GrammarWork(
        scratch=np.zeros((2, n_scratch), dtype=np.int32),
        threads=np.zeros((n_threads, 5), dtype=np.int32),
        offsets=np.zeros(8192, dtype=np.int32),
        path=np.zeros(4096, dtype=np.int32),
        shift_key=np.zeros((memo, 3), dtype=np.int32),
        shift_value=np.zeros(memo, dtype=np.int32),
        check_key=np.zeros((memo, 3), dtype=np.int32),
        check_value=np.zeros(memo, dtype=np.int32),
        missing=np.zeros((256, 3), dtype=np.int32),
        registers=np.zeros(pushdown.N_REGISTERS, dtype=np.int64),
    )
