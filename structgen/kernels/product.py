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
    n_right = right.shape[0]
    pair_id = np.full((left.shape[1], right.shape[1]), -1, np.int32)
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

    room = 64
    keys = np.zeros(room, np.int64)
    rows = np.zeros((room, n_classes), np.int32)
    slots = 255
    table = np.zeros(slots + 1, np.int32)
    n = 1
    at = 0
    start = 0
    code = DONE
    while at < n:
        count = 1 if at == 0 else n_classes
        for c in range(count):
            if at == 0:
                p = left_start
                q = right_start
            else:
                p = left[keys[at] // n_right, left_of[c]]
                q = right[keys[at] % n_right, right_of[c]]
            dead = (p == 0 and q == 0) or (mode == AND and (p == 0 or q == 0)) or (mode == DIFFERENCE and p == 0)
            target = 0
            if not dead:
                key = np.int64(p) * n_right + q
                slot = hash_pair(key) & slots
                while table[slot] != 0 and keys[table[slot]] != key:
                    slot = (slot + 1) & slots
                target = table[slot]
                if target == 0:
                    if n >= max_states:
                        code = STATES_FULL
                        break
                    if n == room:
                        room *= 2
                        more = np.zeros(room, np.int64)
                        more[:n] = keys
                        keys = more
                        taller = np.zeros((room, n_classes), np.int32)
                        taller[:n] = rows
                        rows = taller
                    keys[n] = key
                    table[slot] = n
                    target = n
                    n += 1
                    if 2 * n > slots:
                        slots = 4 * (slots + 1) - 1
                        table = np.zeros(slots + 1, np.int32)
                        for s in range(1, n):
                            slot = hash_pair(keys[s]) & slots
                            while table[slot] != 0:
                                slot = (slot + 1) & slots
                            table[slot] = s
            if at == 0:
                start = target
            else:
                rows[at, c] = target
        if code != DONE:
            break
        at += 1
    accepting = np.zeros(n, np.bool_)
    for s in range(1, n):
        p = left_accepting[keys[s] // n_right]
        q = right_accepting[keys[s] % n_right]
        if mode == AND:
            accepting[s] = p and q
        elif mode == OR:
            accepting[s] = p or q
        elif mode == DIFFERENCE:
            accepting[s] = p and not q
        else:
            accepting[s] = p != q
    return code, class_of, rows, accepting, n, start
