"""Python's syntax: ``re`` itself is the oracle."""

from __future__ import annotations

import itertools
import re
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from structgen.automata.compile import compile_regex
from structgen.automata.limits import Limits
from structgen.errors import RegexSyntaxError, UnsupportedError
from structgen.frontends.regex import parse_python
from tests.frontends.patterns import patterns

ATOMS = ["a", "b", "\n", "_", " ", ".", "[ab]", "[^a]", r"\w", r"\W", r"\b", r"\B", "^", "$", r"\A", r"\Z", "é", r"\d"]
TEXTS = ["".join(t) for n in range(5) for t in itertools.product("ab\n", repeat=n)]
TEXTS += ["é", "aé", "a_", "_b", "a b", " ab ", "É", "٣"]


@settings(max_examples=200, deadline=None)
@given(
    pattern=patterns(ATOMS, fixed_lookbehind=True),
    flags=st.sampled_from([0, re.M, re.I, re.S, re.A]),
    search=st.booleans(),
)
def test_agrees_with_re(pattern: str, flags: int, search: bool) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            expected = re.compile(pattern, flags)
        except re.error:
            return
    dfa = compile_regex(parse_python(pattern, int(flags), search=search), Limits(max_seconds=20))
    for text in TEXTS:
        found = expected.search(text) if search else expected.fullmatch(text)
        assert dfa.accepts(text) == (found is not None), repr(text)


@pytest.mark.parametrize(
    ("pattern", "accepts", "rejects"),
    [
        (r"(?x) a  b # comment", ["ab"], ["a b"]),
        (r"(?i:k)k", ["kk", "Kk", "\u212ak"], ["kK"]),
        (r"(?i)[a-z]+", ["aZ", "ſ", "\u212a"], ["é", ""]),
        (r"(?i)ß|ǆ|σ", ["ß", "ẞ", "ǅ", "Ǆ", "ς", "Σ"], ["ss"]),
        (r"(?a)\w\d", ["a1"], ["é1", "a٣"]),
        (r"\w\d\s", ["é٣\u3000"], ["!1 "]),
        (r"a$", ["a"], ["a\n"]),
        (r"(?P<x>a)(?P<y>b)?", ["a", "ab"], ["b"]),
        (r".{1,10000}", ["é" * 10_000], ["", "é" * 10_001]),
        ("", [""], ["a"]),
    ],
)
def test_fullmatch_accepts(pattern: str, accepts: list[str], rejects: list[str]) -> None:
    dfa = compile_regex(parse_python(pattern))
    assert all(re.fullmatch(pattern, t) for t in accepts) and not any(re.fullmatch(pattern, t) for t in rejects)
    assert [t for t in accepts if not dfa.accepts(t)] == []
    assert [t for t in rejects if dfa.accepts(t)] == []


@pytest.mark.parametrize("letter", ["d", "s", "w", "D", "S", "W"])
def test_unicode_classes_hold_every_code_point_that_re_puts_there(letter: str) -> None:
    dfa = compile_regex(parse_python(rf"\{letter}"))
    everything = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x110000)]))
    inside = {c for run in re.findall(rf"\{letter}+", everything) for c in run}
    table, class_of = dfa.transitions, dfa.class_of
    sample = [c for k, c in enumerate(everything) if k < 0x3000 or k % 7 == 0]
    for c in sample:
        state = dfa.start
        for byte in c.encode():
            state = table[state, class_of[byte]]
        assert bool(dfa.accepting[state]) == (c in inside), hex(ord(c))


@pytest.mark.parametrize("flags", [re.I, re.I | re.A])
def test_ignoring_case_folds_as_re_does(flags: int) -> None:
    cased = [chr(c) for c in range(0x250) if chr(c).lower() != chr(c) or chr(c).upper() != chr(c)]
    cased += list("ΣσςΩω\u2126\u212aKkſßẞǅǄǆ\u0345ιͅ")
    for c in cased[::3] + cased[-20:]:
        dfa = compile_regex(parse_python(re.escape(c), int(flags)))
        compiled = re.compile(re.escape(c), flags)
        for other in cased:
            assert dfa.accepts(other) == bool(compiled.fullmatch(other)), (c, other)


@pytest.mark.parametrize(("pattern", "position"), [("a(b", 1), ("[z-a]", 1), ("*", 0), (r"\p{L}", 0), ("a{3,1}", 2)])
def test_wrong_syntax_is_refused_where_re_stops(pattern: str, position: int) -> None:
    with pytest.raises(RegexSyntaxError) as caught:
        parse_python(pattern)
    assert caught.value.span is not None
    assert (caught.value.source, caught.value.span[0]) == (pattern, position)


@pytest.mark.parametrize(
    ("pattern", "keyword", "span"),
    [
        (r"(a)\1", "backreference", (3, 5)),
        (r"(?P<n>a)(?P=n)", "backreference", (8, 12)),
        (r"(a)?(?(1)b|c)", "conditional", (4, 7)),
        (r"(?>a)", "atomic group", (0, 3)),
        (r"a++b", "possessive quantifier", (1, 3)),
    ],
)
def test_what_has_no_automaton_is_refused_by_name(pattern: str, keyword: str, span: tuple[int, int]) -> None:
    with pytest.raises(UnsupportedError) as caught:
        parse_python(pattern)
    assert (caught.value.keyword, caught.value.span) == (keyword, span)
