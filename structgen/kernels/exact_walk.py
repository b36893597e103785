"""A vocabulary's trie walked along places that are numbered as they are met (``masks.exact_walk``)."""

from __future__ import annotations

from structgen.kernels.jit import kernel

UNKNOWN, DEAD = -1, 0


@kernel
def walk_places(byte, subtree_end, depth, token_start, token_ids, class_of, rows, places, node, mask):  # type: ignore[no-untyped-def]
    """Allow in ``mask`` the tokens that ``rows`` lead over, from ``node`` on; returns where the walk has come to.

    ``rows`` (P, C) int32 are the places behind each place by class of bytes. ``places`` (depth + 1,) int32 holds the
    places on the way to ``node``. The walk stops where ``rows`` hold ``UNKNOWN``, to be called again from there.
    """
    n = byte.shape[0]
    while node < n:
        level = depth[node]
        after = rows[places[level - 1], class_of[byte[node]]]
        if after == UNKNOWN:
            return node
        if after == DEAD:
            node = subtree_end[node]
            continue
        places[level] = after
        for index in range(token_start[node], token_start[node + 1]):
            token = token_ids[index]
            mask[token >> 5] |= 1 << (token & 31)
        node += 1
    return n
