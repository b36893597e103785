"""Lexeme parts put into a grammar's pool from what is known of its terminals beforehand.

What tokens do inside a lexeme depends on the vocabulary and the terminals alone, but for the bytes
before which a lexeme may end: these are the grammar's. So what is known lists all such places, and
those that this grammar has no use for are left out here, as a scan would have (``part_scan``).
"""

from __future__ import annotations

import numpy as np

from structgen.kernels.grammar_heap import NOTED, ROW, UNKNOWN, delta_at, note_missing
from structgen.kernels.jit import uncounted
from structgen.kernels.part_pool import N_ROWS, NOT_YET, SHORT, TOKENS
from structgen.kernels.part_scan import note_end, note_family, step_off
from structgen.kernels.part_writing import write_lexeme

__all__ = ["add_known"]


@uncounted
def follow(heap, work, trie, state, level, node):  # type: ignore[no-untyped-def]
    """The state behind the bytes of the path to ``node`` that lie below ``level``; DEAD where something is missing."""
    last = trie.depth[node]
    while level < last and state > 0:
        level += 1
        at = node
        while trie.depth[at] > level:
            at = trie.parent[at]
        code = delta_at(heap, state, trie.byte[at])
        if code == UNKNOWN:
            note_missing(work, ROW, state, 0)
            return 0
        state = code
    return state


@uncounted
def add_known(heap, work, trie, parts, state, level, families, rows, tokens, ends, loose, terminals):  # type: ignore[no-untyped-def]
    """The lexeme part of ``state`` at nodes of depth ``level``, from what is known; or ``NOT_YET``.

    ``families`` (F,) are nodes at which lexemes can become the same, 0 for ``state`` itself; their tokens are
    ``rows`` (F, W) or, where there are none, ``tokens`` (n, 2) with places in ``families``. ``ends`` (n, 2) are nodes
    before whose byte a lexeme ends, with places in ``terminals``, which has the grammar's own; ``loose`` (n,)
    those before which it may end or go on.
    """
    n_families = 0
    is_dense = rows.shape[0] > 0
    first_row = parts.counts[N_ROWS]
    for i in range(families.shape[0]):
        at = state if families[i] == 0 else follow(heap, work, trie, state, level, families[i])
        slot, n_families = note_family(heap, parts, n_families, at, is_dense)
        if work[NOTED] != 0 or parts.counts[SHORT] != 0 or slot != i:
            return NOT_YET
        if is_dense:
            for word in range(rows.shape[1]):
                parts.rows[first_row + i, word] = rows[i, word]
    n_tokens = tokens.shape[0]
    if n_tokens > parts.tokens.shape[0]:
        parts.counts[SHORT] = TOKENS
        return NOT_YET
    for i in range(n_tokens):
        parts.tokens[i, 0] = tokens[i, 0]
        parts.tokens[i, 1] = tokens[i, 1]
    n_ends = 0
    n_loose = 0
    for i in range(ends.shape[0]):
        terminal = terminals[ends[i, 1]]
        if parts.follows[terminal, trie.byte[ends[i, 0]]] != 0:
            n_ends = note_end(parts, n_ends, terminal, np.int64(-1), ends[i, 0])
    for i in range(loose.shape[0]):
        before = follow(heap, work, trie, state, level, trie.parent[loose[i]])
        code = delta_at(heap, before, trie.byte[loose[i]])
        if code == UNKNOWN:
            note_missing(work, ROW, before, 0)
        else:
            n_ends, n_loose = step_off(heap, trie, parts, loose[i], before, code, np.int64(-1), n_ends, n_loose)
    if work[NOTED] != 0 or parts.counts[SHORT] != 0:
        return NOT_YET
    return write_lexeme(trie, parts, n_families, n_tokens, n_ends, n_loose, is_dense)
