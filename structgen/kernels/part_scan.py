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
from structgen.kernels.grammar_walk import LEVELS, NEXT, STOP, path_column, set_tokens
from structgen.kernels.jit import merged, uncounted
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


@merged
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
def step_off(heap, trie, parts, node, byte, before, code, column, n_ends, n_loose):  # type: ignore[no-untyped-def]
    """What reading ``node``'s byte from ``before``, to ``code``, means for the lexeme's end; returns (ends, loose)."""
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
    if not ends and code >= 0:
        return n_ends, n_loose
    is_big = trie.subtree_end[node] - node >= parts.counts[HEAVY] and not fork_has_newline(heap, code)
    if not is_big:
        return n_ends, note_loose(parts, n_loose, node, before, column, False)
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


@merged
def can_jump(heap, trie, parts, node, byte, state):  # type: ignore[no-untyped-def]
    """Whether all below ``node`` that stays in the loop of ``state`` is known (see ``kernels.loop_map``)."""
    if state >= parts.loops.shape[0] or parts.loops[state, 1] == parts.loops[state, 2]:
        return False
    if byte >= 128 or trie.subtree_end[node] - node < parts.counts[JUMP]:
        return False
    return indent_at(heap, 0) < 0 or not has_newline(heap, state)


@merged
def stay(trie, parts, first, last, slot, is_dense, n_tokens):  # type: ignore[no-untyped-def]
    """Note the tokens of nodes ``first`` to ``last - 1``, which end in one family; returns how many there are noted."""
    if is_dense:
        set_tokens(parts.rows[parts.counts[N_ROWS] + slot], trie.token_start, trie.token_ids, first, last)
        return n_tokens
    for node in range(first, last):
        n_tokens = note_tokens(trie, parts, n_tokens, slot, node)
    return n_tokens


@merged
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


@merged
def leave(heap, trie, parts, node, byte, before, code, column, n_ends, n_loose):  # type: ignore[no-untyped-def]
    """``step_off`` where the lexeme may end."""
    if accepts_at(heap, before) == -1 and code >= 0:
        return n_ends, n_loose
    if code > 0 and accepts_at(heap, code) >= 0 and heap[ALL_ENDS] == 0:
        return n_ends, n_loose
    return step_off(heap, trie, parts, node, byte, before, code, column, n_ends, n_loose)


@merged
def scan_below(  # type: ignore[no-untyped-def]
    heap, work, trie, parts, root, first, mode, is_dense, n_families, n_tokens, n_ends, n_loose
):
    """``scan`` of one node."""
    state = first
    byte = trie.byte[root]
    column = column_at(heap, trie, root, first, mode)
    if mode == LEAVING:
        state = delta_at(heap, first, byte)
        if state == UNKNOWN:
            note_missing(work, ROW, first, 0)
            return n_families, n_tokens, n_ends, n_loose
        n_ends, n_loose = leave(heap, trie, parts, root, byte, first, state, column, n_ends, n_loose)
        if state <= 0:
            return n_families, n_tokens, n_ends, n_loose
        column = column_on(heap, state, column, byte)
    return scan_from(
        heap, work, trie, parts, root, byte, state, column, is_dense, n_families, n_tokens, n_ends, n_loose
    )


@merged
def scan_from(  # type: ignore[no-untyped-def]
    heap, work, trie, parts, node, byte, code, column, is_dense, n_families, n_tokens, n_ends, n_loose
):
    """The same where the lexeme is in state ``code`` at ``node``, behind ``byte``.

    Where a loop is reached whose exits are known, only those are walked from: they take the place of a node's
    children, at one level at a time.
    """
    level = 0
    # while jumping: the level, the loop's state and family, the next node, the subtree's end, and where in ``left``
    jumping, loop, slot, again, end, exit_at, left = -1, 0, 0, 0, 0, 0, 0
    while True:
        # at a node, in a state
        jumps = jumping < 0 and can_jump(heap, trie, parts, node, byte, code)
        if jumps or trie.token_start[node] < trie.token_start[node + 1]:
            here, n_families = note_family(heap, work, parts, n_families, code, is_dense)
            if parts.counts[SHORT] != 0:
                break
            n_tokens = stay(trie, parts, node, node + 1, here, is_dense, n_tokens)
            if jumps:
                jumping, loop, slot, again, end = level, code, here, node + 1, trie.subtree_end[node]
                exit_at = parts.loops[code, 1]
        work[OFFSETS + level] = code
        work[OFFSETS + LEVELS + level] = column
        at, stop = trie.child_start[node], trie.child_start[node + 1]
        # to the next node
        code = 0
        while code <= 0:
            if level == jumping:
                before = loop
                column = -1
                node = end
                if again < end:
                    exit_at = next_exit(parts.left, exit_at, parts.loops[loop, 2], again)
                    left = parts.left[exit_at] if exit_at < parts.loops[loop, 2] else end << 1
                    node = min(left >> 1, end)
                    n_tokens = stay(trie, parts, again, node, slot, is_dense, n_tokens)
                if node == end:
                    jumping = -1
                    at = stop
                    continue
                again = trie.subtree_end[node]
                if left & 1 != 0:  # no character
                    continue
                byte = trie.byte[node]
            elif at == stop:
                level -= 1
                if level < 0:
                    return n_families, n_tokens, n_ends, n_loose
                at, stop = work[NEXT + level], work[STOP + level]
                continue
            else:
                before = work[OFFSETS + level]
                column = work[OFFSETS + LEVELS + level]
                byte = trie.child_byte[at]
                node = trie.child_node[at]
                at += 1
            code = delta_at(heap, before, byte)
            if code == UNKNOWN:
                note_missing(work, ROW, before, 0)
            else:
                n_ends, n_loose = leave(heap, trie, parts, node, byte, before, code, column, n_ends, n_loose)
        work[NEXT + level] = at
        work[STOP + level] = stop
        level += 1
        column = column_on(heap, code, column, byte)
    return n_families, n_tokens, n_ends, n_loose
