"""States of general object frames, and what names and verdicts of values make of them.

An assertion about properties that has failed is replaced by FALSE and the formulas simplify: at the name where no
value can save it, else at the end of the value. What every way to go on asks of a value must hold, instead of being
asked for its verdict; so where alternatives differ in their names, or agree in what they ask, values are those of a
conjunction. ``unevaluatedProperties`` that fails grows an obligation instead: the property it refused must be
evaluated by a sibling, so the assertion becomes itself *and* that sibling's condition. Nothing here asks whether a
state can still be completed; ``general_objects`` does, for that takes contexts of values.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any, NamedTuple

from structgen.automata.document.contexts import Context
from structgen.automata.document.formulas import after_failures, all_assertions, assertions_of, substitute
from structgen.automata.document.keys import KeyClass, KeyClasses
from structgen.ir.document import Assertion, CountIs, Properties, PropertyNames, Required, UnevaluatedProperties
from structgen.ir.formulas import FALSE, TRUE, And, Formula, Not, Or, conjunction, disjunction

__all__ = [
    "Asked",
    "Conjunction",
    "ObjectState",
    "Shape",
    "after_key",
    "after_verdict",
    "asked_of_value",
    "conjunction_of",
    "counts_names",
    "must_assertions",
    "required_names",
    "settled",
    "settles_some",
    "truth",
]

_serials = count()


MOST_ASKED = 1 << 11
"""Names and formulas of which is remembered per shape what is asked of values."""
MOST_SETTLED = 1 << 12
"""Formulas remembered per shape with some of their assertions settled."""


class Shape:
    """What all frames of one object context share."""

    __slots__ = ("_bits", "_settled", "_told", "allowed", "asked", "cap", "conditions", "context", "dead", "keys",
                 "n_goals", "places", "possible", "sensitive", "serial", "steady", "usable")  # fmt: skip

    def __init__(self, context: Context, keys: KeyClasses, n_goals: int, cap: int) -> None:
        self.serial = next(_serials)
        """Tells shapes apart in keys that outlive them, as ``id`` would not."""
        self.context = context
        self.keys = keys
        self.n_goals = n_goals
        self.cap = cap
        self.conditions: dict[int, tuple[tuple[int, Assertion], ...]] = {}
        self.usable: list[bool] = []
        self.sensitive = False
        """Whether undeclared names are kept to the end."""
        self.places = {name: bit for bit, name in enumerate(keys.names)}
        self.dead: dict[tuple[int, ...], bool] = {}
        """Whether some properties leave no value under a name, by the name's bit and their uids."""
        self.possible: dict[tuple[frozenset[int], tuple[int, ...]], int] = {}
        """Names that can have a value, a bit each, by the uids of the rules for names and of properties."""
        self.allowed: dict[tuple[frozenset[int], tuple[int, ...]], int] = {}
        """The same of all classes of names, where it has been asked of all."""
        self.steady: dict[tuple[int, ...], tuple[int, int]] = {}
        """Classes of names of which it is known if they change nothing, and those that do not; a bit each."""
        self.asked: dict[tuple[Any, ...], Asked] = {}
        """What is asked of a value, by the class of its name and the uids of the formulas after it."""
        self._bits: dict[int, int] = {}
        self._told: dict[int, Told] = {}
        self._settled: dict[tuple[int, frozenset[tuple[int, Formula]]], Formula] = {}

    def told_by(self, form: Formula) -> Told:
        """What of a formula the names decide; collected once, for every step asks."""
        found = self._told.get(form.uid)
        if found is None:
            parts = assertions_of(form).values()
            found = self._told[form.uid] = Told(
                [part for part in parts if isinstance(part, CountIs)],
                [(part.uid, self.bits_of(part)) for part in parts if isinstance(part, Required)],
                [(part.uid, self.bits_of(part)) for part in parts if isinstance(part, Properties) and _ends(part)],
            )
        return found

    def settled(self, forms: tuple[Formula, ...], table: dict[int, Formula]) -> tuple[Formula, ...]:
        """``forms`` with some assertions replaced by TRUE or FALSE; searches come to the same again and again."""
        known = self._settled
        if len(known) > MOST_SETTLED:
            known.clear()
        facts = frozenset(table.items())
        found = []
        for form in forms:
            key = form.uid, facts
            after = known.get(key)
            if after is None:
                after = known[key] = substitute(form, table)
            found.append(after)
        return tuple(found)

    def bits_of(self, part: Required | Properties) -> int:
        """The names that are required or declared, a bit each."""
        found = self._bits.get(part.uid)
        if found is None:
            names = part.names if isinstance(part, Required) else part.named
            found = self._bits[part.uid] = sum(1 << self.places[name] for name in names)
        return found


class Told(NamedTuple):
    """The assertions of a formula that the names of an object decide; names are a bit each."""

    counts: list[CountIs]
    required: list[tuple[int, int]]
    """Uids of assertions, and the names that each requires."""
    properties: list[tuple[int, int]]
    """Uids of assertions that say nothing of undeclared names, and the names that each declares."""


def _ends(part: Properties) -> bool:
    """Whether nothing can break an assertion any more once the names it declares have come."""
    return not part.patterns and part.additional in (None, TRUE)


@dataclass(frozen=True, slots=True)
class ObjectState:
    """A general frame between properties."""

    shape: Shape
    forms: tuple[Formula, ...]
    """Residual goals, then residual conditions of unevaluated properties."""
    seen: int
    """Bit per declared name."""
    count: int
    """Properties so far, up to the shape's cap."""

    @property
    def key(self) -> tuple[object, ...]:
        return (self.shape.serial, tuple(form.uid for form in self.forms), self.seen, self.count)


def truth(state: ObjectState) -> Callable[[Assertion], bool]:
    """Which assertions hold if the object ended here; those that have failed are gone from the formulas."""

    def truth(part: Assertion) -> bool:
        if isinstance(part, Required):
            return state.shape.bits_of(part) & ~state.seen == 0
        if isinstance(part, CountIs):
            return part.low <= state.count and (part.high is None or state.count <= part.high)
        return True

    return truth


@dataclass(frozen=True, slots=True)
class Conjunction:
    """What is left of an object whose names are not tied to one another."""

    properties: tuple[Properties, ...]
    rules: frozenset[int]
    """Uids of rules about names."""
    needed: int
    """Names that must, and names that must not come any more, a bit each."""
    forbidden: int


def conjunction_of(state: ObjectState, goal: Formula) -> Conjunction | None:
    """``goal`` as what single names must be and have; None where it is more than that."""
    properties: list[Properties] = []
    rules: list[int] = []
    needed = forbidden = 0
    for part in () if goal is TRUE else goal.parts if type(goal) is And else (goal,):
        if isinstance(part, Properties):
            properties.append(part)
        elif isinstance(part, PropertyNames):
            rules.append(part.uid)
        elif isinstance(part, Required):
            needed |= state.shape.bits_of(part) & ~state.seen
        elif type(part) is Not:
            for name in part.part.parts if type(part.part) is Or else (part.part,):
                missing = state.shape.bits_of(name) & ~state.seen if isinstance(name, Required) else 0
                if missing.bit_count() != 1:
                    return None
                forbidden |= missing
        else:
            return None
    return Conjunction(tuple(properties), frozenset(rules), needed, forbidden)


def must_assertions(context: Context, forms: tuple[Formula, ...]) -> dict[int, Assertion]:
    """Assertions that must hold come what may: direct parts of the one goal that must hold."""
    if context.accepts is not None:
        return {}
    goal = forms[0]
    parts = goal.parts if type(goal) is And else (goal,)
    return {part.uid: part for part in parts if isinstance(part, Assertion)}


def counts_names(state: ObjectState) -> bool:
    """Whether how many names come is still to be judged, and undeclared ones may be among them."""
    shape = state.shape
    if shape.cap <= 1 or not any(shape.usable[shape.keys.n_named :]):
        return False
    musts = must_assertions(shape.context, state.forms)
    for form in state.forms:
        for uid, part in assertions_of(form).items():
            if not isinstance(part, CountIs) or max(part.low, -1 if part.high is None else part.high + 1) <= 1:
                continue
            if uid not in musts or part.low > state.count:
                return True
    return False


def after_key(state: ObjectState, number: int, key_class: KeyClass) -> ObjectState | None:
    """The state with the name counted and name rules applied; None where a goal is lost."""
    shape = state.shape
    seen = state.seen | (1 << number) if number < shape.keys.n_named else state.seen
    count = min(state.count + 1, shape.cap)
    table: dict[int, Formula] = dict.fromkeys(key_class.bad_for, FALSE)
    for form in state.forms:
        told = shape.told_by(form)
        for part in told.counts:
            if part.high is not None and count > part.high:
                table[part.uid] = FALSE
            elif part.high is None and count >= part.low:
                table[part.uid] = TRUE
        for uid, names in told.required:
            if not names & ~seen:
                # Names never go away, so what is required is settled; exclusive alternatives
                # that required two of them fall together here, not at the end of a search.
                table[uid] = TRUE
    forms = shape.settled(state.forms, table) if table else state.forms
    if shape.context.accepts is None and forms[0] is FALSE:
        return None
    return ObjectState(shape, forms, seen, count)


def required_names(state: ObjectState) -> int:
    """The names of which the formulas say if they must come, a bit each."""
    found = 0
    for form in state.forms:
        for _, names in state.shape.told_by(form).required:
            found |= names
    return found


def settles_some(state: ObjectState) -> bool:
    """Whether the names seen already settle something that the formulas still ask."""
    return any(not names & ~state.seen for form in state.forms for _, names in state.shape.told_by(form).required)


def is_unmoved(state: ObjectState, after: ObjectState, number: int) -> bool:
    """Whether a name, if no verdict hangs on its value, leaves open all ways in which ``state`` can be completed.

    Nothing is counted, no rule refuses it, and no goal speaks of whether it comes: then a completion of the state
    before it is one of the state after it, without that name.
    """
    if after.forms is not state.forms or state.shape.cap:
        return False
    if number >= state.shape.keys.n_named:
        return True
    told = map(state.shape.told_by, state.forms)
    return not any(names >> number & 1 for found in told for _, names in found.required)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of the value under a name."""

    state: ObjectState
    """The state after the name, with what no value can save given up."""
    must: Formula
    flagged: tuple[tuple[Assertion, Formula, Formula], ...] = ()
    """(assertion, what excuses its failure, goal), where the verdict makes a difference."""
    is_certain: bool = True
    """Whether nothing hung on the value in the first place."""

    @property
    def goals(self) -> tuple[Formula, ...]:
        """What must hold, then each other goal once."""
        return (self.must, *{goal.uid: goal for _, _, goal in self.flagged}.values())


def asked_of_value(state: ObjectState, key_class: KeyClass, target: Callable[[Formula], Formula]) -> Asked:
    """What is asked of a value under a name of a class; ``state`` is the one after the name.

    ``target`` gives one formula for all that are known to say the same. Which names have come makes no difference
    beyond the formulas, so the answer is remembered for all states that have the same ones.
    """
    known = state.shape.asked
    key = (key_class, *[form.uid for form in state.forms])
    found = known.get(key)
    if found is None:
        if len(known) >= MOST_ASKED:
            known.clear()
        found = known[key] = _asked_of_value(state, key_class, target)
    asked = found.state
    if asked.seen == state.seen and asked.count == state.count:
        return found
    after = ObjectState(state.shape, asked.forms, state.seen, state.count)
    return Asked(after, found.must, found.flagged, found.is_certain)


def _asked_of_value(state: ObjectState, key_class: KeyClass, target: Callable[[Formula], Formula]) -> Asked:
    must, flagged = _goals(state, key_class, target)
    is_certain = not flagged
    while flagged:
        lost: dict[int, Formula] = {
            part.uid: FALSE for part, cover, goal in flagged if goal is FALSE and cover is FALSE
        }
        if not lost:
            break
        forms = tuple(substitute(form, lost) for form in state.forms)
        state = ObjectState(state.shape, forms, state.seen, state.count)
        must, flagged = _goals(state, key_class, target)
    if state.forms[0] is FALSE:
        return Asked(state, FALSE, (), is_certain)
    goals = {goal.uid: goal for _, _, goal in flagged}
    needed = [goal for goal in goals.values() if _must_hold(state, goal, flagged)]
    if needed:
        must = conjunction([must, *needed])
        flagged = [row for row in flagged if row[2] not in needed]
    return Asked(state, must, tuple(flagged), is_certain)


def _must_hold(state: ObjectState, goal: Formula, flagged: list[tuple[Assertion, Formula, Formula]]) -> bool:
    """Whether nothing acceptable can become of the object if its next value fails ``goal``.

    A formula that has become FALSE stays so: whatever else the value fails makes no difference.
    """
    lost: dict[int, Formula] = {part.uid: FALSE for part, cover, other in flagged if other is goal and cover is FALSE}
    return bool(lost) and substitute(state.forms[0], lost) is FALSE


def _goals(
    state: ObjectState, key_class: KeyClass, target: Callable[[Formula], Formula]
) -> tuple[Formula, list[tuple[Assertion, Formula, Formula]]]:
    """What must hold of the value, and (assertion, what excuses its failure, goal) for the rest."""
    musts = must_assertions(state.shape.context, state.forms)
    must: list[Formula] = []
    flagged: list[tuple[Assertion, Formula, Formula]] = []
    parts = all_assertions(state.forms)
    cover: Formula
    for uid, part in parts.items():
        if isinstance(part, Properties):
            goal, cover = key_class.child(part), FALSE
        elif isinstance(part, UnevaluatedProperties):
            cover = _cover(state, part, key_class)
            if cover is TRUE:
                continue
            goal = part.formula
        else:
            continue
        if goal is TRUE:
            continue
        goal = target(goal)
        if uid in musts and cover is FALSE:
            must.append(goal)
        else:
            flagged.append((part, cover, goal))
    asked = {goal.uid for goal in must}
    return conjunction(must), [row for row in flagged if row[2].uid not in asked]


def _cover(state: ObjectState, part: UnevaluatedProperties, key_class: KeyClass) -> Formula:
    """The condition under which some sibling evaluates names of this class."""
    conditions = []
    for index, assertion in state.shape.conditions[part.uid]:
        if not isinstance(assertion, Properties) or key_class.is_covered(assertion):
            conditions.append(state.forms[index])
    return disjunction(conditions)


def after_verdict(asked: Asked, verdicts: tuple[bool, ...]) -> ObjectState:
    """The state after a value, once it is known which of the goals it has reached."""
    state = asked.state
    held = {goal.uid: holds for goal, holds in zip(asked.goals, verdicts, strict=True)}
    failed = {part.uid: (part, cover) for part, cover, goal in asked.flagged if not held[goal.uid]}
    forms = after_failures(state.forms, failed)
    return settled(state if forms is state.forms else ObjectState(state.shape, forms, state.seen, state.count))


def settled(state: ObjectState) -> ObjectState:
    """The state without the assertions about properties that nothing to come can break.

    Of exclusive alternatives, two that have come true fall together here; otherwise a search would have to find
    out that neither can be undone.
    """
    table: dict[int, Formula] = {}
    for form in state.forms:
        for uid, names in state.shape.told_by(form).properties:
            if not names & ~state.seen:
                table[uid] = TRUE
    if not table:
        return state
    forms = tuple(substitute(form, table) for form in state.forms)
    return ObjectState(state.shape, forms, state.seen, state.count)
