"""Masks under terminals that collide, made of each other, ignored and asked for: against Lark, with no dead ends."""

from __future__ import annotations

import random

import pytest
from lark import Lark

from structgen.errors import ConstraintError
from structgen.grammar_constraint import lark
from structgen.ir.passes import ignored_in_rules
from tests.masks.test_grammar_dead_ends import check
from tests.support.lexical import random_nested_grammar

LEAST = {
    "an ignored terminal between others": "start: A B A\nA: /a/\nB: / /\n%ignore B",
    "an ignored terminal alone": "start: A\nA: /b|bc/\n%ignore A",
    "an ignored terminal of two others": 'start: "c" T T | U\nT: /a+?/\nU: /a(?=b)/ T | "b"\n%ignore T',
    "an ignored terminal before the last": 'start: T U | U start "c"\nT: /a(?!b)/\nU.-1: /c/\n%ignore U',
    "a lookahead at the front, against what is needed": "start: U T\nT.2: /(?=a)[ab]+/\nU: /[abc](?=b)/",
    "alternatives without brackets in a sequence": 'start: T "b"\nT: "ab" "ab" | "ab" /a|ab|abc/',
    "a longer lexeme under a guess that fails": 'start: "a" | "c"\nT: /[ab](?!ab)[abc]+/\nU: "ab"+ | "a" T\n%ignore U',
    "a loop with a turn that reads nothing": "start: T\nT: /ab((ab)*|a{1,2}?)*/",
    "one letter, looked for first": "start: T\nT.1: /(ab)+?/\nU.2: /a/\n%ignore U",
}
"""The least grammars that were found to be read or masked otherwise."""


@pytest.mark.parametrize("parser", ["lalr", "earley"])
@pytest.mark.parametrize("name", LEAST)
def test_masks_have_no_dead_ends(name: str, parser: str) -> None:
    assert check(LEAST[name], parser, random.Random(1)) is not False


def differs_in_lark(grammar: str, parser: str) -> bool:
    """Whether an ignored text that rules ask for is the text of another terminal, too.

    Lark's contextual lexer throws such a lexeme away where it is read for itself. Where the other terminal is
    looked for, it is read as that, renamed, and handed to the parser in spite of ``%ignore``. Here it never is
    handed to the parser. (``start: T | U`` with ``T: /[ab]/``, ``U: "b"`` and ``%ignore U``: Lark takes ``b``.)
    """
    if parser != "lalr":
        return False
    try:
        found = lark(grammar, parser="lalr", cache=False).grammar
    except ConstraintError:
        return False
    return any(words.intersection(ignored_in_rules(found)) for words in found.shadowed.values())


@pytest.mark.parametrize("parser", ["lalr", "earley"])
@pytest.mark.parametrize("seed", range(12))
def test_masks_under_random_terminals(seed: int, parser: str) -> None:
    rng = random.Random(seed)
    verdicts = []
    for _ in range(12):
        grammar = random_nested_grammar(rng)
        if not differs_in_lark(grammar, parser):
            verdicts.append(check(grammar, parser, rng))
    assert True in verdicts


@pytest.mark.slow
@pytest.mark.parametrize("parser", ["lalr", "earley"])
@pytest.mark.parametrize("seed", range(100, 250))
def test_masks_under_many_random_terminals(seed: int, parser: str) -> None:
    rng = random.Random(seed)
    for _ in range(10):
        grammar = random_nested_grammar(rng)
        if not differs_in_lark(grammar, parser):
            check(grammar, parser, rng)


def test_auto_takes_the_parser_that_reads_ignored_terminals_in_rules() -> None:
    grammar = "start: A B A\nA: /a/\nB: / /\n%ignore B"
    found = lark(grammar)
    assert found.parser == "earley" and found.accepts("a  a") and not found.accepts("aa")
    assert "ignored" in lark(grammar, parser="lalr").warnings[0]


def test_an_ignored_text_of_another_terminal_is_not_handed_to_the_parser() -> None:
    grammar = 'start: T | U\nT: /[ab]/\nU: "b"\n%ignore U'
    assert differs_in_lark(grammar, "lalr")
    assert Lark(grammar, parser="lalr").parse("b") and not lark(grammar, parser="lalr").accepts("b")
