"""Stack cells that were made during a call, interned so that they outlive it."""

from __future__ import annotations

import numpy as np

from structgen.kernels.grammar_heap import (
    CELL_CAPACITY,
    CELLS,
    FAIL,
    FULL,
    HASHED,
    N_ARENA,
    N_HASHED,
    N_PATH,
    PATH,
    SCRATCH,
    SCRATCH_AT,
    STATUS,
)
from structgen.kernels.jit import uncounted

__all__ = ["NO_ROOM", "cell_hash", "persist"]

NO_ROOM = -2
"""In place of a cell: the arena is full."""


@uncounted
def cell_hash(state, parent, size):  # type: ignore[no-untyped-def]
    return (np.int64(state) * 2654435761 + np.int64(parent) * 40503 * 65537) & (size - 1)


@uncounted
def persist(heap, work, cell):  # type: ignore[no-untyped-def]
    """Intern a scratch cell, and those below it, in the arena; returns its lasting id.

    ``FAIL`` where it lies on too many others; ``NO_ROOM`` where the arena is too small.
    """
    if cell < SCRATCH:
        return cell
    n = 0
    while cell >= SCRATCH:
        if n >= N_PATH:
            work[STATUS] = FULL
            return FAIL
        work[PATH + n] = cell
        n += 1
        cell = work[SCRATCH_AT + 2 * (cell - SCRATCH) + 1]
    size = heap[N_HASHED]
    hashed = heap[HASHED]
    for i in range(n - 1, -1, -1):
        state = work[SCRATCH_AT + 2 * (work[PATH + i] - SCRATCH)]
        slot = cell_hash(state, cell, size)
        known = heap[hashed + slot]
        while known >= 0 and not (heap[heap[CELLS] + 3 * known] == state and heap[heap[CELLS] + 3 * known + 1] == cell):
            slot = (slot + 1) & (size - 1)
            known = heap[hashed + slot]
        if known < 0:
            known = work[N_ARENA]
            if known >= heap[CELL_CAPACITY]:
                return NO_ROOM
            at = heap[CELLS] + 3 * known
            heap[at] = state
            heap[at + 1] = cell
            heap[at + 2] = heap[heap[CELLS] + 3 * cell + 2] + 1
            heap[hashed + slot] = known
            work[N_ARENA] = known + 1
        cell = known
    return cell
