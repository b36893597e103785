"""How many bytes a stack still needs at least, counted in shortest lexemes.

For a nonterminal, the least bytes of any sentence (Knuth 1977, a fixpoint here). For a
stack, the least over the items on top: what is missing of the item, then whatever the
stack needs once the item's nonterminal stands in its place. The second part lies further
down or on the same level at greater cost, so the recursion ends; it runs on an explicit
stack, because nesting may be deep.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

from structgen.automata.grammar.lalr import LalrTables
from structgen.ir.passes import least_costs

if TYPE_CHECKING:
    from structgen.automata.grammar.automaton import GrammarAutomaton

__all__ = ["StackCosts"]

INFINITE = float("inf")
Place = tuple[int, int]
"""A parser state on top of an arena cell."""


class StackCosts:
    """``of(cell)``: bytes needed, an estimate; of stacks that fork, the least."""

    def __init__(self, automaton: GrammarAutomaton, least: list[int]) -> None:
        self.automaton = automaton
        self._known: dict[Place, float] = {}
        self.tables = automaton.tables
        self._missing: list[list[tuple[float, int, int]]] = []
        self._prepare(self.tables, least)

    def _prepare(self, tables: LalrTables, least: list[int]) -> None:
        """For each state the kernel items: (missing bytes, symbols read, nonterminal)."""
        n = len(least)
        cost, _ = least_costs(tables.productions, {t: float(width) for t, width in enumerate(least)})
        items: list[tuple[float, int, int]] = []
        for production in tables.productions:
            for dot in range(len(production.rhs) + 1):
                missing = sum(cost.get(symbol, INFINITE) for symbol in production.rhs[dot:])
                items.append((missing, dot, production.lhs - n))
        self._missing = [[items[item] for item in kernel] for kernel in tables.kernels]
        finite = [missing for missing, _, _ in items if missing < INFINITE]
        self.step_bound = int(max(finite, default=0)) + 8

    def of(self, cell: int) -> float:
        """Bytes that the stack at ``cell`` needs."""
        automaton = self.automaton
        if cell == 0 and automaton.accepts_empty:
            return 0.0
        return min(self._evaluate(automaton.top(stack)) for stack in automaton.stacks(cell))

    def _evaluate(self, place: Place) -> float:
        """Run ``_cost`` without Python's recursion."""
        running: set[Place] = set()
        stack: list[tuple[Place, Generator[Place, float, float]]] = []
        answer: float | None = None
        asked: Place | None = place
        while True:
            if asked is not None:
                known = self._known.get(asked)
                if known is not None or asked in running:
                    answer, asked = (INFINITE if known is None else known), None
                else:
                    running.add(asked)
                    stack.append((asked, self._cost(asked)))
                    answer, asked = None, None
            if not stack:
                assert answer is not None
                return answer
            top, walk = stack[-1]
            try:
                asked = next(walk) if answer is None else walk.send(answer)
                answer = None
            except StopIteration as stop:
                stack.pop()
                running.discard(top)
                answer = float(stop.value)
                if answer < INFINITE:
                    self._known[top] = answer
                if not stack:
                    return answer

    def _cost(self, place: Place) -> Generator[Place, float, float]:
        state, parent = place
        best = INFINITE
        for missing, read, left in sorted(self._missing[state]):
            if missing >= best:
                break
            if left >= self.tables.goto.shape[1]:
                best = min(best, missing)
                continue
            for base, base_state in self._bases(parent, read - 1):
                below = yield (int(self.tables.goto[base_state, left]), base)
                best = min(best, missing + below)
        return best

    def _bases(self, below: int, n: int) -> list[tuple[int, int]]:
        """(place, parser state) ``n`` steps under ``below``."""
        automaton = self.automaton
        if automaton.forked is not None:
            return automaton.bases(below, n)
        cells = automaton.heap["cells"]
        for _ in range(n):
            below = int(cells[below, 1])
        return [(below, int(cells[below, 0]))]
