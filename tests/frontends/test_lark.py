"""Lark grammars: verdicts equal Lark's, errors have classes and places."""

from __future__ import annotations

import random

import numpy as np
import pytest
from lark import Lark
from lark.exceptions import LarkError
from lark.indenter import PythonIndenter

from structgen.errors import ConstraintError, GrammarSyntaxError, LimitError, RegexSyntaxError, UnsupportedError
from structgen.grammar_constraint import lark
from structgen.vocab.vocabulary import Vocabulary

GRAMMARS = {
    "keyword or name": 'start: ("if" NAME | NAME)+\nNAME: /[a-z]+/\n%ignore " "',
    "first alternative, not longest": "start: A B?\nA: /a|ab/\nB: /b+/",
    "lazy": 'start: S "x"\nS: /a.*?b/',
    "lookahead": "start: (NUM | WORD)+\nNUM: /[0-9]+(?![a-z])/\nWORD: /[a-z]+[0-9]*/",
    "lookbehind": 'start: S+\n%import common.ESCAPED_STRING -> S\n%ignore " "',
    "priority": 'start: (KW | NAME)+\nKW.2: "if"\nNAME: /[a-z]+/\n%ignore " "',
    "case-insensitive keyword": 'start: ("select"i NAME)+\nNAME: /[a-z]+/i\n%ignore " "',
    "number and range": 'start: NUM ".." NUM | NUM\nNUM: /[0-9]+(\\.[0-9]+)?/',
    "templates": 'start: list{NUM} \nlist{x}: "[" [x ("," x)*] "]"\nNUM: /[0-9]/',
    "repetition": 'start: "a"~2..3 B~2\nB: "b".."d"',
    "longest match backs off": 'start: (A | B | C)+\nA: "a"\nB: "abc"\nC: "b"',
    "word boundary": 'start: (IF | NAME)+\nIF.2: /if\\b/\nNAME: /[a-z]+/\n%ignore " "',
    "nested comments": 'start: "a" start | "b"\n%ignore /\\/\\*(.|\\n)*?\\*\\//',
    "words but reserved ones": 'start: ("if" NAME)+\nNAME: /(?!(if|in)\\b)[a-z]+/\n%ignore " "',
    "lookahead in a lookahead": "start: (A | B)+\nA: /a(?=b(?!c))/\nB: /[abc]/",
    "lookahead in a negative lookahead": "start: (A | B)+\nA.1: /a(?!(b|bc)(?!a))/\nB: /[abc]/",
    "no word boundary": "start: (A | B)+\nA.1: /ab\\B/\nB: /[abcé ]/",
    "three quotes": 'start: (S | L)+\nS: /"(?!"").*?"/\nL: /""".*?"""/s',
}
LETTERS = {
    "keyword or name": "if ab",
    "first alternative, not longest": "ab",
    "lazy": "abx",
    "lookahead": "1a2",
    "lookbehind": '"\\a ',
    "priority": "ifa ",
    "case-insensitive keyword": "select Sx",
    "number and range": "1.2",
    "templates": "[]1,",
    "repetition": "abcd",
    "longest match backs off": "abc",
    "word boundary": "if a",
    "nested comments": "ab/*",
    "words but reserved ones": "ifnx ",
    "lookahead in a lookahead": "abc",
    "lookahead in a negative lookahead": "abc",
    "no word boundary": "abcé ",
    "three quotes": '"a\n',
}


def lark_accepts(parser: Lark, text: str) -> bool:
    try:
        parser.parse(text)
    except (LarkError, IndexError, AssertionError):
        return False
    return True


def texts(name: str, rng: random.Random, n: int) -> list[str]:
    letters = LETTERS[name]
    pieces = [*letters, "if", "select x", "SELECT x", '"a"', '"""', "/*a*/", "12", "1..2", "[1,2]", "abc"]
    pieces = [piece for piece in pieces if set(piece) <= set(letters) | set("SELECT")]
    return ["".join(rng.choice(pieces) for _ in range(rng.randint(0, 7))) for _ in range(n)]


@pytest.mark.parametrize("name", GRAMMARS)
def test_lalr_verdicts_are_larks(name: str) -> None:
    ours, theirs = lark(GRAMMARS[name], parser="lalr"), Lark(GRAMMARS[name], parser="lalr")
    for text in texts(name, random.Random(1), 400):
        assert ours.accepts(text) == lark_accepts(theirs, text), text


@pytest.mark.parametrize("name", GRAMMARS)
def test_earley_verdicts_are_larks(name: str) -> None:
    ours, theirs = lark(GRAMMARS[name], parser="earley"), Lark(GRAMMARS[name])
    for text in texts(name, random.Random(2), 150):
        assert ours.accepts(text) == lark_accepts(theirs, text), text


INDENTED = r"""
start: (_NEWLINE | stmt)*
stmt: "pass" _NEWLINE | "if" NAME ":" _NEWLINE _INDENT stmt+ _DEDENT | NAME "=" LPAR NAME RPAR _NEWLINE
LPAR: "("
RPAR: ")"
NAME: /[a-z]+/
_NEWLINE: (/\r?\n[\t ]*/ | /#[^\n]*/)+
%declare _INDENT _DEDENT
%ignore /[ \t]+/
"""


def test_indented_verdicts_are_larks() -> None:
    ours, theirs = lark(INDENTED), Lark(INDENTED, parser="lalr", postlex=PythonIndenter())
    rng = random.Random(3)
    lines = ["if a:", "pass", "x=(a)", "x=(\na)", "# c", ""]
    seen = {True: 0, False: 0}
    for _ in range(600):
        text = "\n".join(" " * rng.choice([0, 0, 2, 2, 4]) + rng.choice(lines) for _ in range(rng.randint(0, 5)))
        text += rng.choice(["\n", ""])
        verdict = lark_accepts(theirs, text)
        seen[verdict] += 1
        assert ours.accepts(text) == verdict, text
    assert min(seen.values()) > 20


def test_auto_takes_lalr_only_without_conflicts() -> None:
    assert lark('start: "a" start | "b"').parser == "lalr"
    assert lark('start: start "+" start | "1"').parser == "earley"
    assert lark('start: start "+" start | "1"', parser="lalr").parser == "lalr"


BAD = {
    "undefined rule": ('start: "a" other\n', (1, 12)),
    "undefined terminal": ("start: A\nB: C\n", None),
    "unclosed": ('start: ("a"\nb: "c"\n', None),
    "no start": ('begin: "a"\n', None),
    "unproductive": ('start: "a" x\nx: x "b"\n', (2, 1)),
    "empty terminal": ("start: A\nA: /a*/\n", (2, 1)),
    "matches nothing": ('start: "a" A\nA: /b[^\\s\\S]/\n', (2, 1)),
    "unproductive beside others": ('start: x | "a" y\nx: "b"\ny: y "c" | "d" y\n', (3, 1)),
    "undefined in a template": ('start: t{a}\na: "a"\nt{x}: x other\n', (3, 9)),
    "reserved name": ('start: __a\n__a: "x"\n', None),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_grammars_are_syntax_errors_with_a_place(name: str) -> None:
    text, place = BAD[name]
    with pytest.raises(GrammarSyntaxError) as caught:
        lark(text)
    if place is not None:
        assert caught.value.line_column == place


def test_bad_regex_points_at_its_terminal() -> None:
    with pytest.raises(ConstraintError) as caught:
        lark("start: A\nA: /(a/\n")
    assert isinstance(caught.value, RegexSyntaxError | GrammarSyntaxError)
    assert caught.value.line_column == (2, 1)


@pytest.mark.parametrize(
    ("text", "keyword"),
    [
        ("start: A\n%declare A\n", "%declare A"),
        ("start: A\nA: /(a)\\1/\n", "groupref"),
        ("start: A\nA: /^a/\n", "at beginning"),
        ("start: A\nA: /(?<=b)a/\n", "lookbehind before the start of a lexeme"),
        ('start: %regex {"pattern": "a"}\n', "%regex"),
    ],
)
def test_what_is_not_enforced_is_refused_by_name(text: str, keyword: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        lark(text)
    assert caught.value.keyword == keyword


def test_undecided_assertions_point_at_their_terminal() -> None:
    with pytest.raises(UnsupportedError) as caught:
        lark('start: "a" FOO\n  FOO: /(?<=b)a/\n')
    assert caught.value.line_column == (2, 3)


def test_conflicts_between_rules_are_refused_by_lalr() -> None:
    text = 'start: a "x" | b "x"\na{}: "c"\nb{}: "c"'
    with pytest.raises(GrammarSyntaxError) as caught:
        lark(text.format(".2", ".2"), parser="lalr")
    assert caught.value.line_column in ((2, 1), (3, 1))
    assert lark(text.format(".2", ".1"), parser="lalr").accepts("cx")


def test_what_is_not_used_is_a_warning() -> None:
    assert lark('start: "a"\n%ignore WS\nWS: " "\n').warnings == ()
    found = lark('start: "a"\nIDLE: "b"\nidle.2: "c"\nPART: "d"\nWHOLE: PART\n', cache=False)
    assert found.warnings == ("terminal IDLE is not used", "rule idle is not used", "terminal WHOLE is not used")
    assert found.accepts("a")


@pytest.mark.parametrize(
    "text",
    [
        'start: start | "a"',
        'start: x* "a"\nx: | "b"',
        'start: start start | x\nx: | y\ny: x | "a"',
        'start: (("a"?)*)*',
    ],
)
def test_infinitely_ambiguous_grammars_terminate(text: str) -> None:
    constraint = lark(text)
    assert constraint.accepts("a") and not constraint.accepts("c")
    vocabulary = Vocabulary.from_bytes([b"a", b"b", b"aa", b"ab", b"</s>"], eos_ids=[4])
    matcher, row = constraint.bind(vocabulary).start(), np.zeros(1, dtype=np.uint32)
    matcher.fill_mask(row)
    assert row[0] & 1


HOSTILE = {
    "templates without end": ('start: a{"a"}\na{x}: x | "(" a{b{x}} ")"\nb{x}: x\n', "uses of templates"),
    "groups multiplied out": ("start: " + " ".join(['("a" | "b" | "c")'] * 14), "alternatives of a rule"),
    "options multiplied out": ("start: " + " ".join(f'["a{i}"]' for i in range(18)), "alternatives of a rule"),
    "deep groups": ("start: " + "(" * 3000 + '"a"' + ")" * 3000, "nesting of the grammar"),
    "repetitions of repetitions": ("start: A\nA: /((a{1,100}){1,100}){1,100}/", "nodes"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_grammars_meet_a_limit(name: str) -> None:
    text, what = HOSTILE[name]
    with pytest.raises(LimitError) as caught:
        lark(text, cache=False).accepts("a")
    assert caught.value.what == what


@pytest.mark.parametrize(
    "text",
    [
        'start: "a"~1..100000',
        'start: (("a"~1..300)~1..300)~1..300',
        "start: r0\n" + "\n".join(f"r{i}: r{i + 1}" for i in range(1501)) + '\nr1501: "a"',
        't20{x}: x\nstart: t0{"a"}\n'
        + "\n".join(f"t{i}{{x}}: t{i + 1}{{x}} | t{i + 1}{{x}} t{i + 1}{{x}}" for i in range(20)),
    ],
)
def test_large_grammars_are_read(text: str) -> None:
    assert lark(text, cache=False).accepts("aa" if "r0" not in text else "a")
