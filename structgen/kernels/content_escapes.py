"""Escapes by number inside strings that automata read (``content_walk``): what may come of the digits so far."""

from __future__ import annotations

import numpy as np

from structgen.kernels.document_registers import C_LIMIT, C_MAP, C_START
from structgen.kernels.jit import inlined, uncounted

DIGITS = 3
"""Digits up to which a walk decides by itself; with the fourth there is a character, and text may go on behind it."""


@inlined
def after(trans, content, class_maps, state, b):
    """The state after a byte; 0 is dead."""
    return np.int64(trans[content[state, C_START] + class_maps[content[state, C_MAP], b]])


@uncounted
def _is_open(trans, content, class_maps, reach, window, counts, state, n):
    """Whether a state that a byte has led to can still be completed with ``n`` characters read."""
    return state != 0 and (reach[state] & window) != 0 and not (counts and n > content[state, C_LIMIT])


@uncounted
def any_character(trans, content, class_maps, reach, window, counts, state, n):
    """Whether some character may follow at all."""
    for b in range(256):
        to = after(trans, content, class_maps, state, b)
        if _is_open(trans, content, class_maps, reach, window, counts, to, n + 1):
            return True
    return False


@uncounted
def _any_between(trans, content, class_maps, reach, window, counts, state, n, low, high):
    """Whether one of the code points in [``low``, ``high``] may follow; what a first byte rules out is skipped."""
    point = low
    while point <= high:
        if 0xD800 <= point <= 0xDFFF:
            point = 0xE000
            continue
        if point < 0x80:
            n_more, lead = 0, point
        elif point < 0x800:
            n_more, lead = 1, 0xC0 | (point >> 6)
        elif point < 0x10000:
            n_more, lead = 2, 0xE0 | (point >> 12)
        else:
            n_more, lead = 3, 0xF0 | (point >> 18)
        at = after(trans, content, class_maps, state, lead)
        while _is_open(trans, content, class_maps, reach, window, counts, at, n + 1):
            if n_more == 0:
                return True
            n_more -= 1
            at = after(trans, content, class_maps, at, 0x80 | ((point >> (6 * n_more)) & 0x3F))
        # The byte that failed stands for 64 ** n_more code points.
        point = ((point >> (6 * n_more)) + 1) << (6 * n_more)
    return False


@uncounted
def digits_alive(trans, content, class_maps, reach, window, counts, state, n, value, n_digits):
    """Whether some character whose escape begins with up to three digits, read as ``value``, may follow."""
    width = 4 * (4 - n_digits)
    low = value << width
    high = low + (1 << width) - 1
    if _any_between(trans, content, class_maps, reach, window, counts, state, n, low, high):
        return True
    # Or the first half of a character beyond the basic plane.
    first, last = max(low, 0xD800), min(high, 0xDBFF)
    if first > last:
        return False
    low, high = 0x10000 + ((first - 0xD800) << 10), 0x10000 + ((last - 0xD800) << 10) + 1023
    return _any_between(trans, content, class_maps, reach, window, counts, state, n, low, high)
