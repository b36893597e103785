"""Which tokens of digits, signs, points and exponents go on in a number (``masks.number_masks``)."""

from __future__ import annotations

import numpy as np

from structgen.kernels.bits import allow
from structgen.kernels.document_registers import NUMBER_CLASS
from structgen.kernels.jit import kernel


@kernel
def number_walk(byte, subtree_end, depth, token_start, token_ids, max_depth, numbers, state, mask):
    """Allow the tokens of a trie that ``numbers`` (S, 16) reads from ``state``; returns the nodes visited."""
    states = np.zeros(max_depth + 1, np.int64)
    states[0] = state
    node, visited = np.int64(1), 0
    while node < byte.shape[0]:
        visited += 1
        level = depth[node]
        to = np.int64(numbers[states[level - 1], NUMBER_CLASS[byte[node]]])
        if to == 0:
            node = np.int64(subtree_end[node])
            continue
        states[level] = to
        allow(token_ids, token_start[node], token_start[node + 1], mask)
        node += 1
    return visited
