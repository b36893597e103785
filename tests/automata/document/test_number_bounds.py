"""Automata of bounds written down state by state equal those of expressions, and agree with Decimal."""

from __future__ import annotations

import random
from decimal import Decimal

import numpy as np
import pytest

from structgen.automata.compile import compile_regex
from structgen.automata.dfa import Dfa
from structgen.automata.document.number_bounds import texts_of, texts_within
from structgen.automata.document.number_texts import equal_to
from structgen.automata.document.numbers import all_numbers, number_dfa
from structgen.automata.ops import Table, intersect, intersect_all
from structgen.ir.document import Integer, MaxValue, MinValue, NumberIn
from structgen.ir.regex import Node
from tests.support.number_texts import at_least, at_most

VALUES = [
    *("0", "1", "-1", "5", "9", "10", "-10", "65535", "100", "0.5", "-0.5", "0.001", "3.25", "-3.25", "10.5", "99.99"),
    *("1e20", "-1e20", "1.5e-7", "2e-320", "1.7976931348623157e308", "1e308", "9007199254740993", "1e400", "1e-400"),
]


def _same(left: Dfa, right: Dfa) -> bool:
    """Minimal automata of one language are equal, array by array."""
    return (
        np.array_equal(left.class_of, right.class_of)
        and np.array_equal(left.transitions, right.transitions)
        and np.array_equal(left.accepting, right.accepting)
    )


def _both(expression: Node, table: Table) -> tuple[Dfa, Dfa]:
    base = all_numbers("base")
    return intersect(base, compile_regex(expression)), intersect_all((base, table))


@pytest.mark.parametrize("exclusive", [False, True])
@pytest.mark.parametrize("text", VALUES)
def test_bounds_equal_their_expressions(text: str, exclusive: bool) -> None:
    bound = Decimal(text)
    assert _same(*_both(at_least(bound, exclusive), texts_within(True, bound, exclusive)))
    assert _same(*_both(at_most(bound, exclusive), texts_within(False, bound, exclusive)))


@pytest.mark.parametrize("text", [text for text in VALUES if Decimal(text)])
def test_one_number_equals_its_expression(text: str) -> None:
    value = Decimal(text)
    assert _same(*_both(equal_to(value), texts_of(value)))


@pytest.mark.parametrize("seed", range(4))
def test_number_texts_are_accepted_by_their_value(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(40):
        low, high = sorted(Decimal(rng.randrange(-2000, 2000)).scaleb(rng.randrange(-4, 3)) for _ in range(2))
        dfa = number_dfa([MinValue(low, False), MaxValue(high, True), MinValue(low - 1, True)])
        whole = number_dfa([MinValue(low, True), MaxValue(high, False), Integer(False)])
        for _ in range(40):
            text = _written(rng, rng.choice([low, high, Decimal(rng.randrange(-3000, 3000)) / 8]))
            value = Decimal(text)
            assert dfa.accepts(text) == (low <= value < high), (low, high, text)
            assert whole.accepts(text) == (low < value <= high and value == int(value)), (low, high, text)


def _written(rng: random.Random, value: Decimal) -> str:
    """``value`` or one near it, plain or with an exponent."""
    near = value + Decimal(rng.choice(["0", "0", "1", "-1", "0.001", "-0.001"]))
    if rng.random() < 0.5 or not near:
        return format(near, "f")
    lead, *rest = near.as_tuple().digits
    mantissa = f"{lead}.{''.join(map(str, rest))}" if rest else str(lead)
    sign = "-" if near < 0 else ""
    return f"{sign}{mantissa}{rng.choice('eE')}{rng.choice(['', '+']) if near.adjusted() >= 0 else ''}{near.adjusted()}"


def test_some_numbers_are_what_is_listed() -> None:
    for values in (["1"], ["1", "2.5"], ["0", "-3"], [*map(str, range(20))]):
        dfa = number_dfa([NumberIn(frozenset(map(Decimal, values)))])
        for text in (*values, "1.0", "1e0", "25e-1", "2.5e0", "-0", "4", "17", "-3.00", "30"):
            is_listed = Decimal(text) in set(map(Decimal, values)) and not text.startswith("25e")
            assert dfa.accepts(text) == is_listed, (values, text)
