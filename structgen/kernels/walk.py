"""Walks of the token trie that fill masks from a byte automaton.

One loop: nodes in preorder, the automaton's state kept per depth, a dead step skips the
node's subtree. Cost is one automaton step per node visited, about 5 ns.

Where an automaton has a cost per state (tokens to the nearest acceptance), the same walk
keeps only tokens that land within a limit: that is how a token budget is enforced, and,
with an infinite cost for states no token sequence completes, how a vocabulary that
cannot spell every byte is kept out of dead ends.

Arrays by name: ``byte``, ``subtree_end``, ``depth``, ``token_start``, ``token_ids`` are
``TrieTables``; ``class_of`` (256,) uint8 and ``transitions`` (S, C) int32 are
``DfaTables``; ``row`` (W,) uint32 is a packed mask, in which bits are only ever set.
"""

from __future__ import annotations

import numpy as np

from structgen.kernels.jit import kernel

__all__ = ["fill_dfa_mask", "fill_dfa_mask_within", "mark_landings", "step_bytes"]


@kernel
def fill_dfa_mask(  # type: ignore[no-untyped-def]
    byte, subtree_end, depth, token_start, token_ids, max_depth, class_of, transitions, state, row
):
    """Allow in ``row`` every token the automaton can read from ``state``; return nodes visited."""
    states = np.empty(max_depth + 1, dtype=np.int32)
    states[0] = state
    n_nodes = byte.shape[0]
    node = 1
    visited = 0
    while node < n_nodes:
        visited += 1
        level = depth[node]
        after = transitions[states[level - 1], class_of[byte[node]]]
        if after == 0:
            node = subtree_end[node]
            continue
        states[level] = after
        for index in range(token_start[node], token_start[node + 1]):
            token = token_ids[index]
            row[token >> 5] |= np.uint32(1) << np.uint32(token & 31)
        node += 1
    return visited


@kernel
def fill_dfa_mask_within(  # type: ignore[no-untyped-def]
    byte, subtree_end, depth, token_start, token_ids, max_depth, class_of, transitions, state, cost, limit, row
):
    """The same for tokens that land on a state with ``cost`` (S,) int32 of at most ``limit``."""
    states = np.empty(max_depth + 1, dtype=np.int32)
    states[0] = state
    n_nodes = byte.shape[0]
    node = 1
    visited = 0
    while node < n_nodes:
        visited += 1
        level = depth[node]
        after = transitions[states[level - 1], class_of[byte[node]]]
        if after == 0:
            node = subtree_end[node]
            continue
        states[level] = after
        if cost[after] <= limit:
            for index in range(token_start[node], token_start[node + 1]):
                token = token_ids[index]
                row[token >> 5] |= np.uint32(1) << np.uint32(token & 31)
        node += 1
    return visited


@kernel
def mark_landings(  # type: ignore[no-untyped-def]
    byte, subtree_end, depth, token_start, max_depth, class_of, transitions, state, landed
):
    """Set ``landed`` (S,) uint8 at every state that one token reaches from ``state``; return nodes visited."""
    states = np.empty(max_depth + 1, dtype=np.int32)
    states[0] = state
    n_nodes = byte.shape[0]
    node = 1
    visited = 0
    while node < n_nodes:
        visited += 1
        level = depth[node]
        after = transitions[states[level - 1], class_of[byte[node]]]
        if after == 0:
            node = subtree_end[node]
            continue
        states[level] = after
        if token_start[node] < token_start[node + 1]:
            landed[after] = 1
        node += 1
    return visited


@kernel
def step_bytes(class_of, transitions, state, data):  # type: ignore[no-untyped-def]
    """The state after ``data`` (n,) uint8; 0 once dead."""
    for position in range(data.shape[0]):
        state = transitions[state, class_of[data[position]]]
        if state == 0:
            break
    return state
