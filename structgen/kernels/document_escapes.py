"""Escapes inside the strings of ``kernels.document``: decoded exactly, and alive only if they can end well."""

from __future__ import annotations

from structgen.kernels.document_registers import (
    DIES,
    GOES,
    M_FREE,
    M_LITERAL,
    OPEN_SET,
    R_A,
    R_B,
    R_C,
    R_ESC,
    R_MODE,
    SPEC_COUNTS,
    SPEC_KIND,
    SPEC_MAX,
)
from structgen.kernels.document_text import at_boundary, character_step, content_step, spec_of, string_done
from structgen.kernels.jit import inlined, uncounted


@inlined
def _put_back(regs, mode, a, b, c):
    regs[R_MODE] = mode
    regs[R_A] = a
    regs[R_B] = b
    regs[R_C] = c


@uncounted
def _range_alive(regs, low, high, trans, content, class_maps, reach, numbers, number_label, specs, spec, lit_start, lit_bytes, frames, available):
    """Whether some code point in [low, high] may come next; tries them through the automaton.

    Ranges come from partial escapes, so they are 1, 16, 256, 4096 or 65536 points wide (1024 or 256
    beyond the basic plane) and aligned; for free text the answer is immediate.
    """
    mode = regs[R_MODE]
    if mode == M_FREE or (mode == M_LITERAL and specs[spec, SPEC_KIND] == OPEN_SET):
        if mode == M_FREE and specs[spec, SPEC_COUNTS] and regs[R_B] + 1 > specs[spec, SPEC_MAX]:
            return False
        return low < 0xD800 or high > 0xDFFF
    was_mode, was_a, was_b, was_c = regs[R_MODE], regs[R_A], regs[R_B], regs[R_C]
    point = low
    while point <= high:
        if 0xD800 <= point <= 0xDFFF:
            point = 0xE000
            continue
        if point >= 0x80:
            # A dead lead byte rules out its whole block at once.
            if point < 0x800:
                n, lead, block = 1, 0xC0 | (point >> 6), 64
            elif point < 0x10000:
                n, lead, block = 2, 0xE0 | (point >> 12), 4096
            else:
                n, lead, block = 3, 0xF0 | (point >> 18), 262144
            _put_back(regs, was_mode, was_a, was_b, was_c)
            went = content_step(regs, lead, trans, content, class_maps, reach, numbers, number_label, specs, spec, lit_start, lit_bytes, frames, available)
            if went == GOES and n >= 2:
                second = 0x80 | ((point >> (6 * (n - 1))) & 0x3F)
                went = content_step(regs, second, trans, content, class_maps, reach, numbers, number_label, specs, spec, lit_start, lit_bytes, frames, available)
                block = 64 if n == 2 else 4096
            _put_back(regs, was_mode, was_a, was_b, was_c)
            if went == DIES:
                point = (point // block + 1) * block
                continue
        went = character_step(regs, point, trans, content, class_maps, reach, numbers, number_label, specs, spec, lit_start, lit_bytes, frames, available)
        _put_back(regs, was_mode, was_a, was_b, was_c)
        if went == GOES:
            return True
        point += 1
    return False


# Escape register: phase in bits 20..23, hex digits read in bits 16..19, their value in bits 0..15,
# a pending high surrogate in bits 24..39.
_ESC_START, _ESC_HEX, _ESC_LOW_START, _ESC_LOW_U, _ESC_LOW_HEX = 1, 2, 3, 4, 5
ESCAPE_BEGUN = _ESC_START << 20
"""The escape register after a backslash."""


@inlined
def hex_value(b):
    if 48 <= b <= 57:
        return b - 48
    if 97 <= b <= 102:
        return b - 87
    if 65 <= b <= 70:
        return b - 55
    return -1


@inlined
def short_escape(b):
    """The code point of ``\\`` followed by ``b``, or -1."""
    if b == 34 or b == 92 or b == 47:
        return b
    if b == 98:
        return 8
    if b == 102:
        return 12
    if b == 110:
        return 10
    if b == 114:
        return 13
    if b == 116:
        return 9
    return -1


@uncounted
def _escape_step(regs, b, trans, content, class_maps, reach, numbers, number_label, specs, spec, lit_start, lit_bytes, frames, available):
    """One byte inside an escape; decoded exactly, and alive only if it can end well."""
    escape = regs[R_ESC]
    phase = (escape >> 20) & 15
    if phase == _ESC_START:
        if b == 117:
            regs[R_ESC] = _ESC_HEX << 20
            return GOES if _range_alive(regs, 0, 0x10FFFF, trans, content, class_maps, reach, numbers, number_label, specs, spec, lit_start, lit_bytes, frames, available) else DIES
        point = short_escape(b)
        if point < 0:
            return DIES
        regs[R_ESC] = 0
        return character_step(regs, point, trans, content, class_maps, reach, numbers, number_label, specs, spec, lit_start, lit_bytes, frames, available)
    if phase == _ESC_LOW_START or phase == _ESC_LOW_U:
        if b != (92 if phase == _ESC_LOW_START else 117):
            return DIES
        regs[R_ESC] = (escape & ~(15 << 20)) | ((phase + 1) << 20)
        return GOES
    digit = hex_value(b)
    if digit < 0:
        return DIES
    n = ((escape >> 16) & 15) + 1
    value = ((escape & 0xFFFF) << 4) | digit
    if phase == _ESC_HEX:
        return _digit(regs, n, value, trans, content, class_maps, reach, numbers, number_label, specs, spec, lit_start, lit_bytes, frames, available)
    return _low_digit(regs, n, value, trans, content, class_maps, reach, numbers, number_label, specs, spec, lit_start, lit_bytes, frames, available)


@uncounted
def _digit(regs, n, value, trans, content, class_maps, reach, numbers, number_label, specs, spec, lit_start, lit_bytes, frames, available):
    """The ``n``-th digit of an escape that may turn out a high surrogate; ``value`` is that of all of them."""
    if n == 4:
        if 0xD800 <= value <= 0xDBFF:
            regs[R_ESC] = (value << 24) | (_ESC_LOW_START << 20)
            base = 0x10000 + ((value - 0xD800) << 10)
            return GOES if _range_alive(regs, base, base + 1023, trans, content, class_maps, reach, numbers, number_label, specs, spec, lit_start, lit_bytes, frames, available) else DIES
        regs[R_ESC] = 0
        if 0xDC00 <= value <= 0xDFFF:
            return DIES
        return character_step(regs, value, trans, content, class_maps, reach, numbers, number_label, specs, spec, lit_start, lit_bytes, frames, available)
    regs[R_ESC] = (_ESC_HEX << 20) | (n << 16) | value
    width = 4 * (4 - n)
    low = value << width
    high = low + (1 << width) - 1
    if _range_alive(regs, low, high, trans, content, class_maps, reach, numbers, number_label, specs, spec, lit_start, lit_bytes, frames, available):
        return GOES
    first, last = max(low, 0xD800), min(high, 0xDBFF)
    if first > last:
        return DIES
    base = 0x10000 + ((first - 0xD800) << 10)
    top = 0x10000 + ((last - 0xD800) << 10) + 1023
    return GOES if _range_alive(regs, base, top, trans, content, class_maps, reach, numbers, number_label, specs, spec, lit_start, lit_bytes, frames, available) else DIES


@uncounted
def _low_digit(regs, n, value, trans, content, class_maps, reach, numbers, number_label, specs, spec, lit_start, lit_bytes, frames, available):
    """The same behind a high surrogate, which waits in the register."""
    escape = regs[R_ESC]
    width = 4 * (4 - n)
    low = value << width
    first, last = max(low, 0xDC00), min(low + (1 << width) - 1, 0xDFFF)
    if first > last:
        return DIES
    base = 0x10000 + (((escape >> 24) - 0xD800) << 10)
    if n == 4:
        regs[R_ESC] = 0
        point = base + (value - 0xDC00)
        return character_step(regs, point, trans, content, class_maps, reach, numbers, number_label, specs, spec, lit_start, lit_bytes, frames, available)
    regs[R_ESC] = ((escape >> 24) << 24) | (_ESC_LOW_HEX << 20) | (n << 16) | value
    first += base - 0xDC00
    last += base - 0xDC00
    return GOES if _range_alive(regs, first, last, trans, content, class_maps, reach, numbers, number_label, specs, spec, lit_start, lit_bytes, frames, available) else DIES


@uncounted
def in_string(regs, b, trans, content, class_maps, reach, numbers, number_label, specs, lit_start, lit_bytes, lit_label, values, frames, children, available, keys, results, miss):
    """One byte between quotes."""
    spec = spec_of(regs, values, frames)
    if regs[R_ESC] != 0:
        return _escape_step(regs, b, trans, content, class_maps, reach, numbers, number_label, specs, spec, lit_start, lit_bytes, frames, available)
    if b == 34:
        return string_done(
            regs, trans, content, class_maps, reach, numbers, number_label, specs, lit_start, lit_bytes, lit_label, values, frames, children, keys, results, miss
        )
    if b == 92:
        if regs[R_MODE] == M_FREE and regs[R_A] != 0:
            return DIES
        if regs[R_MODE] == M_LITERAL and not at_boundary(regs, lit_start, lit_bytes):
            return DIES
        regs[R_ESC] = _ESC_START << 20
        alive = _range_alive(regs, 0, 0x10FFFF, trans, content, class_maps, reach, numbers, number_label, specs, spec, lit_start, lit_bytes, frames, available)
        return GOES if alive else DIES
    if b < 32:
        return DIES
    return content_step(regs, b, trans, content, class_maps, reach, numbers, number_label, specs, spec, lit_start, lit_bytes, frames, available)
