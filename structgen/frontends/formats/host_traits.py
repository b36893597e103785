"""What tells the characters of host names apart, as one number each, for readers in compiled code.

The rules of RFC 5892 and 5893 look at a character's category, direction, combining class, script and joining
behaviour; which pairs are not in normal form C is a list of pairs. Ideographs and syllables are alike in all of
that, so their blocks are filled at once, and the table takes tens of milliseconds.
"""

from __future__ import annotations

import unicodedata
from array import array
from functools import lru_cache

from structgen.frontends.formats import idna

__all__ = ["host_traits", "unstable_pairs"]

_GROUPS = {"L": 1, "R": 2, "AL": 2, "AN": 3, "EN": 4, "NSM": 6} | dict.fromkeys(("ES", "CS", "ET", "ON", "BN"), 5)
_MARK, _TRANSPARENT, _JOINS_NEXT, _JOINS_PREVIOUS = 1 << 12, 1 << 13, 1 << 14, 1 << 15
_SCRIPTS = {"GREEK": 1 << 16, "HEBREW": 1 << 17} | dict.fromkeys(("HIRAGANA", "KATAKANA", "CJK"), 1 << 18)
_COMPOSES = 1 << 19
_PERMITTED = 1 << 11


@lru_cache(maxsize=1)
def host_traits() -> array[int]:
    """Per code point what is known of it, as ``kernels.hosts`` lists the bits; 0 for one that no U-label holds."""
    found = array("i", bytes(4 * 0x110000))
    for low, high in idna.permitted().ranges:
        for code, last in idna.alike(low, high):
            traits = array("i", [_traits(code)])
            found[code : last + 1] = traits * (last + 1 - code)
    for _, mark in unstable_pairs():
        found[mark] |= _COMPOSES
    return found


def _traits(code: int) -> int:
    c = chr(code)
    joins_next, joins_previous = idna.joining()
    found = _PERMITTED | unicodedata.combining(c) | _GROUPS.get(unicodedata.bidirectional(c), 0) << 8
    found |= _SCRIPTS.get(idna.script(c), 0)
    if unicodedata.category(c)[0] == "M":
        found |= _MARK
    if idna.is_transparent(c):
        found |= _TRANSPARENT
    return found | _JOINS_NEXT * (c in joins_next) | _JOINS_PREVIOUS * (c in joins_previous)


@lru_cache(maxsize=1)
def unstable_pairs() -> list[tuple[int, int]]:
    """Permitted characters that are not in normal form C one behind the other: the second composes or moves."""
    behind: dict[str, set[str]] = {}
    chains: dict[str, list[str]] = {}
    for code in (*range(0xC0, 0x3400), *range(0xA000, 0xAC00), *range(0xF900, 0x20000)):
        whole = chr(code)
        parts = unicodedata.decomposition(whole).split(" ")
        if len(parts) == 2 and not parts[0].startswith("<"):
            first, second = (chr(int(part, 16)) for part in parts)
            if unicodedata.normalize("NFC", first + second) == whole:
                behind.setdefault(first, set()).add(second)
                chains[whole] = [first]
    for whole, chain in chains.items():
        while chain[-1] in chains and chain[-1] != whole:
            chain.append(chains[chain[-1]][0])
    found = []
    for first in behind.keys() | chains.keys():
        if not idna.is_permitted(first):
            continue
        for second in set().union(*(behind.get(part, ()) for part in (first, *chains.get(first, ())))):
            if idna.is_permitted(second) and unicodedata.normalize("NFC", first + second) != first + second:
                found.append((ord(first), ord(second)))
    return sorted(found)
