"""Names for what the kernels of ``kernels.document`` read: registers, modes, columns, and tables of bytes."""

from __future__ import annotations

import numpy as np

__all__ = ["ANY_SPACE", "AUTOMATON", "BY_LENGTH", "CLOSED_SET", "CONFIG_WIDTH", "C_LABEL", "C_LIMIT", "C_MAP", "C_START", "DIES", "FIRST_LEXICAL", "FREE_TEXT", "FULL", "F_AVAILABLE", "F_CHILDREN", "F_CLOSE", "F_HIGH", "F_KEYS", "F_KIND", "F_LOW", "F_MAY_CLOSE", "F_MAY_GO_ON", "F_NEXT", "GENERAL_ARRAY", "GENERAL_OBJECT", "GOES", "KEEPING_ARRAY", "MISSING", "M_AFTER", "M_COLON", "M_CONTENT", "M_END", "M_FIRST_ITEM", "M_FIRST_KEY", "M_FREE", "M_KEY", "M_LITERAL", "M_NUMBER", "M_VALUE", "M_WORD", "NEED_CHILD", "NEED_EVENT", "NEED_FRAME", "NEED_TYPE", "NO_LIMIT", "NUMBER_CLASS", "NUMBER_JUDGED", "OPEN_SET", "PLAIN_ARRAY", "PLAIN_OBJECT", "PRETTY", "R_A", "R_B", "R_C", "R_CELL", "R_COMMA", "R_COUNT", "R_ESC", "R_FRAME", "R_FREE", "R_KEPT", "R_MODE", "R_POPPED", "R_VALUE", "SPEC_COUNTS", "SPEC_HIGH", "SPEC_KIND", "SPEC_LABEL", "SPEC_LOW", "SPEC_MAX", "SPEC_MIN", "SPEC_START", "STRUCTURAL", "TOP", "T_ARRAY", "T_FALSE", "T_NULL", "T_NUMBER", "T_OBJECT", "T_STRING", "T_TRUE", "UNDECIDED", "UTF8", "UTF8_DEAD", "WIDTH", "WORDS"]

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

WORDS = np.zeros((3, 6), dtype=np.uint8)
for _row, _word in enumerate((b"null", b"true", b"false")):
    WORDS[_row, : len(_word)] = list(_word)


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
