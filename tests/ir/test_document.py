"""Connectives fold away what says nothing, and are one object over the same parts."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable
from itertools import permutations

import pytest

from structgen.ir.document import Required, TypeIs, UniqueItems
from structgen.ir.formulas import (
    FALSE,
    TRUE,
    And,
    Formula,
    Not,
    OneOf,
    Or,
    conjunction,
    disjunction,
    exactly_one,
    negation,
)

KINDS: list[tuple[Callable[[Iterable[Formula]], Formula], type[Formula]]] = [
    (conjunction, And),
    (disjunction, Or),
    (exactly_one, OneOf),
]


def parts() -> list[Formula]:
    return [TypeIs(frozenset(("object",))), UniqueItems(), Required(frozenset((b"a",)))]


@pytest.mark.parametrize(("connect", "kind"), KINDS, ids=lambda value: value.__name__)
def test_one_object_over_the_same_parts(connect: Callable[[Iterable[Formula]], Formula], kind: type[Formula]) -> None:
    leaves = parts()
    found = connect(leaves)
    assert type(found) is kind
    gc.collect()
    for order in permutations(leaves):
        assert connect(order) is found
    assert connect(leaves[:2]) is not found
    others = [other(leaves) for other, _ in KINDS if other is not connect]
    assert found not in others


def test_connectives_over_connectives_meet() -> None:
    first, second, third = parts()
    assert conjunction([conjunction([first, second]), third]) is conjunction([first, conjunction([third, second])])
    assert disjunction([disjunction([first, second]), third]) is disjunction([third, second, first])
    # A connective that is younger than what stands beside it, and one that is older.
    young = conjunction([first, disjunction([second, third])])
    assert young is conjunction([disjunction([third, second]), first])
    assert disjunction([young, UniqueItems()]) is not young


def test_negations_are_one_object_and_vanish_in_pairs() -> None:
    (first, *_) = parts()
    assert negation(first) is negation(first)
    assert type(negation(first)) is Not and negation(negation(first)) is first
    assert conjunction([first, negation(first)]) is FALSE
    assert disjunction([first, negation(first)]) is TRUE


def test_constants_and_repeats() -> None:
    first, second, _ = parts()
    assert conjunction([]) is TRUE and disjunction([]) is FALSE and exactly_one([]) is FALSE
    assert conjunction([TRUE, first, first]) is first and conjunction([first, FALSE, second]) is FALSE
    assert disjunction([FALSE, first, first]) is first and disjunction([first, TRUE, second]) is TRUE
    assert type(exactly_one([first, first])) is OneOf
    assert exactly_one([TRUE, first]) is negation(first) and exactly_one([TRUE, TRUE, first]) is FALSE


def test_pointers_are_told_as_text() -> None:
    assert Required(frozenset(), (("/properties", "a/b"), "required")).pointer == "/properties/a~1b/required"
