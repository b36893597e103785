"""Stacks that no text tells apart: the shorter one stands for both.

An LR stack remembers more than what may follow depends on: whether a list has two elements or
three, which operators wait for their right operand. Each such stack would have masks and steps
of its own (93 masks along a JSON text of 374 tokens, of which 30 differ). So after each terminal
that was shifted, cells are taken out of the stack where that changes nothing: the state on top is
pushed again on one of the cells further down, as the same symbol, if both stacks then go on alike.

Whether they do is decided by bisimulation up to context (Sangiorgi 1998). Two stacks with a common
lower part are a pair of *words*, the states above it. Words go on alike if each terminal, with the
reductions it causes, does the same to both: is refused, completes the text, is shifted, or reduces
the common part by as many cells to the same nonterminal, from where on there is one stack. What a
shift or a reduction makes of two words is a pair to be looked at in turn, for the terminals that
lead there; but where words end in the same states after a shift, as far as the productions reach
back that the last state is in, whatever comes on top is the same for both until one of these is
reduced, so it is enough to look at the words with their left-hand sides in place of that end. A
pair met again needs no second look: if the words differed there, some shorter text would have shown
it. Words between two lexemes must have the same actions too, since Lark's lexer looks for the
terminals that have any. (Trying each terminal to its end took four times as long on a grammar of SQL;
asking of all terminals what only some lead to left a fifth of its stacks apart.)

A stack whose top can do nothing but reduce is reduced, if the lexer looks for the same terminals then. (To reduce it
too where it looks for fewer, but the lexeme stays the same, saved four of JSON's 47 masks, and cost a context of its
own for the narrower state in the middle of a text: p99 went from 55 us to 79.)

Answers depend on the states of the few cells in question, and are remembered by them. What does not
fit the room, or takes too many pairs, stays as it is: stacks are shortened so that there are fewer,
and nothing depends on there being no more.
"""

from __future__ import annotations

import numpy as np

from structgen.kernels.grammar_heap import (
    ACTION,
    CELLS,
    FAIL,
    KERNEL_LEFT,
    KERNEL_READ,
    KERNEL_START,
    LONE,
    N_NONTERMINALS,
    N_SHORTENINGS,
    N_TERMINALS,
    OK,
    SCRATCH,
    SCRATCH_AT,
    SHORTENINGS,
    WORDS,
    action_at,
    goto_at,
    left_at,
    length_at,
)
from structgen.kernels.jit import uncounted
from structgen.kernels.stack_cells import parent_of, push

__all__ = ["shorten"]

REACH = 6
"""Cells under the top at which its state is tried."""
ROW = REACH + 3
"""Of what is remembered: how many states to replace, these and the one below, and the state to push."""
WORD = 16
"""Room of a word: its length, and its states."""
SET = 16
"""Room of a set of terminals, 16 in each number."""
MOST_TERMINALS = 16 * SET - 1
BETWEEN, SET_AT, PAIR = 2 * WORD, 2 * WORD + 1, 2 * WORD + 1 + SET
"""In a pair, behind its words: whether they lie between lexemes, and which terminals may come next; its size."""
MOST_PAIRS = 96
PATH = WORDS + MOST_PAIRS * PAIR
"""The states on top of the stack; behind them two words to work with, and three sets."""
ONE, OTHER = PATH + 8, PATH + 8 + WORD
ALL, LEFT_OVER, GROUP = OTHER + WORD, OTHER + WORD + SET, OTHER + WORD + 2 * SET
REFUSED, ACCEPTED, UNLIKE, DIFFERENT, BELOW = -1, -2, -3, -4, -5
MOST_MOVES = 256
"""Reductions before one terminal."""


@uncounted
def state_at(heap, work, cell):  # type: ignore[no-untyped-def]
    """The parser state of a cell; unlike ``state_of``, without a note that it was read."""
    if cell >= SCRATCH:
        return work[SCRATCH_AT + 2 * (cell - SCRATCH)]
    return heap[heap[CELLS] + 3 * cell]


@uncounted
def shorten(heap, work, cell):  # type: ignore[no-untyped-def]
    """A cell whose stack goes on as that of scratch cell ``cell`` does, and is the shortest that is found."""
    for _ in range(MOST_MOVES):
        n, at = 1, cell
        work[PATH] = state_at(heap, work, cell)
        while n <= REACH and (at >= SCRATCH or heap[heap[CELLS] + 3 * at + 2] > 0):
            at = parent_of(heap, work, at)
            work[PATH + n] = state_at(heap, work, at)
            n += 1
        n_popped, target = reduction(heap, work, n)
        known = n
        while n_popped == 0 and known > 2:
            known -= 1
            target = replacement(heap, work, known)
            if target > 0:
                n_popped = known
        if n_popped == 0:
            break
        below = cell
        for _ in range(n_popped):
            below = parent_of(heap, work, below)
        pushed = push(work, target, below)
        if pushed == FAIL:
            break
        cell = pushed
    return cell


@uncounted
def reduction(heap, work, n):  # type: ignore[no-untyped-def]
    """(cells to pop, state to push) where the first of the ``n`` states at ``PATH`` can do nothing else; or 0."""
    production = lone_production(heap, work[PATH])
    if production > 0:
        length = length_at(heap, production)
        if 0 < length < n:
            target = goto_at(heap, work[PATH + length], left_at(heap, production))
            if acts_alike(heap, work[PATH], target):
                return length, target
    return 0, 0


@uncounted
def replacement(heap, work, n):  # type: ignore[no-untyped-def]
    """The state to push in place of the first ``n`` at ``PATH``, on the one behind them; 0 where there is none."""
    code = np.int64(n)
    for i in range(n + 1):
        code = (code * 1000003 + work[PATH + i]) & 0x7FFFFFFFFFFF
    row = heap[SHORTENINGS] + ROW * ((code ^ (code >> 17)) & (heap[N_SHORTENINGS] - 1))
    known = heap[row] == n
    for i in range(n + 1):
        known = known and heap[row + 1 + i] == work[PATH + i]
    if not known:
        target = find_replacement(heap, work, n)
        heap[row] = n
        for i in range(n + 1):
            heap[row + 1 + i] = work[PATH + i]
        heap[row + REACH + 2] = target
    return heap[row + REACH + 2]


@uncounted
def find_replacement(heap, work, n):  # type: ignore[no-untyped-def]
    """``replacement``, worked out."""
    top, base = work[PATH], work[PATH + n]
    target = after_symbol(heap, base, symbol_between(heap, work[PATH + 1], top))
    if target < 0 or not acts_alike(heap, top, target):
        return 0
    work[WORDS] = n
    for i in range(n):
        work[WORDS + 1 + i] = work[PATH + n - 1 - i]
    work[WORDS + WORD] = 1
    work[WORDS + WORD + 1] = target
    work[WORDS + BETWEEN] = 1
    for k in range(SET):
        work[ALL + k] = 0xFFFF
        work[WORDS + SET_AT + k] = 0xFFFF
    return target if go_on_alike(heap, work, base) else 0


@uncounted
def lone_production(heap, state):  # type: ignore[no-untyped-def]
    """The production that is reduced in ``state``, whatever comes, where there is nothing else to do; or -1."""
    at = heap[LONE] + state
    if heap[at] == 0:
        heap[at] = find_lone(heap, state)
    return heap[at]


@uncounted
def find_lone(heap, state):  # type: ignore[no-untyped-def]
    """``lone_production``, worked out."""
    found = 0
    for terminal in range(heap[N_TERMINALS] + 1):
        action = action_at(heap, state, terminal)
        if action > 0 or (action < 0 and found < 0 and action != found):
            return -1
        if action < 0:
            found = action
    return -1 - found if found < -1 else -1


@uncounted
def acts_alike(heap, one, other):  # type: ignore[no-untyped-def]
    """Whether two states have actions for the same terminals."""
    if one == other:
        return True
    width = heap[N_TERMINALS] + 1
    first, second = heap[ACTION] + width * one, heap[ACTION] + width * other
    terminal = 0
    while terminal < width and (heap[first + terminal] == 0) == (heap[second + terminal] == 0):
        terminal += 1
    return terminal == width


@uncounted
def symbol_between(heap, below, top):  # type: ignore[no-untyped-def]
    """The symbol by which ``top`` is pushed on ``below``; nonterminals behind the terminals and the end."""
    for terminal in range(heap[N_TERMINALS]):
        if action_at(heap, below, terminal) == top + 1:
            return terminal
    for left in range(heap[N_NONTERMINALS]):
        if goto_at(heap, below, left) == top:
            return heap[N_TERMINALS] + 1 + left
    return -1


@uncounted
def after_symbol(heap, state, symbol):  # type: ignore[no-untyped-def]
    """The state that is pushed on ``state`` as ``symbol``, or -1."""
    if symbol < 0:
        return -1
    if symbol < heap[N_TERMINALS]:
        return max(action_at(heap, state, symbol), 0) - 1
    found = goto_at(heap, state, symbol - heap[N_TERMINALS] - 1)
    return found if found > 0 else -1


@uncounted
def go_on_alike(heap, work, base):  # type: ignore[no-untyped-def]
    """Whether the two words of the first pair go on alike above a cell with state ``base``."""
    n, done = 1, 0
    while done < n:
        n = compare(heap, work, base, WORDS + PAIR * done, n)
        if n < 0:
            return False
        done += 1
    return True


@uncounted
def top_of(work, word, base):  # type: ignore[no-untyped-def]
    return work[word + work[word]] if work[word] > 0 else base


@uncounted
def compare(heap, work, base, pair, n):  # type: ignore[no-untyped-def]
    """What one pair depends on: adds pairs to the ``n`` there are; returns how many there are then, or -1."""
    one, other = top_of(work, pair, base), top_of(work, pair + WORD, base)
    if work[pair + BETWEEN] != 0 and not acts_alike(heap, one, other):
        return -1
    width = heap[N_TERMINALS] + 1
    rows, other_rows = heap[ACTION] + width * one, heap[ACTION] + width * other
    for word in range(SET):
        work[LEFT_OVER + word] = work[pair + SET_AT + word]
    for terminal in range(width):
        if work[LEFT_OVER + (terminal >> 4)] >> (terminal & 15) & 1 == 0:
            continue
        action, other_action = heap[rows + terminal], heap[other_rows + terminal]
        if action == other_action == 0:
            continue
        if action < -1 and other_action < -1:
            ended = reduce_both(heap, work, base, pair, -1 - action, -1 - other_action)
            if ended != UNLIKE:
                take_alike(heap, work, terminal, rows, other_rows)
                n = n if ended == OK else add_pair(work, n, 0, GROUP)
                if n < 0:
                    return -1
                continue
        first = react(heap, work, base, pair, ONE, terminal)
        second = react(heap, work, base, pair + WORD, OTHER, terminal)
        if first < 0 or second < 0:
            if first != second or first == UNLIKE:
                return -1
            continue
        n = compare_shifted(heap, work, base, n, first)
        if n < 0:
            return -1
    return n


@uncounted
def take_alike(heap, work, terminal, rows, other_rows):  # type: ignore[no-untyped-def]
    """Move from ``LEFT_OVER`` to ``GROUP`` the terminals with the actions that ``terminal`` has in both rows."""
    action, other_action = heap[rows + terminal], heap[other_rows + terminal]
    for word in range(SET):
        work[GROUP + word] = 0
    for each in range(terminal, heap[N_TERMINALS] + 1):
        bit = 1 << (each & 15)
        if heap[rows + each] == action and heap[other_rows + each] == other_action:
            if work[LEFT_OVER + (each >> 4)] & bit != 0:
                work[GROUP + (each >> 4)] |= bit
                work[LEFT_OVER + (each >> 4)] ^= bit


@uncounted
def reduce_both(heap, work, base, pair, production, other):  # type: ignore[no-untyped-def]
    """Reduce the words of a pair: ``OK`` where that makes the same of both, ``UNLIKE`` where they end unlike."""
    first = reduce(heap, work, base, pair, ONE, production)
    second = reduce(heap, work, base, pair + WORD, OTHER, other)
    if first != second or first == UNLIKE:
        return UNLIKE
    return OK if first <= BELOW or are_equal(work) else DIFFERENT


@uncounted
def compare_shifted(heap, work, base, n, state):  # type: ignore[no-untyped-def]
    """The same for the words at ``ONE`` and ``OTHER`` after a shift, the first of them to ``state``."""
    if are_equal(work):
        return n
    first, last = heap[heap[KERNEL_START] + state], heap[heap[KERNEL_START] + state + 1]
    n_same = common_end(work)
    for i in range(first, last):
        if heap[heap[KERNEL_READ] + i] > n_same:
            return add_pair(work, n, 1, ALL)
    for i in range(first, last):
        left, n_read = heap[heap[KERNEL_LEFT] + i], heap[heap[KERNEL_READ] + i]
        n = add_reduced(heap, work, base, n, n_read, left)
        if n < 0:
            return n
    return n


@uncounted
def common_end(work):  # type: ignore[no-untyped-def]
    """How many states at the end of the words at ``ONE`` and ``OTHER`` are the same."""
    n = 0
    while n < min(work[ONE], work[OTHER]) and work[ONE + work[ONE] - n] == work[OTHER + work[OTHER] - n]:
        n += 1
    return n


@uncounted
def add_reduced(heap, work, base, n, n_popped, left):  # type: ignore[no-untyped-def]
    """Add the pair of the words at ``ONE`` and ``OTHER`` with ``left`` in place of their last states."""
    at_one, at_other = ONE + work[ONE] - n_popped, OTHER + work[OTHER] - n_popped
    first = goto_at(heap, work[at_one] if at_one > ONE else base, left)
    second = goto_at(heap, work[at_other] if at_other > OTHER else base, left)
    if first == 0 or second == 0:
        return n if first == second else -1
    n_one, n_other, top, other_top = work[ONE], work[OTHER], work[at_one + 1], work[at_other + 1]
    work[ONE], work[at_one + 1] = at_one - ONE + 1, first
    work[OTHER], work[at_other + 1] = at_other - OTHER + 1, second
    n = add_pair(work, n, 0, ALL)
    work[at_one + 1], work[ONE] = top, n_one
    work[at_other + 1], work[OTHER] = other_top, n_other
    return n


@uncounted
def copy_word(work, source, target):  # type: ignore[no-untyped-def]
    for i in range(work[source] + 1):
        work[target + i] = work[source + i]


@uncounted
def reduce(heap, work, base, word, out, production):  # type: ignore[no-untyped-def]
    """Write to ``out`` what ``production`` makes of a word; ``BELOW`` and less where it reduces what lies below."""
    if word != out:
        copy_word(work, word, out)
    n = work[out] - length_at(heap, production)
    if n < 0:
        return BELOW + n * heap[N_NONTERMINALS] - left_at(heap, production)
    if n + 1 >= WORD:
        return UNLIKE
    work[out] = n
    work[out + n + 1] = goto_at(heap, top_of(work, out, base), left_at(heap, production))
    work[out] = n + 1
    return OK


@uncounted
def react(heap, work, base, word, out, terminal):  # type: ignore[no-untyped-def]
    """Write to ``out`` the word after ``terminal``; returns the state pushed last, or how it ended."""
    copy_word(work, word, out)
    for _ in range(MOST_MOVES):
        action = action_at(heap, top_of(work, out, base), terminal)
        if action == 0:
            return REFUSED
        if action == -1:
            return ACCEPTED
        if action > 0:
            n = work[out] + 1
            if n >= WORD:
                return UNLIKE
            work[out] = n
            work[out + n] = action - 1
            return action - 1
        ended = reduce(heap, work, base, out, out, -1 - action)
        if ended != OK:
            return ended
    return UNLIKE


@uncounted
def are_equal(work):  # type: ignore[no-untyped-def]
    """Whether the words at ``ONE`` and ``OTHER`` are the same."""
    n = work[ONE]
    i = 0
    while i <= n and work[ONE + i] == work[OTHER + i]:
        i += 1
    return i > n


@uncounted
def add_pair(work, n, is_between, terminals):  # type: ignore[no-untyped-def]
    """Add the words at ``ONE`` and ``OTHER`` to the ``n`` pairs, unless that is needless; -1 where there is no room.

    ``terminals`` is the place of a set: what may come next.
    """
    if are_equal(work):
        return n
    n_one, n_other = work[ONE], work[OTHER]
    for i in range(n - 1, -1, -1):
        pair = WORDS + PAIR * i
        if work[pair] != n_one or work[pair + WORD] != n_other or work[pair + n_one] != work[ONE + n_one]:
            continue
        same = work[pair + BETWEEN] >= is_between
        for k in range(1, n_one):
            same = same and work[pair + k] == work[ONE + k]
        for k in range(1, n_other + 1):
            same = same and work[pair + WORD + k] == work[OTHER + k]
        for k in range(SET):
            same = same and work[terminals + k] & ~work[pair + SET_AT + k] == 0
        if same:
            return n
    if n >= MOST_PAIRS:
        return -1
    pair = WORDS + PAIR * n
    copy_word(work, ONE, pair)
    copy_word(work, OTHER, pair + WORD)
    work[pair + BETWEEN] = is_between
    for k in range(SET):
        work[pair + SET_AT + k] = work[terminals + k]
    return n + 1
