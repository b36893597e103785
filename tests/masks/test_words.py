"""Many words at one place, against asking for one at a time."""

from __future__ import annotations

import random

import numpy as np
import pytest

import structgen as sg
from structgen.masks.machine import TokenMachine
from structgen.masks.words import words_taken
from structgen.monitors.machine import FreeMachine
from structgen.vocab.vocabulary import Vocabulary

LALR = """
start: statement+
statement: NAME ("." NAME)* ["=" value] ";" | "if" NAME ":" statement | "import" NAME ";"
value: NAME | /[0-9]+(\\.[0-9]+)?/ | /"[^"\\n]*"/
NAME: /[A-Za-z_]\\w*/
%ignore /[ \\n]+/
%ignore /#[^\\n]*/
"""
INDENTED = """
start: (_NEWLINE | statement)*
statement: NAME "." NAME _NEWLINE | "if" NAME ":" _NEWLINE _INDENT statement+ _DEDENT
NAME: /[a-z]+/
_NEWLINE: /(\\r?\\n[\\t ]*)+/
%declare _INDENT _DEDENT
%ignore /[ \\t]+/
"""
GRAMMARS = {
    "lalr": (sg.lark(LALR), b'a.b = c1; if x: y.z = "s"; import m; # c\nimp = 1.5;'),
    "earley": (sg.lark(LALR, parser="earley"), b"a.b = c1; if x: y.z = 2; import m;"),
    "indented": (sg.lark(INDENTED), b"if a:\n  b.c\n  if d:\n    e.f\ng.h\n"),
    "regex": (sg.regex(r"(if|import|in)?[a-z_]*(\.[a-z]{1,4}){0,3}"), b"import.abc.xyz"),
}
PIECES = [
    "i",
    "if",
    "im",
    "import",
    "imports",
    "a",
    "b_",
    "zz",
    "9",
    ".",
    "x.y",
    " a",
    "=",
    ";",
    "é",
    "_",
    "else",
    "b.c",
]


@pytest.mark.parametrize("name", GRAMMARS)
def test_words_are_taken_as_one_by_one(name: str) -> None:
    rng = random.Random(name)
    constraint, text = GRAMMARS[name]
    vocabulary = Vocabulary.from_bytes([*(bytes([i]) for i in range(256)), b"</s>"], eos_ids=[256])
    machine: TokenMachine = constraint.bind(vocabulary).machine
    config = machine.start()
    n_taken = n_refused = 0
    for at in range(len(text) + 1):
        typed = rng.choice(["", "", "i", "im", "b"]).encode()
        words = ["".join(rng.choices(PIECES, k=rng.randint(1, 3))).encode() for _ in range(30)]
        words += [typed + rng.choice(PIECES).encode() for _ in range(10)] + ([typed] if typed else [])
        data = np.frombuffer(b"".join(word + b"\0" for word in words), dtype=np.uint8)
        answer = words_taken(machine, config, data, np.frombuffer(typed or b"", dtype=np.uint8), len(words))
        assert answer is not None
        expected = [
            not word.startswith(typed) or machine.advance_bytes(config, word[len(typed) :]) is not None
            for word in words
        ]
        assert answer[0].tolist() == expected and answer[1] == sum(expected), (text[:at], typed)
        n_taken, n_refused = n_taken + sum(expected), n_refused + len(words) - sum(expected)
        config = machine.advance_bytes(config, text[at : at + 1]) if at < len(text) else config
        assert config is not None, text[: at + 1]
    assert n_taken > 100 and n_refused > 100


def test_other_machines_answer_one_at_a_time() -> None:
    vocabulary = Vocabulary.from_bytes([b"a", b"</s>"], eos_ids=[1])
    data = np.frombuffer(b"a\0", dtype=np.uint8)
    assert words_taken(FreeMachine(vocabulary), 0, data, data[:0], 1) is None
