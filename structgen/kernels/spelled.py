"""Tokens along known texts, without walking the trie: a JSON string that must be one of some constants."""

from __future__ import annotations

import numpy as np

from structgen.kernels.jit import kernel

__all__ = ["spell"]


@kernel
def spell(byte, subtree_end, token_start, token_ids, lit_start, lit_bytes, low, high, left, first, at, mask, nodes):  # type: ignore[no-untyped-def]
    """Allow the tokens that spell more of constants ``low`` to ``high``, whose first ``at`` bytes are read.

    ``left``: a bit per constant from ``first`` on, set where it may still come; -1: all may. Notes the trie
    nodes where an escape begins or a constant has ended and a quote follows, for an exact step from there;
    returns how many, or -1 where ``nodes`` is too short. Constants that end at ``at`` are left out.
    """
    n = 0
    for index in range(low, high):
        if left >= 0 and not (left >> (index - first)) & 1:
            continue
        place = lit_start[index] + at
        end = lit_start[index + 1]
        node = 0
        while node >= 0 and lit_start[index] + at < end:
            wanted = lit_bytes[place] if place < end else 34
            found = -1
            child = node + 1
            while child < subtree_end[node]:
                edge = byte[child]
                if edge == wanted:
                    found = child
                if (edge == 92 and place < end) or (edge == 34 and place == end):
                    if n == nodes.shape[0]:
                        return -1
                    nodes[n] = child
                    n += 1
                child = subtree_end[child]
            if place == end or wanted < 32 or wanted == 34 or wanted == 92:
                break
            node = found
            place += 1
            if node >= 0:
                for rank in range(token_start[node], token_start[node + 1]):
                    token = token_ids[rank]
                    mask[token >> 5] |= np.uint32(1) << np.uint32(token & 31)
    return n
