"""Short completions of a grammar with islands: the grammar's own search, with islands as lexemes."""

from __future__ import annotations

import heapq
from typing import Any

from structgen.automata.grammar.complete import MOST_STEPS, Completer
from structgen.errors import LimitError
from structgen.masks.grammar_budget import GrammarBudget

__all__ = ["IslandBudget", "IslandCompleter", "Step"]

Step = bytes | int
"""Bytes, or a special token."""


class IslandCompleter(Completer):
    """``steps(config)`` of an ``IslandMachine``."""

    def __init__(self, machine: Any) -> None:
        super().__init__(machine.automaton)
        self._machine = machine

    def widths(self) -> dict[int, int]:
        """Least bytes of each island."""
        machine = self._machine
        return {
            terminal: len(island.machine.shortest_completion(island.machine.start()))
            for terminal, island in machine.islands.items()
        }

    def steps(self, config: Any) -> tuple[Step, ...]:
        """A completion of ``config``; empty where it is accepting."""
        machine = self._machine
        queue: list[tuple[float, int, tuple[Step, ...], Any]] = [(0.0, 0, (), config)]
        seen: set[Any] = set()
        count = 0
        while queue:
            _, _, done, places = heapq.heappop(queue)
            if places in seen:
                continue
            seen.add(places)
            if machine.is_accepting(places):
                return done
            if len(seen) > MOST_STEPS:
                break
            length = sum(len(step) if isinstance(step, bytes) else 1 for step in done)
            for step, estimate in self._steps_from(places).items():
                after = machine.advance(places, step) if isinstance(step, int) else machine.advance_bytes(places, step)
                if after is not None and after not in seen:
                    count += 1
                    heapq.heappush(queue, (length + estimate, count, (*done, step), after))
        raise LimitError("no completion was found", what="completion steps", given=len(seen), limit=MOST_STEPS)

    def _steps_from(self, places: Any) -> dict[Step, float]:
        from structgen.masks.island_machine import INSIDE, PLAIN

        machine, found = self._machine, dict[Step, float]()
        for place in places:
            if place[0] == INSIDE:
                inner = machine.islands[place[1]].machine
                word = inner.shortest_completion(place[4])
                if word:
                    _keep(found, word, len(word) + self.costs.of(place[2]))
            for cell, register, state in machine.shores(place):
                self._islands_at(cell, state, found)
                if place[0] != PLAIN:
                    for word, need in self._moves(machine.threads(cell, register)):
                        _keep(found, word, need)
            if place[0] == PLAIN:
                for word, need in self._moves(place[1]):
                    _keep(found, word, need)
        return found

    def _islands_at(self, cell: int, state: int, found: dict[Step, float]) -> None:
        """Islands that may begin on ``cell`` behind a lexeme in ``state``, an ignored one between where it must."""
        machine, words = self._machine, self.words_of(cell, state)
        gap = min((words[t] for t in self.automaton.grammar.ignore if t in words), key=len, default=None)
        for terminal, island in machine.islands.items():
            behind = machine.shifted(cell, terminal)
            if behind < 0:
                continue
            word = island.machine.shortest_completion(island.machine.start())
            need = len(word) + self.costs.of(behind)
            if word and not machine.reads_on(state, word[0]):
                _keep(found, word, need)
            elif word and gap is not None:
                _keep(found, gap + word, need + len(gap))
        for token, terminals in machine.specials.items():
            behinds = [machine.shifted(cell, terminal) for terminal in terminals]
            needs = [self.costs.of(behind) for behind in behinds if behind >= 0]
            if needs:
                _keep(found, token, 1 + min(needs))


class IslandBudget(GrammarBudget):
    """``GrammarBudget`` whose completions may hold special tokens."""

    def spell(self, config: Any) -> tuple[int, ...]:
        vocabulary, found, text = self._machine.vocabulary, list[int](), b""
        for step in (*self._completer.steps(config), -1):
            if isinstance(step, bytes):
                text += step
                continue
            found += vocabulary.encode_fewest(text) if text else []
            text = b""
            if step >= 0:
                found.append(step)
        return tuple(found)


def _keep(found: dict[Step, float], step: Step, need: float) -> None:
    found[step] = min(found.get(step, need), need)
