"""Punycode (RFC 3492): how long a label's ASCII form is, and whether a beginning of one can still be ended.

Whatever letters, digits and hyphens stand in an ``xn--`` label can become its ASCII part, once a hyphen and three
digits put one letter into it. So only where there is less room for them it matters what the digits so far decode to.
They are decoded as they come, which refuses nearly everything; what is left is searched.

A *decoder* is eight numbers in a row: the code point, the index, the weight and place of the next digit, the bias, the
index where the number began, the characters so far, and whether they may all stand in a label. ``spare`` (5, 128)
int64 is the search's scratch: decoders by depth, each with its characters from ``CHARACTERS`` on, and a row for the
rules.
"""

from __future__ import annotations

from structgen.kernels import host_rules as H
from structgen.kernels.jit import uncounted

__all__ = ["DECODER", "begin_digits", "digit_of", "encoded_length", "may_be_ended", "may_be_filled", "take"]

CODE, INDEX, WEIGHT, PLACE, BIAS, BEGAN, COUNT, VIABLE, DIGIT = 0, 1, 2, 3, 4, 5, 6, 7, 8
MOST_TRIED = 200
"""Labels that a search for three digits looks at. Where that is not enough the beginning is refused: it would take
seconds a mask to be sure, and such are labels of marks in the wrong order, never names. A way that was found stays
found behind its first digit, for the shorter search tries less before it or everything, so this leads to no dead end.
"""
DECODER = 8
CHARACTERS = 16
_RULES = 4
_FILLER = 0xFC
GOES_ON, COMPLETE = 1, 2


@uncounted
def encoded_length(label, start, n):  # type: ignore[no-untyped-def]
    length = 4
    done = 0
    for at in range(start, start + n):
        if label[at] < 0x80:
            done += 1
    length += done + (1 if done else 0)
    code, delta, bias, first = 0x80, 0, 72, True
    while done < n:
        least = 0x110000
        for at in range(start, start + n):
            if code <= label[at] < least:
                least = label[at]
        delta += (least - code) * (done + 1)
        for at in range(start, start + n):
            if label[at] < least:
                delta += 1
            elif label[at] == least:
                length += n_digits(delta, bias)
                done += 1
                bias = adapted(delta, done, first)
                first = False
                delta = 0
        delta += 1
        code = least + 1
    return length


@uncounted
def n_digits(number, bias):  # type: ignore[no-untyped-def]
    found, place = 1, 36
    while True:
        t = min(max(place - bias, 1), 26)
        if number < t:
            return found
        number = (number - t) // (36 - t)
        place += 36
        found += 1


@uncounted
def adapted(delta, length, first):  # type: ignore[no-untyped-def]
    """The bias after a number: RFC 3492, section 6.1; the slow judge has its own, to be compared with."""
    delta = delta // 700 if first else delta // 2
    delta += delta // length
    k = 0
    while delta > 455:
        delta //= 35
        k += 36
    return k + 36 * delta // (delta + 38)


@uncounted
def begin_digits(row, at, n_basic):  # type: ignore[no-untyped-def]
    """A decoder at ``row[at:]`` behind an ASCII part of ``n_basic`` characters."""
    row[at + CODE], row[at + INDEX], row[at + WEIGHT], row[at + PLACE], row[at + BIAS] = 0x80, 0, 1, 36, 72
    row[at + BEGAN], row[at + COUNT], row[at + VIABLE] = 0, n_basic, 1


@uncounted
def digit_of(code):  # type: ignore[no-untyped-def]
    """What an ASCII letter or digit counts."""
    return code - 22 if code < 0x3A else (code | 32) - 0x61


@uncounted
def take(row, at, digit, traits):  # type: ignore[no-untyped-def]
    """Take one digit of a number that says which character stands where; 0 where that can be none."""
    row[at + INDEX] += digit * row[at + WEIGHT]
    length = row[at + COUNT] + 1
    code = row[at + CODE] + row[at + INDEX] // length
    t = min(max(row[at + PLACE] - row[at + BIAS], 1), 26)
    if code > 0x10FFFF or (digit < t and not traits[code] & H.PERMITTED):
        row[at + VIABLE] = 0
        return 0
    if digit >= t:
        row[at + WEIGHT] *= 36 - t
        row[at + PLACE] += 36
        return GOES_ON
    row[at + BIAS] = adapted(row[at + INDEX] - row[at + BEGAN], length, row[at + BEGAN] == 0)
    row[at + CODE] = code
    row[at + INDEX] = row[at + INDEX] % length + 1
    row[at + BEGAN], row[at + COUNT] = row[at + INDEX], length
    row[at + WEIGHT], row[at + PLACE] = 1, 36
    return COMPLETE


@uncounted
def may_be_ended(row, label, room, spare, traits, unstable):  # type: ignore[no-untyped-def]
    """Whether at most ``room`` further digits, three or fewer, make the ``xn--`` label of ``row`` one that decodes."""
    if not _decode_all(row, label, spare[0], traits):
        return False
    if _n_defects(spare[0], spare[_RULES], traits, unstable) > room:
        return False
    if spare[0, PLACE] == 36 and spare[0, CODE] > 0x80 and _is_right(row, spare[0], spare[_RULES], traits, unstable):
        return True
    n_tried = 0
    for most in range(1, room + 1):  # short ways first: most beginnings have one
        depth = 0
        spare[0, DIGIT] = 0
        while depth >= 0:
            if spare[depth, DIGIT] == 36:
                depth -= 1
                continue
            digit = spare[depth, DIGIT]
            spare[depth, DIGIT] += 1
            after = spare[depth + 1]
            for field in range(CHARACTERS + spare[depth, COUNT]):
                after[field] = spare[depth, field]
            status = _insert(after, digit, traits)
            if status and depth + 1 < most:
                depth += 1
                after[DIGIT] = 0
            elif status == COMPLETE and not _has_bad_hyphen(after):
                if _is_right(row, after, spare[_RULES], traits, unstable):
                    return True
                n_tried += 1
                if n_tried == MOST_TRIED and room > 2:
                    return False
    return False


@uncounted
def _has_bad_hyphen(decoder):  # type: ignore[no-untyped-def]
    """Whether a hyphen stands at an end of a label, or two in its third and fourth places."""
    first, last = CHARACTERS, CHARACTERS + decoder[COUNT] - 1
    if decoder[first] == 0x2D or decoder[last] == 0x2D:
        return True
    return last > first + 2 and decoder[first + 2] == 0x2D and decoder[first + 3] == 0x2D


@uncounted
def may_be_filled(row, label, room, spare, traits, unstable):  # type: ignore[no-untyped-def]
    """Whether a letter or two put into what has been read, as ASCII part, make an ``xn--`` label that has room."""
    first, n = row[H.START] + 4, row[H.N] - 4
    ends = n > 1 and label[first + n - 1] == 0x2D
    most = row[H.N] + room
    for way in range(3):
        if way == 1 and not ends:
            continue
        m = n - 1 if way == 1 else n + 1 if way == 2 else n
        for one in range(5):
            for two in range(one + 1):
                for second in range(2):
                    a, b = (m if one == 4 else one), (m if two == 4 else two)
                    if a > m or b > m or (second and m == 0):
                        continue
                    length = _fill(label, first, m, n, a, b if second else -1, spare[0])
                    if encoded_length(spare[0], CHARACTERS, length) <= most:
                        spare[0, COUNT] = length
                        if _is_right(row, spare[0], spare[_RULES], traits, unstable):
                            return True
    return False


@uncounted
def _fill(label, first, m, n, a, b, decoder):  # type: ignore[no-untyped-def]
    """Write the ASCII part with a letter before its characters ``a`` and ``b``, if not -1; how many there are."""
    at = CHARACTERS
    for index in range(m + 1):
        for _ in range((1 if index == a else 0) + (1 if index == b else 0)):
            decoder[at] = _FILLER
            at += 1
        if index < m:
            code = label[first + index] if index < n else 0x61
            decoder[at] = code | 32 if 0x41 <= code <= 0x5A else code
            at += 1
    return at - CHARACTERS


@uncounted
def _decode_all(row, label, decoder, traits):  # type: ignore[no-untyped-def]
    """Decode what has been read of an ``xn--`` label; False where that is the beginning of nothing."""
    first, end = row[H.START] + 4, row[H.START] + row[H.N]
    hyphen = end - 1
    while hyphen >= first and label[hyphen] != 0x2D:
        hyphen -= 1
    if hyphen == first:
        return False
    begin_digits(decoder, 0, max(0, hyphen - first))
    for at in range(first, hyphen):
        code = label[at]
        decoder[CHARACTERS + at - first] = code | 32 if 0x41 <= code <= 0x5A else code
    for at in range(max(hyphen + 1, first), end):  # noqa: SIM110 - no generators here
        if _insert(decoder, digit_of(label[at]), traits) == 0:
            return False
    return True


@uncounted
def _insert(decoder, digit, traits):  # type: ignore[no-untyped-def]
    """Take a digit, and put the character that it completes where it belongs."""
    status = take(decoder, 0, digit, traits)
    if status == COMPLETE:
        place = CHARACTERS + decoder[INDEX] - 1
        for at in range(CHARACTERS + decoder[COUNT] - 1, place, -1):
            decoder[at] = decoder[at - 1]
        decoder[place] = decoder[CODE]
    return status


@uncounted
def _n_defects(decoder, rules, traits, unstable):  # type: ignore[no-untyped-def]
    """How many characters must be put into a label at least, 99 where none help: none does two things at once."""
    n = decoder[COUNT]
    for field in range(H.WIDTH):
        rules[field] = 0
    rules[H.START] = CHARACTERS
    found = 0
    for at in range(n):
        rules[H.N] = at
        code = decoder[CHARACTERS + at]
        trait = traits[code]
        in_need = rules[H.FLAGS] & H.L_DOT
        if not H.fits(rules, code, trait, decoder, traits):
            if in_need or code == 0xB7 or 0x660 <= code <= 0x669 or 0x6F0 <= code <= 0x6F9:
                return 99
            found += 1
            rules[H.FLAGS] &= H.ARABIC | H.PERSIAN | H.JAPANESE | H.KATAKANA
        elif at and not H.is_normal(rules, code, trait, unstable):
            found += 1
        H.note(rules, code, trait)
    kinds = rules[H.KINDS]
    right, numbers = kinds & (1 << H.R | 1 << H.AN), 1 << H.EN | 1 << H.AN
    if (right and kinds & (1 << H.L | 1)) or kinds & numbers == numbers:
        return 99
    return found


@uncounted
def _is_right(row, decoder, rules, traits, unstable):  # type: ignore[no-untyped-def]
    """Whether a decoded label is one, and may stand in the name of ``row``."""
    rules[H.START], rules[H.N], rules[H.NAME] = CHARACTERS, decoder[COUNT], 0
    if not H.is_u_label(rules, decoder, traits, unstable):
        return False
    if not (rules[H.NAME] | row[H.NAME]) & H.FROM_RIGHT:
        return True
    return not row[H.NAME] & H.UNFIT and H.may_be_one_way(rules) and H.ends_well(rules)
