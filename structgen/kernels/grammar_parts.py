"""Parts of a grammar's masks: what the tokens below some trie nodes do inside one lexeme.

A part holds for every stack. It has rows of tokens that stay inside the lexeme, by the set of
terminals it can become; *light* places where it ends and little follows; *big* ones, behind
which the parts of the next lexeme serve. All parts lie in one int32 ``pool``; a part's name
is its offset. A lexeme part is

    root, n_rows, n_light, n_big, (lexer state, row) .., (node, lexer state) .., (node, lexer state) ..

(a big end's node is negative where the lexeme may also go on: then its lexer state is the
one before the node, or it is a fork) and a start part, for lexemes that begin below one node,

    n_groups, n_keywords, n_light, n_forked, part .., (node, lexer state) .., (node, code) .., (node, fork) ..
"""

from __future__ import annotations

import numpy as np

from structgen.kernels.grammar_walk import LEVELS, ends_heavy, set_tokens
from structgen.kernels.jit import uncounted
from structgen.kernels.pushdown import (
    OFFSETS,
    ROW,
    UNKNOWN,
    accepts_at,
    base_at,
    delta_at,
    family_at,
    fork_start_at,
    fork_state_at,
    has_newline,
    indent_at,
    note_missing,
)

__all__ = ["build_lexeme", "find_part", "group_children", "insert_part"]


@uncounted
def part_hash(one, two, three, size):  # type: ignore[no-untyped-def]
    return (np.int64(one) * 1000003 + np.int64(two) * 7919 + np.int64(three) * 104729) & (size - 1)


@uncounted
def find_part(index, one, two, three):  # type: ignore[no-untyped-def]
    """The pool offset kept under a name of three numbers; 0 where there is none. ``index`` (N, 4), N a power of 2."""
    size = index.shape[0]
    slot = part_hash(one, two, three, size)
    while index[slot, 3] != 0:
        if index[slot, 0] == one and index[slot, 1] == two and index[slot, 2] == three:
            return index[slot, 3]
        slot = (slot + 1) & (size - 1)
    return 0


@uncounted
def insert_part(index, one, two, three, offset):  # type: ignore[no-untyped-def]
    """Enter ``offset`` into ``index``, which must not be full."""
    size = index.shape[0]
    slot = part_hash(one, two, three, size)
    while index[slot, 3] != 0:
        slot = (slot + 1) & (size - 1)
    index[slot, 0] = one
    index[slot, 1] = two
    index[slot, 2] = three
    index[slot, 3] = offset


@uncounted
def find_slot(heap, families, n_families, state):  # type: ignore[no-untyped-def]
    """The place of a state with the same family; of the same state where newlines are counted in columns."""
    family = family_at(heap, state)
    exact = has_newline(heap, state)
    for slot in range(n_families):
        if families[slot] == state or (not exact and family_at(heap, families[slot]) == family):
            return slot
    return n_families


@uncounted
def is_first_end(heap, trie, parent, node, state):  # type: ignore[no-untyped-def]
    """Whether ``node`` is the first child of ``parent`` whose byte ``state`` cannot read."""
    child = parent + 1
    while child < node:
        if delta_at(heap, state, trie.byte[child]) == 0:
            return False
        child = trie.subtree_end[child]
    return True


@uncounted
def scan_lexeme(  # type: ignore[no-untyped-def]
    heap, work, trie, nodes, first, fresh, firsts, heavy, n_families, families, rows, n_rows, light, big
):
    """The tokens below ``nodes`` that stay in the lexeme, and where it can end.

    With ``fresh`` 0, each of ``nodes`` has just been read, leading to lexer state ``first`` (the
    root for a lexeme under way); with 1 its byte is still to be read, from ``first``.
    ``rows[n_rows + j]`` gets the tokens whose lexeme can still become the terminals that it can
    in state ``families[j]``, of which there are ``n_families`` already. ``light`` gets (node,
    state before it) for steps that end the lexeme, where ``firsts`` (256,) has their byte;
    ``big`` (node, state at it) for heavy ends, (-node, state before it) for a heavy node that may
    go on with the lexeme or begin the next, and (-node, fork) for one that goes on in several
    ways. Returns the numbers of families, light and big entries; -1 where an array is full.
    """
    n_light = 0
    n_big = 0
    for i in range(nodes.shape[0]):
        root = nodes[i]
        base = trie.depth[root] - fresh
        work[OFFSETS + 0] = first
        if fresh:
            parent = trie.parent[root]
            is_big = ends_heavy(heap, trie, parent, first, heavy)
            work[OFFSETS + LEVELS] = 1 if is_big else 0
            if is_big and is_first_end(heap, trie, parent, root, first):
                if n_big >= big.shape[0]:
                    return -1, n_light, n_big
                big[n_big, 0] = parent
                big[n_big, 1] = first
                n_big += 1
        node = root
        stop = trie.subtree_end[root]
        while node < stop:
            level = trie.depth[node] - base
            if level == 0:
                state = first
            else:
                before = work[OFFSETS + level - 1]
                code = delta_at(heap, before, trie.byte[node])
                if code == UNKNOWN:
                    note_missing(work, ROW, before, 0)
                    node = trie.subtree_end[node]
                    continue
                if code <= 0 or (accepts_at(heap, before) >= 0 and accepts_at(heap, code) < 0):
                    ends = accepts_at(heap, before) >= 0 and firsts[trie.byte[node]] != 0
                    apart = code != 0 and trie.subtree_end[node] - node >= heavy and not fork_has_newline(heap, code)
                    if apart:
                        if n_big + 1 >= big.shape[0]:
                            return -1, n_light, n_big
                        if code < 0:
                            big[n_big, 0] = -node
                            big[n_big, 1] = code
                            n_big += 1
                        if ends:
                            big[n_big, 0] = -node
                            big[n_big, 1] = before
                            n_big += 1
                    elif (ends or code < 0) and not (code == 0 and work[OFFSETS + level - 1 + LEVELS] == 1):
                        if n_light >= light.shape[0]:
                            return -1, n_light, n_big
                        light[n_light, 0] = node
                        light[n_light, 1] = before
                        n_light += 1
                    if code <= 0:
                        node = trie.subtree_end[node]
                        continue
                state = code
            work[OFFSETS + level] = state
            is_big = ends_heavy(heap, trie, node, state, heavy)
            work[OFFSETS + level + LEVELS] = 1 if is_big else 0
            if is_big:
                if n_big >= big.shape[0]:
                    return -1, n_light, n_big
                big[n_big, 0] = node
                big[n_big, 1] = state
                n_big += 1
            if trie.token_start[node] < trie.token_start[node + 1]:
                slot = find_slot(heap, families, n_families, state)
                if slot == n_families:
                    if slot >= families.shape[0]:
                        return -1, n_light, n_big
                    families[slot] = state
                    for word in range(rows.shape[1]):
                        rows[n_rows + slot, word] = 0
                    n_families += 1
                set_tokens(rows[n_rows + slot], trie.token_start, trie.token_ids, node, node + 1)
            node += 1
    return n_families, n_light, n_big


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
def build_lexeme(  # type: ignore[no-untyped-def]
    heap, work, trie, nodes, first, root, has_run, run, firsts, heavy, families, rows, n_rows, light, big, pool, at
):
    """Write the part of lexemes that are in lexer state ``first`` after ``nodes``; returns (rows, pool) used.

    Where ``has_run``, ``run`` are the tokens that stay in the loop of ``first``, and ``nodes``
    those by which tokens leave it. The caller sees to room for as many rows as ``families``,
    and in the pool for all of ``light`` and ``big``. Returns -1 for the rows where one of the
    lists is full.
    """
    n_families = 0
    if has_run:
        families[0] = first
        for word in range(run.shape[0]):
            rows[n_rows, word] = run[word]
        n_families = 1
    n_families, n_light, n_big = scan_lexeme(
        heap,
        work,
        trie,
        nodes,
        first,
        1 if has_run else 0,
        firsts,
        heavy,
        n_families,
        families,
        rows,
        n_rows,
        light,
        big,
    )
    if n_families < 0:
        return -1, at
    pool[at] = root
    pool[at + 1] = n_families
    pool[at + 2] = n_light
    pool[at + 3] = n_big
    at += 4
    for i in range(n_families):
        pool[at] = families[i]
        pool[at + 1] = n_rows + i
        at += 2
    for i in range(n_light):  # those of one state together, in order
        state = light[i, 1]
        if state < 0:
            continue
        for j in range(i, n_light):
            if light[j, 1] == state:
                pool[at] = light[j, 0]
                pool[at + 1] = state
                at += 2
                light[j, 1] = -1
    for i in range(n_big):
        pool[at] = big[i, 0]
        pool[at + 1] = big[i, 1]
        at += 2
    return n_families, at


@uncounted
def group_children(heap, work, trie, node, code, before, least, groups, ends, nodes, keywords, light, forked):  # type: ignore[no-untyped-def]
    """Sort the children of ``node`` by the lexeme that they begin, from start state ``code``.

    ``before`` says which of them, as for ``grammar_mask.fill``.
    ``groups[g]`` is the lexer state, without its keywords, that ``nodes[ends[g - 1]:ends[g]]`` lead to,
    for states reached by at least ``least`` trie nodes; ``keywords`` has (node, lexer state)
    where a keyword may have begun as well; ``forked`` has (node, fork) for nodes as large that
    go on in several ways; ``light`` the (node, code) of the rest. Returns the numbers of groups,
    keywords, light and forked entries.
    """
    n_kids = 0
    n_groups = 0
    n_forked = 0
    child = node + 1
    while child < trie.subtree_end[node]:
        after = delta_at(heap, code, trie.byte[child])
        held = before >= 0 and delta_at(heap, before, trie.byte[child]) != 0
        if after == UNKNOWN:
            note_missing(work, ROW, code, 0)
        elif after == 0 or held or (before < -1 and child != -2 - before):
            pass
        elif after < 0 and trie.subtree_end[child] - child >= least and not fork_has_newline(heap, after):
            forked[n_forked, 0] = child
            forked[n_forked, 1] = after
            n_forked += 1
        else:
            light[n_kids, 0] = child
            light[n_kids, 1] = after
            n_kids += 1
            base = base_at(heap, after) if after > 0 else -1
            g = 0
            while g < n_groups and groups[g] != base:
                g += 1
            if g == n_groups:
                groups[g] = base
                ends[g] = 0
                n_groups += 1
            ends[g] += trie.subtree_end[child] - child
        child = trie.subtree_end[child]
    kept = 0
    n_nodes = 0
    n_keywords = 0
    for g in range(n_groups):
        base = groups[g]
        if base < 0 or ends[g] < least:
            continue
        for i in range(n_kids):
            after = light[i, 1]
            if after > 0 and base_at(heap, after) == base:
                nodes[n_nodes] = light[i, 0]
                n_nodes += 1
                if after != base:
                    keywords[n_keywords, 0] = light[i, 0]
                    keywords[n_keywords, 1] = after
                    n_keywords += 1
                light[i, 1] = 0
        groups[kept] = base
        ends[kept] = n_nodes
        kept += 1
    n_light = 0
    for i in range(n_kids):
        if light[i, 1] != 0:
            light[n_light, 0] = light[i, 0]
            light[n_light, 1] = light[i, 1]
            n_light += 1
    return kept, n_keywords, n_light, n_forked
