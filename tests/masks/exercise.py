"""Runs every kernel of vocabularies and masks, and hashes what comes out."""

from __future__ import annotations

import hashlib

from structgen.masks.dfa_machine import DfaMachine
from structgen.masks.mask import empty_mask
from tests.masks.cases import CONSTRAINTS
from tests.support import vocabularies

__all__ = ["digest"]


def digest() -> str:
    """Hex digest of masks, budgets, completions, spellings and the trie."""
    seen = hashlib.sha256()
    vocabulary = vocabularies.random_tokens()
    row = empty_mask(vocabulary.n_tokens)
    for name in sorted(CONSTRAINTS):
        machine = DfaMachine(CONSTRAINTS[name].dfa, vocabulary)
        for state in range(1, machine.dfa.n_states, 1 + machine.dfa.n_states // 25):
            machine.fill_mask(state, row)
            seen.update(row.tobytes())
            machine.fill_mask_within(state, row, machine.completion_cost(state))
            seen.update(row.tobytes())
            seen.update(repr(machine.completion_tokens(state)).encode())
    seen.update(repr(vocabulary.encode_bytes('ab01 "a": -é'.encode())).encode())
    seen.update(repr(vocabulary.encode_fewest('ab01 "a": -é'.encode())).encode())
    for array in vocabulary.trie:
        seen.update(array.tobytes())
    return seen.hexdigest()
