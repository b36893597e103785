"""Cells of LR stacks: what is on top, and what lies below.

Cells are shared and never change. Cells below ``SCRATCH`` live in the arena; the others are made
during one kernel call and die with it, unless ``lasting_cells`` interns them. ``LOWEST`` follows the
lowest arena cell whose parser state was read, which is what a finished mask depends on.

Under a nondeterministic parser several stacks may lie in place of one: a *fork* is a cell that holds a
cell and what else there is, another fork or the last cell, in place of a state: ``-1 - rest``. Whatever
names a cell below another may name a fork; threads, though, have one stack each.
"""

from __future__ import annotations

from structgen.kernels.grammar_heap import (
    CELLS,
    FAIL,
    FULL,
    LOWEST,
    N_SCRATCH,
    SCRATCH,
    SCRATCH_AT,
    SCRATCH_CAPACITY,
    STATUS,
)
from structgen.kernels.jit import uncounted

__all__ = ["parent_of", "push", "state_of"]


@uncounted
def state_of(heap, work, cell):  # type: ignore[no-untyped-def]
    if cell >= SCRATCH:
        return work[SCRATCH_AT + 2 * (cell - SCRATCH) + 0]
    depth = heap[heap[CELLS] + 3 * (cell) + 2]
    if depth < work[LOWEST]:
        work[LOWEST] = depth
    return heap[heap[CELLS] + 3 * (cell) + 0]


@uncounted
def parent_of(heap, work, cell):  # type: ignore[no-untyped-def]
    if cell >= SCRATCH:
        return work[SCRATCH_AT + 2 * (cell - SCRATCH) + 1]
    return heap[heap[CELLS] + 3 * (cell) + 1]


@uncounted
def push(work, state, parent):  # type: ignore[no-untyped-def]
    n = work[N_SCRATCH]
    if n >= work[SCRATCH_CAPACITY]:
        work[STATUS] = FULL
        return FAIL
    work[SCRATCH_AT + 2 * (n) + 0] = state
    work[SCRATCH_AT + 2 * (n) + 1] = parent
    work[N_SCRATCH] = n + 1
    return SCRATCH + n
