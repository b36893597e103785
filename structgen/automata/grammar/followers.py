"""Which terminals come next in the shortest completions of a grammar's stacks."""

from __future__ import annotations

from structgen.ir.grammar import Grammar
from structgen.ir.passes import least_costs

__all__ = ["Followers"]

AVOIDED = 1000.0
"""Terminals that one is worth which is avoided."""


class Followers:
    """Terminals that come next in the shortest completions: what is missing of each rule, in fewest terminals.

    Those ``avoided`` are taken where nothing else will do.
    """

    def __init__(self, grammar: Grammar, avoided: frozenset[int] = frozenset()) -> None:
        self.grammar = grammar
        costs = {t: AVOIDED if t in avoided else 1.0 for t in range(grammar.n_terminals)}
        _, best = least_costs(grammar.productions, costs)
        self._first: dict[int, int | None] = {t: t for t in range(grammar.n_terminals)}
        for left in best:  # those that others are made of come first
            self._first[left] = self._first_of(best[left].rhs)
        self._found: dict[int, set[int]] = {}
        self._ends: dict[int, set[int]] = {}
        for production in grammar.productions:
            for at, symbol in enumerate(production.rhs):
                if at == 0 and symbol == production.lhs:
                    continue  # a list may go on, but need not: what wanted the list is open, too
                following = self._first_of(production.rhs[at + 1 :])
                if following is None:
                    self._ends.setdefault(symbol, set()).add(production.lhs)
                else:
                    self._found.setdefault(symbol, set()).add(following)
        self._found.setdefault(grammar.start, set()).add(grammar.n_terminals)
        first = self.first = self._first[grammar.start]
        self.all: set[int] = set().union(*self._found.values(), [] if first is None else [first])

    def _first_of(self, symbols: tuple[int, ...]) -> int | None:
        return next((first for symbol in symbols if (first := self._first.get(symbol)) is not None), None)

    def of(self, terminal: int) -> set[int]:
        """Those behind ``terminal``, whatever it is the end of."""
        found: set[int] = set()
        seen, todo = {terminal}, [terminal]
        while todo:
            symbol = todo.pop()
            found |= self._found.get(symbol, set())
            fresh = self._ends.get(symbol, set()) - seen
            seen |= fresh
            todo += fresh
        return found
