"""Beginnings of host names, read character by character in registers.

One row of registers (``kernels.host_rules``) says all that the rules ask of what has been read. Two answers are left to
the caller (``ASKED``): what an ``xn--`` label decodes to once it ends, and whether there is a way out where
hardly any room is left for what is needed. ``tail`` (64,) int64 is the encoded length of the label at hand with so
many ASCII characters behind it, -1 where not yet known; ``traits``, ``unstable`` and ``label`` are those of the rules,
``spare`` is the scratch of ``kernels.punycode``.
"""

from __future__ import annotations

import numpy as np

from structgen.kernels import host_rules as H
from structgen.kernels import punycode as P
from structgen.kernels.jit import uncounted

__all__ = ["ASKED", "DEAD", "LIVE", "close_label", "forbid_words", "is_open", "judge_words", "may_follow", "read",
           "walk"]  # fmt: skip

DEAD, ASKED, LIVE = 0, 1, 2
MOST_LABEL, MOST_NAME = 63, 253

MOST_DIGITS = 8
"""Of one Punycode number in a label: it is below 2 to the 27th, and a digit is worth a factor of ten or more."""
LEAST_WIDE = 8
"""What the first character beyond ASCII makes an encoded label longer, at least: prefix, hyphen and three digits."""
LONGER = 9
"""Characters that one more character makes an encoded label longer, at most."""


@uncounted
def _reset_label(row):  # type: ignore[no-untyped-def]
    """Begin a label behind what has been read."""
    row[H.START] += row[H.N]
    for field in range(H.N, H.WIDTH):
        row[field] = 0
    row[H.BORN] = -1


@uncounted
def close_label(row, length, from_right, fits):  # type: ignore[no-untyped-def]
    """End a label and its dot; whether the name may go on."""
    row[H.TOTAL] += length + 1
    if from_right:
        row[H.NAME] |= H.FROM_RIGHT
    if not fits:
        row[H.NAME] |= H.UNFIT
    _reset_label(row)
    if row[H.NAME] == H.FROM_RIGHT | H.UNFIT or row[H.TOTAL] >= MOST_NAME:
        return DEAD
    return LIVE


# -- characters ------------------------------------------------------------------------------------


@uncounted
def step(row, code, label, traits, unstable, tail, spare, international):  # type: ignore[no-untyped-def]
    """Read one character."""
    if code == 0x2E or (international and (code == 0x3002 or code == 0xFF0E or code == 0xFF61)):
        return _dot(row, label, tail)
    n = row[H.N]
    if code > 0x10FFFF or n >= MOST_LABEL or row[H.TOTAL] + n >= MOST_NAME:
        return DEAD
    if row[H.PUNYCODE]:
        return _digit(row, code, label, traits, unstable, spare)
    if code >= 0x80 and n and row[H.WIDE] == 0:
        if n + LEAST_WIDE > MOST_LABEL or row[H.TOTAL] + n + LEAST_WIDE > MOST_NAME:
            return DEAD
    trait = H.trait_of(row, code, traits, international)
    if trait == 0 or (n == 0 and (code == 0x2D or trait & H.MARK)):
        return DEAD
    if not H.fits(row, code, trait, label, traits):
        return DEAD
    if n and not H.is_normal(row, code, trait, unstable):
        return DEAD
    H.note(row, code, trait)
    label[row[H.START] + n] = code
    row[H.N] = n + 1
    if n == 3 and code == 0x2D and label[row[H.START] + 2] == 0x2D:
        at = row[H.START]
        if row[H.WIDE] == 0 and label[at] | 32 == 0x78 and label[at + 1] | 32 == 0x6E:
            row[H.PUNYCODE] = 1
            P.begin_digits(row, H.DECODER, 0)
            return _encoded_viable(row, label, traits, unstable, spare)
        if international:
            return DEAD
    return _viable(row, label, tail)


@uncounted
def _dot(row, label, tail):  # type: ignore[no-untyped-def]
    """End the label at hand."""
    if row[H.N] == 0 or row[H.FLAGS] & (H.NEEDY | H.KATAKANA):
        return DEAD
    if row[H.PUNYCODE]:
        return ASKED
    length = row[H.N]
    if row[H.WIDE]:
        length = _encoded(row, label, tail)
        if length > MOST_LABEL:
            return DEAD
    fits = H.may_be_one_way(row) and H.ends_well(row)
    return close_label(row, length, False, fits)


@uncounted
def _viable(row, label, tail):  # type: ignore[no-untyped-def]
    """Whether some name begins as far as has been read: what is needed must have room."""
    flags = row[H.FLAGS]
    need = 1 if flags & H.NEEDY else 0
    if row[H.NAME] & H.FROM_RIGHT:
        if row[H.NAME] & H.UNFIT or not H.may_be_one_way(row):
            return DEAD
        if row[H.FIRST] == H.R and flags & (H.KATAKANA | H.KERAIA):
            return DEAD
        if not H.ends_well(row):
            need = 1
    if flags & H.KATAKANA:
        need += 1
    n = row[H.N]
    if row[H.WIDE] == 0:
        return LIVE if n + need <= MOST_LABEL and row[H.TOTAL] + n + need <= MOST_NAME else DEAD
    more = need * LONGER
    most = 5 + n - row[H.WIDE] + MOST_DIGITS * row[H.WIDE] + more
    if most <= MOST_LABEL and row[H.TOTAL] + most <= MOST_NAME:
        return LIVE
    length = _encoded(row, label, tail)
    if length > MOST_LABEL or row[H.TOTAL] + length > MOST_NAME:
        return DEAD
    if need == 0 or (length + more <= MOST_LABEL and row[H.TOTAL] + length + more <= MOST_NAME):
        return LIVE
    return ASKED


# -- Punycode (RFC 3492) ---------------------------------------------------------------------------


@uncounted
def _encoded(row, label, tail):  # type: ignore[no-untyped-def]
    """The length of the label in its ASCII form; ASCII characters at its end differ in nothing but their number."""
    if row[H.BORN] < 0:
        return P.encoded_length(label, row[H.START], row[H.N])
    since = row[H.N] - row[H.BORN]
    if tail[since] < 0:
        tail[since] = P.encoded_length(label, row[H.START], row[H.N])
    return tail[since]


@uncounted
def _digit(row, code, label, traits, unstable, spare):  # type: ignore[no-untyped-def]
    """Read a character of an ``xn--`` label."""
    if code >= 0x80 or (traits[code | 32 if 0x41 <= code <= 0x5A else code]) == 0:
        return DEAD
    n = row[H.N]
    label[row[H.START] + n] = code
    row[H.N] = n + 1
    if code == 0x2D:
        row[H.FLAGS] |= H.HYPHEN
        P.begin_digits(row, H.DECODER, n - 4)
        row[H.DECODER + P.VIABLE] = n > 4
    else:
        row[H.FLAGS] &= ~H.HYPHEN
        if row[H.DECODER + P.VIABLE]:
            P.take(row, H.DECODER, P.digit_of(code), traits)
    return _encoded_viable(row, label, traits, unstable, spare)


@uncounted
def _encoded_viable(row, label, traits, unstable, spare):  # type: ignore[no-untyped-def]
    """Whether an ``xn--`` label can be ended: mostly with a hyphen and three digits that put a letter into it."""
    room = min(MOST_LABEL - row[H.N], MOST_NAME - row[H.TOTAL] - row[H.N])
    if room < 0 or row[H.NAME] == H.FROM_RIGHT | H.UNFIT:
        return DEAD
    if room >= 8:
        return LIVE  # room for two letters wherever they are needed
    at, n = row[H.START] + 4, row[H.N] - 4
    ends = n > 0 and label[at + n - 1] == 0x2D
    if room < 3 if ends else room < 4 and not row[H.DECODER + P.VIABLE]:
        return DEAD
    plain = n > 3 and label[at] != 0x2D and label[at + 2] != 0x2D and not row[H.NAME] & H.FROM_RIGHT
    if plain and (ends or room >= 4):
        return LIVE  # one letter will do, in front or behind
    if room >= 3 and P.may_be_filled(row, label, room, spare, traits, unstable):
        return LIVE
    room = min(room, 3)
    return LIVE if P.may_be_ended(row, label, room, spare, traits, unstable) else DEAD


# -- bytes -----------------------------------------------------------------------------------------


@uncounted
def is_open(row):  # type: ignore[no-untyped-def]
    """Whether a character has begun and is not complete."""
    return row[H.LEFT] > 0 or row[H.ESCAPE] > 0 or row[H.HIGH] > 0


@uncounted
def _may_be_code(begun, left):  # type: ignore[no-untyped-def]
    """Whether some character begins so, ``left`` bytes of it missing: no surrogate, none longer than it need be."""
    if left == 2:
        return 0x10 <= begun <= 0x10F
    return left != 1 or (begun >= 0x20 and not 0x360 <= begun < 0x380)


@uncounted
def _byte(row, byte, label, traits, unstable, tail, spare, international):  # type: ignore[no-untyped-def]
    """Read one byte of a string as it stands in a document."""
    if row[H.LEFT]:
        if byte & 0xC0 != 0x80:
            return DEAD
        row[H.CODE] = row[H.CODE] << 6 | (byte & 63)
        row[H.LEFT] -= 1
        if not _may_be_code(row[H.CODE], row[H.LEFT]):
            return DEAD
        return LIVE if row[H.LEFT] else step(row, row[H.CODE], label, traits, unstable, tail, spare, international)
    if row[H.ESCAPE]:
        return _escaped(row, byte, label, traits, unstable, tail, spare, international)
    if byte == 0x5C:
        row[H.ESCAPE] = 1
        return LIVE
    if row[H.HIGH]:
        return DEAD
    if byte < 0x80:
        return step(row, byte, label, traits, unstable, tail, spare, international)
    if byte < 0xC2 or byte > 0xF4 or not international:
        return DEAD
    if (row[H.PUNYCODE] or row[H.FLAGS] & H.CAPITAL) and byte != 0xE3 and byte != 0xEF:
        return DEAD  # beyond ASCII, only dots may follow
    row[H.LEFT] = 1 if byte < 0xE0 else 2 if byte < 0xF0 else 3
    row[H.CODE] = byte & (0x3F >> row[H.LEFT])
    return LIVE


@uncounted
def _escaped(row, byte, label, traits, unstable, tail, spare, international):  # type: ignore[no-untyped-def]
    """Read one byte behind a backslash."""
    if row[H.ESCAPE] == 1:
        row[H.ESCAPE], row[H.NUMBER] = 2, 0
        return LIVE if byte == 0x75 else DEAD
    if not (0x30 <= byte <= 0x39 or 0x41 <= byte <= 0x46 or 0x61 <= byte <= 0x66):
        return DEAD
    digit = byte - 0x30 if byte < 0x3A else (byte | 32) - 0x57
    row[H.NUMBER] = row[H.NUMBER] << 4 | digit
    row[H.ESCAPE] += 1
    if row[H.ESCAPE] < 6:
        return LIVE
    row[H.ESCAPE] = 0
    code = row[H.NUMBER]
    if row[H.HIGH]:
        if not 0xDC00 <= code < 0xE000:
            return DEAD
        code = 0x10000 + ((row[H.HIGH] - 0xD800) << 10) + (code - 0xDC00)
        row[H.HIGH] = 0
    elif 0xD800 <= code < 0xDC00:
        row[H.HIGH] = code
        return LIVE
    return step(row, code, label, traits, unstable, tail, spare, international)


@uncounted
def may_follow(row, trial, label, traits, unstable, tail, spare, international):  # type: ignore[no-untyped-def]
    """Whether the character that has begun can be one that may stand there; ``trial`` is a row to write into."""
    if row[H.LEFT]:
        low = row[H.CODE] << 6 * row[H.LEFT]
        high = low | ((1 << 6 * row[H.LEFT]) - 1)
        if row[H.CODE] == 0:
            low = 0x800 if row[H.LEFT] == 2 else 0x10000
        return _any_of(row, trial, low, high, label, traits, unstable, tail, spare, international)
    if row[H.HIGH] and row[H.ESCAPE] < 3:
        low = 0x10000 + ((row[H.HIGH] - 0xD800) << 10)
        return _any_of(row, trial, low, low | 1023, label, traits, unstable, tail, spare, international)
    bits = 16 if row[H.ESCAPE] == 1 else 4 * (6 - row[H.ESCAPE])
    low = 0 if row[H.ESCAPE] == 1 else row[H.NUMBER] << bits
    high = low | ((1 << bits) - 1)
    if row[H.HIGH]:
        astral = 0x10000 + ((row[H.HIGH] - 0xD800) << 10) - 0xDC00
        low, high = astral + max(low, 0xDC00), astral + min(high, 0xDFFF)
        return _any_of(row, trial, low, high, label, traits, unstable, tail, spare, international)
    found = _any_of(row, trial, low, high, label, traits, unstable, tail, spare, international)
    if found == LIVE or high < 0xD800 or low > 0xDBFF:
        return found
    low = 0x10000 + ((max(low, 0xD800) - 0xD800) << 10)
    high = 0x10000 + ((min(high, 0xDBFF) - 0xD800) << 10) + 1023
    return max(found, _any_of(row, trial, low, high, label, traits, unstable, tail, spare, international))


@uncounted
def _any_of(row, trial, low, high, label, traits, unstable, tail, spare, international):  # type: ignore[no-untyped-def]
    """The best that a character from ``low`` to ``high`` comes to."""
    found = DEAD
    if row[H.FLAGS] & H.L_DOT:
        low, high = max(low, 0x6C), min(high, 0x6C)
    most = min(high, 0x10FFFF)
    if not international or row[H.PUNYCODE] or row[H.FLAGS] & H.CAPITAL:
        for code in (0x3002, 0xFF0E, 0xFF61):
            if low <= code <= high and international:
                found = max(found, _try(row, trial, code, label, traits, unstable, tail, spare, international))
        most = min(most, 0x7F)
    if low > 0x7F and _is_too_long(row, low, label):
        for code in (0x3002, 0xFF0E, 0xFF61):
            if low <= code <= most:
                found = max(found, _try(row, trial, code, label, traits, unstable, tail, spare, international))
        return found
    keraia = row[H.FLAGS] & H.KERAIA
    kinds = H.RIGHT_KINDS if row[H.N] and row[H.FIRST] == H.R else 0xFF
    for code in range(low, most + 1):
        if found == LIVE:
            break
        trait = traits[code]
        if trait:
            if not kinds >> ((trait >> 8) & 7) & 1 or (keraia and not trait & H.IS_GREEK):
                continue
        if trait or code == 0x2E or code == 0x3002 or code == 0xFF0E or code == 0xFF61 or 0x41 <= code <= 0x5A:
            found = max(found, _try(row, trial, code, label, traits, unstable, tail, spare, international))
    return found


@uncounted
def _is_too_long(row, code, label):  # type: ignore[no-untyped-def]
    """Whether no character from ``code`` on has room behind the label, all being greater than those in it.

    The greatest character is encoded last, so the length grows with it.
    """
    n, start = row[H.N], row[H.START]
    if row[H.PUNYCODE] or n == 0 or n >= MOST_LABEL:
        return False
    for at in range(start, start + n):
        if label[at] >= code:
            return False
    label[start + n] = code
    length = P.encoded_length(label, start, n + 1)
    return length > MOST_LABEL or row[H.TOTAL] + length > MOST_NAME


@uncounted
def _try(row, trial, code, label, traits, unstable, tail, spare, international):  # type: ignore[no-untyped-def]
    """What a character comes to; ``LIVE`` is the greatest."""
    for field in range(H.WIDTH):
        trial[field] = row[field]
    trial[H.LEFT] = trial[H.ESCAPE] = trial[H.HIGH] = 0
    return step(trial, code, label, traits, unstable, tail, spare, international)


@uncounted
def read(row, data, at, label, traits, unstable, tail, spare, international):  # type: ignore[no-untyped-def]
    """Read bytes from ``at`` on; (status, place): all read, or the byte that was fatal or brought up a question."""
    for place in range(at, data.shape[0]):
        status = _byte(row, data[place], label, traits, unstable, tail, spare, international)
        if status != LIVE:
            return status, place
    return LIVE, data.shape[0]


@uncounted
def walk(byte, subtree_end, depth, token_start, token_ids, root, rows, label, traits, unstable, tail, spare,
         international, allowed, asked):  # type: ignore[no-untyped-def]  # fmt: skip
    """Forbid in ``allowed`` the tokens below ``root`` after which no name is to be seen; how many questions are left.

    ``rows`` (depth + 2, WIDTH) int64 has in its first row what has been read. ``asked`` receives nodes that the
    caller must judge, with all below them, and ``-1 - node`` where only the tokens of the node itself are in doubt.
    Quotes and what follows them are left alone.
    """
    n_asked = 0
    node, end = root + 1, subtree_end[root]
    while node < end:
        following = subtree_end[node]
        if token_start[node] == token_start[following]:
            node = following
            continue
        level = depth[node] - depth[root]
        row, before = rows[level], rows[level - 1]
        value = byte[node]
        if value == 34 and not before[H.ESCAPE] and not before[H.LEFT]:
            node = following
            continue
        n_fields = H.WIDTH if before[H.PUNYCODE] else H.DECODER
        for field in range(n_fields):
            row[field] = before[field]
        status = _byte(row, value, label, traits, unstable, tail, spare, international)
        if status == DEAD:
            _forbid(token_ids, token_start[node], token_start[following], allowed)
            node = following
            continue
        if status == ASKED:
            asked[n_asked] = node
            n_asked += 1
            node = following
            continue
        if token_start[node] < token_start[node + 1] and is_open(row):
            status = may_follow(row, rows[level + 1], label, traits, unstable, tail, spare, international)
            if status == ASKED:
                asked[n_asked] = -1 - node
                n_asked += 1
            elif status == DEAD:
                _forbid(token_ids, token_start[node], token_start[node + 1], allowed)
        node += 1
    return n_asked


@uncounted
def judge_words(row, label, tail, longest, verdicts):  # type: ignore[no-untyped-def]
    """Decide about letters and digits, at most ``longest``, by their number alone; False where there is more to them.

    ``verdicts`` (128,) bool: whether so many small letters and digits may follow, and from 64 on, so many with
    capitals among them; the last of each half is for more than 62.
    """
    if row[H.NAME] or is_open(row) or row[H.FLAGS] & (H.NEEDY | H.KATAKANA) & ~H.HYPHEN:
        return False
    most = min(MOST_LABEL - row[H.N], MOST_NAME - row[H.TOTAL] - row[H.N])
    if row[H.PUNYCODE] and most < longest + 8:
        return False  # what the digits decode to may matter
    for n in range(1, 64):
        good = n <= most
        if row[H.WIDE] and good:
            if tail[n] < 0:
                for at in range(row[H.START] + row[H.N], row[H.START] + row[H.N] + n):
                    label[at] = 0x61
                tail[n] = P.encoded_length(label, row[H.START], row[H.N] + n)
            good = tail[n] <= MOST_LABEL and row[H.TOTAL] + tail[n] <= MOST_NAME
        verdicts[n] = good
        verdicts[64 + n] = good and row[H.WIDE] == 0
    return True


@uncounted
def forbid_words(words, kinds, verdicts, allowed):  # type: ignore[no-untyped-def]
    """Forbid the tokens ``words`` (T,) int32 whose kinds, (T,) uint8, have no good verdict."""
    for at in range(words.shape[0]):
        if not verdicts[kinds[at]]:
            token = words[at]
            allowed[token >> 5] &= ~(np.uint32(1) << np.uint32(token & 31))


@uncounted
def _forbid(token_ids, start, end, allowed):  # type: ignore[no-untyped-def]
    for at in range(start, end):
        token = token_ids[at]
        allowed[token >> 5] &= ~(np.uint32(1) << np.uint32(token & 31))
