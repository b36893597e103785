"""Building and reading the token trie.

Tokens sorted by bytes are the trie's depth-first order already: each token shares
``lcp`` bytes with the one before it, closes the nodes deeper than that, and opens one
node per further byte. One pass, no hashing.
"""

from __future__ import annotations

import numpy as np

from structgen.kernels.jit import inlined, kernel

__all__ = ["build_trie", "fewest_tokens", "longest_match"]


@kernel
def build_trie(data, offsets, order, byte, subtree_end, depth, token_start, token_ids):  # type: ignore[no-untyped-def]
    """Fill the trie's arrays from tokens in byte order; return the number of nodes.

    ``data`` (bytes,) uint8 and ``offsets`` (V + 1,) int64 spell the tokens; ``order`` (T,)
    int32 lists the ids that enter, sorted by bytes and then by id. Outputs are sized for
    the worst case (one node per byte, and the root).
    """
    open_nodes = np.zeros(1 + np.max(offsets[1:] - offsets[:-1]), dtype=np.int32)
    byte[0] = 0
    depth[0] = 0
    token_start[0] = 0
    n_nodes = 1
    open_depth = 0
    previous = -1
    for rank in range(order.shape[0]):
        token = order[rank]
        start = offsets[token]
        length = offsets[token + 1] - start
        shared = 0
        if previous >= 0:
            other = offsets[previous]
            most = min(length, offsets[previous + 1] - other)
            while shared < most and data[start + shared] == data[other + shared]:
                shared += 1
        while open_depth > shared:
            subtree_end[open_nodes[open_depth]] = n_nodes
            open_depth -= 1
        while open_depth < length:
            byte[n_nodes] = data[start + open_depth]
            open_depth += 1
            depth[n_nodes] = open_depth
            token_start[n_nodes] = rank
            open_nodes[open_depth] = n_nodes
            n_nodes += 1
        token_ids[rank] = token
        previous = token
    while open_depth >= 0:
        subtree_end[open_nodes[open_depth]] = n_nodes
        open_depth -= 1
    token_start[n_nodes] = order.shape[0]
    return n_nodes


@inlined
def _child(node, wanted, roots, byte, subtree_end):
    """The child of ``node`` by byte ``wanted``, 0 where there is none; the root has too many to look through."""
    if node == 0:
        return roots[wanted]
    child = node + 1
    end = subtree_end[node]
    while child < end and byte[child] < wanted:
        child = subtree_end[child]
    return child if child < end and byte[child] == wanted else np.int32(0)


@kernel
def longest_match(roots, byte, subtree_end, token_start, data, start):  # type: ignore[no-untyped-def]
    """The deepest node with a token whose bytes are ``data[start:]``'s first; 0 where none is."""
    node = 0
    best = 0
    for position in range(start, data.shape[0]):
        node = _child(node, data[position], roots, byte, subtree_end)
        if node == 0:
            break
        if token_start[node] < token_start[node + 1]:
            best = node
    return best


@kernel
def fewest_tokens(roots, byte, subtree_end, token_start, token_ids, data, length, choice):  # type: ignore[no-untyped-def]
    """Spell ``data`` in as few tokens as there are; return how many, or -1 where none can.

    ``length`` and ``choice``, both (n + 1,) int32, receive for each position the fewest
    tokens from there to the end (-1: impossible) and the first of them. Where several are
    as few, the longest first token wins, as a tokenizer would have it.
    """
    n = data.shape[0]
    length[n] = 0
    for start in range(n - 1, -1, -1):
        length[start] = -1
        node = 0
        for position in range(start, n):
            node = _child(node, data[position], roots, byte, subtree_end)
            if node == 0:
                break
            rest = length[position + 1]
            if (
                token_start[node] < token_start[node + 1]
                and rest >= 0
                and (length[start] < 0 or rest + 1 <= length[start])
            ):
                length[start] = rest + 1
                choice[start] = token_ids[token_start[node]]
    return length[0]
