"""A small lexer explored to its end: can each terminal that still seems possible be reached, and end?

Behind each text the lexer is at some places, one for each guess about what follows. All texts
that lead to the same places are one node of a graph; from a node, a terminal is reached
where some path leads to an end of it whose conditions the next characters can settle.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np

from structgen.automata.grammar.lexeme_ends import LexemeEnds, Place
from structgen.automata.grammar.shapes import BEYOND_ASCII, THE_END
from structgen.automata.lexer import Lexer

__all__ = ["Exploration"]

MAX_EXPLORED = 400


class Exploration:
    """``may_come`` gives lists of sets of characters for a terminal: each set of some list must fit behind it."""

    def __init__(self, lexer: Lexer, may_come: Callable[[int], list[list[int]]]) -> None:
        self.lexer = lexer
        self.ends = LexemeEnds(lexer)
        self.may_come = may_come
        self._families: dict[int, frozenset[int]] = {}

    def first(self, terminal: int) -> int:
        """ASCII characters, as bits, that ``terminal`` alone may begin with."""
        lexer, found = self.lexer, 0
        for state, _ in lexer.fork(lexer.context(frozenset({terminal}))):
            if state:
                row = self.ends.codes(state)[:128] != 0
                found |= int.from_bytes(np.packbits(row, bitorder="little").tobytes(), "little")
        return found

    def is_sound(self, context: frozenset[int]) -> bool:
        """Whether, behind each text, each terminal that some place follows is reached from one of the places."""
        lexer = self.lexer
        start = frozenset((state, watch) for state, watch in lexer.fork(lexer.context(context)) if state)
        before: dict[frozenset[Place], list[frozenset[Place]]] = {start: []}
        reached: dict[frozenset[Place], set[int]] = {}
        todo = deque([start])
        while todo:
            places = todo.popleft()
            if len(reached) > MAX_EXPLORED:
                return False
            reached[places] = set().union(*map(self._ended, places))
            for following in self._successors(places):
                if following not in before:
                    before[following] = []
                    todo.append(following)
                before[following].append(places)
        _spread(reached, before)
        if not context <= reached[start]:
            return False
        return all(self._family(state) <= found for places, found in reached.items() if places != start
                   for state, _ in places)  # fmt: skip

    def _family(self, state: int) -> frozenset[int]:
        heap = self.lexer.heap
        family = int(heap["family"][state])
        found = self._families.get(family)
        if found is None:
            first, last = heap["family_start"][family : family + 2].tolist()
            found = self._families[family] = frozenset(heap["family_terminals"][first:last].tolist())
        return found

    def _ended(self, place: Place) -> set[int]:
        """The terminals that a lexeme may end as here, so that what comes next can settle all conditions."""
        found = set[int]()
        if self.lexer.heap["accepts"][place[0]] == -1:
            return found
        for terminal, condition in self.ends.ends(place):
            row = self.ends.rows[condition]
            settled = int.from_bytes(np.packbits(row[:128] == 0, bitorder="little").tobytes(), "little")
            settled |= BEYOND_ASCII if not row[0xC2:0xF5].any() else 0
            settled |= THE_END if self.ends.at_end[condition] else 0
            if any(all(settled & wanted for wanted in choice) for choice in self.may_come(terminal)):
                found.add(terminal)
        return found

    def _successors(self, places: frozenset[Place]) -> set[frozenset[Place]]:
        """The places behind each byte."""
        one_of_each = self.ends.one_of_each
        if len(places) == 1:
            ((state, watch),) = places
            if not watch:
                codes = set(self.ends.codes(state)[one_of_each].tolist())
                found = {frozenset(self.ends.behind(code, 0) if code < 0 else ((code, 0),)) for code in codes if code}
                return found - {frozenset()}
        ordered = list(places)
        rows = [row for state, watch in ordered for row in (self.ends.delta(state), self.ends.steps(watch))]
        found = {
            frozenset(
                place
                for code, watch in zip(column[::2], column[1::2], strict=True)
                for place in self.ends.behind(code, watch)
            )
            for column in set(zip(*(row[one_of_each].tolist() for row in rows), strict=True))
        }
        return found - {frozenset()}


def _spread(reached: dict[frozenset[Place], set[int]], before: dict[frozenset[Place], list[frozenset[Place]]]) -> None:
    """Add to what is reached from places what is reached from those behind them."""
    todo = [places for places, found in reached.items() if found]
    while todo:
        places = todo.pop()
        found = reached[places]
        for earlier in before[places]:
            if not found <= reached[earlier]:
                reached[earlier] |= found
                todo.append(earlier)
