"""Moves of an LR stack: reductions, shifts, and whether a terminal fits.

``stack_cells`` says what stacks are made of, ``forked_stacks`` how nondeterministic parsers move.
"""

from __future__ import annotations

from structgen.kernels.forked_stacks import can_shift_forked, shift_forked
from structgen.kernels.grammar_heap import (
    ACCEPTS_EMPTY,
    CHOICE,
    FAIL,
    FORKED,
    GENERATION,
    MEMO,
    N_PATH,
    N_TERMINALS,
    OK,
    PATH,
    SHIFT_MEMO,
    STATUS,
    action_at,
    goto_at,
    left_at,
    length_at,
)
from structgen.kernels.jit import uncounted
from structgen.kernels.stack_cells import parent_of, push, state_of

UNSETTLED = -3
"""In place of a state: there is more than one stack, or more than one move."""


@uncounted
def simulate(heap, work, cell, terminal):  # type: ignore[no-untyped-def]
    """Reduce until ``terminal`` can be shifted; returns (base cell, states pushed on it, next state or FAIL or accept).

    The third value is -2 where production 0 is reduced: the text is complete; or ``UNSETTLED``.
    """
    base = cell
    n = 0
    state = state_of(heap, work, base)
    while True:
        act = 0 if state < 0 else action_at(heap, state, terminal)
        if act > 0:
            return base, n, act - 1
        if state < 0 or act <= CHOICE:
            return base, n, UNSETTLED
        if act == 0:
            return base, n, FAIL
        production = -1 - act
        if production == 0:
            return base, n, -2
        for _ in range(length_at(heap, production)):
            if n > 0:
                n -= 1
                continue
            base = parent_of(heap, work, base)
            if heap[FORKED] != 0 and state_of(heap, work, base) < 0:
                return base, n, UNSETTLED
        below = work[PATH + n - 1] if n > 0 else state_of(heap, work, base)
        state = goto_at(heap, below, left_at(heap, production))
        if n >= N_PATH:
            return base, n, FAIL
        work[PATH + n] = state
        n += 1


@uncounted
def shift(heap, work, cell, terminal):  # type: ignore[no-untyped-def]
    """The cell after ``terminal``, which may be a fork, or FAIL.

    It is remembered within a generation, in which ``LOWEST`` only sinks.
    """
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
    elif state == UNSETTLED:
        found = shift_forked(heap, work, cell, terminal)
    if work[STATUS] == OK:
        work[memo] = generation
        work[memo + 1] = cell
        work[memo + 2] = terminal
        work[memo + 3] = found
    return found


@uncounted
def can_shift(heap, work, cell, terminal):  # type: ignore[no-untyped-def]
    _, _, state = simulate(heap, work, cell, terminal)
    if state == UNSETTLED:
        return can_shift_forked(heap, work, cell, terminal)
    return state >= 0


@uncounted
def can_shift_or_end(heap, work, cell, terminal):  # type: ignore[no-untyped-def]
    if heap[ACCEPTS_EMPTY] != 0 and cell == 0 and terminal == heap[N_TERMINALS]:
        return True
    _, _, state = simulate(heap, work, cell, terminal)
    if state == UNSETTLED:
        return can_shift_forked(heap, work, cell, terminal)
    return state >= 0 or state == -2
