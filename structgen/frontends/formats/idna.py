"""Internationalised host names: RFC 5890 to 5893, from Python's own Unicode tables.

A label is valid when its code points are permitted (RFC 5892 derives that from general properties,
so no table ships here), contextual characters stand in their contexts, it is in normal form C, its
direction is consistent (RFC 5893), and its A-label, if it needs one, has at most 63 characters and
decodes to the same label. Scripts are taken from character names, and joining types from Arabic presentation
forms, since Python knows neither; a zero-width non-joiner between other joining scripts is thus refused
unless a virama precedes it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from structgen.frontends.regex.classes import known_category
from structgen.ir.regex import CharSet, char_set, set_difference

__all__ = [
    "CONTEXTUAL",
    "FROM_LEFT",
    "FROM_RIGHT",
    "a_label",
    "alike",
    "fits_context",
    "is_hostname",
    "is_idn_hostname",
    "is_one_direction",
    "is_permitted",
    "is_transparent",
    "joining",
    "joins",
    "marks",
    "permitted",
    "script",
    "u_label",
    "without",
]

without = set_difference
_EXCEPTIONS_VALID = frozenset([0xDF, 0x3C2, 0x6FD, 0x6FE, 0xF0B, 0x3007])
_EXCEPTIONS_INVALID = frozenset([0x640, 0x7FA, 0x302E, 0x302F, 0x3031, 0x3032, 0x3033, 0x3034, 0x3035, 0x303B])
CONTEXTUAL = frozenset(
    map(chr, [0xB7, 0x375, 0x5F3, 0x5F4, 0x30FB, 0x200C, 0x200D, *range(0x660, 0x66A), *range(0x6F0, 0x6FA)])
)
"""Characters that are permitted in some contexts only."""
FROM_RIGHT = frozenset(["R", "AL", "AN", "EN", "ES", "CS", "ET", "ON", "BN", "NSM"])
"""Directions that may occur in a label which begins from the right."""
FROM_LEFT = frozenset(["L", "EN", "ES", "CS", "ET", "ON", "BN", "NSM"])
_OLD_JAMO = (range(0x1100, 0x1200), range(0xA960, 0xA980), range(0xD7B0, 0xD800))
_ALIKE = (range(0x3400, 0x4DC0), range(0x4E00, 0xA000), range(0xAC00, 0xD7A4), range(0x17000, 0x18800),
          range(0x20000, 0x2F800), range(0x30000, 0x34000))  # fmt: skip
"""Ideographs and syllables: blocks in which letters differ in nothing that matters here."""
_LETTERS_AND_DIGITS = frozenset(["Ll", "Lu", "Lo", "Nd", "Lm", "Mn", "Mc"])
_MAX_NAME, _MAX_LABEL = 253, 63
_DOTS = re.compile("[.\u3002\uff0e\uff61]")


def is_permitted(c: str) -> bool:
    """PVALID or contextual: RFC 5892, section 3."""
    code = ord(c)
    if code in _EXCEPTIONS_VALID or c in CONTEXTUAL:
        return True
    if code in _EXCEPTIONS_INVALID or any(code in span for span in _OLD_JAMO):
        return False
    if code < 0x80:
        return c in "-0123456789abcdefghijklmnopqrstuvwxyz"
    if unicodedata.category(c) not in _LETTERS_AND_DIGITS:
        return False
    # Unstable are compatibility forms and capitals.
    if not unicodedata.decomposition(c) and c.casefold() == c:
        return True
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", c).casefold()) == c


@lru_cache(maxsize=1)
def permitted() -> CharSet:
    """All code points that may stand in a U-label, in some context."""
    others = {"-", *CONTEXTUAL, *map(chr, _EXCEPTIONS_VALID)}
    spans = [span for name in sorted(_LETTERS_AND_DIGITS) for span in known_category(name).ranges]
    pieces = [piece for low, high in spans for piece in alike(low, high)]
    return char_set([*((ord(c), ord(c)) for c in others), *(p for p in pieces if is_permitted(chr(p[0])))])


def alike(low: int, high: int) -> Iterator[tuple[int, int]]:
    """A range of characters of one category, in parts that are alike in all that matters here."""
    while low <= high:
        block = next((block for block in _ALIKE if low in block), None)
        last = low if block is None else min(high, block[-1])
        yield low, last
        low = last + 1


@lru_cache(maxsize=1)
def marks() -> CharSet:
    """Combining marks, which may not begin a label."""
    return known_category("M")


def is_idn_hostname(text: str) -> bool:
    """Whether ``text`` is an internationalised host name."""
    return _is_name(_DOTS.split(text), international=True)


def is_hostname(text: str) -> bool:
    """Whether ``text`` is an ASCII host name whose ``xn--`` labels decode to valid U-labels."""
    return text.isascii() and _is_name(text.split("."), international=False)


def _is_name(labels: list[str], *, international: bool) -> bool:
    decoded: list[str] = []
    length = len(labels) - 1
    for label in labels:
        unicode_label = u_label(label, international)
        if unicode_label is None:
            return False
        decoded.append(unicode_label)
        length += len(label) if label.isascii() else len(a_label(label))
    if length > _MAX_NAME:
        return False
    if not any(_direction(c) in ("R", "AL", "AN") for label in decoded for c in label):
        return True
    return all(map(is_one_direction, decoded))


def a_label(label: str) -> str:
    """The ASCII form of a label beyond ASCII."""
    return "xn--" + label.encode("punycode").decode("ascii")


def u_label(label: str, international: bool) -> str | None:
    """The Unicode form of a valid label; None for an invalid one."""
    if not label or len(label) > _MAX_LABEL or label[0] == "-" or label[-1] == "-":
        return None
    if label.isascii():
        if re.fullmatch("[A-Za-z0-9-]+", label) is None:
            return None
        if label[:4].lower() != "xn--":
            return None if international and label[2:4] == "--" else label
        try:
            found = label[4:].lower().encode("ascii").decode("punycode")
        except UnicodeError:
            return None
        canonical = not found.isascii() and a_label(found) == label.lower()
        return found if canonical and _is_u_label(found) else None
    return label if international and _is_u_label(label) else None


def _is_u_label(label: str) -> bool:
    if label[0] == "-" or label[-1] == "-" or label[2:4] == "--":
        return False
    if unicodedata.normalize("NFC", label) != label or unicodedata.category(label[0])[0] == "M":
        return False
    if not all(is_permitted(c) and fits_context(label, k) for k, c in enumerate(label)):
        return False
    return len(a_label(label)) <= _MAX_LABEL


def fits_context(label: str, k: int) -> bool:
    """The contextual rules of RFC 5892, appendix A."""
    code = ord(label[k])
    if label[k] not in CONTEXTUAL:
        return True
    before, after = label[k - 1 : k] if k else "", label[k + 1 : k + 2]
    if code == 0xB7:
        return before == "l" and after == "l"
    if code == 0x375:
        return script(after) == "GREEK"
    if code in (0x5F3, 0x5F4):
        return script(before) == "HEBREW"
    if code == 0x30FB:
        return any(script(c) in ("HIRAGANA", "KATAKANA", "CJK") for c in label if c != "・")
    if 0x660 <= code <= 0x669:
        return not any("\u06f0" <= c <= "\u06f9" for c in label)
    if 0x6F0 <= code <= 0x6F9:
        return not any("\u0660" <= c <= "\u0669" for c in label)
    if before and unicodedata.combining(before) == 9:
        return True
    return code == 0x200C and joins(label[:k][::-1], backward=True) and joins(label[k + 1 :], backward=False)


def script(c: str) -> str:
    """The script as the first word of the name: enough for the five that matter here."""
    if not c:
        return ""
    name = unicodedata.name(c, "")
    return "CJK" if c in "々〇" else name.replace("-", " ").split(" ")[0]


@lru_cache(maxsize=1)
def joining() -> tuple[frozenset[str], frozenset[str]]:
    """Letters that join what follows them, and letters that join what precedes them."""
    following, preceding = set(), set()
    for code in [*range(0xFB50, 0xFE00), *range(0xFE70, 0xFEFF)]:
        kind, _, base = unicodedata.decomposition(chr(code)).partition(" ")
        if len(base) == 4:
            if kind in ("<initial>", "<medial>"):
                following.add(chr(int(base, 16)))
            if kind in ("<final>", "<medial>"):
                preceding.add(chr(int(base, 16)))
    return frozenset(following), frozenset(preceding)


def is_transparent(c: str) -> bool:
    """Whether letters join across ``c``."""
    return unicodedata.category(c) in ("Mn", "Me", "Cf")


def joins(rest: str, *, backward: bool) -> bool:
    """Whether the nearest letter, marks skipped, joins across the zero-width non-joiner."""
    for c in rest:
        if not is_transparent(c):
            return c in joining()[0 if backward else 1]
    return False


def _direction(c: str) -> str:
    return unicodedata.bidirectional(c)


def is_one_direction(label: str) -> bool:
    """The Bidi rule of RFC 5893, section 2."""
    kinds = [_direction(c) for c in label]
    ends = [k for k in kinds if k != "NSM"]
    if not ends:
        return False
    if kinds[0] in ("R", "AL"):
        return FROM_RIGHT.issuperset(kinds) and ends[-1] in ("R", "AL", "EN", "AN") and not {"EN", "AN"} <= set(kinds)
    return kinds[0] == "L" and FROM_LEFT.issuperset(kinds) and ends[-1] in ("L", "EN")
