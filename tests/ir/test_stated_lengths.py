"""Lengths told apart from patterns: with the bounds, the rest means what the pattern meant."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from structgen.automata.compile import compile_regex
from structgen.automata.ops import equivalent, intersect
from structgen.frontends.regex import parse_ecma
from structgen.ir.regex import ANY, repeat
from structgen.ir.stated_lengths import apart_from_count, apart_from_looks
from tests.frontends.patterns import patterns

ATOMS = ["a", "b", ".", "[^a]", "a{1,3}", "(?:ab?){0,2}", "(?:a{1,2}b){1,4}", "(?=a)", "(?!b{1,2}$)", "$"]
STATED = ["(?=.{1,4}$)", "(?=.{2,}$)", "(?!b)(?=[ab]{0,3}$)", "(?=.{0,6}$)(?=[^c]{3,9}$)"]


def same(pattern: str) -> bool:
    node = parse_ecma(pattern, search=True)
    rest, low, high = apart_from_looks(node)
    rest, longest = apart_from_count(rest)
    assert rest is not node and (low or high is not None or longest is not None)
    high = min((bound for bound in (high, longest) if bound is not None), default=None)
    lengths = compile_regex(repeat(ANY, low, high))
    return equivalent(intersect(compile_regex(rest), lengths), compile_regex(node))


@settings(max_examples=60, deadline=None)
@given(patterns(ATOMS, fixed_lookbehind=False))
@pytest.mark.parametrize("stated", STATED)
def test_the_rest_with_its_lengths_is_the_pattern(stated: str, pattern: str) -> None:
    assert same(f"^{stated}(?:{pattern})$")


@pytest.mark.parametrize(
    "pattern",
    [
        "^a{0,16}$",
        "^a{3,20}$",
        "^[^]{2,30}$",
        "^a[ab]{0,20}b$",
        "^a(?:[ab]{0,20}b)?$",
        "^(?:aa|bb)(?:a{2}[ab]{1,20}b{3})?a$",
        "^(?!a*$)[ab]{1,20}$",
        "^(?=.{3,9}$)[ab]{1,20}$",
    ],
)
def test_the_one_count_of_a_pattern_is_a_length(pattern: str) -> None:
    assert same(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "(?=.{1,4}$)a",
        "a^(?=.{1,4}$)",
        "^a|(?=.{1,4}$)b",
        "^(?=.{1,4})a",
        "^(?!.{1,4}$)a",
        "^(?<=.{1,4}$)a",
        "^a{0,20}",
        "a{0,20}$",
        "^a{0,20}b*$",
        "^(?:a{0,20}|b)$",
        "^(?:a{0,20}b){2}$",
        "^a?b{0,20}$",
        "^(?:aa|b)a{0,20}$",
        "^a{9,20}$",
        "^a{0,20}(?<=aa)$",
        "^(?:a{0,20}b)*$",
        "^a{0,20}$b",
    ],
)
def test_what_does_not_bound_the_whole_text_stays(pattern: str) -> None:
    node = parse_ecma(pattern, search=True)
    assert apart_from_looks(node) == (node, 0, None)
    assert apart_from_count(node) == (node, None)


def test_counts_that_the_length_implies_are_dropped() -> None:
    plain = parse_ecma("^(?:[a-z]{1,63}x)+$", search=True)
    for most, is_implied in ((127, True), (126, False)):
        rest, _, high = apart_from_looks(parse_ecma(f"^(?=[^]{{1,255}}$)(?:[a-z]{{1,63}}x){{1,{most}}}$", search=True))
        assert high == 255
        assert (rest == plain) is is_implied
