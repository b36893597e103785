"""One text against an expression: automata and Python's ``re`` are the oracles."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given, settings

from structgen.automata.compile import compile_regex
from structgen.automata.limits import Limits
from structgen.automata.matching import matches
from structgen.frontends.regex import parse_ecma, parse_python
from structgen.ir.regex import EVERYTHING, Node, complement, concat, intersect, literal, plus
from tests.frontends.patterns import patterns

ATOMS = ["a", "b", "\n", ".", "[ab]", "[^a]", r"\w", r"\b", r"\B", "^", "$", "é"]
TEXTS = ["".join(t) for n in range(5) for t in itertools.product("ab\n", repeat=n)] + ["é", "aé", "ba é"]


@settings(max_examples=200, deadline=None)
@given(patterns(ATOMS, fixed_lookbehind=False))
def test_agrees_with_the_automaton(pattern: str) -> None:
    node = parse_ecma(pattern)
    dfa = compile_regex(node, Limits(max_seconds=20))
    for text in TEXTS:
        assert matches(node, text) == dfa.accepts(text), repr(text)


@pytest.mark.parametrize(
    ("node", "accepted"),
    [
        (complement(literal("ab")), ["", "a", "abb"]),
        (intersect(plus(literal("ab")), complement(literal("abab"))), ["ab", "ababab"]),
        (concat(complement(literal("a")), literal("b")), ["b", "bb", "aab"]),
        (EVERYTHING, ["", "é"]),
    ],
)
def test_what_is_said_of_whole_texts(node: Node, accepted: list[str]) -> None:
    texts = {*accepted, *("".join(t) for n in range(7) for t in itertools.product("ab", repeat=n))}
    dfa = compile_regex(node)
    assert all(matches(node, text) for text in accepted)
    assert all(matches(node, text) == dfa.accepts(text) for text in texts)


@pytest.mark.parametrize("pattern", ["(a*)*b", "(a|a)*b", "(.{1,20}a){1,20}b", "(?:a?){30}a{30}"])
def test_no_pattern_takes_exponential_time(pattern: str) -> None:
    assert not matches(parse_python(pattern), "a" * 29)
    assert matches(parse_python("(?:a?){30}a{30}"), "a" * 45)


@pytest.mark.parametrize("text", ["x" * 64, "1.2.3.4", "", "256.1.1.1"])
def test_agrees_with_re_on_counted_repeats(text: str) -> None:
    pattern = r"(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)|x{2,64}"
    assert matches(parse_python(pattern), text) == (re.fullmatch(pattern, text) is not None)
