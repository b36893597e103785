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

Whatever is not in the tables yet is noted in ``missing`` and treated as dead; the caller
fills it and calls again.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from structgen.dtypes import IntArray
from structgen.kernels.jit import kernel

__all__ = ["SCRATCH", "GrammarTables", "GrammarWork"]

SCRATCH = 1 << 29
FAIL = -1
UNKNOWN = -1
BROKEN = -2
# registers
N_CELLS, LOWEST, N_MISSING, GENERATION, N_SCRATCH, STATUS, VISITED, N_ARENA, N_EVENTS = 0, 1, 2, 3, 4, 5, 6, 7, 8
N_REGISTERS = 16
# kinds of missing entries
ROW, CONTEXT, WATCH, NEVER, JOIN, REGISTER, SHIFT = 0, 1, 2, 3, 4, 5, 6
MAX_COLUMN = 256
OPENING, CLOSING = MAX_COLUMN, MAX_COLUMN + 1
# terminal roles
IGNORED, NEWLINE, OPEN, CLOSE, DECLARED = 1, 2, 4, 8, 16
# status
OK, FULL = 0, 1
MEMO = 4096


class GrammarTables(NamedTuple):
    """Lexer, parser and stack. S lexer states, P parser states, T terminals, C arena cells."""

    delta: IntArray
    """(S, 256) int32: a state, ``UNKNOWN``, or ``-2 - fork``."""
    accepts: IntArray
    """(S,) int32: the terminal matched, or -1."""
    family: IntArray
    """(S,) int32: the set of terminals the lexeme can become."""
    family_start: IntArray
    """(F + 1,) int32 offsets into ``family_terminals``."""
    family_terminals: IntArray
    fork_start: IntArray
    fork_state: IntArray
    fork_watch: IntArray
    watch_step: IntArray
    """(W, 256) int32: the next set of watched runs, ``UNKNOWN`` or ``BROKEN``."""
    never: IntArray
    """(S,) int32: the watched set that forbids a run to match, or ``UNKNOWN``."""
    joins: IntArray
    """(J, 3) int32: two watched sets and both together."""
    start: IntArray
    """(P,) int32: the code with which lexemes start, or ``UNKNOWN``."""
    action: IntArray
    """(P, T + 1) int32: 0 error, s + 1 shift, -1 - p reduce; all 0 where the parser is nondeterministic."""
    goto: IntArray
    length: IntArray
    left: IntArray
    roles: IntArray
    """(T + 1,) int32 bit set of roles."""
    feed: IntArray
    """(R, 258) int32: the register after a newline at a column, an opening, a closing."""
    feed_count: IntArray
    """(R, 256) int32: 1 for an indent, -n for n dedents."""
    indent: IntArray
    """(3,) int32: the terminals newline, indent and dedent; -1 without indentation; tab length."""
    cells: IntArray
    """(3, C) int32: parser state, parent, depth."""
    shifts: IntArray
    """(H, 3) int32 open-addressed: (cell, terminal) -> cell or FAIL, for nondeterministic parsers."""


class GrammarWork(NamedTuple):
    """What one kernel call writes."""

    scratch: IntArray
    """(2, M) int32: state, parent of scratch cells."""
    threads: IntArray
    """(N, 5) int32: by depth of the walk."""
    offsets: IntArray
    """(D,) int32 into ``threads``."""
    path: IntArray
    """(4096,) int32: states a simulated parse has pushed."""
    shift_key: IntArray
    """(MEMO, 3) int32: generation, cell, terminal -> ``shift_value``."""
    shift_value: IntArray
    check_key: IntArray
    """(MEMO, 3) int32: generation, cell, family -> ``check_value``."""
    check_value: IntArray
    missing: IntArray
    """(K, 3) int32: kind and two ids."""
    registers: IntArray


@kernel
def note_missing(work, kind, one, other):
    n = work.registers[N_MISSING]
    for i in range(min(n, 64)):
        if work.missing[i, 0] == kind and work.missing[i, 1] == one and work.missing[i, 2] == other:
            return
    if n < work.missing.shape[0]:
        work.missing[n, 0] = kind
        work.missing[n, 1] = one
        work.missing[n, 2] = other
        work.registers[N_MISSING] = n + 1


@kernel
def state_of(tables, work, cell):
    if cell >= SCRATCH:
        return work.scratch[0, cell - SCRATCH]
    depth = tables.cells[2, cell]
    if depth < work.registers[LOWEST]:
        work.registers[LOWEST] = depth
    return tables.cells[0, cell]


@kernel
def parent_of(tables, work, cell):
    if cell >= SCRATCH:
        return work.scratch[1, cell - SCRATCH]
    return tables.cells[1, cell]


@kernel
def push(work, state, parent):
    n = work.registers[N_SCRATCH]
    if n >= work.scratch.shape[1]:
        work.registers[STATUS] = FULL
        return FAIL
    work.scratch[0, n] = state
    work.scratch[1, n] = parent
    work.registers[N_SCRATCH] = n + 1
    return SCRATCH + n


@kernel
def simulate(tables, work, cell, terminal):
    """Reduce until ``terminal`` can be shifted; returns (base cell, states pushed on it, next state or FAIL or accept).

    The third value is -2 where production 0 is reduced: the text is complete.
    """
    path = work.path
    base = cell
    n = 0
    state = state_of(tables, work, base)
    while True:
        act = tables.action[state, terminal]
        if act == 0:
            return base, n, FAIL
        if act > 0:
            return base, n, act - 1
        production = -1 - act
        if production == 0:
            return base, n, -2
        for _ in range(tables.length[production]):
            if n > 0:
                n -= 1
            else:
                base = parent_of(tables, work, base)
        below = path[n - 1] if n > 0 else state_of(tables, work, base)
        state = tables.goto[below, tables.left[production]]
        if n >= path.shape[0]:
            return base, n, FAIL
        path[n] = state
        n += 1


@kernel
def shift_hash(cell, terminal, size):
    return (np.int64(cell) * 1000003 + np.int64(terminal) * 7919) & (size - 1)


@kernel
def look_up_shift(tables, work, cell, terminal):
    """The same by table, for nondeterministic parsers."""
    size = tables.shifts.shape[0]
    slot = shift_hash(cell, terminal, size)
    while tables.shifts[slot, 0] >= 0:
        if tables.shifts[slot, 0] == cell and tables.shifts[slot, 1] == terminal:
            return tables.shifts[slot, 2]
        slot = (slot + 1) & (size - 1)
    note_missing(work, SHIFT, cell, terminal)
    return FAIL


@kernel
def shift(tables, work, cell, terminal):
    """The cell after ``terminal``, or FAIL."""
    if tables.shifts.shape[0] > 1:
        return look_up_shift(tables, work, cell, terminal)
    generation = work.registers[GENERATION] if cell >= SCRATCH else 0
    slot = (cell * 31 + terminal) & (MEMO - 1)
    key = work.shift_key
    if cell >= SCRATCH and key[slot, 0] == generation and key[slot, 1] == cell and key[slot, 2] == terminal:
        return work.shift_value[slot]
    base, n, state = simulate(tables, work, cell, terminal)
    if state < 0:
        return FAIL
    for i in range(n):
        base = push(work, work.path[i], base)
        if base < 0:
            return FAIL
    found = push(work, state, base)
    if cell >= SCRATCH and work.registers[STATUS] == OK:
        key[slot, 0] = generation
        key[slot, 1] = cell
        key[slot, 2] = terminal
        work.shift_value[slot] = found
    return found


@kernel
def can_shift(tables, work, cell, terminal):
    if tables.shifts.shape[0] > 1:
        return look_up_shift(tables, work, cell, terminal) != FAIL
    _, _, state = simulate(tables, work, cell, terminal)
    return state >= 0


@kernel
def newline_possible(tables, work, cell, state, register, column):
    """Whether a newline in the making can end at some column that the parser goes on from."""
    if tables.feed[register, 0] == UNKNOWN:
        note_missing(work, REGISTER, register, 0)
        return False
    if tables.feed_count[register, MAX_COLUMN] > 0:
        return True
    after = shift(tables, work, cell, tables.indent[0])
    if after == FAIL:
        return False
    if can_shift(tables, work, after, tables.indent[1]):
        return True
    again = tables.delta[state, 10] != 0 or tables.delta[state, 13] != 0
    if not again and (column >= MAX_COLUMN or tables.feed[register, max(column, 0)] < 0):
        least = False
        for wider in range(max(column, 0), MAX_COLUMN):
            if tables.feed[register, wider] >= 0 and tables.feed_count[register, wider] <= 0:
                least = True
                break
        if not least:
            return False
    for terminal in range(tables.roles.shape[0]):
        if terminal != tables.indent[1] and can_shift_or_end(tables, work, after, terminal):
            return True
    return False


@kernel
def can_shift_or_end(tables, work, cell, terminal):
    _, _, state = simulate(tables, work, cell, terminal)
    return state >= 0 or state == -2


@kernel
def check(tables, work, cell, state, register, column):
    """Whether some terminal that the lexeme at ``state`` can become fits the stack."""
    family = tables.family[state]
    slot = (cell * 61 + family) & (MEMO - 1)
    generation = work.registers[GENERATION]
    key = work.check_key
    if key[slot, 0] == generation and key[slot, 1] == cell and key[slot, 2] == family:
        return work.check_value[slot] == 1
    found = False
    memorable = True
    before = work.registers[N_MISSING]
    for i in range(tables.family_start[family], tables.family_start[family + 1]):
        terminal = tables.family_terminals[i]
        role = tables.roles[terminal]
        if role & IGNORED:
            found = True
        elif role & NEWLINE:
            memorable = False
            found = newline_possible(tables, work, cell, state, register, column)
        else:
            found = can_shift(tables, work, cell, terminal)
        if found:
            break
    if memorable and work.registers[N_MISSING] == before:
        key[slot, 0] = generation
        key[slot, 1] = cell
        key[slot, 2] = family
        work.check_value[slot] = 1 if found else 0
    return found


@kernel
def emit(work, first, count, cell, state, watch, register, column):
    """Add a thread to those from ``first`` on, unless it is there; returns the new count."""
    threads = work.threads
    for i in range(first, first + count):
        if (
            threads[i, 0] == cell
            and threads[i, 1] == state
            and threads[i, 2] == watch
            and threads[i, 3] == register
            and threads[i, 4] == column
        ):
            return count
    at = first + count
    if at >= threads.shape[0]:
        work.registers[STATUS] = FULL
        return count
    threads[at, 0] = cell
    threads[at, 1] = state
    threads[at, 2] = watch
    threads[at, 3] = register
    threads[at, 4] = column
    return count + 1


@kernel
def column_after(tables, family_has_newline, column, byte):
    if not family_has_newline:
        return -1
    if byte == 10:
        return 0
    if column < 0:
        return column
    if byte == 32:
        return column + 1
    if byte == 9:
        return column + tables.indent[3]
    return column


@kernel
def has_newline(tables, state):
    family = tables.family[state]
    for i in range(tables.family_start[family], tables.family_start[family + 1]):
        if tables.roles[tables.family_terminals[i]] & NEWLINE:
            return True
    return False


@kernel
def join(tables, work, one, other):
    if one == 0 or other == 0:
        return one + other
    for i in range(tables.joins.shape[0]):
        if tables.joins[i, 0] == one and tables.joins[i, 1] == other:
            return tables.joins[i, 2]
    note_missing(work, JOIN, one, other)
    return FAIL


@kernel
def emit_code(tables, work, first, count, cell, code, watch, register, column, byte, checked):
    """Add the thread (or the fork's threads) that ``code`` names, where the stack lets them live."""
    if code >= 0:
        if tables.indent[0] >= 0:
            column = column_after(tables, has_newline(tables, code), column, byte)
        if checked or check(tables, work, cell, code, register, column):
            return emit(work, first, count, cell, code, watch, register, column)
        return count
    fork = -2 - code
    for i in range(tables.fork_start[fork], tables.fork_start[fork + 1]):
        both = join(tables, work, watch, tables.fork_watch[i])
        state = tables.fork_state[i]
        if both >= 0:
            wide = column
            if tables.indent[0] >= 0:
                wide = column_after(tables, has_newline(tables, state), column, byte)
            if check(tables, work, cell, state, register, wide):
                count = emit(work, first, count, cell, state, both, register, wide)
    return count


@kernel
def end_lexeme(tables, work, cell, terminal, register, column):
    """Hand ``terminal`` to the parser; returns (cell or FAIL, register)."""
    role = tables.roles[terminal]
    if role & IGNORED:
        return cell, register
    if role & NEWLINE:
        return end_newline(tables, work, cell, register, column)
    if role & (OPEN | CLOSE):
        if tables.feed[register, 0] == UNKNOWN:
            note_missing(work, REGISTER, register, 0)
            return FAIL, register
        register = tables.feed[register, OPENING if role & OPEN else CLOSING]
        if register < 0:
            return FAIL, register
    return shift(tables, work, cell, terminal), register


@kernel
def end_newline(tables, work, cell, register, column):
    if tables.feed[register, 0] == UNKNOWN:
        note_missing(work, REGISTER, register, 0)
        return FAIL, register
    if tables.feed_count[register, MAX_COLUMN] > 0:
        return cell, register
    if column < 0 or column >= MAX_COLUMN or tables.feed[register, column] < 0:
        return FAIL, register
    cell = shift(tables, work, cell, tables.indent[0])
    count = tables.feed_count[register, column]
    if count == 1 and cell != FAIL:
        cell = shift(tables, work, cell, tables.indent[1])
    while count < 0 and cell != FAIL:
        cell = shift(tables, work, cell, tables.indent[2])
        count += 1
    return cell, tables.feed[register, column]


@kernel
def step(tables, work, source, first, count, byte, resting):
    """Move the thread in row ``source`` over ``byte``; new threads go to ``first + count`` on.

    ``resting`` is 1 where only the end of the present lexeme is wanted (its continuation is
    accounted for elsewhere). Returns the new count.
    """
    cell = work.threads[source, 0]
    state = work.threads[source, 1]
    watch = work.threads[source, 2]
    register = work.threads[source, 3]
    column = work.threads[source, 4]
    after = watch
    if watch:
        after = tables.watch_step[watch, byte]
        if after == UNKNOWN:
            note_missing(work, WATCH, watch, 0)
            return count
        if after == BROKEN:
            return count
    code = tables.delta[state, byte]
    if code == UNKNOWN:
        note_missing(work, ROW, state, 0)
        return count
    if code != 0 and resting == 0:
        checked = code > 0 and tables.family[code] == tables.family[state] and tables.indent[0] < 0
        count = emit_code(tables, work, first, count, cell, code, after, register, column, byte, checked)
    terminal = tables.accepts[state]
    if terminal < 0 or (code > 0 and tables.accepts[code] >= 0):
        return count
    return begin_lexeme(tables, work, first, count, cell, terminal, code, after, register, column, byte)


@kernel
def begin_lexeme(tables, work, first, count, cell, terminal, code, after, register, column, byte):
    """End the present lexeme as ``terminal`` and read ``byte`` as the first of the next one."""
    if code != 0:
        forbid = tables.never[code] if code > 0 else UNKNOWN
        if code < 0:
            for i in range(tables.joins.shape[0]):
                if tables.joins[i, 0] == code:
                    forbid = tables.joins[i, 2]
        if forbid == UNKNOWN:
            note_missing(work, NEVER, code, 0)
            return count
        after = join(tables, work, after, forbid)
        if after < 0:
            return count
    cell, register = end_lexeme(tables, work, cell, terminal, register, column)
    if cell == FAIL:
        return count
    return start_lexeme(tables, work, first, count, cell, after, register, byte)


@kernel
def start_lexeme(tables, work, first, count, cell, watch, register, byte):
    """Read ``byte`` as the first of a lexeme after ``cell``."""
    parser_state = state_of(tables, work, cell)
    begin = tables.start[parser_state]
    if begin == UNKNOWN:
        note_missing(work, CONTEXT, parser_state, 0)
        return count
    if begin >= 0:
        code = tables.delta[begin, byte]
        if code == UNKNOWN:
            note_missing(work, ROW, begin, 0)
            return count
        if code != 0:
            count = emit_code(tables, work, first, count, cell, code, watch, register, -1, byte, False)
        return count
    fork = -2 - begin
    for i in range(tables.fork_start[fork], tables.fork_start[fork + 1]):
        both = join(tables, work, watch, tables.fork_watch[i])
        if both < 0:
            continue
        if tables.fork_watch[i]:
            both = tables.watch_step[both, byte]
            if both == UNKNOWN:
                note_missing(work, WATCH, join(tables, work, watch, tables.fork_watch[i]), 0)
                continue
            if both == BROKEN:
                continue
        code = tables.delta[tables.fork_state[i], byte]
        if code == UNKNOWN:
            note_missing(work, ROW, tables.fork_state[i], 0)
        elif code != 0:
            count = emit_code(tables, work, first, count, cell, code, both, register, -1, byte, False)
    return count
