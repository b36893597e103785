"""Named sets of code points, case folding, and the assertions made of them.

Python's own tables are the source: ``unicodedata`` for categories, ``str`` methods for its
``\\w`` and ``\\s``. Planes 4 to 13 hold no characters, so they are never scanned; a test scans them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from functools import lru_cache

from structgen.ir.regex import (
    END,
    START,
    CharSet,
    Node,
    alternate,
    char_set,
    concat,
    look,
    negate_set,
    set_union,
)

__all__ = [
    "ASCII_DIGIT",
    "ASCII_SPACE",
    "ASCII_WORD",
    "DOT",
    "ECMA_DOT",
    "ECMA_SPACE",
    "LINE_END",
    "LINE_START",
    "category",
    "fold_case",
    "known_category",
    "not_word_boundary",
    "python_class",
    "runs",
    "word_boundary",
]

ASCII_DIGIT = char_set([(0x30, 0x39)])
ASCII_WORD = char_set([(0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)])
ASCII_SPACE = char_set([(0x09, 0x0D), (0x20, 0x20)])
ECMA_SPACE = char_set(
    [(0x09, 0x0D), (0x20, 0x20), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029), (0x202F, 0x202F),
     (0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF)]
)  # fmt: skip
NEWLINE = char_set([(0x0A, 0x0A)])
DOT = negate_set(NEWLINE)
ECMA_NEWLINE = char_set([(0x0A, 0x0A), (0x0D, 0x0D), (0x2028, 0x2029)])
ECMA_DOT = negate_set(ECMA_NEWLINE)

ASSIGNED = (range(0xD800), range(0xE000, 0x34000), range(0xE0000, 0xE1000))
"""Where characters can be, private use aside."""
_PRIVATE = ((0xE000, 0xF8FF), (0xF0000, 0xFFFFD), (0x100000, 0x10FFFD))


def line_start(newline: CharSet) -> Node:
    """``^`` in multi-line mode."""
    return look(negate_set(newline), behind=True, negative=True)


def line_end(newline: CharSet) -> Node:
    """``$`` in multi-line mode."""
    return look(negate_set(newline), negative=True)


LINE_START, LINE_END = line_start(NEWLINE), line_end(NEWLINE)
ECMA_LINE_START, ECMA_LINE_END = line_start(ECMA_NEWLINE), line_end(ECMA_NEWLINE)
PYTHON_END = look(concat(NEWLINE, END))
"""Python's ``$``, when not at the very end: before the last newline."""


def word_boundary(word: CharSet) -> Node:
    """``\\b``: a word character on exactly one side."""
    return alternate(
        concat(look(word, behind=True), look(word, negative=True)),
        concat(look(word, behind=True, negative=True), look(word)),
    )


def not_word_boundary(word: CharSet, *, matches_empty_text: bool = True) -> Node:
    """``\\B``: word characters on both sides or on neither."""
    neither = concat(look(word, behind=True, negative=True), look(word, negative=True))
    if not matches_empty_text:
        not_start, not_end = look(START, negative=True), look(END, negative=True)
        neither = alternate(concat(neither, not_start), concat(neither, not_end))
    return alternate(concat(look(word, behind=True), look(word)), neither)


def runs(test: Callable[[str], bool], spans: tuple[range, ...] = ASSIGNED) -> Iterator[tuple[int, int]]:
    """Maximal ranges of code points in ``spans`` that pass ``test``."""
    for span in spans:
        begin = -1
        for c in span:
            if test(chr(c)):
                if begin < 0:
                    begin = c
            elif begin >= 0:
                yield begin, c - 1
                begin = -1
        if begin >= 0:
            yield begin, span[-1]


@lru_cache(maxsize=8)
def python_class(letter: str) -> CharSet:
    """Python's Unicode ``\\d``, ``\\s`` or ``\\w``."""
    if letter == "d":
        return known_category("Nd")
    if letter == "s":
        # The last white space is the ideographic space; scanning further would only cost time.
        return char_set(runs(str.isspace, (range(0x3100),)))
    return set_union(char_set(runs(str.isalnum)), char_set([(0x5F, 0x5F)]))


@lru_cache(maxsize=1)
def _categories() -> dict[str, list[tuple[int, int]]]:
    """Ranges of every two-letter General_Category, except Cs; from the running Python's Unicode."""
    found: dict[str, list[tuple[int, int]]] = {}
    of = unicodedata.category
    for span in ASSIGNED:
        begin, current = span[0], of(chr(span[0]))
        for c in span:
            name = of(chr(c))
            if name != current:
                found.setdefault(current, []).append((begin, c - 1))
                begin, current = c, name
        found.setdefault(current, []).append((begin, span[-1]))
    found["Co"] = list(_PRIVATE)
    assigned = [r for name, ranges in found.items() if name != "Cn" for r in ranges]
    found["Cn"] = list(negate_set(char_set(assigned)).ranges)
    found["Cs"] = []
    return found


@lru_cache(maxsize=64)
def category(name: str) -> CharSet | None:
    """The General_Category ``name`` in its short form (``L``, ``LC``, ``Nd``); None if there is none."""
    table = _categories()
    parts = ("Lu", "Ll", "Lt") if name == "LC" else (name,)
    names = [n for n in table if n in parts or n[0] in parts]
    if not names:
        return None
    return char_set([r for n in names for r in table[n]])


def known_category(name: str) -> CharSet:
    """The same for a name that is known to exist."""
    found = category(name)
    assert found is not None
    return found


# --------------------------------------------------------------------------- case

_ASCII_PARTNERS = {0x69: (0x130, 0x131), 0x6B: (0x212A,), 0x73: (0x17F,)}
"""Beyond ASCII but equal to an ASCII letter when case is ignored: i, k and s."""


@lru_cache(maxsize=1)
def _case_groups() -> dict[int, tuple[int, ...]]:
    """Every cased code point with the others that it equals when case is ignored.

    Simple (one to one) mappings in both directions, closed: the rule of ``re`` and of ECMA-262's
    ``u`` mode. It is a closure, because some have three members (sigma, and ``k`` with the Kelvin sign).
    """
    parent: dict[int, int] = {}

    def find(c: int) -> int:
        while parent.setdefault(c, c) != c:
            c = parent[c]
        return c

    for span in ASSIGNED:
        for c in span:
            s = chr(c)
            for other in (s.lower(), s.upper()):
                if other != s and len(other) == 1:
                    parent[find(c)] = find(ord(other))
    groups: dict[int, list[int]] = {}
    for c in list(parent):
        groups.setdefault(find(c), []).append(c)
    out = {c: tuple(members) for members in groups.values() for c in members if len(members) > 1}
    # Mapped in Python only through the special case İ -> i̇, which has two characters.
    i_group = tuple({*out[0x69], 0x130, 0x131, 0x49, 0x69})
    out.update(dict.fromkeys(i_group, i_group))
    return out


@lru_cache(maxsize=1024)
def fold_case(node: CharSet, ascii_only: bool = False) -> CharSet:
    """``node`` with everything that equals a member when case is ignored."""
    extra: list[tuple[int, int]] = []
    for lo, hi in node.ranges:
        for first, shift in ((0x41, 32), (0x61, -32)):
            a, b = max(lo, first), min(hi, first + 25)
            if a <= b:
                extra.append((a + shift, b + shift))
    folded = set_union(node, CharSet(tuple(extra))) if extra else node
    if ascii_only:
        return folded
    if node.ranges and node.ranges[-1][1] < 0x80:
        partners = [(p, p) for c, ps in _ASCII_PARTNERS.items() if c in folded for p in ps]
        return char_set([*folded.ranges, *partners])
    groups = _case_groups()
    more = [(m, m) for c, members in groups.items() if c in folded for m in members]
    return char_set([*folded.ranges, *more])
