"""Completing an object with one aim in mind: the quick half of the search for witnesses.

A uniform search over the frames of a large ``anyOf`` has to try every name in every order with
every verdict, although what to do is written in the formula: take one branch of each disjunction, add
what it requires, give each value what the branch asks, and see which verdicts the finished text
has. That is what happens here. It finds most witnesses in as many steps as there are
required names; what it does not find (conflicting branches, unevaluated properties that must
fail) is left to the uniform search. Where a name with listed constants decides what else may come, and nothing is
left of the list, no search has an end: that is seen first (``is_hopeless``).

An aim is carried behind the state's own formulas, so that failures reach it, too.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, TypeVar

from structgen.automata.document.formulas import assertions_of, evaluate, substitute
from structgen.automata.document.judge import Judge
from structgen.automata.document.object_states import ObjectState, after_key, after_verdict, asked_of_value, truth
from structgen.automata.document.required_runs import RequiredRuns
from structgen.automata.document.shortest import quoted
from structgen.ir.document import Assertion, CountIs, Properties, PropertyNames, Required
from structgen.ir.formulas import FALSE, TRUE, And, Formula, Not, OneOf, Or, conjunction, negation

if TYPE_CHECKING:
    from structgen.automata.document.automaton import DocumentAutomaton

__all__ = ["Guided", "branches", "propagated"]

MOST_KNOWN = 1 << 16
"""Answers of searches remembered before starting over."""
MOST_BRANCHES = 32
MOST_MEMBERS = 200
MOST_TURNS = 8
_Found = TypeVar("_Found", bound=tuple[bytes, Any] | None)


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
        yield from _combined(TRUE, [_few(part) for part in formula.parts])  # type: ignore[attr-defined]
    elif kind is Not and not isinstance(formula.part, Assertion):  # type: ignore[attr-defined]
        yield from branches(_inside(formula.part))  # type: ignore[attr-defined]
    elif formula is not FALSE:
        yield formula


def _combined(begun: Formula, chosen: list[tuple[Formula, ...]]) -> Iterator[Formula]:
    """``begun`` and one of each of the others; contradictions are dropped as soon as they show.

    What has only one way left is settled first, as unit clauses are (Davis, Logemann and Loveland 1962).
    """
    while True:
        begun = conjunction([begun, *(few[0] for few in chosen if len(few) == 1)])
        chosen = [few for few in chosen if len(few) != 1]
        if begun is FALSE or not all(chosen):
            return
        left = [tuple(part for part in few if conjunction((begun, part)) is not FALSE) for few in chosen]
        if all(len(few) > 1 for few in left):
            break
        chosen = left
    if not left:
        yield begun
        return
    for part in left[0]:
        yield from _combined(begun, [(part,), *left[1:]])


@lru_cache(512)
def _few(formula: Formula) -> tuple[Formula, ...]:
    return tuple(itertools.islice(branches(formula), MOST_BRANCHES))


def _inside(formula: Formula) -> Formula:
    """The negation of a connective, moved inwards."""
    parts: tuple[Formula, ...] = formula.parts  # type: ignore[attr-defined]
    if type(formula) is And:
        return Or(tuple(negation(part) for part in parts))
    if type(formula) is Or:
        return conjunction(negation(part) for part in parts)
    none = conjunction(negation(part) for part in parts)
    return Or((none, *(conjunction(pair) for pair in itertools.combinations(parts, 2))))


def propagated(formula: Formula) -> Formula:
    """``formula`` with what its own parts settle put in: names that are required, or refused, decide other parts.

    Chains of dependencies are followed so in as many steps as they have links; branches would multiply.
    """
    while type(formula) is And:
        present = {name for part in formula.parts if isinstance(part, Required) for name in part.names}
        absent = {part.part.uid for part in formula.parts if type(part) is Not and isinstance(part.part, Required)}
        missing = {
            name
            for part in formula.parts
            if type(part) is Not and isinstance(part.part, Required) and len(part.part.names) == 1
            for name in part.part.names
        }
        rest: list[Formula] = []
        settled: list[Formula] = []
        for part in formula.parts:
            is_unit = isinstance(part, Assertion) or (type(part) is Not and isinstance(part.part, Assertion))
            (settled if is_unit else rest).append(part)
        table: dict[int, Formula] = {}
        for part in rest:
            for uid, inner in assertions_of(part).items():
                if isinstance(inner, Required):
                    if inner.names <= present:
                        table[uid] = TRUE
                    elif uid in absent or inner.names & missing:
                        table[uid] = FALSE
        if not table:
            return formula
        formula = conjunction([*settled, *(substitute(part, table) for part in rest)])
    return formula


def _broken_alone(parts: Sequence[Formula]) -> dict[bytes, list[Formula]]:
    """By name, what the value there must not be: what properties that tell of this name alone, and must fail, ask."""
    found: dict[bytes, list[Formula]] = {}
    for part in parts:
        broken = part.part if type(part) is Not else None
        if (
            isinstance(broken, Properties)
            and len(broken.named) == 1
            and not broken.patterns
            and broken.additional is None
        ):
            for name, formula in broken.named.items():
                found.setdefault(name, []).append(formula)
    return found


class Guided:
    """Completions of general objects, aim by aim."""

    def __init__(self, automaton: DocumentAutomaton, judge: Judge) -> None:
        self._automaton = automaton
        self._judge = judge
        self._runs = RequiredRuns()
        self._known: dict[Hashable, tuple[bytes, Any] | None] = {}
        """Endings by state and aim, members by state, class of name and what is asked beyond the aim."""

    def endings(self, state: ObjectState) -> Iterator[tuple[bytes, int]]:
        """(members with leading commas, label) of endings that the parent accepts, one per aim that works out."""
        goals = state.forms[: state.shape.n_goals]
        together = conjunction(goals)
        aims = [together] if len(goals) == 1 else [together, *goals[1:], *(negation(goal) for goal in goals[1:])]
        for aim in dict.fromkeys(aims):
            first = goals[0] if len(goals) > 1 else TRUE
            for branch in itertools.islice(branches(propagated(conjunction([first, aim]))), MOST_BRANCHES):
                found = self._once((state.key, branch.uid), partial(self._follow, state, branch))
                if found is not None:
                    yield found

    def _once(self, key: Hashable, search: Callable[[], _Found]) -> _Found:
        """What ``search`` finds; looked up where it has been asked before, as most states are on several ways.

        Nothing found is remembered unless that hangs on a search still open.
        """
        if key in self._known:
            return self._known[key]  # type: ignore[return-value]
        found, is_final = self._automaton.witness.unblocked(search)
        if found is not None or is_final:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[key] = found
        return found

    def is_hopeless(self, state: ObjectState) -> bool:
        """Whether every way to satisfy the one goal of ``state`` contradicts itself on its face."""
        if state.shape.context.accepts is not None:
            return False
        found = list(itertools.islice(branches(propagated(state.forms[0])), MOST_BRANCHES))
        return len(found) < MOST_BRANCHES and all(self._contradicts_itself(state, branch) for branch in found)

    def _contradicts_itself(self, state: ObjectState, branch: Formula) -> bool:
        """Names that must both be there and be missing, or too many of them, or under which nothing may stand."""
        parts = branch.parts if type(branch) is And else (branch,)
        names = state.shape.keys.names
        seen = {name for bit, name in enumerate(names) if (state.seen >> bit) & 1}
        n_free = state.count - len(seen)
        broken = _broken_alone(parts)
        present = seen.union(broken, *(part.names for part in parts if isinstance(part, Required)))
        for part in parts:
            if type(part) is Not and isinstance(part.part, Required) and part.part.names <= present:
                return True
            if isinstance(part, CountIs) and part.high is not None and part.high < len(present) + max(n_free, 0):
                return True
        return any(self._excludes_all(state, name, parts, broken[name]) for name in broken if name not in seen)

    def _excludes_all(self, state: ObjectState, name: bytes, parts: Sequence[Formula], broken: list[Formula]) -> bool:
        """Whether no value can stand under a name that must come: constants that are listed, and all excluded."""
        number = state.shape.places.get(name)
        if number is None:
            return False
        key_class = state.shape.keys.classes[number]
        asked = [key_class.child(part) for part in parts if isinstance(part, Properties)]
        return not self._automaton.may_be(conjunction([*asked, *map(negation, broken)]))

    def _follow(self, start: ObjectState, aim: Formula) -> tuple[bytes, int] | None:
        """Depth first, the most promising member first, each state once, within ``MOST_TURNS`` steps back."""
        objects = self._automaton.general_objects
        tried = turned = 0
        may_run = not self._automaton.witness.is_searching  # within a search, what is found need not be final
        most = MOST_MEMBERS + start.shape.cap
        state = ObjectState(start.shape, (*start.forms, aim), start.seen, start.count)
        stack: list[tuple[bytes, ObjectState, Iterator[tuple[bytes, ObjectState]]]] = []
        text, visited = b"", {state.key}
        while True:
            if evaluate(state.forms[-1], truth(state)):
                label = objects.close_label(state)
                return (text, label) if label else None
            if may_run:
                members, state = self._runs.follow(state, most - tried)
                tried += len(members)
                # Each has a place on the stack, for a way back leads through all of them; none has an alternative.
                stack += [(b"", state, iter(()))] * len(members)
                text += b"".join(members)
            stack.append((text, state, self._steps(state)))
            while stack:
                step = next(stack[-1][2], None) if tried < most and turned < MOST_TURNS else None
                if step is None:
                    stack.pop()
                    turned += 1
                    continue
                tried += 1
                if step[1].key not in visited:
                    break
            if not stack or step is None:
                return None
            if may_run:
                self._runs.note(stack[-1][1], *step)
            text, state = stack[-1][0] + step[0], step[1]
            visited.add(state.key)

    def _steps(self, state: ObjectState) -> Iterator[tuple[bytes, ObjectState]]:
        """Members that bring the first unmet part of the aim nearer, those that also help others first."""
        aim = state.forms[-1]
        holds = truth(state)
        unmet = [part for part in (aim.parts if type(aim) is And else (aim,)) if not evaluate(part, holds)]
        broken = [part.part for part in unmet if type(part) is Not]
        rules = {part.uid for part in broken if isinstance(part, PropertyNames)}
        values = [part for part in broken if isinstance(part, Properties)]
        missing = [part for part in unmet if isinstance(part, Required)]
        counts = [part for part in unmet if isinstance(part, CountIs) and state.count < part.low]
        counts += [part for part in broken if isinstance(part, CountIs) and part.high is not None]
        if len(unmet) > len(rules) + len(values) + len(missing) + len(counts):
            return  # a name too many: nothing that is added helps
        classes, n_named = state.shape.keys.classes, state.shape.keys.n_named
        if missing and not rules:
            bits = state.shape.bits_of(missing[0]) & ~state.seen  # names are sorted, and so are their bits
            yield from self._members(state, (bits & -bits).bit_length() - 1, values, True)
            return
        everything = sorted(range(len(classes)), key=lambda n: (-len(rules & classes[n].bad_for), n < n_named))
        if rules:
            for number in everything:
                if not rules.isdisjoint(classes[number].bad_for):
                    yield from self._members(state, number, values, True)
        elif values:
            for number in everything:
                yield from self._members(state, number, values, False)
        else:
            for number in everything:
                yield from self._members(state, number, [], True)

    def _members(
        self, state: ObjectState, number: int, broken: list[Properties], or_none: bool
    ) -> Iterator[tuple[bytes, ObjectState]]:
        """Members of one class: a value that breaks all of ``broken``, each alone, or none."""
        shape = state.shape
        if not shape.usable[number] or (number < shape.keys.n_named and (state.seen >> number) & 1):
            return
        children = [negation(shape.keys.classes[number].child(part)) for part in broken]
        extras = [conjunction(children), *children] if children else []
        for extra in dict.fromkeys([*extras, TRUE] if or_none else extras):
            if extra is FALSE:
                continue
            found = self._once((state.key, number, extra.uid), partial(self._step, state, number, extra))
            if found is not None:
                yield found

    def _step(self, state: ObjectState, number: int, extra: Formula) -> tuple[bytes, ObjectState] | None:
        """One more member of class ``number`` whose value keeps the aim alive and satisfies ``extra``."""
        shape = state.shape
        key_class = shape.keys.classes[number]
        after = after_key(state, number, key_class)
        if after is None or after.forms[-1] is FALSE:
            return None
        asked = asked_of_value(after, key_class, self._automaton.source.target)
        after, flagged, aim = asked.state, asked.flagged, asked.state.forms[-1]
        if aim is FALSE:
            return None
        wanted = {part.uid for part in (aim.parts if type(aim) is And else (aim,)) if isinstance(part, Assertion)}
        must = conjunction([asked.must, extra, *(g for p, cover, g in flagged if p.uid in wanted and cover is FALSE)])
        value = self._automaton.contexts.must(must)
        text = self._automaton.some_text(value)
        if text is None:
            return None
        if flagged:
            after = after_verdict(asked, self._judge.verdicts(asked.goals, text))
            if after.forms[-1] is FALSE or (shape.context.accepts is None and after.forms[0] is FALSE):
                return None
        return b"," + quoted(key_class.sample_after(state.count)) + b":" + text, after
