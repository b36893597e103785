"""Lengths told apart from patterns: with the bounds, the rest means what the pattern meant."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from structgen.automata.compile import compile_regex
from structgen.automata.ops import equivalent, intersect
from structgen.frontends.regex import apart_from_lengths, parse_ecma
from structgen.ir.regex import ANY, repeat
from tests.frontends.patterns import patterns

ATOMS = ["a", "b", ".", "[^a]", "a{1,3}", "(?:ab?){0,2}", "(?:a{1,2}b){1,4}", "(?=a)", "(?!b{1,2}$)", "$"]
STATED = ["(?=.{1,4}$)", "(?=.{2,}$)", "(?!b)(?=[ab]{0,3}$)", "(?=.{0,6}$)(?=[^c]{3,9}$)"]


@settings(max_examples=60, deadline=None)
@given(patterns(ATOMS, fixed_lookbehind=False))
@pytest.mark.parametrize("stated", STATED)
def test_the_rest_with_its_lengths_is_the_pattern(stated: str, pattern: str) -> None:
    node = parse_ecma(f"^{stated}(?:{pattern})$", search=True)
    rest, low, high = apart_from_lengths(node)
    assert rest is not node and (low or high is not None)
    lengths = compile_regex(repeat(ANY, low, high))
    assert equivalent(intersect(compile_regex(rest), lengths), compile_regex(node))


@pytest.mark.parametrize(
    "pattern", ["(?=.{1,4}$)a", "a^(?=.{1,4}$)", "^a|(?=.{1,4}$)b", "^(?=.{1,4})a", "^(?!.{1,4}$)a", "^(?<=.{1,4}$)a"]
)
def test_what_does_not_bound_the_whole_text_stays(pattern: str) -> None:
    node = parse_ecma(pattern, search=True)
    assert apart_from_lengths(node) == (node, 0, None)


def test_counts_that_the_length_implies_are_dropped() -> None:
    plain = parse_ecma("^(?:[a-z]{1,63}x)+$", search=True)
    for most, is_implied in ((127, True), (126, False)):
        rest, _, high = apart_from_lengths(
            parse_ecma(f"^(?=[^]{{1,255}}$)(?:[a-z]{{1,63}}x){{1,{most}}}$", search=True)
        )
        assert high == 255
        assert (rest == plain) is is_implied
