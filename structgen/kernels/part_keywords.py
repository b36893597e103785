"""Lexeme parts in which some texts are keywords: a part without them, changed where one may be under way.

A lexeme that may become a keyword may also become whatever it could without, so its tokens are added to those of the
part, in their own families. Only where lexemes collide may it be a dead end while the lexeme without
keywords is none: then its tokens are taken out of the part's families.
"""

from __future__ import annotations

import numpy as np

from structgen.kernels.fates import SURE, fate_of
from structgen.kernels.grammar_heap import (
    COLLIDES,
    NOTED,
    OFFSETS,
    ROW,
    UNKNOWN,
    accepts_at,
    base_at,
    delta_at,
    note_missing,
)
from structgen.kernels.grammar_walk import NEXT, STOP
from structgen.kernels.jit import uncounted
from structgen.kernels.part_pool import ENDS, MARKS, N_POOL, N_ROWS, NOT_YET, ROWS, SHORT, has_room, intern_set
from structgen.kernels.part_scan import note_family, note_loose, note_tokens, step_off
from structgen.kernels.part_writing import group_ends, intern_special, write_loose, write_tokens

__all__ = ["with_keywords"]


@uncounted
def is_marked(nodes, first, last, node):  # type: ignore[no-untyped-def]
    """Whether ``node`` is among the ascending ``nodes[first:last, 0]``."""
    stop = last
    while first < last:
        middle = (first + last) >> 1
        if nodes[middle, 0] < node:
            first = middle + 1
        else:
            last = middle
    return first < stop and nodes[first, 0] == node


@uncounted
def with_keywords(heap, work, trie, parts, part, first, last):  # type: ignore[no-untyped-def]
    """``part``, changed by the keywords that may be under way at the nodes and in the states ``marks[first:last]``."""
    n_families = 0
    n_tokens = 0
    n_ends = 0
    n_loose = 0
    spelled = last  # nodes that spell a keyword, or at which the lexeme forks, from here on
    for i in range(first, last):
        node, state, level = parts.marks[i, 0], parts.marks[i, 1], 0
        while level >= 0 and base_at(heap, state) != state:
            if trie.token_start[node] < trie.token_start[node + 1]:
                slot, n_families = note_family(heap, work, parts, n_families, state, False)
                n_tokens = note_tokens(trie, parts, n_tokens, slot, node)
            if accepts_at(heap, state) != accepts_at(heap, base_at(heap, state)):
                if spelled >= parts.marks.shape[0]:
                    parts.counts[SHORT] = MARKS
                    return NOT_YET
                parts.marks[spelled, 0] = node
                spelled += 1
                n_ends, n_loose = keyword_ends(heap, work, trie, parts, node, state, n_ends, n_loose)
            work[OFFSETS + level] = state
            at, stop = trie.child_start[node], trie.child_start[node + 1]
            state = 0
            while level >= 0 and state == 0:
                if at == stop:
                    level -= 1
                    at, stop = work[NEXT + level], work[STOP + level]
                    continue
                before = work[OFFSETS + level]
                byte = trie.child_byte[at]
                node = trie.child_node[at]
                at += 1
                state = delta_at(heap, before, byte)
                if state == UNKNOWN:
                    note_missing(work, ROW, before, 0)
                    state = 0
                elif state < 0:  # the lexeme goes on in several ways, each with its keywords
                    if spelled >= parts.marks.shape[0]:
                        parts.counts[SHORT] = MARKS
                        return NOT_YET
                    parts.marks[spelled, 0] = node
                    spelled += 1
                    n_ends, n_loose = step_off(heap, trie, parts, node, byte, before, state, -1, n_ends, n_loose)
                    state = 0
                elif base_at(heap, state) == state:
                    state = 0
            if level >= 0:
                work[NEXT + level] = at
                work[STOP + level] = stop
                level += 1
    if work[NOTED] != 0 or parts.counts[SHORT] != 0:
        return NOT_YET
    return merged(heap, work, trie, parts, part, last, spelled, n_families, n_tokens, n_ends, n_loose)


@uncounted
def keyword_ends(heap, work, trie, parts, node, state, n_ends, n_loose):  # type: ignore[no-untyped-def]
    """The children of ``node``, which spells a keyword, whose byte may end it."""
    for i in range(trie.child_start[node], trie.child_start[node + 1]):
        byte = trie.child_byte[i]
        code = delta_at(heap, state, byte)
        if code == UNKNOWN:
            note_missing(work, ROW, state, 0)
        elif code <= 0 or accepts_at(heap, code) < 0:
            child = trie.child_node[i]
            n_ends, n_loose = step_off(heap, trie, parts, child, byte, state, code, -1, n_ends, n_loose)
    return n_ends, n_loose


@uncounted
def merged(  # type: ignore[no-untyped-def]
    heap, work, trie, parts, part, first, last, n_families, n_tokens, n_ends, n_loose
):
    """A lexeme part as ``part``, without the ends at and behind ``marks[first:last]``, and with what was gathered."""
    pool = parts.pool
    n_ends = group_ends(trie, parts, n_ends)
    intern_special(trie, parts, n_loose)
    sparse = part + 5 + 2 * pool[part]
    at = sparse
    for _ in range(pool[part + 1]):
        at += 2 + pool[at + 1]
    first_end = at
    for i in range(pool[part + 2]):
        found = without_marked(trie, parts, pool[first_end + 3 * i + 2], first, last)
        if n_ends >= parts.ends.shape[0]:
            parts.counts[SHORT] = ENDS
        if parts.counts[SHORT] != 0:
            return NOT_YET
        if found != 0:
            parts.ends[n_ends, 0] = pool[first_end + 3 * i]
            parts.ends[n_ends, 1] = pool[first_end + 3 * i + 1]
            parts.ends[n_ends, 2] = found
            n_ends += 1
    at = first_end + 3 * pool[part + 2]
    for i in range(pool[part + 3] + pool[part + 4]):
        is_small = i < pool[part + 3]
        node = pool[at]
        if not (is_marked(parts.marks, first, last, trie.parent[node]) or is_marked(parts.marks, first, last, node)):
            n_loose = note_loose(parts, n_loose, pool[at], pool[at + 1], pool[at + 2], False)
            if parts.counts[SHORT] != 0:
                return NOT_YET
            parts.loose[n_loose - 1, 3] = 0 if is_small else pool[at + 3]
        at += 3 if is_small else 4
    size = 5 + (first_end - part) + 2 * n_families + n_tokens + 3 * n_ends + 4 * n_loose
    if parts.counts[SHORT] != 0 or not has_room(parts, size):
        return NOT_YET
    new = parts.counts[N_POOL]
    n_doubtful = doubtful_first(heap, work, parts, n_families, n_tokens)
    at = copy_families(parts, part, first_end, new, n_doubtful)
    if parts.counts[SHORT] != 0:
        return NOT_YET
    pool[new + 1] += n_families
    for slot in range(n_families):
        at = write_tokens(parts, at, n_tokens, slot, parts.families[slot])
    for i in range(n_ends):
        for k in range(3):
            pool[at + k] = parts.ends[i, k]
        at += 3
    at, n_small, n_special = write_loose(trie, parts, at, n_loose)
    pool[new + 2] = n_ends
    pool[new + 3] = n_small
    pool[new + 4] = n_special
    parts.counts[N_POOL] = at
    return new


@uncounted
def doubtful_first(heap, work, parts, n_families, n_tokens):  # type: ignore[no-untyped-def]
    """Put the tokens noted of families that may be dead ends before the others; returns how many these are."""
    n = 0
    if heap[COLLIDES] == 0:
        return n
    for slot in range(n_families):
        if fate_of(heap, work, parts.families[slot]) == SURE:
            continue
        for i in range(n, n_tokens):
            if parts.tokens[i, 0] == slot:
                for k in range(2):
                    kept = parts.tokens[n, k]
                    parts.tokens[n, k] = parts.tokens[i, k]
                    parts.tokens[i, k] = kept
                n += 1
    return n


@uncounted
def copy_families(parts, part, last, new, n_doubtful):  # type: ignore[no-untyped-def]
    """Copy a part's beginning up to ``last`` to ``new``, without the first tokens noted; returns the new end."""
    pool = parts.pool
    if n_doubtful == 0:
        for i in range(last - part):
            pool[new + i] = pool[part + i]
        return new + last - part
    for i in range(5):
        pool[new + i] = pool[part + i]
    at, to = part + 5, new + 5
    for _ in range(pool[part]):
        pool[to] = pool[at]
        pool[to + 1] = row_without(parts, pool[at + 1], n_doubtful)
        at += 2
        to += 2
    while at < last:
        n = pool[at + 1]
        count = 0
        for i in range(at + 2, at + 2 + n):
            if not is_noted(parts.tokens, n_doubtful, pool[i]):
                pool[to + 2 + count] = pool[i]
                count += 1
        pool[to] = pool[at]
        pool[to + 1] = count
        at += 2 + n
        to += 2 + count
    return to


@uncounted
def is_noted(tokens, n, token):  # type: ignore[no-untyped-def]
    """Whether ``token`` is among the first ``n``, of which there are few."""
    found = False
    for i in range(n):
        found = found or tokens[i, 1] == token
    return found


@uncounted
def row_without(parts, number, n_doubtful):  # type: ignore[no-untyped-def]
    """The number of a row like row ``number`` (see ``part_pool``), without the first tokens noted."""
    row = parts.rows[number] if number >= 0 else parts.known_rows[-1 - number]
    is_met = False
    for i in range(n_doubtful):
        token = parts.tokens[i, 1]
        is_met = is_met or row[token >> 5] >> np.uint32(token & 31) & np.uint32(1) != 0
    if not is_met:
        return number
    new = parts.counts[N_ROWS]
    if new >= parts.rows.shape[0]:
        parts.counts[SHORT] = ROWS
        return number
    for word in range(row.shape[0]):
        parts.rows[new, word] = row[word]
    for i in range(n_doubtful):
        token = parts.tokens[i, 1]
        parts.rows[new, token >> 5] &= ~(np.uint32(1) << np.uint32(token & 31))
    parts.counts[N_ROWS] = new + 1
    return new


@uncounted
def without_marked(trie, parts, nodes, first, last):  # type: ignore[no-untyped-def]
    """The set ``nodes`` without children of ``marks[first:last]``; 0 where none is left."""
    n = parts.pool[nodes]
    if not has_room(parts, n + 2):
        return NOT_YET
    at = parts.counts[N_POOL] + 2
    count = 0
    for i in range(nodes + 2, nodes + 2 + n):
        if not is_marked(parts.marks, first, last, trie.parent[parts.pool[i]]):
            parts.pool[at + count] = parts.pool[i]
            count += 1
    if count == n:
        return nodes
    return intern_set(trie, parts, count) if count > 0 else 0
