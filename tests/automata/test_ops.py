"""Boolean algebra of automata against sets of strings up to a length."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from structgen.automata import ops
from structgen.automata.compile import compile_regex
from structgen.automata.dfa import EMPTY, Dfa
from structgen.automata.limits import Limits
from structgen.errors import LimitError
from structgen.frontends.regex import parse_python
from structgen.ir.regex import EVERYTHING
from tests.frontends.patterns import patterns

TEXTS = ["".join(t) for n in range(5) for t in itertools.product("aé", repeat=n)]
PATTERNS = patterns(["a", "é", ".", "[^a]", "a*", "(?!a)", "$"], fixed_lookbehind=True)


def language(dfa: Dfa) -> set[str]:
    return {t for t in TEXTS if dfa.accepts(t)}


def automaton(pattern: str) -> Dfa:
    return compile_regex(parse_python(pattern), Limits(max_seconds=20))


@settings(max_examples=60, deadline=None)
@given(PATTERNS, PATTERNS)
def test_operations_are_those_of_sets(left: str, right: str) -> None:
    a, b = automaton(left), automaton(right)
    first, second = language(a), language(b)
    assert language(ops.intersect(a, b)) == first & second
    assert language(ops.union(a, b)) == first | second
    assert language(ops.difference(a, b)) == first - second
    assert language(ops.symmetric_difference(a, b)) == first ^ second
    assert language(ops.complement(a)) == set(TEXTS) - first
    assert language(ops.concat(a, b)) == {x + y for x in first for y in second} & set(TEXTS)
    assert ops.is_subset(a, b) == ops.difference(a, b).is_empty


@settings(max_examples=60, deadline=None)
@given(PATTERNS, PATTERNS)
def test_equal_languages_have_equal_arrays(left: str, right: str) -> None:
    a, b = automaton(left), automaton(right)
    same = a.transitions.tolist() == b.transitions.tolist() and a.class_of.tolist() == b.class_of.tolist()
    assert ops.equivalent(a, b) == (same and a.accepting.tolist() == b.accepting.tolist())
    assert ops.equivalent(ops.union(a, b), ops.union(b, a))


@given(st.lists(st.binary(max_size=5), max_size=12))
@settings(deadline=None)
def test_from_strings_accepts_exactly_the_strings(strings: list[bytes]) -> None:
    dfa = ops.from_strings(strings)
    assert all(dfa.accepts(s) for s in strings)
    for s in strings:
        for other in (s + b"a", s[:-1], b"\xff" + s):
            assert dfa.accepts(other) == (other in strings)
    assert dfa.is_empty == (not strings)


def test_from_strings_with_every_byte_in_use() -> None:
    dfa = ops.from_strings([bytes([b]) for b in range(256)])
    assert all(dfa.accepts(bytes([b])) for b in range(256))
    assert not dfa.accepts(b"") and not dfa.accepts(b"ab")


def test_complement_is_relative_to_valid_text() -> None:
    dfa = ops.complement(automaton("a"))
    assert dfa.accepts("b") and dfa.accepts("") and not dfa.accepts("a")
    assert not dfa.accepts(b"\xff") and not dfa.accepts(b"\xed\xa0\x80") and not dfa.accepts(b"\xc0\x80")
    assert ops.complement(EMPTY).is_universal
    assert ops.complement(compile_regex(EVERYTHING)).is_empty


@pytest.mark.parametrize("text", ["", "a", "ab", "é", "\U00010000x"])
def test_what_misses_one_text_is_not_universal(text: str) -> None:
    everything_else = ops.complement(ops.from_strings([text.encode()]))
    assert not everything_else.is_universal
    assert ops.union(everything_else, ops.from_strings([text.encode()])).is_universal


def test_universal_accepts_what_python_decodes() -> None:
    dfa = ops.universal()
    for data in (b"\xf4\x8f\xbf\xbf", b"\xf4\x90\x80\x80", b"\xe0\x9f\xbf", b"\xe0\xa0\x80", b"\xc3", b"\x80", b"\x7f"):
        try:
            data.decode("utf-8")
            valid = True
        except UnicodeDecodeError:
            valid = False
        assert dfa.accepts(data) == valid


def test_products_end_in_a_limit() -> None:
    a, b = automaton("(?:a{30})*"), automaton("(?:a{31})*")
    assert ops.intersect(a, b).n_states == 931
    with pytest.raises(LimitError) as caught:
        ops.intersect(a, b, Limits(max_states=500))
    assert (caught.value.what, caught.value.limit) == ("max_states", 500)
