"""A set of names standing as the identifier terminal, against the token trie.

The language is ``blanks* name boundary anything``, and every prefix of it: a token is
allowed if it stops inside a name, at its end, or runs past it with a byte that cannot
continue an identifier. Names are byte strings laid end to end in any order, each followed
by a zero byte, so that an answer is used as it comes: a list that serves once is not worth
sorting or an automaton. Each name is followed down the trie by itself, for siblings are few
below the first levels; looking at every child of every node on the way cost ten times that.

A step down the trie costs what its cache misses cost, so children lie side by side, each
with all that is asked of it: a name of eight letters reads a dozen lines of memory. Laid out
as the trie is elsewhere, a column per field, it read forty. All of it is one array, since
each argument of a kernel costs a tenth of a microsecond.
"""

from __future__ import annotations

import numpy as np

from structgen.kernels.jit import kernel, uncounted

__all__ = ["MOST_TWINS", "RECORD", "add_names", "cut_names", "find_allowed", "pack_trie"]

RECORD = 5
"""Numbers per node: a head, the first child, where the subtree's tokens start and end, the first of them."""
CHILDREN_AT, ENDS_NAMES_AT, TWINS_AT = 8, 17, 18
MOST_TWINS = (1 << 13) - 1
"""Tokens that may have the same bytes."""


@kernel
def pack_trie(byte, subtree_end, token_start, token_ids, is_identifier, place, packed):  # type: ignore[no-untyped-def]
    """Lay a trie out for ``add_names``.

    Parameters
    ----------
    byte, subtree_end, token_start, token_ids : of the trie (see ``TrieTables``), N nodes and T tokens
    is_identifier : (256,) bool, bytes that continue an identifier
    place : (N,) int32, written in place: where each node's record is, counted in records
    packed : (RECORD * N + T,) int32, written in place
        Records, then the token ids. The head of a record has the byte that leads to the node in
        bits 0 to 7, its number of children in bits 8 to 16, in bit 17 whether a child's byte
        ends identifiers, and above how many tokens end at the node.
    """
    n = subtree_end.shape[0]
    ids = RECORD * n
    for i in range(token_ids.shape[0]):
        packed[ids + i] = token_ids[i]
    place[0] = 0
    free = 1
    for node in range(n):
        first = free
        child = node + 1
        ends_names = 0
        while child < subtree_end[node]:
            place[child] = free
            free += 1
            if not is_identifier[byte[child]]:
                ends_names = 1
            child = subtree_end[child]
        at = RECORD * place[node]
        packed[at] = byte[node]
        packed[at] |= (free - first) << CHILDREN_AT
        packed[at] |= ends_names << ENDS_NAMES_AT
        packed[at] |= (token_start[node + 1] - token_start[node]) << TWINS_AT
        packed[at + 1] = first
        packed[at + 2] = ids + token_start[node]
        packed[at + 3] = ids + token_start[subtree_end[node]]
        packed[at + 4] = packed[packed[at + 2]] if token_start[node] < token_ids.shape[0] else 0


@uncounted
def n_children(trie, place):  # type: ignore[no-untyped-def]
    return (trie[RECORD * place] >> CHILDREN_AT) & 511


@uncounted
def child_of(trie, place, byte):  # type: ignore[no-untyped-def]
    """The child behind ``byte``; -1 where there is none."""
    low = trie[RECORD * place + 1]
    end = low + n_children(trie, place)
    high = end
    while low < high:
        middle = (low + high) >> 1
        if trie[RECORD * middle] & 255 < byte:
            low = middle + 1
        else:
            high = middle
    if low < end and trie[RECORD * low] & 255 == byte:
        return low
    return -1


@uncounted
def set_bits(trie, first, last, row):  # type: ignore[no-untyped-def]
    """Set the bits of tokens ``first`` to ``last - 1``."""
    for k in range(first, last):
        t = trie[k]
        row[t >> 5] |= np.uint32(1) << np.uint32(t & 31)


@kernel
def add_names(trie, starts, data, typed, is_identifier, is_lifted, past_only, row):  # type: ignore[no-untyped-def]
    """Set, in ``row``, the bits of tokens below ``starts`` that a name allows.

    Parameters
    ----------
    trie : as ``pack_trie`` lays it out
    starts : (n,) int32, places at which a name may start
    data : (bytes,) uint8, the names, each followed by a zero byte
    typed : (bytes,) uint8, what is there already; only names that go on from it count, and
        of them what comes after it
    is_identifier : (256,) bool, bytes that continue an identifier
    is_lifted : (256,) bool, first bytes of names that are seen to elsewhere
    past_only : set only the bits of tokens that complete a name and run past it
    row : (words,) uint32, written in place; bits are only ever set
    """
    n_typed = typed.shape[0]
    at = 0
    n_data = data.shape[0]
    while at < n_data:
        name = at
        matched = 0
        while data[at] != 0:
            if matched < n_typed and at - name == matched and data[at] == typed[matched]:
                matched += 1
            at += 1
        end = at
        at += 1
        if matched < n_typed or end - name == n_typed or (n_typed == 0 and is_lifted[data[name]]):
            continue
        for s in range(starts.shape[0]):
            add_name(trie, starts[s], data, name + n_typed, end, is_identifier, past_only, row)


@uncounted
def add_name(trie, node, data, first, end, is_identifier, past_only, row):  # type: ignore[no-untyped-def]
    """The same for bytes ``first`` to ``end - 1`` of ``data``, from one place."""
    for i in range(first, end):
        node = child_of(trie, node, data[i])
        if node < 0:
            return
        twins = trie[RECORD * node] >> TWINS_AT
        if twins == 1 and not past_only:
            t = trie[RECORD * node + 4]
            row[t >> 5] |= np.uint32(1) << np.uint32(t & 31)
        elif twins > 1 and not past_only:
            start = trie[RECORD * node + 2]
            set_bits(trie, start, start + twins, row)
    if (trie[RECORD * node] >> ENDS_NAMES_AT) & 1 == 0:
        return
    child = trie[RECORD * node + 1]
    for place in range(child, child + n_children(trie, node)):
        if not is_identifier[trie[RECORD * place] & 255]:
            set_bits(trie, trie[RECORD * place + 2], trie[RECORD * place + 3], row)


@kernel
def cut_names(trie, starts, data, typed, is_identifier, is_lifted, base, others, row):  # type: ignore[no-untyped-def]
    """Clear, in ``row``, the bits of tokens that neither a name nor ``base`` nor ``others`` allows.

    Parameters
    ----------
    trie, starts, data, typed, is_identifier, is_lifted : see ``add_names``
    base, others : (words,) uint32
    row : (words,) uint32, written in place
    """
    allowed = base.copy()
    add_names(trie, starts, data, typed, is_identifier, is_lifted, False, allowed)
    for word in range(row.shape[0]):
        row[word] &= allowed[word] | others[word]


@kernel
def find_allowed(trie, root, data, typed, row, is_allowed):  # type: ignore[no-untyped-def]
    """Tell what of each name comes after ``typed`` and is one token below ``root`` that ``row`` allows.

    Parameters
    ----------
    trie, data, typed : see ``add_names``
    root : a place
    row : (words,) uint32
    is_allowed : (names,) bool, written in place; False where a name does not go on from ``typed``

    Returns
    -------
    int, names that are
    """
    n_typed = typed.shape[0]
    at = 0
    total = 0
    for name in range(is_allowed.shape[0]):
        node = root
        matched = 0
        while data[at] != 0:
            if matched < n_typed:
                if data[at] != typed[matched]:
                    node = -1
                matched += 1
            elif node >= 0:
                node = child_of(trie, node, data[at])
            at += 1
        at += 1
        found = False
        if node >= 0 and matched == n_typed and node != root:
            first = trie[RECORD * node + 2]
            for k in range(first, first + (trie[RECORD * node] >> TWINS_AT)):
                t = trie[k]
                found = found or (row[t >> 5] >> np.uint32(t & 31)) & np.uint32(1) != 0
        is_allowed[name] = found
        if found:
            total += 1
    return total
