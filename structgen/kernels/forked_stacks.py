"""Moves of a nondeterministic LR parser: all stacks at once, in cells that fork.

Tomita's algorithm (1986) on the cells of ``stack_cells``: the stacks that a terminal leads to differ in
their tops, one for each state that is reached, and share what lies below. All *links*, a state on top and
what it lies on, that reductions lead to before the terminal are listed; each is followed once. The grammar is freed
of empty rules and unit cycles first (``automata.grammar.glr``), so what is below a new link is older than it, and the
list ends.

Where there is one stack and one move, ``stack_moves`` needs none of this.

Where an entry of the action table allows more than one move, it names a list of ``CHOICES``: how many
productions may be reduced, the entry of the shift or 0, and the productions.
"""

from __future__ import annotations

from structgen.kernels.grammar_heap import (
    CHOICE,
    CHOICES,
    FAIL,
    FORKED_AT,
    MOST_WAYS,
    OK,
    STATUS,
    TOO_MANY,
    action_at,
    goto_at,
    left_at,
    length_at,
)
from structgen.kernels.jit import uncounted
from structgen.kernels.stack_cells import parent_of, push, state_of

__all__ = ["can_shift_forked", "first_of", "is_fork", "rest_of", "shift_forked"]

FITS = -1
"""In place of a number of links: the terminal can be shifted, or the text may end."""
STATE, PARENT, CELL, TARGET = 0, 1, 2, 3
"""Of a link: the state, what it lies on, the cell that it is the whole of or ``FAIL``, and where a shift leads."""


@uncounted
def is_fork(heap, work, cell):  # type: ignore[no-untyped-def]
    return state_of(heap, work, cell) < 0


@uncounted
def first_of(heap, work, cell):  # type: ignore[no-untyped-def]
    """The first of the stacks at ``cell``."""
    return parent_of(heap, work, cell) if is_fork(heap, work, cell) else cell


@uncounted
def rest_of(heap, work, cell):  # type: ignore[no-untyped-def]
    """The other ones, or ``FAIL``."""
    state = state_of(heap, work, cell)
    return -1 - state if state < 0 else FAIL


@uncounted
def add_link(work, n, state, parent, cell):  # type: ignore[no-untyped-def]
    """List a link, unless it is there; returns how many there are."""
    at = work[FORKED_AT]
    for i in range(n):
        if work[at + 4 * i + STATE] == state and work[at + 4 * i + PARENT] == parent:
            return n
    if n >= MOST_WAYS:
        work[STATUS] = TOO_MANY
        return n
    work[at + 4 * n + STATE] = state
    work[at + 4 * n + PARENT] = parent
    work[at + 4 * n + CELL] = cell
    return n + 1


@uncounted
def add_ways(heap, work, room, n, cell):  # type: ignore[no-untyped-def]
    """Add the cells that ``cell`` stands for to the list at ``room``; returns how many there are."""
    while cell != FAIL:
        one = first_of(heap, work, cell)
        known = False
        for i in range(n):
            known = known or work[room + i] == one
        if not known:
            if n >= MOST_WAYS:
                work[STATUS] = TOO_MANY
                return n
            work[room + n] = one
            n += 1
        cell = rest_of(heap, work, cell)
    return n


@uncounted
def reduce_link(heap, work, n_links, parent, production):  # type: ignore[no-untyped-def]
    """List the links that reducing ``production`` leads to, whose last symbol lies on ``parent``."""
    here = work[FORKED_AT] + 4 * MOST_WAYS
    there = here + MOST_WAYS
    n = add_ways(heap, work, here, 0, parent)
    for _ in range(length_at(heap, production) - 1):
        n_below = 0
        for i in range(n):
            n_below = add_ways(heap, work, there, n_below, parent_of(heap, work, work[here + i]))
        here, there = there, here
        n = n_below
    for i in range(n):
        base = work[here + i]
        state = goto_at(heap, state_of(heap, work, base), left_at(heap, production))
        n_links = add_link(work, n_links, state, base, FAIL)
    return n_links


@uncounted
def reach(heap, work, cell, terminal, stops):  # type: ignore[no-untyped-def]
    """List the links that reductions before ``terminal`` lead to, and where shifts lead; returns how many.

    ``FITS`` where it could be shifted and ``stops`` is set, or where the text may end.
    """
    n = 0
    at = work[FORKED_AT]
    while cell != FAIL:
        one = first_of(heap, work, cell)
        n = add_link(work, n, state_of(heap, work, one), parent_of(heap, work, one), one)
        cell = rest_of(heap, work, cell)
    done = 0
    while done < n and work[STATUS] == OK:
        link = at + 4 * done
        done += 1
        act = action_at(heap, work[link + STATE], terminal)
        shifted = act
        if act <= CHOICE:
            choice = heap[CHOICES] + CHOICE - act
            shifted = heap[choice + 1]
            for i in range(heap[choice]):
                n = reduce_link(heap, work, n, work[link + PARENT], heap[choice + 2 + i])
        elif act == -1:
            return FITS
        elif act < 0:
            n = reduce_link(heap, work, n, work[link + PARENT], -1 - act)
        work[link + TARGET] = max(shifted, 0) - 1
        if stops and shifted > 0:
            return FITS
    return n


@uncounted
def can_shift_forked(heap, work, cell, terminal):  # type: ignore[no-untyped-def]
    """Whether some stack at ``cell`` takes ``terminal`` (the last one is the text's end)."""
    return reach(heap, work, cell, terminal, True) == FITS


@uncounted
def with_cell(heap, work, fork, cell):  # type: ignore[no-untyped-def]
    """``fork`` (``FAIL``: none) and the stacks at ``cell``."""
    while cell != FAIL and work[STATUS] == OK:
        one = first_of(heap, work, cell)
        known = False
        rest = fork
        while rest != FAIL and not known:
            known = first_of(heap, work, rest) == one
            rest = rest_of(heap, work, rest)
        if not known:
            fork = one if fork == FAIL else push(work, -1 - fork, one)
        cell = rest_of(heap, work, cell)
    return fork


@uncounted
def node_of(heap, work, n, first):  # type: ignore[no-untyped-def]
    """The cell of all links with the state of link ``first``, which is the first of them."""
    at = work[FORKED_AT]
    state = work[at + 4 * first + STATE]
    parents = work[at + 4 * first + PARENT]
    cell = work[at + 4 * first + CELL]
    for i in range(first + 1, n):
        if work[at + 4 * i + STATE] == state:
            parents = with_cell(heap, work, parents, work[at + 4 * i + PARENT])
            cell = FAIL
    return push(work, state, parents) if cell == FAIL else cell


@uncounted
def is_first(work, place, column):  # type: ignore[no-untyped-def]
    """Whether no link before ``place`` has the same number in ``column``."""
    at = work[FORKED_AT] + column
    found = False
    for i in range(place):
        found = found or work[at + 4 * i] == work[at + 4 * place]
    return not found


@uncounted
def shift_forked(heap, work, cell, terminal):  # type: ignore[no-untyped-def]
    """The stacks after ``terminal``, or ``FAIL``."""
    n = reach(heap, work, cell, terminal, False)
    at = work[FORKED_AT]
    found = FAIL
    for i in range(n):
        target = work[at + 4 * i + TARGET]
        if target < 0 or not is_first(work, i, TARGET):
            continue
        below = FAIL
        for j in range(i, n):
            if work[at + 4 * j + TARGET] == target and is_first(work, j, STATE):
                below = with_cell(heap, work, below, node_of(heap, work, n, j))
        if work[STATUS] != OK:
            return FAIL
        found = with_cell(heap, work, found, push(work, target, below))
    return found if work[STATUS] == OK else FAIL
