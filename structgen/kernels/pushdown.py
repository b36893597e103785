"""One byte of a grammar: lexer runs over an LR stack.

A *thread* is a guess at how the text so far is cut into lexemes: (stack cell, lexer state,
watched runs, indentation register, column). Deterministic grammars have one thread nearly
always; more arise where a lexeme may end although a longer one is still possible, at
lookaheads, and in nondeterministic grammars. Threads are independent: a text is alive if
one of them is.

Stack cells are shared and never change. Cells below ``SCRATCH`` live in the arena; the
others are made during one kernel call and die with it, unless ``persist`` interns them.
``registers[LOWEST]`` follows the lowest arena cell whose parser state was read, which is
what a finished mask depends on.

Tables and scratch lie as ``grammar_heap`` says.
"""

from __future__ import annotations

import numpy as np

from structgen.kernels.grammar_heap import (
    ALL_ENDS,
    BROKEN,
    CELLS,
    CHECK_MEMO,
    CLOSE,
    CLOSING,
    CONTEXT,
    FAIL,
    FITS_NONE,
    FULL,
    GENERATION,
    IGNORED,
    INDENTS,
    JOIN,
    JOINS,
    LOWEST,
    MAX_COLUMN,
    MEMO,
    N_JOINS,
    N_PATH,
    N_SCRATCH,
    N_SHIFTS,
    N_TERMINALS,
    NEVER,
    NEWLINE,
    NOTED,
    OK,
    OPEN,
    OPENING,
    PATH,
    REGISTER,
    ROW,
    SCRATCH,
    SCRATCH_AT,
    SCRATCH_CAPACITY,
    SHIFT,
    SHIFT_MEMO,
    SHIFTS,
    STATUS,
    THREAD_CAPACITY,
    THREADS,
    UNKNOWN,
    WATCH,
    accepts_at,
    action_at,
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
    goto_at,
    indent_at,
    left_at,
    length_at,
    never_at,
    note_missing,
    role_at,
    start_at,
    watch_step_at,
)
from structgen.kernels.jit import uncounted


@uncounted
def state_of(heap, work, cell):  # type: ignore[no-untyped-def]
    if heap[N_SHIFTS] > 0:
        work[LOWEST] = 0
        return cell
    if cell >= SCRATCH:
        return work[SCRATCH_AT + 2 * (cell - SCRATCH) + 0]
    depth = heap[heap[CELLS] + 3 * (cell) + 2]
    if depth < work[LOWEST]:
        work[LOWEST] = depth
    return heap[heap[CELLS] + 3 * (cell) + 0]


@uncounted
def parent_of(heap, work, cell):  # type: ignore[no-untyped-def]
    if cell >= SCRATCH:
        return work[SCRATCH_AT + 2 * (cell - SCRATCH) + 1]
    return heap[heap[CELLS] + 3 * (cell) + 1]


@uncounted
def push(work, state, parent):  # type: ignore[no-untyped-def]
    n = work[N_SCRATCH]
    if n >= work[SCRATCH_CAPACITY]:
        work[STATUS] = FULL
        return FAIL
    work[SCRATCH_AT + 2 * (n) + 0] = state
    work[SCRATCH_AT + 2 * (n) + 1] = parent
    work[N_SCRATCH] = n + 1
    return SCRATCH + n


@uncounted
def simulate(heap, work, cell, terminal):  # type: ignore[no-untyped-def]
    """Reduce until ``terminal`` can be shifted; returns (base cell, states pushed on it, next state or FAIL or accept).

    The third value is -2 where production 0 is reduced: the text is complete.
    """
    base = cell
    n = 0
    state = state_of(heap, work, base)
    while True:
        act = action_at(heap, state, terminal)
        if act == 0:
            return base, n, FAIL
        if act > 0:
            return base, n, act - 1
        production = -1 - act
        if production == 0:
            return base, n, -2
        for _ in range(length_at(heap, production)):
            if n > 0:
                n -= 1
            else:
                base = parent_of(heap, work, base)
        below = work[PATH + n - 1] if n > 0 else state_of(heap, work, base)
        state = goto_at(heap, below, left_at(heap, production))
        if n >= N_PATH:
            return base, n, FAIL
        work[PATH + n] = state
        n += 1


@uncounted
def shift_hash(cell, terminal, size):  # type: ignore[no-untyped-def]
    return (np.int64(cell) * 1000003 + np.int64(terminal) * 7919) & (size - 1)


@uncounted
def look_up_shift(heap, work, cell, terminal):  # type: ignore[no-untyped-def]
    """The same by table, for nondeterministic parsers."""
    size = heap[N_SHIFTS]
    work[LOWEST] = 0
    slot = shift_hash(cell, terminal, size)
    at = heap[SHIFTS] + 3 * slot
    while heap[at] >= 0:
        if heap[at] == cell and heap[at + 1] == terminal:
            return heap[at + 2]
        slot = (slot + 1) & (size - 1)
        at = heap[SHIFTS] + 3 * slot
    note_missing(work, SHIFT, cell, terminal)
    return FAIL


@uncounted
def shift(heap, work, cell, terminal):  # type: ignore[no-untyped-def]
    """The cell after ``terminal``, or FAIL; remembered within a generation, in which ``LOWEST`` only sinks."""
    if heap[N_SHIFTS] > 0:
        return look_up_shift(heap, work, cell, terminal)
    memo = SHIFT_MEMO + 4 * ((cell * 31 + terminal) & (MEMO - 1))
    generation = work[GENERATION]
    if work[memo] == generation and work[memo + 1] == cell and work[memo + 2] == terminal:
        return work[memo + 3]
    base, n, state = simulate(heap, work, cell, terminal)
    found = FAIL
    if state >= 0:
        for i in range(n):
            base = push(work, work[PATH + i], base)
            if base < 0:
                return FAIL
        found = push(work, state, base)
    if work[STATUS] == OK:
        work[memo] = generation
        work[memo + 1] = cell
        work[memo + 2] = terminal
        work[memo + 3] = found
    return found


@uncounted
def can_shift(heap, work, cell, terminal):  # type: ignore[no-untyped-def]
    if heap[N_SHIFTS] > 0:
        return look_up_shift(heap, work, cell, terminal) != FAIL
    _, _, state = simulate(heap, work, cell, terminal)
    return state >= 0


@uncounted
def newline_possible(heap, work, cell, state, register, column):  # type: ignore[no-untyped-def]
    """Whether a newline in the making can end at some column that the parser goes on from."""
    if feed_at(heap, register, 0) == UNKNOWN:
        note_missing(work, REGISTER, register, 0)
        return False
    if feed_count_at(heap, register, MAX_COLUMN) > 0:
        return True
    after = shift(heap, work, cell, indent_at(heap, 0))
    if after == FAIL:
        return False
    if can_shift(heap, work, after, indent_at(heap, 1)):
        return True
    again = delta_at(heap, state, 10) != 0 or delta_at(heap, state, 13) != 0
    if not again and (column >= MAX_COLUMN or feed_at(heap, register, max(column, 0)) == FITS_NONE):
        least = False
        for wider in range(max(column, 0), MAX_COLUMN):
            if feed_at(heap, register, wider) >= 0 and feed_count_at(heap, register, wider) <= 0:
                least = True
                break
        # a comment that has begun (or a character of it) ends in another line feed, farther on
        if not least and not reads_text(heap, state):
            return False
    for terminal in range(heap[N_TERMINALS] + 1):
        if terminal != indent_at(heap, 1) and can_shift_or_end(heap, work, after, terminal):
            return True
    return False


@uncounted
def reads_text(heap, state):  # type: ignore[no-untyped-def]
    """Whether a lexeme at ``state`` can go on with anything but blanks."""
    found = False
    for byte in range(33, 256):
        found = found or delta_at(heap, state, byte) != 0
    return found


@uncounted
def can_shift_or_end(heap, work, cell, terminal):  # type: ignore[no-untyped-def]
    _, _, state = simulate(heap, work, cell, terminal)
    return state >= 0 or state == -2


@uncounted
def check(heap, work, cell, state, register, column):  # type: ignore[no-untyped-def]
    """Whether some terminal that the lexeme at ``state`` can become fits the stack."""
    family = family_at(heap, state)
    memo = CHECK_MEMO + 4 * ((cell * 61 + family) & (MEMO - 1))
    generation = work[GENERATION]
    if work[memo] == generation and work[memo + 1] == cell and work[memo + 2] == family:
        return work[memo + 3] == 1
    found = False
    memorable = True
    for i in range(family_start_at(heap, family), family_start_at(heap, family + 1)):
        terminal = family_terminal_at(heap, i)
        role = role_at(heap, terminal)
        if role & IGNORED:
            found = True
        elif role & NEWLINE:
            memorable = False
            found = newline_possible(heap, work, cell, state, register, column)
        else:
            found = can_shift(heap, work, cell, terminal)
        if found:
            break
    if memorable and work[NOTED] == 0:
        work[memo] = generation
        work[memo + 1] = cell
        work[memo + 2] = family
        work[memo + 3] = 1 if found else 0
    return found


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
def emit_code(heap, work, first, count, cell, code, watch, register, column, byte, checked):  # type: ignore[no-untyped-def]
    """Add the thread (or the fork's threads) that ``code`` names, where the stack lets them live."""
    if code >= 0:
        if indent_at(heap, 0) >= 0:
            column = column_after(heap, has_newline(heap, code), column, byte)
        if checked or check(heap, work, cell, code, register, column):
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
            if check(heap, work, cell, state, register, wide):
                count = emit(work, first, count, cell, state, both, register, wide)
    return count


@uncounted
def end_lexeme(heap, work, cell, terminal, register, column):  # type: ignore[no-untyped-def]
    """Hand ``terminal`` to the parser; returns (cell or FAIL, register)."""
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
    if code != 0:
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
    cell, register = end_lexeme(heap, work, cell, terminal, register, column)
    if cell == FAIL:
        return count
    return start_lexeme(heap, work, first, count, cell, after, register, byte)


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
