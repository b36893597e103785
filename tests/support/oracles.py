"""Slow and obvious: what masks should be, token by token and byte by byte."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from structgen.automata.dfa import Dfa
from structgen.vocab import Vocabulary

__all__ = [
    "completable_states",
    "fewest_tokens_to_accept",
    "random_states",
    "regular_mask",
    "token_step",
    "wide_regular_mask",
]


def token_step(dfa: Dfa, state: int, data: bytes) -> int:
    """The state after ``data``, one byte at a time; 0 once dead."""
    for byte in data:
        state = int(dfa.transitions[state, dfa.class_of[byte]])
        if state == 0:
            return 0
    return state


def fewest_tokens_to_accept(dfa: Dfa, vocabulary: Vocabulary) -> dict[int, int]:
    """Least tokens from each state to acceptance, by relaxing every token from every state until nothing changes."""
    ordinary = sorted({token for token in vocabulary.tokens if token})
    edges = {s: {token_step(dfa, s, t) for t in ordinary} - {0} for s in range(1, dfa.n_states)}
    cost = {s: 0 for s in range(1, dfa.n_states) if dfa.accepting[s]}
    changed = True
    while changed:
        changed = False
        for state, targets in edges.items():
            best = min((cost[t] + 1 for t in targets if t in cost), default=None)
            if best is not None and best < cost.get(state, 1 << 60):
                cost[state] = best
                changed = True
    return cost


def completable_states(dfa: Dfa, vocabulary: Vocabulary) -> set[int]:
    """States from which some sequence of tokens leads to acceptance."""
    return set(fewest_tokens_to_accept(dfa, vocabulary))


def regular_mask(
    dfa: Dfa, vocabulary: Vocabulary, state: int, completable: set[int] | None = None
) -> npt.NDArray[np.bool_]:
    """(V,) bool: tokens that keep the text completable in tokens; end of sequence where accepting.

    Without ``completable``, every live state counts as completable (every byte is a token).
    """
    allowed = np.zeros(vocabulary.n_tokens, dtype=np.bool_)
    for token_id in range(vocabulary.n_tokens):
        data = vocabulary.token_bytes(token_id)
        if data:
            after = token_step(dfa, state, data)
            allowed[token_id] = after != 0 and (completable is None or after in completable)
    if dfa.accepting[state]:
        allowed[list(vocabulary.eos_ids)] = True
    return allowed


def wide_regular_mask(dfa: Dfa, vocabulary: Vocabulary, state: int) -> npt.NDArray[np.bool_]:
    """``regular_mask`` for large vocabularies: all tokens at once, one byte position after another."""
    lengths = np.diff(vocabulary.offsets)
    states = np.where(lengths > 0, state, 0)
    for position in range(int(lengths.max())):
        longer = np.flatnonzero((lengths > position) & (states != 0))
        byte = vocabulary.data[vocabulary.offsets[longer] + position]
        states[longer] = dfa.transitions[states[longer], dfa.class_of[byte]]
    allowed: npt.NDArray[np.bool_] = states != 0
    if dfa.accepting[state]:
        allowed[list(vocabulary.eos_ids)] = True
    return allowed


def random_states(dfa: Dfa, rng: random.Random, n: int, longest: int = 30) -> Iterator[int]:
    """States met by walking random viable bytes from the start."""
    for _ in range(n):
        state = dfa.start
        for _ in range(rng.randint(0, longest)):
            viable = np.flatnonzero(dfa.viable_bytes(state))
            if not len(viable):
                break
            state = dfa.step(state, int(rng.choice(viable)))
        yield state
