"""Tokens seen from inside a JSON string: where they leave it, and how many characters they add."""

from __future__ import annotations

import numpy as np

from structgen.kernels.document_escapes import hex_value, short_escape
from structgen.kernels.document_registers import UTF8, UTF8_DEAD
from structgen.kernels.jit import kernel

INVALID = -1


@kernel
def split_at_quote(data, start, quote, characters):  # type: ignore[no-untyped-def]
    """Per token (``data[start[t]:start[t + 1]]``): offset of the closing quote, its length if it has none, or -1.

    The token is read as the content of a free string, from between two characters. It may end
    inside a character or an escape. ``characters`` receives the code points of the content,
    a started one included.
    """
    for token in range(start.shape[0] - 1):
        state = np.uint8(0)
        phase, value, high = 0, 0, False
        n = 0
        found = start[token + 1] - start[token]
        for at in range(start[token], start[token + 1]):
            b = np.int64(data[at])
            if phase == 0:
                if b == 34 and not high:
                    if state != 0:
                        found = INVALID
                    else:
                        found = at - start[token]
                    break
                if b == 92:
                    if state != 0:
                        found = INVALID
                        break
                    phase = 1
                    if not high:
                        n += 1
                    continue
                if high or b < 32:
                    found = INVALID
                    break
                if b < 0x80 or b >= 0xC0:
                    n += 1
                state = UTF8[state, b]
                if state == UTF8_DEAD:
                    found = INVALID
                    break
            elif phase == 1:
                if b == 117:
                    phase, value = 2, 0
                elif high or short_escape(b) < 0:
                    found = INVALID
                    break
                else:
                    phase = 0
            else:
                digit = hex_value(b)
                if digit < 0:
                    found = INVALID
                    break
                value = (value << 4) | digit
                phase += 1
                # A low surrogate stands only after a high one, so its first digits decide.
                left = 6 - phase
                low, top = value << (4 * left), ((value + 1) << (4 * left)) - 1
                is_low = low >= 0xDC00 and top <= 0xDFFF
                if is_low != high and (high and (top < 0xDC00 or low > 0xDFFF) or not high):
                    found = INVALID
                    break
                if phase == 6:
                    phase = 0
                    high = not high and 0xD800 <= value <= 0xDBFF
        quote[token] = found
        characters[token] = n


@kernel
def allow_groups(suffixes, group_start, group_tokens, characters, least, most, row):  # type: ignore[no-untyped-def]
    """Allow the tokens of every allowed suffix whose content adds between ``least`` and ``most`` characters."""
    for suffix in range(group_start.shape[0] - 1):
        if (suffixes[suffix >> 5] >> np.uint32(suffix & 31)) & np.uint32(1):
            for index in range(group_start[suffix], group_start[suffix + 1]):
                token = group_tokens[index]
                if least <= characters[token] <= most:
                    row[token >> 5] |= np.uint32(1) << np.uint32(token & 31)
