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

``part_pool`` says how they are written down, ``part_scan`` gathers what they are made of.
"""

from __future__ import annotations

from structgen.kernels.checks import check
from structgen.kernels.grammar_heap import COLLIDES, NOTED, ROW, UNKNOWN, base_at, delta_at, indent_at, note_missing
from structgen.kernels.jit import merged, uncounted
from structgen.kernels.known_parts import NOTHING, split_groups, take_known
from structgen.kernels.part_keywords import with_keywords
from structgen.kernels.part_pool import (
    ASK,
    BEGUN,
    BIG,
    BY_CALLER,
    FAMILIES,
    HEAVY,
    KNOWN_LOOKED_AT,
    LARGE,
    LOOKED_AT,
    MARKS,
    N_POOL,
    NOT_YET,
    SHORT,
    TOKENS,
    UNDER_WAY,
    UNKNOWN_BEFORE,
    enter,
    find_part,
    has_room,
    intern_set,
    want,
)
from structgen.kernels.part_scan import fork_has_newline, note_loose
from structgen.kernels.part_writing import add_lexeme

__all__ = ["build_groups", "lexeme_part", "start_part"]


@uncounted
def reads_much(heap, work, trie, state, least):  # type: ignore[no-untyped-def]
    """Whether ``state`` leads into loops by bytes with at least ``least`` trie nodes behind them in all."""
    total = 0
    for i in range(trie.child_start[0], trie.child_start[1]):
        byte = trie.child_byte[i]
        code = delta_at(heap, state, byte)
        if code == UNKNOWN:
            note_missing(work, ROW, state, 0)
            return False
        if code > 0:
            again = delta_at(heap, code, byte)
            if again == UNKNOWN:
                note_missing(work, ROW, code, 0)
            elif again == code:
                child = trie.child_node[i]
                total += trie.subtree_end[child] - child
    return total >= least


@merged
def lexeme_part(heap, work, trie, parts, name, state):  # type: ignore[no-untyped-def]
    """The part of lexemes that began at set ``name``, or are under way at node n (``-1 - n``); or ``NOT_YET``."""
    part = find_part(parts.names, name, state, 0)
    if part != 0:
        return part
    base = base_at(heap, state)
    part = lexeme_part_of_base(heap, work, trie, parts, name, base)
    if base == state or part == NOT_YET:
        return part
    parts.marks[0, 0] = -1 - name  # keywords are told apart only in lexemes under way, at one node
    parts.marks[0, 1] = state
    part = with_keywords(heap, work, trie, parts, part, 0, 1)
    return part if part == NOT_YET else enter(parts, name, state, 0, part)


@merged
def lexeme_part_of_base(heap, work, trie, parts, name, state):  # type: ignore[no-untyped-def]
    """``lexeme_part`` of a state without keywords; large ones are left to the caller."""
    part = find_part(parts.names, name, state, 0)
    if part != 0:
        return part
    total = parts.pool[name + 1] if name >= 0 else trie.subtree_end[-1 - name] - (-1 - name)
    looked = parts.loops[state, 0] if state < parts.loops.shape[0] else ASK
    if looked != LOOKED_AT and looked != UNKNOWN_BEFORE and total >= parts.counts[LARGE]:
        if looked == BY_CALLER:
            want(parts, name, state, 0)
            return NOT_YET
        part = take_known(heap, work, trie, parts, name, state)
        if part != NOTHING:
            return part if part == NOT_YET else enter(parts, name, state, 0, part)
    is_large = total >= parts.counts[BIG]
    if is_large:
        is_large = reads_much(heap, work, trie, state, parts.counts[BIG])
        if work[NOTED] != 0:
            return NOT_YET
        if is_large and looked != LOOKED_AT and looked != KNOWN_LOOKED_AT:
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
    part = NOT_YET
    for _ in range(2):
        part = add_lexeme(heap, work, trie, parts, parts.pool, at, n, state, mode, is_large, parts.rows[0])
        if parts.counts[SHORT] != TOKENS or is_large:
            break
        parts.counts[SHORT] = 0  # more tokens than a list should have
        is_large = True
    return part if part == NOT_YET else enter(parts, name, state, 0, part)


@merged
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
    if work[NOTED] != 0 or parts.counts[SHORT] != 0:
        return NOT_YET
    n_groups = split_groups(trie, parts, n_groups, n_kids)
    if parts.counts[SHORT] != 0:
        return NOT_YET
    return write_start(parts, nodes, code, n_groups, n_kids, n_light)


@merged
def write_start(parts, nodes, code, n_groups, n_kids, n_light):  # type: ignore[no-untyped-def]
    """Write a start part: children are in ``marks``, forks in ``loose``, the groups' states in ``families``.

    None of the groups' own parts is there yet: ``build_groups`` finds here what they are made of.
    """
    if not has_room(parts, 4 + 2 * n_groups + 2 * n_light + 3 * n_kids):
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
    for group in range(n_groups):
        pool[part + 3 + group] = 0
        pool[at + 1 + group] = parts.families[group]
    pool[at] = n_kids
    kids = at + 1 + n_groups
    for i in range(n_kids):
        group = parts.marks[i, 2]
        if parts.marks[i, 1] != parts.families[group]:
            pool[at + 1 + group] = -parts.families[group]
        for k in range(3):
            pool[kids + 3 * i + k] = parts.marks[i, k]
    parts.counts[N_POOL] = kids + 3 * n_kids
    return enter(parts, nodes, code, 1, part)


@merged
def is_missing(heap, work, pool, part, group, cell, register):  # type: ignore[no-untyped-def]
    """Whether the part of a start part's group is not there, and may fit the stack at ``cell``.

    A parser state's context holds terminals that some of its stacks take, and this one may not: behind a value of
    JSON both brackets. What a lexeme can become later it can become where it begins, unless there are keywords or
    newlines, or lexemes collide.
    """
    if pool[part + 3 + group] != 0:
        return False
    base = pool[part + 4 + pool[part] + 2 * (pool[part + 1] + pool[part + 2]) + group]
    if base < 0 or heap[COLLIDES] != 0 or indent_at(heap, 0) >= 0:
        return True
    return check(heap, work, cell, base, register, -1)


@merged
def build_groups(heap, work, trie, parts, part, cell, register):  # type: ignore[no-untyped-def]
    """Build what is missing (see above) of a start part; False where that is not possible yet."""
    pool = parts.pool
    n_groups = pool[part]
    at = part + 3 + n_groups + 2 * (pool[part + 1] + pool[part + 2])
    ready = True
    for group in range(n_groups):
        if is_missing(heap, work, pool, part, group, cell, register):
            base = abs(pool[at + 1 + group])
            found = group_part(heap, work, trie, parts, at + 1 + n_groups, pool[at], group, base)
            if parts.counts[SHORT] != 0:
                return False
            if found == NOT_YET:
                ready = False
            else:
                pool[part + 3 + group] = found
    return ready


@merged
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
