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

    def is_sound(self, context: frozenset[int]) -> bool:
        """Whether, behind each text, each terminal that some place follows is reached from one of the places."""
        lexer = self.lexer
        start = frozenset((state, watch) for state, watch in lexer.fork(lexer.context(context)) if state)
        after: dict[frozenset[Place], list[frozenset[Place]]] = {}
        reached: dict[frozenset[Place], set[int]] = {}
        todo = deque([start])
        while todo:
            places = todo.popleft()
            if places in after:
                continue
            if len(after) > MAX_EXPLORED:
                return False
            after[places] = list(self._successors(places))
            reached[places] = set().union(*map(self._ended, places))
            todo.extend(after[places])
        changed = True
        while changed:
            changed = False
            for places, following in after.items():
                size = len(reached[places])
                for other in following:
                    reached[places] |= reached[other]
                changed = changed or len(reached[places]) != size
        if not context <= reached[start]:
            return False
        return all(self._family(state) <= reached[places] for places in after if places != start for state, _ in places)

    def _family(self, state: int) -> set[int]:
        heap = self.lexer.heap
        family = heap["family"][state]
        first, last = heap["family_start"][family : family + 2].tolist()
        return set(heap["family_terminals"][first:last].tolist())

    def _ended(self, place: Place) -> set[int]:
        """The terminals that a lexeme may end as here, so that what comes next can settle all conditions."""
        found = set()
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
        ordered = list(places)
        rows = [row for state, watch in ordered for row in (self.ends.delta(state), self.ends.steps(watch))]
        one_of_each = self.ends.one_of_each
        found = {
            frozenset(
                place
                for code, watch in zip(column[::2], column[1::2], strict=True)
                for place in self.ends.behind(code, watch)
            )
            for column in set(zip(*(row[one_of_each].tolist() for row in rows), strict=True))
        }
        return found - {frozenset()}
