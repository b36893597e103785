"""Conditions on text still to come: automaton runs that must match, or must never match.

Two things create them. A lookahead that the byte behind it leaves open is guessed and its
pattern run along: the guess dies if the run contradicts it. And where a lexeme ends although a longer one is
still possible, the longer run goes along as one that must never match, because the lexer
would have preferred it.

A condition is an interned set of runs; 0 is the empty set. A run is (must match, lexer state, condition): one that
must never match may itself stand under a condition, where the longer lexeme goes on by a guess that is still
open, and then must not match while that holds. Steps are filled on first use, a row of 256 per set.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from structgen.automata.table_heap import TableHeap
from structgen.errors import LimitError, UnsupportedError
from structgen.kernels import grammar_heap

__all__ = ["BROKEN", "Watches"]

UNFILLED, BROKEN = -1, -2
Run = tuple[bool, int, int]
Runs = frozenset[Run]
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

    def of_runs(self, runs: Iterable[tuple[bool, int]]) -> int:
        """The set of the given (must match, lexer state)."""
        return self._intern(frozenset([(must, state, 0) for must, state in runs]))

    def never(self, code: int) -> int:
        """The set that forbids the run at ``code`` (a state or fork) to match; ``BROKEN`` if it does already."""
        runs = self._forbidden(code)
        return BROKEN if runs is None else self._intern(runs)

    def _forbidden(self, code: int, under: int = 0) -> Runs | None:
        """Runs under which ``code`` neither matches here nor later while ``under`` holds; None where it surely does.

        An alternative of a fork stands under its condition, too. Where it matches here, the opposite of that has to
        hold. (If that is several runs, as if it surely matched.)
        """
        runs: set[Run] = set()
        for state, guess in self.automaton.fork(code):
            condition = self.join(under, guess)
            if not state or condition == BROKEN:
                continue
            if self.automaton.heap["accepts"][state] >= 0 and (code < 0 or condition):
                opposite = self._opposite(condition)
                if opposite is None:
                    return None
                runs.add(opposite)
            runs.add((False, state, condition))
        return frozenset(runs)

    def _opposite(self, condition: int) -> Run | None:
        """The run that says that ``condition`` does not hold; None where one run cannot say that."""
        runs = self._sets[condition]
        if len(runs) != 1:
            return None
        ((must, state, under),) = runs
        return None if under else (not must, state, 0)

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
        for _, state, under in runs:
            if automaton.heap["delta"][state, 0] == UNFILLED:
                automaton.expand(state)
            if under and automaton.heap["watch_step"][under, 0] == UNFILLED:
                self.fill(under)
        rows = [automaton.heap["delta"][state].tolist() for _, state, _ in runs]
        rows += [self._ends(state) for _, state, _ in runs]
        rows += [automaton.heap["watch_step"][under].tolist() for _, _, under in runs]
        keys = list(zip(*rows, strict=True))
        n, memo = len(runs), {}
        for key in dict.fromkeys(keys):
            memo[key] = self._after(runs, key[:n], key[n : 2 * n], key[2 * n :])
        automaton.heap["watch_step"][watch] = [memo[key] for key in keys] if rows else 0

    def _ends(self, state: int) -> list[int]:
        """How a lexeme in ``state`` ends before each byte, where that depends on it."""
        if self.automaton.heap["accepts"][state] >= -1:
            return _OPEN
        return [self.automaton.ended(state, byte) for byte in range(256)]

    def _after(
        self, runs: list[Run], codes: tuple[int, ...], ends: tuple[int, ...], conditions: tuple[int, ...]
    ) -> int:
        """The set behind a byte, by where each run goes, how it may have ended before the byte, and its condition."""
        left: set[Run] = set()
        for (must, _, _), code, end, under in zip(runs, codes, ends, conditions, strict=True):
            if under == BROKEN:
                continue
            states = [state for state in self._states(code) if state]
            matched = any(self.automaton.heap["accepts"][state] >= 0 for state in states)
            if not must:
                ended = self._unended(end, under)
                forbidden = None if matched and code >= 0 and not under else self._forbidden(code, under)
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
            return frozenset((True, state, 0) for state in states) if states else None
        if states or len(endings) > 1:
            raise UnsupportedError("a lookahead within a lookahead is open for too long", keyword="nested lookahead")
        return self._sets[endings[0][1]]

    def _unended(self, end: int, under: int) -> Runs | None:
        """Runs under which a lexeme has not ended as ``end`` says (see ``Lexer.endings``); None where it surely has."""
        runs: set[Run] = set()
        for _, watch in self.automaton.endings(end):
            condition = self.join(under, watch)
            if condition == BROKEN:
                continue
            opposite = self._opposite(condition)
            if opposite is None:
                return None
            runs.add(opposite)
        return frozenset(runs)

    def at_end(self, watch: int) -> bool:
        """Whether the text may end: nothing must still match, nothing matches now that must not."""
        known = self._at_end[watch]
        if known is None:
            known = all(
                must == (self.automaton.ended(state) >= 0) or (not must and not self.at_end(under))
                for must, state, under in self._sets[watch]
            )
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
