"""What tokens do from one lexer state: a walk of the trie with the lexer alone."""

from __future__ import annotations

from structgen.kernels.fates import SURE, fate_of
from structgen.kernels.grammar_heap import (
    ALL_ENDS,
    COLLIDES,
    OFFSETS,
    ROW,
    UNKNOWN,
    accepts_at,
    delta_at,
    ended_at,
    ending_start_at,
    ending_terminal_at,
    family_at,
    fork_start_at,
    fork_state_at,
    indent_at,
    note_missing,
)
from structgen.kernels.grammar_walk import LEVELS, path_column, set_tokens
from structgen.kernels.jit import uncounted
from structgen.kernels.loop_map import next_exit
from structgen.kernels.part_pool import (
    ENDS,
    FAMILIES,
    HEAVY,
    JUMP,
    LEAVING,
    LOOSE,
    N_ROWS,
    ROWS,
    SHORT,
    TOKENS,
    UNDER_WAY,
)
from structgen.kernels.pushdown import has_newline

__all__ = ["fork_has_newline", "note_family", "note_loose", "note_tokens", "scan", "step_off"]

MORE = 1 << 20
"""A column that no line reaches: what is counted from there is counted from where the lexeme was."""


@uncounted
def family_slot(heap, work, families, n_families, state):  # type: ignore[no-untyped-def]
    """The place of a state with the same family and fate; of the same state where newlines are counted in columns."""
    family = family_at(heap, state)
    exact = has_newline(heap, state)
    fate = fate_of(heap, work, state) if heap[COLLIDES] != 0 else SURE
    for slot in range(n_families):
        if heap[COLLIDES] != 0 and fate_of(heap, work, families[slot]) != fate:
            continue
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
def note_family(heap, work, parts, n_families, state, is_dense):  # type: ignore[no-untyped-def]
    """(place of the state's family, number of families); a new one gets an empty row where rows are dense."""
    slot = family_slot(heap, work, parts.families, n_families, state)
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
def column_at(heap, trie, root, first, mode):  # type: ignore[no-untyped-def]
    """The column (see ``part_pool``) at ``root``, where the lexeme is in state ``first``."""
    if indent_at(heap, 0) < 0 or not has_newline(heap, first):
        return -1
    if mode == UNDER_WAY:
        return -2
    if mode == LEAVING:  # from the trie's root, where the lexeme was under way
        wide = path_column(heap, trie, 0, trie.parent[root], MORE)
        return -2 - (wide - MORE) if wide >= MORE else wide
    return 0 if trie.byte[root] == 10 else -1


@uncounted
def can_jump(heap, trie, parts, node, state):  # type: ignore[no-untyped-def]
    """Whether all below ``node`` that stays in the loop of ``state`` is known (see ``kernels.loop_map``)."""
    if state >= parts.loops.shape[0] or parts.loops[state, 1] == parts.loops[state, 2]:
        return False
    if trie.subtree_end[node] - node < parts.counts[JUMP] or trie.byte[node] >= 128:
        return False
    return indent_at(heap, 0) < 0 or not has_newline(heap, state)


@uncounted
def stay(trie, parts, first, last, slot, is_dense, n_tokens):  # type: ignore[no-untyped-def]
    """Note the tokens of nodes ``first`` to ``last - 1``, which end in one family; returns how many there are noted."""
    if is_dense:
        set_tokens(parts.rows[parts.counts[N_ROWS] + slot], trie.token_start, trie.token_ids, first, last)
        return n_tokens
    for node in range(first, last):
        n_tokens = note_tokens(trie, parts, n_tokens, slot, node)
    return n_tokens


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
        n_families, n_tokens, n_ends, n_loose = scan_below(
            heap, work, trie, parts, nodes[i], first, mode, is_dense, n_families, n_tokens, n_ends, n_loose
        )
        if parts.counts[SHORT] != 0:
            break
    return n_families, n_tokens, n_ends, n_loose


@uncounted
def scan_below(  # type: ignore[no-untyped-def]
    heap, work, trie, parts, root, first, mode, is_dense, n_families, n_tokens, n_ends, n_loose
):
    """``scan`` of one node. Where a loop is reached whose exits are known, only those are walked from."""
    base = trie.depth[root] - (1 if mode == LEAVING else 0)
    work[OFFSETS] = first
    work[OFFSETS + LEVELS] = column_at(heap, trie, root, first, mode)
    node = root
    stop = trie.subtree_end[root]
    # while jumping: the loop's state and family, the end of its subtree, the next node that it goes on from
    loop, slot_of_loop, end, again, exit_at = 0, 0, 0, -1, 0
    while node < stop:
        if node == again:
            if node >= end:
                again = -1
            else:
                exit_at = next_exit(parts.left, exit_at, parts.loops[loop, 2], node)
                left = parts.left[exit_at] if exit_at < parts.loops[loop, 2] else end << 1
                following = min(left >> 1, end)
                n_tokens = stay(trie, parts, node, following, slot_of_loop, is_dense, n_tokens)
                node = following
                again = end if node == end else trie.subtree_end[node]
                if node == end:
                    continue
                if left & 1 != 0:  # no character
                    node = again
                    continue
                work[OFFSETS + trie.depth[node] - base - 1] = loop
                work[OFFSETS + trie.depth[node] - base - 1 + LEVELS] = -1
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
        state = work[OFFSETS + level]
        jumps = again < 0 and can_jump(heap, trie, parts, node, state)
        if jumps or trie.token_start[node] < trie.token_start[node + 1]:
            slot, n_families = note_family(heap, work, parts, n_families, state, is_dense)
            if parts.counts[SHORT] != 0:
                return n_families, n_tokens, n_ends, n_loose
            n_tokens = stay(trie, parts, node, node + 1, slot, is_dense, n_tokens)
            if jumps:
                loop, slot_of_loop, end = state, slot, trie.subtree_end[node]
                again, exit_at = node + 1, parts.loops[state, 1]
        node += 1
    return n_families, n_tokens, n_ends, n_loose
