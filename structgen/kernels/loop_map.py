"""At which nodes of the vocabulary's trie a loop over some bytes is left.

A lexer state that reads some characters without moving reads most tokens whole. Each trie node
whose byte is none of the loop's leaves it, wherever the loop was entered above that node; so
one pass per vocabulary and set of bytes serves every state with such a loop, and every place in
the trie at which it begins. The nodes are listed in order, as ``node << 1``, or ``node << 1 | 1``
where the byte is no character's: from a node on, the tokens before the next listed one stay,
then that one's subtree leaves.

Where a character is being read is worked out anew behind every ASCII byte; so a loop may be
entered at a node whose byte is ASCII, or at the root.
"""

from __future__ import annotations

from structgen.kernels.grammar_walk import set_tokens
from structgen.kernels.jit import uncounted

__all__ = ["map_loop", "next_exit", "stay_at_root"]

LOST = 255
"""In place of a place within a character, where bytes make none."""


@uncounted
def map_loop(trie, steps, loops, beyond_ascii, places, left):  # type: ignore[no-untyped-def]
    """List in ``left`` (N,) the nodes that leave a loop; returns how many there are.

    The loop is ``loops`` (128,) ASCII bytes and, if ``beyond_ascii``, all other characters, by
    ``steps`` (8, 256), see ``kernels.text_run``. ``places`` is scratch, one per level.
    """
    places[0] = 0
    n = 0
    for node in range(1, trie.byte.shape[0]):
        level = trie.depth[node]
        place = places[level - 1]
        edge = trie.byte[node]
        if edge < 128:
            places[level] = 0
            if place != 0:
                left[n] = node << 1 | 1
                n += 1
            elif loops[edge] == 0:
                left[n] = node << 1
                n += 1
        elif beyond_ascii:
            to = steps[place, edge] if place != LOST else LOST
            places[level] = to
            if to == LOST:
                left[n] = node << 1 | 1
                n += 1
        else:
            places[level] = LOST
            left[n] = node << 1 | (1 if place != 0 else 0)
            n += 1
    return n


@uncounted
def next_exit(left, at, last, node):  # type: ignore[no-untyped-def]
    """The first place from ``at`` on, before ``last``, of a node not before ``node``; it is near as a rule."""
    width = 1
    while at + width < last and left[at + width - 1] >> 1 < node:
        at += width
        width *= 2
    stop = min(at + width, last)
    while at < stop:
        middle = (at + stop) >> 1
        if left[middle] >> 1 < node:
            at = middle + 1
        else:
            stop = middle
    return at


@uncounted
def stay_at_root(trie, left, row, stays, exits):  # type: ignore[no-untyped-def]
    """Allow in ``row`` the tokens that stay in the loop from the trie's root; list in ``exits`` where others leave it.

    ``stays`` gets those that end with an ASCII byte. Returns the number of exits.
    """
    n, at, node = 0, 0, 1
    while node < trie.byte.shape[0]:
        at = next_exit(left, at, left.shape[0], node)
        following = left[at] >> 1 if at < left.shape[0] else trie.byte.shape[0]
        set_tokens(row, trie.token_start, trie.token_ids, node, following)
        for each in range(node, following):
            if trie.byte[each] < 128:
                set_tokens(stays, trie.token_start, trie.token_ids, each, each + 1)
        if at >= left.shape[0]:
            break
        if left[at] & 1 == 0:
            exits[n] = following
            n += 1
        node = trie.subtree_end[following]
    return n
