"""Compile the kernels of vocabularies and regular masks before a clock is started."""

from __future__ import annotations

import numpy as np

from structgen.automata.dfa import Dfa
from structgen.masks.costs import path_costs
from structgen.masks.dfa_machine import WALKS_BEFORE_SHARING, DfaMachine
from structgen.masks.mask import empty_mask
from structgen.masks.matcher import Matcher
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["warm_up"]


def warm_up() -> None:
    """Run every kernel of this package once, on a toy; some seconds the first time, some milliseconds later."""
    tokens = [*(bytes([byte]) for byte in range(256)), b"aa", b"</s>"]
    vocabulary = Vocabulary.from_bytes(tokens, eos_ids=[257])
    row = empty_mask(vocabulary.n_tokens)
    machine = DfaMachine(_counting(WALKS_BEFORE_SHARING + 4), vocabulary)
    matcher = Matcher(machine)
    for _ in range(WALKS_BEFORE_SHARING + 2):
        matcher.fill_mask(row)
        matcher.advance(ord("a"))
    matcher = Matcher(machine)
    matcher.fill_mask(row, 1 + machine.completion_cost(machine.start()))
    path_costs(machine.dfa, vocabulary.trie)
    vocabulary.encode_bytes(b"aaa")
    vocabulary.encode_fewest(b"aaa")
    looping = DfaMachine(Dfa.from_arrays(np.zeros(256), [[0], [1]], [False, True]), vocabulary)
    Matcher(looping).fill_mask(row)


def _counting(n: int) -> Dfa:
    """The automaton of ``n`` letters ``a``."""
    class_of = np.zeros(256, dtype=np.uint8)
    class_of[ord("a")] = 1
    transitions = [[0, state + 1 if 0 < state <= n else 0] for state in range(n + 2)]
    return Dfa.from_arrays(class_of, transitions, [state > n for state in range(n + 2)])
