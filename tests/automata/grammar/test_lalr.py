"""LALR tables against Lark's own, state by state."""

from __future__ import annotations

from typing import Any

import pytest
from lark import Lark

import structgen.grammars as grammars
from structgen.automata.grammar.lalr import LalrTables, build_tables
from structgen.frontends.lark import loader, read_lark
from structgen.ir.grammar import Grammar

TEXTS = {
    **{name: grammars.text(name) for name in ("arithmetic", "json", "sql", "c")},
    "nullable": 'start: a b "x"\na: "a"?\nb: ("b" a)*\n',
    "reads": 'start: a c "z" | "y"\na: b\nb: "q"\nc: | "d"\n',
    "shift preferred": 'start: "i" start | "i" start "e" start | "s"\n',
}


@pytest.fixture(autouse=True)
def _names_of_lark(monkeypatch: pytest.MonkeyPatch) -> None:
    """Generated rules are compared by name, so they need Lark's names."""
    monkeypatch.setattr(loader, "_load", loader.load_with_lark)


def same_tables(ours: LalrTables, grammar: Grammar, theirs: Any, start: str) -> None:
    """Walk both automata from their start states; every action must agree."""
    terminals = {terminal.name: i for i, terminal in enumerate(grammar.terminals)} | {"$END": grammar.n_terminals}
    nonterminals = {name: i for i, name in enumerate(grammar.nonterminals)}
    first = theirs.start_states[start]
    numbers, todo = {first: 0}, [first]
    while todo:
        state = todo.pop()
        seen = set()
        for name, (action, argument) in theirs.states[state].items():
            if name in nonterminals:
                target = int(ours.goto[numbers[state], nonterminals[name]])
            else:
                code = int(ours.action[numbers[state], terminals[name]])
                seen.add(terminals[name])
                target = code - 1
                if str(action) == "Reduce":
                    production = ours.productions[-1 - code]
                    assert grammar.name(production.lhs) == argument.origin.name
                    assert [grammar.name(s) for s in production.rhs] == [s.name for s in argument.expansion]
                    continue
            if argument not in numbers:
                numbers[argument] = target
                todo.append(argument)
            assert numbers[argument] == target
        mine = {t for t in range(grammar.n_terminals + 1) if ours.action[numbers[state], t]}
        assert mine - {grammar.n_terminals} == seen - {grammar.n_terminals}
    assert len(numbers) == ours.n_states


@pytest.mark.parametrize("name", TEXTS)
def test_tables_are_larks(name: str) -> None:
    grammar = read_lark(TEXTS[name])
    theirs = Lark(TEXTS[name], parser="lalr")
    same_tables(build_tables(grammar), grammar, theirs.parser.parser._parse_table, "start")


def test_a_preferred_shift_is_recorded_as_a_conflict() -> None:
    tables = build_tables(read_lark(TEXTS["shift preferred"]))
    assert not tables.is_lalr and tables.is_lalr_for_lark


def test_two_reductions_are_no_lalr_grammar_for_lark() -> None:
    tables = build_tables(read_lark('start: a "x" | b "x"\na: "c"\nb: "c"'))
    assert not tables.is_lalr_for_lark
