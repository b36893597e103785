"""GBNF over lexemes is GBNF over characters: verdicts and masks against an Earley recogniser, and what is lifted."""

from __future__ import annotations

import random

import pytest

from structgen.grammar_constraint import gbnf
from structgen.masks.grammar_machine import GrammarMachine
from tests.support.earley import Rules
from tests.support.grammar_masks import SHAPES, VOCABULARY, compare_with_earley, random_rules


def gbnf_text(rules: Rules) -> str:
    """``rules`` in GBNF; symbols of one letter that are no rules are characters."""
    lines = []
    for name, alternatives in rules.items():
        shown = [" ".join(s if s in rules else f'"{s}"' for s in symbols) or '""' for symbols in alternatives]
        lines.append(f"{name} ::= {' | '.join(shown)}")
    return "\n".join(lines)


def compare(rules: Rules, rng: random.Random, *, n_walks: int = 5) -> None:
    chosen = gbnf(gbnf_text(rules), start="start").chosen
    bound = GrammarMachine(chosen.automaton(), VOCABULARY, heavy=rng.choice([2, 6, 10**9]))
    compare_with_earley(rules, bound, rng, n_walks=n_walks)


@pytest.mark.parametrize("name", SHAPES)
def test_masks_equal_earleys_for_every_kind_of_recursion(name: str) -> None:
    compare(SHAPES[name], random.Random(1))


@pytest.mark.parametrize("seed", range(40))
def test_masks_equal_earleys_on_random_grammars(seed: int) -> None:
    rng = random.Random(seed)
    compare(random_rules(rng), rng, n_walks=3)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2000, 2400))
def test_masks_equal_earleys_on_many_random_grammars(seed: int) -> None:
    rng = random.Random(seed)
    compare(random_rules(rng), rng)


@pytest.mark.parametrize(
    ("text", "accepted", "rejected"),
    [
        ('root ::= "a" root | "b"', ["b", "aab"], ["", "a", "ba"]),
        ('root ::= root "a" | "b"', ["b", "baa"], ["", "a", "ab"]),
        (
            'root ::= x "!"\nx ::= "a" y | "c"\ny ::= "b" x | ""',
            ["ab!c"[:2] + "c!", "a!", "c!", "abab" + "a!"],
            ["!", "b!"],
        ),
        ('root ::= ([0-9] | "-"){2,3} " "*', ["12", "1-3  "], ["1", "1234"]),
        ("root ::= [a-z]+ [a-c]+ [a-z]?", ["xa", "aaa", "xaz"], ["xz", "a"]),
    ],
)
def test_what_is_regular_is_one_terminal(text: str, accepted: list[str], rejected: list[str]) -> None:
    constraint = gbnf(text)
    assert len(constraint.grammar.terminals) == 1 and constraint.parser == "lalr"
    assert [each for each in accepted if not constraint.accepts(each)] == []
    assert [each for each in rejected if constraint.accepts(each)] == []


def test_lexemes_may_end_wherever_they_match() -> None:
    constraint = gbnf('root ::= [a-z]* nest [a-z]*\nnest ::= "a" nest? "b"')
    assert [text for text in ("ab", "aab", "xaabbab", "aabb") if not constraint.accepts(text)] == []
    assert [text for text in ("", "ba", "xyz") if constraint.accepts(text)] == []
