"""One byte of a grammar: lexer runs over an LR stack.

A *thread* is a guess at how the text so far is cut into lexemes: (stack cell, lexer state,
watched runs, indentation register, column). Deterministic grammars have one thread nearly
always; more arise where a lexeme may end although a longer one is still possible, at
lookaheads, and in nondeterministic grammars. Threads are independent: a text is alive if
one of them is.

``stack_moves`` says what cells are, ``checks`` which threads are dropped. Tables and scratch lie
as ``grammar_heap`` says.
"""

from __future__ import annotations

from structgen.kernels.checks import check, survives
from structgen.kernels.forked_stacks import first_of, is_fork, rest_of
from structgen.kernels.grammar_heap import (
    ALL_ENDS,
    BROKEN,
    CLOSE,
    CLOSING,
    COLLIDES,
    CONTEXT,
    FAIL,
    FITS_NONE,
    FORKED,
    FULL,
    IGNORED,
    INDENTS,
    JOIN,
    JOINS,
    MAX_COLUMN,
    N_JOINS,
    NEVER,
    NEWLINE,
    OPEN,
    OPENING,
    REGISTER,
    ROW,
    STATUS,
    THREAD_CAPACITY,
    THREADS,
    UNKNOWN,
    WATCH,
    accepts_at,
    delta_at,
    ended_at,
    ending_start_at,
    ending_terminal_at,
    ending_watch_at,
    family_at,
    family_start_at,
    family_terminal_at,
    feed_at,
    feed_count_at,
    fork_start_at,
    fork_state_at,
    fork_watch_at,
    indent_at,
    never_at,
    note_missing,
    role_at,
    start_at,
    watch_step_at,
)
from structgen.kernels.jit import uncounted
from structgen.kernels.stack_cells import state_of
from structgen.kernels.stack_moves import shift


@uncounted
def emit(work, first, count, cell, state, watch, register, column):  # type: ignore[no-untyped-def]
    """Add a thread to those from ``first`` on, unless it is there; returns the new count."""
    at = work[THREADS] + 5 * first
    for _ in range(count):
        if (
            work[at] == cell
            and work[at + 1] == state
            and work[at + 2] == watch
            and work[at + 3] == register
            and work[at + 4] == column
        ):
            return count
        at += 5
    if first + count >= work[THREAD_CAPACITY]:
        work[STATUS] = FULL
        return count
    work[at] = cell
    work[at + 1] = state
    work[at + 2] = watch
    work[at + 3] = register
    work[at + 4] = column
    return count + 1


@uncounted
def column_after(heap, family_has_newline, column, byte):  # type: ignore[no-untyped-def]
    if not family_has_newline:
        return -1
    if byte == 10:
        return 0
    if column < 0:
        return column
    if byte == 32:
        return column + 1
    if byte == 9:
        return column + indent_at(heap, 3)
    return column


@uncounted
def has_newline(heap, state):  # type: ignore[no-untyped-def]
    family = family_at(heap, state)
    for i in range(family_start_at(heap, family), family_start_at(heap, family + 1)):
        if role_at(heap, family_terminal_at(heap, i)) & NEWLINE:
            return True
    return False


@uncounted
def join(heap, work, one, other):  # type: ignore[no-untyped-def]
    if one == 0 or other == 0:
        return one + other
    for i in range(heap[N_JOINS]):
        if heap[heap[JOINS] + 3 * i + 0] == one and heap[heap[JOINS] + 3 * i + 1] == other:
            return heap[heap[JOINS] + 3 * i + 2]
    note_missing(work, JOIN, one, other)
    return FAIL


@uncounted
def is_alive(heap, work, cell, state, watch, register, column):  # type: ignore[no-untyped-def]
    """Whether a thread is worth following."""
    if watch != 0 and heap[COLLIDES] != 0:
        return survives(heap, work, cell, state, watch)
    return check(heap, work, cell, state, register, column)


@uncounted
def emit_code(heap, work, first, count, cell, code, watch, register, column, byte, checked):  # type: ignore[no-untyped-def]
    """Add the thread (or the fork's threads) that ``code`` names, where the stack lets them live."""
    if code >= 0:
        if indent_at(heap, 0) >= 0:
            column = column_after(heap, has_newline(heap, code), column, byte)
        if checked or is_alive(heap, work, cell, code, watch, register, column):
            return emit(work, first, count, cell, code, watch, register, column)
        return count
    fork = -2 - code
    for i in range(fork_start_at(heap, fork), fork_start_at(heap, fork + 1)):
        both = join(heap, work, watch, fork_watch_at(heap, i))
        state = fork_state_at(heap, i)
        if both >= 0:
            wide = column
            if indent_at(heap, 0) >= 0:
                wide = column_after(heap, has_newline(heap, state), column, byte)
            if is_alive(heap, work, cell, state, both, register, wide):
                count = emit(work, first, count, cell, state, both, register, wide)
    return count


@uncounted
def end_lexeme(heap, work, cell, terminal, register, column):  # type: ignore[no-untyped-def]
    """Hand ``terminal`` to the parser; returns (cell, which may be a fork, or FAIL, register)."""
    role = role_at(heap, terminal)
    if role & IGNORED:
        return cell, register
    if role & NEWLINE:
        return end_newline(heap, work, cell, register, column)
    if role & (OPEN | CLOSE):
        if feed_at(heap, register, 0) == UNKNOWN:
            note_missing(work, REGISTER, register, 0)
            return FAIL, register
        register = feed_at(heap, register, OPENING if role & OPEN else CLOSING)
        if register < 0:
            return FAIL, register
    return shift(heap, work, cell, terminal), register


@uncounted
def end_newline(heap, work, cell, register, column):  # type: ignore[no-untyped-def]
    if feed_at(heap, register, 0) == UNKNOWN:
        note_missing(work, REGISTER, register, 0)
        return FAIL, register
    if feed_count_at(heap, register, MAX_COLUMN) > 0:
        return cell, register
    if column < 0 or column >= MAX_COLUMN or feed_at(heap, register, column) == FITS_NONE:
        return FAIL, register
    if feed_at(heap, register, column) == INDENTS:
        note_missing(work, REGISTER, register, column)
        return FAIL, register
    cell = shift(heap, work, cell, indent_at(heap, 0))
    count = feed_count_at(heap, register, column)
    if count == 1 and cell != FAIL:
        cell = shift(heap, work, cell, indent_at(heap, 1))
    while count < 0 and cell != FAIL:
        cell = shift(heap, work, cell, indent_at(heap, 2))
        count += 1
    return cell, feed_at(heap, register, column)


@uncounted
def step(heap, work, source, first, count, byte, resting):  # type: ignore[no-untyped-def]
    """Move the thread in row ``source`` over ``byte``; new threads go to ``first + count`` on.

    ``resting`` is 1 where only the end of the present lexeme is wanted (its continuation is
    accounted for elsewhere). Returns the new count.
    """
    cell = work[work[THREADS] + 5 * (source) + 0]
    state = work[work[THREADS] + 5 * (source) + 1]
    watch = work[work[THREADS] + 5 * (source) + 2]
    register = work[work[THREADS] + 5 * (source) + 3]
    column = work[work[THREADS] + 5 * (source) + 4]
    after = watch
    if watch:
        after = watch_step_at(heap, watch, byte)
        if after == UNKNOWN:
            note_missing(work, WATCH, watch, 0)
            return count
        if after == BROKEN:
            return count
    code = delta_at(heap, state, byte)
    if code == UNKNOWN:
        note_missing(work, ROW, state, 0)
        return count
    if code != 0 and resting == 0:
        checked = code > 0 and family_at(heap, code) == family_at(heap, state) and indent_at(heap, 0) < 0
        checked = checked and heap[COLLIDES] == 0
        count = emit_code(heap, work, first, count, cell, code, after, register, column, byte, checked)
    ended = ended_at(heap, state, byte)
    if heap[ALL_ENDS] != 0:
        code = 0  # whatever else the lexeme may become, it may end here
    if ended == -1 or (code > 0 and accepts_at(heap, code) >= 0):
        return count
    if ended >= 0:
        return begin_lexeme(heap, work, first, count, cell, ended, code, after, register, column, byte)
    for i in range(ending_start_at(heap, -2 - ended), ending_start_at(heap, -1 - ended)):
        both = join(heap, work, after, ending_watch_at(heap, i))
        if both >= 0:
            terminal = ending_terminal_at(heap, i)
            count = begin_lexeme(heap, work, first, count, cell, terminal, 0, both, register, column, byte)
    return count


@uncounted
def begin_lexeme(heap, work, first, count, cell, terminal, code, after, register, column, byte):  # type: ignore[no-untyped-def]
    """End the present lexeme as ``terminal`` and read ``byte`` as the first of the next one."""
    cell, register = end_lexeme(heap, work, cell, terminal, register, column)
    if cell == FAIL:
        return count
    while heap[FORKED] != 0 and is_fork(heap, work, cell):
        one = first_of(heap, work, cell)
        count = begin_on(heap, work, first, count, one, code, after, register, byte)
        cell = rest_of(heap, work, cell)
    return begin_on(heap, work, first, count, cell, code, after, register, byte)


@uncounted
def begin_on(heap, work, first, count, cell, code, after, register, byte):  # type: ignore[no-untyped-def]
    """The same on the stack that the terminal led to; the lexeme that ended could have gone on to ``code``."""
    if code != 0:  # the condition is asked for where something may begin: elsewhere it is not worked out
        if not may_begin(heap, work, cell, byte):
            return count
        forbid = never_at(heap, code) if code > 0 else UNKNOWN
        if code < 0:
            for i in range(heap[N_JOINS]):
                if heap[heap[JOINS] + 3 * i + 0] == code:
                    forbid = heap[heap[JOINS] + 3 * i + 2]
        if forbid == UNKNOWN:
            note_missing(work, NEVER, code, 0)
            return count
        after = join(heap, work, after, forbid)
        if after < 0:
            return count
    return start_lexeme(heap, work, first, count, cell, after, register, byte)


@uncounted
def may_begin(heap, work, cell, byte):  # type: ignore[no-untyped-def]
    """Whether a lexeme after ``cell`` may begin with ``byte``, as far as one look tells."""
    parser_state = state_of(heap, work, cell)
    begin = start_at(heap, parser_state)
    if begin == UNKNOWN:
        note_missing(work, CONTEXT, parser_state, 0)
        return False
    if begin >= 0:
        return may_read(heap, work, begin, byte)
    fork = -2 - begin
    found = False
    for i in range(fork_start_at(heap, fork), fork_start_at(heap, fork + 1)):
        found = found or may_read(heap, work, fork_state_at(heap, i), byte)
    return found


@uncounted
def may_read(heap, work, state, byte):  # type: ignore[no-untyped-def]
    """Whether a lexeme in ``state`` may go on with ``byte``."""
    code = delta_at(heap, state, byte)
    if code == UNKNOWN:
        note_missing(work, ROW, state, 0)
    return code != 0 and code != UNKNOWN


@uncounted
def start_lexeme(heap, work, first, count, cell, watch, register, byte):  # type: ignore[no-untyped-def]
    """Read ``byte`` as the first of a lexeme after ``cell``."""
    parser_state = state_of(heap, work, cell)
    begin = start_at(heap, parser_state)
    if begin == UNKNOWN:
        note_missing(work, CONTEXT, parser_state, 0)
        return count
    if begin >= 0:
        code = delta_at(heap, begin, byte)
        if code == UNKNOWN:
            note_missing(work, ROW, begin, 0)
            return count
        if code != 0:
            count = emit_code(heap, work, first, count, cell, code, watch, register, -1, byte, False)
        return count
    fork = -2 - begin
    for i in range(fork_start_at(heap, fork), fork_start_at(heap, fork + 1)):
        guess = fork_watch_at(heap, i)
        if guess:  # the conditions from before have read the byte already
            guess = watch_step_at(heap, guess, byte)
            if guess == UNKNOWN:
                note_missing(work, WATCH, fork_watch_at(heap, i), 0)
                continue
            if guess == BROKEN:
                continue
        both = join(heap, work, watch, guess)
        if both < 0:
            continue
        code = delta_at(heap, fork_state_at(heap, i), byte)
        if code == UNKNOWN:
            note_missing(work, ROW, fork_state_at(heap, i), 0)
        elif code != 0:
            count = emit_code(heap, work, first, count, cell, code, both, register, -1, byte, False)
    return count
