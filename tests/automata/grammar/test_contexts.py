"""What lexemes begin with, found for all parser states of a small grammar together or for one at a time."""

from __future__ import annotations

import pytest

from structgen.automata import lexer
from structgen.automata.grammar import automaton as automata
from structgen.automata.grammar.automaton import GrammarAutomaton
from structgen.grammar_constraint import lark

GRAMMAR = r"""
start: value
value: object | array | STRING | NUMBER | "true" | "null"
object: "{" [pair ("," pair)*] "}"
pair: STRING ":" value
array: "[" [value ("," value)*] "]"
STRING: /"[^"]*"/
NUMBER: /-?[0-9]+(\.[0-9]+)?/
WS: /[ \n]+/
%ignore WS
"""
WORDS = r"""
start: (NAME "=" NAME ";" | "if" NAME ";" | "in" ":" NAME)*
NAME: /[a-z]+/
%ignore " "
"""


def made(text: str) -> GrammarAutomaton:
    return lark(text, cache=False).chosen.automaton()


def terminals_from(found: GrammarAutomaton, state: int, text: bytes) -> list[frozenset[str]]:
    """As what lexemes may end behind each byte of ``text``, from where ``state`` begins them."""
    code, ends = found.start_code(state), []
    for byte in text:
        code = int(found.expanded(code)[byte])
        if code <= 0:
            break
        ends.append(frozenset(found.grammar.name(end) for end in found.lexer.may_end(code)))
    return ends


@pytest.mark.parametrize("text", [GRAMMAR, WORDS])
def test_contexts_found_together_are_those_found_one_by_one(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    together = made(text)
    together.start()
    together._new_starts([0])
    assert (together.heap["start"] != lexer.UNKNOWN).all()
    monkeypatch.setattr(automata, "FEW_TERMINALS", 0)
    monkeypatch.setattr(lexer, "_FEW_TERMINALS", 0)
    single = made(text)
    single.start()
    single._new_starts([1])
    assert (single.heap["start"] == lexer.UNKNOWN).any()
    for state in range(together.tables.n_states):
        for lexeme in (
            b"true",
            b"null",
            b'"a"',
            b"-1.5",
            b" \n",
            b"[",
            b"]",
            b",",
            b":",
            b"if",
            b"in",
            b"ink",
            b"=",
            b";",
        ):
            assert terminals_from(together, state, lexeme) == terminals_from(single, state, lexeme), (state, lexeme)


@pytest.mark.parametrize("text", [GRAMMAR, WORDS])
def test_what_is_supplied_leaves_no_start_to_be_read(text: str) -> None:
    automaton = made(text)
    assert automaton.start()
    starts = automaton._new_starts([0])
    assert starts == sorted(set(starts)) and all(automaton.heap["delta"][start, 0] == lexer.UNKNOWN for start in starts)
    automaton.lexer.expand_all(starts, automata.AHEAD)
    assert automaton._new_starts([0]) == []
