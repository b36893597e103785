"""One byte of JSON under a schema; walks of the token trie are in ``document_walk``.

The machine is a pushdown automaton whose structural part (brackets, colons, commas,
whitespace, escapes, literals) is written out below, and whose schema part is read from
tables that Python fills on demand. A step that needs an entry which is not there yet
returns ``MISSING`` and says which; a walk notes it, skips that subtree and goes on.

A configuration is a row of ``WIDTH`` int64 registers (named ``R_…``), so that a walk keeps one
row per depth. Tables, all filled by ``structgen.automata.document``:

- ``trans`` int32: transitions of byte automata of decoded string content, row after row; 0 is dead.
- ``content`` (Q, 4) int32, columns ``C_…``: a row's place in ``trans``, its byte classes in ``class_maps``, its label
  on acceptance (0: not accepting) and the most code points allowed at it.
- ``class_maps`` (n, 256) uint8: byte classes.
- ``numbers`` (N, 16) int32 and ``number_label`` (N,) int32: automata of number texts, by class of byte; the column
  ``NUMBER_JUDGED``, which no byte has, says that a number is judged at its end.
- ``reach`` (Q,) int64: for automata of property names, the set of classes that can still be reached.
- ``specs`` (n, 8) int32: how a string is read, columns ``SPEC_…``; an automaton with a label is judged at its end.
- ``lit_start`` (n + 1,) int32, ``lit_bytes`` uint8, ``lit_label`` (n,) int32: sorted string constants.
- ``values`` (n, 7) int32: per value context, what each JSON type leads to (-1: not filled, 0: forbidden).
- ``frames`` (n, 10) int64: open containers, columns ``F_…``; in general frames what may follow is filled in on demand,
  and ``F_LOW`` of a general object says that its names are kept.
- ``children`` (n,) int32: value contexts of plain containers (-1: not filled, 0: forbidden).
- ``available`` (n, ) uint8: names still possible in general object frames.
- ``keys`` (H,) int64, ``results`` (H, 2) int32: hashed events of general frames.
- ``cells`` (n, 3) int64: the stack, as frame, register and parent cell; cell 0 is the bottom.
"""

from __future__ import annotations

import numpy as np

from structgen.kernels.jit import inlined, uncounted

DIES, GOES, MISSING, UNDECIDED, FULL = 0, 1, 2, 3, 4

# Registers of a configuration.
R_MODE, R_A, R_B, R_C, R_ESC, R_VALUE, R_FRAME, R_COUNT, R_CELL = 0, 1, 2, 3, 4, 5, 6, 7, 8
# Registers of a walk only: original cells popped, next free cell, general steps in frames that keep values, and
# whether a comma was read in a container open before.
R_POPPED, R_FREE, R_KEPT, R_COMMA = 9, 10, 11, 12
WIDTH = 13
CONFIG_WIDTH = 9

# Modes.
M_VALUE, M_FIRST_ITEM, M_FIRST_KEY, M_KEY, M_COLON, M_AFTER, M_END = 1, 2, 3, 4, 5, 6, 7
M_FREE, M_LITERAL, M_CONTENT, M_NUMBER, M_WORD = 8, 9, 10, 11, 12
FIRST_LEXICAL = M_FREE

# Frame columns and kinds.
F_KIND, F_KEYS, F_CHILDREN, F_MAY_CLOSE, F_MAY_GO_ON, F_CLOSE, F_LOW, F_HIGH, F_NEXT, F_AVAILABLE = range(10)
TOP, PLAIN_OBJECT, PLAIN_ARRAY, GENERAL_OBJECT, GENERAL_ARRAY, KEEPING_ARRAY = range(6)

# String specs.
SPEC_KIND, SPEC_LOW, SPEC_HIGH, SPEC_START, SPEC_MIN, SPEC_MAX, SPEC_LABEL, SPEC_COUNTS = range(8)
FREE_TEXT, CLOSED_SET, OPEN_SET, AUTOMATON, BY_LENGTH = 1, 2, 3, 4, 5
NO_LIMIT = 2**30
ANY_SPACE, PRETTY = -1, -2
"""Values of ``max_space`` that are no bound on the length of a run of blanks."""

# Value table columns.
T_NULL, T_TRUE, T_FALSE, T_NUMBER, T_STRING, T_ARRAY, T_OBJECT = range(7)

# Columns of content rows.
C_START, C_MAP, C_LABEL, C_LIMIT = range(4)

# What a missing entry is.
NEED_CHILD, NEED_TYPE, NEED_EVENT, NEED_FRAME = 1, 2, 3, 4

_WORDS = np.zeros((3, 6), dtype=np.uint8)
for _row, _word in enumerate((b"null", b"true", b"false")):
    _WORDS[_row, : len(_word)] = list(_word)


def _utf8_table() -> np.ndarray:
    """(9, 256) uint8: continuation state by state and byte; 0 is between characters, 255 is dead."""
    table = np.full((9, 256), 255, dtype=np.uint8)
    table[0, :0x80] = 0
    table[0, 0xC2:0xE0] = 1
    table[0, 0xE0] = 3
    table[0, 0xE1:0xF0] = 2
    table[0, 0xED] = 4
    table[0, 0xF0] = 6
    table[0, 0xF1:0xF4] = 5
    table[0, 0xF4] = 7
    table[1, 0x80:0xC0] = 0
    table[2, 0x80:0xC0] = 1
    table[3, 0xA0:0xC0] = 1
    table[4, 0x80:0xA0] = 1
    table[5, 0x80:0xC0] = 2
    table[6, 0x90:0xC0] = 2
    table[7, 0x80:0x90] = 2
    return table


def _number_classes() -> np.ndarray:
    """(256,) uint8: digits 1..10, minus 11, plus 12, point 13, exponent letter 14, all else 0."""
    table = np.zeros(256, dtype=np.uint8)
    table[48:58] = np.arange(1, 11)
    for byte, number in ((45, 11), (43, 12), (46, 13), (69, 14), (101, 14)):
        table[byte] = number
    return table


NUMBER_CLASS = _number_classes()
NUMBER_JUDGED = 15


def _structural_bytes() -> np.ndarray:
    """(8, 256) bool: bytes that a structural mode does not rule out by themselves; spaces left out."""
    table = np.zeros((8, 256), dtype=np.bool_)
    value = [34, 123, 91, 45, 110, 116, 102, *range(48, 58)]
    for mode, allowed in (
        (M_VALUE, value),
        (M_FIRST_ITEM, [*value, 93]),
        (M_FIRST_KEY, [34, 125]),
        (M_KEY, [34]),
        (M_COLON, [58]),
        (M_AFTER, [44, 93, 125]),
    ):
        table[mode, allowed] = True
    return table


STRUCTURAL = _structural_bytes()
UTF8 = _utf8_table()
UTF8_DEAD = 255


@inlined
def _find_event(keys, results, frame, event):
    """Slot of (frame, event), or -1."""
    key = (frame << 24) | event
    mask = keys.shape[0] - 1
    slot = ((key * 0x9E3779B1) >> 7) & mask
    while keys[slot] != -1:
        if keys[slot] == key:
            return slot
        slot = (slot + 1) & mask
    return -1


@uncounted
def insert_event(keys, results, frame, event, first, second):
    """Add (frame, event) → (first, second); the caller keeps the table at most half full."""
    key = (frame << 24) | event
    mask = keys.shape[0] - 1
    slot = ((key * 0x9E3779B1) >> 7) & mask
    while keys[slot] != -1 and keys[slot] != key:
        slot = (slot + 1) & mask
    keys[slot] = key
    results[slot, 0] = first
    results[slot, 1] = second


@uncounted
def move_events(keys, results, new_keys, new_results):
    """Copy all events into a larger table."""
    mask = new_keys.shape[0] - 1
    for old in range(keys.shape[0]):
        key = keys[old]
        if key != -1:
            slot = ((key * 0x9E3779B1) >> 7) & mask
            while new_keys[slot] != -1:
                slot = (slot + 1) & mask
            new_keys[slot] = key
            new_results[slot, 0] = results[old, 0]
            new_results[slot, 1] = results[old, 1]


@uncounted
def _value_done(regs, label, frames, keys, results, miss):
    """A value has ended with verdict ``label``: step the frame that held it."""
    frame = regs[R_FRAME]
    kind = frames[frame, F_KIND]
    regs[R_A] = 0
    regs[R_B] = 0
    regs[R_C] = 0
    regs[R_VALUE] = 0
    if kind == PLAIN_OBJECT:
        regs[R_MODE] = M_AFTER
        return GOES
    if kind == PLAIN_ARRAY:
        regs[R_MODE] = M_AFTER
        # The count saturates where no bound or prefix position can tell it from more.
        if regs[R_COUNT] < frames[frame, F_AVAILABLE]:
            regs[R_COUNT] += 1
        return GOES
    if kind == TOP:
        regs[R_MODE] = M_END
        return GOES
    if kind == KEEPING_ARRAY:
        if regs[R_KEPT] >= 1:
            return UNDECIDED
        regs[R_KEPT] += 1
    slot = _find_event(keys, results, frame, label)
    if slot < 0:
        miss[0] = NEED_EVENT
        miss[1] = frame
        miss[2] = label
        return MISSING
    if results[slot, 0] == 0:
        return DIES
    regs[R_FRAME] = results[slot, 0]
    regs[R_MODE] = M_AFTER
    return GOES


@uncounted
def _key_done(regs, label, frames, children, keys, results, miss):
    """A property name of class ``label - 1`` has ended."""
    frame = regs[R_FRAME]
    regs[R_MODE] = M_COLON
    regs[R_A] = 0
    regs[R_B] = 0
    regs[R_C] = 0
    if frames[frame, F_KIND] == PLAIN_OBJECT:
        bit = label - 1
        if not ((frames[frame, F_HIGH] & ~regs[R_COUNT]) >> bit) & 1:
            return DIES
        value = children[frames[frame, F_CHILDREN] + bit]
        if value < 0:
            miss[0] = NEED_CHILD
            miss[1] = frame
            miss[2] = bit
            return MISSING
        if value == 0:
            return DIES
        if bit < frames[frame, F_NEXT]:
            regs[R_COUNT] |= np.int64(1) << bit
        if frames[frame, F_MAY_GO_ON] != 0:
            # Properties in order: the frame after this name allows only later ones.
            regs[R_FRAME] = children[frames[frame, F_MAY_GO_ON] + bit]
        regs[R_VALUE] = value
        return GOES
    slot = _find_event(keys, results, frame, (1 << 23) | label)
    if slot < 0:
        miss[0] = NEED_EVENT
        miss[1] = frame
        miss[2] = (1 << 23) | label
        return MISSING
    if results[slot, 0] == 0:
        return DIES
    regs[R_FRAME] = results[slot, 0]
    regs[R_VALUE] = results[slot, 1]
    return GOES


@inlined
def _spec_of(regs, values, frames):
    """The spec of the string being read: a name where no value is due, else the value's."""
    if regs[R_VALUE] == 0:
        return frames[regs[R_FRAME], F_KEYS]
    return np.int64(values[regs[R_VALUE], T_STRING])


@uncounted
def string_label(regs, trans, content, class_maps, reach, numbers, number_label, specs, lit_start, lit_bytes, lit_label, values, frames):
    """The label of the string that a quote would end here; 0 where it may not."""
    spec = _spec_of(regs, values, frames)
    mode = regs[R_MODE]
    if mode == M_LITERAL:
        low = regs[R_A]
        if lit_start[low + 1] - lit_start[low] == regs[R_C]:
            return np.int64(lit_label[low])
        if specs[spec, SPEC_KIND] == OPEN_SET and _at_boundary(regs, lit_start, lit_bytes):
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
def _string_done(
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
        return _key_done(regs, label, frames, children, keys, results, miss)
    return _value_done(regs, label, frames, keys, results, miss)


@inlined
def _at_boundary(regs, lit_start, lit_bytes):
    """Whether the constant's bytes so far end between characters."""
    start = lit_start[regs[R_A]]
    at = start + regs[R_C]
    if lit_start[regs[R_A] + 1] == at:
        return True
    return (lit_bytes[at] & 0xC0) != 0x80


@uncounted
def _start_string(regs, specs, values, frames, available):
    """An opening quote, where the mode has allowed it."""
    spec = _spec_of(regs, values, frames)
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
def _content_step(regs, b, trans, content, class_maps, reach, numbers, number_label, specs, spec, lit_start, lit_bytes, frames, available):
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
def _character_step(regs, point, trans, content, class_maps, reach, numbers, number_label, specs, spec, lit_start, lit_bytes, frames, available):
    """One decoded code point, as its UTF-8 bytes."""
    if point < 0x80:
        return _content_step(regs, point, trans, content, class_maps, reach, numbers, number_label, specs, spec, lit_start, lit_bytes, frames, available)
    if point < 0x800:
        n, lead = 1, 0xC0 | (point >> 6)
    elif point < 0x10000:
        n, lead = 2, 0xE0 | (point >> 12)
    else:
        n, lead = 3, 0xF0 | (point >> 18)
    if _content_step(regs, lead, trans, content, class_maps, reach, numbers, number_label, specs, spec, lit_start, lit_bytes, frames, available) == DIES:
        return DIES
    for back in range(n - 1, -1, -1):
        b = 0x80 | ((point >> (6 * back)) & 0x3F)
        if _content_step(regs, b, trans, content, class_maps, reach, numbers, number_label, specs, spec, lit_start, lit_bytes, frames, available) == DIES:
            return DIES
    return GOES


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
            went = _content_step(regs, lead, trans, content, class_maps, reach, numbers, number_label, specs, spec, lit_start, lit_bytes, frames, available)
            if went == GOES and n >= 2:
                second = 0x80 | ((point >> (6 * (n - 1))) & 0x3F)
                went = _content_step(regs, second, trans, content, class_maps, reach, numbers, number_label, specs, spec, lit_start, lit_bytes, frames, available)
                block = 64 if n == 2 else 4096
            _put_back(regs, was_mode, was_a, was_b, was_c)
            if went == DIES:
                point = (point // block + 1) * block
                continue
        went = _character_step(regs, point, trans, content, class_maps, reach, numbers, number_label, specs, spec, lit_start, lit_bytes, frames, available)
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
def _hex_value(b):
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
            return (
                GOES
                if _range_alive(regs, 0, 0x10FFFF, trans, content, class_maps, reach, numbers, number_label, specs, spec, lit_start, lit_bytes, frames, available)
                else DIES
            )
        point = short_escape(b)
        if point < 0:
            return DIES
        regs[R_ESC] = 0
        return _character_step(regs, point, trans, content, class_maps, reach, numbers, number_label, specs, spec, lit_start, lit_bytes, frames, available)
    if phase == _ESC_LOW_START:
        if b != 92:
            return DIES
        regs[R_ESC] = (escape & ~(15 << 20)) | (_ESC_LOW_U << 20)
        return GOES
    if phase == _ESC_LOW_U:
        if b != 117:
            return DIES
        regs[R_ESC] = (escape & ~(15 << 20)) | (_ESC_LOW_HEX << 20)
        return GOES
    digit = _hex_value(b)
    if digit < 0:
        return DIES
    n = ((escape >> 16) & 15) + 1
    value = ((escape & 0xFFFF) << 4) | digit
    width = 4 * (4 - n)
    low = value << width
    high = low + (1 << width) - 1
    if phase == _ESC_HEX:
        if n == 4 and 0xD800 <= value <= 0xDBFF:
            regs[R_ESC] = (value << 24) | (_ESC_LOW_START << 20)
            base = 0x10000 + ((value - 0xD800) << 10)
            alive = _range_alive(
                regs, base, base + 1023, trans, content, class_maps, reach, numbers, number_label, specs, spec, lit_start, lit_bytes, frames, available
            )
            return GOES if alive else DIES
        if n == 4:
            regs[R_ESC] = 0
            if 0xDC00 <= value <= 0xDFFF:
                return DIES
            return _character_step(regs, value, trans, content, class_maps, reach, numbers, number_label, specs, spec, lit_start, lit_bytes, frames, available)
        regs[R_ESC] = (_ESC_HEX << 20) | (n << 16) | value
        if _range_alive(regs, low, high, trans, content, class_maps, reach, numbers, number_label, specs, spec, lit_start, lit_bytes, frames, available):
            return GOES
        first, last = max(low, 0xD800), min(high, 0xDBFF)
        if first <= last:
            base = 0x10000 + ((first - 0xD800) << 10)
            top = 0x10000 + ((last - 0xD800) << 10) + 1023
            if _range_alive(regs, base, top, trans, content, class_maps, reach, numbers, number_label, specs, spec, lit_start, lit_bytes, frames, available):
                return GOES
        return DIES
    first, last = max(low, 0xDC00), min(high, 0xDFFF)
    if first > last:
        return DIES
    base = 0x10000 + (((escape >> 24) - 0xD800) << 10)
    if n == 4:
        regs[R_ESC] = 0
        point = base + (value - 0xDC00)
        return _character_step(regs, point, trans, content, class_maps, reach, numbers, number_label, specs, spec, lit_start, lit_bytes, frames, available)
    regs[R_ESC] = ((escape >> 24) << 24) | (_ESC_LOW_HEX << 20) | (n << 16) | value
    alive = _range_alive(
        regs, base + first - 0xDC00, base + last - 0xDC00, trans, content, class_maps, reach, numbers, number_label, specs, spec, lit_start, lit_bytes, frames, available
    )
    return GOES if alive else DIES


@uncounted
def _in_string(regs, b, trans, content, class_maps, reach, numbers, number_label, specs, lit_start, lit_bytes, lit_label, values, frames, children, available, keys, results, miss):
    """One byte between quotes."""
    spec = _spec_of(regs, values, frames)
    if regs[R_ESC] != 0:
        return _escape_step(regs, b, trans, content, class_maps, reach, numbers, number_label, specs, spec, lit_start, lit_bytes, frames, available)
    if b == 34:
        return _string_done(
            regs, trans, content, class_maps, reach, numbers, number_label, specs, lit_start, lit_bytes, lit_label, values, frames, children, keys, results, miss
        )
    if b == 92:
        if regs[R_MODE] == M_FREE and regs[R_A] != 0:
            return DIES
        if regs[R_MODE] == M_LITERAL and not _at_boundary(regs, lit_start, lit_bytes):
            return DIES
        regs[R_ESC] = _ESC_START << 20
        alive = _range_alive(regs, 0, 0x10FFFF, trans, content, class_maps, reach, numbers, number_label, specs, spec, lit_start, lit_bytes, frames, available)
        return GOES if alive else DIES
    if b < 32:
        return DIES
    return _content_step(regs, b, trans, content, class_maps, reach, numbers, number_label, specs, spec, lit_start, lit_bytes, frames, available)


@uncounted
def _push(regs, frame, cells):
    cell = regs[R_FREE]
    if cell >= cells.shape[0]:
        return FULL
    cells[cell, 0] = regs[R_FRAME]
    cells[cell, 1] = regs[R_COUNT]
    cells[cell, 2] = regs[R_CELL]
    regs[R_FREE] = cell + 1
    regs[R_CELL] = cell
    regs[R_FRAME] = frame
    regs[R_COUNT] = 0
    regs[R_VALUE] = 0
    regs[R_A] = 0
    regs[R_B] = 0
    regs[R_C] = 0
    return GOES


@uncounted
def _close(regs, frames, cells, keys, results, n_cells, miss):
    """A closing bracket that the frame allows: pop, and step the parent on the verdict."""
    label = frames[regs[R_FRAME], F_CLOSE]
    cell = regs[R_CELL]
    if cell < n_cells:
        regs[R_POPPED] += 1
    regs[R_FRAME] = cells[cell, 0]
    regs[R_COUNT] = cells[cell, 1]
    regs[R_CELL] = cells[cell, 2]
    return _value_done(regs, label, frames, keys, results, miss)


@inlined
def _may_close(regs, frames):
    frame = regs[R_FRAME]
    kind = frames[frame, F_KIND]
    if kind == PLAIN_OBJECT:
        return (regs[R_COUNT] & frames[frame, F_LOW]) == frames[frame, F_LOW]
    if kind == PLAIN_ARRAY:
        return regs[R_COUNT] >= frames[frame, F_LOW]
    return frames[frame, F_MAY_CLOSE] != 0


@uncounted
def _next_item(regs, frames, children, miss):
    """The value context of the next item into R_VALUE."""
    frame = regs[R_FRAME]
    if frames[frame, F_KIND] != PLAIN_ARRAY:
        if frames[frame, F_NEXT] < 0:
            miss[0] = NEED_FRAME
            miss[1] = frame
            return MISSING
        regs[R_VALUE] = frames[frame, F_NEXT]
        return GOES if frames[frame, F_NEXT] != 0 else DIES
    if regs[R_COUNT] >= frames[frame, F_HIGH]:
        return DIES
    position = min(regs[R_COUNT], frames[frame, F_NEXT])
    value = children[frames[frame, F_CHILDREN] + position]
    if value < 0:
        miss[0] = NEED_CHILD
        miss[1] = frame
        miss[2] = position
        return MISSING
    regs[R_VALUE] = value
    return GOES if value != 0 else DIES


@uncounted
def _start_value(regs, b, numbers, specs, values, frames, children, available, cells, miss):
    """The first byte of a value of context R_VALUE."""
    if b == 34:
        column = T_STRING
    elif b == 123:
        column = T_OBJECT
    elif b == 91:
        column = T_ARRAY
    elif b == 45 or 48 <= b <= 57:
        column = T_NUMBER
    elif b == 110:
        column = T_NULL
    elif b == 116:
        column = T_TRUE
    elif b == 102:
        column = T_FALSE
    else:
        return DIES
    handle = values[regs[R_VALUE], column]
    if handle < 0:
        miss[0] = NEED_TYPE
        miss[1] = regs[R_VALUE]
        miss[2] = column
        return MISSING
    if handle == 0:
        return DIES
    if column == T_STRING:
        return _start_string(regs, specs, values, frames, available)
    if column == T_OBJECT:
        regs[R_MODE] = M_FIRST_KEY
        return _push(regs, handle, cells)
    if column == T_ARRAY:
        regs[R_MODE] = M_FIRST_ITEM
        return _push(regs, handle, cells)
    if column == T_NUMBER:
        regs[R_MODE] = M_NUMBER
        row = numbers[handle, NUMBER_CLASS[b]]
        regs[R_A] = row
        return GOES if row != 0 else DIES
    regs[R_MODE] = M_WORD
    regs[R_A] = column
    regs[R_B] = 1
    regs[R_C] = handle
    return GOES


@inlined
def _is_space(b):
    return b == 32 or b == 10 or b == 13 or b == 9


@uncounted
def _may_go_on(regs, frames, miss):
    """Whether another name may follow in the object: GOES, DIES or MISSING."""
    frame = regs[R_FRAME]
    if frames[frame, F_KIND] == PLAIN_OBJECT:
        return GOES if (frames[frame, F_HIGH] & ~regs[R_COUNT]) != 0 else DIES
    if frames[frame, F_MAY_GO_ON] < 0:
        miss[0] = NEED_FRAME
        miss[1] = frame
        return MISSING
    return GOES if frames[frame, F_MAY_GO_ON] != 0 else DIES


@uncounted
def _pretty(regs, b, frames, children, cells, miss):
    """Whether the blanks before ``b``, or ``b`` as one more of them, are those of two spaces a level.

    A member stands on a line of its own, a closing bracket that follows one too; a colon is followed by one
    space. R_B counts the blanks of the gap so far.
    """
    mode = regs[R_MODE]
    behind = regs[R_B]
    kind = frames[regs[R_FRAME], F_KIND]
    depth = 0
    cell = regs[R_CELL]
    while cell != 0:
        depth += 1
        cell = cells[cell, 2]
    breaks = True
    need = 1 + 2 * depth
    if mode == M_VALUE and kind == TOP:
        need = 0
    elif mode == M_VALUE and (kind == PLAIN_OBJECT or kind == GENERAL_OBJECT):
        need = 1
        breaks = False
    elif (mode == M_FIRST_ITEM and b == 93) or (mode == M_FIRST_KEY and b == 125) or (mode == M_AFTER and b == 44):
        need = 0
    elif mode == M_AFTER:
        need -= 2
    elif mode == M_COLON or mode == M_END:
        need = 0
    if not _is_space(b):
        return GOES if behind == need else DIES
    if behind >= need or b != (10 if breaks and behind == 0 else 32):
        return DIES
    if behind == 0:
        # Nothing is begun that cannot be gone on with.
        status = GOES
        if mode == M_FIRST_KEY:
            status = _may_go_on(regs, frames, miss)
        elif mode == M_FIRST_ITEM:
            status = _next_item(regs, frames, children, miss)
            regs[R_VALUE] = 0
        elif mode == M_AFTER and not _may_close(regs, frames):
            status = DIES
        if status != GOES:
            return status
    regs[R_B] = behind + 1
    return GOES


@uncounted
def _structural(regs, b, trans, content, class_maps, reach, numbers, number_label, specs, values, frames, children, available, keys, results, cells, n_cells, max_space, miss):
    """One byte between lexemes."""
    mode = regs[R_MODE]
    if max_space == PRETTY:
        status = _pretty(regs, b, frames, children, cells, miss)
        if status != GOES or _is_space(b):
            return status
    elif _is_space(b):
        if max_space < 0:
            return GOES
        regs[R_B] += 1
        if regs[R_B] > max_space or (mode == M_END and max_space < NO_LIMIT):
            return DIES
        return GOES
    regs[R_B] = 0
    if mode == M_AFTER:
        is_array = frames[regs[R_FRAME], F_KIND] == PLAIN_ARRAY or frames[regs[R_FRAME], F_KIND] >= GENERAL_ARRAY
        if b == 44:
            if is_array:
                regs[R_MODE] = M_VALUE
                return _next_item(regs, frames, children, miss)
            regs[R_MODE] = M_KEY
            return _may_go_on(regs, frames, miss)
        if b != (93 if is_array else 125) or not _may_close(regs, frames):
            return DIES
        return _close(regs, frames, cells, keys, results, n_cells, miss)
    if mode == M_VALUE:
        return _start_value(regs, b, numbers, specs, values, frames, children, available, cells, miss)
    if mode == M_COLON:
        regs[R_MODE] = M_VALUE
        return GOES if b == 58 else DIES
    if mode == M_KEY or mode == M_FIRST_KEY:
        if b == 34:
            status = _may_go_on(regs, frames, miss)
            return _start_string(regs, specs, values, frames, available) if status == GOES else status
        if mode == M_KEY or b != 125 or not _may_close(regs, frames):
            return DIES
        return _close(regs, frames, cells, keys, results, n_cells, miss)
    if mode == M_FIRST_ITEM:
        if b == 93:
            if not _may_close(regs, frames):
                return DIES
            return _close(regs, frames, cells, keys, results, n_cells, miss)
        regs[R_MODE] = M_VALUE
        status = _next_item(regs, frames, children, miss)
        if status != GOES:
            return status
        return _start_value(regs, b, numbers, specs, values, frames, children, available, cells, miss)
    return DIES


@uncounted
def step(
    regs, b, trans, content, class_maps, reach, numbers, number_label, specs, lit_start, lit_bytes, lit_label, values, frames, children, available,
    keys, results, cells, n_cells, max_space, miss,
):  # fmt: skip
    """Read one byte: DIES, GOES, MISSING (``miss`` says what) or UNDECIDED; ``regs`` is changed in place."""
    mode = regs[R_MODE]
    if mode < FIRST_LEXICAL:
        return _structural(
            regs, b, trans, content, class_maps, reach, numbers, number_label, specs, values, frames, children, available, keys, results, cells, n_cells, max_space, miss
        )
    if mode == M_NUMBER:
        row = numbers[regs[R_A], NUMBER_CLASS[b]]
        if row != 0:
            regs[R_A] = row
            return GOES
        label = number_label[regs[R_A]]
        if label == 0 or not (b == 44 or b == 93 or b == 125 or _is_space(b)):
            return DIES
        status = _value_done(regs, np.int64(label), frames, keys, results, miss)
        if status != GOES:
            return status
        return _structural(
            regs, b, trans, content, class_maps, reach, numbers, number_label, specs, values, frames, children, available, keys, results, cells, n_cells, max_space, miss
        )
    if mode == M_WORD:
        if b != _WORDS[regs[R_A], regs[R_B]] or b == 0:
            return DIES
        regs[R_B] += 1
        if _WORDS[regs[R_A], regs[R_B]] == 0:
            return _value_done(regs, regs[R_C], frames, keys, results, miss)
        return GOES
    return _in_string(
        regs, b, trans, content, class_maps, reach, numbers, number_label, specs, lit_start, lit_bytes, lit_label, values, frames, children, available, keys, results, miss
    )


@uncounted
def end_value(regs, label, frames, keys, results, miss):
    """Take the value at hand as ended with ``label``, whatever its automaton says."""
    return _value_done(regs, label, frames, keys, results, miss)


@uncounted
def end_name(regs, label, frames, children, keys, results, miss):
    """Take the name at hand as ended with ``label``, whatever its automaton says."""
    return _key_done(regs, label, frames, children, keys, results, miss)


@uncounted
def end_number(regs, number_label, frames, keys, results, miss):
    """Take the number at hand as complete, as a delimiter would."""
    return _value_done(regs, np.int64(number_label[regs[R_A]]), frames, keys, results, miss)


@inlined
def _copy(source, target):
    for i in range(source.shape[0]):  # a slice assignment would allocate
        target[i] = source[i]


@inlined
def _opens_kept(regs, before, numbers, specs, values, frames):
    """Whether a step has opened a frame that keeps values or names, or a string or number that is judged as a whole."""
    frame = regs[R_FRAME]
    if frame != before[R_FRAME]:
        kind = frames[frame, F_KIND]
        return kind == KEEPING_ARRAY or (kind == GENERAL_OBJECT and frames[frame, F_LOW] != 0)
    if regs[R_MODE] == M_NUMBER:
        return before[R_MODE] != M_NUMBER and numbers[regs[R_A], NUMBER_JUDGED] != 0
    if regs[R_MODE] != M_CONTENT or before[R_MODE] >= FIRST_LEXICAL:
        return False
    return specs[_spec_of(regs, values, frames), SPEC_LABEL] != 0


@uncounted
def run(
    regs, before, data, start, trans, content, class_maps, reach, numbers, number_label, specs, lit_start, lit_bytes, lit_label, values, frames, children, available,
    keys, results, cells, n_cells, max_space, miss,
):  # fmt: skip
    """Read ``data[start:]``; return status and how many bytes of ``data`` are behind; ``regs`` stays before a failed byte.

    ``before`` is scratch of the same shape.
    """
    for at in range(start, data.shape[0]):
        _copy(regs, before)
        status = step(
            regs, data[at], trans, content, class_maps, reach, numbers, number_label, specs, lit_start, lit_bytes, lit_label, values, frames, children, available,
            keys, results, cells, n_cells, max_space, miss,
        )  # fmt: skip
        if status != GOES:
            _copy(before, regs)
            return status, at
        if regs[R_KEPT] == 1 and _opens_kept(regs, before, numbers, specs, values, frames):
            # Text that must be kept begins: its owner reads on byte by byte.
            _copy(before, regs)
            return UNDECIDED, at
    return GOES, data.shape[0]


@uncounted
def read(
    mode, a, b, c, escape, value, frame, count, cell, regs, before, data,
    trans, content, class_maps, reach, numbers, number_label, specs, lit_start, lit_bytes, lit_label, values, frames, children, available,
    keys, results, cells, n_cells, max_space, miss,
):  # fmt: skip
    """``run`` from a configuration: returns status, how many bytes are behind, and the configuration there.

    Registers passed and returned one by one take half the time of rows made and read in Python.
    """
    regs[R_MODE] = mode
    regs[R_A] = a
    regs[R_B] = b
    regs[R_C] = c
    regs[R_ESC] = escape
    regs[R_VALUE] = value
    regs[R_FRAME] = frame
    regs[R_COUNT] = count
    regs[R_CELL] = cell
    regs[R_POPPED] = 0
    regs[R_FREE] = n_cells
    regs[R_KEPT] = 1
    regs[R_COMMA] = 0
    status, at = run(
        regs, before, data, 0, trans, content, class_maps, reach, numbers, number_label, specs, lit_start, lit_bytes, lit_label, values, frames, children, available,
        keys, results, cells, n_cells, max_space, miss,
    )  # fmt: skip
    return (
        status, at, regs[R_MODE], regs[R_A], regs[R_B], regs[R_C], regs[R_ESC], regs[R_VALUE], regs[R_FRAME],
        regs[R_COUNT], regs[R_CELL],
    )  # fmt: skip
