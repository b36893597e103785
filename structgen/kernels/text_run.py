"""Runs of text that leave an automaton where it is, cut out of the trie.

A state that loops on some bytes (the inside of a string) reads most of a vocabulary
without moving. Which tokens those are depends on the loop alone, so they are found once
per vocabulary; what remains are the *exits*: trie nodes whose edge is the first byte to
leave the loop. ``UTF8`` (8, 256) uint8 follows characters beyond ASCII: row 0 is the
boundary between characters, 1 to 3 wait for as many further bytes, the rest are the
first bytes with a narrower second one; 255 is no UTF-8.
"""

from __future__ import annotations

import numpy as np

from structgen.kernels.jit import kernel

__all__ = ["INVALID", "build_run", "fill_from_exits", "loop_of", "utf8_steps"]

INVALID = 255


def utf8_steps() -> np.ndarray:
    """The table ``UTF8``; ASCII is left invalid at the boundary, loops decide it."""
    steps = np.full((8, 256), INVALID, dtype=np.uint8)
    steps[1, 0x80:0xC0] = 0
    steps[2, 0x80:0xC0] = 1
    steps[3, 0x80:0xC0] = 2
    for first, row, low, high in (
        (0xE0, 4, 0xA0, 0xC0),
        (0xED, 5, 0x80, 0xA0),
        (0xF0, 6, 0x90, 0xC0),
        (0xF4, 7, 0x80, 0x90),
    ):
        steps[0, first] = row
        steps[row, low:high] = 1 if first < 0xF0 else 2
    steps[0, 0xC2:0xE0] = 1
    steps[0, [*range(0xE1, 0xED), 0xEE, 0xEF]] = 2
    steps[0, 0xF1:0xF4] = 3
    return steps


@kernel
def loop_of(class_of, transitions, state, steps, loops, places):  # type: ignore[no-untyped-def]
    """Whether every character beyond ASCII leads from ``state`` back to it, and nothing else beyond ASCII is live.

    ``loops`` (128,) uint8 receives 1 for each ASCII byte that does not move the state.
    ``places`` (8,) int32 is scratch: the automaton's state in each row of ``steps``.
    """
    for byte in range(128):
        loops[byte] = np.uint8(transitions[state, class_of[byte]] == state)
    places[:] = 0
    places[0] = state
    for turn in range(8):
        row = (0, 3, 6, 7, 2, 4, 5, 1)[turn]  # each after those that lead to it
        if places[row] == 0:
            return False
        for byte in range(0 if row else 128, 256):
            after = transitions[places[row], class_of[byte]]
            to = steps[row, byte]
            if to == 255:
                if after != 0:
                    return False
            elif after == 0:
                return False
            elif places[to] == 0:
                places[to] = after
            elif places[to] != after:
                return False
    return True


@kernel
def build_run(  # type: ignore[no-untyped-def]
    byte, subtree_end, depth, token_start, token_ids, max_depth, steps, loops, beyond_ascii, row, exits
):
    """Set in ``row`` the tokens that stay in the run; list the nodes that leave it in ``exits``; return how many.

    Characters beyond ASCII belong to the run if ``beyond_ascii``; then bytes that are no
    UTF-8 are skipped, being dead wherever such a run is. Tokens that end within a
    character count as staying.
    """
    places = np.zeros(max_depth + 1, dtype=np.uint8)
    n_nodes = byte.shape[0]
    node = 1
    n_exits = 0
    while node < n_nodes:
        level = depth[node]
        place = places[level - 1]
        edge = byte[node]
        if place == 0 and (edge < 128 or not beyond_ascii):
            to = np.uint8(0)
            if edge >= 128 or not loops[edge]:
                exits[n_exits] = node
                n_exits += 1
                node = subtree_end[node]
                continue
        else:
            to = steps[place, edge]
            if to == 255:
                node = subtree_end[node]
                continue
        places[level] = to
        for index in range(token_start[node], token_start[node + 1]):
            token = token_ids[index]
            row[token >> 5] |= np.uint32(1) << np.uint32(token & 31)
        node += 1
    return n_exits


@kernel
def fill_from_exits(  # type: ignore[no-untyped-def]
    byte, subtree_end, depth, token_start, token_ids, max_depth, class_of, transitions, state, exits, row
):
    """Allow in ``row`` the tokens below ``exits`` (n,) int32, entered from ``state``; return nodes visited."""
    states = np.empty(max_depth + 1, dtype=np.uint32)
    visited = 0
    for exit_node in exits:
        if transitions[state, class_of[byte[exit_node]]] == 0:
            visited += 1
            continue
        node = np.uint32(exit_node)
        n_nodes = np.uint32(subtree_end[node])
        states[depth[node] - 1] = state
        while node < n_nodes:
            visited += 1
            level = np.uint32(depth[node])
            after = np.uint32(transitions[states[level - np.uint32(1)], class_of[byte[node]]])
            if after == 0:
                node = np.uint32(subtree_end[node])
                continue
            states[level] = after
            first = np.uint32(token_start[node])
            node += np.uint32(1)
            for index in range(first, np.uint32(token_start[node])):
                token = np.uint32(token_ids[index])
                row[token >> np.uint32(5)] |= np.uint32(1) << (token & np.uint32(31))
    return visited
