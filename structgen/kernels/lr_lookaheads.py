"""LALR(1) lookaheads by DeRemer and Pennello (1982), and the tables made of them.

An *edge* is a transition on a nonterminal. What may follow it is what its target reads, what
edges over empty nonterminals behind it read (*reads*), and what follows the edges that it ends
(*includes*); both relations are closed over their strong components (Tarjan's algorithm, on
an explicit stack). A reduction's lookaheads are those of all edges it looks back on. Sets of
terminals are rows of 64-bit words.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from structgen.dtypes import ByteArray, IntArray
from structgen.kernels.jit import uncounted
from structgen.kernels.lr_states import find_move

__all__ = [
    "Edges",
    "Reductions",
    "close_sets",
    "fill_tables",
    "find_edges",
    "find_lookaheads",
    "find_nullable",
    "find_reads",
    "find_relations",
]

Words = npt.NDArray[np.uint64]


class Edges(NamedTuple):
    """E transitions on nonterminals."""

    edge_of: IntArray
    """(M,) int32: the edge that each transition is, -1 for terminals."""
    origin: IntArray
    """(E, 3) int32: state, nonterminal from 0, target."""
    sets: Words
    """(E, W) uint64, in the end what may follow."""
    nullable: ByteArray
    """(N,) uint8: whether each nonterminal may be empty."""
    tail: IntArray
    """(P,) int32: for each production the first place behind which everything may be empty."""


class Reductions(NamedTuple):
    """R pairs of state and production, in the order of states."""

    of_state: IntArray
    """(S,) int32: a state's last one, -1 for none."""
    before: IntArray
    """(R,) int32: the one before it in the same state, or -1."""
    production: IntArray
    sets: Words
    """(R, W) uint64: the lookaheads."""


@uncounted
def find_nullable(rules, n_terminals, nullable, tail):  # type: ignore[no-untyped-def]
    """Mark what may be empty, and find each production's ``tail`` (see ``Edges``)."""
    changed = True
    while changed:
        changed = False
        for left in range(nullable.shape[0]):
            if nullable[left] != 0:
                continue
            for i in range(rules.left_start[left], rules.left_start[left + 1]):
                item = rules.first[rules.by_left[i]]
                while rules.symbols[item] >= n_terminals and nullable[rules.symbols[item] - n_terminals] != 0:
                    item += 1
                if rules.symbols[item] < 0:
                    nullable[left] = 1
                    changed = True
                    break
    for production in range(tail.shape[0]):
        first = rules.first[production]
        place = max(0, rules.first[production + 1] - first - 2)
        while place > 0:
            symbol = rules.symbols[first + place] - n_terminals
            if symbol < 0 or nullable[symbol] == 0:
                break
            place -= 1
        tail[production] = place


@uncounted
def find_edges(states, n_states, n_terminals, edges):  # type: ignore[no-untyped-def]
    """Number the edges, and note what their targets read at once."""
    n = 0
    for state in range(n_states):
        for move in range(states.move_start[state], states.move_start[state + 1]):
            symbol = states.move_symbol[move]
            edges.edge_of[move] = -1
            if symbol < n_terminals:
                continue
            target = states.move_target[move]
            edges.edge_of[move] = n
            edges.origin[n, 0] = state
            edges.origin[n, 1] = symbol - n_terminals
            edges.origin[n, 2] = target
            for other in range(states.move_start[target], states.move_start[target + 1]):
                terminal = states.move_symbol[other]
                if terminal >= n_terminals:
                    break
                edges.sets[n, terminal >> 6] |= np.uint64(1) << np.uint64(terminal & 63)
            n += 1
    return n


@uncounted
def relate(pairs, n, one, other):  # type: ignore[no-untyped-def]
    """Append a pair where there is room; returns the new number in any case."""
    if n < pairs.shape[0]:
        pairs[n, 0] = one
        pairs[n, 1] = other
    return n + 1


@uncounted
def find_reads(states, n_terminals, edges, pairs):  # type: ignore[no-untyped-def]
    """Pairs (edge, edge over an empty nonterminal right behind it); returns how many there are."""
    n = 0
    for edge in range(edges.origin.shape[0]):
        target = edges.origin[edge, 2]
        for move in range(states.move_start[target], states.move_start[target + 1]):
            symbol = states.move_symbol[move] - n_terminals
            if symbol >= 0 and edges.nullable[symbol] != 0:
                n = relate(pairs, n, edge, edges.edge_of[move])
    return n


@uncounted
def find_relations(rules, states, n_terminals, edges, includes, back):  # type: ignore[no-untyped-def]
    """Pairs (edge, edge that it ends), and triples (state, production, edge) that reductions look back on.

    Returns how many of each there are, which may be more than fit.
    """
    n_includes, n_back = 0, 0
    for edge in range(edges.origin.shape[0]):
        left = edges.origin[edge, 1]
        for i in range(rules.left_start[left], rules.left_start[left + 1]):
            production = rules.by_left[i]
            item = rules.first[production]
            at = edges.origin[edge, 0]
            place = 0
            while rules.symbols[item] >= 0:
                move = find_move(states, at, rules.symbols[item])
                if place >= edges.tail[production] and edges.edge_of[move] >= 0:
                    n_includes = relate(includes, n_includes, edges.edge_of[move], edge)
                at = states.move_target[move]
                item += 1
                place += 1
            if n_back < back.shape[0]:
                back[n_back, 0] = at
                back[n_back, 1] = production
                back[n_back, 2] = edge
            n_back += 1
    return n_includes, n_back


@uncounted
def index_pairs(pairs, n, start, targets):  # type: ignore[no-untyped-def]
    """Sort ``pairs[:n]`` by their first number: those of x go to ``targets[start[x]:start[x + 1]]``."""
    start[:] = 0
    for i in range(n):
        start[pairs[i, 0] + 1] += 1
    for x in range(start.shape[0] - 1):
        start[x + 1] += start[x]
    for i in range(n - 1, -1, -1):  # from the end, so that each run fills backwards from the next one's beginning
        x = pairs[i, 0]
        start[x + 1] -= 1
        targets[start[x + 1]] = pairs[i, 1]
    for x in range(start.shape[0] - 1):
        start[x] = start[x + 1]
    start[start.shape[0] - 1] = n


@uncounted
def close_sets(pairs, n, start, targets, low, stack, calls, sets):  # type: ignore[no-untyped-def]
    """``sets[x]`` |= ``sets[y]`` for all y that x reaches by ``pairs[:n]``.

    Room to work in: ``start`` (E + 1,), ``targets`` (n,), ``low``, ``stack`` (E,) and ``calls`` (E, 3) int32.
    """
    index_pairs(pairs, n, start, targets)
    finished = np.int32(0x7FFFFFFF)
    low[:] = 0
    height = 0
    for root in range(low.shape[0]):
        if low[root] != 0:
            continue
        n_calls = 0
        height = enter(root, start, low, stack, height, calls, n_calls)
        n_calls = 1
        while n_calls > 0:
            node = calls[n_calls - 1, 0]
            if calls[n_calls - 1, 1] < start[node + 1]:
                other = targets[calls[n_calls - 1, 1]]
                if low[other] == 0:
                    height = enter(other, start, low, stack, height, calls, n_calls)
                    n_calls += 1
                    continue
                low[node] = min(low[node], low[other])
                add_set(sets, node, other)
                calls[n_calls - 1, 1] += 1
                continue
            n_calls -= 1
            if low[node] != calls[n_calls, 2]:
                continue
            while height >= calls[n_calls, 2]:  # node and those above it reach each other
                height -= 1
                low[stack[height]] = finished
                add_set(sets, stack[height], node)  # what the others have is in the node's set


@uncounted
def enter(node, start, low, stack, height, calls, n_calls):  # type: ignore[no-untyped-def]
    """Begin with ``node``; returns the new height. Calls are (node, next target, height at which it stands)."""
    stack[height] = node
    low[node] = height + 1
    calls[n_calls, 0] = node
    calls[n_calls, 1] = start[node]
    calls[n_calls, 2] = height + 1
    return height + 1


@uncounted
def add_set(sets, one, other):  # type: ignore[no-untyped-def]
    for word in range(sets.shape[1]):
        sets[one, word] |= sets[other, word]


@uncounted
def find_lookaheads(back, edges, reductions):  # type: ignore[no-untyped-def]
    """Join what reductions look back on; returns how many reductions there are."""
    n = 0
    for i in range(back.shape[0]):
        state, production = back[i, 0], back[i, 1]
        at = reductions.of_state[state]
        while at >= 0 and reductions.production[at] != production:
            at = reductions.before[at]
        if at < 0:
            at = n
            n += 1
            reductions.production[at] = production
            reductions.before[at] = reductions.of_state[state]
            reductions.of_state[state] = at
        for word in range(edges.sets.shape[1]):
            reductions.sets[at, word] |= edges.sets[back[i, 2], word]
    return n


@uncounted
def fill_tables(states, n_terminals, reductions, action, goto, in_conflict):  # type: ignore[no-untyped-def]
    """Write shifts, gotos and reductions that nothing contradicts; other states are marked ``in_conflict``.

    The entry that accepts is in ``action`` before.
    """
    for state in range(action.shape[0]):
        for move in range(states.move_start[state], states.move_start[state + 1]):
            symbol = states.move_symbol[move]
            if symbol < n_terminals:
                action[state, symbol] = states.move_target[move] + 1
            else:
                goto[state, symbol - n_terminals] = states.move_target[move]
        at = reductions.of_state[state]
        while at >= 0:
            for terminal in range(n_terminals + 1):
                if (reductions.sets[at, terminal >> 6] >> np.uint64(terminal & 63)) & np.uint64(1) != 0:
                    if action[state, terminal] != 0:
                        in_conflict[state] = 1
                    else:
                        action[state, terminal] = -1 - reductions.production[at]
            at = reductions.before[at]
