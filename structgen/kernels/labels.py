"""Products of automata, and searches in them, for ``automata.document.labelled``."""

from __future__ import annotations

import numpy as np

from structgen.kernels.jit import kernel, uncounted


@kernel
def joined(maps):
    """Bytes that no automaton tells apart: their classes (256,) uint8, and (k, C) int64 each automaton's class of them.

    ``maps`` (k, 256) are the byte classes of the automata. At most 256 classes, numbered by their least byte.
    """
    k = maps.shape[0]
    class_of = np.empty(256, np.uint8)
    columns = np.empty((k, 256), np.int64)
    n = 0
    for byte in range(256):
        c = n
        for other in range(n - 1, -1, -1):
            i = 0
            while i < k and columns[i, other] == maps[i, byte]:
                i += 1
            if i == k:
                c = other
                break
        if c == n:
            for i in range(k):
                columns[i, n] = maps[i, byte]
            n += 1
        class_of[byte] = c
    return class_of, columns[:, :n].copy()


@kernel
def told_of(states, values, offsets):
    """What the states of a product tell: (n,) int32 which of the rows (m, k - 1) that are told, 0 for none.

    State ``s`` of automaton ``i`` tells ``values[offsets[i] + s]``; nothing is told where the first tells 0. Rows are
    numbered from 1 in order of the states, and each occurs once.
    """
    n, k = states.shape
    which = np.zeros(n, np.int32)
    rows = np.empty((n, k - 1), np.int32)
    slots = np.zeros(64, np.int32)
    row = np.empty(k - 1, np.int32)
    m = 0
    for state in range(1, n):
        if values[offsets[0] + states[state, 0]] == 0:
            continue
        for i in range(1, k):
            row[i - 1] = values[offsets[i] + states[state, i]]
        mask = np.uint64(slots.shape[0] - 1)
        slot = _hash_of(row) & mask
        while slots[slot] != 0 and not _is_same(rows[slots[slot] - 1], row):
            slot = (slot + np.uint64(1)) & mask
        if slots[slot] == 0:
            rows[m] = row
            m += 1
            slots[slot] = m
            which[state] = m
            if 2 * m > slots.shape[0]:
                slots = _rehashed_rows(rows, m, 4 * slots.shape[0])
        else:
            which[state] = slots[slot]
    return which, rows[:m]


@kernel
def _rehashed_rows(rows, m, size):
    slots = np.zeros(size, np.int32)
    mask = np.uint64(size - 1)
    for index in range(m):
        slot = _hash_of(rows[index]) & mask
        while slots[slot] != 0:
            slot = (slot + np.uint64(1)) & mask
        slots[slot] = index + 1
    return slots


@kernel
def trimmed(after, labels):
    """Transitions and labels without the states that lead to no label; one row if the start, state 1, is such."""
    n, n_classes = after.shape
    steps = distances(after, labels)
    number = np.zeros(n, np.int32)
    kept = 1
    for state in range(1, n):
        if steps[state] >= 0:
            number[state] = kept
            kept += 1
    if n < 2 or number[1] == 0:
        kept = 1
    out = np.zeros((kept, n_classes), np.int32)
    out_labels = np.zeros(kept, np.int32)
    for state in range(1, n):
        if number[state] != 0 and kept > 1:
            out_labels[number[state]] = labels[state]
            for c in range(n_classes):
                out[number[state], c] = number[after[state, c]]
    return out, out_labels


@kernel
def install(transitions, base, target):
    """Write transitions to ``target``, row after row, with states moved by ``base``; the dead state stays 0."""
    at = 0
    for state in range(transitions.shape[0]):
        for c in range(transitions.shape[1]):
            to = transitions[state, c]
            target[at] = to + base if to != 0 else 0
            at += 1


@kernel
def n_labels(labels):
    """How many labels other than 0 there are."""
    n, last = 0, 0
    for label in np.sort(labels):
        if label != last:
            last = label
            n += label != 0
    return n


@kernel
def multiply(flat, offsets, widths, columns, starts, max_states):
    """All automata at once: states (n, k), from 1 at the start, and transitions (n, C); 0 is dead.

    Automaton ``i`` has its transitions in ``flat`` from ``offsets[i]`` on, in rows of ``widths[i]``, and
    ``columns[i, c]`` is its byte class of the product's class ``c``. A state is dead where the
    first automaton is. Returns more than ``max_states`` rows if there are more states.
    """
    k, n_classes = columns.shape
    states = np.zeros((64 + n_classes, k), np.int32)
    after = np.zeros((64 + n_classes, n_classes), np.int32)
    slots = np.zeros(256, np.int32)
    scratch = np.empty((2, k), np.int32)
    states[1] = starts
    slots[_hash_of(starts) & np.uint64(255)] = 1
    state, n = 1, 2
    while state < n and n <= max_states + 1:
        state, n = _explore(flat, offsets, widths, columns, states, after, slots, scratch, state, n)
        if n + n_classes > states.shape[0]:
            bigger = np.zeros((2 * states.shape[0], k), np.int32)
            bigger[:n] = states[:n]
            states = bigger
            wider = np.zeros((bigger.shape[0], n_classes), np.int32)
            wider[:n] = after[:n]
            after = wider
        if 2 * (n + n_classes) > slots.shape[0]:
            slots = _rehashed(states, n, 4 * slots.shape[0])
    return states[:n], after[:n]


@uncounted
def _explore(flat, offsets, widths, columns, states, after, slots, scratch, state, n):
    """Fill rows of ``after`` from ``state`` on, as far as there is room: the next state, and how many there are.

    Apart from what allocates, where references to the arrays are counted at every step.
    """
    k, n_classes = columns.shape
    mask = np.uint64(slots.shape[0] - 1)
    row, target = scratch[0], scratch[1]
    while state < n and n + n_classes <= states.shape[0] and 2 * (n + n_classes) <= slots.shape[0]:
        for i in range(k):
            row[i] = offsets[i] + states[state, i] * widths[i]
        for c in range(n_classes):
            if flat[row[0] + columns[0, c]] == 0:
                continue
            for i in range(k):
                target[i] = flat[row[i] + columns[i, c]]
            slot = _hash_of(target) & mask
            while slots[slot] != 0 and not _is_same(states[slots[slot]], target):
                slot = (slot + np.uint64(1)) & mask
            if slots[slot] == 0:
                for i in range(k):
                    states[n, i] = target[i]
                slots[slot] = n
                n += 1
            after[state, c] = slots[slot]
        state += 1
    return state, n


@uncounted
def _hash_of(values):
    h = np.uint64(0)
    for i in range(values.shape[0]):
        h = (h ^ np.uint64(values[i])) * np.uint64(0x9E3779B97F4A7C15)
        h ^= h >> np.uint64(29)
    return h


@uncounted
def _is_same(values, others):
    i = 0
    while i < values.shape[0] and values[i] == others[i]:
        i += 1
    return i == values.shape[0]


@kernel
def _rehashed(states, n, size):
    slots = np.zeros(size, np.int32)
    mask = np.uint64(size - 1)
    for state in range(1, n):
        slot = _hash_of(states[state]) & mask
        while slots[slot] != 0:
            slot = (slot + np.uint64(1)) & mask
        slots[slot] = state
    return slots


@kernel
def reachable(transitions, labels):
    """(S,) int64: per state the labels, bit ``label - 1``, at it or after it."""
    n, n_classes = transitions.shape
    reach = np.zeros(n, np.int64)
    for state in range(1, n):
        if labels[state] > 0:
            reach[state] = np.int64(1) << np.int64(labels[state] - 1)
    changed = True
    while changed:
        changed = False
        for state in range(n - 1, 0, -1):
            found = reach[state]
            for c in range(n_classes):
                found |= reach[transitions[state, c]]
            if found != reach[state]:
                reach[state] = found
                changed = True
    return reach


@kernel
def breadth_first(transitions):
    """States in breadth-first order from 1, and per state its parent and the class that leads to it."""
    n, n_classes = transitions.shape
    order = np.zeros(n, np.int32)
    parent = np.zeros(n, np.int32)
    column = np.zeros(n, np.int32)
    order[0] = 1
    parent[1] = -1
    head, tail = 0, 1
    while head < tail:
        state = order[head]
        head += 1
        for c in range(n_classes):
            to = transitions[state, c]
            if to != 0 and parent[to] == 0:
                parent[to] = state
                column[to] = c
                order[tail] = to
                tail += 1
    return order[:tail], parent, column


@kernel
def distances(transitions, accepting):
    """(S,) int32: least bytes from each state to acceptance; -1 where there is no way."""
    n, n_classes = transitions.shape
    into_start = np.zeros(n + 1, np.int32)
    for state in range(1, n):
        for c in range(n_classes):
            into_start[transitions[state, c] + 1] += 1
    into_start[1] = 0  # what leads to the dead state is no way
    for state in range(n):
        into_start[state + 1] += into_start[state]
    into = np.empty(into_start[n], np.int32)
    place = into_start.copy()
    for state in range(1, n):
        for c in range(n_classes):
            to = transitions[state, c]
            if to != 0:
                into[place[to]] = state
                place[to] += 1
    found = np.full(n, -1, np.int32)
    queue = np.empty(n, np.int32)
    head, tail = 0, 0
    for state in range(1, n):
        if accepting[state]:
            found[state] = 0
            queue[tail] = state
            tail += 1
    while head < tail:
        state = queue[head]
        head += 1
        for index in range(into_start[state], into_start[state + 1]):
            before = into[index]
            if found[before] < 0:
                found[before] = found[state] + 1
                queue[tail] = before
                tail += 1
    return found


@kernel
def character_distance(transitions, accepting, begins, far):
    """(S,) int64: fewest characters to acceptance, ``far`` where there is none.

    ``begins`` (C,) bool says which columns are the first byte of a character, where it is counted. Sweeps from the
    last state to the first: numbered breadth first, long chains are through in a few.
    """
    found = np.where(accepting, 0, far)
    changed = True
    while changed:
        changed = False
        for state in range(transitions.shape[0] - 1, 0, -1):
            for column in range(transitions.shape[1]):
                target = transitions[state, column]
                if target:
                    through = found[target] + (1 if begins[column] else 0)
                    if through < found[state]:
                        found[state] = through
                        changed = True
    return found
