"""Terminals that are read each by itself: those that begin with different bytes start in one state."""

from __future__ import annotations

import random

from structgen.automata.lexer import Lexer
from structgen.automata.table_heap import TableHeap
from structgen.frontends.lark import read_lark
from structgen.ir.grammar import Grammar

TEXT = """
start: A | B | C | D | E | F | G
A: "if"
B: /[a-z]+/
C: /[0-9]+(\\.[0-9]+)?/
D: "=="
E: "="
F: /"[^"]*"/
G: /x(?=y)/ | /(?!0)1/
"""


def ends(lexer: Lexer, grammar: Grammar, terminals: frozenset[int], text: bytes) -> list[frozenset[str]]:
    """After each byte, the terminals as which a lexeme from the text's start may end there."""
    states = {state for state, _ in lexer.fork(lexer.context(terminals)) if state}
    found = []
    for byte in text:
        after = set()
        for state in states:
            lexer.expand_all([state], 0)
            after |= {to for to, _ in lexer.fork(int(lexer.heap["delta"][state, byte])) if to}
        states = after
        matched = frozenset(terminal for state in states for terminal in lexer.may_end(state))
        found.append(frozenset(grammar.name(terminal) for terminal in matched))
    return found


def test_terminals_that_begin_apart_are_read_as_they_are_alone() -> None:
    grammar = read_lark(TEXT)
    lexer = Lexer(grammar, TableHeap(), exclusive=False)
    together = frozenset(range(grammar.n_terminals))
    rng = random.Random(5)
    for _ in range(300):
        text = bytes(rng.choice(b'ifxy=10."') for _ in range(rng.randint(1, 5)))
        alone = [ends(lexer, grammar, frozenset({terminal}), text) for terminal in together]
        assert ends(lexer, grammar, together, text) == [
            frozenset[str]().union(*column) for column in zip(*alone, strict=True)
        ]


def test_only_terminals_that_begin_alike_have_starts_of_their_own() -> None:
    grammar = read_lark(TEXT)
    lexer = Lexer(grammar, TableHeap(), exclusive=False)
    # names and "=" beside "if" and "==", and one that looks ahead before it reads anything
    assert len(lexer.fork(lexer.context(frozenset(range(grammar.n_terminals))))) == 3
