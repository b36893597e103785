"""The product of two deterministic automata under a Boolean combination."""

from __future__ import annotations

import numpy as np

from structgen.kernels.jit import inlined, kernel, uncounted

AND, OR, DIFFERENCE, XOR = 0, 1, 2, 3
DONE, STATES_FULL, NO_ROOM = 0, 1, 2


@inlined
def hash_pair(key):  # type: ignore[no-untyped-def]
    """A hash of up to 2^60 pairs; never overflows int64."""
    h = (key & 0x3FFFFFFF) * 2654435761 ^ (key >> 30) * 2246822519
    return h ^ (h >> 17)


@kernel
def product(  # type: ignore[no-untyped-def]
    left_class, left, left_accepting, left_start, right_class, right, right_accepting, right_start, mode, max_states
):
    """Reachable pairs: ``(code, class_of, transitions, accepting, n, start)``, row 0 dead.

    A pair that cannot accept any more, because the side that ``mode`` needs is dead, is row 0.
    The result is neither trimmed nor minimal.
    """
    class_of, left_of, right_of = _pairs_of_classes(left_class, right_class, left.shape[1], right.shape[1])
    n_right = right.shape[0]
    n_classes = left_of.shape[0]
    keys = np.zeros(64 + n_classes, np.int64)
    rows = np.zeros((64 + n_classes, n_classes), np.int32)
    table = np.zeros(256, np.int32)
    n = 1
    start = 0
    code = DONE
    if not _is_dead(mode, left_start, right_start):
        start = 1
        if max_states < 2:
            code = STATES_FULL
        else:
            keys[1] = np.int64(left_start) * n_right + right_start
            table[hash_pair(keys[1]) & 255] = 1
            n = 2
    at = 1
    while code == DONE and at < n:
        code, at, n = _explore(left, left_of, right, right_of, mode, max_states, keys, rows, table, at, n)
        if code == NO_ROOM:
            code = DONE
            if n + n_classes > keys.shape[0]:
                keys, rows = _with_room(keys, rows)
            if 2 * (n + n_classes) > table.shape[0]:
                table = _wider_table(keys, n, 4 * table.shape[0])
    accepting = np.zeros(n, np.bool_)
    for s in range(1, n):
        accepting[s] = _accepts(mode, left_accepting[keys[s] // n_right], right_accepting[keys[s] % n_right])
    return code, class_of, rows, accepting, n, start


@uncounted
def _explore(left, left_of, right, right_of, mode, max_states, keys, rows, table, at, n):  # type: ignore[no-untyped-def]
    """Fill rows from ``at`` on, as far as there is room for the pairs they lead to: ``(code, at, n)``.

    Apart from what allocates: counting references to the arrays at each step took nine tenths of the time.
    """
    n_right = right.shape[0]
    n_classes = left_of.shape[0]
    slots = table.shape[0] - 1
    while at < n:
        if n + n_classes > keys.shape[0] or 2 * (n + n_classes) > table.shape[0]:
            return NO_ROOM, at, n
        from_left = keys[at] // n_right
        from_right = keys[at] - from_left * n_right
        for c in range(n_classes):
            p = left[from_left, left_of[c]]
            q = right[from_right, right_of[c]]
            if _is_dead(mode, p, q):
                continue
            key = np.int64(p) * n_right + q
            slot = hash_pair(key) & slots
            while table[slot] != 0 and keys[table[slot]] != key:
                slot = (slot + 1) & slots
            if table[slot] == 0:
                if n >= max_states:
                    return STATES_FULL, at, n
                keys[n] = key
                table[slot] = n
                n += 1
            rows[at, c] = table[slot]
        at += 1
    return DONE, at, n


@kernel
def _pairs_of_classes(left_class, right_class, n_left, n_right):  # type: ignore[no-untyped-def]
    """Classes of bytes that neither side tells apart, and the class of each on both sides."""
    pair_id = np.full((n_left, n_right), -1, np.int32)
    class_of = np.empty(256, np.uint8)
    left_of = np.empty(256, np.int32)
    right_of = np.empty(256, np.int32)
    n_classes = 0
    for byte in range(256):
        a = left_class[byte]
        b = right_class[byte]
        if pair_id[a, b] < 0:
            pair_id[a, b] = n_classes
            left_of[n_classes] = a
            right_of[n_classes] = b
            n_classes += 1
        class_of[byte] = pair_id[a, b]
    return class_of, left_of[:n_classes], right_of[:n_classes]


@inlined
def _is_dead(mode, p, q):  # type: ignore[no-untyped-def]
    return (p == 0 and q == 0) or (mode == AND and (p == 0 or q == 0)) or (mode == DIFFERENCE and p == 0)


@inlined
def _accepts(mode, p, q):  # type: ignore[no-untyped-def]
    if mode == AND:
        return p and q
    if mode == OR:
        return p or q
    if mode == DIFFERENCE:
        return p and not q
    return p != q


@kernel
def _with_room(keys, rows):  # type: ignore[no-untyped-def]
    """Copies of both, twice as long."""
    n = keys.shape[0]
    more = np.zeros(2 * n, np.int64)
    more[:n] = keys
    taller = np.zeros((2 * n, rows.shape[1]), np.int32)
    taller[:n] = rows
    return more, taller


@kernel
def _wider_table(keys, n, room):  # type: ignore[no-untyped-def]
    """The table of the pairs from 1 to ``n - 1``, with ``room`` slots."""
    table = np.zeros(room, np.int32)
    slots = room - 1
    for s in range(1, n):
        slot = hash_pair(keys[s]) & slots
        while table[slot] != 0:
            slot = (slot + 1) & slots
        table[slot] = s
    return table
