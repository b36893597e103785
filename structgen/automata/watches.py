"""Conditions on text still to come: automaton runs that must match, or must never match.

Two things create them. A lookahead that the byte behind it leaves open is guessed and its
pattern run along: the guess dies if the run contradicts it. And where a lexeme ends although a longer one is
still possible, the longer run goes along as one that must never match, because the lexer
would have preferred it.

A condition is an interned set of (must match, lexer state); 0 is the empty set. Steps are
filled on first use, a row of 256 per set.
"""

from __future__ import annotations

from typing import Protocol

from structgen.automata.table_heap import TableHeap
from structgen.errors import LimitError, UnsupportedError
from structgen.kernels import grammar_heap

__all__ = ["BROKEN", "Watches"]

UNFILLED, BROKEN = -1, -2
Runs = frozenset[tuple[bool, int]]
MAX_SETS = 50_000
_OPEN = [-1] * 256


class _Automaton(Protocol):
    heap: TableHeap

    def expand(self, state: int) -> None: ...
    def ended(self, state: int, byte: int = 256) -> int: ...
    def endings(self, code: int) -> list[tuple[int, int]]: ...
    def fork(self, code: int) -> list[tuple[int, int]]: ...


class Watches:
    """Sets of watched runs: section ``watch_step`` (n, 256)."""

    def __init__(self, automaton: _Automaton, room: int) -> None:
        self.automaton = automaton
        self._ids: dict[Runs, int] = {}
        self._sets: list[Runs] = []
        self._joined: dict[tuple[int, int], int] = {}
        self._at_end: list[bool | None] = []
        automaton.heap.add("watch_step", grammar_heap.WATCH_STEP, room, 256, used=lambda: len(self._sets))
        self._intern(frozenset())
        automaton.heap["watch_step"][0] = 0

    def of_runs(self, runs: Runs) -> int:
        """The set of the given (must match, lexer state)."""
        return self._intern(runs)

    def never(self, code: int) -> int:
        """The set that forbids the run at ``code`` (a state or fork) to match; ``BROKEN`` if it does already."""
        runs = self._forbidden(code)
        return BROKEN if runs is None else self._intern(runs)

    def _forbidden(self, code: int) -> Runs | None:
        """Runs under which ``code`` neither matches here nor later; None where it surely matches here.

        An alternative of a fork that matches only under a condition is forbidden by the
        opposite of its condition. (If that is several lookaheads, as if it surely matched.)
        """
        runs: set[tuple[bool, int]] = set()
        for state, condition in self.automaton.fork(code):
            if not state:
                continue
            if self.automaton.heap["accepts"][state] >= 0 and code < 0:
                conditions = self._sets[condition]
                if len(conditions) != 1:
                    return None
                ((must, look),) = conditions
                runs.add((not must, look))
            runs.add((False, state))
        return frozenset(runs)

    def join(self, one: int, other: int) -> int:
        """Both conditions."""
        if BROKEN in (one, other):
            return BROKEN
        if not one or not other:
            return one or other
        key = (one, other)
        if key not in self._joined:
            self._joined[key] = self._intern(self._sets[one] | self._sets[other])
        return self._joined[key]

    def fill(self, watch: int) -> None:
        """Fill the row of ``watch``."""
        automaton = self.automaton
        runs = list(self._sets[watch])
        for _, state in runs:
            if automaton.heap["delta"][state, 0] == UNFILLED:
                automaton.expand(state)
        rows = [automaton.heap["delta"][state].tolist() for _, state in runs]
        rows += [self._ends(state) for _, state in runs]
        keys = list(zip(*rows, strict=True))
        n, memo = len(runs), {}
        for key in dict.fromkeys(keys):
            memo[key] = self._after(runs, key[:n], key[n:])
        automaton.heap["watch_step"][watch] = [memo[key] for key in keys] if rows else 0

    def _ends(self, state: int) -> list[int]:
        """How a lexeme in ``state`` ends before each byte, where that depends on it."""
        if self.automaton.heap["accepts"][state] >= -1:
            return _OPEN
        return [self.automaton.ended(state, byte) for byte in range(256)]

    def _after(self, runs: list[tuple[bool, int]], codes: tuple[int, ...], ends: tuple[int, ...]) -> int:
        """The set behind a byte, by where each run goes and how it may have ended before the byte."""
        left: set[tuple[bool, int]] = set()
        for (must, _), code, end in zip(runs, codes, ends, strict=True):
            states = [state for state in self._states(code) if state]
            matched = any(self.automaton.heap["accepts"][state] >= 0 for state in states)
            if not must:
                ended = self._unended(end)
                forbidden = None if matched and code >= 0 else self._forbidden(code)
                if forbidden is None or ended is None:
                    return BROKEN
                left |= forbidden | ended
            elif not matched and end < 0:
                found = self._still_wanted(states, end)
                if found is None:
                    return BROKEN
                left |= found
        return self._intern(frozenset(left))

    def _still_wanted(self, states: list[int], end: int) -> Runs | None:
        """Runs under which a lookahead comes true that goes on in ``states``, or may have come true as ``end`` says.

        Raises
        ------
        UnsupportedError : either may come true, which runs that must all match cannot say
        """
        endings = self.automaton.endings(end)
        if not endings:
            return frozenset((True, state) for state in states) if states else None
        if states or len(endings) > 1:
            raise UnsupportedError("a lookahead within a lookahead is open for too long", keyword="nested lookahead")
        return self._sets[endings[0][1]]

    def _unended(self, end: int) -> Runs | None:
        """Runs under which a lexeme has not ended as ``end`` says (see ``Lexer.endings``); None where it surely has."""
        runs: set[tuple[bool, int]] = set()
        for _, watch in self.automaton.endings(end):
            conditions = self._sets[watch]
            if len(conditions) != 1:
                return None
            ((must, look),) = conditions
            runs.add((not must, look))
        return frozenset(runs)

    def at_end(self, watch: int) -> bool:
        """Whether the text may end: nothing must still match, nothing matches now that must not."""
        known = self._at_end[watch]
        if known is None:
            known = all(must == (self.automaton.ended(state) >= 0) for must, state in self._sets[watch])
            self._at_end[watch] = known
        return known

    def _states(self, code: int) -> list[int]:
        return [state for state, _ in self.automaton.fork(code)]

    def _intern(self, runs: Runs) -> int:
        known = self._ids.get(runs)
        if known is not None:
            return known
        if len(self._sets) >= MAX_SETS:
            raise LimitError("too many lookaheads are open at once", what="watched runs", limit=MAX_SETS)
        watch = self._ids[runs] = len(self._sets)
        self._sets.append(runs)
        self.automaton.heap.ensure("watch_step", watch + 1)
        self.automaton.heap["watch_step"][watch] = UNFILLED
        self._at_end.append(None)
        return watch
