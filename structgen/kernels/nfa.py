"""From a program to an NFA: Thompson's construction.

``build_nfa`` runs a postfix program over a stack of fragments. It is compiled because a
bounded repetition copies its block ``max`` times: done here a copy is a few array moves,
done in Python it is an object per state.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from structgen.dtypes import IntArray
from structgen.kernels.jit import inlined, kernel, uncounted

FRAGMENT, CONCAT, ALTERNATE, REPEAT, EPSILON, NOTHING, TAIL = 0, 1, 2, 3, 4, 5, 6
EPS = -1  # an edge whose lower byte is EPS reads nothing


class Edges(NamedTuple):
    """Room for the edges of an NFA, int32."""

    source: IntArray
    low: IntArray
    high: IntArray
    target: IntArray


class Fragments(NamedTuple):
    """The stack of a program: what each fragment's first state and edge are, and where it begins and ends; int32."""

    first_state: IntArray
    first_edge: IntArray
    entry: IntArray
    leave: IntArray


@kernel
def build_nfa(code, pc, n_states, n_edges, depth):  # type: ignore[no-untyped-def]
    """Run the program that starts at ``code[pc]`` and sort the NFA's edges by source.

    ``code`` is int32: fragments ``(n_states, n_edges, src, lo, hi, dst, src, ...)`` whose
    state 0 is the entry and 1 the exit, then instructions up to its end. ``n_states`` and
    ``n_edges`` are the exact sizes of the result, ``depth`` the stack's.

    ``TAIL`` is a fragment that loops: any text to the very end. A state set that holds such a state
    accepts whatever follows, so ``determinize`` keeps nothing else of it; an unanchored search would
    otherwise go on tracking matches after the first.

    ``chain`` says which states are the same one in optional copies of a bounded repetition: with fewer
    copies behind, more may follow, so of a chain the first state in a set reads all that the others read, and
    ``determinize`` keeps no other. ``(.{1,63}x){1,9}`` would otherwise have a set for every way to count.
    -1 for states in no chain; else all of a chain bear the number of its first.

    Returns ``(start, final, edge_start[n+1], lo, hi, dst, eps_start[n+1], eps_dst, absorbing[n], chain[n])``.
    """
    edges = Edges(
        np.empty(n_edges, np.int32),
        np.empty(n_edges, np.int32),
        np.empty(n_edges, np.int32),
        np.empty(n_edges, np.int32),
    )
    stack = Fragments(
        np.empty(depth, np.int32), np.empty(depth, np.int32), np.empty(depth, np.int32), np.empty(depth, np.int32)
    )
    tails = np.empty(depth, np.int32)
    chain = np.full(n_states, -1, np.int32)
    ns, ne, n_tails = _run(code, pc, edges, stack, tails, chain)
    absorbing = np.zeros(ns, np.bool_)
    for k in range(n_tails):
        absorbing[tails[k]] = True
    edge_start, low, high, dst, eps_start, eps_dst = _by_source(
        edges.source, edges.low, edges.high, edges.target, ne, ns
    )
    return stack.entry[0], stack.leave[0], edge_start, low, high, dst, eps_start, eps_dst, absorbing, chain[:ns]


@uncounted
def _run(code, pc, edges, stack, tails, chain):  # type: ignore[no-untyped-def]
    """Run the program; returns how many states, edges and tails there are."""
    n_tails = 0
    top = 0
    ns = 0
    ne = 0
    while pc < code.shape[0]:
        op = code[pc]
        if op in (FRAGMENT, TAIL):
            _push(stack, top, ns, ne)
            top += 1
            if op == TAIL:
                ne = _link(edges, ne, ns, ns + 1)
                ne = _link(edges, ne, ns + 1, ns)
                tails[n_tails] = ns
                n_tails += 1
            ns, ne = _embed(code, code[pc + 1], edges, ns, ne)
            pc += 2
        elif op in (EPSILON, NOTHING):
            _push(stack, top, ns, ne)
            top += 1
            if op == EPSILON:
                ne = _link(edges, ne, ns, ns + 1)
            ns += 2
            pc += 1
        elif op == CONCAT:
            top -= code[pc + 1] - 1
            ne = _concat(edges, ne, stack, top - 1, code[pc + 1])
            pc += 2
        elif op == ALTERNATE:
            top -= code[pc + 1] - 1
            ne = _alternate(edges, ne, stack, top - 1, code[pc + 1], ns)
            ns += 2
            pc += 2
        else:  # REPEAT
            ns, ne = _repeat(edges, ne, stack, top - 1, code[pc + 1], code[pc + 2], ns, chain)
            pc += 3
    return ns, ne, n_tails


@inlined
def _link(edges, ne, source, target):  # type: ignore[no-untyped-def]
    """An edge that reads nothing; returns how many edges there are, as all of these do."""
    edges.source[ne] = source
    edges.low[ne] = EPS
    edges.high[ne] = EPS
    edges.target[ne] = target
    return ne + 1


@inlined
def _push(stack, top, ns, ne):  # type: ignore[no-untyped-def]
    """A fragment whose entry and exit are the next two states."""
    stack.first_state[top] = ns
    stack.first_edge[top] = ne
    stack.entry[top] = ns
    stack.leave[top] = ns + 1


@uncounted
def _embed(code, at, edges, ns, ne):  # type: ignore[no-untyped-def]
    """The states and edges of the fragment at ``code[at]``; returns how many there are of both."""
    for k in range(code[at + 1]):
        base = at + 2 + 4 * k
        edges.source[ne] = code[base] + ns
        edges.low[ne] = code[base + 1]
        edges.high[ne] = code[base + 2]
        edges.target[ne] = code[base + 3] + ns
        ne += 1
    return ns + code[at], ne


@uncounted
def _concat(edges, ne, stack, base, n):  # type: ignore[no-untyped-def]
    """The ``n`` fragments from ``base`` on, one after another, as the one there."""
    for k in range(base, base + n - 1):
        ne = _link(edges, ne, stack.leave[k], stack.entry[k + 1])
    stack.leave[base] = stack.leave[base + n - 1]
    return ne


@uncounted
def _alternate(edges, ne, stack, base, n, ns):  # type: ignore[no-untyped-def]
    """Any of the ``n`` fragments from ``base`` on, between two new states, as the one there."""
    for k in range(base, base + n):
        ne = _link(edges, ne, ns, stack.entry[k])
        ne = _link(edges, ne, stack.leave[k], ns + 1)
    stack.entry[base] = ns
    stack.leave[base] = ns + 1
    return ne


@uncounted
def _repeat(edges, ne, stack, base, least, most, ns, chain):  # type: ignore[no-untyped-def]
    """The last fragment from ``least`` to ``most`` times, or without end if that is negative."""
    copies = max(most, least, 1)
    first = stack.first_edge[base]
    n_copied = ne - first
    width = ns - stack.first_state[base]
    entry = stack.entry[base]
    leave = stack.leave[base]
    for k in range(1, copies):
        shift = k * width
        for e in range(first, first + n_copied):
            edges.source[ne] = edges.source[e] + shift
            edges.low[ne] = edges.low[e]
            edges.high[ne] = edges.high[e]
            edges.target[ne] = edges.target[e] + shift
            ne += 1
    _chain_copies(chain, stack.first_state[base], width, copies, least if most > least + 1 else copies)
    ns += (copies - 1) * width
    previous = ns
    for k in range(copies + 1):
        # previous is where k copies are behind us
        if k < copies:
            ne = _link(edges, ne, previous, entry + k * width)
        if k >= least:
            ne = _link(edges, ne, previous, ns + 1)
        previous = leave + k * width
    if most < 0:
        last = (copies - 1) * width
        ne = _link(edges, ne, leave + last, entry + last)
    stack.entry[base] = ns
    stack.leave[base] = ns + 1
    return ns + 2, ne


@uncounted
def _chain_copies(chain, first, width, copies, optional):  # type: ignore[no-untyped-def]
    """Chain each state of the copied fragment along the copies from number ``optional`` on.

    A state that is in a chain within the fragment stays in that chain, of its own copy: chains only
    ever say less than could be said.
    """
    for q in range(first, first + width):
        inner = chain[q]
        for k in range(copies):
            if inner >= 0:
                chain[q + k * width] = inner + k * width
            elif k >= optional:
                chain[q + k * width] = q + optional * width


@kernel
def _by_source(source, reads, reads_to, target, ne, ns):  # type: ignore[no-untyped-def]
    """Edges sorted by source: those that read a byte, and apart from them those that read nothing."""
    edge_start = np.zeros(ns + 1, np.int32)
    eps_start = np.zeros(ns + 1, np.int32)
    for e in range(ne):
        if reads[e] == EPS:
            eps_start[source[e] + 1] += 1
        else:
            edge_start[source[e] + 1] += 1
    for s in range(ns):
        edge_start[s + 1] += edge_start[s]
        eps_start[s + 1] += eps_start[s]
    low = np.empty(edge_start[ns], np.int32)
    high = np.empty(edge_start[ns], np.int32)
    dst = np.empty(edge_start[ns], np.int32)
    eps_dst = np.empty(eps_start[ns], np.int32)
    edge_at = edge_start.copy()
    eps_at = eps_start.copy()
    for e in range(ne):
        s = source[e]
        if reads[e] == EPS:
            eps_dst[eps_at[s]] = target[e]
            eps_at[s] += 1
        else:
            k = edge_at[s]
            low[k] = reads[e]
            high[k] = reads_to[e]
            dst[k] = target[e]
            edge_at[s] = k + 1
    return edge_start, low, high, dst, eps_start, eps_dst
