"""How many tokens each state of a byte automaton is away from acceptance.

Two measures. The *exact* one is a shortest path in the token graph (states joined where
one token leads from one to the other), found by one walk per state and a breadth-first
search backwards. It is infinite where the vocabulary cannot spell any way to acceptance.
The *path* measure spells each state's shortest completion in bytes in as few tokens as
possible; it is an upper bound and costs a few steps per state, but needs a token for
every byte. A budget kept by either is always met: each state's cost is one more than
that of some state a token leads to.

The exact measure is used where its walks are cheap, or where bytes are missing.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from structgen.automata.dfa import Dfa
from structgen.dtypes import IntArray, freeze
from structgen.errors import LimitError
from structgen.kernels.tables import TrieTables

__all__ = ["NEVER", "exact_costs", "needed_bytes", "path_costs"]

NEVER = 1 << 30
"""The cost of a state from which no tokens lead to acceptance."""

CHEAP_WALKS = 4_000_000
"""Trie nodes that the exact measure may visit where the path measure would do (about 20 ms)."""
MOST_WALKS = 2_000_000_000
"""Trie nodes it may visit where nothing else will do (about 10 s)."""


def needed_bytes(dfa: Dfa) -> npt.NDArray[np.bool_]:
    """(256,) bool, the bytes that occur in some accepted text."""
    live: npt.NDArray[np.bool_] = (dfa.transitions[1:] != 0).any(axis=0)
    return live[dfa.class_of]


def exact_costs(dfa: Dfa, trie: TrieTables, max_nodes: int) -> IntArray | None:
    """(S,) int32, the exact measure; None where it takes more than ``max_nodes`` trie nodes."""
    from structgen.kernels.walk import mark_landings

    n_states = dfa.n_states
    landed = np.zeros(n_states, dtype=np.uint8)
    max_depth = trie.max_depth
    sources: list[IntArray] = []
    targets: list[IntArray] = []
    visited = 0
    for state in range(1, n_states):
        landed[:] = 0
        visited += int(mark_landings(*trie[:4], max_depth, dfa.class_of, dfa.transitions, state, landed))
        if visited > max_nodes:
            return None
        found = np.flatnonzero(landed).astype(np.int32)
        targets.append(found)
        sources.append(np.full(len(found), state, dtype=np.int32))
    return _breadth_first(dfa.accepting, _joined(sources), _joined(targets))


def _joined(parts: list[IntArray]) -> IntArray:
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int32)


def _breadth_first(accepting: npt.NDArray[np.bool_], sources: IntArray, targets: IntArray) -> IntArray:
    """Edges (source, target), one token each → least tokens to acceptance."""
    n_states = len(accepting)
    order = np.argsort(targets, kind="stable")
    sources = sources[order]
    offsets = np.searchsorted(targets[order], np.arange(n_states + 1))
    cost = np.full(n_states, NEVER, dtype=np.int32)
    level = np.flatnonzero(accepting)
    n_tokens = 0
    while len(level):
        cost[level] = n_tokens
        n_tokens += 1
        before = np.concatenate([sources[offsets[state] : offsets[state + 1]] for state in level.tolist()])
        level = np.unique(before[cost[before] == NEVER])
    return freeze(cost, np.int32)


def path_costs(dfa: Dfa, trie: TrieTables) -> IntArray:
    """(S,) int32, the path measure; every byte that ``dfa`` needs must be a token."""
    from structgen.kernels import completion

    distance = dfa.distance
    after = dfa.transitions
    nearer = (after != 0) & (distance[after] == distance[:, None] - 1)
    step = nearer.argmax(axis=1)
    next_byte = np.frombuffer(dfa.class_bytes, dtype=np.uint8)[step]
    next_state = np.take_along_axis(after, step[:, None], axis=1)[:, 0]
    cost = np.where(dfa.accepting, 0, NEVER).astype(np.int32)
    order = np.argsort(distance, kind="stable")
    order = order[distance[order] > 0]
    completion.path_costs(
        trie.byte,
        trie.subtree_end,
        trie.token_start,
        freeze(order, np.int32),
        freeze(next_byte, np.uint8),
        freeze(next_state, np.int32),
        cost,
    )
    return freeze(cost, np.int32)


def costs_of(dfa: Dfa, trie: TrieTables, single_bytes: npt.NDArray[np.bool_]) -> tuple[IntArray, bool]:
    """The measure to use, and whether it is the exact one.

    Raises
    ------
    LimitError : bytes without a token call for the exact measure, and it is too dear
    """
    if not (needed_bytes(dfa) & ~single_bytes).any():
        cheap = exact_costs(dfa, trie, CHEAP_WALKS)
        return (cheap, True) if cheap is not None else (path_costs(dfa, trie), False)
    exact = exact_costs(dfa, trie, MOST_WALKS)
    if exact is None:
        raise LimitError(
            "the vocabulary has no token for some single bytes, and the automaton is too large to check without them",
            what="trie_nodes",
            given=float(dfa.n_states) * trie.n_nodes,
            limit=MOST_WALKS,
        )
    return exact, True
