"""Walks of the token trie over JSON under a schema; the machine itself is ``kernels.document``.

A walk allows every token that a configuration can read. Most of its bytes (inside strings, names and numbers, or
ruled out by the mode) are decided in its own loop, the others by ``step``: 19 ns a node instead of 360.
"""

from __future__ import annotations

import numpy as np

from structgen.kernels.document import (
    _WORDS,
    ANY_SPACE,
    C_LIMIT,
    C_MAP,
    C_START,
    DIES,
    F_AVAILABLE,
    F_HIGH,
    F_KEYS,
    FIRST_LEXICAL,
    GOES,
    M_CONTENT,
    M_FREE,
    M_LITERAL,
    M_NUMBER,
    M_WORD,
    NUMBER_CLASS,
    OPEN_SET,
    R_A,
    R_B,
    R_C,
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
    step,
)
from structgen.kernels.jit import uncounted

__all__ = ["walk"]

# What a glance at a byte tells a walk.
_SEE_DEAD, _SEE_DONE, _SEE_STEP, _SEE_FREE = 0, 1, 2, 3


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
    already allowed what can follow. ``counts`` receives nodes visited and the most original
    cells popped; ``miss`` is scratch; returns the number of notes.
    """
    n_notes = 0
    overflow = np.int64(0)
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
        # The common cases are decided here, without a call: a call passes twenty arrays.
        above = level - 1
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
            if b != _WORDS[rows[above, R_A], rows[above, R_B]]:
                seen = _SEE_DEAD
        elif rows[above, R_ESC] == 0 and b != 34 and b != 92:
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
            for index in range(token_start[node], token_start[subtree_end[node]]):
                token = np.uint32(token_ids[index])
                mask[token >> np.uint32(5)] &= ~(np.uint32(1) << (token & np.uint32(31)))
        for i in range(WIDTH):
            rows[level, i] = rows[above, i]
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
        for index in range(token_start[node], token_start[node + 1]):
            token = np.uint32(token_ids[index])
            mask[token >> np.uint32(5)] |= np.uint32(1) << (token & np.uint32(31))
        node += 1
    counts[0] += visited
    counts[1] = popped
    counts[2] = overflow
    return n_notes
