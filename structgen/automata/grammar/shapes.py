"""What a terminal's matches look like, as sets of characters: first ones, later ones, those behind an end.

Glushkov's construction (1961) without its automaton: ASCII characters one by one, all others
as one. Sets are integers used as bit sets.
"""

from __future__ import annotations

from typing import NamedTuple

from structgen.ir.pattern import Alternatives, Characters, Look, Pattern, Repeat, Sequence, max_width, min_width

__all__ = ["BEYOND_ASCII", "THE_END", "Shape", "Shapes", "bits", "shape_of"]

BEYOND_ASCII, THE_END = 1 << 128, 1 << 129
"""In sets of characters: the bits of all that are not ASCII, and of the end of the text."""


class Shape(NamedTuple):
    """Sets of characters, as bits: those a match may start with, hold later, and go on with where it could end."""

    nullable: bool = True
    first: int = 0
    later: int = 0
    beyond: int = 0
    looks: bool = False
    """Whether there are assertions other than a negative lookahead for one character at the end."""
    tail: bool = False
    """Whether such a lookahead has been met, behind which nothing may come."""

    @property
    def characters(self) -> int:
        return self.first | self.later


class Shapes:
    """Shapes of patterns, each part looked at once."""

    def __init__(self) -> None:
        self._memo: dict[int, Shape] = {}

    def of(self, pattern: Pattern) -> Shape:
        """The shape of ``pattern``, which is to outlive this."""
        known = self._memo.get(id(pattern))
        if known is None:
            known = self._memo[id(pattern)] = self._shape(pattern)
        return known

    @staticmethod
    def of_text(text: str) -> Shape:
        """The shape of the pattern that matches ``text``, which is not empty."""
        first, later = _bit(text[0]), 0
        for character in text[1:]:
            later |= _bit(character)
        return Shape(False, first, later)

    def _shape(self, pattern: Pattern) -> Shape:
        if isinstance(pattern, Characters):
            return Shape(False, bits(pattern.ranges))
        if isinstance(pattern, Sequence):
            return self._sequence([self.of(part) for part in pattern.parts])
        if isinstance(pattern, Look):
            inner = self.of(pattern.part)
            plain = pattern.negative and not pattern.behind and max_width(pattern.part) == 1 == min_width(pattern.part)
            return Shape(beyond=inner.first, tail=True, looks=inner.looks or not plain)
        parts = [self.of(part) for part in (pattern.parts if isinstance(pattern, Alternatives) else (pattern.part,))]
        first = later = beyond = 0
        for part in parts:
            first, later, beyond = first | part.first, later | part.later, beyond | part.beyond
        nullable = any(part.nullable for part in parts)
        looks, tail = any(part.looks for part in parts), any(part.tail for part in parts)
        if isinstance(pattern, Repeat):
            nullable = nullable or pattern.low == 0
            if pattern.high is None or pattern.high > 1:
                later, beyond, looks = later | first, beyond | first, looks or tail
        return Shape(nullable, first, later, beyond, looks, tail)

    @staticmethod
    def _sequence(parts: list[Shape]) -> Shape:
        nullable, looks, tail = True, False, False
        first = later = beyond = 0
        for part in parts:
            looks = looks or part.looks or (tail and bool(part.first))
            tail = tail or part.tail
            later |= part.later | (part.first if first | later else 0)
            beyond = part.beyond | (beyond | part.first if part.nullable else 0)
            first |= part.first if nullable else 0
            nullable = nullable and part.nullable
        return Shape(nullable, first, later, beyond, looks, tail)


_MOST = 512
_kept: dict[int, tuple[Pattern, Shape]] = {}
"""Shapes by their patterns' identity: the reader hands out one pattern for equal expressions."""


def shape_of(pattern: Pattern) -> Shape:
    """The shape of a terminal's pattern, kept, since many grammars have the same names and numbers."""
    known = _kept.get(id(pattern))
    if known is None:
        if len(_kept) >= _MOST:
            _kept.clear()
        known = _kept[id(pattern)] = pattern, Shapes().of(pattern)
    return known[1]


def _bit(character: str) -> int:
    return 1 << ord(character) if character < "\x80" else BEYOND_ASCII


def bits(ranges: tuple[tuple[int, int], ...]) -> int:
    """Ranges of code points as a set of characters."""
    found = BEYOND_ASCII if ranges and ranges[-1][1] > 127 else 0
    for low, high in ranges:
        if low > 127:
            break
        found |= (1 << (min(high, 127) + 1)) - (1 << low)
    return found
