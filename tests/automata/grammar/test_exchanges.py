"""Parsers that prefer shifts, where that is proved to lose nothing, beside an Earley recogniser."""

from __future__ import annotations

import itertools
import random

import pytest

from structgen.automata.grammar.exchanges import shifting_loses_nothing
from structgen.automata.grammar.lalr import LalrTables, build_tables
from structgen.errors import ConstraintError
from structgen.frontends.lark import read_lark
from structgen.grammar_constraint import lark
from structgen.ir.grammar import Grammar
from tests.support.earley import Earley, Rules, lark_text
from tests.support.grammar_masks import random_rules

TEXTS = ["".join(letters) for n in range(7) for letters in itertools.product("abc", repeat=n)]
LOSSLESS = {
    "dangling else": 'start: "i" start | "i" start "e" start | "s"',
    "a loop between": 'start: s\ns: "i" s ["e" s] | "w" s | "s"',
    "operators": 'start: e\ne: e "+" e | e "*" e | "-" e | e "[" e "]" | e "?" e ":" e | "x"',
    "operators in rules of their own": 'start: e\n?e: sum | call | "x"\nsum: e "+" e\ncall: e "(" e ")"',
    "empty parts elsewhere": 'start: ("a" s)*\ns: "i" s ["e" s] | "{" s* "}" | "s"',
}
LOSSY = {
    "a tail that the outer rule needs": 'start: "i" start | "j" start "e" | "i" start "e" | "s"',
    "another tail": 'start: "i" start | "i" start "e" "f" | "j" start "e" | "s"',
    "the next statement": 'start: c*\nc: p "=" p ";" | c2\nc2: p\np: "x" | p "(" p ")" | "(" p ")"',
    "two reductions": 'start: a "x" | b "x"\na: "c"\nb: "c"',
    "empty before": 'start: n start "b" | "a"\nn: "a"?',
}


def tables_of(text: str) -> tuple[Grammar, LalrTables]:
    grammar = read_lark(text)
    return grammar, build_tables(grammar)


def reads(tables: LalrTables, symbols: list[int]) -> bool:
    """Whether the tables accept, by the textbook's loop."""
    stack = [0]
    for symbol in [*symbols, tables.action.shape[1] - 1]:
        while True:
            action = int(tables.action[stack[-1], symbol])
            if action >= 0:
                break
            production = -1 - action
            if production == 0:
                return True
            stack = stack[: len(stack) - int(tables.length[production])]
            stack.append(int(tables.goto[stack[-1], tables.left[production]]))
            assert len(stack) < 1000
        if action == 0:
            return False
        stack.append(action - 1)
    raise AssertionError("the end is never shifted")


def check(rules: Rules) -> bool:
    """Whether shifting was proved to lose nothing in a grammar with conflicts, which is then seen to be so."""
    try:
        grammar, tables = tables_of(lark_text(rules))
    except ConstraintError:
        return False
    if tables.is_lalr or not shifting_loses_nothing(grammar, tables):
        return False
    names = {terminal.literal: i for i, terminal in enumerate(grammar.terminals)}
    oracle = Earley(rules, "start")
    for text in TEXTS:
        fits = all(letter in names for letter in text)
        found = fits and reads(tables, [names[letter] for letter in text])
        if found or fits:
            assert found == oracle.accepts(text), (rules, text)
    return True


def ambiguous_rules(rng: random.Random) -> Rules:
    """Rules with operators, prefixes and tails, so that many are ambiguous and some exchanges fit."""
    rules = random_rules(rng)
    names = list(rules)
    for _ in range(rng.randint(1, 3)):
        name = rng.choice(names)
        found = rng.choice(rules[name])
        tail = tuple(rng.choice(["a", "b", "c", *names]) for _ in range(rng.randint(1, 2)))
        kind = rng.randrange(3)
        if kind == 0:
            rules[name].append((*found, *tail))
        elif kind == 1:
            rules[name].append((name, *tail, name))
        else:
            rules[name] += [(tail[0], name), (tail[0], name, rng.choice("abc"), *tail[1:])]
        rules[name] = list(dict.fromkeys(rules[name]))
    return rules


@pytest.mark.parametrize("part", range(4))
def test_what_is_proved_holds_for_random_grammars(part: int) -> None:
    rng = random.Random(part)
    assert sum(check(ambiguous_rules(rng)) for _ in range(150)) >= 3


@pytest.mark.slow
@pytest.mark.parametrize("part", range(100, 140))
def test_what_is_proved_holds_for_many_random_grammars(part: int) -> None:
    rng = random.Random(part)
    for _ in range(300):
        check(ambiguous_rules(rng))


@pytest.mark.parametrize("name", LOSSLESS)
def test_the_usual_ambiguities_lose_nothing(name: str) -> None:
    grammar, tables = tables_of(LOSSLESS[name])
    assert not tables.is_lalr and shifting_loses_nothing(grammar, tables)
    assert lark(LOSSLESS[name], cache=False).chosen.tables is not None


@pytest.mark.parametrize("name", LOSSY)
def test_others_are_left_to_a_nondeterministic_parser(name: str) -> None:
    grammar, tables = tables_of(LOSSY[name])
    assert not shifting_loses_nothing(grammar, tables)
