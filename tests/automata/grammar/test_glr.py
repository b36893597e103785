"""Nondeterministic tables, of whose moves those are left out that are proved needless, beside an Earley recogniser."""

from __future__ import annotations

import itertools
import random

import pytest

from structgen.automata.grammar.complete import Completer
from structgen.automata.grammar.glr import NondeterministicTables
from structgen.automata.grammar.lalr import build_tables
from structgen.errors import ConstraintError, LimitError
from structgen.frontends.lark import read_lark
from structgen.grammar_constraint import lark
from structgen.kernels import grammar_heap
from tests.automata.grammar.test_exchanges import ambiguous_rules
from tests.support.earley import Earley, Rules, lark_text
from tests.support.grammar_masks import random_rules

TEXTS = ["".join(letters) for n in range(7) for letters in itertools.product("abc", repeat=n)]


class Reader:
    """The textbook's loop over the heap's form of the tables, with all stacks as tuples."""

    def __init__(self, forked: NondeterministicTables) -> None:
        self.forked = forked
        self.tables = forked.tables
        self.end = forked.tables.action.shape[1] - 1

    def moves(self, state: int, terminal: int) -> tuple[int, list[int]]:
        """(state that is shifted to or -1, productions)."""
        action = int(self.forked.action[state, terminal])
        if action <= grammar_heap.CHOICE:
            n, shifted, *rest = self.forked.lists[grammar_heap.CHOICE - action :]
            return shifted - 1, rest[:n]
        return max(action, 0) - 1, [-1 - action] if action < 0 else []

    def step(self, stacks: set[tuple[int, ...]], terminal: int) -> set[tuple[int, ...]] | None:
        """The stacks after a terminal; None where the text may end."""
        todo, seen, found = list(stacks), set(stacks), set()
        while todo:
            stack = todo.pop()
            target, productions = self.moves(stack[-1], terminal)
            if target >= 0:
                found.add((*stack, target))
            for production in productions:
                if production == 0:
                    return None
                below = stack[: len(stack) - int(self.tables.length[production])]
                after = (*below, int(self.tables.goto[below[-1], self.tables.left[production]]))
                if after not in seen:
                    seen.add(after)
                    todo.append(after)
        return found

    def accepts(self, symbols: list[int]) -> bool:
        if not symbols:
            return self.forked.accepts_empty
        stacks: set[tuple[int, ...]] | None = {(0,)}
        for symbol in symbols:
            assert stacks is not None
            stacks = self.step(stacks, symbol)
        assert stacks is not None
        return self.step(stacks, self.end) is None


def check(rules: Rules) -> bool:
    """Whether conflicts are left in the grammar; if so, its tables are seen to accept what Earley's algorithm does."""
    try:
        grammar = read_lark(lark_text(rules))
        if build_tables(grammar).is_lalr:
            return False
        forked = NondeterministicTables(grammar)
    except ConstraintError:
        return False
    names = {terminal.literal: i for i, terminal in enumerate(grammar.terminals)}
    oracle, reader = Earley(rules, "start"), Reader(forked)
    for text in TEXTS:
        if all(letter in names for letter in text):
            assert reader.accepts([names[letter] for letter in text]) == oracle.accepts(text), (rules, text)
    return bool(forked.choices)


@pytest.mark.parametrize("part", range(4))
def test_nothing_is_lost_by_moves_that_are_left_out(part: int) -> None:
    rng = random.Random(part)
    kinds = [check(ambiguous_rules(rng)) for _ in range(8)] + [check(random_rules(rng)) for _ in range(8)]
    assert True in kinds


@pytest.mark.slow
@pytest.mark.parametrize("part", range(100, 140))
def test_nothing_is_lost_by_moves_that_are_left_out_of_many_grammars(part: int) -> None:
    rng = random.Random(part)
    for _ in range(150):
        check(ambiguous_rules(rng))
        check(random_rules(rng))


def test_only_conflicts_that_lose_texts_make_stacks_fork() -> None:
    grammar = read_lark('start: s*\ns: "x" "=" e | call\ncall: p "(" e ")"\np: "x" | call | "(" e ")"\ne: e "+" e | p')
    forked = NondeterministicTables(grammar)
    between = {grammar.terminals[terminal].literal for _, terminal in forked.choices if forked.choices[_, terminal]}
    assert between == {"("}


def test_stacks_of_which_there_are_exponentially_many_share_what_they_have_in_common() -> None:
    constraint = lark('start: a start "1" | b start "2" | "c"\na: "x"\nb: "x"', cache=False)
    automaton = constraint.chosen.automaton()
    threads = automaton.advance(automaton.start(), b"x" * 300 + b"c" + b"1" * 299)
    assert len(threads) < 8 and not automaton.is_accepting(threads)
    assert automaton.is_accepting(automaton.advance(threads, b"2"))
    assert not automaton.advance(threads, b"12")


def test_a_terminal_that_closes_too_many_parses_is_refused() -> None:
    automaton = lark('start: e\ne: e f | "x"\nf: e | f e', cache=False).chosen.automaton()
    threads = automaton.advance(automaton.start(), b"x" * 100)
    assert automaton.is_accepting(threads)
    automaton.work[grammar_heap.STATUS] = grammar_heap.TOO_MANY
    with pytest.raises(LimitError, match="too many parses"):
        automaton.supply()


def test_completions_of_nested_stacks_that_fork_take_few_steps() -> None:
    """What stacks still need is estimated where they fork, too: a blind search takes hundreds of times as many."""
    grammar = 'start: "(" start ")" ";" | start start | "[" start* "]" "!" "!" | "a"'
    automaton = lark(grammar, parser="earley", cache=False).chosen.automaton()
    assert automaton.forked is not None
    completer = Completer(automaton)
    text = b"(a[(" * 6
    config = automaton.advance(automaton.start(), text)
    found = completer._search(config, thorough=False, limit=100)
    assert found == b"a" + b");]!!);" * 6
    assert completer.costs.of(config[0][0]) <= len(found)
