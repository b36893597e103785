"""What the shipped grammars' terminals ask of the lexer, in the least grammar that shows it."""

from __future__ import annotations

import itertools

import pytest
from lark import Lark
from lark.exceptions import LarkError
from lark.indenter import PythonIndenter

from structgen.grammar_constraint import lark

CASES = {
    "a keyword looked for first, and names": (
        r"""
start: (ON | NAME)+
ON.1: /on(?!\w)/
NAME: /[a-z]\w*/
%ignore " "
""",
        ["o", "n", " "],
    ),
    "a longer lexeme that a lookahead rules out": (
        r"""
start: HASH "c"?
HASH: /#[^\n]*(?=[\n\/])/
%ignore /\/[^\n]*/
%ignore "\n"
""",
        ["#", "/", "\n", "c"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_all_short_texts_get_larks_verdict(name: str) -> None:
    grammar, letters = CASES[name]
    ours, theirs = lark(grammar, parser="lalr"), Lark(grammar, parser="lalr")
    for length in range(7):
        for text in map("".join, itertools.product(letters, repeat=length)):
            assert ours.accepts(text) == _accepts(theirs, text), text


def test_a_keyword_with_a_boundary_leaves_one_reading() -> None:
    """Readings that outlived their lexeme doubled with each keyword, and a text of 200 bytes took for ever."""
    automaton = lark(CASES["a keyword looked for first, and names"][0], parser="lalr").chosen.automaton()
    threads = automaton.advance(automaton.start(), b"on " * 400)
    assert len(threads) == 1


@pytest.mark.parametrize("width", [0, 10, 16, 17, 40, 300])
@pytest.mark.parametrize("character", ["b", "\u00b1", "\u20ac", "\U0001f600"])
def test_a_comment_may_be_longer_than_any_indentation(character: str, width: int) -> None:
    grammar = r"""
start: line+
line: "x" _NEWLINE
_NEWLINE: /( *(#[^\n]*)?\n)+ */
%declare _INDENT _DEDENT
block: "y" _NEWLINE _INDENT line _DEDENT
%ignore / +/
""".replace('line: "x" _NEWLINE', 'line: "x" _NEWLINE | block')
    theirs = Lark(grammar, parser="lalr", postlex=PythonIndenter())
    text = f"x\n  #{' ' * width}{character}\nx\n"
    assert _accepts(theirs, text)
    assert lark(grammar).accepts(text)


def _accepts(parser: Lark, text: str) -> bool:
    try:
        parser.parse(text)
    except LarkError:
        return False
    return True
