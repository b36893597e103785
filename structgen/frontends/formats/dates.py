"""Dates, times and durations of RFC 3339, exactly: leap years and leap seconds are regular.

A date's validity depends on the year modulo 400 only, which its digits tell. A leap second may
stand where it is 23:59:60 in UTC, so its offset is determined by hour and minute: 1,440 pairs, which make
``time`` the largest automaton here (about ten thousand states, built once). The year 0000 is
allowed, as the standard does, although Python's ``datetime`` starts at 1.
"""

from __future__ import annotations

from structgen.frontends.regex import parse_ecma
from structgen.ir.regex import Alternate, Concat, Node, char, concat

__all__ = ["date", "date_time", "duration", "time"]

_LEAP_YEAR = r"(?:\d\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)"
_DATE = (
    r"\d{4}-(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|\d{4}-(?:0[469]|11)-(?:0[1-9]|[12]\d|30)"
    rf"|\d{{4}}-02-(?:0[1-9]|1\d|2[0-8])|{_LEAP_YEAR}-02-29"
)
_HOUR, _MINUTE, _FRACTION = r"(?:[01]\d|2[0-3])", r"[0-5]\d", r"(?:\.\d+)?"
_DATE_PARTS = r"\d+(?:Y(?:\d+M(?:\d+D)?)?|M(?:\d+D)?|D)"
_TIME_PARTS = r"T\d+(?:H(?:\d+M(?:\d+S)?)?|M(?:\d+S)?|S)"
_DAY = 24 * 60
_DIGITS = [tuple(char(ord(c)) for c in f"{n:02}") for n in range(60)]
_COLON, _PLUS, _MINUS = char(0x3A), char(0x2B), char(0x2D)
_SIXTY = tuple(char(ord(c)) for c in ":60")


def date() -> Node:
    """``full-date``."""
    return parse_ecma(_DATE)


def time() -> Node:
    """``full-time``: the offset is required."""
    plain = parse_ecma(rf"{_HOUR}:{_MINUTE}:{_MINUTE}{_FRACTION}(?:[Zz]|[+-]{_HOUR}:{_MINUTE})")
    fraction = parse_ecma(_FRACTION)
    # Hour by hour and minute by minute: a tree of choices determinises in small sets, a list of 1,440 does not.
    # The nodes' own classes, since the simplifying constructors would find nothing to simplify.
    hours = []
    for hour in range(24):
        leaps = tuple(_leap(hour * 60 + minute, fraction) for minute in range(60))
        hours.append(Concat((*_DIGITS[hour], _COLON, Alternate(leaps))))
    return Alternate((plain, *hours))


def _leap(now: int, fraction: Node) -> Node:
    """The rest of a leap second after hour and colon, ``now`` minutes into the local day."""
    east = (now + 1) % _DAY  # 23:59 at Greenwich is `now` this far east of it
    west = -east % _DAY
    offsets: list[Node] = [
        Concat((_PLUS, *_DIGITS[east // 60], _COLON, *_DIGITS[east % 60])),
        Concat((_MINUS, *_DIGITS[west // 60], _COLON, *_DIGITS[west % 60])),
    ]
    if east == 0:
        offsets.append(parse_ecma("[Zz]"))
    return Concat((*_DIGITS[now % 60], *_SIXTY, fraction, Alternate(tuple(offsets))))


def date_time() -> Node:
    """``date-time``: date, ``T`` or ``t``, time with offset."""
    return concat(date(), parse_ecma("[Tt]"), time())


def duration() -> Node:
    """``duration`` of RFC 3339, appendix A: no fractions, no gaps, weeks alone."""
    return parse_ecma(rf"P(?:{_DATE_PARTS}(?:{_TIME_PARTS})?|{_TIME_PARTS}|\d+W)")
