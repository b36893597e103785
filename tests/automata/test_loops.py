"""Loops whose turns may read nothing, against ``re``, which leaves a loop behind such a turn."""

from __future__ import annotations

import itertools
import random
import re

import pytest

from structgen.frontends.lark.matching import matches_whole
from structgen.grammar_constraint import lark

TEXTS = ["x" + "".join(letters) for n in range(5) for letters in itertools.product("ab", repeat=n)]
LOOPS = ["*", "*", "+", "?", "*?", "??", "{0,2}", "{1,3}", "{2,}", "{0,2}?"]


def expression(rng: random.Random, depth: int) -> str:
    kind = rng.random()
    if depth == 0 or kind < 0.25:
        return rng.choice("ab")
    if kind < 0.45:
        return f"({expression(rng, depth - 1)}|{rng.choice(['', expression(rng, depth - 1)])})"
    if kind < 0.65:
        return expression(rng, depth - 1) + expression(rng, depth - 1)
    return f"({expression(rng, depth - 1)}){rng.choice(LOOPS)}"


def check(written: str) -> None:
    constraint = lark(f"start: T\nT: /{written}/", parser="lalr", cache=False)
    pattern, theirs = constraint.grammar.terminals[0].pattern, re.compile(written)
    assert pattern is not None
    for text in TEXTS:
        found = theirs.match(text)
        wanted = found is not None and found.end() == len(text)
        assert constraint.accepts(text) == wanted, (written, text)
        assert matches_whole(pattern, text) == wanted, (written, text)


@pytest.mark.parametrize("loop", ["(a*|b)*", "((ab)*|a){0,3}", "(a??|b)+", "((a|)*|b)*?b", "(a?b?|ba){2,}"])
def test_a_turn_that_reads_nothing_ends_its_loop(loop: str) -> None:
    check("x" + loop)


@pytest.mark.parametrize("seed", range(10))
def test_random_loops_match_as_in_re(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(20):
        check("x" + expression(rng, 4))
