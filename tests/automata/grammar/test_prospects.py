"""What is known of dead ends without asking stack by stack."""

from __future__ import annotations

import pytest

from structgen.automata.grammar.automaton import GrammarAutomaton
from structgen.automata.grammar.liveness import Liveness
from structgen.automata.grammar.prospects import Prospects
from structgen.grammar_constraint import lark

LINES = r"""
start: (key "=" value _NL)*
key: NAME
value: NUMBER | "[" [NUMBER ("," NUMBER)*] "]"
NAME: /[a-z]+/
NUMBER: /[0-9]+/
_NL: /\n+/
%ignore " "
%ignore /#[^\n]*/
"""


def automaton(text: str) -> GrammarAutomaton:
    chosen = lark(text, cache=False).chosen
    assert chosen.collides
    return chosen.automaton()


@pytest.mark.parametrize(
    ("text", "lives"),
    [(b"a = 1 # so", True), (b"a = [1, # so", False), (b"a # so", False), (b"a = [1] #", True), (b"a = [", True)],
)
def test_a_comment_lives_where_the_end_of_its_line_fits(text: bytes, lives: bool) -> None:
    found = automaton(LINES)
    assert bool(found.advance(found.start(), text)) == lives


def test_few_doubts_are_left_and_none_is_asked_of_whole_stacks(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int, int]] = []
    tell = Prospects.tell

    def noted(self: Prospects, cell: int, state: int, watch: int) -> None:
        asked.append((cell, state, watch))
        tell(self, cell, state, watch)

    monkeypatch.setattr(Prospects, "tell", noted)
    monkeypatch.setattr(Liveness, "completion", lambda self, thread: pytest.fail("the whole stack was read"))
    found = automaton(LINES)
    threads = found.start()
    for byte in b"key = [1, 22, 333] # one\nother = 4\n" * 5:
        threads = found.advance(threads, bytes([byte]))
        assert threads
    comments = {state for _, state, _ in asked}
    assert len(comments) == 1 and len(asked) < 5


def test_terminals_that_others_hide_are_avoided_in_completions() -> None:
    """``FLAG`` is nearest where an atom is wanted, but always read as ``WORD``."""
    found = automaton(
        'start: "x" atom ";" | "y" (WORD | FLAG ",")\natom: FLAG | WORD WORD\nFLAG: /on/\nWORD: /[a-z]+/\n%ignore " "'
    )
    assert found.advance(found.start(), b"x on on") and not found.advance(found.start(), b"x on;")
