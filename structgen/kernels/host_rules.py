"""What the rules of international host names ask of the characters of one label, in registers.

One row of registers says all that RFC 5892 (characters and their contexts) and RFC 5893 (directions) ask of what has
been read of a name. That normal form C is a matter of neighbours (``unstable``) and of the order of marks, and that
substrings of what is in it are in it too, is UAX #15.

``traits`` (0x110000,) int32 has per code point: bits 0 to 7 the combining class, 8 to 10 the direction, then
whether it is permitted at all (bit 11), a mark (12), transparent to joining (13), joined to what follows (14) or
precedes (15), Greek (16), Hebrew (17), Japanese (18), and whether it may compose with what precedes (19).
``unstable`` (P,) int64 are sorted pairs ``first << 32 | second``. ``label`` (L,) int32 are the characters of the label
at hand from ``row[START]`` on.
"""

from __future__ import annotations

from structgen.kernels.jit import uncounted

__all__ = ["ends_well", "fits", "is_normal", "is_u_label", "may_be_one_way", "note", "trait_of"]

# Registers. Bytes: missing continuation bytes, code point so far, place in an escape, its number, a high surrogate.
LEFT, CODE, ESCAPE, NUMBER, HIGH = 0, 1, 2, 3, 4
# The name: encoded length of complete labels and their dots, what directions have come.
TOTAL, NAME = 5, 6
# The label at hand: first character, characters, those beyond ASCII, whether Punycode, what is needed and has come,
# directions (first, all as bits, last but marks), last character that is no mark, class of the last, and how many
# characters there were when only ASCII has come since (-1: other has).
START, N, WIDE, PUNYCODE, FLAGS, FIRST, KINDS, LAST, STARTER, CLASS, BORN = 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17
# Punycode after the last hyphen: a decoder (``kernels.punycode``).
DECODER = 18
WIDTH = 26

FROM_RIGHT, UNFIT = 1, 2
CAPITAL, HYPHEN, L_DOT, KERAIA, JOINER, KATAKANA, JAPANESE, ARABIC, PERSIAN, JOINED = (
    1,
    2,
    4,
    8,
    16,
    32,
    64,
    128,
    256,
    512,
)
NEEDY = HYPHEN | L_DOT | KERAIA | JOINER
L, R, AN, EN, NSM = 1, 2, 3, 4, 6
RIGHT_KINDS, LEFT_KINDS = 0b1111100, 0b1110010
PERMITTED, MARK, TRANSPARENT, JOINS_NEXT, JOINS_PREVIOUS = 1 << 11, 1 << 12, 1 << 13, 1 << 14, 1 << 15
IS_GREEK, IS_HEBREW, IS_JAPANESE, COMPOSES = 1 << 16, 1 << 17, 1 << 18, 1 << 19
VIRAMA = 9


@uncounted
def trait_of(row, code, traits, international):  # type: ignore[no-untyped-def]
    """What is known of a character; 0 where it may not stand in this label."""
    if code >= 0x80:
        return 0 if not international or row[FLAGS] & CAPITAL else traits[code]
    if 0x41 <= code <= 0x5A:
        if row[WIDE]:
            return 0
        row[FLAGS] |= CAPITAL
        return traits[code | 32]
    return traits[code]


@uncounted
def fits(row, code, trait, label, traits):  # type: ignore[no-untyped-def]
    """Whether a character suits what stands before it (RFC 5892, appendix A); notes what it needs behind it."""
    flags = row[FLAGS]
    if (flags & L_DOT and code != 0x6C) or (flags & KERAIA and not trait & IS_GREEK):
        return False
    flags &= ~(L_DOT | KERAIA | HYPHEN)
    if flags & JOINER and not trait & TRANSPARENT:
        if not trait & JOINS_PREVIOUS:
            return False
        flags &= ~JOINER
    if code == 0x2D:
        flags |= HYPHEN
    elif code >= 0x80:
        before = label[row[START] + row[N] - 1] if row[N] else 0
        if code == 0xB7:
            if before != 0x6C:
                return False
            flags |= L_DOT
        elif code == 0x375:
            flags |= KERAIA
        elif code == 0x5F3 or code == 0x5F4:
            if not traits[before] & IS_HEBREW:
                return False
        elif code == 0x30FB:
            flags |= 0 if flags & JAPANESE else KATAKANA
        elif 0x660 <= code <= 0x669:
            if flags & PERSIAN:
                return False
            flags |= ARABIC
        elif 0x6F0 <= code <= 0x6F9:
            if flags & ARABIC:
                return False
            flags |= PERSIAN
        elif (code == 0x200C or code == 0x200D) and row[CLASS] != VIRAMA:
            if code == 0x200D or not flags & JOINED:
                return False
            flags |= JOINER
        if trait & IS_JAPANESE and code != 0x30FB:
            flags = (flags | JAPANESE) & ~KATAKANA
    if not trait & TRANSPARENT:
        flags = flags | JOINED if trait & JOINS_NEXT else flags & ~JOINED
    row[FLAGS] = flags
    return True


@uncounted
def is_normal(row, code, trait, unstable):  # type: ignore[no-untyped-def]
    """Whether the label is in normal form C with a further character."""
    combining, last = trait & 255, row[CLASS]
    if combining and last > combining:
        return False
    if not trait & COMPOSES or (last and (combining == 0 or last == combining)):
        return True
    pair = row[STARTER] << 32 | code
    low, high = 0, unstable.shape[0]
    while low < high:
        middle = (low + high) >> 1
        if unstable[middle] < pair:
            low = middle + 1
        else:
            high = middle
    return low == unstable.shape[0] or unstable[low] != pair


@uncounted
def note(row, code, trait):  # type: ignore[no-untyped-def]
    """Remember of a character what later ones depend on."""
    row[CLASS] = trait & 255
    if trait & 255 == 0:
        row[STARTER] = code
    kind = (trait >> 8) & 7
    if row[N] == 0:
        row[FIRST] = kind
    row[KINDS] |= 1 << kind
    if kind != NSM:
        row[LAST] = kind
    if kind == R or kind == AN:
        row[NAME] |= FROM_RIGHT
    if code >= 0x80:
        row[WIDE] += 1
        row[BORN] = -1


@uncounted
def may_be_one_way(row):  # type: ignore[no-untyped-def]
    """Whether a label may satisfy the Bidi rule (RFC 5893, section 2), its end apart."""
    if row[FIRST] == R:
        both = 1 << EN | 1 << AN
        return row[KINDS] & ~RIGHT_KINDS == 0 and row[KINDS] & both != both
    return row[FIRST] == L and row[KINDS] & ~LEFT_KINDS == 0


@uncounted
def ends_well(row):  # type: ignore[no-untyped-def]
    """Whether a label may end where it does, by the Bidi rule."""
    last = row[LAST]
    return last == EN or (last == L if row[FIRST] == L else last == R or last == AN)


@uncounted
def is_u_label(row, label, traits, unstable):  # type: ignore[no-untyped-def]
    """Whether the ``row[N]`` characters from ``row[START]`` on are a U-label; ``row`` then knows their directions."""
    n, start = row[N], row[START]
    for field in range(N, WIDTH):
        row[field] = 0
    if n == 0 or label[start] == 0x2D or (n > 3 and label[start + 2] == 0x2D and label[start + 3] == 0x2D):
        return False
    for at in range(n):
        row[N] = at
        code = label[start + at]
        trait = traits[code]
        if not trait & PERMITTED or (at == 0 and trait & MARK) or not fits(row, code, trait, label, traits):
            return False
        if at and not is_normal(row, code, trait, unstable):
            return False
        note(row, code, trait)
    row[N] = n
    return row[FLAGS] & (NEEDY | KATAKANA) == 0
