"""One walk of the token trie against a set of names standing as the identifier terminal.

The language is ``blanks* name boundary anything``, and every prefix of it: a token is
allowed if it stops inside a name, at its end, or runs past it with a byte that cannot
continue an identifier. Names are sorted byte strings laid end to end, so the names that
share what has been read are a range, and the walk narrows ranges: no automaton is built
for a list that is used once. Where each name starts is found here, by its separator, since
a hundred names cost a microsecond here and ten in Python.
"""

from __future__ import annotations

import numpy as np

from structgen.kernels.jit import kernel

__all__ = ["fill_children", "find_allowed", "name_walk"]


@kernel
def fill_children(subtree_end, first, children):  # type: ignore[no-untyped-def]
    """List every node's children, in ascending byte order, side by side in memory.

    In the trie's own order siblings lie far apart: a walk that looks at all children of a
    node would miss the cache at each.

    Parameters
    ----------
    subtree_end : (N,) int32 of the trie
    first : (N + 1,) int32, written in place: node ``n`` has the children ``first[n]`` to ``first[n + 1]``
    children : (N - 1,) int32, written in place
    """
    at = 0
    for node in range(subtree_end.shape[0]):
        first[node] = at
        child = node + 1
        while child < subtree_end[node]:
            children[at] = child
            at += 1
            child = subtree_end[child]
    first[subtree_end.shape[0]] = at


@kernel
def name_walk(  # type: ignore[no-untyped-def]
    first, children, child_byte, subtree_end, token_start, token_ids, max_depth, root, data, n_names,
    is_identifier, before, past_only, row
):  # fmt: skip
    """Set, in ``row``, the bits of the tokens below ``root`` that the names allow.

    Parameters
    ----------
    first, children : as ``fill_children`` lists them
    child_byte : (N - 1,) uint8, the byte that leads to each of ``children``
    subtree_end, token_start, token_ids : the trie's arrays (see ``TrieTables``)
    max_depth : bytes of the longest token
    root : node to start below
    data : (bytes,) uint8, the names, each followed by a zero byte and without what is typed
        already; in ascending order, distinct
    n_names : how many; 0 leaves ``data`` unread
    is_identifier : (256,) bool, bytes that continue an identifier
    before : (256,) uint8, for a byte ahead of the name: 1 it may come there and the name is
        still to follow, 2 it lifts the constraint (everything below its node is allowed)
    past_only : set only the bits of tokens that complete a name and run past it
    row : (words,) uint32, written in place; bits are only ever set

    Returns
    -------
    int, trie nodes looked at
    """
    offsets = np.empty(n_names + 1, dtype=np.int32)
    offsets[0] = 0
    found = 0
    for at in range(data.shape[0]):
        if found == n_names:
            break
        if data[at] == 0:
            found += 1
            offsets[found] = at + 1
    limit = max_depth + 1
    last_child = np.empty(limit, dtype=np.int32)
    next_child = np.empty(limit, dtype=np.int32)
    low = np.empty(limit, dtype=np.int32)  # children ascend as names do, so this only ever moves on
    high = np.empty(limit, dtype=np.int32)
    is_complete = np.empty(limit, dtype=np.bool_)  # one of the names has been read to its end
    read = np.empty(limit, dtype=np.int32)  # bytes of the name read; 0 while blanks may come
    top = 0
    next_child[0] = first[root]
    last_child[0] = first[root + 1]
    is_complete[0] = n_names > 0 and offsets[1] == 1
    low[0] = 1 if is_complete[0] else 0
    high[0] = n_names
    read[0] = 0
    visited = 0
    while top >= 0:
        place = next_child[top]
        if place >= last_child[top]:
            top -= 1
            continue
        next_child[top] = place + 1
        visited += 1
        b = child_byte[place]
        depth = read[top]
        if (is_complete[top] and not is_identifier[b]) or (depth == 0 and before[b] == 2):
            child = children[place]
            for k in range(token_start[child], token_start[subtree_end[child]]):
                t = token_ids[k]
                row[t >> 5] |= np.uint32(1) << np.uint32(t & 31)
            continue
        if depth == 0 and before[b] == 1:
            new_low, new_high, new_depth, completes = (1 if is_complete[top] else 0), n_names, 0, is_complete[top]
        else:
            # Names in the range agree on `depth` bytes; a complete one came first and is left out.
            new_low = low[top]
            while new_low < high[top] and data[offsets[new_low] + depth] < b:
                new_low += 1
            new_high = new_low
            while new_high < high[top] and data[offsets[new_high] + depth] == b:
                new_high += 1
            low[top] = new_high
            if new_low == new_high:
                continue
            new_depth = depth + 1
            completes = offsets[new_low + 1] - offsets[new_low] - 1 == new_depth
            if completes:
                new_low += 1
        child = children[place]
        if not past_only:
            for k in range(token_start[child], token_start[child + 1]):
                t = token_ids[k]
                row[t >> 5] |= np.uint32(1) << np.uint32(t & 31)
        if first[child + 1] > first[child]:
            top += 1
            next_child[top] = first[child]
            last_child[top] = first[child + 1]
            low[top] = new_low
            high[top] = new_high
            read[top] = new_depth
            is_complete[top] = completes
    return visited


@kernel
def find_allowed(  # type: ignore[no-untyped-def]
    first, children, child_byte, token_start, token_ids, root, data, n_names, row, is_allowed
):
    """Tell which names are tokens below ``root``, as a whole, that ``row`` allows.

    Parameters
    ----------
    first, children, child_byte, token_start, token_ids, root, data, n_names : see ``name_walk``
    row : (words,) uint32
    is_allowed : (n_names,) bool, written in place

    Returns
    -------
    int, names that are
    """
    at = 0
    total = 0
    for name in range(n_names):
        node = root
        while data[at] != 0:
            if node >= 0:
                low = first[node]
                high = first[node + 1]
                while low < high:
                    middle = (low + high) >> 1
                    if child_byte[middle] < data[at]:
                        low = middle + 1
                    else:
                        high = middle
                node = children[low] if low < first[node + 1] and child_byte[low] == data[at] else -1
            at += 1
        at += 1
        found = False
        if node >= 0:
            for k in range(token_start[node], token_start[node + 1]):
                t = token_ids[k]
                found = found or (row[t >> 5] >> np.uint32(t & 31)) & np.uint32(1) != 0
        is_allowed[name] = found
        if found:
            total += 1
    return total
