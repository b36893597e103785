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
from structgen.kernels.jit import kernel
from structgen.kernels.pushdown import (
    FAIL,
    FULL,
    N_ARENA,
    N_EVENTS,
    OK,
    ROW,
    SCRATCH,
    STATUS,
    UNKNOWN,
    VISITED,
    can_shift,
    can_shift_or_end,
    check,
    column_after,
    emit_code,
    end_lexeme,
    has_newline,
    note_missing,
    shift,
    state_of,
    step,
)

__all__ = [
    "GrammarTrie",
    "advance",
    "apply_rows",
    "column_at",
    "end_at",
    "find_parents",
    "is_complete",
    "persist",
    "rehash",
    "scan_lexeme",
    "top_state",
    "walk",
    "walk_events",
    "walk_keywords",
    "walk_starts",
]


class GrammarTrie(NamedTuple):
    """The vocabulary's trie (see ``TrieTables``) with parents."""

    byte: ByteArray
    subtree_end: IntArray
    depth: IntArray
    token_start: IntArray
    token_ids: IntArray
    parent: IntArray
    """(N,) int32; the root is its own parent."""


@kernel
def find_parents(subtree_end, parent):
    """Fill ``parent`` of every trie node."""
    parent[0] = 0
    for node in range(parent.shape[0]):
        child = node + 1
        while child < subtree_end[node]:
            parent[child] = node
            child = subtree_end[child]


@kernel
def set_tokens(row, trie, first, last):
    """Allow the tokens of trie nodes ``first`` to ``last - 1``."""
    for i in range(trie.token_start[first], trie.token_start[last]):
        token = trie.token_ids[i]
        row[token >> 5] |= np.uint32(1) << np.uint32(token & 31)


@kernel
def walk_below(tables, work, trie, root, first, count, row):
    """Walk the subtree of ``root`` with ``count`` threads from row ``first`` on; their tokens at ``root`` count too."""
    set_tokens(row, trie, root, root + 1)
    offsets = work.offsets
    base = trie.depth[root]
    offsets[0] = first
    offsets[1] = first + count
    node = root + 1
    stop = trie.subtree_end[root]
    visited = 0
    while node < stop:
        level = trie.depth[node] - base
        high = offsets[level]
        found = 0
        visited += 1
        for i in range(offsets[level - 1], high):
            found = step(tables, work, i, high, found, trie.byte[node], 0)
        if found == 0:
            node = trie.subtree_end[node]
        else:
            offsets[level + 1] = high + found
            set_tokens(row, trie, node, node + 1)
            node += 1
    work.registers[VISITED] += visited


@kernel
def walk(tables, work, trie, thread, heavy, events, row):
    """Walk the whole trie with one thread; children of heavy nodes that start a lexeme become events.

    An event is (node, cell, register, lexer state before the end).
    """
    work.threads[0] = thread
    offsets = work.offsets
    offsets[0] = 0
    offsets[1] = 1
    node = 1
    stop = trie.subtree_end[0]
    n_events = 0
    visited = 0
    if ends_heavy(tables, trie, 0, thread[1], heavy):
        n_events = add_end_event(tables, work, 0, thread, events, n_events)
    while node < stop:
        level = trie.depth[node]
        high = offsets[level]
        found = 0
        visited += 1
        for i in range(offsets[level - 1], high):
            state = work.threads[i, 1]
            if work.threads[i, 2] == 0 and tables.accepts[state] >= 0 and tables.delta[state, trie.byte[node]] == 0:
                if ends_heavy(tables, trie, trie.parent[node], state, heavy):
                    continue
            found = step(tables, work, i, high, found, trie.byte[node], 0)
        if found == 0:
            node = trie.subtree_end[node]
            continue
        offsets[level + 1] = high + found
        set_tokens(row, trie, node, node + 1)
        for i in range(high, high + found):
            if work.threads[i, 2] == 0 and ends_heavy(tables, trie, node, work.threads[i, 1], heavy):
                n_events = add_end_event(tables, work, node, work.threads[i], events, n_events)
        node += 1
    work.registers[VISITED] += visited
    work.registers[N_EVENTS] = n_events


@kernel
def path_column(tables, trie, root, node, column):
    """The column after the bytes below ``root`` down to ``node``, from ``column`` at ``root``."""
    base = trie.depth[root]
    length = trie.depth[node] - base
    for place in range(1, length + 1):
        at = node
        while trie.depth[at] > base + place:
            at = trie.parent[at]
        column = column_after(tables, True, column, trie.byte[at])
    return column


@kernel
def ends_heavy(tables, trie, node, state, heavy):
    """Whether the lexeme can end at ``node`` with at least ``heavy`` trie nodes behind it."""
    if trie.subtree_end[node] - node < heavy or tables.accepts[state] < 0:
        return False
    total = 0
    child = node + 1
    while child < trie.subtree_end[node]:
        if tables.delta[state, trie.byte[child]] == 0:
            total += trie.subtree_end[child] - child
            if total >= heavy:
                return True
        child = trie.subtree_end[child]
    return False


@kernel
def add_end_event(tables, work, node, thread, events, n):
    if n >= events.shape[0]:
        work.registers[STATUS] = FULL
        return n
    terminal = tables.accepts[thread[1]]
    cell, register = end_lexeme(tables, work, thread[0], terminal, thread[3], thread[4])
    if cell == FAIL:
        return n
    events[n, 0] = node
    events[n, 1] = cell
    events[n, 2] = register
    events[n, 3] = thread[1]
    return n + 1


@kernel
def scan_lexeme(tables, work, trie, nodes, states, heavy, families, rows, light, big):
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
    stack = work.offsets
    visited = 0
    for i in range(nodes.shape[0]):
        root = nodes[i]
        base = trie.depth[root]
        stack[0] = states[i]
        node = root
        stop = trie.subtree_end[root]
        while node < stop:
            level = trie.depth[node] - base
            visited += 1
            if level == 0:
                state = states[i]
                before = -1
            else:
                before = stack[level - 1]
                code = tables.delta[before, trie.byte[node]]
                if code == UNKNOWN:
                    note_missing(work, ROW, before, 0)
                    node = trie.subtree_end[node]
                    continue
                if code <= 0 or (tables.accepts[before] >= 0 and tables.accepts[code] < 0):
                    ends = tables.accepts[before] >= 0 or code < 0
                    if ends and not (code == 0 and stack[level - 1 + 2048] == 1):
                        if n_light >= light.shape[0]:
                            return -1, n_light, n_big
                        light[n_light, 0] = node
                        light[n_light, 1] = before
                        n_light += 1
                    if code <= 0:
                        node = trie.subtree_end[node]
                        continue
                state = code
            stack[level] = state
            is_big = ends_heavy(tables, trie, node, state, heavy)
            stack[level + 2048] = 1 if is_big else 0
            if is_big:
                if n_big >= big.shape[0]:
                    return -1, n_light, n_big
                big[n_big, 0] = node
                big[n_big, 1] = state
                n_big += 1
            if trie.token_start[node] < trie.token_start[node + 1]:
                family = tables.family[state]
                slot = 0
                while slot < n_families and families[slot] != family:
                    slot += 1
                if slot == n_families:
                    if slot >= families.shape[0]:
                        return -1, n_light, n_big
                    families[slot] = family
                    n_families += 1
                set_tokens(rows[slot], trie, node, node + 1)
            node += 1
    work.registers[VISITED] += visited
    return n_families, n_light, n_big


@kernel
def apply_rows(tables, work, cell, register, column, state_of_family, rows, row):
    """OR into ``row`` those of ``rows`` whose terminals fit the stack."""
    for i in range(rows.shape[0]):
        if check(tables, work, cell, state_of_family[i], register, column):
            for word in range(row.shape[0]):
                row[word] |= rows[i, word]


@kernel
def walk_events(tables, work, trie, cell, register, column, root, nodes, states, skipped, row):
    """Go on behind the ends of a lexeme that ``scan_lexeme`` found; ``skipped`` nodes have another name there.

    The lexeme's column was ``column`` at trie node ``root``.
    """
    for i in range(nodes.shape[0]):
        node = nodes[i]
        if tables.indent[0] >= 0 and has_newline(tables, states[i]):
            wide = path_column(tables, trie, root, trie.parent[node], column)
        else:
            wide = -1
        if skipped.shape[0] > 0:
            parent = trie.parent[node]
            known = False
            for j in range(skipped.shape[0]):
                if skipped[j] == parent:
                    known = True
            if known:
                continue
        work.threads[0, 0] = cell
        work.threads[0, 1] = states[i]
        work.threads[0, 2] = 0
        work.threads[0, 3] = register
        work.threads[0, 4] = wide
        code = tables.delta[states[i], trie.byte[node]]
        count = step(tables, work, 0, 1, 0, trie.byte[node], 1 if code >= 0 else 0)
        if count > 0:
            walk_below(tables, work, trie, node, 1, count, row)


@kernel
def walk_starts(tables, work, trie, cell, register, nodes, codes, row):
    """Walk the subtrees of ``nodes``, each the first byte of a lexeme that leads to ``codes[i]``."""
    for i in range(nodes.shape[0]):
        node = nodes[i]
        count = emit_code(tables, work, 0, 0, cell, codes[i], 0, register, -1, trie.byte[node], False)
        if count > 0:
            walk_below(tables, work, trie, node, 0, count, row)


@kernel
def walk_keywords(tables, work, base, trie, cell, register, nodes, states, marks, row):
    """What keywords add to a name's tokens; returns how many ``marks`` (nodes that spell a keyword)."""
    n_marks = 0
    stack = work.offsets
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
                state = tables.delta[stack[level - 1 + 2048], trie.byte[node]]
                if state == UNKNOWN:
                    note_missing(work, ROW, stack[level - 1 + 2048], 0)
            if state <= 0 or base[state] == state:
                node = trie.subtree_end[node]
                continue
            stack[level + 2048] = state
            if trie.token_start[node] < trie.token_start[node + 1] and check(tables, work, cell, state, register, -1):
                set_tokens(row, trie, node, node + 1)
            if tables.accepts[state] != tables.accepts[base[state]]:
                if n_marks >= marks.shape[0]:
                    work.registers[STATUS] = FULL
                    return n_marks
                marks[n_marks] = node
                n_marks += 1
                walk_after_keyword(tables, work, trie, cell, register, node, state, row)
            node += 1
    return n_marks


@kernel
def walk_after_keyword(tables, work, trie, cell, register, node, state, row):
    """Children of ``node`` that end the keyword spelled there."""
    child = node + 1
    while child < trie.subtree_end[node]:
        code = tables.delta[state, trie.byte[child]]
        if code == UNKNOWN:
            note_missing(work, ROW, state, 0)
        elif code == 0 or tables.accepts[code] < 0:
            work.threads[0, 0] = cell
            work.threads[0, 1] = state
            work.threads[0, 2] = 0
            work.threads[0, 3] = register
            work.threads[0, 4] = -1
            count = step(tables, work, 0, 1, 0, trie.byte[child], 1 if code >= 0 else 0)
            if count > 0:
                below = work.offsets[2048:]
                keep = below[:1024].copy()
                walk_below(tables, work, trie, child, 1, count, row)
                below[:1024] = keep
        child = trie.subtree_end[child]


@kernel
def end_at(tables, work, cell, terminal, register, column):
    """Hand a terminal over outside a walk; returns (cell or FAIL, register)."""
    return end_lexeme(tables, work, cell, terminal, register, column)


@kernel
def top_state(tables, work, cell):
    """The parser state of a cell, noted as read."""
    return state_of(tables, work, cell)


@kernel
def column_at(tables, trie, root, node, state, column):
    """The column of the lexeme in ``state`` at ``node``, from ``column`` at ``root``."""
    if not has_newline(tables, state):
        return -1
    return path_column(tables, trie, root, node, column)


@kernel
def advance(tables, work, data, n_threads):
    """Move the first ``n_threads`` threads over ``data``; returns (first row, count) of what is alive."""
    low = 0
    count = n_threads
    for i in range(data.shape[0]):
        high = low + count
        found = 0
        for j in range(low, high):
            found = step(tables, work, j, high, found, data[i], 0)
        low = high
        count = found
        if count == 0 or work.registers[STATUS] != OK:
            break
        if low > 4096:
            for j in range(count):
                for k in range(5):
                    work.threads[j, k] = work.threads[low + j, k]
            low = 0
    return low, count


@kernel
def cell_hash(state, parent, size):
    return (np.int64(state) * 2654435761 + np.int64(parent) * 40503 * 65537) & (size - 1)


@kernel
def persist(tables, work, hashed, cell):
    """Intern a scratch cell, and those below it, in the arena; returns its lasting id."""
    if cell < SCRATCH:
        return cell
    n = 0
    while cell >= SCRATCH:
        if n >= work.offsets.shape[0]:
            work.registers[STATUS] = FULL
            return FAIL
        work.offsets[n] = cell
        n += 1
        cell = work.scratch[1, cell - SCRATCH]
    cells = tables.cells
    size = hashed.shape[0]
    for i in range(n - 1, -1, -1):
        state = work.scratch[0, work.offsets[i] - SCRATCH]
        slot = cell_hash(state, cell, size)
        while hashed[slot] >= 0 and not (cells[0, hashed[slot]] == state and cells[1, hashed[slot]] == cell):
            slot = (slot + 1) & (size - 1)
        if hashed[slot] < 0:
            new = work.registers[N_ARENA]
            if new >= cells.shape[1]:
                work.registers[STATUS] = FULL
                return FAIL
            cells[0, new] = state
            cells[1, new] = cell
            cells[2, new] = cells[2, cell] + 1
            hashed[slot] = new
            work.registers[N_ARENA] = new + 1
        cell = hashed[slot]
    return cell


@kernel
def rehash(cells, n, hashed):
    """Enter cells 1 to ``n - 1`` into an empty hash table (cell 0 is the bottom)."""
    size = hashed.shape[0]
    for cell in range(1, n):
        slot = cell_hash(cells[0, cell], cells[1, cell], size)
        while hashed[slot] >= 0:
            slot = (slot + 1) & (size - 1)
        hashed[slot] = cell


@kernel
def is_complete(tables, work, cell, terminal, register, column):
    """Whether the text is complete if it ends with ``terminal`` (-1: at a lexeme's start) on ``cell``."""
    if terminal >= 0:
        cell, register = end_lexeme(tables, work, cell, terminal, register, column)
        if cell == FAIL:
            return False
    if tables.indent[0] >= 0 and register >= 0:
        count = tables.feed_count[register, 0] if tables.feed[register, 0] >= 0 else 0
        while count < 0:
            cell = shift(tables, work, cell, tables.indent[2])
            if cell == FAIL:
                return False
            count += 1
    if tables.shifts.shape[0] > 1:
        return can_shift(tables, work, cell, tables.roles.shape[0] - 1)
    return can_shift_or_end(tables, work, cell, tables.roles.shape[0] - 1)
