"""The product of two deterministic automata under a Boolean combination."""

from __future__ import annotations

import numpy as np

from structgen.kernels.jit import inlined, kernel

AND, OR, DIFFERENCE, XOR = 0, 1, 2, 3
DONE, STATES_FULL = 0, 1


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
    keys = np.zeros(64, np.int64)
    rows = np.zeros((64, n_classes), np.int32)
    table = np.zeros(256, np.int32)
    n = 1
    at = 0
    start = 0
    code = DONE
    while at < n:
        # Row 0 has one column, which leads to the start.
        for c in range(1 if at == 0 else n_classes):
            if at == 0:
                p = left_start
                q = right_start
            else:
                p = left[keys[at] // n_right, left_of[c]]
                q = right[keys[at] % n_right, right_of[c]]
            target = 0
            if not _is_dead(mode, p, q):
                key = np.int64(p) * n_right + q
                slot = _slot_of(key, keys, table)
                target = table[slot]
                if target == 0:
                    if n >= max_states:
                        code = STATES_FULL
                        break
                    if n == keys.shape[0]:
                        keys, rows = _with_room(keys, rows)
                    keys[n] = key
                    table[slot] = n
                    target = n
                    n += 1
                    if 2 * n > table.shape[0] - 1:
                        table = _wider_table(keys, n, 4 * table.shape[0])
            if at == 0:
                start = target
            else:
                rows[at, c] = target
        if code != DONE:
            break
        at += 1
    accepting = np.zeros(n, np.bool_)
    for s in range(1, n):
        accepting[s] = _accepts(mode, left_accepting[keys[s] // n_right], right_accepting[keys[s] % n_right])
    return code, class_of, rows, accepting, n, start


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


@inlined
def _slot_of(key, keys, table):  # type: ignore[no-untyped-def]
    """The slot where ``key`` is, or belongs."""
    slots = table.shape[0] - 1
    slot = hash_pair(key) & slots
    while table[slot] != 0 and keys[table[slot]] != key:
        slot = (slot + 1) & slots
    return slot


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
    for s in range(1, n):
        table[_slot_of(keys[s], keys, table)] = s
    return table
