"""Simplifying constructors and the canonical text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from structgen.frontends.regex import parse_ecma
from structgen.ir.regex import (
    ANY,
    EPSILON,
    EVERYTHING,
    NOTHING,
    Concat,
    alternate,
    char,
    char_set,
    complement,
    concat,
    intersect,
    literal,
    look,
    negate_set,
    optional,
    plus,
    repeat,
    set_difference,
    set_intersection,
    set_union,
    star,
)
from structgen.ir.show import show

A, B = char(0x61), char(0x62)
SETS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=4).map(
    lambda pairs: char_set([(min(p), max(p)) for p in pairs])
)


@given(SETS, SETS)
def test_sets_of_code_points_are_sets(left: object, right: object) -> None:
    def members(node: object) -> set[int]:
        return {c for c in range(40) if c in node}  # type: ignore[operator]

    assert members(set_union(left, right)) == members(left) | members(right)  # type: ignore[arg-type]
    assert members(set_intersection(left, right)) == members(left) & members(right)  # type: ignore[arg-type]
    assert members(set_difference(left, right)) == members(left) - members(right)  # type: ignore[arg-type]
    assert negate_set(negate_set(left)) == left  # type: ignore[arg-type]


def test_ranges_are_sorted_merged_and_free_of_surrogates() -> None:
    assert char_set([(5, 9), (1, 4), (20, 10)]).ranges == ((1, 9),)
    assert ANY.ranges == ((0, 0xD7FF), (0xE000, 0x10FFFF))
    assert char(0xD800) == NOTHING


@pytest.mark.parametrize(
    ("built", "expected"),
    [
        (concat(A, EPSILON, concat(B, A)), Concat((A, B, A))),
        (concat(A, NOTHING), NOTHING),
        (concat(), EPSILON),
        (alternate(A, B), char_set([(0x61, 0x62)])),
        (alternate(NOTHING, literal("ab"), NOTHING), literal("ab")),
        (alternate(literal("ab"), EVERYTHING), EVERYTHING),
        (repeat(A, 0, 0), EPSILON),
        (repeat(NOTHING, 0, 3), EPSILON),
        (repeat(NOTHING, 1, 3), NOTHING),
        (star(plus(A)), star(A)),
        (optional(star(A)), star(A)),
        (intersect(A, B), NOTHING),
        (intersect(), EVERYTHING),
        (intersect(literal("ab"), EVERYTHING), literal("ab")),
        (complement(complement(literal("ab"))), literal("ab")),
        (complement(EVERYTHING), NOTHING),
        (look(EPSILON), EPSILON),
        (look(NOTHING, negative=True), EPSILON),
        (look(EVERYTHING, negative=True), NOTHING),
    ],
)
def test_constructors_simplify(built: object, expected: object) -> None:
    assert built == expected


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"^(?:a|bc)+\.x{2,}$", r"^(a|bc)+\.x{2,}$"),
        (r"[^\n]{3}|\u{1}?", r"[^\u{A}]{3}|\u{1}?"),
        ("(?<!a)b(?=c)", "(?<!a)b(?=c)"),
        ("", "()"),
        ("[]", "[]"),
    ],
)
def test_canonical_text(pattern: str, text: str) -> None:
    assert show(parse_ecma(pattern)) == text


def test_canonical_text_of_operations() -> None:
    assert show(intersect(literal("ab"), complement(star(A)))) == "ab&~(a*)"
    assert show(concat(intersect(literal("ab"), literal("cd")), A)) == "(ab&cd)a"
