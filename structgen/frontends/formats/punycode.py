"""What the beginning of an ``xn--`` label can still become: Punycode (RFC 3492), read digit by digit.

Whatever letters, digits and hyphens stand there can become the ASCII part of a longer label, once a hyphen and a few
digits follow. So a beginning is in danger only where no more than a handful of characters have room. Then the last
digits are searched: each completes a number that says which character is inserted where, so nearly all are
refused as soon as their number is complete.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations_with_replacement
from typing import NamedTuple

__all__ = ["MOST_SEARCHED", "label_endings"]

MOST_SEARCHED = 3
"""Digits that are searched exhaustively; with one more, a hyphen and the digits of one character have room."""
_DIGITS = "abcdefghijklmnopqrstuvwxyz0123456789"
_FILLER = "\u00fc"


class _Reading(NamedTuple):
    """A decoder in the middle of its digits."""

    label: tuple[int, ...]
    code: int = 0x80
    offset: int = 0
    weight: int = 1
    place: int = 36
    bias: int = 72
    began: int = 0
    """``offset`` where the number at hand began."""

    def threshold(self) -> int:
        return min(max(self.place - self.bias, 1), 26)

    def after(self, digit: int, may_stand: Callable[[str], bool]) -> _Reading | None:
        """After one more digit; None where no label has it."""
        index, t, length = self.offset + digit * self.weight, self.threshold(), len(self.label) + 1
        if self.code + index // length > 0x10FFFF:
            return None
        if digit >= t:
            return self._replace(offset=index, weight=self.weight * (36 - t), place=self.place + 36)
        code, at = self.code + index // length, index % length
        if not may_stand(chr(code)):
            return None
        label = (*self.label[:at], code, *self.label[at:])
        bias = _adapted(index - self.began, length, self.began == 0)
        return _Reading(label, code, at + 1, 1, 36, bias, at + 1)


def _adapted(delta: int, length: int, first: bool) -> int:
    """The bias after a number: RFC 3492, section 6.1."""
    delta = delta // 700 if first else delta // 2
    delta += delta // length
    k = 0
    while delta > 455:
        delta //= 35
        k += 36
    return k + 36 * delta // (delta + 38)


def label_endings(read: str, room: int, may_stand: Callable[[str], bool]) -> Iterator[str]:
    """Ways to end an ``xn--`` label whose rest is ``read``, in lower case, in at most ``room`` characters.

    Where ``room`` is at most ``MOST_SEARCHED``, these are all ways with characters that ``may_stand``.
    """
    basic, hyphen, digits = read.rpartition("-")
    reading: _Reading | None = _Reading(tuple(map(ord, basic))) if basic or not hyphen else None
    for digit in digits:
        reading = reading and reading.after(_DIGITS.index(digit), may_stand)
    if reading is not None and room <= MOST_SEARCHED:
        yield from _searched(reading, room, may_stand)
        return
    for part in dict.fromkeys((read, read.rstrip("-"), read[:-1], read + "a")):
        yield from (ending for ending in _fillings(read, part) if len(ending) <= room)
    if reading is not None:
        yield from _searched(reading, min(room, MOST_SEARCHED), may_stand)


def _fillings(read: str, basic: str) -> Iterator[str]:
    """Ways with ``basic`` as the ASCII part: a letter beyond ASCII or two are put into it."""
    places = dict.fromkeys((0, len(basic), *range(1, min(4, len(basic)))))
    ways = [(place,) for place in places] + list(combinations_with_replacement(places, 2))
    for way in ways:
        label = basic
        for place in sorted(way, reverse=True):
            label = label[:place] + _FILLER + label[place:]
        encoded = label.encode("punycode").decode("ascii")
        if encoded.startswith(read):
            yield encoded[len(read) :]


def _searched(reading: _Reading, room: int, may_stand: Callable[[str], bool]) -> Iterator[str]:
    """Digits behind which the decoder has read whole numbers."""
    if reading.place == 36 and reading.code > 0x80:
        yield ""
    if room == 0:
        return
    for value, digit in enumerate(_DIGITS):
        after = reading.after(value, may_stand)
        if after is not None:
            yield from (digit + rest for rest in _searched(after, room - 1, may_stand))
