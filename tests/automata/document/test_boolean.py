"""One automaton of a formula says what the formula says."""

from __future__ import annotations

import random
from itertools import product

import pytest

from structgen.automata.document.boolean import formula_dfa
from structgen.automata.document.formulas import evaluate
from structgen.automata.document.strings import dfa_of_assertion, says
from structgen.frontends.regex import parse_ecma
from structgen.ir.document import Pattern, StringLength
from structgen.ir.formulas import Formula, conjunction, disjunction, exactly_one, negation

TEXTS = ["".join(letters).encode() for n in range(6) for letters in product("ab", repeat=n)]


def formula(choose: random.Random, depth: int) -> Formula:
    if depth == 0:
        source = choose.choice(["^a", "b$", "ab", "^(ab)*$", "aa"])
        return choose.choice([Pattern(source, parse_ecma(source, search=True)), StringLength(choose.choice([0, 2]), 4)])
    parts = [formula(choose, depth - 1) for _ in range(choose.choice([1, 2, 3]))]
    kind = choose.choice([conjunction, disjunction, exactly_one])
    return negation(kind(parts)) if choose.random() < 0.4 else kind(parts)


@pytest.mark.parametrize("seed", range(40))
def test_equal_to_the_formula(seed: int) -> None:
    asked = formula(random.Random(seed), 2)
    dfa = formula_dfa(asked, dfa_of_assertion)
    for text in TEXTS:
        assert dfa.accepts(text) == evaluate(asked, lambda part: says(part, text)), text  # noqa: B023
