"""The store of a grammar's mask parts: one pool of numbers, with names and sets by hash.

All lie in one int32 ``pool``, named by their offsets:

    set      n, trie nodes below them in all, node ..
    lexeme   n_dense, n_sparse, n_ends, n_loose, n_special,
             (state, row) .., (state, n, token ..) .., (terminal, column, set) ..,
             (node, state before, column) .., (node, state before or fork, column, set) ..
    start    n_parts, n_light, n_forked, part or 0 .., (node, fork) .., (node, fork) ..,
             n_children, state .., (node, state, place of its part) ..

A *row* is a place in ``rows``, or ``-1 - n`` for place n in ``known_rows``.
*Loose* places are few nodes behind which a lexeme may go on or may have ended, or goes on in
several ways: they are walked with the parser. *Special* ones are the same with much behind
them. A *column* (for newlines under indentation) is -1 for none, from 0 on counted from a
line's beginning, and ``-2 - n`` for n more than where the part's lexeme was.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from structgen.dtypes import ByteArray, IntArray, TokenMask
from structgen.kernels.jit import uncounted

__all__ = [
    "ASK",
    "ASKED",
    "BEGUN",
    "BIG",
    "BY_CALLER",
    "ENDS",
    "FAMILIES",
    "HEAVY",
    "JUMP",
    "KNOWN",
    "KNOWN_LOOKED_AT",
    "LARGE",
    "LEAVING",
    "LOOKED_AT",
    "LOOSE",
    "MARKS",
    "NAMES",
    "NOT_YET",
    "N_NAMES",
    "N_POOL",
    "N_ROWS",
    "N_SETS",
    "N_WANTED",
    "POOL",
    "ROWS",
    "SETS",
    "SHORT",
    "SMALL",
    "TOKENS",
    "UNDER_WAY",
    "UNKNOWN_BEFORE",
    "PartTables",
    "enter",
    "find_part",
    "has_room",
    "insert_part",
    "intern_set",
    "rehash_parts",
    "rehash_sets",
    "want",
]

N_POOL, N_NAMES, N_SETS, N_ROWS, N_WANTED, SHORT, HEAVY, BIG, ASKED, JUMP, LARGE, SMALL = range(12)
"""Places in ``counts``: lengths in use, what has too little room, limits in trie nodes, whether a part was wanted."""
POOL, NAMES, SETS, ROWS, FAMILIES, TOKENS, ENDS, LOOSE, MARKS = range(1, 10)
"""Values of ``counts[SHORT]``; 0 where nothing is short."""
ASK, LOOKED_AT, UNKNOWN_BEFORE, KNOWN, BY_CALLER, KNOWN_LOOKED_AT = range(6)
"""In ``loops``, of a lexer state: whether parts of it are known beforehand is open; it was looked at for loops; neither
so far; some are known; the caller knows of some; some are known, and it was looked at besides."""
UNDER_WAY, BEGUN, LEAVING = 0, 1, 2
"""What a set's nodes are: where the lexeme goes on, behind its first byte, or where its loop ends."""
NOT_YET = -1
"""No part: something was missing, and is noted."""


class PartTables(NamedTuple):
    """The store, and room to work in; see ``masks.lexeme_parts``."""

    pool: IntArray
    names: IntArray
    """(N, 4) int32, N a power of 2: names of three numbers and the part's offset, 0 where free."""
    sets: IntArray
    """(N,) int32, N a power of 2: offsets of sets by hash, 0 where free."""
    rows: TokenMask
    counts: IntArray
    wanted: IntArray
    """(N, 3) int32: names of the parts that the caller is to build."""
    follows: ByteArray
    """(T, 256) uint8: bytes that may follow a terminal."""
    loops: IntArray
    """(S, 4) int32, by lexer state: see ``ASK``; where in ``left`` its loop's nodes lie; the number of a known loop."""
    left: IntArray
    """Trie nodes at which loops are left, see ``kernels.loop_map``."""
    families: IntArray
    tokens: IntArray
    """(N, 2) int32: place in ``families``, token."""
    ends: IntArray
    """(N, 4) int32: terminal, column, node (later: set), whether it is grouped."""
    loose: IntArray
    """(N, 4) int32: node, state, column, whether much is behind it."""
    marks: IntArray
    """(N, 3) int32: a node, lexer state, group."""
    known: IntArray
    """What is known beforehand, see ``kernels.known_parts``."""
    known_slots: IntArray
    known_rows: TokenMask
    keys: IntArray
    """This and the next two are those of ``kernels.lexer``."""
    key_at: IntArray
    label: IntArray
    numbers: IntArray
    """(T, 2) int32: by terminal, the number of its pattern where something is known of it, and its first node."""


@uncounted
def part_hash(one, two, three, size):  # type: ignore[no-untyped-def]
    return (np.int64(one) * 1000003 + np.int64(two) * 7919 + np.int64(three) * 104729) & (size - 1)


@uncounted
def find_part(names, one, two, three):  # type: ignore[no-untyped-def]
    """The pool offset kept under a name of three numbers; 0 where there is none."""
    size = names.shape[0]
    slot = part_hash(one, two, three, size)
    while names[slot, 3] != 0:
        if names[slot, 0] == one and names[slot, 1] == two and names[slot, 2] == three:
            return names[slot, 3]
        slot = (slot + 1) & (size - 1)
    return 0


@uncounted
def insert_part(names, one, two, three, offset):  # type: ignore[no-untyped-def]
    """Enter ``offset`` into ``names``, which must not be full."""
    size = names.shape[0]
    slot = part_hash(one, two, three, size)
    while names[slot, 3] != 0:
        slot = (slot + 1) & (size - 1)
    names[slot, 0] = one
    names[slot, 1] = two
    names[slot, 2] = three
    names[slot, 3] = offset


@uncounted
def enter(parts, one, two, three, offset):  # type: ignore[no-untyped-def]
    """Keep a part under its name; returns it, or ``NOT_YET`` where there are too many."""
    if 2 * (parts.counts[N_NAMES] + 1) > parts.names.shape[0]:
        parts.counts[SHORT] = NAMES
        return NOT_YET
    insert_part(parts.names, one, two, three, offset)
    parts.counts[N_NAMES] += 1
    return offset


@uncounted
def want(parts, one, two, three):  # type: ignore[no-untyped-def]
    """Ask the caller for a part."""
    parts.counts[ASKED] = 1
    n = parts.counts[N_WANTED]
    for i in range(n):
        if parts.wanted[i, 0] == one and parts.wanted[i, 1] == two and parts.wanted[i, 2] == three:
            return
    if n < parts.wanted.shape[0]:
        parts.wanted[n, 0] = one
        parts.wanted[n, 1] = two
        parts.wanted[n, 2] = three
        parts.counts[N_WANTED] = n + 1


@uncounted
def set_slot(pool, sets, at, n):  # type: ignore[no-untyped-def]
    """The slot of a set equal to the ``n`` nodes from ``pool[at]`` on, or the free one for it."""
    code = np.int64(n)
    for i in range(at, at + n):
        code = (code * 1000003 + pool[i]) & 0x7FFFFFFFFFFF
    size = sets.shape[0]
    slot = (code ^ (code >> 17)) & (size - 1)
    while sets[slot] != 0:
        known = sets[slot]
        if pool[known] == n:
            same = True
            for i in range(n):
                if pool[known + 2 + i] != pool[at + i]:
                    same = False
                    break
            if same:
                return slot
        slot = (slot + 1) & (size - 1)
    return slot


@uncounted
def rehash_parts(names, longer):  # type: ignore[no-untyped-def]
    """Enter all that is in ``names`` into ``longer``, which is empty."""
    for slot in range(names.shape[0]):
        if names[slot, 3] != 0:
            insert_part(longer, names[slot, 0], names[slot, 1], names[slot, 2], names[slot, 3])


@uncounted
def rehash_sets(pool, sets, longer):  # type: ignore[no-untyped-def]
    """The same for sets."""
    for slot in range(sets.shape[0]):
        offset = sets[slot]
        if offset != 0:
            longer[set_slot(pool, longer, offset + 2, pool[offset])] = offset


@uncounted
def intern_set(trie, parts, n):  # type: ignore[no-untyped-def]
    """The set of the ``n`` nodes that lie behind two free places at the pool's end."""
    at = parts.counts[N_POOL]
    if 2 * (parts.counts[N_SETS] + 1) > parts.sets.shape[0]:
        parts.counts[SHORT] = SETS
        return NOT_YET
    slot = set_slot(parts.pool, parts.sets, at + 2, n)
    if parts.sets[slot] != 0:
        return parts.sets[slot]
    total = 0
    for i in range(at + 2, at + 2 + n):
        total += trie.subtree_end[parts.pool[i]] - parts.pool[i]
    parts.pool[at] = n
    parts.pool[at + 1] = total
    parts.sets[slot] = at
    parts.counts[N_SETS] += 1
    parts.counts[N_POOL] = at + 2 + n
    return at


@uncounted
def has_room(parts, n):  # type: ignore[no-untyped-def]
    """Whether the pool takes ``n`` more numbers; notes it where not."""
    if parts.counts[N_POOL] + n > parts.pool.shape[0]:
        parts.counts[SHORT] = POOL
        return False
    return True
