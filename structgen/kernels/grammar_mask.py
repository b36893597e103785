"""A grammar's mask put together in one call, from parts that hold for every stack.

The parts are those of ``grammar_parts``. ``fill`` works through a queue: the lexeme under
way, then whatever begins at its big ends, and at theirs. What it has no part for it notes,
and its caller builds it and calls again.
"""

from __future__ import annotations

from structgen.kernels.grammar_parts import find_part
from structgen.kernels.grammar_walk import (
    LEVELS,
    column_in_lexeme,
    ends_heavy,
    path_column,
    set_tokens,
    walk_below,
)
from structgen.kernels.jit import uncounted
from structgen.kernels.pushdown import (
    BROKEN,
    CONTEXT,
    FAIL,
    JOINS,
    N_JOINS,
    N_MISSING,
    NEVER,
    OFFSETS,
    OK,
    ROW,
    STATUS,
    THREADS,
    UNKNOWN,
    WATCH,
    accepts_at,
    base_at,
    check,
    delta_at,
    emit,
    emit_code,
    end_lexeme,
    fork_start_at,
    fork_state_at,
    fork_watch_at,
    has_newline,
    indent_at,
    never_at,
    note_missing,
    start_at,
    start_lexeme,
    state_of,
    step,
    watch_step_at,
)

__all__ = ["fill", "find_broken"]


@uncounted
def note_part(missing, one, two, three):  # type: ignore[no-untyped-def]
    n = missing[0, 0]
    for i in range(1, n + 1):
        if missing[i, 0] == one and missing[i, 1] == two and missing[i, 2] == three:
            return
    if n + 1 < missing.shape[0]:
        missing[n + 1, 0] = one
        missing[n + 1, 1] = two
        missing[n + 1, 2] = three
        missing[0, 0] = n + 1


@uncounted
def is_among(nodes, n, node):  # type: ignore[no-untyped-def]
    for i in range(n):  # noqa: SIM110 (kernels build no generators)
        if nodes[i, 0] == node:
            return True
    return False


@uncounted
def fill(heap, work, trie, pool, index, rows, missing, queue, at, n_queue, marks, heavy, row):  # type: ignore[no-untyped-def]
    """Allow in ``row`` what entries ``at`` to ``n_queue - 1`` of ``queue``, and those they add to it, lead to.

    An entry is (trie node, cell, register, lexer state, start code, watch): the lexeme in that
    state ends at the node, and others begin below it, with the bytes that the state cannot
    read (with any where it is -1, with that of child ``c`` alone where it is ``-2 - c``), from
    the start code (the cell's where it is -1). At node ``-1 - n`` the lexeme is still under way,
    in that state at trie node ``n``, and a column takes the code's place. Entries with a watch
    are left to the caller.

    Returns (entry, length of the queue, problem). Where something is missing, it stops: the
    caller supplies it and goes on with that entry. Problem 1 is in ``work`` (see
    ``GrammarAutomaton.run``), 2 are the names in ``missing[1:]``, ``missing[0, 0]`` of them, for
    which there is no part yet, 3 is a full ``queue`` and 4 are full ``marks``.
    """
    missing[0, 0] = 0
    while at < n_queue:
        if queue[at, 5] != 0:
            at += 1
            continue
        if queue[at, 0] < 0:
            n = go_on(heap, work, trie, pool, index, rows, missing, queue, at, n_queue, marks, heavy, row)
        else:
            n = begin(heap, work, trie, pool, index, rows, missing, queue, at, n_queue, marks, heavy, row)
        if work[N_MISSING] > 0 or work[STATUS] != OK:
            return at, n_queue, 1
        if missing[0, 0] > 0:
            return at, n_queue, 2
        if n < 0:
            return at, n_queue, 2 - n
        n_queue = n
        at += 1
    return at, n_queue, 0


@uncounted
def go_on(heap, work, trie, pool, index, rows, missing, queue, at, n_queue, marks, heavy, row):  # type: ignore[no-untyped-def]
    """A lexeme under way: its part, and what keywords change about it."""
    cell = queue[at, 1]
    register = queue[at, 2]
    state = queue[at, 3]
    base = base_at(heap, state)
    root = -1 - queue[at, 0]
    part = find_part(index, queue[at, 0], base, 0)
    if part == 0:
        note_part(missing, queue[at, 0], base, 0)
        return n_queue
    n_marks = 0
    if base != state:
        n_marks, n_queue = add_keywords(
            heap, work, trie, cell, register, root, state, heavy, marks, 0, queue, n_queue, row
        )
        if n_marks < 0:
            return -2
    return add_part(
        heap, work, trie, pool, rows, part, cell, register, queue[at, 4], marks, n_marks, queue, n_queue, row
    )


@uncounted
def begin(heap, work, trie, pool, index, rows, missing, queue, at, n_queue, marks, heavy, row):  # type: ignore[no-untyped-def]
    """Lexemes that begin below a trie node, save with the bytes that the lexeme before reads on with."""
    node = queue[at, 0]
    cell = queue[at, 1]
    register = queue[at, 2]
    before = queue[at, 3]
    code = queue[at, 4]
    if code < 0:
        parser_state = state_of(heap, work, cell)
        code = start_at(heap, parser_state)
        if code == UNKNOWN:
            note_missing(work, CONTEXT, parser_state, 0)
            return n_queue
    if code == 0:
        return n_queue
    if code > 0:
        return begin_from(
            heap, work, trie, pool, index, rows, missing, queue, n_queue, marks, heavy, row,
            node, cell, register, before, code,
        )  # fmt: skip
    fork = -2 - code
    for i in range(fork_start_at(heap, fork), fork_start_at(heap, fork + 1)):
        if fork_state_at(heap, i) == 0:
            continue
        if fork_watch_at(heap, i) != 0:
            n_queue = put(queue, n_queue, node, cell, register, before, fork_state_at(heap, i), fork_watch_at(heap, i))
        else:
            n_queue = begin_from(
                heap, work, trie, pool, index, rows, missing, queue, n_queue, marks, heavy, row,
                node, cell, register, before, fork_state_at(heap, i),
            )  # fmt: skip
        if n_queue < 0:
            return n_queue
    return n_queue


@uncounted
def put_fork(heap, work, trie, cell, register, node, code, queue, n_queue, row):  # type: ignore[no-untyped-def]
    """List the ways in which a lexeme goes on at ``node``, each under its condition.

    A way that only ends is walked at once: few bytes follow it.
    """
    fork = -2 - code
    for i in range(fork_start_at(heap, fork), fork_start_at(heap, fork + 1)):
        state = fork_state_at(heap, i)
        if state == 0 or not check(heap, work, cell, state, register, -1):
            continue
        watch = fork_watch_at(heap, i)
        if watch != 0 and is_end(heap, work, state):
            emit(work, 0, 0, cell, state, watch, register, -1)
            walk_below(heap, work, trie, node, 0, 1, row)
        else:
            n_queue = put(queue, n_queue, -1 - node, cell, register, state, -1, watch)
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
def put(queue, n_queue, node, cell, register, before, code, watch):  # type: ignore[no-untyped-def]
    """Append an entry; returns the new length, or -1 where there is no room."""
    if n_queue >= queue.shape[0]:
        return -1
    queue[n_queue, 0] = node
    queue[n_queue, 1] = cell
    queue[n_queue, 2] = register
    queue[n_queue, 3] = before
    queue[n_queue, 4] = code
    queue[n_queue, 5] = watch
    return n_queue + 1


@uncounted
def begin_from(  # type: ignore[no-untyped-def]
    heap, work, trie, pool, index, rows, missing, queue, n_queue, marks, heavy, row, node, cell, register, before, code
):
    part = find_part(index, node, code, before)
    if part == 0:
        note_part(missing, node, code, before)
        return n_queue
    n_groups = pool[part]
    n_keywords = pool[part + 1]
    n_light = pool[part + 2]
    n_forked = pool[part + 3]
    keywords = part + 4 + n_groups
    light = keywords + 2 * n_keywords
    forked = light + 2 * n_light
    for i in range(n_forked):
        n_queue = put_fork(
            heap, work, trie, cell, register, pool[forked + 2 * i], pool[forked + 2 * i + 1], queue, n_queue, row
        )
        if n_queue < 0:
            return n_queue
    for i in range(n_light):
        child = pool[light + 2 * i]
        count = emit_code(heap, work, 0, 0, cell, pool[light + 2 * i + 1], 0, register, -1, trie.byte[child], False)
        if count > 0:
            walk_below(heap, work, trie, child, 0, count, row)
    n_marks = 0
    for i in range(n_keywords):
        n_marks, n_queue = add_keywords(
            heap, work, trie, cell, register, pool[keywords + 2 * i], pool[keywords + 2 * i + 1],
            heavy, marks, n_marks, queue, n_queue, row,
        )  # fmt: skip
        if n_marks < 0:
            return -2
    for i in range(n_groups):
        n_queue = add_part(
            heap, work, trie, pool, rows, pool[part + 4 + i], cell, register, -1, marks, n_marks, queue, n_queue, row
        )
        if n_queue < 0:
            return n_queue
    return n_queue


@uncounted
def add_part(heap, work, trie, pool, rows, part, cell, register, column, marks, n_marks, queue, n_queue, row):  # type: ignore[no-untyped-def]
    """One lexeme part on one stack; ``marks`` are nodes that spell a keyword, whose ends are seen to elsewhere."""
    root = pool[part]
    n_rows = pool[part + 1]
    n_light = pool[part + 2]
    n_big = pool[part + 3]
    at = part + 4
    for i in range(n_rows):
        if check(heap, work, cell, pool[at + 2 * i], register, column):
            chosen = pool[at + 2 * i + 1]
            for word in range(row.shape[0]):
                row[word] |= rows[chosen, word]
    at += 2 * n_rows
    add_light(heap, work, trie, pool, at, n_light, root, cell, register, column, marks, n_marks, row)
    at += 2 * n_light
    for i in range(n_big):
        node = pool[at + 2 * i]
        state = pool[at + 2 * i + 1]
        if state < 0:
            if n_marks == 0 or not is_among(marks, n_marks, trie.parent[-node]):
                n_queue = put_fork(heap, work, trie, cell, register, -node, state, queue, n_queue, row)
                if n_queue < 0:
                    return n_queue
            continue
        below = node
        if node < 0:
            below = trie.parent[-node]
        if n_marks > 0 and is_among(marks, n_marks, below):
            continue
        wide = -1
        if indent_at(heap, 0) >= 0:
            wide = column_in_lexeme(heap, trie, root, below, state, column)
        if node >= 0:
            n_queue = enqueue(heap, work, node, cell, state, register, wide, state, 0, queue, n_queue)
        else:
            code = delta_at(heap, state, trie.byte[-node])
            watch = never_of(heap, code)
            if watch == UNKNOWN:
                note_missing(work, NEVER, code, 0)
                continue
            if watch == BROKEN:
                continue
            n_queue = enqueue(heap, work, below, cell, state, register, wide, node - 2, watch, queue, n_queue)
        if n_queue < 0:
            return n_queue
    return n_queue


@uncounted
def enqueue(heap, work, node, cell, state, register, column, before, watch, queue, n_queue):  # type: ignore[no-untyped-def]
    """Hand over the lexeme in ``state``, and list what begins at ``node`` then."""
    after, later = end_lexeme(heap, work, cell, accepts_at(heap, state), register, column)
    if after == FAIL:
        return n_queue
    return put(queue, n_queue, node, after, later, before, -1, watch)


@uncounted
def add_light(heap, work, trie, pool, first, n, root, cell, register, column, marks, n_marks, row):  # type: ignore[no-untyped-def]
    """Go on behind the light ends of a lexeme, whose column was ``column`` at trie node ``root``."""
    last = -1
    after = FAIL
    later = register
    for i in range(n):
        node = pool[first + 2 * i]
        state = pool[first + 2 * i + 1]
        if n_marks > 0 and is_among(marks, n_marks, trie.parent[node]):
            continue
        if delta_at(heap, state, trie.byte[node]) == 0:
            if indent_at(heap, 0) >= 0 and has_newline(heap, state):
                wide = path_column(heap, trie, root, trie.parent[node], column)
                after, later = end_lexeme(heap, work, cell, accepts_at(heap, state), register, wide)
                last = -1
            elif state != last:
                after, later = end_lexeme(heap, work, cell, accepts_at(heap, state), register, -1)
                last = state
            if after == FAIL:
                continue
            count = start_lexeme(heap, work, 1, 0, after, 0, later, trie.byte[node])
        else:
            count = step_at(heap, work, trie, cell, register, column, root, node, state)
        if count > 0:
            walk_below(heap, work, trie, node, 1, count, row)


@uncounted
def step_at(heap, work, trie, cell, register, column, root, node, state):  # type: ignore[no-untyped-def]
    """Read the byte of ``node`` from ``state``, where the lexeme may go on or not; threads go to row 1 on."""
    wide = -1
    if indent_at(heap, 0) >= 0 and has_newline(heap, state):
        wide = path_column(heap, trie, root, trie.parent[node], column)
    at = work[THREADS]
    work[at] = cell
    work[at + 1] = state
    work[at + 2] = 0
    work[at + 3] = register
    work[at + 4] = wide
    code = delta_at(heap, state, trie.byte[node])
    return step(heap, work, 0, 1, 0, trie.byte[node], 1 if code >= 0 else 0)


@uncounted
def add_keywords(heap, work, trie, cell, register, root, first, heavy, marks, n_marks, queue, n_queue, row):  # type: ignore[no-untyped-def]
    """What keywords add to a name's tokens below ``root``, read up to lexer state ``first``.

    ``marks`` gets the nodes that spell a keyword. Returns (marks, queue) lengths, -1 for
    the first where there is no room.
    """
    level_of_root = trie.depth[root]
    node = root
    stop = trie.subtree_end[root]
    while node < stop:
        level = trie.depth[node] - level_of_root
        if level == 0:
            state = first
        else:
            state = delta_at(heap, work[OFFSETS + level - 1 + LEVELS], trie.byte[node])
            if state == UNKNOWN:
                note_missing(work, ROW, work[OFFSETS + level - 1 + LEVELS], 0)
        if state <= 0 or base_at(heap, state) == state:
            node = trie.subtree_end[node]
            continue
        work[OFFSETS + level + LEVELS] = state
        if trie.token_start[node] < trie.token_start[node + 1] and check(heap, work, cell, state, register, -1):
            set_tokens(row, trie.token_start, trie.token_ids, node, node + 1)
        if accepts_at(heap, state) != accepts_at(heap, base_at(heap, state)):
            if n_marks >= marks.shape[0] or n_queue >= queue.shape[0]:
                return -1, n_queue
            is_big = ends_heavy(heap, trie, node, state, heavy)
            marks[n_marks, 0] = node
            n_marks += 1
            walk_after_keyword(heap, work, trie, cell, register, node, state, is_big, row)
            if is_big:
                n_queue = enqueue(heap, work, node, cell, state, register, -1, state, 0, queue, n_queue)
        node += 1
    return n_marks, n_queue


@uncounted
def walk_after_keyword(heap, work, trie, cell, register, node, state, is_big, row):  # type: ignore[no-untyped-def]
    """Children of ``node`` that end the keyword spelled there (not the plain ends, where they are many)."""
    child = node + 1
    while child < trie.subtree_end[node]:
        code = delta_at(heap, state, trie.byte[child])
        if code == UNKNOWN:
            note_missing(work, ROW, state, 0)
        elif (code == 0 and not is_big) or (code != 0 and accepts_at(heap, max(code, 0)) < 0):
            at = work[THREADS]
            work[at] = cell
            work[at + 1] = state
            work[at + 2] = 0
            work[at + 3] = register
            work[at + 4] = -1
            count = step(heap, work, 0, 1, 0, trie.byte[child], 1 if code >= 0 else 0)
            if count > 0:
                walk_below(heap, work, trie, child, 1, count, row)
        child = trie.subtree_end[child]


@uncounted
def find_broken(heap, work, trie, root, watch, row):  # type: ignore[no-untyped-def]
    """Set in ``row`` the tokens below ``root`` that break ``watch``, which stands at ``root``."""
    base = trie.depth[root]
    work[OFFSETS] = watch
    node = root + 1
    stop = trie.subtree_end[root]
    while node < stop:
        level = trie.depth[node] - base
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
