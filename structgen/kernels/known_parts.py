"""Lexeme parts put into a grammar's pool from what is known of its terminals beforehand.

What tokens do inside a lexeme depends on the vocabulary and the terminals alone, but for the bytes
before which a lexeme may end: these are the grammar's. So what is known lists all such places, and
those that this grammar has no use for are left out here, as a scan would have (``part_scan``).

What is known of one vocabulary lies in one int32 array, ``known``, found by pedigree (see
``masks.known_parts``) through ``known_slots``:

    state  n, pedigree .., run's first and last place, its number or 0, n_parts, (set, part) ..
    set    n, trie nodes ..; 0 in place of it for a lexeme under way where tokens begin
    part   n_families, n_tokens, n_ends, n_loose, row or -1, node .., (place, token) .., (node, place) .., node ..

Families are given by nodes at which lexemes can become the same, 0 for the part's own state; their tokens are
rows of ``known_rows``, or else listed with their family's place. Ends are nodes before whose byte a
lexeme ends, with places in the list of its terminals; loose ones, before which it may end or go on.
"""

from __future__ import annotations

import numpy as np

from structgen.kernels.fates import families_tell
from structgen.kernels.grammar_heap import COLLIDES, NOTED, ROW, UNKNOWN, delta_at, note_missing
from structgen.kernels.jit import merged, uncounted
from structgen.kernels.part_pool import (
    ASK,
    KNOWN,
    KNOWN_LOOKED_AT,
    LARGE,
    N_POOL,
    NOT_YET,
    SHORT,
    TOKENS,
    UNKNOWN_BEFORE,
    has_room,
    want,
)
from structgen.kernels.part_scan import note_end, note_family, step_off
from structgen.kernels.part_writing import write_lexeme

__all__ = ["NOTHING", "NOT_ASKED", "pedigree_slot", "split_groups", "take_known", "take_part"]

NOTHING = 0
"""No part: nothing is known of this one."""
NOT_ASKED = -2
"""In ``numbers``: the caller says whether something is known of states in which this terminal is possible."""


@uncounted
def pedigree_slot(slots, known, pedigree, at, n):  # type: ignore[no-untyped-def]
    """The slot of a state known by the ``n`` numbers from ``pedigree[at]`` on, or the free one for it."""
    code = np.int64(n)
    for i in range(at, at + n):
        code = (code * 1000003 + pedigree[i]) & 0x7FFFFFFFFF
    size = slots.shape[0]
    slot = (code ^ (code >> 17)) & (size - 1)
    while slots[slot] != 0:
        entry = slots[slot]
        same = known[entry] == n
        i = 0
        while same and i < n:
            same = known[entry + 1 + i] == pedigree[at + i]
            i += 1
        if same:
            return slot
        slot = (slot + 1) & (size - 1)
    return slot


@uncounted
def put_pedigree(parts, state):  # type: ignore[no-untyped-def]
    """Write the terminals of ``state`` at the pool's end, and its pedigree behind them.

    Returns (terminals, numbers of the pedigree); -1 terminals where the caller has to be asked first, 0 where
    nothing can be known.
    """
    if state >= parts.key_at.shape[0] or parts.key_at[state, 2] != 0:
        return -1, 0
    first = parts.key_at[state, 0]
    n_nodes = parts.key_at[state, 1]
    if parts.key_at[state, 3] != 0 or n_nodes == 0:
        return 0, 0
    if first + n_nodes > parts.keys.shape[0]:
        return -1, 0
    at = parts.counts[N_POOL]
    if not has_room(parts, 3 * n_nodes + 1):
        return -1, 0
    n_terminals = 0
    to = at + n_nodes
    for i in range(first, first + n_nodes):
        node = parts.keys[i]
        if node >= parts.label.shape[0]:
            return -1, 0
        terminal = parts.label[node]
        if terminal < 0:
            return 0, 0
        number = parts.numbers[terminal, 0]
        if number == NOT_ASKED:
            return -1, 0
        if number < 0:
            return 0, 0
        place = 0
        while place < n_terminals and parts.pool[at + place] != terminal:
            place += 1
        if place == n_terminals:
            parts.pool[at + place] = terminal
            n_terminals += 1
        parts.pool[to] = number
        parts.pool[to + 1] = parts.numbers[terminal, 1] - node
        to += 2
    parts.pool[to] = 0
    return n_terminals, 2 * n_nodes + 1


@merged
def entry_of(parts, state):  # type: ignore[no-untyped-def]
    """(where ``state`` is described, or 0; its terminals at the pool's end); -1 where the caller has to be asked."""
    at = parts.counts[N_POOL]
    if state >= parts.loops.shape[0]:
        return -1, at
    n_terminals, n = put_pedigree(parts, state)
    if n_terminals <= 0:
        return n_terminals, at
    begin = at + parts.key_at[state, 1]
    return parts.known_slots[pedigree_slot(parts.known_slots, parts.known, parts.pool, begin, n)], at


@merged
def take_known(heap, work, trie, parts, name, state):  # type: ignore[no-untyped-def]
    """The part of a name in ``state`` from what is known beforehand; ``NOTHING``, or ``NOT_YET``."""
    entry, at = entry_of(parts, state)
    if parts.counts[SHORT] != 0:
        return NOT_YET
    if entry > 0 and heap[COLLIDES] != 0 and not families_tell(heap, work, state):
        if work[NOTED] != 0:
            return NOT_YET
        entry = 0
    if entry == 0:
        parts.loops[state, 0] = UNKNOWN_BEFORE
        return NOTHING
    if entry < 0:
        want(parts, name, state, 0)
        return NOT_YET
    part = take_part(heap, work, trie, parts, entry, name, state, parts.pool, at)
    if part == NOTHING and parts.loops[state, 0] == KNOWN:  # other sets are scanned, once the caller has looked
        want(parts, name, state, 0)
        return NOT_YET
    return part


@merged
def split_groups(trie, parts, n_groups, n_kids):  # type: ignore[no-untyped-def]
    """Split the groups of a start part (see ``grammar_parts``) into nodes that are known together, and others.

    Lexemes begin where tokens do, behind one blank, and behind whatever else ended, which differs from grammar to
    grammar. Returns the new number of groups.
    """
    n_all = n_groups
    for group in range(n_groups):
        state = parts.families[group]
        looked = parts.loops[state, 0] if state < parts.loops.shape[0] else ASK
        if looked != ASK and looked != KNOWN and looked != KNOWN_LOOKED_AT:
            continue
        count = 0
        total = 0
        for i in range(n_kids):
            if parts.marks[i, 2] == group:
                node = parts.marks[i, 0]
                total += trie.subtree_end[node] - node
                count += 1
        if total < parts.counts[LARGE]:
            continue
        entry, _ = entry_of(parts, state)
        if entry <= 0:
            continue
        place = entry + 4 + parts.known[entry]
        for i in range(parts.known[place]):
            nodes = parts.known[place + 1 + 2 * i]
            if nodes == 0 or parts.known[nodes] >= count or n_all >= parts.families.shape[0]:
                continue
            if move_group(parts, n_kids, group, nodes, n_all):
                parts.families[n_all] = state
                count -= parts.known[nodes]
                n_all += 1
    return n_all


@uncounted
def move_group(parts, n_kids, group, nodes, to):  # type: ignore[no-untyped-def]
    """Move the children of a known set from ``group`` to another, if all are there; both ascend."""
    n = parts.known[nodes]
    for turn in range(2):
        met = 0
        for i in range(n_kids):
            if met < n and parts.marks[i, 2] == group and parts.marks[i, 0] == parts.known[nodes + 1 + met]:
                met += 1
                if turn == 1:
                    parts.marks[i, 2] = to
        if met < n:
            return False
    return True


@merged
def take_part(heap, work, trie, parts, entry, name, state, terminals, at):  # type: ignore[no-untyped-def]
    """The same of a state that is known by ``entry``; its terminals are ``terminals[at]`` and those behind it.

    What is known is by families: it does not hold where lexemes collide and states of one family differ.
    """
    if heap[COLLIDES] != 0 and not families_tell(heap, work, state):
        return NOTHING if work[NOTED] == 0 else NOT_YET
    known = parts.known
    place = entry + 1 + known[entry]
    if parts.loops[state, 0] != KNOWN_LOOKED_AT:
        parts.loops[state, 0] = KNOWN
    for k in range(3):
        parts.loops[state, 1 + k] = known[place + k]
    place += 3
    for i in range(known[place]):
        nodes = known[place + 1 + 2 * i]
        if (nodes == 0) != (name < 0):
            continue
        same = True
        if name >= 0:
            n = known[nodes]
            same = parts.pool[name] == n
            k = 0
            while same and k < n:
                same = parts.pool[name + 2 + k] == known[nodes + 1 + k]
                k += 1
        if same:
            level = trie.depth[parts.pool[name + 2]] if name >= 0 else 0
            return add_known(heap, work, trie, parts, known[place + 2 + 2 * i], state, level, terminals, at)
    return NOTHING


@uncounted
def follow(heap, work, trie, state, level, node):  # type: ignore[no-untyped-def]
    """The state behind the bytes of the path to ``node`` that lie below ``level``; DEAD where something is missing."""
    last = trie.depth[node]
    while level < last and state > 0:
        level += 1
        at = node
        while trie.depth[at] > level:
            at = trie.parent[at]
        code = delta_at(heap, state, trie.byte[at])
        if code == UNKNOWN:
            note_missing(work, ROW, state, 0)
            return 0
        state = code
    return state


@merged
def add_known(heap, work, trie, parts, at, state, level, terminals, first):  # type: ignore[no-untyped-def]
    """The lexeme part of ``state`` at nodes of depth ``level`` from the known one at ``at``; or ``NOT_YET``.

    Where families that were known apart are one here, ``NOTHING``.
    """
    known = parts.known
    n_known = known[at]
    n_tokens = known[at + 1]
    row = known[at + 4]
    families = at + 5
    tokens = families + n_known
    ends = tokens + 2 * n_tokens
    loose = ends + 2 * known[at + 2]
    if n_tokens > parts.tokens.shape[0]:
        parts.counts[SHORT] = TOKENS
        return NOT_YET
    n_families = 0
    for i in range(n_known):
        node = known[families + i]
        after = state if node == 0 else follow(heap, work, trie, state, level, node)
        slot, n_families = note_family(heap, work, parts, n_families, after, False)
        if work[NOTED] != 0 or parts.counts[SHORT] != 0:
            return NOT_YET
        if slot != i:
            return NOTHING
    for i in range(n_tokens):
        parts.tokens[i, 0] = known[tokens + 2 * i]
        parts.tokens[i, 1] = known[tokens + 2 * i + 1]
    n_ends = 0
    n_loose = 0
    for i in range(known[at + 2]):
        node = known[ends + 2 * i]
        terminal = terminals[first + known[ends + 2 * i + 1]]
        if parts.follows[terminal, trie.byte[node]] != 0:
            n_ends = note_end(parts, n_ends, terminal, np.int64(-1), node)
    for i in range(known[at + 3]):
        node = known[loose + i]
        before = follow(heap, work, trie, state, level, trie.parent[node])
        code = delta_at(heap, before, trie.byte[node])
        if code == UNKNOWN:
            note_missing(work, ROW, before, 0)
        else:
            byte = trie.byte[node]
            n_ends, n_loose = step_off(heap, trie, parts, node, byte, before, code, np.int64(-1), n_ends, n_loose)
    if work[NOTED] != 0 or parts.counts[SHORT] != 0:
        return NOT_YET
    return write_lexeme(trie, parts, n_families, n_tokens, n_ends, n_loose, row >= 0, -1 - row, -1)
