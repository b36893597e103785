"""Walks of the vocabulary's trie with a grammar's threads.

A full walk costs a millisecond, so it is cut where its parts repeat:

- ``scan_lexeme`` looks at the lexer alone: which tokens stay inside the lexeme, by the set
  of terminals it can still become, and at which trie nodes it can end. The result holds for
  every stack.
- ``apply_rows`` adds those tokens for one stack; ``walk_events`` goes on behind the ends.
- ``walk_keywords`` adds what a keyword changes about a name (few nodes).

Subtrees of at least ``heavy`` nodes in which a new lexeme starts are not walked here but
listed, so that the caller finds the new lexeme's own parts.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from structgen.dtypes import ByteArray, IntArray
from structgen.kernels.jit import uncounted
from structgen.kernels.pushdown import (
    CELL_CAPACITY,
    CELLS,
    FAIL,
    FULL,
    HASHED,
    N_ARENA,
    N_EVENTS,
    N_HASHED,
    N_OFFSETS,
    N_SHIFTS,
    N_TERMINALS,
    OFFSETS,
    OK,
    REGISTER,
    ROW,
    SCRATCH,
    SCRATCH_AT,
    STATUS,
    THREADS,
    UNKNOWN,
    VISITED,
    accepts_at,
    base_at,
    can_shift,
    can_shift_or_end,
    check,
    column_after,
    delta_at,
    emit_code,
    end_lexeme,
    family_at,
    feed_at,
    feed_count_at,
    has_newline,
    indent_at,
    note_missing,
    shift,
    start_lexeme,
    state_of,
    step,
)

__all__ = [
    "GrammarTrie",
    "advance",
    "allow_subtrees",
    "apply_rows",
    "column_in_lexeme",
    "end_at",
    "find_parents",
    "is_complete",
    "persist",
    "rehash",
    "scan_lexeme",
    "shift_at",
    "top_state",
    "two_live_bytes",
    "walk",
    "walk_events",
    "walk_fresh",
    "walk_keywords",
    "walk_starts",
]


LEVELS = 4096
"""A second block of per-level numbers in the work array; tokens are shorter than that."""


class GrammarTrie(NamedTuple):
    """The vocabulary's trie (see ``TrieTables``) with parents."""

    byte: ByteArray
    subtree_end: IntArray
    depth: IntArray
    token_start: IntArray
    token_ids: IntArray
    parent: IntArray
    """(N,) int32; the root is its own parent."""


@uncounted
def find_parents(subtree_end, parent):  # type: ignore[no-untyped-def]
    """Fill ``parent`` of every trie node."""
    parent[0] = 0
    for node in range(parent.shape[0]):
        child = node + 1
        while child < subtree_end[node]:
            parent[child] = node
            child = subtree_end[child]


@uncounted
def set_tokens(row, token_start, token_ids, first, last):  # type: ignore[no-untyped-def]
    """Allow the tokens of trie nodes ``first`` to ``last - 1``."""
    for i in range(token_start[first], token_start[last]):
        token = token_ids[i]
        row[token >> 5] |= np.uint32(1) << np.uint32(token & 31)


@uncounted
def allow_subtrees(trie, nodes, row):  # type: ignore[no-untyped-def]
    """Allow all tokens at and below ``nodes``."""
    for i in range(nodes.shape[0]):
        set_tokens(row, trie.token_start, trie.token_ids, nodes[i], trie.subtree_end[nodes[i]])


@uncounted
def walk_below(heap, work, trie, root, first, count, row):  # type: ignore[no-untyped-def]
    """Walk the subtree of ``root`` with ``count`` threads from row ``first`` on; their tokens at ``root`` count too."""
    set_tokens(row, trie.token_start, trie.token_ids, root, root + 1)
    base = trie.depth[root]
    work[OFFSETS + 0] = first
    work[OFFSETS + 1] = first + count
    node = root + 1
    stop = trie.subtree_end[root]
    visited = 0
    while node < stop:
        level = trie.depth[node] - base
        high = work[OFFSETS + level]
        found = 0
        visited += 1
        for i in range(work[OFFSETS + level - 1], high):
            found = step(heap, work, i, high, found, trie.byte[node], 0)
        if found == 0:
            node = trie.subtree_end[node]
        else:
            work[OFFSETS + level + 1] = high + found
            set_tokens(row, trie.token_start, trie.token_ids, node, node + 1)
            node += 1
    work[VISITED] += visited


@uncounted
def walk(heap, work, trie, thread, heavy, events, row):  # type: ignore[no-untyped-def]
    """Walk the whole trie with one thread; children of heavy nodes that start a lexeme become events.

    An event is (node, cell, register, lexer state before the end).
    """
    for i in range(5):
        work[work[THREADS] + i] = thread[i]
    work[OFFSETS + 0] = 0
    work[OFFSETS + 1] = 1
    node = 1
    stop = trie.subtree_end[0]
    n_events = 0
    visited = 0
    if ends_heavy(heap, trie, 0, thread[1], heavy):
        n_events = add_end_event(heap, work, 0, 0, events, n_events)
    while node < stop:
        level = trie.depth[node]
        high = work[OFFSETS + level]
        found = 0
        visited += 1
        for i in range(work[OFFSETS + level - 1], high):
            state = work[work[THREADS] + 5 * (i) + 1]
            if (
                work[work[THREADS] + 5 * (i) + 2] == 0
                and accepts_at(heap, state) >= 0
                and delta_at(heap, state, trie.byte[node]) == 0
                and ends_heavy(heap, trie, trie.parent[node], state, heavy)
            ):
                continue
            found = step(heap, work, i, high, found, trie.byte[node], 0)
        if found == 0:
            node = trie.subtree_end[node]
            continue
        work[OFFSETS + level + 1] = high + found
        set_tokens(row, trie.token_start, trie.token_ids, node, node + 1)
        for i in range(high, high + found):
            if work[work[THREADS] + 5 * (i) + 2] == 0 and ends_heavy(
                heap, trie, node, work[work[THREADS] + 5 * (i) + 1], heavy
            ):
                n_events = add_end_event(heap, work, node, i, events, n_events)
        node += 1
    work[VISITED] += visited
    work[N_EVENTS] = n_events


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
def ends_heavy(heap, trie, node, state, heavy):  # type: ignore[no-untyped-def]
    """Whether the lexeme can end at ``node`` with at least ``heavy`` trie nodes behind it."""
    if trie.subtree_end[node] - node < heavy or accepts_at(heap, state) < 0:
        return False
    total = 0
    child = node + 1
    while child < trie.subtree_end[node]:
        if delta_at(heap, state, trie.byte[child]) == 0:
            total += trie.subtree_end[child] - child
            if total >= heavy:
                return True
        child = trie.subtree_end[child]
    return False


@uncounted
def add_end_event(heap, work, node, source, events, n):  # type: ignore[no-untyped-def]
    if n >= events.shape[0]:
        work[STATUS] = FULL
        return n
    at = work[THREADS] + 5 * source
    state = work[at + 1]
    cell, register = end_lexeme(heap, work, work[at], accepts_at(heap, state), work[at + 3], work[at + 4])
    if cell == FAIL:
        return n
    events[n, 0] = node
    events[n, 1] = cell
    events[n, 2] = register
    events[n, 3] = state
    return n + 1


@uncounted
def scan_lexeme(heap, work, trie, nodes, states, heavy, families, rows, light, big):  # type: ignore[no-untyped-def]
    """The tokens below ``nodes`` that stay in the lexeme, and where it can end.

    ``nodes[i]`` has just been read, leading to lexer state ``states[i]`` (the root for a
    lexeme under way). ``rows[j]`` gets the tokens whose lexeme can still become the
    terminals of ``families[j]`` (-1: free). ``light`` gets (node, state before it) for
    steps that end the lexeme, ``big`` (node, state at it) for heavy ends. Returns the
    numbers of families, light and big entries; -1 where an array is full.
    """
    n_families = 0
    n_light = 0
    n_big = 0
    visited = 0
    for i in range(nodes.shape[0]):
        root = nodes[i]
        base = trie.depth[root]
        work[OFFSETS + 0] = states[i]
        node = root
        stop = trie.subtree_end[root]
        while node < stop:
            level = trie.depth[node] - base
            visited += 1
            if level == 0:
                state = states[i]
                before = -1
            else:
                before = work[OFFSETS + level - 1]
                code = delta_at(heap, before, trie.byte[node])
                if code == UNKNOWN:
                    note_missing(work, ROW, before, 0)
                    node = trie.subtree_end[node]
                    continue
                if code <= 0 or (accepts_at(heap, before) >= 0 and accepts_at(heap, code) < 0):
                    ends = accepts_at(heap, before) >= 0 or code < 0
                    if ends and not (code == 0 and work[OFFSETS + level - 1 + LEVELS] == 1):
                        if n_light >= light.shape[0]:
                            return -1, n_light, n_big
                        light[n_light, 0] = node
                        light[n_light, 1] = before
                        n_light += 1
                    if code <= 0:
                        node = trie.subtree_end[node]
                        continue
                state = code
            work[OFFSETS + level] = state
            is_big = ends_heavy(heap, trie, node, state, heavy)
            work[OFFSETS + level + LEVELS] = 1 if is_big else 0
            if is_big:
                if n_big >= big.shape[0]:
                    return -1, n_light, n_big
                big[n_big, 0] = node
                big[n_big, 1] = state
                n_big += 1
            if trie.token_start[node] < trie.token_start[node + 1]:
                family = family_at(heap, state)
                slot = 0
                while slot < n_families and families[slot] != family:
                    slot += 1
                if slot == n_families:
                    if slot >= families.shape[0]:
                        return -1, n_light, n_big
                    families[slot] = family
                    n_families += 1
                set_tokens(rows[slot], trie.token_start, trie.token_ids, node, node + 1)
            node += 1
    work[VISITED] += visited
    return n_families, n_light, n_big


@uncounted
def apply_rows(heap, work, cell, register, column, state_of_family, rows, row):  # type: ignore[no-untyped-def]
    """OR into ``row`` those of ``rows`` whose terminals fit the stack."""
    for i in range(rows.shape[0]):
        if check(heap, work, cell, state_of_family[i], register, column):
            for word in range(row.shape[0]):
                row[word] |= rows[i, word]


@uncounted
def walk_events(heap, work, trie, cell, register, column, root, nodes, states, skipped, row):  # type: ignore[no-untyped-def]
    """Go on behind the ends of a lexeme that ``scan_lexeme`` found; ``skipped`` nodes have another name there.

    The lexeme's column was ``column`` at trie node ``root``.
    """
    last = -1
    after = FAIL
    later = register
    for i in range(nodes.shape[0]):
        node = nodes[i]
        state = states[i]
        if skipped.shape[0] > 0 and is_among(skipped, trie.parent[node]):
            continue
        if delta_at(heap, state, trie.byte[node]) == 0:
            if indent_at(heap, 0) >= 0 and has_newline(heap, state):
                wide = path_column(heap, trie, root, trie.parent[node], column)
                after, later = end_lexeme(heap, work, cell, accepts_at(heap, state), register, wide)
                last = -1
            elif state != last:
                after, later = end_lexeme(heap, work, cell, accepts_at(heap, state), register, -1)
                last = state
            if after == FAIL:
                continue
            count = start_lexeme(heap, work, 1, 0, after, 0, later, trie.byte[node])
        else:
            count = step_at(heap, work, trie, cell, register, column, root, node, state)
        if count > 0:
            walk_below(heap, work, trie, node, 1, count, row)


@uncounted
def is_among(nodes, node):  # type: ignore[no-untyped-def]
    for i in range(nodes.shape[0]):  # noqa: SIM110 (kernels build no generators)
        if nodes[i] == node:
            return True
    return False


@uncounted
def step_at(heap, work, trie, cell, register, column, root, node, state):  # type: ignore[no-untyped-def]
    """Read the byte of ``node`` from ``state``, where the lexeme may go on or not; threads go to row 1 on."""
    wide = -1
    if indent_at(heap, 0) >= 0 and has_newline(heap, state):
        wide = path_column(heap, trie, root, trie.parent[node], column)
    at = work[THREADS]
    work[at] = cell
    work[at + 1] = state
    work[at + 2] = 0
    work[at + 3] = register
    work[at + 4] = wide
    code = delta_at(heap, state, trie.byte[node])
    return step(heap, work, 0, 1, 0, trie.byte[node], 1 if code >= 0 else 0)


@uncounted
def walk_starts(heap, work, trie, cell, register, nodes, codes, row):  # type: ignore[no-untyped-def]
    """Walk the subtrees of ``nodes``, each the first byte of a lexeme that leads to ``codes[i]``."""
    for i in range(nodes.shape[0]):
        node = nodes[i]
        count = emit_code(heap, work, 0, 0, cell, codes[i], 0, register, -1, trie.byte[node], False)
        if count > 0:
            walk_below(heap, work, trie, node, 0, count, row)


@uncounted
def walk_fresh(heap, work, trie, cell, register, nodes, row):  # type: ignore[no-untyped-def]
    """Walk the subtrees of ``nodes``, each the first byte of whatever lexeme may start on ``cell``."""
    for i in range(nodes.shape[0]):
        node = nodes[i]
        count = start_lexeme(heap, work, 0, 0, cell, 0, register, trie.byte[node])
        if count > 0:
            walk_below(heap, work, trie, node, 0, count, row)


@uncounted
def walk_keywords(heap, work, trie, cell, register, nodes, states, heavy, marks, row):  # type: ignore[no-untyped-def]
    """What keywords add to a name's tokens.

    ``marks`` gets (node that spells a keyword, state there, whether its plain ends are left to
    the caller); returns how many, or -1 where there is no room.
    """
    n_marks = 0
    for i in range(nodes.shape[0]):
        root = nodes[i]
        level_of_root = trie.depth[root]
        node = root
        stop = trie.subtree_end[root]
        while node < stop:
            level = trie.depth[node] - level_of_root
            if level == 0:
                state = states[i]
            else:
                state = delta_at(heap, work[OFFSETS + level - 1 + LEVELS], trie.byte[node])
                if state == UNKNOWN:
                    note_missing(work, ROW, work[OFFSETS + level - 1 + LEVELS], 0)
            if state <= 0 or base_at(heap, state) == state:
                node = trie.subtree_end[node]
                continue
            work[OFFSETS + level + LEVELS] = state
            if trie.token_start[node] < trie.token_start[node + 1] and check(heap, work, cell, state, register, -1):
                set_tokens(row, trie.token_start, trie.token_ids, node, node + 1)
            if accepts_at(heap, state) != accepts_at(heap, base_at(heap, state)):
                if n_marks >= marks.shape[0]:
                    return -1
                is_big = ends_heavy(heap, trie, node, state, heavy)
                marks[n_marks, 0] = node
                marks[n_marks, 1] = state
                marks[n_marks, 2] = 1 if is_big else 0
                n_marks += 1
                walk_after_keyword(heap, work, trie, cell, register, node, state, is_big, row)
            node += 1
    return n_marks


@uncounted
def walk_after_keyword(heap, work, trie, cell, register, node, state, is_big, row):  # type: ignore[no-untyped-def]
    """Children of ``node`` that end the keyword spelled there (not the plain ends, where they are many)."""
    child = node + 1
    while child < trie.subtree_end[node]:
        code = delta_at(heap, state, trie.byte[child])
        if code == UNKNOWN:
            note_missing(work, ROW, state, 0)
        elif (code == 0 and not is_big) or (code != 0 and accepts_at(heap, max(code, 0)) < 0):
            at = work[THREADS]
            work[at] = cell
            work[at + 1] = state
            work[at + 2] = 0
            work[at + 3] = register
            work[at + 4] = -1
            count = step(heap, work, 0, 1, 0, trie.byte[child], 1 if code >= 0 else 0)
            if count > 0:
                walk_below(heap, work, trie, child, 1, count, row)
        child = trie.subtree_end[child]


@uncounted
def end_at(heap, work, cell, terminal, register, column):  # type: ignore[no-untyped-def]
    """Hand a terminal over outside a walk; returns (cell or FAIL, register)."""
    return end_lexeme(heap, work, cell, terminal, register, column)


@uncounted
def shift_at(heap, work, cell, terminal):  # type: ignore[no-untyped-def]
    """The scratch cell after ``terminal``, or FAIL."""
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
def top_state(heap, work, cell):  # type: ignore[no-untyped-def]
    """The parser state of a cell, noted as read."""
    return state_of(heap, work, cell)


@uncounted
def column_in_lexeme(heap, trie, root, node, state, column):  # type: ignore[no-untyped-def]
    """The column of the lexeme in ``state`` at ``node``, from ``column`` at ``root``."""
    if not has_newline(heap, state):
        return -1
    return path_column(heap, trie, root, node, column)


@uncounted
def advance(heap, work, data, n_threads):  # type: ignore[no-untyped-def]
    """Move the first ``n_threads`` threads over ``data``; returns (first row, count) of what is alive."""
    low = 0
    count = n_threads
    for i in range(data.shape[0]):
        high = low + count
        found = 0
        for j in range(low, high):
            found = step(heap, work, j, high, found, data[i], 0)
        low = high
        count = found
        if count == 0 or work[STATUS] != OK:
            break
        if low > 4096:
            for j in range(count):
                for k in range(5):
                    work[work[THREADS] + 5 * (j) + k] = work[work[THREADS] + 5 * (low + j) + k]
            low = 0
    return low, count


@uncounted
def cell_hash(state, parent, size):  # type: ignore[no-untyped-def]
    return (np.int64(state) * 2654435761 + np.int64(parent) * 40503 * 65537) & (size - 1)


@uncounted
def persist(heap, work, cell):  # type: ignore[no-untyped-def]
    """Intern a scratch cell, and those below it, in the arena; returns its lasting id."""
    if cell < SCRATCH:
        return cell
    n = 0
    while cell >= SCRATCH:
        if n >= N_OFFSETS:
            work[STATUS] = FULL
            return FAIL
        work[OFFSETS + n] = cell
        n += 1
        cell = work[SCRATCH_AT + 2 * (cell - SCRATCH) + 1]
    size = heap[N_HASHED]
    hashed = heap[HASHED]
    for i in range(n - 1, -1, -1):
        state = work[SCRATCH_AT + 2 * (work[OFFSETS + i] - SCRATCH)]
        slot = cell_hash(state, cell, size)
        known = heap[hashed + slot]
        while known >= 0 and not (heap[heap[CELLS] + 3 * known] == state and heap[heap[CELLS] + 3 * known + 1] == cell):
            slot = (slot + 1) & (size - 1)
            known = heap[hashed + slot]
        if known < 0:
            known = work[N_ARENA]
            if known >= heap[CELL_CAPACITY]:
                work[STATUS] = FULL
                return FAIL
            at = heap[CELLS] + 3 * known
            heap[at] = state
            heap[at + 1] = cell
            heap[at + 2] = heap[heap[CELLS] + 3 * cell + 2] + 1
            heap[hashed + slot] = known
            work[N_ARENA] = known + 1
        cell = known
    return cell


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
    if heap[N_SHIFTS] > 0:
        return can_shift(heap, work, cell, heap[N_TERMINALS])
    return can_shift_or_end(heap, work, cell, heap[N_TERMINALS])
