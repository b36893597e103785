"""Walks of the vocabulary's trie, and of bytes, with a grammar's threads.

``walk_below`` reads a subtree with the parser; ``grammar_parts`` sees to it that it does so for few
nodes only. ``advance_all`` moves
threads over the bytes of a token that was chosen, and makes their stacks lasting.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from structgen.dtypes import ByteArray, IntArray
from structgen.kernels.alike_stacks import shorten
from structgen.kernels.fates import fate_of
from structgen.kernels.grammar_heap import (
    CELL_CAPACITY,
    CELLS,
    COLLIDES,
    FAIL,
    HASHED,
    LOWEST,
    N_ARENA,
    N_HASHED,
    N_MISSING,
    N_SCRATCH,
    N_SHORTENINGS,
    N_TERMINALS,
    NOTED,
    OFFSETS,
    OK,
    REGISTER,
    ROW,
    SCRATCH,
    STATUS,
    THREADS,
    UNKNOWN,
    VISITED,
    accepts_at,
    begin_generation,
    delta_at,
    family_at,
    feed_at,
    feed_count_at,
    indent_at,
    note_missing,
)
from structgen.kernels.jit import uncounted
from structgen.kernels.lasting_cells import cell_hash, persist
from structgen.kernels.pushdown import column_after, end_lexeme, step
from structgen.kernels.stack_moves import can_shift_or_end, shift

__all__ = [
    "GrammarTrie",
    "advance",
    "advance_all",
    "advance_one",
    "end_at",
    "find_children",
    "is_complete",
    "reads_beyond_ascii",
    "rehash",
    "shift_at",
    "stack_states",
    "two_live_bytes",
]


LONG = 256
"""Bytes that are read in one go."""
LEVELS = 4096
"""Numbers in one block of those by level, in the work array; tokens are shorter than that."""
NEXT, STOP = OFFSETS + 2 * LEVELS, OFFSETS + 3 * LEVELS
"""Where a walk goes on at each level, and where the level's children end, as places in ``child_byte``."""


class GrammarTrie(NamedTuple):
    """The vocabulary's trie (see ``TrieTables``) with parents, and children side by side.

    Most children of a node are not wanted, and each lies where its sibling's subtree ends: to look at all of the
    256 below the root took 10 us where their bytes stood apart in memory.
    """

    byte: ByteArray
    subtree_end: IntArray
    depth: IntArray
    token_start: IntArray
    token_ids: IntArray
    parent: IntArray
    """(N,) int32; the root is its own parent."""
    child_start: IntArray
    """(N + 1,) int32: where the children of each node begin in the next two."""
    child_byte: ByteArray
    child_node: IntArray


@uncounted
def find_children(byte, subtree_end, parent, child_start, child_byte, child_node):  # type: ignore[no-untyped-def]
    """Fill the last four tables of a ``GrammarTrie``."""
    parent[0] = 0
    n = 0
    for node in range(parent.shape[0]):
        child_start[node] = n
        child = node + 1
        while child < subtree_end[node]:
            parent[child] = node
            child_byte[n] = byte[child]
            child_node[n] = child
            n += 1
            child = subtree_end[child]
    child_start[parent.shape[0]] = n


@uncounted
def set_tokens(row, token_start, token_ids, first, last):  # type: ignore[no-untyped-def]
    """Allow the tokens of trie nodes ``first`` to ``last - 1``."""
    for i in range(token_start[first], token_start[last]):
        token = token_ids[i]
        row[token >> 5] |= np.uint32(1) << np.uint32(token & 31)


@uncounted
def reads_beyond_ascii(heap, work, steps, state, places):  # type: ignore[no-untyped-def]
    """Whether every character beyond ASCII leads from ``state`` back to it, through states of the same family.

    ``steps`` (8, 256) is that of ``kernels.text_run``; ``places`` (8,) is scratch.
    """
    for row in range(8):
        places[row] = 0
    places[0] = state
    for turn in range(8):
        row = (0x15427630 >> (4 * turn)) & 7  # 0, 3, 6, 7, 2, 4, 5, 1: each after those that lead to it
        if places[row] == 0:
            return False
        for byte in range(256):
            after = delta_at(heap, places[row], byte)
            if after == UNKNOWN:
                note_missing(work, ROW, places[row], 0)
                return False
            if byte < 128:
                if row != 0 and after != 0:
                    return False
                continue
            to = steps[row, byte]
            if (to == 255) != (after == 0) or after < 0:
                return False
            if after == 0:
                continue
            if places[to] == 0:
                places[to] = after
            if places[to] != after or family_at(heap, after) != family_at(heap, state):
                return False
            if heap[COLLIDES] != 0 and fate_of(heap, work, after) != fate_of(heap, work, state):
                return False
            if to != 0 and accepts_at(heap, after) != -1:
                return False
    return True


@uncounted
def walk_below(heap, work, trie, root, first, count, row):  # type: ignore[no-untyped-def]
    """Walk the subtree of ``root`` with ``count`` threads from row ``first`` on; their tokens at ``root`` count too."""
    set_tokens(row, trie.token_start, trie.token_ids, root, root + 1)
    work[OFFSETS] = first
    work[OFFSETS + 1] = first + count
    level = 0
    at, stop = trie.child_start[root], trie.child_start[root + 1]
    visited = 0
    while True:
        if at == stop:
            if level == 0:
                break
            level -= 1
            at, stop = work[NEXT + level], work[STOP + level]
            continue
        high = work[OFFSETS + level + 1]
        found = 0
        visited += 1
        for i in range(work[OFFSETS + level], high):
            found = step(heap, work, i, high, found, trie.child_byte[at], 0)
        if found > 0:
            node = trie.child_node[at]
            set_tokens(row, trie.token_start, trie.token_ids, node, node + 1)
            work[NEXT + level] = at + 1
            work[STOP + level] = stop
            level += 1
            work[OFFSETS + level + 1] = high + found
            at, stop = trie.child_start[node], trie.child_start[node + 1]
        else:
            at += 1
    work[VISITED] += visited


@uncounted
def path_column(heap, trie, root, node, column):  # type: ignore[no-untyped-def]
    """The column after the bytes below ``root`` down to ``node``, from ``column`` at ``root``."""
    base = trie.depth[root]
    length = trie.depth[node] - base
    for place in range(1, length + 1):
        at = node
        while trie.depth[at] > base + place:
            at = trie.parent[at]
        column = column_after(heap, True, column, trie.byte[at])
    return column


@uncounted
def end_at(heap, work, cell, terminal, register, column):  # type: ignore[no-untyped-def]
    """Hand a terminal over outside a walk; returns (cell, which may be a fork, or FAIL, register)."""
    return end_lexeme(heap, work, cell, terminal, register, column)


@uncounted
def shift_at(heap, work, cell, terminal):  # type: ignore[no-untyped-def]
    """The scratch cell after ``terminal``, which may be a fork, or FAIL."""
    return shift(heap, work, cell, terminal)


@uncounted
def two_live_bytes(heap, work, n_threads):  # type: ignore[no-untyped-def]
    """The first two bytes that some of the first threads can read; -1 where there are none."""
    one = -1
    for byte in range(256):
        count = 0
        for i in range(n_threads):
            count = step(heap, work, i, n_threads, count, byte, 0)
        if count > 0:
            if one >= 0:
                return one, byte
            one = byte
    return one, -1


@uncounted
def advance(heap, work, data, n_threads):  # type: ignore[no-untyped-def]
    """Move the first ``n_threads`` threads over ``data``; returns (first row, count) of what is alive."""
    low = 0
    count = n_threads
    before = work[N_SCRATCH]
    for i in range(data.shape[0]):
        high = low + count
        found = 0
        for j in range(low, high):
            found = step(heap, work, j, high, found, data[i], 0)
        low = high
        count = found
        if count == 0 or work[STATUS] != OK:
            break
        if heap[N_SHORTENINGS] > 0 and work[N_SCRATCH] > before:
            shorten_all(heap, work, low, count, before)
            before = work[N_SCRATCH]
        if low > 4096:
            for j in range(count):
                for k in range(5):
                    work[work[THREADS] + 5 * (j) + k] = work[work[THREADS] + 5 * (low + j) + k]
            low = 0
    return low, count


@uncounted
def shorten_all(heap, work, first, count, before):  # type: ignore[no-untyped-def]
    """Shorten the stacks of ``count`` threads whose top cells were made after the first ``before`` scratch cells."""
    for at in range(work[THREADS] + 5 * first, work[THREADS] + 5 * (first + count), 5):
        if work[at] >= SCRATCH + before:
            work[at] = shorten(heap, work, work[at])


@uncounted
def advance_all(heap, work, data, n_threads):  # type: ignore[no-untyped-def]
    """Move the first ``n_threads`` threads over ``data`` and intern their cells; returns how many are alive.

    They lie in the first rows then. Returns -1 where something was missing, -2 where the
    arena has too little room.
    """
    low, count = advance(heap, work, data, n_threads)
    if work[N_MISSING] > 0 or work[STATUS] != OK:
        return -1
    if count > 0 and work[N_ARENA] + work[N_SCRATCH] >= heap[CELL_CAPACITY]:
        return -2
    first = work[THREADS]
    for i in range(count):
        cell = persist(heap, work, work[first + 5 * (low + i)])
        if cell < 0:
            return -1 if cell == FAIL else -2
        work[first + 5 * i] = cell
        for k in range(1, 5):
            work[first + 5 * i + k] = work[first + 5 * (low + i) + k]
    return count


@uncounted
def advance_one(  # type: ignore[no-untyped-def]
    heap, work, data, offsets, token, cell, state, watch, register, column
):
    """``advance_all`` of one thread over a token, with nothing left of earlier calls.

    Returns how many are alive, and the first one; -1 of them also for a long token, with nothing missing.
    """
    first = offsets[token]
    last = offsets[token + 1]
    work[N_SCRATCH] = 0
    work[LOWEST] = 1 << 30
    work[N_MISSING] = 0
    work[NOTED] = 0
    work[STATUS] = OK
    if last - first > LONG:
        return -1, cell, state, watch, register, column
    begin_generation(work)
    at = work[THREADS]
    work[at] = cell
    work[at + 1] = state
    work[at + 2] = watch
    work[at + 3] = register
    work[at + 4] = column
    count = advance_all(heap, work, data[first:last], 1)
    return count, work[at], work[at + 1], work[at + 2], work[at + 3], work[at + 4]


@uncounted
def stack_states(heap, cell, out):  # type: ignore[no-untyped-def]
    """Write the parser states of arena cell ``cell`` and those below it, top first; returns how many.

    A fork stands for all below it, in place of a state that no parser has.
    """
    n = 0
    while n < out.shape[0]:
        at = heap[CELLS] + 3 * cell
        is_fork = heap[at] < 0
        out[n] = -1 - cell if is_fork else heap[at]
        n += 1
        if heap[at + 2] == 0 or is_fork:
            break
        cell = heap[at + 1]
    return n


@uncounted
def rehash(heap, n):  # type: ignore[no-untyped-def]
    """Enter cells 1 to ``n - 1`` into the empty hash section (cell 0 is the bottom)."""
    size = heap[N_HASHED]
    for cell in range(1, n):
        at = heap[CELLS] + 3 * cell
        slot = cell_hash(heap[at], heap[at + 1], size)
        while heap[heap[HASHED] + slot] >= 0:
            slot = (slot + 1) & (size - 1)
        heap[heap[HASHED] + slot] = cell


@uncounted
def is_complete(heap, work, cell, terminal, register, column):  # type: ignore[no-untyped-def]
    """Whether the text is complete if it ends with ``terminal`` (-1: at a lexeme's start) on ``cell``."""
    if terminal >= 0:
        cell, register = end_lexeme(heap, work, cell, terminal, register, column)
        if cell == FAIL:
            return False
    if indent_at(heap, 0) >= 0 and register >= 0:
        if feed_at(heap, register, 0) == UNKNOWN:
            note_missing(work, REGISTER, register, 0)
            return False
        count = feed_count_at(heap, register, 0)
        while count < 0:
            cell = shift(heap, work, cell, indent_at(heap, 2))
            if cell == FAIL:
                return False
            count += 1
    return can_shift_or_end(heap, work, cell, heap[N_TERMINALS])
