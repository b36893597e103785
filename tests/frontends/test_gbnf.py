"""GBNF against hand-written verdicts, and its errors by class and place."""

from __future__ import annotations

import pytest

from structgen.errors import GrammarSyntaxError, LimitError, UnsupportedError
from structgen.grammar_constraint import gbnf

CASES = {
    "choice": ('root ::= "yes" | "no"', ["yes", "no"], ["", "yesno", "y"]),
    "class": ("root ::= [a-c]+ [^a-c]", ["ax", "abcZ", "aé"], ["a", "abc", "x"]),
    "repetition": ('root ::= "a"{2,3} "b"{2} "c"?', ["aabb", "aaabbc"], ["abb", "aaaabb", "aab"]),
    "open repetition": ('root ::= ("ab"){2,}', ["abab", "ababab"], ["ab", "aba"]),
    "recursion": ('root ::= "(" root ")" | ""', ["", "()", "((()))"], ["(", "())"]),
    "lines and comments": (
        'root ::= a # first\n  | b\na ::= "a" (\n "1" |\n "2")\nb ::= "b"\n',
        ["a1", "a2", "b"],
        ["a"],
    ),
    "no keywords": ('root ::= [a-z]+ | "if" [0-9]', ["if", "if1", "ifx"], ["if12"]),
    "escapes": (r'root ::= "\n\t\"\\" [\x41\u00e9\]]', ['\n\t"\\A', '\n\t"\\é', '\n\t"\\]'], ['\n\t"\\B']),
    "any": ("root ::= . .", ["ab", "é\n"], ["a", "abc"]),
    "names": ('root ::= 1-a\n1-a ::= "x"', ["x"], ["1"]),
    "list from its documentation": (
        'root ::= item+\n\n# no line breaks\nitem ::= "- " [^\\r\\n\\x0b\\x0c\\x85\\u2028\\u2029]+ "\\n"\n',
        ["- a\n- b\n"],
        ["- \n", "a", "- \u2028\n"],
    ),
    "ambiguous": ('root ::= root root | "a"', ["a", "aaaa"], ["", "b"]),
}


@pytest.mark.parametrize("name", CASES)
def test_it_accepts_what_it_should(name: str) -> None:
    text, accepted, rejected = CASES[name]
    constraint = gbnf(text)
    assert [each for each in accepted if not constraint.accepts(each)] == []
    assert [each for each in rejected if constraint.accepts(each)] == []


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('root ::= "a', (1, 10)),
        ("root ::= [a-", (1, 12)),
        ('root ::= ("a"', (1, 10)),
        ("root ::= other", (1, 10)),
        ('root = "a"', (1, 6)),
        ('root ::= "a"\nroot ::= "b"', (2, 1)),
        ('root ::= "a"{3,2}', (1, 13)),
        (r'root ::= "\q"', (1, 11)),
        ("root ::= root", (1, 1)),
    ],
)
def test_errors_name_their_place(text: str, place: tuple[int, int]) -> None:
    with pytest.raises(GrammarSyntaxError) as caught:
        gbnf(text)
    assert caught.value.line_column == place


def test_tokens_by_name_are_refused_by_name() -> None:
    with pytest.raises(UnsupportedError) as caught:
        gbnf('root ::= <think> "a"')
    assert caught.value.keyword == "<think>" and caught.value.line_column == (1, 10)


def test_nesting_without_end_is_a_limit() -> None:
    with pytest.raises(LimitError) as caught:
        gbnf("root ::= " + "(" * 5000 + '"a"' + ")" * 5000)
    assert caught.value.what == "nesting of the grammar"


def test_a_huge_repetition_is_refused() -> None:
    with pytest.raises(LimitError) as caught:
        gbnf('root ::= "a"{1000000}')
    assert caught.value.what == "repetition" and caught.value.given == 1000000


def test_a_missing_start_is_an_error() -> None:
    with pytest.raises(GrammarSyntaxError):
        gbnf('other ::= "a"')
