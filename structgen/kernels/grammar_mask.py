"""A grammar's mask put together in one call, from parts that hold for every stack.

The parts are those of ``grammar_parts``. ``fill`` works through a list of places: the lexeme
under way, then whatever begins behind its ends, and behind theirs. Parts that are small it
builds as it meets them; what else it misses it notes, and its caller sees to it and calls again.
"""

from __future__ import annotations

import numpy as np

from structgen.kernels.checks import check
from structgen.kernels.forked_stacks import first_of, is_fork, rest_of
from structgen.kernels.grammar_heap import (
    BROKEN,
    CELLS,
    CONTEXT,
    FAIL,
    FORKED,
    JOINS,
    LOWEST,
    N_JOINS,
    N_MISSING,
    N_SCRATCH,
    NEVER,
    NOTED,
    OFFSETS,
    OK,
    ROW,
    STATUS,
    THREADS,
    UNKNOWN,
    VISITED,
    WATCH,
    accepts_at,
    begin_generation,
    delta_at,
    ended_at,
    ending_start_at,
    ending_terminal_at,
    ending_watch_at,
    fork_start_at,
    fork_state_at,
    fork_watch_at,
    never_at,
    note_missing,
    start_at,
    watch_step_at,
)
from structgen.kernels.grammar_parts import build_groups, lexeme_part, start_part
from structgen.kernels.grammar_walk import is_complete, set_tokens, walk_below
from structgen.kernels.jit import merged, uncounted
from structgen.kernels.part_pool import ASKED, N_WANTED, NOT_YET, SHORT, SMALL, find_part
from structgen.kernels.pushdown import emit, emit_code, end_lexeme, is_alive, start_lexeme, step
from structgen.kernels.stack_cells import state_of

__all__ = ["begin_mask", "cells_read", "fill", "find_broken", "walk_watched"]

DONE, MISSED, FULL, BEGUN = 0, 1, 2, 3
"""How ``fill`` ends; ``BEGUN`` before it was called."""


@uncounted
def begin_mask(  # type: ignore[no-untyped-def]
    heap, work, trie, parts, queue, watched, name, cell, state, watch, register, column, eos, row
):
    """The mask of one thread, put into ``row``, in a new call's scratch.

    Returns (places left in ``queue``, those in ``watched``, how it ended, sum of the row's words, stack cells that
    were read). The sum is -1 where ``fill`` has to be gone on with, or what stands under conditions to be added, or end
    of sequence to be judged; otherwise the tokens ``eos`` are in the mask where the text is complete.
    """
    work[N_SCRATCH] = 0
    work[LOWEST] = 1 << 30
    begin_generation(work)
    work[N_MISSING] = 0
    work[STATUS] = OK
    for word in range(row.shape[0]):
        row[word] = 0
    put(queue, 0, name, state, cell, register, column, 0)
    n_queue, n_watched, problem = fill(heap, work, trie, parts, queue, watched, 1, 0, row)
    if problem != DONE or n_watched > 0 or watch != 0:
        return n_queue, n_watched, problem, np.int64(-1), 0
    work[NOTED] = 0
    ended = accepts_at(heap, state)
    if ended < -1:
        ended = ended_at(heap, state, 256) if delta_at(heap, state, 0) != UNKNOWN else -2
    is_end = ended >= 0 and is_complete(heap, work, cell, ended, register, column)
    if ended < -1 or work[NOTED] != 0 or work[STATUS] != OK:
        return n_queue, n_watched, problem, np.int64(-1), 0
    if is_end:
        for i in range(eos.shape[0]):
            row[eos[i] >> 5] |= np.uint32(1) << np.uint32(eos[i] & 31)
    total = np.int64(0)
    for word in range(row.shape[0]):
        total += np.int64(row[word])
    return n_queue, n_watched, problem, total & np.int64(0xFFFFFFFF), cells_read(heap, work, cell)


@uncounted
def cells_read(heap, work, cell):  # type: ignore[no-untyped-def]
    """How many cells from ``cell`` down were read; a fork among them stands for all below it."""
    return max(0, heap[heap[CELLS] + 3 * cell + 2] - work[LOWEST] + 1)


@uncounted
def fill(heap, work, trie, parts, queue, watched, n_queue, n_watched, row):  # type: ignore[no-untyped-def]
    """Allow in ``row`` what the first ``n_queue`` places of ``queue`` lead to.

    A place is (set, start code, cell, register, column, watch): lexemes begin with the bytes of
    the set, from the start code (the cell's where it is -1). Where the first number is
    ``-1 - n``, a lexeme is under way at trie node n, in the lexer state that takes the code's
    place. Places with a watch are moved to ``watched``, for the caller; the watch stands before the set's
    bytes (or at node n), and where it is negated, behind them.

    A place at which something is missing waits at the beginning of ``queue``, and the others are gone on with.
    Returns (places left in ``queue``, those in ``watched``, how it ended): with ``MISSED``, entries of tables are
    noted in ``work`` (see ``GrammarAutomaton.supply``), or parts in ``parts.wanted``, or room is short in either;
    with ``FULL``, one of the two lists is too short.
    """
    parts.counts[N_WANTED] = 0
    parts.counts[SHORT] = 0
    n_waiting = 0
    place = np.int32(0)
    while n_queue > n_waiting:
        place = n_queue - 1
        if queue[place, 5] != 0:
            if n_watched >= watched.shape[0]:
                return n_queue, n_watched, FULL
            for k in range(6):
                watched[n_watched, k] = queue[place, k]
            n_watched += 1
            n_queue -= 1
            continue
        work[VISITED] += 1
        work[NOTED] = 0
        parts.counts[ASKED] = 0
        one, two, cell = queue[place, 0], queue[place, 1], queue[place, 2]
        register, column = queue[place, 3], queue[place, 4]
        if one < 0:
            n = go_on(heap, work, trie, parts, queue, place, one, two, cell, register, column, row)
        else:
            n = begin(heap, work, trie, parts, queue, place, one, two, cell, register, row)
        is_short = work[STATUS] != OK or parts.counts[SHORT] != 0
        if is_short or n < 0:  # the place itself was written over
            put(queue, place, one, two, cell, register, column, 0)
            return n_queue, n_watched, MISSED if is_short else FULL
        if work[NOTED] != 0 or parts.counts[ASKED] != 0:
            for k in range(6):
                queue[place, k] = queue[n_waiting, k]
            put(queue, n_waiting, one, two, cell, register, column, 0)
            n_waiting += 1
            n = n_queue
        n_queue = n
    return n_queue, n_watched, MISSED if n_waiting > 0 else DONE


@uncounted
def put(queue, n_queue, one, two, cell, register, column, watch):  # type: ignore[no-untyped-def]
    """Append a place; returns the new length, or -1 where there is no room."""
    if n_queue < 0 or n_queue >= queue.shape[0]:
        return -1
    queue[n_queue, 0] = one
    queue[n_queue, 1] = two
    queue[n_queue, 2] = cell
    queue[n_queue, 3] = register
    queue[n_queue, 4] = column
    queue[n_queue, 5] = watch
    return n_queue + 1


@uncounted
def put_behind(heap, work, queue, n_queue, nodes, cell, register, watch):  # type: ignore[no-untyped-def]
    """``put`` what begins with the bytes of a set, behind a lexeme that led to ``cell``: a place for each stack."""
    while heap[FORKED] != 0 and is_fork(heap, work, cell):
        n_queue = put(queue, n_queue, nodes, -1, first_of(heap, work, cell), register, -1, watch)
        cell = rest_of(heap, work, cell)
    return put(queue, n_queue, nodes, -1, cell, register, -1, watch)


@merged
def go_on(heap, work, trie, parts, queue, n_queue, name, state, cell, register, column, row):  # type: ignore[no-untyped-def]
    """A lexeme under way."""
    part = find_part(parts.names, name, state, 0)
    if part == 0:
        part = lexeme_part(heap, work, trie, parts, name, state)
        if part == NOT_YET:
            return n_queue
    return add_part(heap, work, trie, parts, part, cell, register, column, queue, n_queue, row)


@merged
def begin(heap, work, trie, parts, queue, n_queue, nodes, code, cell, register, row):  # type: ignore[no-untyped-def]
    """Lexemes that begin with the bytes of a set."""
    if code == -1:
        parser_state = state_of(heap, work, cell)
        code = start_at(heap, parser_state)
        if code == UNKNOWN:
            note_missing(work, CONTEXT, parser_state, 0)
            return n_queue
    first, last = 0, 1
    if code < 0:
        first, last = fork_start_at(heap, -2 - code), fork_start_at(heap, -1 - code)
    for i in range(first, last):  # one state or a fork's: all that follows is merged here, and should be so once
        state, watch = code, 0
        if code < 0:
            state, watch = fork_state_at(heap, i), fork_watch_at(heap, i)
        if state == 0:
            continue
        if watch != 0:
            n_queue = put(queue, n_queue, nodes, state, cell, register, -1, watch)
        else:
            n_queue = begin_from(heap, work, trie, parts, queue, n_queue, nodes, state, cell, register, row)
        if n_queue < 0:
            return n_queue
    return n_queue


@merged
def begin_from(heap, work, trie, parts, queue, n_queue, nodes, code, cell, register, row):  # type: ignore[no-untyped-def]
    """The same from one start state."""
    if parts.pool[nodes + 1] <= parts.counts[SMALL]:
        walk_from(heap, work, trie, parts.pool, nodes, code, cell, register, row)
        return n_queue
    part = find_part(parts.names, nodes, code, 1)
    if part == 0:
        part = start_part(heap, work, trie, parts, nodes, code)
        if part == NOT_YET:
            return n_queue
    pool = parts.pool
    n_parts = pool[part]
    n_light = pool[part + 1]
    n_forked = pool[part + 2]
    if not build_groups(heap, work, trie, parts, part, cell, register):
        return n_queue
    for i in range(n_parts):
        group = pool[part + 3 + i]
        if group == 0:
            continue
        n_queue = add_part(heap, work, trie, parts, group, cell, register, -1, queue, n_queue, row)
        if n_queue < 0:
            return n_queue
    at = part + 3 + n_parts
    for i in range(n_light):
        child = pool[at + 2 * i]
        count = emit_code(heap, work, 0, 0, cell, pool[at + 2 * i + 1], 0, register, -1, trie.byte[child], False)
        if count > 0:
            walk_below(heap, work, trie, child, 0, count, row)
    at += 2 * n_light
    for i in range(n_forked):
        child = pool[at + 2 * i]
        n_queue = put_fork(heap, work, trie, queue, n_queue, child, pool[at + 2 * i + 1], cell, register, row)
        if n_queue < 0:
            return n_queue
    return n_queue


@merged
def walk_from(heap, work, trie, pool, nodes, code, cell, register, row):  # type: ignore[no-untyped-def]
    """``begin_from`` of a set with little behind it, token by token: parts would cost more than they spare."""
    for i in range(nodes + 2, nodes + 2 + pool[nodes]):
        byte = trie.byte[pool[i]]
        after = delta_at(heap, code, byte)
        if after == UNKNOWN:
            note_missing(work, ROW, code, 0)
            return
        if after != 0:
            count = emit_code(heap, work, 0, 0, cell, after, 0, register, -1, byte, False)
            if count > 0:
                walk_below(heap, work, trie, pool[i], 0, count, row)


@uncounted
def put_fork(heap, work, trie, queue, n_queue, node, code, cell, register, row):  # type: ignore[no-untyped-def]
    """List the ways in which a lexeme goes on at ``node``, each under its condition.

    A way that only ends is walked at once: few bytes follow it.
    """
    fork = -2 - code
    for i in range(fork_start_at(heap, fork), fork_start_at(heap, fork + 1)):
        state = fork_state_at(heap, i)
        watch = fork_watch_at(heap, i)
        if state == 0 or not is_alive(heap, work, cell, state, watch, register, -1):
            continue
        if watch != 0 and is_end(heap, work, state):
            emit(work, 0, 0, cell, state, watch, register, -1)
            walk_below(heap, work, trie, node, 0, 1, row)
        else:
            n_queue = put(queue, n_queue, -1 - node, state, cell, register, -1, watch)
            if n_queue < 0:
                return n_queue
    return n_queue


@uncounted
def is_end(heap, work, state):  # type: ignore[no-untyped-def]
    """Whether the lexeme in ``state`` cannot go on."""
    for byte in range(256):
        code = delta_at(heap, state, byte)
        if code == UNKNOWN:
            note_missing(work, ROW, state, 0)
            return False
        if code != 0:
            return False
    return True


@uncounted
def never_of(heap, code):  # type: ignore[no-untyped-def]
    """The condition that a run at ``code`` never matches; ``UNKNOWN`` where it is not worked out yet."""
    if code >= 0:
        return never_at(heap, code)
    found = UNKNOWN
    for i in range(heap[N_JOINS]):
        if heap[heap[JOINS] + 3 * i] == code:
            found = heap[heap[JOINS] + 3 * i + 2]
    return found


@uncounted
def resolved(column, of_part):  # type: ignore[no-untyped-def]
    """A column of ``grammar_parts``, where the part's lexeme was at ``of_part``."""
    if column >= -1:
        return column
    return -1 if of_part < 0 else of_part - 2 - column


@uncounted
def join_row(parts, number, row):  # type: ignore[no-untyped-def]
    """Allow in ``row`` the tokens of a part's row, by its number in ``rows``, or one below 0 in ``known_rows``."""
    if number >= 0:
        for word in range(row.shape[0]):
            row[word] |= parts.rows[number, word]
    else:
        for word in range(row.shape[0]):
            row[word] |= parts.known_rows[-1 - number, word]


@merged
def add_part(heap, work, trie, parts, part, cell, register, column, queue, n_queue, row):  # type: ignore[no-untyped-def]
    """One lexeme part on one stack: allow its tokens, list what begins behind it."""
    pool = parts.pool
    at = part + 5
    for _ in range(pool[part]):
        if check(heap, work, cell, pool[at], register, column):
            join_row(parts, pool[at + 1], row)
        at += 2
    for _ in range(pool[part + 1]):
        n = pool[at + 1]
        if check(heap, work, cell, pool[at], register, column):
            for i in range(at + 2, at + 2 + n):
                row[pool[i] >> 5] |= np.uint32(1) << np.uint32(pool[i] & 31)
        at += 2 + n
    for _ in range(pool[part + 2]):
        wide = resolved(pool[at + 1], column)
        after, later = end_lexeme(heap, work, cell, pool[at], register, wide)
        if after != FAIL:
            n_queue = put_behind(heap, work, queue, n_queue, pool[at + 2], after, later, 0)
            if n_queue < 0:
                return n_queue
        at += 3
    for _ in range(pool[part + 3]):
        count = step_at(heap, work, trie, cell, register, resolved(pool[at + 2], column), pool[at], pool[at + 1])
        if count > 0:
            walk_below(heap, work, trie, pool[at], 1, count, row)
        at += 3
    for _ in range(pool[part + 4]):
        wide = resolved(pool[at + 2], column)
        n_queue = add_special(
            heap, work, trie, pool[at], pool[at + 1], pool[at + 3], cell, register, wide, queue, n_queue, row
        )
        if n_queue < 0:
            return n_queue
        at += 4
    return n_queue


@uncounted
def step_at(heap, work, trie, cell, register, column, node, state):  # type: ignore[no-untyped-def]
    """Read the byte of ``node`` from ``state``, where the lexeme may go on or not; threads go to row 1 on."""
    at = work[THREADS]
    work[at] = cell
    work[at + 1] = state
    work[at + 2] = 0
    work[at + 3] = register
    work[at + 4] = column
    code = delta_at(heap, state, trie.byte[node])
    return step(heap, work, 0, 1, 0, trie.byte[node], 1 if code >= 0 else 0)


@uncounted
def add_special(heap, work, trie, node, state, nodes, cell, register, column, queue, n_queue, row):  # type: ignore[no-untyped-def]
    """A place with much behind it: ``state`` is a fork, or the state in which the lexeme may end before ``node``."""
    if state < 0:
        return put_fork(heap, work, trie, queue, n_queue, node, state, cell, register, row)
    code = delta_at(heap, state, trie.byte[node])
    ended = ended_at(heap, state, trie.byte[node])
    if ended < 0:
        return add_endings(heap, work, ended, nodes, cell, register, column, queue, n_queue)
    watch = never_of(heap, code)
    if watch == UNKNOWN:
        note_missing(work, NEVER, code, 0)
        return n_queue
    if watch == BROKEN:
        return n_queue
    after, later = end_lexeme(heap, work, cell, ended, register, column)
    if after == FAIL:
        return n_queue
    return put_behind(heap, work, queue, n_queue, nodes, after, later, -watch)


@uncounted
def add_endings(heap, work, ended, nodes, cell, register, column, queue, n_queue):  # type: ignore[no-untyped-def]
    """List what begins with the bytes of ``nodes``, before which the lexeme may end in several ways."""
    for i in range(ending_start_at(heap, -2 - ended), ending_start_at(heap, -1 - ended)):
        after, later = end_lexeme(heap, work, cell, ending_terminal_at(heap, i), register, column)
        if after != FAIL:
            n_queue = put_behind(heap, work, queue, n_queue, nodes, after, later, -ending_watch_at(heap, i))
            if n_queue < 0:
                return n_queue
    return n_queue


@uncounted
def walk_watched(heap, work, trie, nodes, place, row):  # type: ignore[no-untyped-def]
    """Allow in ``row`` what a place (see ``fill``) leads to, byte by byte with the parser; ``nodes`` are its set's."""
    code, cell, register, column, watch = place[1], place[2], place[3], place[4], place[5]
    for i in range(nodes.shape[0]):
        node = nodes[i]
        count = 0
        if place[0] < 0:
            count = emit(work, 0, 0, cell, code, watch, register, column)
        else:
            after = -watch if watch < 0 else watch_step_at(heap, watch, trie.byte[node])
            if after == UNKNOWN:
                note_missing(work, WATCH, watch, 0)
            elif after != BROKEN and code == -1:
                count = start_lexeme(heap, work, 0, 0, cell, after, register, trie.byte[node])
            elif after != BROKEN:
                lead = delta_at(heap, code, trie.byte[node])
                if lead == UNKNOWN:
                    note_missing(work, ROW, code, 0)
                elif lead != 0:
                    count = emit_code(heap, work, 0, 0, cell, lead, after, register, -1, trie.byte[node], False)
        if count > 0:
            walk_below(heap, work, trie, node, 0, count, row)


@uncounted
def find_broken(heap, work, trie, nodes, watch, is_behind, row):  # type: ignore[no-untyped-def]
    """Set in ``row`` the tokens below ``nodes`` that break ``watch``, which stands behind their bytes or before."""
    for i in range(nodes.shape[0]):
        root = nodes[i]
        base = trie.depth[root]
        work[OFFSETS] = watch
        if not is_behind:
            base -= 1
        node = root
        stop = trie.subtree_end[root]
        while node < stop:
            level = trie.depth[node] - base
            if level == 0:
                node += 1
                continue
            before = work[OFFSETS + level - 1]
            after = watch_step_at(heap, before, trie.byte[node])
            if after > 0:
                work[OFFSETS + level] = after
                node += 1
                continue
            if after == UNKNOWN:
                note_missing(work, WATCH, before, 0)
            elif after == BROKEN:
                set_tokens(row, trie.token_start, trie.token_ids, node, trie.subtree_end[node])
            node = trie.subtree_end[node]
