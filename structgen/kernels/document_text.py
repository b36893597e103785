"""Strings of ``kernels.document``: free text, constants and automata, read by their decoded bytes."""

from __future__ import annotations

import numpy as np

from structgen.kernels.document_frames import key_done, value_done
from structgen.kernels.document_registers import (
    AUTOMATON,
    BY_LENGTH,
    C_LABEL,
    C_LIMIT,
    C_MAP,
    C_START,
    DIES,
    F_AVAILABLE,
    F_HIGH,
    F_KEYS,
    FREE_TEXT,
    GOES,
    M_CONTENT,
    M_FREE,
    M_LITERAL,
    OPEN_SET,
    R_A,
    R_B,
    R_C,
    R_COUNT,
    R_FRAME,
    R_MODE,
    R_VALUE,
    SPEC_COUNTS,
    SPEC_HIGH,
    SPEC_KIND,
    SPEC_LABEL,
    SPEC_LOW,
    SPEC_MAX,
    SPEC_MIN,
    SPEC_START,
    T_STRING,
    UTF8,
    UTF8_DEAD,
)
from structgen.kernels.jit import inlined, uncounted


@inlined
def spec_of(regs, values, frames):
    """The spec of the string being read: a name where no value is due, else the value's."""
    if regs[R_VALUE] == 0:
        return frames[regs[R_FRAME], F_KEYS]
    return np.int64(values[regs[R_VALUE], T_STRING])


@uncounted
def string_label(regs, trans, content, class_maps, reach, numbers, number_label, specs, lit_start, lit_bytes, lit_label, values, frames):
    """The label of the string that a quote would end here; 0 where it may not."""
    spec = spec_of(regs, values, frames)
    mode = regs[R_MODE]
    if mode == M_LITERAL:
        low = regs[R_A]
        if lit_start[low + 1] - lit_start[low] == regs[R_C]:
            return np.int64(lit_label[low])
        if specs[spec, SPEC_KIND] == OPEN_SET and at_boundary(regs, lit_start, lit_bytes):
            return np.int64(specs[spec, SPEC_LABEL])
        return np.int64(0)
    if specs[spec, SPEC_COUNTS] and regs[R_B] < specs[spec, SPEC_MIN]:
        return np.int64(0)
    if mode == M_FREE:
        if specs[spec, SPEC_KIND] == BY_LENGTH:
            # One row per interval of lengths, linked upwards.
            while regs[R_B] > specs[spec, SPEC_HIGH]:
                spec = np.int64(specs[spec, SPEC_START])
        return np.int64(specs[spec, SPEC_LABEL]) if regs[R_A] == 0 else np.int64(0)
    return np.int64(content[regs[R_A], C_LABEL])


@uncounted
def string_done(
    regs, trans, content, class_maps, reach, numbers, number_label, specs, lit_start, lit_bytes, lit_label, values, frames, children,
    keys, results, miss,
):  # fmt: skip
    """A closing quote."""
    label = string_label(
        regs, trans, content, class_maps, reach, numbers, number_label, specs, lit_start, lit_bytes, lit_label, values, frames
    )
    if label == 0:
        return DIES
    if regs[R_VALUE] == 0:
        return key_done(regs, label, frames, children, keys, results, miss)
    return value_done(regs, label, frames, keys, results, miss)


@inlined
def at_boundary(regs, lit_start, lit_bytes):
    """Whether the constant's bytes so far end between characters."""
    start = lit_start[regs[R_A]]
    at = start + regs[R_C]
    if lit_start[regs[R_A] + 1] == at:
        return True
    return (lit_bytes[at] & 0xC0) != 0x80


@uncounted
def start_string(regs, specs, values, frames, available):
    """An opening quote, where the mode has allowed it."""
    spec = spec_of(regs, values, frames)
    kind = specs[spec, SPEC_KIND]
    regs[R_B] = 0
    regs[R_C] = 0
    if kind == FREE_TEXT or kind == BY_LENGTH:
        regs[R_MODE] = M_FREE
        regs[R_A] = 0
        return GOES
    if kind == AUTOMATON:
        regs[R_MODE] = M_CONTENT
        regs[R_A] = specs[spec, SPEC_START]
        return GOES
    regs[R_MODE] = M_LITERAL
    regs[R_A] = specs[spec, SPEC_LOW]
    regs[R_B] = specs[spec, SPEC_HIGH]
    return GOES if _literals_alive(regs, spec, specs, frames, available) else DIES


@uncounted
def _literals_alive(regs, spec, specs, frames, available):
    """Whether a constant that starts with what has been read may still be completed."""
    low, high = regs[R_A], regs[R_B]
    if low >= high:
        return False
    if specs[spec, SPEC_KIND] == OPEN_SET or regs[R_VALUE] != 0:
        return True
    frame = regs[R_FRAME]
    base = np.int64(specs[spec, SPEC_LOW])
    first = frames[frame, F_AVAILABLE]
    if first < 0:
        window = ((np.int64(1) << (high - low)) - 1) << (low - base)
        return (window & frames[frame, F_HIGH] & ~regs[R_COUNT]) != 0
    for index in range(low - base, high - base):
        if available[first + index]:
            return True
    return False


@uncounted
def _literal_step(regs, b, specs, spec, lit_start, lit_bytes, frames, available):
    """One decoded byte against the sorted constants that share the prefix read."""
    low, high, at = regs[R_A], regs[R_B], regs[R_C]
    # Constants that end here sort first; narrow [low, high) to those whose byte at `at` is `b`.
    left, right = low, high
    while left < right:
        middle = (left + right) >> 1
        place = lit_start[middle] + at
        if place >= lit_start[middle + 1] or lit_bytes[place] < b:
            left = middle + 1
        else:
            right = middle
    new_low = left
    right = high
    while left < right:
        middle = (left + right) >> 1
        if lit_bytes[lit_start[middle] + at] <= b:
            left = middle + 1
        else:
            right = middle
    if new_low < left:
        regs[R_A] = new_low
        regs[R_B] = left
        regs[R_C] = at + 1
        return GOES if _literals_alive(regs, spec, specs, frames, available) else DIES
    if specs[spec, SPEC_KIND] != OPEN_SET:
        return DIES
    # Diverged: the rest is free text. Which continuation bytes may follow depends on the
    # character that was being read.
    start = lit_start[low]
    back = start + at
    if at > 0:
        back -= 1
        while back > start and (lit_bytes[back] & 0xC0) == 0x80:
            back -= 1
    state = np.uint8(0)
    for place in range(back, start + at):
        state = UTF8[state, lit_bytes[place]]
    state = UTF8[state, b]
    if state == UTF8_DEAD:
        return DIES
    regs[R_MODE] = M_FREE
    regs[R_A] = state
    regs[R_B] = 0
    regs[R_C] = 0
    return GOES


@uncounted
def content_step(regs, b, trans, content, class_maps, reach, numbers, number_label, specs, spec, lit_start, lit_bytes, frames, available):
    """One byte of decoded string content."""
    mode = regs[R_MODE]
    if mode == M_FREE:
        state = UTF8[regs[R_A], b]
        if state == UTF8_DEAD:
            return DIES
        regs[R_A] = state
        if specs[spec, SPEC_COUNTS] and (b < 0x80 or b >= 0xC0):
            regs[R_B] += 1
            if regs[R_B] > specs[spec, SPEC_MAX]:
                return DIES
        return GOES
    if mode == M_LITERAL:
        return _literal_step(regs, b, specs, spec, lit_start, lit_bytes, frames, available)
    row = trans[content[regs[R_A], C_START] + class_maps[content[regs[R_A], C_MAP], b]]
    if row == 0:
        return DIES
    regs[R_A] = row
    if regs[R_VALUE] == 0 and frames[regs[R_FRAME], F_AVAILABLE] < 0:
        # A closed object: some name that can still be completed must be left.
        frame = regs[R_FRAME]
        return GOES if (reach[row] & frames[frame, F_HIGH] & ~regs[R_COUNT]) != 0 else DIES
    if specs[spec, SPEC_COUNTS]:
        if b < 0x80 or b >= 0xC0:
            regs[R_B] += 1
        if regs[R_B] > content[row, C_LIMIT]:
            return DIES
    return GOES


@uncounted
def character_step(regs, point, trans, content, class_maps, reach, numbers, number_label, specs, spec, lit_start, lit_bytes, frames, available):
    """One decoded code point, as its UTF-8 bytes."""
    if point < 0x80:
        return content_step(regs, point, trans, content, class_maps, reach, numbers, number_label, specs, spec, lit_start, lit_bytes, frames, available)
    if point < 0x800:
        n, lead = 1, 0xC0 | (point >> 6)
    elif point < 0x10000:
        n, lead = 2, 0xE0 | (point >> 12)
    else:
        n, lead = 3, 0xF0 | (point >> 18)
    if content_step(regs, lead, trans, content, class_maps, reach, numbers, number_label, specs, spec, lit_start, lit_bytes, frames, available) == DIES:
        return DIES
    for back in range(n - 1, -1, -1):
        b = 0x80 | ((point >> (6 * back)) & 0x3F)
        if content_step(regs, b, trans, content, class_maps, reach, numbers, number_label, specs, spec, lit_start, lit_bytes, frames, available) == DIES:
            return DIES
    return GOES
