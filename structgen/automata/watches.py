"""Conditions on text still to come: automaton runs that must match, or must never match.

Two things create them. A lookahead is guessed where it stands and its pattern run along:
the guess dies if the run contradicts it. And where a lexeme ends although a longer one is
still possible, the longer run goes along as one that must never match, because the lexer
would have preferred it.

A condition is an interned set of (must match, lexer state); 0 is the empty set. Steps are
filled on first use, a row of 256 per set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from structgen.automata.table_heap import TableHeap
from structgen.errors import LimitError
from structgen.kernels import pushdown

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["BROKEN", "Watches"]

UNFILLED, BROKEN = -1, -2
Runs = frozenset[tuple[bool, int]]
MAX_SETS = 50_000


class _Automaton(Protocol):
    heap: TableHeap

    def expand(self, state: int) -> None: ...
    def watch_start(self, look: int) -> int: ...
    def fork(self, code: int) -> list[tuple[int, int]]: ...


class Watches:
    """Sets of watched runs: section ``watch_step`` (n, 256); ``at_end[n]``: nothing must still match."""

    def __init__(self, automaton: _Automaton) -> None:
        self.automaton = automaton
        self._ids: dict[Runs, int] = {}
        self._sets: list[Runs] = []
        self._joined: dict[tuple[int, int], int] = {}
        self.at_end: list[bool] = []
        automaton.heap.add("watch_step", pushdown.WATCH_STEP, 32, 256, UNFILLED)
        self._intern(frozenset())
        automaton.heap["watch_step"][0] = 0

    def of_guesses(self, guesses: Iterable[tuple[bool, int]]) -> int:
        """The set that watches lookaheads from their start; ``BROKEN`` if one is already decided against."""
        runs = set()
        for holds, look in guesses:
            state = self.automaton.watch_start(look)
            if state == 0 or self.automaton.heap["accepts"][state] >= 0:
                if holds != (state != 0):
                    return BROKEN
            else:
                runs.add((holds, state))
        return self._intern(frozenset(runs))

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
        for _, state in self._sets[watch]:
            if automaton.heap["delta"][state, 0] == UNFILLED:
                automaton.expand(state)
        musts = [must for must, _ in self._sets[watch]]
        rows = [automaton.heap["delta"][state].tolist() for _, state in self._sets[watch]]
        memo: dict[tuple[int, ...], int] = {}
        row = []
        for codes in zip(*rows, strict=True) if rows else ():
            if codes not in memo:
                memo[codes] = self._after(list(zip(musts, codes, strict=True)))
            row.append(memo[codes])
        automaton.heap["watch_step"][watch] = row if rows else 0

    def _after(self, runs: list[tuple[bool, int]]) -> int:
        left: set[tuple[bool, int]] = set()
        for must, code in runs:
            states = [state for state in self._states(code) if state]
            matched = any(self.automaton.heap["accepts"][state] >= 0 for state in states)
            if not must:
                forbidden = None if matched and code >= 0 else self._forbidden(code)
                if forbidden is None:
                    return BROKEN
                left |= forbidden
            elif not matched and not states:
                return BROKEN
            elif not matched:
                left |= {(must, state) for state in states}
        return self._intern(frozenset(left))

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
        self.at_end.append(not any(must for must, _ in runs))
        return watch
