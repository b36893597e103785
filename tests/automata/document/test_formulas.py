"""Replacing assertions in a formula means what it says: the truth of the result is that of the formula under it."""

from __future__ import annotations

import itertools
import random

import pytest

from structgen.automata.document.formulas import assertions_of, evaluate, substitute
from structgen.ir.document import Assertion, Required
from structgen.ir.formulas import FALSE, TRUE, Formula, conjunction, disjunction, exactly_one, negation

LEAVES = tuple(Required(frozenset({name})) for name in (b"a", b"b", b"c", b"d"))


def random_formula(pick: random.Random, depth: int) -> Formula:
    if not depth or pick.random() < 0.2:
        return pick.choice(LEAVES)
    parts = [random_formula(pick, depth - 1) for _ in range(pick.randint(1, 4))]
    connect = pick.choice([conjunction, disjunction, exactly_one, lambda parts: negation(parts[0])])
    return connect(parts)


def holds(formula: Formula, world: dict[int, bool]) -> bool:
    """The slow twin: each kind by its definition, nothing left out."""
    if formula is TRUE or formula is FALSE:
        return formula is TRUE
    if isinstance(formula, Assertion):
        return world[formula.uid]
    kind = type(formula).__name__
    if kind == "Not":
        return not holds(formula.part, world)  # type: ignore[attr-defined]
    values = [holds(part, world) for part in formula.parts]  # type: ignore[attr-defined]
    return {"And": all(values), "Or": any(values), "OneOf": values.count(True) == 1}[kind]


@pytest.mark.parametrize("seed", range(300))
def test_substitution_and_value_in_all_worlds(seed: int) -> None:
    pick = random.Random(seed)
    formula = random_formula(pick, 4)
    replaced = pick.sample(LEAVES, pick.randint(0, 3))
    table = {leaf.uid: pick.choice([TRUE, FALSE, random_formula(pick, 2)]) for leaf in replaced}
    after = substitute(formula, table)
    for values in itertools.product((False, True), repeat=len(LEAVES)):
        world = {leaf.uid: value for leaf, value in zip(LEAVES, values, strict=True)}
        under = {**world, **{uid: holds(other, world) for uid, other in table.items()}}
        assert holds(after, world) == holds(formula, under)
        assert evaluate(formula, lambda part: world[part.uid]) is holds(formula, world)  # noqa: B023


def test_what_holds_nothing_replaced_is_left_as_it_is() -> None:
    formula = exactly_one([conjunction(LEAVES[:2]), LEAVES[2]])
    assert substitute(formula, {LEAVES[3].uid: FALSE}) is formula
    assert set(assertions_of(formula)) == {leaf.uid for leaf in LEAVES[:3]}
