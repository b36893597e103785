"""Shortened stacks against plain ones, by an LR parser on lists."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from structgen.automata.grammar.automaton import GrammarAutomaton
from structgen.automata.grammar.lalr import LalrTables
from structgen.errors import ConstraintError
from structgen.grammar_constraint import lark
from structgen.kernels import alike_stacks, grammar_heap, stack_moves
from tests.support.earley import lark_text
from tests.support.grammar_masks import random_rules

Stack = tuple[int, ...]
"""Parser states, the bottom first."""
BENCH = Path(__file__).parents[1] / "bench" / "grammar_cases"


def automaton_of(text: str) -> GrammarAutomaton:
    return lark(text, parser="lalr", cache=False).chosen.automaton()


def reacted(tables: LalrTables, stack: Stack, terminal: int) -> Stack | None:
    """The stack after ``terminal``; the empty one where it completes the text, None where it is refused."""
    while True:
        action = int(tables.action[stack[-1], terminal])
        if action == 0:
            return None
        if action == -1:
            return ()
        if action > 0:
            return (*stack, action - 1)
        below = stack[: len(stack) - int(tables.length[-1 - action])]
        stack = (*below, int(tables.goto[below[-1], tables.left[-1 - action]]))


def go_on_alike(tables: LalrTables, one: Stack, other: Stack, depth: int) -> bool:
    """Whether all texts of at most ``depth`` more terminals do the same to both, and the lexer looks for the same."""
    if one == other:
        return True
    if ((tables.action[one[-1]] == 0) != (tables.action[other[-1]] == 0)).any():
        return False
    if depth == 0:
        return True
    for terminal in range(tables.action.shape[1]):
        after, other_after = reacted(tables, one, terminal), reacted(tables, other, terminal)
        if not after or not other_after:
            if after != other_after:
                return False
        elif not go_on_alike(tables, after, other_after, depth - 1):
            return False
    return True


def shortened(automaton: GrammarAutomaton, stack: Stack) -> Stack:
    """What the kernel makes of ``stack``."""
    automaton.begin()
    heap, work = automaton.heap.array, automaton.work
    cell = 0
    for state in stack[1:]:
        cell = int(stack_moves.push(work, state, cell))
    cell = int(alike_stacks.shorten(heap, work, cell))
    found = []
    while cell >= grammar_heap.SCRATCH:
        state, cell = work[grammar_heap.SCRATCH_AT + 2 * (cell - grammar_heap.SCRATCH) :][:2].tolist()
        found.append(state)
    assert cell == 0
    return (stack[0], *reversed(found))


def walk(automaton: GrammarAutomaton, rng: random.Random, length: int, depth: int) -> int:
    """Random terminals, on a plain stack and on one that is shortened after each; how often it was."""
    tables = automaton.tables
    plain: Stack = (0,)
    short: Stack = (0,)
    count = 0
    for _ in range(length):
        after = {t: reacted(tables, plain, t) for t in range(tables.action.shape[1])}
        choices = [terminal for terminal, stack in after.items() if stack]
        if not choices:
            break
        terminal = rng.choice(choices)
        plain, before = after[terminal] or (), reacted(tables, short, terminal)
        assert before
        short = shortened(automaton, before)
        count += short != before
        assert len(short) <= len(plain)
        assert go_on_alike(tables, plain, short, depth), (plain, short)
    return count


LISTS = {
    "json": (BENCH / "json.lark").read_text(),
    "lists": 'start: "a"+ ("b" | "f" start "c") ["d" ("," "d")*] | "(" start* ")"',
    "operators": 'start: e ";"\n?e: t (("+" | "-") t)*\n?t: f ("*" f)*\n?f: "x" | "(" e ")" | f "[" e "]" | "-" f',
    "conditional": 'start: c\n?c: o "?" c ":" c | o\n?o: a ("|" a)*\n?a: "x" | "(" c ")" | "x" "(" [c ("," c)*] ")"',
    "counted": 'start: ("a" ~ 2..4 "b")+ "." | "(" start ")"',
    "dangling else": 'start: "i" start | "i" start "e" start | "s" | "{" start* "}"',
}


@pytest.mark.parametrize("name", LISTS)
def test_shortened_stacks_go_on_as_plain_ones(name: str) -> None:
    automaton, rng = automaton_of(LISTS[name]), random.Random(name)
    assert sum(walk(automaton, rng, 25, 3) for _ in range(12)) > 0


@pytest.mark.parametrize("first", range(0, 200, 20))
def test_shortened_stacks_go_on_as_plain_ones_under_random_grammars(first: int) -> None:
    n_grammars = 0
    for seed in range(first, first + 20):
        rng = random.Random(seed)
        try:
            automaton = automaton_of(lark_text(random_rules(rng)))
        except ConstraintError:
            continue
        n_grammars += 1
        for _ in range(4):
            walk(automaton, rng, 12, 4)
    assert n_grammars > 0


def after(automaton: GrammarAutomaton, text: str) -> object:
    """The threads after ``text``, of which the last lexeme is not on the stack yet."""
    found = automaton.advance(automaton.start(), text.encode())
    assert found
    return found


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("json", ("[1,2", "[1,2,3", '[{"a":[1,2]},3,[],4')),
        ("json", ('{"a":1', '{"a":1,"b":1', '{"a":[1,{"b":2}],"c":{},"d":1')),
        ("operators", ("(x)", "(x+x)", "(x*x-x)", "(x[x]*x)")),
        ("operators", ("((x)", "((x+x)", "(-(x*x)")),
        ("conditional", ("x(x", "x|x(x", "x?x:x(x", "x?x(x,x):x|x(x")),
    ],
)
def test_texts_that_go_on_alike_lead_to_one_configuration(name: str, texts: tuple[str, ...]) -> None:
    automaton = automaton_of(LISTS[name])
    assert len({after(automaton, text) for text in texts}) == 1


def test_texts_that_go_on_unlike_stay_apart() -> None:
    automaton = automaton_of(LISTS["json"])
    texts = ["[1", "[1,1", '{"a":1', '[{"a":1', '{"a":[1', '{"a":[1,1', "[[1,1", "1"]
    assert len({after(automaton, text) for text in texts}) == len(texts)


def test_a_long_list_takes_no_room() -> None:
    automaton = automaton_of(LISTS["json"])
    after(automaton, "[" + "1," * 10 + "1")
    n_cells = int(automaton.work[grammar_heap.N_ARENA])
    after(automaton, "[" + "1," * 500 + "1")
    assert int(automaton.work[grammar_heap.N_ARENA]) == n_cells


def test_large_grammars_are_left_alone() -> None:
    n = alike_stacks.MOST_TERMINALS
    words = " | ".join(f'"w{number}_"' for number in range(n))
    automaton = automaton_of(f'start: "(" word ("," word)* ")"\nword: {words}')
    assert automaton.heap.array[grammar_heap.N_SHORTENINGS] == 0
    assert after(automaton, "(w1_,w2_") != after(automaton, "(w1_,w2_,w2_")
