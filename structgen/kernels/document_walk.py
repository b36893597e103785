"""Walks of the token trie over JSON under a schema; the machine itself is ``kernels.document``.

A walk allows every token that a configuration can read. Most of its bytes (inside strings, names and numbers, or
ruled out by the mode) are decided in its own loop, the others by ``step``: 19 ns a node instead of 360.
"""

from __future__ import annotations

import numpy as np

from structgen.kernels.bits import allow, forbid
from structgen.kernels.document import step
from structgen.kernels.document_escapes import ESCAPE_BEGUN, short_escape
from structgen.kernels.document_registers import (
    ANY_SPACE,
    AUTOMATON,
    C_LIMIT,
    C_MAP,
    C_START,
    CLOSED_SET,
    DIES,
    F_AVAILABLE,
    F_HIGH,
    F_KEYS,
    F_KIND,
    FIRST_LEXICAL,
    FREE_TEXT,
    GENERAL_OBJECT,
    GOES,
    M_AFTER,
    M_COLON,
    M_CONTENT,
    M_FIRST_KEY,
    M_FREE,
    M_KEY,
    M_LITERAL,
    M_NUMBER,
    M_WORD,
    NUMBER_CLASS,
    OPEN_SET,
    PLAIN_OBJECT,
    R_A,
    R_B,
    R_C,
    R_CELL,
    R_COMMA,
    R_COUNT,
    R_ESC,
    R_FRAME,
    R_MODE,
    R_POPPED,
    R_VALUE,
    SPEC_COUNTS,
    SPEC_KIND,
    SPEC_MAX,
    STRUCTURAL,
    T_STRING,
    UTF8,
    UTF8_DEAD,
    WIDTH,
    WORDS,
)
from structgen.kernels.jit import inlined, uncounted

__all__ = ["walk"]

# What a glance at a byte tells a walk.
_SEE_DEAD, _SEE_DONE, _SEE_STEP, _SEE_FREE = 0, 1, 2, 3


@inlined
def _asks_more(regs, b, seen, frames, specs, lit_start):
    """Whether byte ``b`` of a name begun during the walk is decided by more than what masks are shared by.

    Masks are shared between places that agree on how the containers open there may end and go on, and on how
    names are begun in them (``masks.document_sharing``). Which names are left is more than that.
    """
    frame = regs[R_FRAME]
    if frames[frame, F_KIND] != PLAIN_OBJECT and frames[frame, F_KIND] != GENERAL_OBJECT:
        return False
    spec = frames[frame, F_KEYS]
    kind = specs[spec, SPEC_KIND]
    plain = regs[R_ESC] == 0
    if (kind == OPEN_SET or kind == FREE_TEXT) and specs[spec, SPEC_COUNTS] == 0:
        low = regs[R_A]
        return b == 34 and plain and regs[R_MODE] == M_LITERAL and lit_start[low + 1] - lit_start[low] == regs[R_C]
    if kind == CLOSED_SET and plain:
        is_no_name = regs[R_C] == 0 and b == 34 and lit_start[regs[R_A] + 1] > lit_start[regs[R_A]]
        return not (seen == _SEE_DEAD or is_no_name or (b == 92 and regs[R_C] == 0))
    return kind != AUTOMATON


@inlined
def _asks(regs, b, seen, begins_key, in_key, in_member, frames, specs, lit_start):
    """The same for any byte in a container open before the walk."""
    mode = regs[R_MODE]
    is_first = regs[R_COMMA] == 0 and regs[R_POPPED] == 0
    if mode >= M_FREE and mode <= M_CONTENT:
        if regs[R_VALUE] != 0 or (in_key and is_first):
            return False
        return _asks_more(regs, b, seen, frames, specs, lit_start)
    if mode == M_COLON:
        # The value of a name begun and ended during the walk.
        return b == 58 and not (in_member and is_first)
    if (b == 44 or b == 93 or b == 125) and (mode == M_AFTER or mode == M_NUMBER):
        # What follows the member begun here depends on the names used up by then.
        return begins_key and is_first
    return False


@inlined
def _glance(rows, above, b, trans, content, class_maps, reach, numbers, number_label, specs, lit_start, lit_bytes, values, frames, max_space):
    """What byte ``b`` does behind row ``above``, as far as that shows without a step; and R_A and R_B after it."""
    mode = rows[above, R_MODE]
    seen = _SEE_STEP
    value = rows[above, R_A]
    n = rows[above, R_B]
    if mode < FIRST_LEXICAL:
        if b == 32 or b == 10 or b == 13 or b == 9:
            seen = _SEE_DONE if max_space == ANY_SPACE else _SEE_STEP
        elif not STRUCTURAL[mode, b]:
            seen = _SEE_DEAD
    elif mode == M_NUMBER:
        value = np.int64(numbers[rows[above, R_A], NUMBER_CLASS[b]])
        if value != 0:
            seen = _SEE_DONE
        elif number_label[rows[above, R_A]] == 0 or not (
            b == 44 or b == 93 or b == 125 or b == 32 or b == 10 or b == 13 or b == 9
        ):
            seen = _SEE_DEAD
    elif mode == M_WORD:
        if b != WORDS[rows[above, R_A], rows[above, R_B]]:
            seen = _SEE_DEAD
    elif rows[above, R_ESC] == ESCAPE_BEGUN:
        if b != 117 and short_escape(b) < 0:
            seen = _SEE_DEAD
    elif rows[above, R_ESC] == 0 and b != 34 and b != 92:
        seen, value, n = _glance_text(
            rows, above, b, trans, content, class_maps, reach, specs, lit_start, lit_bytes, values, frames
        )
    return seen, value, n


@inlined
def _glance_text(rows, above, b, trans, content, class_maps, reach, specs, lit_start, lit_bytes, values, frames):
    """The same for a byte of a string that stands for itself."""
    mode = rows[above, R_MODE]
    value = rows[above, R_A]
    n = rows[above, R_B]
    of_value = rows[above, R_VALUE]
    frame = rows[above, R_FRAME]
    spec = np.int64(values[of_value, T_STRING]) if of_value != 0 else frames[frame, F_KEYS]
    counts_here = specs[spec, SPEC_COUNTS] != 0
    starts = b < 0x80 or b >= 0xC0
    seen = _SEE_DONE
    if b < 32:
        seen = _SEE_DEAD
    elif mode == M_CONTENT:
        row = rows[above, R_A]
        value = np.int64(trans[content[row, C_START] + class_maps[content[row, C_MAP], b]])
        if value == 0:
            seen = _SEE_DEAD
        elif of_value == 0:
            if frames[frame, F_AVAILABLE] < 0:
                if (reach[value] & frames[frame, F_HIGH] & ~rows[above, R_COUNT]) == 0:
                    seen = _SEE_DEAD
        elif counts_here:
            if starts:
                n += 1
            if n > content[value, C_LIMIT]:
                seen = _SEE_DEAD
    elif mode == M_FREE:
        value = np.int64(UTF8[rows[above, R_A], b])
        if value == UTF8_DEAD:
            seen = _SEE_DEAD
        elif counts_here and starts:
            n += 1
            if n > specs[spec, SPEC_MAX]:
                seen = _SEE_DEAD
    else:
        seen = _SEE_FREE if specs[spec, SPEC_KIND] == OPEN_SET else _SEE_DEAD
        at = rows[above, R_C]
        for index in range(rows[above, R_A], rows[above, R_B]):
            place = lit_start[index] + at
            if place < lit_start[index + 1] and lit_bytes[place] == b:
                seen = _SEE_STEP
                break
    return seen, value, n


@uncounted
def walk(
    entry, below, rows, byte, subtree_end, depth, token_start, token_ids, mask, notes,
    trans, content, class_maps, reach, numbers, number_label, specs, lit_start, lit_bytes, lit_label, values, frames, children, available,
    keys, results, cells, n_cells, max_space, stop_free, counts, miss,
):  # fmt: skip
    """Allow every token below trie node ``entry`` that the configuration reads.

    ``rows[depth[entry] - 1]`` (or row 0 for the root) holds the registers before the entry's
    byte; with ``below`` the entry itself is done and ``rows[depth[entry]]`` holds the registers
    after it. Steps that cannot be taken are noted, at most ``len(notes)``: node, status and what
    is missing; their subtrees are skipped. ``counts[2]`` is set where the notes were full.
    With ``stop_free`` a subtree that turns to free text is skipped too, for the caller has
    already allowed what can follow. ``counts`` receives nodes visited, the most original
    cells popped, whether the walk asked a container open before for more than its masks are shared by
    (``_asks_more``), and whether for its end; ``miss`` is scratch; returns the number of notes.

    One loop on purpose: its parts share a dozen values that calls would hand over at every node.
    """
    n_notes = 0
    overflow = np.int64(0)
    asks_more = counts[3] != 0
    asks_end = counts[4] != 0
    begins_key = rows[0, R_MODE] == M_KEY or rows[0, R_MODE] == M_FIRST_KEY
    in_key = rows[0, R_VALUE] == 0 and (begins_key or M_FREE <= rows[0, R_MODE] <= M_CONTENT)
    in_member = in_key or rows[0, R_MODE] == M_COLON
    closed_at = np.int64(1 << 30)
    if entry == 0:
        node = np.int64(1)
        stop = np.int64(byte.shape[0])
    else:
        node = np.int64(entry) + (1 if below else 0)
        stop = np.int64(subtree_end[entry])
    visited = 0
    popped = np.int64(counts[1])
    while node < stop:
        visited += 1
        level = np.int64(depth[node])
        b = np.int64(byte[node])
        # The common cases are decided at a glance, without a call: a call passes twenty arrays.
        above = level - 1
        mode = rows[above, R_MODE]
        seen, value, n = _glance(
            rows, above, b, trans, content, class_maps, reach, numbers, number_label, specs, lit_start, lit_bytes, values, frames, max_space
        )
        comma = np.int64(0)
        if rows[above, R_CELL] < n_cells and not asks_more:
            if (b == 44 or b == 93 or b == 125) and (mode == M_AFTER or mode == M_NUMBER):
                comma = np.int64(b == 44)
                asks_end = asks_end or b != 44
            asks_more = _asks(rows[above], b, seen, begins_key, in_key, in_member, frames, specs, lit_start)
        if level <= closed_at:
            # Back before the quote, if any, that ended the string the walk began in.
            closed_at = np.int64(1 << 30)
        first_string = stop_free and level < closed_at
        if seen == _SEE_DEAD or (seen == _SEE_FREE and first_string):
            node = np.int64(subtree_end[node])
            continue
        if first_string and b == 34 and mode == M_LITERAL and rows[above, R_ESC] == 0:
            closed_at = level
            # A name ends: what free text allowed there is decided anew for this very name.
            forbid(token_ids, token_start[node], token_start[subtree_end[node]], mask)
        for i in range(WIDTH):
            rows[level, i] = rows[above, i]
        rows[level, R_COMMA] |= comma
        if seen == _SEE_DONE:
            if mode >= FIRST_LEXICAL:
                rows[level, R_A] = value
                rows[level, R_B] = n
        else:
            regs = rows[level]
            status = step(
                regs, b, trans, content, class_maps, reach, numbers, number_label, specs, lit_start, lit_bytes,
                lit_label, values, frames, children, available, keys, results, cells, n_cells, max_space, miss,
            )  # fmt: skip
            if regs[R_POPPED] > popped:
                popped = regs[R_POPPED]
            if status != GOES:
                if status != DIES:
                    if n_notes == notes.shape[0]:
                        # No room: what is left of the entry is walked again, from here.
                        overflow = node
                        break
                    notes[n_notes, 0] = node
                    notes[n_notes, 1] = status
                    notes[n_notes, 2] = miss[0]
                    notes[n_notes, 3] = miss[1]
                    notes[n_notes, 4] = miss[2]
                    n_notes += 1
                node = np.int64(subtree_end[node])
                continue
        if first_string and mode == M_LITERAL and rows[level, R_MODE] == M_FREE:
            node = np.int64(subtree_end[node])
            continue
        allow(token_ids, token_start[node], token_start[node + 1], mask)
        node += 1
    counts[0] += visited
    counts[1] = popped
    counts[2] = overflow
    counts[3] = asks_more
    counts[4] = asks_end
    return n_notes
