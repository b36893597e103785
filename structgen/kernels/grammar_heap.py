"""Where the tables of a grammar's automaton lie in its heap, and what kernels write in their work array.

Kernels take one heap and one work array because what is passed between them costs: a tuple of 22 arrays took 86 ns
a call, two arrays 15 (a step makes several calls). ``automata.table_heap`` lays the heap out.

Whatever is not in the tables yet is noted in ``missing`` and treated as dead; the caller fills it and calls again.
"""

from __future__ import annotations

from structgen.kernels.jit import uncounted

SCRATCH = 1 << 29
FAIL = -1
UNKNOWN = -1
BROKEN = -2
# registers
N_CELLS, LOWEST, N_MISSING, GENERATION, N_SCRATCH, STATUS, VISITED, N_ARENA, N_EVENTS = 0, 1, 2, 3, 4, 5, 6, 7, 8
SCRATCH_CAPACITY, THREADS, THREAD_CAPACITY, NOTED, FORKED_AT = 9, 10, 11, 12, 13
# kinds of missing entries (the section NEVER, below, is one too)
ROW, CONTEXT, WATCH, JOIN, REGISTER, FATE, ARENA = 0, 1, 2, 4, 5, 7, 8
DOUBT = 64
"""And above it, by the watched runs: what ``doubts`` are to tell."""
MAX_COLUMN = 256
OPENING, CLOSING = MAX_COLUMN, MAX_COLUMN + 1
FITS_NONE, INDENTS = -2, -3
"""In ``feed``: a column that fits no block; one that begins a block, whose register is not worked out yet."""
# terminal roles
IGNORED, NEWLINE, OPEN, CLOSE, DECLARED = 1, 2, 4, 8, 16
# status
OK, FULL, TOO_MANY = 0, 1, 2


# Sections of the heap; heap[X] is where section X starts
(
    DELTA, ACCEPTS, FAMILY, FAMILY_START, FAMILY_TERMINALS, FORK_START, FORK_STATE, FORK_WATCH, WATCH_STEP, NEVER,
    JOINS, START, ACTION, GOTO, LENGTH, LEFT, ROLES, FEED, FEED_COUNT, INDENT, CELLS, CHOICES, BASE, HASHED,
    ENDED, ENDING_START, ENDING_TERMINAL, ENDING_WATCH, KERNEL_START, KERNEL_LEFT, KERNEL_READ,
    SHORTENINGS, LONE, FATES, NEED_START, NEEDS, DOUBTS,
) = range(37)  # fmt: skip
# plain numbers in the heap's header
N_TERMINALS, N_NONTERMINALS, N_JOINS, FORKED, N_HASHED, CELL_CAPACITY, ALL_ENDS = 40, 41, 42, 43, 44, 45, 46
N_SHORTENINGS, COLLIDES, N_FATES, N_DOUBTS, ACCEPTS_EMPTY = 47, 48, 49, 50, 51
HEADER = 64
CHOICE = -(1 << 28)
"""Entries of the action table from here down name a list of choices (see ``forked_stacks``)."""
MOST_WAYS = 1 << 13
"""Stacks that one terminal may close at a time, and lists that are so long."""
WAYS_ROOM = 6 * MOST_WAYS
"""Room of these where parsers are nondeterministic, from ``FORKED_AT`` on; then comes a number per scratch cell."""
# Layout of the work array: registers, then
PATH, N_PATH = 32, 4096
OFFSETS = PATH + N_PATH
N_OFFSETS = 16384
"""Four blocks of numbers by level of a walk, see ``grammar_walk``."""
MISSING, N_MISSING_ROWS = OFFSETS + N_OFFSETS, 256
SHIFT_MEMO = MISSING + 3 * N_MISSING_ROWS
MEMO = 4096
CHECK_MEMO = SHIFT_MEMO + 4 * MEMO
WORDS, N_WORDS = CHECK_MEMO + 4 * MEMO, 6144
"""Room for ``alike_stacks``."""
SCRATCH_AT = WORDS + N_WORDS


@uncounted
def begin_generation(work):  # type: ignore[no-untyped-def]
    """Forget what is remembered of shifts and checks: it carries the number of another generation."""
    generation = work[GENERATION]
    work[GENERATION] = generation + 1 if generation < 1 << 30 else 1


@uncounted
def delta_at(heap, row, column):  # type: ignore[no-untyped-def]
    return heap[heap[DELTA] + (row << 8) + column]


@uncounted
def watch_step_at(heap, row, column):  # type: ignore[no-untyped-def]
    return heap[heap[WATCH_STEP] + (row << 8) + column]


@uncounted
def feed_at(heap, row, column):  # type: ignore[no-untyped-def]
    return heap[heap[FEED] + row * (MAX_COLUMN + 2) + column]


@uncounted
def feed_count_at(heap, row, column):  # type: ignore[no-untyped-def]
    return heap[heap[FEED_COUNT] + row * (MAX_COLUMN + 2) + column]


@uncounted
def action_at(heap, row, column):  # type: ignore[no-untyped-def]
    return heap[heap[ACTION] + row * (heap[N_TERMINALS] + 1) + column]


@uncounted
def goto_at(heap, row, column):  # type: ignore[no-untyped-def]
    return heap[heap[GOTO] + row * heap[N_NONTERMINALS] + column]


@uncounted
def accepts_at(heap, place):  # type: ignore[no-untyped-def]
    return heap[heap[ACCEPTS] + place]


@uncounted
def ended_at(heap, state, byte):  # type: ignore[no-untyped-def]
    """The terminal as which a lexeme in ``state`` ends before ``byte``, -1, or a list (see ``Lexer.endings``)."""
    accepts = heap[heap[ACCEPTS] + state]
    if accepts >= -1:
        return accepts
    return heap[heap[ENDED] + 257 * (-2 - accepts) + byte]


@uncounted
def ending_start_at(heap, place):  # type: ignore[no-untyped-def]
    return heap[heap[ENDING_START] + place]


@uncounted
def ending_terminal_at(heap, place):  # type: ignore[no-untyped-def]
    return heap[heap[ENDING_TERMINAL] + place]


@uncounted
def ending_watch_at(heap, place):  # type: ignore[no-untyped-def]
    return heap[heap[ENDING_WATCH] + place]


@uncounted
def family_at(heap, place):  # type: ignore[no-untyped-def]
    return heap[heap[FAMILY] + place]


@uncounted
def family_start_at(heap, place):  # type: ignore[no-untyped-def]
    return heap[heap[FAMILY_START] + place]


@uncounted
def family_terminal_at(heap, place):  # type: ignore[no-untyped-def]
    return heap[heap[FAMILY_TERMINALS] + place]


@uncounted
def fork_start_at(heap, place):  # type: ignore[no-untyped-def]
    return heap[heap[FORK_START] + place]


@uncounted
def fork_state_at(heap, place):  # type: ignore[no-untyped-def]
    return heap[heap[FORK_STATE] + place]


@uncounted
def fork_watch_at(heap, place):  # type: ignore[no-untyped-def]
    return heap[heap[FORK_WATCH] + place]


@uncounted
def never_at(heap, place):  # type: ignore[no-untyped-def]
    return heap[heap[NEVER] + place]


@uncounted
def start_at(heap, place):  # type: ignore[no-untyped-def]
    return heap[heap[START] + place]


@uncounted
def length_at(heap, place):  # type: ignore[no-untyped-def]
    return heap[heap[LENGTH] + place]


@uncounted
def left_at(heap, place):  # type: ignore[no-untyped-def]
    return heap[heap[LEFT] + place]


@uncounted
def role_at(heap, place):  # type: ignore[no-untyped-def]
    return heap[heap[ROLES] + place]


@uncounted
def indent_at(heap, place):  # type: ignore[no-untyped-def]
    return heap[heap[INDENT] + place]


@uncounted
def base_at(heap, place):  # type: ignore[no-untyped-def]
    return heap[heap[BASE] + place]


@uncounted
def note_missing(work, kind, one, other):  # type: ignore[no-untyped-def]
    """List what is missing, once; ``NOTED`` tells the caller, who may have set it to 0, that something was."""
    work[NOTED] = 1
    n = work[N_MISSING]
    for i in range(min(n, 64)):
        if (
            work[MISSING + 3 * (i) + 0] == kind
            and work[MISSING + 3 * (i) + 1] == one
            and work[MISSING + 3 * (i) + 2] == other
        ):
            return
    if n < N_MISSING_ROWS:
        work[MISSING + 3 * (n) + 0] = kind
        work[MISSING + 3 * (n) + 1] = one
        work[MISSING + 3 * (n) + 2] = other
        work[N_MISSING] = n + 1
