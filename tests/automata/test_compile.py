"""From expression to automaton: the two ways of looks, minimality, limits, speed."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings

from structgen.automata.compile import compile_regex
from structgen.automata.derivatives import compile_derivatives
from structgen.automata.dfa import Dfa
from structgen.automata.limits import Limits
from structgen.automata.looks import CrossingError, resolve
from structgen.automata.nfa import Clock
from structgen.errors import LimitError
from structgen.frontends.regex import parse_ecma, parse_python
from structgen.ir.regex import complement, concat, intersect, literal, repeat, star
from tests.frontends.patterns import patterns

PATIENT = Limits(max_seconds=20)
ATOMS = ["a", "b", ".", "[^a]", r"\b", r"\B", "^", "$", "é", r"\w", "a*", "(?:a|bb)"]


def same(left: Dfa, right: Dfa) -> bool:
    return (
        left.transitions.tolist() == right.transitions.tolist() and left.accepting.tolist() == right.accepting.tolist()
    )


@settings(max_examples=100, deadline=None)
@given(patterns(ATOMS, fixed_lookbehind=False))
def test_rewriting_and_derivatives_build_the_same_automaton(pattern: str) -> None:
    node = parse_ecma(pattern, search=True)
    assert same(compile_regex(node, PATIENT), compile_derivatives(node, Clock(PATIENT)))


@pytest.mark.parametrize(
    ("pattern", "is_rewritten"),
    [
        (r"\bfoo\b", True),
        ("^(?!a)b", True),
        (r"a(?=b)..(?<=c)d", True),
        (r"a(?=b).*(?<=c)d", False),
        ("(?:(?!a).)*", False),
        ("(?:^a|b)*", False),
    ],
)
def test_which_looks_rewriting_reaches(pattern: str, is_rewritten: bool) -> None:
    try:
        resolve(parse_ecma(pattern, search=True))
    except CrossingError:
        assert not is_rewritten
    else:
        assert is_rewritten


def test_operations_inside_an_expression() -> None:
    no_end = complement(concat(star(parse_python("(?s:.)")), literal("--"), star(parse_python("(?s:.)"))))
    comment = compile_regex(concat(literal("<"), no_end, literal(">")))
    assert comment.accepts("<a-b>") and comment.accepts("<>") and not comment.accepts("<a--b>")
    both = compile_regex(repeat(intersect(parse_python("a*"), parse_python("(?:aa|b)*")), 2, 2))
    assert both.accepts("aaaa") and both.accepts("") and not both.accepts("aaa")


def test_automata_are_minimal() -> None:
    assert compile_regex(parse_python("(?:a|b)*abb")).n_states == 5
    assert compile_regex(parse_python("a{1,64}")).n_states == 66
    assert (
        compile_regex(parse_ecma("a", search=True)).n_states == compile_regex(parse_ecma("a|ba", search=True)).n_states
    )


def test_large_bounds_of_simple_classes_are_no_trouble() -> None:
    dfa = compile_regex(parse_python("[a-z]{1,10000}"))
    assert dfa.n_states == 10_002
    assert dfa.accepts("a" * 10_000) and not dfa.accepts("a" * 10_001)


@pytest.mark.parametrize(
    ("pattern", "limits", "what"),
    [
        ("(?:a|aa){5000}b", Limits(max_seconds=0.5), "max_seconds"),
        ("(?:a|b)*a(?:a|b){20}", Limits(max_states=1000), "max_states"),
        ("(?:a{1000}){10000}", Limits(), "max_nfa_states"),
        ("(?:(?:a{1000}){1000}){100000}", Limits(), "max_nfa_states"),
        ("(?:a|b)*a(?:a|b){30}", Limits(max_arena=10_000), "max_arena"),
        ("(?:(?!ab)[ab])*a(?:[ab](?!x)){200}", Limits(max_states=50), "max_states"),
    ],
)
def test_explosions_end_in_a_limit(pattern: str, limits: Limits, what: str) -> None:
    compile_regex(parse_python("a"))  # kernels are compiled outside the budget
    began = time.perf_counter()
    with pytest.raises(LimitError) as caught:
        compile_regex(parse_python(pattern), limits)
    assert caught.value.what == what
    assert caught.value.given is not None and caught.value.limit is not None
    assert caught.value.given > caught.value.limit or what == "max_arena"
    assert time.perf_counter() - began < limits.max_seconds + 2


def test_a_node_is_compiled_once_while_remembered() -> None:
    node = parse_python("remembered?")
    assert parse_python("remembered?") is node
    assert compile_regex(node) is compile_regex(node)


def test_kernels_have_one_version_each() -> None:
    from structgen.kernels import determinize, minimize, nfa, product

    compile_regex(parse_python(r"(?!foo)\w+"))
    kernels = [nfa.build_nfa, determinize.byte_classes, determinize.determinize, minimize.minimize]
    for kernel in [*kernels, product.product]:
        assert len(getattr(kernel, "signatures", [None])) == 1


@settings(max_examples=150, deadline=None)
@given(
    patterns(
        ["a", "b", ".", "a{1,4}", "(?:ab?|b){0,3}", "(?:a{1,3}b){1,3}", ".{2,5}b", "(?:.{0,3}a){2,4}"],
        fixed_lookbehind=False,
    )
)
def test_optional_copies_are_one_state(pattern: str) -> None:
    """Bounded repetitions, in which subsets keep the first of what copies share, against derivatives, which do not."""
    node = parse_ecma(pattern, search=True)
    assert same(compile_regex(node, PATIENT), compile_derivatives(node, Clock(PATIENT)))


def test_overlapping_bounded_repetitions_stay_small() -> None:
    assert compile_regex(parse_python("(?:a|aa){1,5000}b")).n_states < 10_010
    host_name = compile_regex(parse_ecma(r"^(.{1,63}\.)+[a-z]+$", search=True))
    assert host_name.n_states < 1_000
    assert host_name.accepts(b"a" * 63 + b"." + b"..a" * 21 + b".com")
    assert not host_name.accepts(b"a" * 64 + b".com")
