"""Moves of an LR stack: reductions, shifts, and whether a terminal fits.

Stack cells are shared and never change. Cells below ``SCRATCH`` live in the arena; the
others are made during one kernel call and die with it, unless ``lasting_cells`` interns them.
``registers[LOWEST]`` follows the lowest arena cell whose parser state was read, which is
what a finished mask depends on.

Nondeterministic parsers have a table of shifts in place of all this, see ``automata.grammar.glr``.
"""

from __future__ import annotations

import numpy as np

from structgen.kernels.grammar_heap import (
    CELLS,
    EXPECT,
    EXPECTED,
    FAIL,
    FULL,
    GENERATION,
    LOWEST,
    MEMO,
    N_EXPECTED,
    N_PATH,
    N_SCRATCH,
    N_SHIFTS,
    N_TERMINALS,
    OK,
    PATH,
    SCRATCH,
    SCRATCH_AT,
    SCRATCH_CAPACITY,
    SHIFT,
    SHIFT_MEMO,
    SHIFTS,
    STATUS,
    action_at,
    goto_at,
    left_at,
    length_at,
    note_missing,
)
from structgen.kernels.jit import uncounted


@uncounted
def state_of(heap, work, cell):  # type: ignore[no-untyped-def]
    if heap[N_SHIFTS] > 0:
        work[LOWEST] = 0
        return cell
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


@uncounted
def simulate(heap, work, cell, terminal):  # type: ignore[no-untyped-def]
    """Reduce until ``terminal`` can be shifted; returns (base cell, states pushed on it, next state or FAIL or accept).

    The third value is -2 where production 0 is reduced: the text is complete.
    """
    base = cell
    n = 0
    state = state_of(heap, work, base)
    while True:
        act = action_at(heap, state, terminal)
        if act == 0:
            return base, n, FAIL
        if act > 0:
            return base, n, act - 1
        production = -1 - act
        if production == 0:
            return base, n, -2
        for _ in range(length_at(heap, production)):
            if n > 0:
                n -= 1
            else:
                base = parent_of(heap, work, base)
        below = work[PATH + n - 1] if n > 0 else state_of(heap, work, base)
        state = goto_at(heap, below, left_at(heap, production))
        if n >= N_PATH:
            return base, n, FAIL
        work[PATH + n] = state
        n += 1


@uncounted
def shift_hash(cell, terminal, size):  # type: ignore[no-untyped-def]
    return (np.int64(cell) * 1000003 + np.int64(terminal) * 7919) & (size - 1)


@uncounted
def look_up_shift(heap, work, cell, terminal):  # type: ignore[no-untyped-def]
    """The same by table, for nondeterministic parsers."""
    size = heap[N_SHIFTS]
    work[LOWEST] = 0
    slot = shift_hash(cell, terminal, size)
    at = heap[SHIFTS] + 3 * slot
    while heap[at] >= 0:
        if heap[at] == cell and heap[at + 1] == terminal:
            return heap[at + 2]
        slot = (slot + 1) & (size - 1)
        at = heap[SHIFTS] + 3 * slot
    note_missing(work, SHIFT, cell, terminal)
    return FAIL


@uncounted
def shift(heap, work, cell, terminal):  # type: ignore[no-untyped-def]
    """The cell after ``terminal``, or FAIL; remembered within a generation, in which ``LOWEST`` only sinks."""
    if heap[N_SHIFTS] > 0:
        return look_up_shift(heap, work, cell, terminal)
    memo = SHIFT_MEMO + 4 * ((cell * 31 + terminal) & (MEMO - 1))
    generation = work[GENERATION]
    if work[memo] == generation and work[memo + 1] == cell and work[memo + 2] == terminal:
        return work[memo + 3]
    base, n, state = simulate(heap, work, cell, terminal)
    found = FAIL
    if state >= 0:
        for i in range(n):
            base = push(work, work[PATH + i], base)
            if base < 0:
                return FAIL
        found = push(work, state, base)
    if work[STATUS] == OK:
        work[memo] = generation
        work[memo + 1] = cell
        work[memo + 2] = terminal
        work[memo + 3] = found
    return found


@uncounted
def is_expected(heap, work, cell, terminal):  # type: ignore[no-untyped-def]
    """Whether ``terminal`` may follow a nondeterministic cell: one bit of a row (a flag, then terminals)."""
    if terminal == heap[N_TERMINALS]:
        return look_up_shift(heap, work, cell, terminal) != FAIL
    work[LOWEST] = 0
    row = heap[EXPECTED] + ((heap[N_TERMINALS] >> 5) + 2) * cell
    if cell >= heap[N_EXPECTED] or heap[row] == 0:
        note_missing(work, EXPECT, cell, 0)
        return False
    return heap[row + 1 + (terminal >> 5)] >> (terminal & 31) & 1 == 1


@uncounted
def can_shift(heap, work, cell, terminal):  # type: ignore[no-untyped-def]
    if heap[N_SHIFTS] > 0:
        return is_expected(heap, work, cell, terminal)
    _, _, state = simulate(heap, work, cell, terminal)
    return state >= 0


@uncounted
def can_shift_or_end(heap, work, cell, terminal):  # type: ignore[no-untyped-def]
    _, _, state = simulate(heap, work, cell, terminal)
    return state >= 0 or state == -2
