"""Whether a lexeme that is under way fits the stack, and whether that is a dead end.

A lexeme fits where the stack takes a terminal that it can become. Where lexemes get in each other's way
that is not enough: ``fates`` tells from which lexer states it is, and for the others, and for threads under
conditions, the answer is looked up by lexer state, condition and cell in a table that
``automata.grammar.prospects`` fills.
"""

from __future__ import annotations

import numpy as np

from structgen.kernels.fates import BITS, MOST_SURE, SURE, at, fate_of
from structgen.kernels.grammar_heap import (
    ARENA,
    CHECK_MEMO,
    COLLIDES,
    DOUBT,
    DOUBTS,
    FAIL,
    FITS_NONE,
    GENERATION,
    IGNORED,
    LOWEST,
    MAX_COLUMN,
    MEMO,
    N_DOUBTS,
    N_TERMINALS,
    NEWLINE,
    NOTED,
    REGISTER,
    UNKNOWN,
    delta_at,
    family_at,
    family_start_at,
    family_terminal_at,
    feed_at,
    feed_count_at,
    indent_at,
    note_missing,
    role_at,
)
from structgen.kernels.jit import uncounted
from structgen.kernels.lasting_cells import NO_ROOM, persist
from structgen.kernels.stack_moves import can_shift, can_shift_or_end, shift


@uncounted
def newline_possible(heap, work, cell, state, register, column):  # type: ignore[no-untyped-def]
    """Whether a newline in the making can end at some column that the parser goes on from."""
    if feed_at(heap, register, 0) == UNKNOWN:
        note_missing(work, REGISTER, register, 0)
        return False
    if feed_count_at(heap, register, MAX_COLUMN) > 0:
        return True
    after = shift(heap, work, cell, indent_at(heap, 0))
    if after == FAIL:
        return False
    if can_shift(heap, work, after, indent_at(heap, 1)):
        return True
    again = delta_at(heap, state, 10) != 0 or delta_at(heap, state, 13) != 0
    if not again and (column >= MAX_COLUMN or feed_at(heap, register, max(column, 0)) == FITS_NONE):
        least = False
        for wider in range(max(column, 0), MAX_COLUMN):
            if feed_at(heap, register, wider) >= 0 and feed_count_at(heap, register, wider) <= 0:
                least = True
                break
        # a comment that has begun (or a character of it) ends in another line feed, farther on
        if not least and not reads_text(heap, state):
            return False
    for terminal in range(heap[N_TERMINALS] + 1):
        if terminal != indent_at(heap, 1) and can_shift_or_end(heap, work, after, terminal):
            return True
    return False


@uncounted
def reads_text(heap, state):  # type: ignore[no-untyped-def]
    """Whether a lexeme at ``state`` can go on with anything but blanks."""
    found = False
    for byte in range(33, 256):
        found = found or delta_at(heap, state, byte) != 0
    return found


@uncounted
def check(heap, work, cell, state, register, column):  # type: ignore[no-untyped-def]
    """Whether some terminal that the lexeme at ``state`` can become fits the stack, and leads to the text's end."""
    if heap[COLLIDES] != 0:
        return survives(heap, work, cell, state, 0)
    return fits(heap, work, cell, state, register, column)


@uncounted
def fits(heap, work, cell, state, register, column):  # type: ignore[no-untyped-def]
    """Whether some terminal that the lexeme at ``state`` can become fits the stack."""
    family = family_at(heap, state)
    memo = CHECK_MEMO + 4 * ((cell * 61 + family) & (MEMO - 1))
    generation = work[GENERATION]
    if work[memo] == generation and work[memo + 1] == cell and work[memo + 2] == family:
        return work[memo + 3] == 1
    found = False
    memorable = True
    for i in range(family_start_at(heap, family), family_start_at(heap, family + 1)):
        terminal = family_terminal_at(heap, i)
        role = role_at(heap, terminal)
        if role & IGNORED:
            found = True
        elif role & NEWLINE:
            memorable = False
            found = newline_possible(heap, work, cell, state, register, column)
        else:
            found = can_shift(heap, work, cell, terminal)
        if found:
            break
    if memorable and work[NOTED] == 0:
        work[memo] = generation
        work[memo + 1] = cell
        work[memo + 2] = family
        work[memo + 3] = 1 if found else 0
    return found


@uncounted
def survives(heap, work, cell, state, watch):  # type: ignore[no-untyped-def]
    """Whether a lexeme in ``state``, under ``watch``, leads to the text's end on the stack at ``cell``."""
    if watch != 0:
        return fits(heap, work, cell, state, 0, -1) and tell(heap, work, cell, state, watch)
    fate = fate_of(heap, work, state)
    if fate == UNKNOWN:
        return False
    if fate == SURE:
        return fits(heap, work, cell, state, 0, -1)
    memo = CHECK_MEMO + 4 * ((cell * 61 + fate * 31) & (MEMO - 1))
    generation = work[GENERATION]
    if work[memo] == generation and work[memo + 1] == cell and work[memo + 2] == -2 - fate:
        return work[memo + 3] == 1
    found = survives_doubt(heap, work, cell, fate)
    if work[NOTED] == 0:
        work[memo] = generation
        work[memo + 1] = cell
        work[memo + 2] = -2 - fate
        work[memo + 3] = 1 if found else 0
    return found


@uncounted
def survives_doubt(heap, work, cell, state):  # type: ignore[no-untyped-def]
    """The same for a doubtful state."""
    bits = heap[at(heap, state, BITS)]
    family = family_at(heap, state)
    first = family_start_at(heap, family)
    in_doubt = False
    for i in range(first, family_start_at(heap, family + 1)):
        terminal = family_terminal_at(heap, i)
        is_sure = i - first < MOST_SURE and bits >> (i - first) & 1 == 1
        if role_at(heap, terminal) & IGNORED or can_shift(heap, work, cell, terminal):
            if is_sure:
                return True
            in_doubt = True
    return in_doubt and tell(heap, work, cell, state, 0)


@uncounted
def tell(heap, work, cell, state, watch):  # type: ignore[no-untyped-def]
    """Look up whether the text's end can be reached; what is not known yet is noted, and counts as not."""
    cell = persist(heap, work, cell)
    if cell == NO_ROOM:
        note_missing(work, ARENA, 0, 0)
    if cell < 0:
        return False
    size = heap[N_DOUBTS]
    slot = doubt_hash(cell, state, watch, size)
    row = heap[DOUBTS] + 5 * slot
    while size > 0 and heap[row] >= 0:
        if heap[row] == cell and heap[row + 1] == state and heap[row + 2] == watch:
            work[LOWEST] = min(work[LOWEST], heap[row + 4])
            return heap[row + 3] != 0
        slot = (slot + 1) & (size - 1)
        row = heap[DOUBTS] + 5 * slot
    note_missing(work, DOUBT + watch, cell, state)
    return False


@uncounted
def doubt_hash(cell, state, watch, size):  # type: ignore[no-untyped-def]
    return (np.int64(cell) * 1000003 + np.int64(state) * 7919 + np.int64(watch) * 104729) & (size - 1)


@uncounted
def enter_doubt(heap, cell, state, watch, answer, lowest):  # type: ignore[no-untyped-def]
    """Enter an answer into the table, which must have room."""
    size = heap[N_DOUBTS]
    slot = doubt_hash(cell, state, watch, size)
    while heap[heap[DOUBTS] + 5 * slot] >= 0:
        slot = (slot + 1) & (size - 1)
    row = heap[DOUBTS] + 5 * slot
    heap[row] = cell
    heap[row + 1] = state
    heap[row + 2] = watch
    heap[row + 3] = answer
    heap[row + 4] = lowest
