"""Tokens from automaton states to acceptance."""

from __future__ import annotations

import numpy as np

from structgen.kernels.jit import kernel

__all__ = ["max_landing_cost", "path_costs"]


@kernel
def path_costs(byte, subtree_end, token_start, order, next_byte, next_state, cost):  # type: ignore[no-untyped-def]
    """Fewest tokens that spell each state's shortest completion.

    ``order`` lists the states that do not accept, nearest to acceptance first;
    ``next_byte`` (S,) uint8 and ``next_state`` (S,) int32 are one step of each state's
    shortest completion. ``cost`` (S,) int32 comes with 0 at accepting states and receives
    the rest; a state whose completion no tokens spell keeps what it came with.
    """
    for rank in range(order.shape[0]):
        state = order[rank]
        node = 0
        at = state
        best = cost[state]
        while True:
            child = node + 1
            end = subtree_end[node]
            wanted = next_byte[at]
            while child < end and byte[child] < wanted:
                child = subtree_end[child]
            if child >= end or byte[child] != wanted:
                break
            node = child
            at = next_state[at]
            if token_start[node] < token_start[node + 1] and cost[at] + 1 < best:
                best = cost[at] + 1
            if cost[at] == 0:
                break
        cost[state] = best


@kernel
def max_landing_cost(  # type: ignore[no-untyped-def]
    byte, subtree_end, depth, token_start, max_depth, class_of, transitions, state, cost
):
    """The greatest ``cost`` (S,) int32 of a state that one token reaches from ``state``; -1 if none does."""
    states = np.empty(max_depth + 1, dtype=np.int32)
    states[0] = state
    n_nodes = byte.shape[0]
    node = 1
    greatest = -1
    while node < n_nodes:
        level = depth[node]
        after = transitions[states[level - 1], class_of[byte[node]]]
        if after == 0:
            node = subtree_end[node]
            continue
        states[level] = after
        if token_start[node] < token_start[node + 1] and cost[after] > greatest:
            greatest = cost[after]
        node += 1
    return greatest
