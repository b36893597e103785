"""How the lexer goes on and where lexemes end, with the conditions that run along, byte by byte.

A *condition* is what stands for the text behind an ended lexeme before the next byte is read: a
row with the watched runs behind each byte (``BROKEN`` where the byte is out of the question), and
whether the text may end. It is read off the tables just as ``kernels.pushdown.step`` does.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from structgen.automata.lexer import UNKNOWN, Lexer
from structgen.automata.watches import BROKEN
from structgen.dtypes import IntArray
from structgen.kernels.lexer import CONDITIONAL

__all__ = ["FREE", "LexemeEnds", "Place"]

Place = tuple[int, int]
"""(lexer state, watched runs)."""
Row = npt.NDArray[np.int64]
AHEAD = 20
"""States expanded beyond the one that is asked for."""
FREE = 0
"""The condition that stands for nothing."""


class LexemeEnds:
    """Places of one lexer; ``rows[c]`` and ``at_end[c]`` are condition c."""

    def __init__(self, lexer: Lexer) -> None:
        self.lexer = lexer
        self.rows: list[Row] = []
        self.at_end: list[bool] = []
        self._ids: dict[tuple[bytes, bool], int] = {}
        self._n_nodes = -1
        self._intern(np.zeros(256, dtype=np.int64), True)

    @property
    def one_of_each(self) -> npt.NDArray[np.intp]:
        """One byte of each class that no terminal tells apart, digits and letters first."""
        self._classify()
        return self._one_of_each

    @property
    def class_of(self) -> npt.NDArray[np.intp]:
        """(256,) intp: for each byte the index in ``one_of_each``."""
        self._classify()
        return self._class_of

    def _classify(self) -> None:
        """Terminals may have been added to the lexer since the last time."""
        if self._n_nodes != len(self.lexer.nfa.kind):
            self._n_nodes = len(self.lexer.nfa.kind)
            classes = self.lexer.byte_classes()
            first = np.unique(classes[_ORDER], return_index=True)[1]
            self._one_of_each = _ORDER[np.sort(first)]
            self._class_of = np.argsort(np.argsort(first))[classes]

    def _intern(self, row: Row, at_end: bool) -> int:
        key = (row.tobytes(), at_end)
        known = self._ids.get(key)
        if known is None:
            known = self._ids[key] = len(self.rows)
            self.rows.append(row)
            self.at_end.append(at_end)
        return known

    def delta(self, state: int) -> Row:
        """The codes that ``state`` goes to."""
        return self.codes(state).astype(np.int64)

    def codes(self, state: int) -> IntArray:
        """The same as they lie in the lexer's tables, until more states are made."""
        row: IntArray = self.lexer.heap["delta"][state]
        if row[0] == UNKNOWN:
            self.lexer.expand_all([state], AHEAD)
            row = self.lexer.heap["delta"][state]
        return row

    def steps(self, watch: int) -> Row:
        """The watched runs behind each byte."""
        if not watch:
            return self.rows[FREE]
        heap = self.lexer.heap
        if heap["watch_step"][watch, 0] == UNKNOWN:
            self.lexer.watches.fill(watch)
        row: Row = heap["watch_step"][watch].astype(np.int64)
        return row

    def behind(self, code: int, watch: int) -> Iterator[Place]:
        """The places that a code of ``delta`` leads to, under the runs behind its byte."""
        if not code or watch == BROKEN:
            return
        for state, guess in self.lexer.fork(code):
            joined = self.lexer.watches.join(watch, guess)
            if state and joined != BROKEN:
                yield state, joined

    def ends(self, place: Place) -> list[tuple[int, int]]:
        """(terminal, condition) for the ways in which a lexeme may end at ``place``."""
        state, watch = place
        lexer = self.lexer
        if not lexer.may_end(state):
            return []
        bytes_ = self.one_of_each
        ended = self._ended(state)
        columns = zip(*(row[bytes_].tolist() for row in (ended, self.delta(state), self.steps(watch))), strict=True)
        rows: dict[tuple[int, int], Row] = {}
        known: dict[tuple[int, ...], list[tuple[int, int]]] = {}
        for number, column in enumerate(columns):
            if column not in known:
                known[column] = list(self._before(*column))
            seen: dict[int, int] = {}
            for terminal, after in known[column]:
                seen[terminal] = seen.get(terminal, -1) + 1
                row = rows.get((terminal, seen[terminal]))
                if row is None:
                    row = rows[terminal, seen[terminal]] = np.full(len(bytes_), BROKEN, dtype=np.int64)
                row[number] = after
        last = {terminal for terminal, _ in lexer.endings(int(ended[256]))} if lexer.watches.at_end(watch) else set()
        for terminal in last:
            rows.setdefault((terminal, 0), np.full(len(bytes_), BROKEN, dtype=np.int64))
        return [(terminal, self._intern(row[self.class_of], terminal in last)) for (terminal, _), row in rows.items()]

    def _ended(self, state: int) -> Row:
        """How a lexeme ends in ``state`` before each byte, and at the text's end."""
        heap = self.lexer.heap
        accepts = int(heap["accepts"][state])
        if accepts > CONDITIONAL:
            return np.full(257, accepts, dtype=np.int64)
        row: Row = heap["ended"][CONDITIONAL - accepts].astype(np.int64)
        return row

    def _before(self, end: int, code: int, after: int) -> Iterator[tuple[int, int]]:
        """(terminal, watched runs behind the byte) for the ways to end before a byte."""
        lexer = self.lexer
        if lexer.grammar.scannerless:
            code = 0
        if end == -1 or after == BROKEN or (code > 0 and lexer.heap["accepts"][code] >= 0):
            return
        if end >= 0:
            joined = lexer.watches.join(after, lexer.watches.never(code)) if code else after
            if joined != BROKEN:
                yield end, joined
            return
        for terminal, watch in lexer.endings(end):
            joined = lexer.watches.join(after, watch)
            if joined != BROKEN:
                yield terminal, joined


_ORDER = np.array([*range(48, 58), *range(97, 123), *range(65, 91), *range(32, 48), *range(58, 65), *range(91, 97),
                   *range(123, 127), 10, 9, *range(9), *range(11, 32), *range(127, 256)])  # fmt: skip
"""Bytes as one would rather see them in a text."""
