"""Trim, minimise and number a deterministic automaton in one call.

Trimming drops the states from which no acceptance can be reached: a byte that leads there
must never be allowed, and it makes ``DEAD`` the only state that means "no". Minimisation
is Hopcroft's in the form of Valmari ("Fast brief practical DFA minimization", Information
Processing Letters 112, 2012), which works on partial automata, so dead transitions cost
nothing: O(m log n) for m live transitions. Numbering is breadth first with byte classes
ordered by their least byte, so two automata have the same language exactly when their
arrays are equal.

Moore's refinement was rejected: a chain of n states (a bounded repetition) takes it n
rounds.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from structgen.dtypes import IntArray
from structgen.kernels.jit import inlined, kernel, uncounted


class Partition(NamedTuple):
    """Elements in disjoint sets, each set a stretch of ``elements``; all arrays are int32."""

    elements: IntArray  # (n,)
    place: IntArray  # (n,), where an element is
    set_of: IntArray  # (n,)
    first: IntArray  # (most sets,), where a set begins
    past: IntArray  # (most sets,), where it ends


@kernel
def minimize(class_of, transitions, accepting, n, start):  # type: ignore[no-untyped-def]
    """The least automaton of the first ``n`` rows: ``(class_of, transitions, accepting)``.

    Row 0 must be dead. In the result 0 is dead, the start is 1, and an empty language has
    only row 0.
    """
    class_of, transitions = _with_least_classes(class_of, transitions[:n])
    reached, n_edges = _reached_from(transitions, n, start)
    live = _live_of(transitions, accepting, n, reached, n_edges)
    if start == 0 or not live[start]:
        return np.zeros(256, np.uint8), np.zeros((1, 1), np.int32), np.zeros(1, np.bool_)
    states, index = _live_states(reached, live, n)
    block_of, members = _blocks(transitions, accepting, states, index, n_edges)
    rows = np.zeros((members.shape[0], transitions.shape[1]), np.int32)
    for z in range(rows.shape[0]):
        for c in range(rows.shape[1]):
            t = transitions[members[z], c]
            rows[z, c] = block_of[index[t]] + 1 if t != 0 and index[t] >= 0 else 0
    out_class, columns = _least_classes(class_of, rows)
    turn, out = _breadth_first(rows, columns, block_of[index[start]])
    out_accepting = np.zeros(out.shape[0], np.bool_)
    for k in range(turn.shape[0]):
        out_accepting[k + 1] = accepting[members[turn[k]]]
    return out_class, out, out_accepting


@kernel
def _with_least_classes(class_of, transitions):  # type: ignore[no-untyped-def]
    """The same automaton with equal columns merged: a quarter of those of code points often are, and all else counts
    transitions."""
    merged, columns = _least_classes(class_of, transitions)
    if columns.shape[0] == transitions.shape[1]:
        return class_of, transitions
    rows = np.empty((transitions.shape[0], columns.shape[0]), np.int32)
    for s in range(rows.shape[0]):
        for k in range(rows.shape[1]):
            rows[s, k] = transitions[s, columns[k]]
    return merged, rows


# --- trimming


@kernel
def _reached_from(transitions, n, start):  # type: ignore[no-untyped-def]
    """The states reachable from the start, and how many live transitions leave them."""
    is_reached = np.zeros(n, np.bool_)
    queue = np.empty(n, np.int32)
    tail = 0
    if start != 0:
        is_reached[start] = True
        queue[0] = start
        tail = 1
    head = 0
    n_edges = 0
    while head < tail:
        s = queue[head]
        head += 1
        for c in range(transitions.shape[1]):
            t = transitions[s, c]
            if t != 0:
                n_edges += 1
                if not is_reached[t]:
                    is_reached[t] = True
                    queue[tail] = t
                    tail += 1
    return queue[:tail], n_edges


@kernel
def _live_of(transitions, accepting, n, reached, n_edges):  # type: ignore[no-untyped-def]
    """(n,) bool: the states of ``reached`` that reach acceptance; a walk of the reversed edges."""
    into_start = np.zeros(n + 1, np.int32)
    for s in reached:
        for c in range(transitions.shape[1]):
            t = transitions[s, c]
            if t != 0:
                into_start[t + 1] += 1
    for s in range(n):
        into_start[s + 1] += into_start[s]
    into = np.empty(n_edges, np.int32)
    fill = into_start.copy()
    for s in reached:
        for c in range(transitions.shape[1]):
            t = transitions[s, c]
            if t != 0:
                into[fill[t]] = s
                fill[t] += 1
    live = np.zeros(n, np.bool_)
    stack = np.empty(n, np.int32)
    top = 0
    for s in reached:
        if accepting[s]:
            live[s] = True
            stack[top] = s
            top += 1
    while top > 0:
        top -= 1
        t = stack[top]
        for k in range(into_start[t], into_start[t + 1]):
            s = into[k]
            if not live[s]:
                live[s] = True
                stack[top] = s
                top += 1
    return live


@kernel
def _live_states(reached, live, n):  # type: ignore[no-untyped-def]
    """The live states of ``reached``, and (n,) each state's place among them, -1 where it has none."""
    index = np.full(n, -1, np.int32)
    states = np.empty(reached.shape[0], np.int32)
    n_live = 0
    for s in reached:
        if live[s]:
            index[s] = n_live
            states[n_live] = s
            n_live += 1
    return states[:n_live], index


# --- minimising


@kernel
def _blocks(transitions, accepting, states, index, n_edges):  # type: ignore[no-untyped-def]
    """The block of each of ``states``, and one state of each block, as the automaton numbers it."""
    tails, heads, cords, n_cords = _cords_by_class(transitions, states, index, n_edges)
    head_start, by_head = _grouped(heads, states.shape[0])
    size = cords.first.shape[0]
    blocks, n_blocks = _blocks_by_acceptance(accepting, states, size)
    marked = np.zeros(size, np.int32)
    touched = np.empty(size, np.int32)
    n_blocks = _refine(blocks, n_blocks, cords, n_cords, tails, head_start, by_head, marked, touched)
    members = np.empty(n_blocks, np.int32)
    for z in range(n_blocks):
        members[z] = states[blocks.elements[blocks.first[z]]]
    return blocks.set_of, members


@kernel
def _cords_by_class(transitions, states, index, n_edges):  # type: ignore[no-untyped-def]
    """Live transitions as tails and heads, and their first *cords*: sets of transitions of one class."""
    tails = np.empty(n_edges, np.int32)
    heads = np.empty(n_edges, np.int32)
    cord_of = np.empty(n_edges, np.int32)
    size = max(states.shape[0], n_edges) + 1
    first = np.empty(size, np.int32)
    past = np.empty(size, np.int32)
    n_cords = 0
    m = 0
    for c in range(transitions.shape[1]):
        before = m
        for i in range(states.shape[0]):
            t = transitions[states[i], c]
            if t != 0 and index[t] >= 0:
                tails[m] = i
                heads[m] = index[t]
                cord_of[m] = n_cords
                m += 1
        if m > before:
            first[n_cords] = before
            past[n_cords] = m
            n_cords += 1
    elements = np.arange(m).astype(np.int32)
    return tails[:m], heads[:m], Partition(elements, elements.copy(), cord_of[:m], first, past), n_cords


@kernel
def _grouped(heads, n_states):  # type: ignore[no-untyped-def]
    """Transitions by head: those of state ``s`` are ``by_head[start[s]:start[s + 1]]``."""
    start = np.zeros(n_states + 1, np.int32)
    for h in heads:
        start[h + 1] += 1
    for s in range(n_states):
        start[s + 1] += start[s]
    by_head = np.empty(heads.shape[0], np.int32)
    fill = start.copy()
    for k in range(heads.shape[0]):
        h = heads[k]
        by_head[fill[h]] = k
        fill[h] += 1
    return start, by_head


@kernel
def _blocks_by_acceptance(accepting, states, size):  # type: ignore[no-untyped-def]
    """The first blocks, the accepting states and the others, the larger one first; and how many there are."""
    n = states.shape[0]
    n_accepting = 0
    for s in states:
        n_accepting += accepting[s]
    elements = np.empty(n, np.int32)
    place = np.empty(n, np.int32)
    block_of = np.zeros(n, np.int32)
    first = np.empty(size, np.int32)
    past = np.empty(size, np.int32)
    at = 0
    n_blocks = 0
    for turn in range(2):
        wanted = (2 * n_accepting > n) == (turn == 0)
        first[n_blocks] = at
        for i in range(n):
            if accepting[states[i]] == wanted:
                elements[at] = i
                place[i] = at
                block_of[i] = n_blocks
                at += 1
        past[n_blocks] = at
        if at > first[n_blocks]:
            n_blocks += 1
    return Partition(elements, place, block_of, first, past), n_blocks


@uncounted  # a kernel that counts references does so at each use of a Partition: three times the time
def _refine(blocks, n_blocks, cords, n_cords, tails, head_start, by_head, marked, touched):  # type: ignore[no-untyped-def]
    """Split blocks and cords by each other until nothing splits; returns how many blocks there are.

    The first block, the larger, need not split cords: what leads to it is the complement of what leads elsewhere.
    ``marked`` is zeros, and ``touched`` is scratch, both for as many sets as there may be.
    """
    b = 1
    c = 0
    while c < n_cords:
        # Split blocks by the states that have a transition in cord c.
        n_touched = 0
        for i in range(cords.first[c], cords.past[c]):
            n_touched = _mark(blocks, tails[cords.elements[i]], marked, touched, n_touched)
        n_blocks = _split(blocks, n_blocks, marked, touched, n_touched)
        c += 1
        # Split cords by the blocks that their heads are in.
        while b < n_blocks:
            n_touched = 0
            for i in range(blocks.first[b], blocks.past[b]):
                h = blocks.elements[i]
                for k in range(head_start[h], head_start[h + 1]):
                    n_touched = _mark(cords, by_head[k], marked, touched, n_touched)
            n_cords = _split(cords, n_cords, marked, touched, n_touched)
            b += 1
    return n_blocks


@inlined
def _mark(sets, element, marked, touched, n_touched):  # type: ignore[no-untyped-def]
    """Move an element, not marked before, to the front of its set; returns how many sets have marks."""
    s = sets.set_of[element]
    x = sets.place[element]
    j = sets.first[s] + marked[s]
    other = sets.elements[j]
    sets.elements[x] = other
    sets.place[other] = x
    sets.elements[j] = element
    sets.place[element] = j
    if marked[s] == 0:
        touched[n_touched] = s
        n_touched += 1
    marked[s] += 1
    return n_touched


@uncounted
def _split(sets, n_sets, marked, touched, n_touched):  # type: ignore[no-untyped-def]
    """Part the touched sets into marked and unmarked, the smaller part new; returns how many sets there are."""
    for w in range(n_touched - 1, -1, -1):
        s = touched[w]
        j = sets.first[s] + marked[s]
        if j == sets.past[s]:
            marked[s] = 0
            continue
        z = n_sets
        if marked[s] <= sets.past[s] - j:
            sets.first[z] = sets.first[s]
            sets.past[z] = j
            sets.first[s] = j
        else:
            sets.past[z] = sets.past[s]
            sets.first[z] = j
            sets.past[s] = j
        for i in range(sets.first[z], sets.past[z]):
            sets.set_of[sets.elements[i]] = z
        marked[s] = 0
        marked[z] = 0
        n_sets += 1
    return n_sets


# --- numbering


@kernel
def _least_classes(class_of, rows):  # type: ignore[no-untyped-def]
    """Byte classes with equal columns merged, numbered by least byte; and a column of ``rows`` for each."""
    n_classes = rows.shape[1]
    merged = np.empty(n_classes, np.int32)
    column = np.empty(n_classes, np.int32)
    n_columns = 0
    for c in range(n_classes):
        same = 0
        while same < n_columns and not _equal_columns(rows, c, column[same]):
            same += 1
        if same == n_columns:
            column[same] = c
            n_columns += 1
        merged[c] = same
    # Classes may come unordered: a product's are pairs.
    number = np.full(n_columns, -1, np.int32)
    order = np.empty(n_columns, np.int32)
    used = 0
    out_class = np.empty(256, np.uint8)
    for byte in range(256):
        k = merged[class_of[byte]]
        if number[k] < 0:
            number[k] = used
            order[used] = column[k]
            used += 1
        out_class[byte] = number[k]
    return out_class, order[:used]


@inlined
def _equal_columns(rows, left, right):  # type: ignore[no-untyped-def]
    z = 0
    while z < rows.shape[0] and rows[z, left] == rows[z, right]:
        z += 1
    return z == rows.shape[0]


@kernel
def _breadth_first(rows, columns, start):  # type: ignore[no-untyped-def]
    """The blocks in order of discovery from ``start``, and the transitions under those numbers, from 1."""
    n_blocks = rows.shape[0]
    name = np.zeros(n_blocks, np.int32)
    turn = np.empty(n_blocks, np.int32)
    turn[0] = start
    name[start] = 1
    tail = 1
    head = 0
    out = np.zeros((n_blocks + 1, columns.shape[0]), np.int32)
    while head < tail:
        z = turn[head]
        head += 1
        for k in range(columns.shape[0]):
            t = rows[z, columns[k]]
            if t != 0:
                if name[t - 1] == 0:
                    turn[tail] = t - 1
                    tail += 1
                    name[t - 1] = tail
                out[head, k] = name[t - 1]
    return turn[:tail], out
