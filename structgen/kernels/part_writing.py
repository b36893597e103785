"""Lexeme parts put into the pool from what a scan gathered."""

from __future__ import annotations

import numpy as np

from structgen.kernels.grammar_heap import NOTED
from structgen.kernels.jit import merged, uncounted
from structgen.kernels.part_pool import (
    LEAVING,
    N_POOL,
    N_ROWS,
    NOT_YET,
    SHORT,
    TOKENS,
    has_room,
    intern_set,
)
from structgen.kernels.part_scan import note_family, scan

__all__ = ["add_lexeme", "add_tail", "clear_tokens", "group_ends", "intern_special", "write_loose", "write_tokens"]

MOST_SPARSE = 1000
"""Tokens from which they are a row of bits rather than a list."""


@merged
def group_ends(trie, parts, n):  # type: ignore[no-untyped-def]
    """Gather ``ends`` of one terminal and column: (terminal, column, set) in the first rows; returns how many."""
    kept = 0
    for i in range(n):
        if parts.ends[i, 3] != 0:
            continue
        terminal = parts.ends[i, 0]
        column = parts.ends[i, 1]
        if not has_room(parts, n - i + 2):
            return kept
        at = parts.counts[N_POOL] + 2
        count = 0
        for j in range(i, n):
            if parts.ends[j, 3] == 0 and parts.ends[j, 0] == terminal and parts.ends[j, 1] == column:
                parts.pool[at + count] = parts.ends[j, 2]
                parts.ends[j, 3] = 1
                count += 1
        found = intern_set(trie, parts, count)
        if found == NOT_YET:
            return kept
        parts.ends[kept, 0] = terminal
        parts.ends[kept, 1] = column
        parts.ends[kept, 2] = found
        kept += 1
    return kept


@uncounted
def write_tokens(parts, at, n_tokens, slot, state):  # type: ignore[no-untyped-def]
    """Write the tokens of one family; returns the pool's new end."""
    count = 0
    for j in range(n_tokens):
        if parts.tokens[j, 0] == slot:
            parts.pool[at + 2 + count] = parts.tokens[j, 1]
            count += 1
    parts.pool[at] = state
    parts.pool[at + 1] = count
    return at + 2 + count


@uncounted
def write_loose(trie, parts, at, n_loose):  # type: ignore[no-untyped-def]
    """Write loose places, then special ones, which know their sets; returns (new end, loose, special)."""
    n_small = 0
    for i in range(n_loose):
        if parts.loose[i, 3] == 0:
            for k in range(3):
                parts.pool[at + k] = parts.loose[i, k]
            at += 3
            n_small += 1
    n_special = 0
    for i in range(n_loose):
        if parts.loose[i, 3] != 0:
            for k in range(3):
                parts.pool[at + k] = parts.loose[i, k]
            parts.pool[at + 3] = parts.loose[i, 3]
            at += 4
            n_special += 1
    return at, n_small, n_special


@uncounted
def intern_special(trie, parts, n_loose):  # type: ignore[no-untyped-def]
    """Put the set of its node into each special place."""
    for i in range(n_loose):
        if parts.loose[i, 3] == 1:
            if not has_room(parts, 3):
                return
            parts.pool[parts.counts[N_POOL] + 2] = parts.loose[i, 0]
            found = intern_set(trie, parts, 1)
            if found != NOT_YET:
                parts.loose[i, 3] = found


@merged
def write_lexeme(  # type: ignore[no-untyped-def]
    trie, parts, n_families, n_tokens, n_ends, n_loose, is_dense, row, next_row
):
    """Write a lexeme part from what was gathered; returns it, or ``NOT_YET`` where room is short.

    Where it is dense, ``row`` is the number of its first row, and ``next_row`` what there is from one to the next.
    """
    n_ends = group_ends(trie, parts, n_ends)
    intern_special(trie, parts, n_loose)
    if parts.counts[SHORT] != 0 or not has_room(parts, 5 + 2 * n_families + n_tokens + 3 * n_ends + 4 * n_loose):
        return NOT_YET
    part = parts.counts[N_POOL]
    at = part + 5
    parts.pool[part] = n_families if is_dense else 0
    parts.pool[part + 1] = 0 if is_dense else n_families
    for slot in range(n_families):
        if is_dense:
            parts.pool[at] = parts.families[slot]
            parts.pool[at + 1] = row + next_row * slot
            at += 2
        else:
            at = write_tokens(parts, at, n_tokens, slot, parts.families[slot])
    if is_dense and row >= 0:
        parts.counts[N_ROWS] += n_families
    for i in range(n_ends):
        for k in range(3):
            parts.pool[at + k] = parts.ends[i, k]
        at += 3
    at, n_small, n_special = write_loose(trie, parts, at, n_loose)
    parts.pool[part + 2] = n_ends
    parts.pool[part + 3] = n_small
    parts.pool[part + 4] = n_special
    parts.counts[N_POOL] = at
    return part


@uncounted
def add_lexeme(heap, work, trie, parts, nodes, at, n_nodes, first, mode, is_dense, run):  # type: ignore[no-untyped-def]
    """The lexeme part for ``nodes[at:at + n_nodes]`` in state ``first``, or ``NOT_YET``.

    In mode ``LEAVING``, ``run`` (W,) are the tokens that stay in the loop of ``first``, and the nodes those by
    which others leave it; otherwise it is empty.
    """
    n_families = 0
    if mode == LEAVING:
        _, n_families = note_family(heap, work, parts, 0, first, True)
        if parts.counts[SHORT] != 0:
            return NOT_YET
        for word in range(run.shape[0]):
            parts.rows[parts.counts[N_ROWS], word] = run[word]
    n_families, n_tokens, n_ends, n_loose = scan(
        heap, work, trie, parts, nodes, at, n_nodes, first, mode, is_dense, n_families, 0, 0
    )
    if work[NOTED] != 0 or parts.counts[SHORT] != 0:
        return NOT_YET
    if not is_dense and n_tokens > MOST_SPARSE:
        parts.counts[SHORT] = TOKENS
        return NOT_YET
    return write_lexeme(trie, parts, n_families, n_tokens, n_ends, n_loose, is_dense, parts.counts[N_ROWS], 1)


@uncounted
def add_tail(heap, work, trie, parts, exits, loop, run, others, first):  # type: ignore[no-untyped-def]
    """The part of lexemes that go on from ``first``, mostly into the state ``loop``, or ``NOT_YET``.

    ``run`` are the tokens that stay in the loop after a first byte that leads there, ``exits`` the
    nodes by which others leave it, and ``others`` the nodes of the other first bytes.
    """
    _, n_families = note_family(heap, work, parts, 0, loop, True)
    if parts.counts[SHORT] != 0:
        return NOT_YET
    for word in range(run.shape[0]):
        parts.rows[parts.counts[N_ROWS], word] = run[word]
    n_families, n_tokens, n_ends, n_loose = scan(
        heap, work, trie, parts, exits, 0, exits.shape[0], loop, LEAVING, True, n_families, 0, 0
    )
    n_families, n_tokens, n_ends, n_loose = scan(
        heap, work, trie, parts, others, 0, others.shape[0], first, LEAVING, True, n_families, n_ends, n_loose
    )
    if work[NOTED] != 0 or parts.counts[SHORT] != 0:
        return NOT_YET
    return write_lexeme(trie, parts, n_families, n_tokens, n_ends, n_loose, True, parts.counts[N_ROWS], 1)


@uncounted
def clear_tokens(trie, nodes, row):  # type: ignore[no-untyped-def]
    """Take the tokens at and below ``nodes`` out of ``row``."""
    for i in range(nodes.shape[0]):
        for j in range(trie.token_start[nodes[i]], trie.token_start[trie.subtree_end[nodes[i]]]):
            token = trie.token_ids[j]
            row[token >> 5] &= ~(np.uint32(1) << np.uint32(token & 31))
