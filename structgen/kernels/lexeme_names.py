"""Which of many words an automaton takes at one place: a question monitors ask of grammars.

A name is read inside one lexeme, and there a lexer is a table: after the first byte nearly
every byte is one load. Only where the set of terminals that the lexeme can still become
changes is the stack asked, and only where a lexeme ends inside a word is the general
``step`` taken.
"""

from __future__ import annotations

from structgen.kernels.checks import check
from structgen.kernels.grammar_heap import COLLIDES, DELTA, OK, STATUS, THREADS, accepts_at, family_at, indent_at
from structgen.kernels.jit import kernel, uncounted
from structgen.kernels.pushdown import has_newline, step

__all__ = ["take_words", "take_words_of_dfa"]


@uncounted
def take_words(heap, work, n_threads, data, typed, firsts, taken):  # type: ignore[no-untyped-def]
    """Tell which words some of the first ``n_threads`` threads can read.

    Parameters
    ----------
    data : (bytes,) uint8, the words, each followed by a zero byte
    typed : (bytes,) uint8, what has been read already; words that do not go on from it count as taken
    firsts : (256, 4) int32 of -1; the one thread after each first byte is kept there, by
        cell, state, register and column, for words share them
    taken : (words,) bool, written in place

    Returns
    -------
    int, words that are; wrong where the call noted something as missing (see ``GrammarAutomaton.run``)
    """
    n_typed = typed.shape[0]
    at = 0
    total = 0
    for word in range(taken.shape[0]):
        first = at
        matched = 0
        while data[at] != 0:
            if matched == at - first and matched < n_typed and data[at] == typed[matched]:
                matched += 1
            at += 1
        alive = True
        if matched == n_typed and at - first > n_typed:
            alive = reads(heap, work, n_threads, data, first + n_typed, at, firsts)
            if work[STATUS] != OK:
                return -1
        taken[word] = alive
        if alive:
            total += 1
        at += 1
    return total


@uncounted
def reads(heap, work, n_threads, data, start, end, firsts):  # type: ignore[no-untyped-def]
    """Whether bytes ``start`` to ``end - 1`` can be read."""
    low = 0
    count = n_threads
    i = start
    while i < end:
        byte = data[i]
        if i == start and firsts[byte, 1] >= 0:
            low, count = n_threads, 1
            at = work[THREADS] + 5 * low
            work[at] = firsts[byte, 0]
            work[at + 1] = firsts[byte, 1]
            work[at + 2] = 0
            work[at + 3] = firsts[byte, 2]
            work[at + 4] = firsts[byte, 3]
            i += 1
            continue
        if i > start and count == 1:
            n = read_within_lexeme(heap, work, low, data, i, end)
            i += n
            if n > 0:
                continue
        high = low + count
        found = 0
        for j in range(low, high):
            found = step(heap, work, j, high, found, byte, 0)
        low = high
        count = found
        if count == 0 or work[STATUS] != OK:
            return False
        at = work[THREADS] + 5 * low
        if i == start and count == 1 and work[at + 2] == 0:
            firsts[byte, 0] = work[at]
            firsts[byte, 1] = work[at + 1]
            firsts[byte, 2] = work[at + 3]
            firsts[byte, 3] = work[at + 4]
        i += 1
    return True


@uncounted
def read_within_lexeme(heap, work, row, data, start, end):  # type: ignore[no-untyped-def]
    """Move the thread in ``row`` over bytes that cannot end its lexeme, as long as the stack lets it live.

    Returns how many bytes that are.
    """
    at = work[THREADS] + 5 * row
    if work[at + 2] != 0 or work[at + 4] >= 0 or heap[COLLIDES] != 0:  # under a condition, or counting columns
        return 0
    delta = heap[DELTA]
    state = work[at + 1]
    i = start
    while i < end:
        code = heap[delta + (state << 8) + data[i]]
        if code != state:  # else the loop in which a name that is no keyword soon is
            if code <= 0 or (accepts_at(heap, state) >= 0 and accepts_at(heap, code) < 0):
                break
            if indent_at(heap, 0) >= 0 and has_newline(heap, code):
                break
            if family_at(heap, code) != family_at(heap, state):
                if not check(heap, work, work[at], code, work[at + 3], -1):
                    break
            state = code
        i += 1
    work[at + 1] = state
    return i - start


@kernel
def take_words_of_dfa(class_of, transitions, state, data, typed, taken):  # type: ignore[no-untyped-def]
    """The same for a byte automaton (see ``DfaTables``) in ``state``; returns how many are taken."""
    n_typed = typed.shape[0]
    at = 0
    total = 0
    for word in range(taken.shape[0]):
        first = at
        matched = 0
        here = state
        while data[at] != 0:
            if at - first < n_typed:
                if matched == at - first and data[at] == typed[matched]:
                    matched += 1
            elif here != 0:
                here = transitions[here, class_of[data[at]]]
            at += 1
        at += 1
        taken[word] = here != 0 or matched < n_typed
        if taken[word]:
            total += 1
    return total
