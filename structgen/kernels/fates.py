"""Which terminals a lexeme can surely become so that the text can be gone on with, by lexer state.

For grammars whose lexemes may get in each other's way. ``automata.grammar.prospects`` works out what
is *needed* behind each terminal: sets of bytes, of each of which one must be able to begin what comes next
(256 stands for the end of the text). An end of a lexeme is *good* where one of each set is free: read by no
longer lexeme. If from a lexer state good ends of all terminals that the lexeme may become
are reached, then the stack alone decides whether it may go on, as in grammars without collisions.
Other states are *doubtful*: some stacks that they seem to fit may be dead ends. Doubtful states from which the
same ends are reached are alike, and the least is taken for all.

Nothing here is guessed: lookaheads and whatever else leaves forks and conditions are left out, which
makes states doubtful.
"""

from __future__ import annotations

import numpy as np

from structgen.kernels.grammar_heap import (
    FATE,
    FATES,
    IGNORED,
    N_FATES,
    N_TERMINALS,
    NEED_START,
    NEEDS,
    NOTED,
    ROW,
    UNKNOWN,
    accepts_at,
    delta_at,
    ended_at,
    ending_start_at,
    ending_terminal_at,
    ending_watch_at,
    family_at,
    family_start_at,
    family_terminal_at,
    fork_start_at,
    fork_state_at,
    fork_watch_at,
    note_missing,
    role_at,
)
from structgen.kernels.jit import uncounted

__all__ = ["BITS", "MOST_SURE", "NEED_WORDS", "SURE", "WIDTH", "at", "families_tell", "fate_of", "find_starts"]

WIDTH = 10
"""Of a row of ``FATES``, by lexer state; row 0, which is no state's, counts."""
OF, BITS, MARK, QUEUE, ENDS, ALIKE, N_ENDS, SUM, SEEN, LISTED = range(WIDTH)
"""Its columns: 1 + what ``fate_of`` tells; the terminals of the family that are sure; marks and lists to work with."""
SURE = 0
"""In place of a doubtful state: all terminals of the family are sure."""
NEED_WORDS = 9
"""Words of a set of bytes, and the end of the text."""
MOST_SURE = 31
"""Terminals of a family of which it is asked."""
FEW = 256
"""States looked at behind the first byte of a lexeme."""
ASCII = 128
"""Bytes by which searches go first: what begins in ASCII ends in it, as a rule, and characters take many states."""


@uncounted
def at(heap, state, column):  # type: ignore[no-untyped-def]
    return heap[FATES] + WIDTH * state + column


@uncounted
def is_free(heap, state, byte, terminal):  # type: ignore[no-untyped-def]
    """Whether a lexeme in ``state`` ends as ``terminal`` before ``byte`` (256: the text's end), whatever comes then."""
    if byte < 256 and delta_at(heap, state, byte) != 0:
        return False
    ended = ended_at(heap, state, byte)
    if ended >= -1:
        return ended == terminal
    for i in range(ending_start_at(heap, -2 - ended), ending_start_at(heap, -1 - ended)):
        if ending_terminal_at(heap, i) == terminal and ending_watch_at(heap, i) == 0:
            return True
    return False


@uncounted
def has_free(heap, state, terminal, array, first):  # type: ignore[no-untyped-def]
    """Whether a byte of the set at ``array[first]`` is free behind a lexeme of ``terminal`` that is in ``state``."""
    for word in range(NEED_WORDS):
        bits = array[first + word]
        for k in range(32):
            if bits >> k & 1 and is_free(heap, state, 32 * word + k, terminal):
                return True
    return False


@uncounted
def is_good(heap, state, terminal):  # type: ignore[no-untyped-def]
    """Whether a lexeme that ends as ``terminal`` in ``state`` can surely be gone on from."""
    accepts = accepts_at(heap, state)
    if accepts == -1 or (accepts >= 0 and accepts != terminal):
        return False
    for need in range(heap[heap[NEED_START] + terminal], heap[heap[NEED_START] + terminal + 1]):
        if not has_free(heap, state, terminal, heap, heap[NEEDS] + NEED_WORDS * need):
            return False
    return True


@uncounted
def push_next(heap, work, state, n, generation, n_bytes):  # type: ignore[no-untyped-def]
    """Queue the states behind ``state`` that are not marked yet; returns the new length, or -1 - it before a fork.

    Bytes from ``n_bytes`` on are left out.
    """
    pure = True
    for byte in range(n_bytes):
        code = delta_at(heap, state, byte)
        if code < 0:
            pure = False
        elif code >= heap[N_FATES]:
            note_missing(work, FATE, code, 0)
        elif code > 0 and heap[at(heap, code, MARK)] != generation:
            heap[at(heap, code, MARK)] = generation
            heap[at(heap, n, QUEUE)] = code
            n += 1
    return n if pure else -1 - n


@uncounted
def begin_search(heap, state):  # type: ignore[no-untyped-def]
    """Start a search from ``state``; returns the mark of what it has met."""
    generation = heap[at(heap, 0, MARK)] + 1
    heap[at(heap, 0, MARK)] = generation
    heap[at(heap, state, MARK)] = generation
    heap[at(heap, 0, QUEUE)] = state
    return generation


@uncounted
def sure_bits(heap, state, ending, bits):  # type: ignore[no-untyped-def]
    """``bits`` of the terminals of ``state`` that are sure, with those that ``ending`` is a good end of."""
    family = family_at(heap, state)
    first = family_start_at(heap, family)
    for i in range(first, min(family_start_at(heap, family + 1), first + MOST_SURE)):
        if bits >> (i - first) & 1 == 0 and is_good(heap, ending, family_terminal_at(heap, i)):
            bits |= 1 << (i - first)
    return bits


@uncounted
def search(heap, work, state, stops, n_bytes):  # type: ignore[no-untyped-def]
    """Look at all that a lexeme in ``state`` leads to.

    Returns (sure terminals, ends, whether there was no fork, whether all terminals are sure); the states in which
    lexemes may end are listed in column ``ENDS``. Where ``stops``, the search ends when all are sure.
    """
    family = family_at(heap, state)
    n_terminals = family_start_at(heap, family + 1) - family_start_at(heap, family)
    generation = begin_search(heap, state)
    n, done, bits, n_ends, pure = 1, 0, 0, 0, True
    while done < n:
        here = heap[at(heap, done, QUEUE)]
        done += 1
        if delta_at(heap, here, 0) == UNKNOWN:
            note_missing(work, ROW, here, 0)
            continue
        if accepts_at(heap, here) != -1:
            pure = pure and accepts_at(heap, here) >= 0
            heap[at(heap, n_ends, ENDS)] = here
            n_ends += 1
            if stops:
                bits = sure_bits(heap, state, here, bits)
                if n_terminals <= MOST_SURE and bits == (1 << n_terminals) - 1:
                    return bits, n_ends, pure, True
        n = push_next(heap, work, here, n, generation, n_bytes)
        if n < 0:
            pure = False
            n = -1 - n
    return bits, n_ends, pure, False


@uncounted
def fate_of(heap, work, state):  # type: ignore[no-untyped-def]
    """``SURE``, or the doubtful state that stands for ``state``; ``UNKNOWN`` where something was missing."""
    if state >= heap[N_FATES]:
        note_missing(work, FATE, state, 0)
        return UNKNOWN
    known = heap[at(heap, state, OF)]
    if known != 0:
        return known - 1
    before = work[NOTED]
    work[NOTED] = 0
    bits, n_ends, pure, all_sure = search(heap, work, state, True, ASCII)
    if not all_sure and work[NOTED] == 0:
        bits, n_ends, pure, all_sure = search(heap, work, state, True, 256)
    missed = work[NOTED]
    work[NOTED] = before
    if all_sure:
        heap[at(heap, state, OF)] = 1 + SURE
        return SURE
    if missed != 0:
        work[NOTED] = 1
        return UNKNOWN
    heap[at(heap, state, BITS)] = bits
    fate = alike(heap, work, state, n_ends) if pure else state
    heap[at(heap, state, OF)] = 1 + fate
    return fate


@uncounted
def alike(heap, work, state, n_ends):  # type: ignore[no-untyped-def]
    """The first doubtful state from which the ends are reached that column ``ENDS`` lists, or ``state``."""
    total = 0
    mark = heap[at(heap, 0, MARK)]
    for i in range(n_ends):
        ending = heap[at(heap, i, ENDS)]
        heap[at(heap, ending, SEEN)] = mark
        total += ending
    n = heap[at(heap, 0, ALIKE)]
    for i in range(n):
        other = heap[at(heap, i + 1, ALIKE)]
        if (
            family_at(heap, other) == family_at(heap, state)
            and heap[at(heap, other, N_ENDS)] == n_ends
            and heap[at(heap, other, SUM)] == total
        ):
            _, n_found, _, _ = search(heap, work, other, False, 256)
            same = n_found == n_ends
            for j in range(n_found):
                same = same and heap[at(heap, heap[at(heap, j, ENDS)], SEEN)] == mark
            if same:
                return other
    heap[at(heap, state, N_ENDS)] = n_ends
    heap[at(heap, state, SUM)] = total
    heap[at(heap, n + 1, ALIKE)] = state
    heap[at(heap, 0, ALIKE)] = n + 1
    return state


@uncounted
def families_tell(heap, work, state):  # type: ignore[no-untyped-def]
    """Whether states that a lexeme in ``state`` leads to have one fate if they have one family."""
    generation = begin_search(heap, state)
    n, done = 1, 0
    while done < n:
        here = heap[at(heap, done, QUEUE)]
        done += 1
        if delta_at(heap, here, 0) == UNKNOWN:
            note_missing(work, ROW, here, 0)
            continue
        n = push_next(heap, work, here, n, generation, 256)
        if n < 0:
            return False
    if work[NOTED] != 0:
        return False
    for i in range(n):  # the searches for fates overwrite the queue
        heap[at(heap, i, LISTED)] = heap[at(heap, i, QUEUE)]
    for i in range(n):
        one = heap[at(heap, i, LISTED)]
        if fate_of(heap, work, one) == UNKNOWN:
            continue
        for j in range(i):
            other = heap[at(heap, j, LISTED)]
            if family_at(heap, one) == family_at(heap, other):
                if fate_of(heap, work, one) != fate_of(heap, work, other):
                    return False
                break
    return True


@uncounted
def find_starts(heap, work, code, wanted, leads, hits, skipped, found):  # type: ignore[no-untyped-def]
    """The first bytes of lexemes that can surely be gone on from, where they start from ``code``.

    ``found`` (T + 1, NEED_WORDS) receives them by terminal, with those of ignored lexemes that the terminal may
    follow, for those ``wanted`` (T + 1,) and the ignored; the last row is for the end of the text. ``leads``
    (2, 256), ``hits`` (256, T + 1) and ``skipped`` (N, 3) are room to work in. What is missing is noted.
    """
    for terminal in range(found.shape[0]):
        for word in range(NEED_WORDS):
            found[terminal, word] = 0
    found[heap[N_TERMINALS], NEED_WORDS - 1] = 1
    if code >= 0:
        find_starts_of(heap, work, code, wanted, leads, hits, skipped, found)
        return
    fork = -2 - code
    for _ in range(2):  # an ignored lexeme of one state may come before lexemes of others
        for i in range(fork_start_at(heap, fork), fork_start_at(heap, fork + 1)):
            if fork_state_at(heap, i) != 0 and fork_watch_at(heap, i) == 0:
                find_starts_of(heap, work, fork_state_at(heap, i), wanted, leads, hits, skipped, found)


@uncounted
def find_starts_of(heap, work, start, wanted, leads, hits, skipped, found):  # type: ignore[no-untyped-def]
    """``find_starts`` from one state; adds to ``found``."""
    if delta_at(heap, start, 0) == UNKNOWN:
        note_missing(work, ROW, start, 0)
        return
    n_leads = 0
    for byte in range(256):
        code = delta_at(heap, start, byte)
        leads[1, byte] = -1
        if code <= 0:
            continue
        lead = 0
        while lead < n_leads and leads[0, lead] != code:
            lead += 1
        leads[0, lead] = code
        leads[1, byte] = lead
        n_leads = max(n_leads, lead + 1)
    n_skipped = 0
    for lead in range(n_leads):
        for terminal in range(hits.shape[1]):
            hits[lead, terminal] = 0
        n_skipped = find_hits(heap, work, leads[0, lead], lead, wanted, hits, skipped, n_skipped)
    add_hits(leads, hits, found)
    more = True
    while more:
        more = False
        for i in range(n_skipped):
            lead, ending, ignored = skipped[i, 0], skipped[i, 1], skipped[i, 2]
            for terminal in range(hits.shape[1]):
                if wanted[terminal] == 0 or hits[lead, terminal] != 0:
                    continue
                if has_free(heap, ending, ignored, found[terminal], 0):
                    hits[lead, terminal] = 1
                    more = True
        if more:
            add_hits(leads, hits, found)


@uncounted
def add_hits(leads, hits, found):  # type: ignore[no-untyped-def]
    """Add to ``found`` the bytes that lead to what was hit."""
    for byte in range(256):
        lead = leads[1, byte]
        if lead >= 0:
            for terminal in range(hits.shape[1]):
                if hits[lead, terminal] != 0:
                    found[terminal, byte >> 5] |= np.int32(1) << np.int32(byte & 31)


@uncounted
def find_hits(heap, work, state, lead, wanted, hits, skipped, n_skipped):  # type: ignore[no-untyped-def]
    """Mark in ``hits[lead]`` wanted terminals that ``state`` leads to good ends of; list one end of each ignored."""
    if state >= heap[N_FATES]:
        note_missing(work, FATE, state, 0)
        return n_skipped
    n_bytes = ASCII
    while n_bytes <= 256:
        n_open = 0
        family = family_at(heap, state)
        for i in range(family_start_at(heap, family), family_start_at(heap, family + 1)):
            terminal = family_terminal_at(heap, i)
            if hits[lead, terminal] == 0 and (wanted[terminal] != 0 or role_at(heap, terminal) & IGNORED):
                n_open += 1
        n_skipped = find_hits_by(heap, work, state, lead, wanted, hits, skipped, n_skipped, n_open, n_bytes)
        n_bytes *= 2
    return n_skipped


@uncounted
def find_hits_by(heap, work, state, lead, wanted, hits, skipped, n_skipped, n_open, n_bytes):  # type: ignore[no-untyped-def]
    """The same by bytes below ``n_bytes``, until ``n_open`` terminals are found; a hit ignored one is listed."""
    generation = begin_search(heap, state)
    n, done = 1, 0
    while done < min(n, FEW) and n_open > 0:
        here = heap[at(heap, done, QUEUE)]
        done += 1
        if delta_at(heap, here, 0) == UNKNOWN:
            note_missing(work, ROW, here, 0)
            continue
        if accepts_at(heap, here) != -1:
            family = family_at(heap, here)
            for i in range(family_start_at(heap, family), family_start_at(heap, family + 1)):
                terminal = family_terminal_at(heap, i)
                if hits[lead, terminal] != 0:
                    continue
                if role_at(heap, terminal) & IGNORED:
                    if n_skipped < skipped.shape[0] and accepts_at(heap, here) == terminal:
                        skipped[n_skipped, 0] = lead
                        skipped[n_skipped, 1] = here
                        skipped[n_skipped, 2] = terminal
                        n_skipped += 1
                        hits[lead, terminal] = 1
                        n_open -= 1
                elif wanted[terminal] != 0 and is_good(heap, here, terminal):
                    hits[lead, terminal] = 1
                    n_open -= 1
        n = push_next(heap, work, here, n, generation, n_bytes)
        n = n if n >= 0 else -1 - n
    return n_skipped
