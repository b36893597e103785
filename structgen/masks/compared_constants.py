"""Tokens along constants of which some have come, in arrays that compare their items.

Where a token leads is told by the constants that still begin so: a range of the sorted ones. Which tokens these are
depends on what has been read of the string alone; how many of each range are left, on what has come. So the tokens
are looked up once for each beginning, and a mask takes a subtraction for each of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from structgen.automata.document.comparing import begun_of, range_of
from structgen.dtypes import IntArray, TokenMask
from structgen.masks.mask import clear_ids

if TYPE_CHECKING:
    from structgen.automata.document.comparing import Comparing
    from structgen.masks.item_tokens import ItemTokens
    from structgen.masks.string_body import StringBody

__all__ = ["ComparedConstants"]

MOST_BEGINNINGS = 1 << 12
"""Beginnings of strings of which the tokens are remembered."""
_NEXT = re.compile(rb'[ \t\r\n,]*"[^"]*\Z')
_WORD = np.arange(32, dtype=np.int32)


class _Ranges(NamedTuple):
    """Tokens, each with the constants to which it may lead, from ``low`` up to ``high``; all (n,)."""

    tokens: IntArray
    low: IntArray
    high: IntArray
    unclear: tuple[int, ...]
    """Tokens that may lead to constants that do not stand side by side."""

    def lost(self, n_left: IntArray) -> IntArray:
        """The tokens to whose constants none is left; ``n_left`` counts those left before each constant."""
        found: IntArray = self.tokens[n_left[self.high] == n_left[self.low]]
        return found


class ComparedConstants:
    """What masks must know of constants that are compared, for one machine."""

    def __init__(self, comparing: Comparing, tokens: ItemTokens, body: StringBody, texts: Sequence[bytes]) -> None:
        self._comparing = comparing
        self._tokens = tokens
        self._body = body
        self._texts = texts
        self._places: dict[int, dict[bytes, int]] = {}
        self._within: dict[tuple[int, bytes], _Ranges] = {}
        self._begun: dict[int, tuple[_Ranges, _Ranges]] = {}

    def n_left(self, spec: int, kept: Sequence[bytes]) -> IntArray:
        """How many constants of a set are left before each, and of all."""
        constants = self._comparing.constants(spec)
        places = self._places.get(spec)
        if places is None:
            places = self._places[spec] = {text: place for place, text in enumerate(constants)}
        found = np.ones(len(constants) + 1, np.int32)
        found[0] = 0
        found[[places[text] + 1 for text in kept if text in places]] = 0
        return np.cumsum(found, dtype=np.int32)

    def forbid(self, spec: int, content: bytes, n_left: IntArray, row: TokenMask) -> tuple[int, ...]:
        """Forbid what leads to constants that have come alone, behind ``content``; returns what must be read.

        ``row`` is the mask as if none had come. Tokens that close the string and hold further items are judged by
        the end of the string alone.
        """
        found = self._within.get((spec, content))
        if found is None:
            if len(self._within) >= MOST_BEGINNINGS:
                self._within.clear()
            found = self._within[spec, content] = _ranges(self._behind(spec, content, row))
        clear_ids(row, found.lost(n_left))
        low, _ = range_of(constants := self._comparing.constants(spec), content)
        if low < len(constants) and constants[low] == content and n_left[low] == n_left[low + 1]:
            np.bitwise_and(row, self._body.not_closing_at_once, out=row)
        return found.unclear

    def forbid_begun(self, spec: int, n_left: IntArray, row: TokenMask) -> None:
        """Forbid, between lexemes, tokens that begin the next string as only constants begin that have come."""
        clear_ids(row, self._beginnings(spec)[0].lost(n_left))

    def begun(self, spec: int, n_left: IntArray) -> list[int]:
        """Others that do, if the string that they begin is the next item."""
        return self._beginnings(spec)[1].lost(n_left).tolist()  # type: ignore[no-any-return]

    def _beginnings(self, spec: int) -> tuple[_Ranges, _Ranges]:
        """Tokens that begin a string: those in which only a comma and blanks stand before it, and others."""
        found = self._begun.get(spec)
        if found is None:
            rows = list(self._beginning(spec))
            is_next = [_NEXT.match(self._texts[token]) is not None for token, _, _ in rows]
            first = (row for row, flag in zip(rows, is_next, strict=True) if flag)
            others = (row for row, flag in zip(rows, is_next, strict=True) if not flag)
            found = self._begun[spec] = _ranges(first), _ranges(others)
        return found

    def _beginning(self, spec: int) -> Iterator[tuple[int, int, int]]:
        constants = self._comparing.constants(spec)
        for begun, tokens in self._tokens.by_begun.items():
            low, high = range_of(constants, begun)
            if low < high:
                yield from ((token, low, high) for token in tokens)

    def _behind(self, spec: int, content: bytes, row: TokenMask) -> Iterator[tuple[int, int, int]]:
        """(token, low, high) of tokens behind ``content``; none where the constants stand apart."""
        constants = self._comparing.constants(spec)
        first, last = range_of(constants, content)
        for place in range(first, last):
            for token in self._tokens.closing.get(constants[place][len(content) :], ()):
                yield token, place, place + 1
        for token in self._content_tokens(row).tolist():
            begun = begun_of(self._texts[token])
            assert begun is not None, "it is content"
            low, high = range_of(constants, content + begun.content)
            if begun.escape:
                at = len(content) + len(begun.content)
                places = [n for n in range(low, high) if begun.may_become(constants[n][at:])]
                low, high = places[0], places[-1] + 1
                if high - low > len(places):
                    low = high
            yield token, low, high

    def _content_tokens(self, row: TokenMask) -> IntArray:
        """The allowed tokens that are content alone."""
        words = np.flatnonzero(row)
        bits = np.unpackbits(row[words].astype("<u4").view(np.uint8), bitorder="little")
        tokens: IntArray = ((words[:, None] << 5) + _WORD).ravel()[bits != 0]
        found: IntArray = tokens[self._body.quote[tokens] == self._body.lengths[tokens]]
        return found


def _ranges(found: Iterator[tuple[int, int, int]]) -> _Ranges:
    rows = list(found)
    tokens, low, high = np.array([row for row in rows if row[1] < row[2]], np.int32).reshape(-1, 3).T.copy()
    return _Ranges(tokens, low, high, tuple(token for token, low, high in rows if low == high))
