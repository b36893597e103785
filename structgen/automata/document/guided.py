"""Completing an object with one aim in mind: the quick half of the search for witnesses.

A uniform search over the frames of a large ``anyOf`` has to try every name in every order with
every verdict, although what to do is written in the formula: take one branch of each disjunction, add
what it requires, give each value what the branch asks, and see which verdicts the finished text
has. That is what happens here. It finds most witnesses in as many steps as there are
required names; what it does not find (conflicting branches, unevaluated properties that must
fail) is left to the uniform search.

An aim is carried behind the state's own formulas, so that failures reach it, too.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

from structgen.automata.document.contexts import MUST
from structgen.automata.document.formulas import evaluate
from structgen.automata.document.judge import Judge
from structgen.automata.document.objects import ObjectState
from structgen.automata.document.shortest import quoted
from structgen.ir.document import (
    FALSE,
    TRUE,
    And,
    Assertion,
    CountIs,
    Formula,
    Not,
    OneOf,
    Or,
    Properties,
    PropertyNames,
    Required,
    conjunction,
    negation,
)

if TYPE_CHECKING:
    from structgen.automata.document.automaton import DocumentAutomaton

__all__ = ["Guided", "branches"]

MOST_BRANCHES = 32
MOST_MEMBERS = 200


def branches(formula: Formula) -> Iterator[Formula]:
    """Conjunctions of assertions and negated assertions; together they are equal to ``formula``."""
    kind = type(formula)
    if kind is Or:
        for part in formula.parts:  # type: ignore[attr-defined]
            yield from branches(part)
    elif kind is OneOf:
        parts: tuple[Formula, ...] = formula.parts  # type: ignore[attr-defined]
        for part in parts:
            yield from branches(conjunction([part, *(negation(other) for other in parts if other is not part)]))
    elif kind is And:
        for combination in itertools.product(*(_few(part) for part in formula.parts)):  # type: ignore[attr-defined]
            found = conjunction(combination)
            if found is not FALSE:
                yield found
    elif kind is Not and not isinstance(formula.part, Assertion):  # type: ignore[attr-defined]
        yield from branches(_inside(formula.part))  # type: ignore[attr-defined]
    elif formula is not FALSE:
        yield formula


def _few(formula: Formula) -> list[Formula]:
    return list(itertools.islice(branches(formula), MOST_BRANCHES))


def _inside(formula: Formula) -> Formula:
    """The negation of a connective, moved inwards."""
    parts: tuple[Formula, ...] = formula.parts  # type: ignore[attr-defined]
    if type(formula) is And:
        return Or(tuple(negation(part) for part in parts))
    if type(formula) is Or:
        return conjunction(negation(part) for part in parts)
    none = conjunction(negation(part) for part in parts)
    return Or((none, *(conjunction(pair) for pair in itertools.combinations(parts, 2))))


class Guided:
    """Completions of general objects, aim by aim."""

    def __init__(self, automaton: DocumentAutomaton, judge: Judge) -> None:
        self._automaton = automaton
        self._judge = judge

    def endings(self, state: ObjectState) -> Iterator[tuple[bytes, int]]:
        """(members with leading commas, label) of endings that the parent accepts, one per aim that works out."""
        goals = state.forms[: state.shape.n_goals]
        together = conjunction(goals)
        aims = [together] if len(goals) == 1 else [together, *goals[1:], *(negation(goal) for goal in goals[1:])]
        for aim in dict.fromkeys(aims):
            first = goals[0] if len(goals) > 1 else TRUE
            for branch in itertools.islice(branches(conjunction([first, aim])), MOST_BRANCHES):
                found = self._follow(state, branch)
                if found is not None:
                    yield found

    def _follow(self, start: ObjectState, aim: Formula) -> tuple[bytes, int] | None:
        objects = self._automaton.objects
        state = ObjectState(start.shape, (*start.forms, aim), start.seen, start.count)
        text = b""
        for _ in range(MOST_MEMBERS):
            if evaluate(state.forms[-1], objects.truth(state)):
                label = objects.close_label(state)
                return (text, label) if label else None
            step = next(self._steps(state), None)
            if step is None:
                return None
            member, state = step
            text += member
        return None

    def _steps(self, state: ObjectState) -> Iterator[tuple[bytes, ObjectState]]:
        """Members that bring the first unmet part of the aim nearer."""
        aim = state.forms[-1]
        holds = self._automaton.objects.truth(state)
        keys = state.shape.keys
        for part in aim.parts if type(aim) is And else (aim,):
            if evaluate(part, holds):
                continue
            order = sorted(range(len(keys.classes)), key=lambda number: number < keys.n_named)
            extra: Formula = TRUE
            if isinstance(part, Required):
                order = [keys.names.index(name) for name in sorted(part.names)]
                order = [number for number in order if not (state.seen >> number) & 1][:1]
            for number in order:
                if type(part) is Not and isinstance(part.part, Properties):
                    extra = negation(keys.classes[number].child(part.part))
                elif type(part) is Not and isinstance(part.part, PropertyNames):
                    if part.part.uid not in keys.classes[number].bad_for:
                        continue
                elif not isinstance(part, Required | CountIs) and not (
                    type(part) is Not and isinstance(part.part, CountIs)
                ):
                    continue
                found = self._step(state, number, extra)
                if found is not None:
                    yield found
            return

    def _step(self, state: ObjectState, number: int, extra: Formula) -> tuple[bytes, ObjectState] | None:
        """One more member of class ``number`` whose value keeps the aim alive and satisfies ``extra``."""
        objects = self._automaton.objects
        shape = state.shape
        if extra is FALSE or not shape.usable[number] or (number < shape.keys.n_named and (state.seen >> number) & 1):
            return None
        key_class = shape.keys.classes[number]
        after = objects._after_key(state, number, key_class)
        if after is None or after.forms[-1] is FALSE:
            return None
        aim = after.forms[-1]
        wanted = {part.uid for part in (aim.parts if type(aim) is And else (aim,)) if isinstance(part, Assertion)}
        must, flagged = objects._child_goals(after, key_class)
        must = conjunction([must, extra, *(g for part, cover, g in flagged if part.uid in wanted and cover is FALSE)])
        value = self._automaton.contexts.must(must)
        text = self._automaton.witness.outcomes(value).get(MUST) if value else None
        if text is None:
            return None
        if flagged:
            verdicts = self._judge.verdicts(tuple(goal for _, _, goal in flagged), text)
            after = objects.after_verdict(after, tuple((part, cover) for part, cover, _ in flagged), verdicts)
            if after.forms[-1] is FALSE or (shape.context.accepts is None and after.forms[0] is FALSE):
                return None
        return b"," + quoted(key_class.sample) + b":" + text, after
