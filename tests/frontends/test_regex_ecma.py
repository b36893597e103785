"""ECMA-262 patterns: a file of cases, what is refused, and another engine as the oracle."""

from __future__ import annotations

import itertools
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from structgen.automata.compile import compile_regex
from structgen.automata.limits import Limits
from structgen.errors import LimitError, RegexSyntaxError, UnsupportedError
from structgen.frontends.regex import is_valid_ecma, parse_ecma
from tests.frontends.patterns import patterns
from tests.support.data import data_path

CASES = tomllib.loads((Path(__file__).parents[1] / "data/regex/ecma.toml").read_text("utf-8"))["case"]


@pytest.mark.parametrize("case", CASES, ids=[c["name"] for c in CASES])
def test_search_accepts_what_the_case_says(case: dict[str, Any]) -> None:
    dfa = compile_regex(parse_ecma(case["pattern"], search=True))
    assert [t for t in case["accepts"] if not dfa.accepts(t)] == []
    assert [t for t in case["rejects"] if dfa.accepts(t)] == []


@pytest.mark.parametrize(
    ("pattern", "span"),
    [
        ("a(b", (1, 3)),
        ("a)b", (1, 2)),
        ("[b-a]", (1, 4)),
        ("*a", (0, 1)),
        ("a**", (2, 3)),
        ("x{3,2}", (0, 6)),
        ("[a", (0, 2)),
        ("\\", (0, 1)),
        (r"\p{Nope}", (0, 8)),
        (r"\u12", (0, 2)),
        (r"\a", (0, 2)),
        ("[[:alpha:]]", (1, 2)),
        ("(?x)a", (0, 2)),
        (r"\u{110000}", (0, 3)),
    ],
)
def test_wrong_syntax_is_refused_with_its_span(pattern: str, span: tuple[int, int]) -> None:
    with pytest.raises(RegexSyntaxError) as caught:
        parse_ecma(pattern)
    assert (caught.value.source, caught.value.span) == (pattern, span)


@pytest.mark.parametrize(
    ("pattern", "keyword", "span"),
    [
        (r"(a)\1", "backreference", (3, 5)),
        (r"(?<n>a)\k<n>", "backreference", (7, 12)),
        ("(?>a)b", "atomic group", (0, 3)),
        ("a++", "possessive quantifier", (2, 3)),
    ],
)
def test_what_has_no_automaton_is_refused_by_name(pattern: str, keyword: str, span: tuple[int, int]) -> None:
    with pytest.raises(UnsupportedError) as caught:
        parse_ecma(pattern)
    assert (caught.value.keyword, caught.value.span) == (keyword, span)


def test_deep_nesting_ends_in_a_limit() -> None:
    with pytest.raises(LimitError) as caught:
        parse_ecma("(" * 10_000 + ")" * 10_000)
    assert caught.value.what == "depth"


@pytest.mark.parametrize("pattern", ["a]", r"\-", "(?i)a", "(?P<n>a)", r"\Z", "a{", r"\8", r"(?=a)*", r"\k<x>"])
def test_strict_mode_takes_no_borrowings(pattern: str) -> None:
    assert not is_valid_ecma(pattern)


@pytest.mark.parametrize("pattern", [r"(a)\1", r"\1(a)", r"(?<n>a)\k<n>", "[]", "[^]", r"\cA", r"(?<=a+)b", r"[\-]"])
def test_strict_mode_takes_the_standard(pattern: str) -> None:
    assert is_valid_ecma(pattern)


TEXTS = ["".join(t) for n in range(4) for t in itertools.product("ab\n ", repeat=n)]
TEXTS += ["é", "aé", "a_", "K", "\u212a", "ſ", "s", "😀", "a😀b", "É", "1", "\u2028b", "aba b", "abab"]
ATOMS = ["a", "b", r"\n", "_", " ", ".", "[ab]", "[^a]", r"\w", r"\W", r"\b", r"\B", "^", "$", "é", "[]", "[^]", r"\d"]
ATOMS += [r"\s", r"[\w-]", r"\u{1F600}", r"\uD83D\uDE00", r"\p{Lu}", r"[^\p{Ll}a]", "k", "ſ"]


@settings(max_examples=150, deadline=None)
@given(pattern=patterns(ATOMS, fixed_lookbehind=False), flags=st.sampled_from(["", "i", "m", "s"]))
def test_agrees_with_another_engine(pattern: str, flags: str) -> None:
    regress = pytest.importorskip("regress", reason="the package regress, an ECMA-262 engine, is the oracle")
    expected = regress.Regex(pattern, "u" + flags)
    dfa = compile_regex(parse_ecma(pattern, search=True, strict=True, flags=flags), Limits(max_seconds=20))
    for text in TEXTS:
        assert dfa.accepts(text) == (expected.find(text) is not None), repr(text)


@pytest.mark.data
@pytest.mark.slow
def test_every_pattern_of_real_schemas_is_read() -> None:
    """One needs more states than the limit; none is misread."""
    found: set[str] = set()

    def collect(node: Any) -> None:
        if isinstance(node, dict):
            if isinstance(node.get("pattern"), str):
                found.add(node["pattern"])
            if isinstance(node.get("patternProperties"), dict):
                found.update(node["patternProperties"])
            for child in node.values():
                collect(child)
        elif isinstance(node, list):
            for child in node:
                collect(child)

    for path in data_path("maskbench", "data").glob("*.json"):
        collect(json.loads(path.read_text("utf-8"))["schema"])
    refused = []
    for pattern in sorted(found):
        try:
            compile_regex(parse_ecma(pattern, search=True))
        except (RegexSyntaxError, UnsupportedError, LimitError) as error:
            refused.append((pattern, type(error).__name__))
    assert len(found) > 1000
    assert [name for _, name in refused] in ([], ["LimitError"]), refused
