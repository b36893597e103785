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

import numpy as np

from structgen.dtypes import IntArray
from structgen.errors import LimitError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["BROKEN", "Watches"]

UNFILLED, BROKEN = -1, -2
Runs = frozenset[tuple[bool, int]]
MAX_SETS = 50_000


class _Automaton(Protocol):
    delta: IntArray
    accepts: IntArray
    fork_start: IntArray
    fork_state: IntArray

    def expand(self, state: int) -> None: ...
    def watch_start(self, look: int) -> int: ...


class Watches:
    """Sets of watched runs: ``step`` (n, 256) int32 with ``UNFILLED`` and ``BROKEN``; ``at_end`` (n,) bool."""

    def __init__(self, automaton: _Automaton) -> None:
        self.automaton = automaton
        self._ids: dict[Runs, int] = {}
        self._sets: list[Runs] = []
        self._joined: dict[tuple[int, int], int] = {}
        self.step = np.full((8, 256), UNFILLED, dtype=np.int32)
        self.at_end = np.ones(8, dtype=np.bool_)
        self._intern(frozenset())
        self.step[0] = 0

    def of_guesses(self, guesses: Iterable[tuple[bool, int]]) -> int:
        """The set that watches lookaheads from their start; ``BROKEN`` if one is already decided against."""
        runs = set()
        for holds, look in guesses:
            state = self.automaton.watch_start(look)
            if state == 0 or self.automaton.accepts[state] >= 0:
                if holds != (state != 0):
                    return BROKEN
            else:
                runs.add((holds, state))
        return self._intern(frozenset(runs))

    def never(self, code: int) -> int:
        """The set that forbids the run at ``code`` (a state or fork) to match."""
        return self._intern(frozenset((False, state) for state in self._states(code) if state))

    def join(self, one: int, other: int) -> int:
        """Both conditions."""
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
            if automaton.delta[state, 0] == UNFILLED:
                automaton.expand(state)
        rows = [(must, automaton.delta[state].tolist()) for must, state in self._sets[watch]]
        memo: dict[tuple[int, ...], int] = {}
        row = []
        for byte in range(256):
            key = tuple(codes[byte] for _, codes in rows)
            if key not in memo:
                memo[key] = self._after([(must, codes[byte]) for must, codes in rows])
            row.append(memo[key])
        self.step[watch] = row

    def _after(self, runs: list[tuple[bool, int]]) -> int:
        left = set()
        for must, code in runs:
            states = [state for state in self._states(code) if state]
            matched = any(self.automaton.accepts[state] >= 0 for state in states)
            if matched and not must:
                return BROKEN
            if matched:
                continue
            if must and not states:
                return BROKEN
            left |= {(must, state) for state in states}
        return self._intern(frozenset(left))

    def _states(self, code: int) -> list[int]:
        if code >= 0:
            return [code]
        fork = -2 - code
        first, last = self.automaton.fork_start[fork : fork + 2]
        return [int(state) for state in self.automaton.fork_state[first:last]]

    def _intern(self, runs: Runs) -> int:
        known = self._ids.get(runs)
        if known is not None:
            return known
        if len(self._sets) >= MAX_SETS:
            raise LimitError("too many lookaheads are open at once", what="watched runs", limit=MAX_SETS)
        watch = self._ids[runs] = len(self._sets)
        self._sets.append(runs)
        if watch >= len(self.step):
            self.step = np.concatenate([self.step, np.full_like(self.step, UNFILLED)])
            self.at_end = np.concatenate([self.at_end, np.ones_like(self.at_end)])
        self.at_end[watch] = not any(must for must, _ in runs)
        return watch
