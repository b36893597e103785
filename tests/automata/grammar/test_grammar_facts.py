"""Facts about random grammars, found by kernels, beside what sets and loops say."""

from __future__ import annotations

import random

import pytest

from structgen.automata.grammar.follows import first_bytes, following_bytes
from structgen.automata.grammar.lalr import build_tables, flat_rules, nothing_idle
from structgen.errors import GrammarSyntaxError
from structgen.ir.grammar import Grammar, Production, Terminal
from structgen.ir.passes import check_grammar
from structgen.ir.pattern import Characters, Pattern, Repeat, Sequence

LETTER, DIGIT = Characters(((97, 122), (0xE0, 0xFF))), Characters(((48, 57),))
PATTERNS: list[Pattern] = [LETTER, DIGIT, Sequence((Repeat(LETTER, 0, 1), DIGIT)), Sequence((DIGIT, LETTER))]


def random_grammar(rng: random.Random) -> Grammar:
    """Whose rules may derive nothing, and whose terminals and rules may be used nowhere."""
    n_terminals, n_rules = rng.randint(1, 6), rng.randint(1, 5)
    terminals = tuple(
        Terminal(f"T{i}", None, "xyzwvu"[i]) if rng.random() < 0.5 else Terminal(f"T{i}", rng.choice(PATTERNS))
        for i in range(n_terminals)
    )
    productions = dict.fromkeys(
        Production(
            n_terminals + rng.randrange(n_rules),
            tuple(rng.randrange(n_terminals + n_rules) for _ in range(rng.choice([0, 1, 1, 2, 3]))),
        )
        for _ in range(rng.randint(1, 4 * n_rules))
    )
    ignore = frozenset(i for i in range(n_terminals) if rng.random() < 0.2)
    return Grammar(terminals, tuple(f"r{i}" for i in range(n_rules)), tuple(productions), n_terminals, ignore)


@pytest.mark.parametrize("seed", range(40))
def test_nothing_is_idle_where_nothing_is_refused_and_nothing_warned_of(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(25):
        grammar = random_grammar(rng)
        try:
            is_quiet = not check_grammar(grammar, "")
        except GrammarSyntaxError:
            is_quiet = False
        assert nothing_idle(grammar, flat_rules(grammar)) == is_quiet, grammar


@pytest.mark.parametrize("seed", range(40))
def test_bytes_that_follow_are_those_that_states_behind_have_actions_for(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(10):
        grammar = random_grammar(rng)
        action = build_tables(grammar).action
        n, found = grammar.n_terminals, following_bytes(grammar, action)
        firsts: list[set[int]] = []
        for terminal in grammar.terminals:
            ranges = (
                first_bytes(terminal.pattern) if terminal.pattern is not None else {(ord(terminal.literal or ""),) * 2}
            )
            firsts.append({byte for low, high in ranges for byte in range(low, high + 1)})
        for one in range(n):
            behind = {a - 1 for a in action[:, one].tolist() if a > 0}
            follow = {t for state in behind for t in range(n) if action[state, t]} | grammar.ignore
            if one in grammar.ignore:
                follow = set(range(n))
            expected = {byte for other in follow for byte in firsts[other]}
            assert {byte for byte in range(256) if found[one, byte]} == expected
