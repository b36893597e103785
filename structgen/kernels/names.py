"""One walk of the token trie against a set of names standing as the identifier terminal.

The language is ``blanks* name boundary anything``, and every prefix of it: a token is
allowed if it stops inside a name, at its end, or runs past it with a byte that cannot
continue an identifier. Names are sorted byte strings laid end to end, so the names that
share what has been read are a range, and the walk narrows ranges: no automaton is built
for a list that is used once.
"""

from __future__ import annotations

import numpy as np

from structgen.kernels.jit import kernel

__all__ = ["name_walk"]


@kernel
def name_walk(  # type: ignore[no-untyped-def]
    byte, subtree_end, token_start, token_ids, max_depth, root, data, offsets, is_identifier, before, past_only, row
):
    """Set, in ``row``, the bits of the tokens below ``root`` that the names allow.

    Parameters
    ----------
    byte, subtree_end, token_start, token_ids : the trie's arrays (see ``TrieTables``)
    max_depth : bytes of the longest token
    root : node to start below
    data : (bytes,) uint8, the names end to end, each without what is typed already
    offsets : (n + 1,) int64 into ``data``; names in ascending byte order, distinct
    is_identifier : (256,) bool, bytes that continue an identifier
    before : (256,) uint8, for a byte ahead of the name: 1 it may come there and the name is
        still to follow, 2 it lifts the constraint (everything below its node is allowed)
    past_only : set only the bits of tokens that complete a name and run past it
    row : (words,) uint32, written in place; bits are only ever set

    Returns
    -------
    int, trie nodes visited
    """
    n_names = offsets.shape[0] - 1
    limit = max_depth + 1
    node_end = np.empty(limit, dtype=np.int32)
    node_next = np.empty(limit, dtype=np.int32)
    low = np.empty(limit, dtype=np.int32)
    high = np.empty(limit, dtype=np.int32)
    read = np.empty(limit, dtype=np.int32)  # bytes of the name read; 0 while blanks may come
    top = 0
    node_next[0] = root + 1
    node_end[0] = subtree_end[root]
    low[0] = 0
    high[0] = n_names
    read[0] = 0
    visited = 0
    while top >= 0:
        child = node_next[top]
        if child >= node_end[top]:
            top -= 1
            continue
        end = subtree_end[child]
        node_next[top] = end
        visited += 1
        b = byte[child]
        first = low[top]
        last = high[top]
        depth = read[top]
        complete = first < last and offsets[first + 1] - offsets[first] == depth
        if (complete and not is_identifier[b]) or (depth == 0 and before[b] == 2):
            for k in range(token_start[child], token_start[end]):
                t = token_ids[k]
                row[t >> 5] |= np.uint32(1) << np.uint32(t & 31)
            continue
        if depth == 0 and before[b] == 1:
            new_first, new_last, new_depth = first, last, 0
        else:
            # Names in the range agree on `depth` bytes; a complete one comes first.
            new_first = first + 1 if complete else first
            while new_first < last and data[offsets[new_first] + depth] < b:
                new_first += 1
            new_last = new_first
            while new_last < last and data[offsets[new_last] + depth] == b:
                new_last += 1
            if new_first == new_last:
                continue
            new_depth = depth + 1
        if not past_only:
            for k in range(token_start[child], token_start[child + 1]):
                t = token_ids[k]
                row[t >> 5] |= np.uint32(1) << np.uint32(t & 31)
        if end > child + 1:
            top += 1
            node_next[top] = child + 1
            node_end[top] = end
            low[top] = new_first
            high[top] = new_last
            read[top] = new_depth
    return visited
