"""Tokens that keep to one set of characters (``masks.content_runs``).

A set is given by the first bytes of its characters' UTF-8 forms, (256,) uint8; it holds a byte beyond ASCII only if it
holds all characters that start with it. Subtrees of the vocabulary's trie whose characters are all in the set are taken
whole, so that large sets cost no more than small ones.
"""

from __future__ import annotations

import numpy as np

from structgen.kernels.bits import allow, is_allowed
from structgen.kernels.document_registers import C_MAP, C_START, UTF8, UTF8_DEAD
from structgen.kernels.jit import inlined, kernel

WORDS = 4
"""Words of a set as bits; continuation bytes, which begin no character, stand for what is not UTF-8."""
_NOT_TEXT = 128


@kernel
def characters_below(byte, subtree_end, depth, token_start, max_depth, below, until, of_token):
    """What characters stand below each node of a trie.

    ``below`` (N, 4) uint64, all zero before, receives the first bytes of characters strictly below a node as bits,
    ``until`` (N,) int32 the characters begun on the way to it, ``of_token`` (T,) int32 the same by place in the trie's
    list of tokens.
    """
    places = np.zeros(max_depth + 2, np.uint8)
    path = np.zeros(max_depth + 2, np.int64)
    parent = np.zeros(byte.shape[0], np.int64)
    for node in range(1, byte.shape[0]):
        level = depth[node]
        place = places[level - 1]
        above = path[level - 1]
        parent[node] = above
        path[level] = node
        begins = place == 0
        to = UTF8[place, byte[node]] if place != UTF8_DEAD else np.uint8(UTF8_DEAD)
        places[level] = to
        until[node] = until[above] + (1 if begins else 0)
        if to == UTF8_DEAD:
            _add(below, above, _NOT_TEXT)
        elif begins:
            _add(below, above, np.int64(byte[node]))
        for index in range(token_start[node], token_start[node + 1]):
            of_token[index] = until[node]
    for node in range(byte.shape[0] - 1, 0, -1):
        for word in range(WORDS):
            below[parent[node], word] |= below[node, word]


@inlined
def _add(sets, row, b):
    sets[row, b >> 6] |= np.uint64(1) << np.uint64(b & 63)


@kernel
def as_bits(characters, found):
    """A set of characters (256,) as bits, into ``found`` (1, 4) uint64, all zero before."""
    for lead in range(256):
        if characters[lead] and (lead < 128 or lead >= 192):
            _add(found, 0, lead)


@inlined
def keeps_to(below, node, inside):
    """Whether all characters below a node are in a set, ``inside`` (1, 4)."""
    found = True
    for word in range(WORDS):
        if below[node, word] & ~inside[0, word]:
            found = False
    return found


@kernel
def build_run(
    root, byte, subtree_end, depth, token_start, token_ids, max_depth, first, rest, below, row, exits, before
):  # fmt: skip
    """Tokens below ``root`` whose first character there is in ``first``, all others in ``rest``; where others leave.

    ``row`` (W,) uint32, all zero before, receives the tokens; ``exits`` and ``before`` the nodes whose edge begins the
    first character outside, quotes left out, and the characters before it. Returns how many exits.
    """
    places = np.zeros(max_depth + 2, np.uint8)
    characters = np.zeros(max_depth + 2, np.int32)
    inside = np.zeros((1, WORDS), np.uint64)
    as_bits(rest, inside)
    n_exits = 0
    node = root + 1
    while node < subtree_end[root]:
        level = depth[node]
        b = np.int64(byte[node])
        place = places[level - 1]
        n = characters[level - 1]
        is_whole = False
        if place == 0:
            if not (rest[b] if n else first[b]) or b < 32 or b == 34 or b == 92:
                if b >= 32 and b != 34:
                    exits[n_exits] = node
                    before[n_exits] = n
                    n_exits += 1
                node = subtree_end[node]
                continue
            n += 1
            is_whole = keeps_to(below, node, inside)
        to = UTF8[place, b]
        if to == UTF8_DEAD:
            node = subtree_end[node]
            continue
        places[level] = to
        characters[level] = n
        last = subtree_end[node] if is_whole else node + 1
        allow(token_ids, token_start[node], token_start[last], row)
        node = last
    return n_exits


@kernel
def by_length(row, first, past, token_ids, of_token, behind, tokens, ends):
    """Sort the tokens in ``row``, all of them among ``token_ids[first:past]``, by their characters beyond ``behind``.

    ``tokens`` receives them, of which ``ends[n]`` have at most ``n``.
    """
    ends[:] = 0
    for index in range(first, past):
        if is_allowed(row, token_ids[index]):
            ends[of_token[index] - behind] += 1
    for n in range(1, ends.shape[0]):
        ends[n] += ends[n - 1]
    next_at = np.zeros(ends.shape[0], np.int64)
    for n in range(1, ends.shape[0]):
        next_at[n] = ends[n - 1]
    for index in range(first, past):
        if is_allowed(row, token_ids[index]):
            n = of_token[index] - behind
            tokens[next_at[n]] = token_ids[index]
            next_at[n] += 1


@kernel
def plan_exits(
    exits, before, byte, subtree_end, trans, content, class_maps, state, chain, loops, much,
    nodes, states, characters, large,
):  # fmt: skip
    """Where text leaves a run without dying at once; returns how many exits, and how many of them have much below.

    Character ``n`` of a run leads to ``chain[n - 1]``, and once past its end to the last one if that ``loops``.
    Exits are written to ``nodes``, ``states``, before their edge, and ``characters``; those with more than ``much``
    nodes below to ``large`` (n, 3): node, state after its edge, characters with it.
    """
    n, n_large = 0, 0
    for index in range(exits.shape[0]):
        node, gone = np.int64(exits[index]), np.int64(before[index])
        if gone > chain.shape[0] and not loops:
            continue
        at = state if gone == 0 else chain[min(gone, chain.shape[0]) - 1]
        edge = np.int64(byte[node])
        to = np.int64(trans[content[at, C_START] + class_maps[content[at, C_MAP], edge]])
        if to == 0 and edge != 92:
            continue
        if edge != 92 and edge < 128 and subtree_end[node] - node > much:
            large[n_large, 0], large[n_large, 1], large[n_large, 2] = node, to, gone + 1
            n_large += 1
        else:
            nodes[n], states[n], characters[n] = node, at, gone
            n += 1
    return n, n_large
