"""Products of automata against their parts, text by text."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest

from structgen.automata.compile import compile_regex
from structgen.automata.document.arena import Arena
from structgen.automata.document.labelled import Component, Labelled, labelled_product
from structgen.automata.ops import universal
from structgen.frontends.regex.ecma import parse_ecma

PATTERNS = ["^a", "b$", "^[ab]+$", "a.*c", "^(ab|c)*$", "^.{2,3}$", "é", "^$"]
TEXTS = ["".join(text) for n in range(5) for text in itertools.product("abcé", repeat=n)]


def _label_after(automaton: Labelled, text: bytes) -> int:
    state = 0 if automaton.is_empty else 1
    for byte in text:
        state = int(automaton.transitions[state, automaton.class_of[byte]])
    return int(automaton.labels[state])


@pytest.mark.parametrize("seed", range(12))
def test_a_product_labels_texts_by_what_its_parts_tell(seed: int) -> None:
    rng = random.Random(seed)
    dfas = [compile_regex(parse_ecma(p, search=True)) for p in rng.sample(PATTERNS, rng.randint(1, 4))]
    names = sorted({rng.choice(TEXTS).encode() for _ in range(rng.randint(0, 3))})
    table: dict[tuple[int, ...], int] = {}

    def label_of(told: tuple[int, ...]) -> int:
        assert told not in table, "asked twice"
        return table.setdefault(told, rng.choice([0, 0, 1, 2, 5]))

    components = [Component.of(universal()), Component.of_names(names), *map(Component.of, dfas)]
    found = labelled_product(components, label_of)
    for text in TEXTS:
        data = text.encode()
        told = (names.index(data) + 1 if data in names else 0, *(int(dfa.accepts(data)) for dfa in dfas))
        # Every vector that some text has is asked about.
        assert _label_after(found, data) == table[told], (text, told)


def test_every_state_of_a_product_leads_to_a_label() -> None:
    dfa = compile_regex(parse_ecma("^(ab|c)*$"))
    found = labelled_product([Component.of(dfa), Component.of(universal())], lambda told: 3)
    reach = {0} | set(np.flatnonzero(found.labels).tolist())
    for _ in range(len(found.labels)):
        reach |= {s for s in range(1, len(found.labels)) if not reach.isdisjoint(set(found.transitions[s]) - {0})}
    assert reach == set(range(len(found.labels)))
    assert labelled_product([Component.of(dfa)], lambda told: 0).is_empty


def test_an_arena_moves_states_and_counts_labels() -> None:
    arena = Arena()
    found = labelled_product([Component.of(universal()), Component.of_names([b"ab", b"b"])], lambda told: 7 * told[0])
    for _ in range(2):
        base = arena.add_content(found)
        assert arena.extent(base + 1) == (base + 1, len(found.labels) - 1, 2)
        for text in (b"", b"a", b"ab", b"b", b"ba"):
            row = arena.follow(base + 1, text)
            assert (int(arena.content[row, 2]) if row else 0) == _label_after(found, text)
