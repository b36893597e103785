"""The items that may follow in an array whose items are compared, for searching.

Asking the next item to differ from the values so far would be one goal more, but another goal after every
value: contexts would multiply with the values that a search, or the trial of a token, comes by. So a search asks
for items as if nothing were compared, which needs few contexts, and compares at the end. Per verdict there are two
items to go on with: a value that has come already, and one that has not. The latter is looked up in a *chain*:
the shortest value with the verdict, the shortest but for that one, and so on. The first link that has not come is a
shortest value that differs from all that have, and chains are shared by all arrays that ask for the same.

Where it is only asked whether enough values are left, variants of one value, judged, mostly say so: of an object with a
text in it there are as many as texts, and each link of its chain is a search.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import count, islice
from typing import TYPE_CHECKING, Any

from structgen.automata.document.comparing import is_long
from structgen.automata.document.contexts import MUST
from structgen.automata.document.guess import NO_GUESS, text_of
from structgen.automata.document.judge import canonical, parsed, value_of
from structgen.ir.formulas import FALSE, Formula, conjunction, negation

if TYPE_CHECKING:
    from structgen.automata.document.arrays import ArrayState
    from structgen.automata.document.automaton import DocumentAutomaton

__all__ = ["DistinctItems"]

MOST_LINKS = 24
"""Values of a chain; where all have come, the next one is asked to differ from what came, not from the chain."""
MOST_VERDICTS = 4096
"""Verdicts of values that have come, remembered before starting over."""
MOST_VARIANTS = 64
"""Variants of a guessed value that are tried before values are searched for."""
_TEXTS, _NUMBERS = ("a", "b", "c", "d", "e", "f"), range(6)

Goals = tuple[Formula, ...]


@lru_cache(1024)
def canonical_of(text: bytes) -> str:
    """The canonical text of a JSON text."""
    return canonical(parsed(text))


class DistinctItems:
    """Items to go on with in arrays that compare their items, for one automaton."""

    def __init__(self, automaton: DocumentAutomaton) -> None:
        self._automaton = automaton
        self._chains: dict[tuple[tuple[int, ...], int], list[tuple[bytes, str]]] = {}
        self._verdicts: dict[tuple[tuple[int, ...], str], tuple[bytes, int]] = {}

    def steps(self, state: ArrayState) -> Iterator[tuple[bytes, ArrayState]]:
        """(text, state) after one more item: per verdict one that has come already, and one that has not."""
        arrays = self._automaton.arrays
        step = arrays.asked(state, compares=False)
        if step is None:
            return
        after, item = step
        must = state.shape.context.accepts is None
        seen: set[int] = set()
        for text in state.kept:
            if is_long(text):
                continue  # no value context tells it from others, so it cannot be asked for
            raw, label = self._verdict(item.goals, text)
            found = None if label in seen else arrays.after_verdict(after, item, label)
            if found is not None:
                seen.add(label)
                found = arrays.keeping(found, text)
                if not (must and found.forms[0] is FALSE):
                    yield raw, found
        for label in list(self._shortest(item.goals)):
            found = arrays.after_verdict(after, item, label)
            other = None if found is None else self.other(item.goals, label, state.kept)
            if found is not None and other is not None:
                yield other, arrays.keeping(found, canonical_of(other))

    def some(self, goals: Goals, label: int, kept: tuple[str, ...], n: int) -> Iterator[str]:
        """Canonical texts of up to ``n`` values with a verdict that are not among ``kept``."""
        for _ in range(n):
            text = self.other(goals, label, kept)
            if text is None:
                return
            found = canonical_of(text)
            yield found
            kept = (*kept, found)

    def are_several(self, goal: Formula, kept: tuple[str, ...], n: int) -> bool:
        """Whether variants of a guessed value show that ``n`` values besides ``kept`` satisfy ``goal``; else False."""
        value = self._automaton.guesser.value(goal)
        if value is NO_GUESS:
            return False
        found: set[str] = set()
        for other in islice(_variants(value), MOST_VARIANTS):
            text = canonical_of(text_of(other))
            if text not in kept and self._automaton.witness.judge.holds(goal, other):
                found.add(text)
                if len(found) == n:
                    return True
        return False

    def other(self, goals: Goals, label: int, kept: tuple[str, ...]) -> bytes | None:
        """A short value with verdict ``label`` on ``goals`` that is not among ``kept``."""
        key = tuple(goal.uid for goal in goals), label
        chain = self._chains.get(key)
        if chain is None:
            first = self._shortest(goals).get(label)
            if first is None:
                first = self._beyond(goals, label, ())
            if first is None:
                return None
            chain = self._chains[key] = [(first, canonical_of(first))]
        come = frozenset(kept)
        for link in count():
            if link == len(chain):
                if link == MOST_LINKS:
                    break
                text = self._beyond(goals, label, tuple(value for _, value in chain))
                if text is None:
                    return None
                chain.append((text, canonical_of(text)))
            if chain[link][1] not in come:
                return chain[link][0]
        found = self._beyond(goals, label, tuple(text for text in kept if not is_long(text)))
        return None if found is not None and canonical_of(found) in come else found

    def _shortest(self, goals: Goals) -> dict[int, bytes]:
        """A text per verdict."""
        witness = self._automaton.witness
        if len(goals) > 1:
            return witness.aimed_outcomes(goals)
        value = self._automaton.contexts.must(goals[0])
        return witness.outcomes(value) if value else {}

    def _beyond(self, goals: Goals, label: int, values: tuple[str, ...]) -> bytes | None:
        """A text with a verdict that equals none of some values; None where there is none."""
        vector = self._automaton.contexts.vectors[label]
        aims = [goal if holds else negation(goal) for goal, holds in zip(goals, vector, strict=True)]
        differs = negation(self._automaton.constants(tuple(sorted(values))))
        value = self._automaton.contexts.must(conjunction([*aims, differs]))
        if not value:
            return None
        if len(goals) > 1:
            return self._automaton.some_text(value)
        return self._automaton.witness.outcomes(value).get(MUST)

    def _verdict(self, goals: Goals, text: str) -> tuple[bytes, int]:
        """The JSON text of a value that has come, and its verdict."""
        key = tuple(goal.uid for goal in goals), text
        found = self._verdicts.get(key)
        if found is None:
            if len(self._verdicts) >= MOST_VERDICTS:
                self._verdicts.clear()
            raw = text_of(value_of(text))
            label = self._automaton.contexts.label(self._automaton.witness.judge.verdicts(goals, raw))
            found = self._verdicts[key] = raw, label
        return found


def _variants(value: Any) -> Iterator[Any]:
    """Values that differ from ``value`` in one text or number, or by a member."""
    if isinstance(value, str):
        yield from _TEXTS
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from ({**value, name: other} for other in _variants(inner))
        yield from ({**value, name: name} for name in _TEXTS)
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from ([*value[:place], other, *value[place + 1 :]] for other in _variants(inner))
        yield from ([*value, text] for text in _TEXTS)
    elif value is not None and not isinstance(value, bool):
        yield from _NUMBERS
