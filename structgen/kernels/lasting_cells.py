"""Stack cells that were made during a call, interned so that they outlive it."""

from __future__ import annotations

import numpy as np

from structgen.kernels.grammar_heap import (
    CELL_CAPACITY,
    CELLS,
    FAIL,
    FORKED,
    FORKED_AT,
    FULL,
    HASHED,
    N_ARENA,
    N_HASHED,
    N_PATH,
    PATH,
    SCRATCH,
    SCRATCH_AT,
    STATUS,
    WAYS_ROOM,
)
from structgen.kernels.jit import uncounted

__all__ = ["NO_ROOM", "cell_hash", "persist"]

NO_ROOM = -2
"""In place of a cell: the arena is full."""
WANTED = -3
"""In place of a cell that is not interned yet."""


@uncounted
def cell_hash(state, parent, size):  # type: ignore[no-untyped-def]
    return (np.int64(state) * 2654435761 + np.int64(parent) * 40503 * 65537) & (size - 1)


@uncounted
def intern(heap, work, state, parent, depth):  # type: ignore[no-untyped-def]
    """The arena cell with ``state`` on ``parent``; ``NO_ROOM`` where the arena is too small for a new one."""
    size = heap[N_HASHED]
    hashed = heap[HASHED]
    slot = cell_hash(state, parent, size)
    known = heap[hashed + slot]
    while known >= 0 and not (heap[heap[CELLS] + 3 * known] == state and heap[heap[CELLS] + 3 * known + 1] == parent):
        slot = (slot + 1) & (size - 1)
        known = heap[hashed + slot]
    if known < 0:
        known = work[N_ARENA]
        if known >= heap[CELL_CAPACITY]:
            return NO_ROOM
        at = heap[CELLS] + 3 * known
        heap[at] = state
        heap[at + 1] = parent
        heap[at + 2] = depth
        heap[hashed + slot] = known
        work[N_ARENA] = known + 1
    return known


@uncounted
def persist(heap, work, cell):  # type: ignore[no-untyped-def]
    """Intern a scratch cell, and those below it, in the arena; returns its lasting id.

    ``FAIL`` where it lies on too many others; ``NO_ROOM`` where the arena is too small.
    """
    if cell < SCRATCH:
        return cell
    if heap[FORKED] != 0:
        return persist_forked(heap, work, cell)
    n = 0
    while cell >= SCRATCH:
        if n >= N_PATH:
            work[STATUS] = FULL
            return FAIL
        work[PATH + n] = cell
        n += 1
        cell = work[SCRATCH_AT + 2 * (cell - SCRATCH) + 1]
    for i in range(n - 1, -1, -1):
        state = work[SCRATCH_AT + 2 * (work[PATH + i] - SCRATCH)]
        cell = intern(heap, work, state, cell, heap[heap[CELLS] + 3 * cell + 2] + 1)
        if cell == NO_ROOM:
            return NO_ROOM
    return cell


@uncounted
def persist_forked(heap, work, cell):  # type: ignore[no-untyped-def]
    """The same where cells may be forks; they were made after those that they name."""
    lasting = work[FORKED_AT] + WAYS_ROOM
    top = cell - SCRATCH
    for k in range(top):
        work[lasting + k] = FAIL
    work[lasting + top] = WANTED
    for k in range(top, -1, -1):
        if work[lasting + k] == WANTED:
            state, below = work[SCRATCH_AT + 2 * k], work[SCRATCH_AT + 2 * k + 1]
            if below >= SCRATCH:
                work[lasting + below - SCRATCH] = WANTED
            if state < 0 and -1 - state >= SCRATCH:
                work[lasting - 1 - state - SCRATCH] = WANTED
    for k in range(top + 1):
        if work[lasting + k] == WANTED:
            state, below = work[SCRATCH_AT + 2 * k], work[SCRATCH_AT + 2 * k + 1]
            if below >= SCRATCH:
                below = work[lasting + below - SCRATCH]
            depth = heap[heap[CELLS] + 3 * below + 2] + 1
            if state < 0:
                rest = -1 - state
                if rest >= SCRATCH:
                    rest = work[lasting + rest - SCRATCH]
                depth = max(depth, heap[heap[CELLS] + 3 * rest + 2] + 1)
                state = -1 - rest
            known = intern(heap, work, state, below, depth)
            if known == NO_ROOM:
                return NO_ROOM
            work[lasting + k] = known
    return work[lasting + top]
