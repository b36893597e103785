"""States of an automaton that no token can tell apart.

A mask looks at most as many bytes ahead as the longest token has. States that agree on
which paths of that length stay alive have equal masks, whatever comes later: counting
from 1,000 letters left or from 900 looks the same to a token of 100 bytes. This is Moore's
partition refinement stopped after that many rounds, with acceptance left out.
"""

from __future__ import annotations

import numpy as np

from structgen.kernels.jit import kernel

__all__ = ["horizon_classes"]


@kernel
def horizon_classes(transitions, rounds, classes, refined, table):  # type: ignore[no-untyped-def]
    """Partition the states by their live paths of ``rounds`` bytes; return the number of classes.

    ``classes`` and ``refined``, both (S,) int32, are written; the result is in ``classes``:
    0 for ``DEAD`` alone, then 1, 2, ... ``table`` is int32 scratch, its length a power of
    two of at least 2 S. Rows are compared in full, so no hash collision joins two classes.
    """
    n_states, n_classes = transitions.shape
    slots = table.shape[0] - 1
    classes[:] = 1
    classes[0] = 0
    refined[0] = 0
    n_found = 1
    for _ in range(rounds):
        table[:] = 0
        n_before = n_found
        n_found = 0
        for state in range(1, n_states):
            mixed = np.uint64(0x9E3779B9)
            for c in range(n_classes):
                value = np.uint64(classes[transitions[state, c]])
                mixed = (mixed ^ value ^ (mixed >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
            slot = np.int64((mixed >> np.uint64(31)) & np.uint64(slots))
            while True:
                other = table[slot]
                if other == 0:
                    table[slot] = state
                    n_found += 1
                    refined[state] = n_found
                    break
                same = True
                for c in range(n_classes):
                    if classes[transitions[state, c]] != classes[transitions[other, c]]:
                        same = False
                        break
                if same:
                    refined[state] = refined[other]
                    break
                slot = (slot + 1) & slots
        classes[:] = refined
        if n_found == n_before:
            break
    return n_found
