"""Parts of a grammar's masks: what tokens do inside one lexeme, whatever the stack.

A *set* is a list of trie nodes at which the same has happened. A *lexeme part* says, for a set
of nodes at which a lexeme is in some lexer state: which tokens stay inside the lexeme, by the
set of terminals it can still become, and for each terminal as which it can end, the set of
nodes whose byte is the first behind it. A *start part* names the lexeme parts that begin
where the bytes of a set are read from the start state of some context. So a mask is a walk
over sets with the parser alone: one shift per set, where the trie has one node per token.
(Walking the trie with the parser took 2,084 nodes a mask under a grammar like C's and 842
under one of SQL; of sets it takes 376 and 35. The same idea for whole sequences of terminals,
worked out before the first text: Park, Zhou, D'Antoni 2025, "Flexible and Efficient
Grammar-Constrained Decoding". Sets here arise as they are met, so nothing is paid for
contexts that no text visits.)

All lie in one int32 ``pool``, named by their offsets:

    set      n, trie nodes below them in all, node ..
    lexeme   n_dense, n_sparse, n_ends, n_loose, n_special,
             (state, row) .., (state, n, token ..) .., (terminal, column, set) ..,
             (node, state before, column) .., (node, state before or fork, column, set) ..
    start    n_parts, n_light, n_forked, part .., (node, fork) .., (node, fork) ..

*Loose* places are few nodes behind which a lexeme may go on or may have ended, or goes on in
several ways: they are walked with the parser. *Special* ones are the same with much behind
them. A *column* (for newlines under indentation) is -1 for none, from 0 on counted from a
line's beginning, and ``-2 - n`` for n more than where the part's lexeme was.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from structgen.dtypes import ByteArray, IntArray, TokenMask
from structgen.kernels.grammar_walk import LEVELS, path_column, set_tokens
from structgen.kernels.jit import uncounted
from structgen.kernels.pushdown import (
    ALL_ENDS,
    N_MISSING,
    OFFSETS,
    ROW,
    UNKNOWN,
    accepts_at,
    base_at,
    delta_at,
    ended_at,
    ending_start_at,
    ending_terminal_at,
    family_at,
    fork_start_at,
    fork_state_at,
    has_newline,
    indent_at,
    note_missing,
)

__all__ = [
    "BEGUN",
    "BIG",
    "HEAVY",
    "LEAVING",
    "N_NAMES",
    "N_POOL",
    "N_ROWS",
    "N_SETS",
    "N_WANTED",
    "SHORT",
    "UNDER_WAY",
    "PartTables",
    "add_lexeme",
    "add_tail",
    "clear_tokens",
    "find_part",
    "insert_part",
    "insert_set",
    "intern_set",
    "lexeme_part",
    "start_part",
]

N_POOL, N_NAMES, N_SETS, N_ROWS, N_WANTED, SHORT, HEAVY, BIG = range(8)
"""Places in ``counts``: lengths in use, what has too little room, and limits in trie nodes."""
POOL, NAMES, SETS, ROWS, FAMILIES, TOKENS, ENDS, LOOSE, MARKS = range(1, 10)
"""Values of ``counts[SHORT]``; 0 where nothing is short."""
UNDER_WAY, BEGUN, LEAVING = 0, 1, 2
"""What a set's nodes are: where the lexeme goes on, behind its first byte, or where its loop ends."""
NOT_YET = -1
"""No part: something was missing, and is noted."""


class PartTables(NamedTuple):
    """The store, and room to work in; see ``masks.lexeme_parts``."""

    pool: IntArray
    names: IntArray
    """(N, 4) int32, N a power of 2: names of three numbers and the part's offset, 0 where free."""
    sets: IntArray
    """(N,) int32, N a power of 2: offsets of sets by hash, 0 where free."""
    rows: TokenMask
    counts: IntArray
    wanted: IntArray
    """(N, 3) int32: names of the parts that the caller is to build."""
    follows: ByteArray
    """(T, 256) uint8: bytes that may follow a terminal."""
    families: IntArray
    tokens: IntArray
    """(N, 2) int32: place in ``families``, token."""
    ends: IntArray
    """(N, 4) int32: terminal, column, node (later: set), whether it is grouped."""
    loose: IntArray
    """(N, 4) int32: node, state, column, whether much is behind it."""
    marks: IntArray
    """(N, 3) int32: a node, lexer state, group."""


@uncounted
def part_hash(one, two, three, size):  # type: ignore[no-untyped-def]
    return (np.int64(one) * 1000003 + np.int64(two) * 7919 + np.int64(three) * 104729) & (size - 1)


@uncounted
def find_part(names, one, two, three):  # type: ignore[no-untyped-def]
    """The pool offset kept under a name of three numbers; 0 where there is none."""
    size = names.shape[0]
    slot = part_hash(one, two, three, size)
    while names[slot, 3] != 0:
        if names[slot, 0] == one and names[slot, 1] == two and names[slot, 2] == three:
            return names[slot, 3]
        slot = (slot + 1) & (size - 1)
    return 0


@uncounted
def insert_part(names, one, two, three, offset):  # type: ignore[no-untyped-def]
    """Enter ``offset`` into ``names``, which must not be full."""
    size = names.shape[0]
    slot = part_hash(one, two, three, size)
    while names[slot, 3] != 0:
        slot = (slot + 1) & (size - 1)
    names[slot, 0] = one
    names[slot, 1] = two
    names[slot, 2] = three
    names[slot, 3] = offset


@uncounted
def enter(parts, one, two, three, offset):  # type: ignore[no-untyped-def]
    """Keep a part under its name; returns it, or ``NOT_YET`` where there are too many."""
    if 2 * (parts.counts[N_NAMES] + 1) > parts.names.shape[0]:
        parts.counts[SHORT] = NAMES
        return NOT_YET
    insert_part(parts.names, one, two, three, offset)
    parts.counts[N_NAMES] += 1
    return offset


@uncounted
def want(parts, one, two, three):  # type: ignore[no-untyped-def]
    """Ask the caller for a part."""
    n = parts.counts[N_WANTED]
    for i in range(n):
        if parts.wanted[i, 0] == one and parts.wanted[i, 1] == two and parts.wanted[i, 2] == three:
            return
    if n < parts.wanted.shape[0]:
        parts.wanted[n, 0] = one
        parts.wanted[n, 1] = two
        parts.wanted[n, 2] = three
        parts.counts[N_WANTED] = n + 1


@uncounted
def set_slot(pool, sets, at, n):  # type: ignore[no-untyped-def]
    """The slot of a set equal to the ``n`` nodes from ``pool[at]`` on, or the free one for it."""
    code = np.int64(n)
    for i in range(at, at + n):
        code = (code * 1000003 + pool[i]) & 0x7FFFFFFFFFFF
    size = sets.shape[0]
    slot = (code ^ (code >> 17)) & (size - 1)
    while sets[slot] != 0:
        known = sets[slot]
        if pool[known] == n:
            same = True
            for i in range(n):
                if pool[known + 2 + i] != pool[at + i]:
                    same = False
                    break
            if same:
                return slot
        slot = (slot + 1) & (size - 1)
    return slot


@uncounted
def insert_set(pool, sets, offset):  # type: ignore[no-untyped-def]
    """Enter the set at ``offset`` into ``sets`` (after these were enlarged)."""
    sets[set_slot(pool, sets, offset + 2, pool[offset])] = offset


@uncounted
def intern_set(trie, parts, n):  # type: ignore[no-untyped-def]
    """The set of the ``n`` nodes that lie behind two free places at the pool's end."""
    at = parts.counts[N_POOL]
    if 2 * (parts.counts[N_SETS] + 1) > parts.sets.shape[0]:
        parts.counts[SHORT] = SETS
        return NOT_YET
    slot = set_slot(parts.pool, parts.sets, at + 2, n)
    if parts.sets[slot] != 0:
        return parts.sets[slot]
    total = 0
    for i in range(at + 2, at + 2 + n):
        total += trie.subtree_end[parts.pool[i]] - parts.pool[i]
    parts.pool[at] = n
    parts.pool[at + 1] = total
    parts.sets[slot] = at
    parts.counts[N_SETS] += 1
    parts.counts[N_POOL] = at + 2 + n
    return at


@uncounted
def has_room(parts, n):  # type: ignore[no-untyped-def]
    """Whether the pool takes ``n`` more numbers; notes it where not."""
    if parts.counts[N_POOL] + n > parts.pool.shape[0]:
        parts.counts[SHORT] = POOL
        return False
    return True


@uncounted
def family_slot(heap, families, n_families, state):  # type: ignore[no-untyped-def]
    """The place of a state with the same family; of the same state where newlines are counted in columns."""
    family = family_at(heap, state)
    exact = has_newline(heap, state)
    for slot in range(n_families):
        if families[slot] == state or (not exact and family_at(heap, families[slot]) == family):
            return slot
    return n_families


@uncounted
def column_on(heap, state, column, byte):  # type: ignore[no-untyped-def]
    """The column (see above) after ``byte`` led to ``state``."""
    if indent_at(heap, 0) < 0 or not has_newline(heap, state):
        return -1
    if byte == 10:
        return 0
    wide = 0
    if byte == 32:
        wide = 1
    elif byte == 9:
        wide = indent_at(heap, 3)
    if column == -1:
        return -1
    return column + wide if column >= 0 else column - wide


@uncounted
def fork_has_newline(heap, code):  # type: ignore[no-untyped-def]
    """Whether a state, or one of a fork's, may become a newline whose column counts."""
    if indent_at(heap, 0) < 0:
        return False
    if code >= 0:
        return has_newline(heap, code)
    fork = -2 - code
    for i in range(fork_start_at(heap, fork), fork_start_at(heap, fork + 1)):
        if has_newline(heap, fork_state_at(heap, i)):
            return True
    return False


@uncounted
def note_end(parts, n, terminal, column, node):  # type: ignore[no-untyped-def]
    if n >= parts.ends.shape[0]:
        parts.counts[SHORT] = ENDS
        return n
    parts.ends[n, 0] = terminal
    parts.ends[n, 1] = column
    parts.ends[n, 2] = node
    parts.ends[n, 3] = 0
    return n + 1


@uncounted
def note_loose(parts, n, node, state, column, is_big):  # type: ignore[no-untyped-def]
    if n >= parts.loose.shape[0]:
        parts.counts[SHORT] = LOOSE
        return n
    parts.loose[n, 0] = node
    parts.loose[n, 1] = state
    parts.loose[n, 2] = column
    parts.loose[n, 3] = 1 if is_big else 0
    return n + 1


@uncounted
def note_tokens(trie, parts, n, slot, node):  # type: ignore[no-untyped-def]
    for i in range(trie.token_start[node], trie.token_start[node + 1]):
        if n >= parts.tokens.shape[0]:
            parts.counts[SHORT] = TOKENS
            return n
        parts.tokens[n, 0] = slot
        parts.tokens[n, 1] = trie.token_ids[i]
        n += 1
    return n


@uncounted
def note_family(heap, parts, n_families, state, is_dense):  # type: ignore[no-untyped-def]
    """(place of the state's family, number of families); a new one gets an empty row where rows are dense."""
    slot = family_slot(heap, parts.families, n_families, state)
    if slot < n_families:
        return slot, n_families
    row = parts.counts[N_ROWS] + slot
    if slot >= parts.families.shape[0]:
        parts.counts[SHORT] = FAMILIES
        return 0, n_families
    if is_dense and row >= parts.rows.shape[0]:
        parts.counts[SHORT] = ROWS
        return 0, n_families
    parts.families[slot] = state
    if is_dense:
        for word in range(parts.rows.shape[1]):
            parts.rows[row, word] = 0
    return slot, n_families + 1


@uncounted
def step_off(heap, trie, parts, node, before, code, column, n_ends, n_loose):  # type: ignore[no-untyped-def]
    """What reading ``node``'s byte from ``before``, to ``code``, means for the lexeme's end; returns (ends, loose)."""
    byte = trie.byte[node]
    ended = ended_at(heap, before, byte)
    if heap[ALL_ENDS] != 0 and ended <= -2:
        for i in range(ending_start_at(heap, -2 - ended), ending_start_at(heap, -1 - ended)):
            if parts.follows[ending_terminal_at(heap, i), byte] != 0:
                n_ends = note_end(parts, n_ends, ending_terminal_at(heap, i), column, node)
        return n_ends, n_loose
    ends = ended <= -2 or (ended >= 0 and parts.follows[ended, byte] != 0)
    if ended >= 0 and (code == 0 or heap[ALL_ENDS] != 0):
        if ends:
            n_ends = note_end(parts, n_ends, ended, column, node)
        return n_ends, n_loose
    is_big = trie.subtree_end[node] - node >= parts.counts[HEAVY] and not fork_has_newline(heap, code)
    if not is_big:
        if ends or code < 0:
            n_loose = note_loose(parts, n_loose, node, before, column, False)
        return n_ends, n_loose
    if code < 0:
        n_loose = note_loose(parts, n_loose, node, code, column, True)
    if ends:
        n_loose = note_loose(parts, n_loose, node, before, column, True)
    return n_ends, n_loose


@uncounted
def scan(  # type: ignore[no-untyped-def]
    heap, work, trie, parts, nodes, at, n_nodes, first, mode, is_dense, n_families, n_ends, n_loose
):
    """Walk below ``nodes[at:at + n_nodes]`` with the lexer alone, from state ``first``; ``mode`` says what they are.

    Adds to ``families``, ``ends`` and ``loose``, which are as long as given, and to dense rows or
    ``tokens``; returns the lengths of families, tokens, ends and loose.
    """
    n_tokens = 0
    for i in range(at, at + n_nodes):
        root = nodes[i]
        base = trie.depth[root]
        column = -1
        if indent_at(heap, 0) >= 0 and has_newline(heap, first):
            if mode == UNDER_WAY:
                column = -2
            elif mode == LEAVING:  # from the trie's root, where the lexeme was under way
                wide = path_column(heap, trie, 0, trie.parent[root], MORE)
                column = -2 - (wide - MORE) if wide >= MORE else wide
            elif trie.byte[root] == 10:
                column = 0
        work[OFFSETS] = first
        work[OFFSETS + LEVELS] = column
        if mode == LEAVING:
            base -= 1
        node = root
        stop = trie.subtree_end[root]
        while node < stop:
            level = trie.depth[node] - base
            if level > 0:
                before = work[OFFSETS + level - 1]
                code = delta_at(heap, before, trie.byte[node])
                if code == UNKNOWN:
                    note_missing(work, ROW, before, 0)
                    node = trie.subtree_end[node]
                    continue
                column = work[OFFSETS + level - 1 + LEVELS]
                may_end = accepts_at(heap, before) != -1 and (accepts_at(heap, max(code, 0)) < 0 or heap[ALL_ENDS] != 0)
                if code <= 0 or may_end:
                    n_ends, n_loose = step_off(heap, trie, parts, node, before, code, column, n_ends, n_loose)
                    if code <= 0:
                        node = trie.subtree_end[node]
                        continue
                work[OFFSETS + level] = code
                work[OFFSETS + level + LEVELS] = column_on(heap, code, column, trie.byte[node])
            if trie.token_start[node] < trie.token_start[node + 1]:
                slot, n_families = note_family(heap, parts, n_families, work[OFFSETS + level], is_dense)
                if parts.counts[SHORT] != 0:
                    return n_families, n_tokens, n_ends, n_loose
                if is_dense:
                    row = parts.rows[parts.counts[N_ROWS] + slot]
                    set_tokens(row, trie.token_start, trie.token_ids, node, node + 1)
                else:
                    n_tokens = note_tokens(trie, parts, n_tokens, slot, node)
            node += 1
    return n_families, n_tokens, n_ends, n_loose


MOST_SPARSE = 1000
"""Tokens from which they are a row of bits rather than a list."""
MORE = 1 << 20
"""A column that no line reaches: what is counted from there is counted from where the lexeme was."""


@uncounted
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


@uncounted
def write_lexeme(trie, parts, n_families, n_tokens, n_ends, n_loose, is_dense):  # type: ignore[no-untyped-def]
    """Write a lexeme part from what was gathered; returns it, or ``NOT_YET`` where room is short."""
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
            parts.pool[at + 1] = parts.counts[N_ROWS] + slot
            at += 2
        else:
            at = write_tokens(parts, at, n_tokens, slot, parts.families[slot])
    if is_dense:
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
        _, n_families = note_family(heap, parts, 0, first, True)
        if parts.counts[SHORT] != 0:
            return NOT_YET
        for word in range(run.shape[0]):
            parts.rows[parts.counts[N_ROWS], word] = run[word]
    n_families, n_tokens, n_ends, n_loose = scan(
        heap, work, trie, parts, nodes, at, n_nodes, first, mode, is_dense, n_families, 0, 0
    )
    if work[N_MISSING] > 0 or parts.counts[SHORT] != 0:
        return NOT_YET
    if not is_dense and n_tokens > MOST_SPARSE:
        parts.counts[SHORT] = TOKENS
        return NOT_YET
    return write_lexeme(trie, parts, n_families, n_tokens, n_ends, n_loose, is_dense)


@uncounted
def add_tail(heap, work, trie, parts, exits, loop, run, others, first):  # type: ignore[no-untyped-def]
    """The part of lexemes that go on from ``first``, mostly into the state ``loop``, or ``NOT_YET``.

    ``run`` are the tokens that stay in the loop after a first byte that leads there, ``exits`` the
    nodes by which others leave it, and ``others`` the nodes of the other first bytes.
    """
    _, n_families = note_family(heap, parts, 0, loop, True)
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
    if work[N_MISSING] > 0 or parts.counts[SHORT] != 0:
        return NOT_YET
    return write_lexeme(trie, parts, n_families, n_tokens, n_ends, n_loose, True)


@uncounted
def clear_tokens(trie, nodes, row):  # type: ignore[no-untyped-def]
    """Take the tokens at and below ``nodes`` out of ``row``."""
    for i in range(nodes.shape[0]):
        for j in range(trie.token_start[nodes[i]], trie.token_start[trie.subtree_end[nodes[i]]]):
            token = trie.token_ids[j]
            row[token >> 5] &= ~(np.uint32(1) << np.uint32(token & 31))


@uncounted
def reads_much(heap, work, trie, state, least):  # type: ignore[no-untyped-def]
    """Whether ``state`` leads into loops by bytes with at least ``least`` trie nodes behind them in all."""
    total = 0
    child = 1
    while child < trie.byte.shape[0]:
        code = delta_at(heap, state, trie.byte[child])
        if code == UNKNOWN:
            note_missing(work, ROW, state, 0)
            return False
        if code > 0:
            again = delta_at(heap, code, trie.byte[child])
            if again == UNKNOWN:
                note_missing(work, ROW, code, 0)
            elif again == code:
                total += trie.subtree_end[child] - child
        child = trie.subtree_end[child]
    return total >= least


@uncounted
def lexeme_part(heap, work, trie, parts, name, state):  # type: ignore[no-untyped-def]
    """The part of lexemes that began at set ``name``, or are under way at node n (``-1 - n``); or ``NOT_YET``."""
    part = find_part(parts.names, name, state, 0)
    if part != 0:
        return part
    base = base_at(heap, state)
    if base != state:
        part = lexeme_part_of_base(heap, work, trie, parts, name, base)
        if part == NOT_YET:
            return NOT_YET
        parts.marks[0, 0] = -1 - name  # keywords are told apart only in lexemes under way, at one node
        parts.marks[0, 1] = state
        part = with_keywords(heap, work, trie, parts, part, 0, 1)
        return part if part == NOT_YET else enter(parts, name, state, 0, part)
    return lexeme_part_of_base(heap, work, trie, parts, name, state)


@uncounted
def lexeme_part_of_base(heap, work, trie, parts, name, state):  # type: ignore[no-untyped-def]
    """``lexeme_part`` of a state without keywords; large ones are left to the caller."""
    part = find_part(parts.names, name, state, 0)
    if part != 0:
        return part
    total = parts.pool[name + 1] if name >= 0 else trie.subtree_end[-1 - name] - (-1 - name)
    if total >= parts.counts[BIG]:
        loops = reads_much(heap, work, trie, state, max(parts.counts[BIG], trie.byte.shape[0] >> 3))
        if work[N_MISSING] > 0:
            return NOT_YET
        if loops:
            want(parts, name, state, 0)
            return NOT_YET
    at = name + 2
    n = 1
    mode = UNDER_WAY
    if name >= 0:
        n = parts.pool[name]
        mode = BEGUN
    else:
        if not has_room(parts, 1):
            return NOT_YET
        at = parts.counts[N_POOL]
        parts.counts[N_POOL] = at + 1
        parts.pool[at] = -1 - name
    part = add_lexeme(heap, work, trie, parts, parts.pool, at, n, state, mode, False, parts.rows[0])
    if parts.counts[SHORT] == TOKENS:  # more tokens than a list should have
        parts.counts[SHORT] = 0
        part = add_lexeme(heap, work, trie, parts, parts.pool, at, n, state, mode, True, parts.rows[0])
    return part if part == NOT_YET else enter(parts, name, state, 0, part)


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
        root = parts.marks[i, 0]
        level_of_root = trie.depth[root]
        node = root
        stop = trie.subtree_end[root]
        while node < stop:
            level = trie.depth[node] - level_of_root
            state = parts.marks[i, 1]
            if level > 0:
                before = work[OFFSETS + level - 1]
                state = delta_at(heap, before, trie.byte[node])
                if state == UNKNOWN:
                    note_missing(work, ROW, before, 0)
                elif state < 0:  # the lexeme goes on in several ways, each with its keywords
                    if spelled >= parts.marks.shape[0]:
                        parts.counts[SHORT] = MARKS
                        return NOT_YET
                    parts.marks[spelled, 0] = node
                    spelled += 1
                    n_ends, n_loose = step_off(heap, trie, parts, node, before, state, -1, n_ends, n_loose)
            if state <= 0 or base_at(heap, state) == state:
                node = trie.subtree_end[node]
                continue
            work[OFFSETS + level] = state
            if trie.token_start[node] < trie.token_start[node + 1]:
                slot, n_families = note_family(heap, parts, n_families, state, False)
                n_tokens = note_tokens(trie, parts, n_tokens, slot, node)
            if accepts_at(heap, state) != accepts_at(heap, base_at(heap, state)):
                if spelled >= parts.marks.shape[0]:
                    parts.counts[SHORT] = MARKS
                    return NOT_YET
                parts.marks[spelled, 0] = node
                spelled += 1
                n_ends, n_loose = keyword_ends(heap, work, trie, parts, node, state, n_ends, n_loose)
            node += 1
    if work[N_MISSING] > 0 or parts.counts[SHORT] != 0:
        return NOT_YET
    return merged(trie, parts, part, last, spelled, n_families, n_tokens, n_ends, n_loose)


@uncounted
def keyword_ends(heap, work, trie, parts, node, state, n_ends, n_loose):  # type: ignore[no-untyped-def]
    """The children of ``node``, which spells a keyword, whose byte may end it."""
    child = node + 1
    while child < trie.subtree_end[node]:
        code = delta_at(heap, state, trie.byte[child])
        if code == UNKNOWN:
            note_missing(work, ROW, state, 0)
        elif code <= 0 or accepts_at(heap, code) < 0:
            n_ends, n_loose = step_off(heap, trie, parts, child, state, code, -1, n_ends, n_loose)
        child = trie.subtree_end[child]
    return n_ends, n_loose


@uncounted
def merged(trie, parts, part, first, last, n_families, n_tokens, n_ends, n_loose):  # type: ignore[no-untyped-def]
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
    for i in range(first_end - part):
        pool[new + i] = pool[part + i]
    pool[new + 1] += n_families
    at = new + (first_end - part)
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


@uncounted
def start_part(heap, work, trie, parts, nodes, code):  # type: ignore[no-untyped-def]
    """What begins where the bytes of set ``nodes`` are read from start state ``code``; or ``NOT_YET``."""
    part = find_part(parts.names, nodes, code, 1)
    if part != 0:
        return part
    n_groups = 0
    n_kids = 0
    n_light = 0
    for i in range(nodes + 2, nodes + 2 + parts.pool[nodes]):
        node = parts.pool[i]
        after = delta_at(heap, code, trie.byte[node])
        if after == UNKNOWN:
            note_missing(work, ROW, code, 0)
        elif after < 0:
            is_big = trie.subtree_end[node] - node >= parts.counts[HEAVY] and not fork_has_newline(heap, after)
            n_light = note_loose(parts, n_light, node, after, -1, is_big)
        elif after > 0:
            if n_kids >= parts.marks.shape[0]:
                parts.counts[SHORT] = MARKS
                return NOT_YET
            base = base_at(heap, after)
            group = 0
            while group < n_groups and parts.families[group] != base:
                group += 1
            if group == n_groups:
                if group >= parts.families.shape[0]:
                    parts.counts[SHORT] = FAMILIES
                    return NOT_YET
                parts.families[group] = base
                n_groups += 1
            parts.marks[n_kids, 0] = node
            parts.marks[n_kids, 1] = after
            parts.marks[n_kids, 2] = group
            n_kids += 1
    if work[N_MISSING] > 0 or parts.counts[SHORT] != 0:
        return NOT_YET
    return write_start(heap, work, trie, parts, nodes, code, n_groups, n_kids, n_light)


@uncounted
def write_start(heap, work, trie, parts, nodes, code, n_groups, n_kids, n_light):  # type: ignore[no-untyped-def]
    """Write a start part: children are in ``marks``, forks in ``loose``, the groups' states in ``families``.

    These are used again while the groups' own parts are built, so all goes to the pool first.
    """
    size = 3 + n_groups + 2 * n_light
    held = 1 + n_groups + 3 * n_kids
    if not has_room(parts, size + held):
        return NOT_YET
    pool = parts.pool
    part = parts.counts[N_POOL]
    at = part + 3 + n_groups
    n_big = 0
    for big in range(2):
        for i in range(n_light):
            if parts.loose[i, 3] == big:
                pool[at] = parts.loose[i, 0]
                pool[at + 1] = parts.loose[i, 1]
                at += 2
                n_big += big
    pool[part] = n_groups
    pool[part + 1] = n_light - n_big
    pool[part + 2] = n_big
    bases = at
    for group in range(n_groups):
        pool[bases + group] = parts.families[group]
    kids = bases + n_groups
    for i in range(n_kids):
        for k in range(3):
            pool[kids + 3 * i + k] = parts.marks[i, k]
    parts.counts[N_POOL] = kids + 3 * n_kids
    ready = True
    for group in range(n_groups):
        found = group_part(heap, work, trie, parts, kids, n_kids, group, pool[bases + group])
        if parts.counts[SHORT] != 0:
            return NOT_YET
        if found == NOT_YET:
            ready = False
        pool[part + 3 + group] = found
    return enter(parts, nodes, code, 1, part) if ready else NOT_YET


@uncounted
def group_part(heap, work, trie, parts, kids, n_kids, group, base):  # type: ignore[no-untyped-def]
    """The lexeme part of those ``n_kids`` children, (node, state, group), that belong to ``group``; or ``NOT_YET``."""
    if not has_room(parts, n_kids + 2):
        return NOT_YET
    pool = parts.pool
    at = parts.counts[N_POOL] + 2
    count = 0
    for i in range(n_kids):
        if pool[kids + 3 * i + 2] == group:
            pool[at + count] = pool[kids + 3 * i]
            count += 1
    nodes = intern_set(trie, parts, count)
    if nodes == NOT_YET:
        return NOT_YET
    part = lexeme_part_of_base(heap, work, trie, parts, nodes, base)
    if part == NOT_YET:
        return NOT_YET
    n_marks = 0
    for i in range(n_kids):
        if pool[kids + 3 * i + 2] == group and pool[kids + 3 * i + 1] != base:
            parts.marks[n_marks, 0] = pool[kids + 3 * i]
            parts.marks[n_marks, 1] = pool[kids + 3 * i + 1]
            n_marks += 1
    if n_marks == 0:
        return part
    return with_keywords(heap, work, trie, parts, part, 0, n_marks)
