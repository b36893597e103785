"""Dates, times and durations of RFC 3339, exactly: leap years and leap seconds are regular.

A date's validity depends on the year modulo 400 only, which its digits tell. A leap second may
stand where it is 23:59:60 in UTC, so its offset is determined by hour and minute: 1,440 pairs, which make
``time`` the largest automaton here (about ten thousand states, built once). The year 0000 is
allowed, as the standard does, although Python's ``datetime`` starts at 1.
"""

from __future__ import annotations

from structgen.frontends.regex import parse_ecma
from structgen.ir.regex import Node, alternate, concat, literal

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


def date() -> Node:
    """``full-date``."""
    return parse_ecma(_DATE)


def time() -> Node:
    """``full-time``: the offset is required."""
    plain = parse_ecma(rf"{_HOUR}:{_MINUTE}:{_MINUTE}{_FRACTION}(?:[Zz]|[+-]{_HOUR}:{_MINUTE})")
    fraction = parse_ecma(_FRACTION)
    leaps = []
    for now in range(_DAY):
        east = (now + 1) % _DAY  # 23:59 at Greenwich is `now` this far east of it
        offsets = [literal(f"+{_clock(east)}"), literal(f"-{_clock(-east % _DAY)}")]
        if east == 0:
            offsets.append(parse_ecma("[Zz]"))
        leaps.append(concat(literal(f"{_clock(now)}:60"), fraction, alternate(*offsets)))
    return alternate(plain, *leaps)


def date_time() -> Node:
    """``date-time``: date, ``T`` or ``t``, time with offset."""
    return concat(date(), parse_ecma("[Tt]"), time())


def duration() -> Node:
    """``duration`` of RFC 3339, appendix A: no fractions, no gaps, weeks alone."""
    return parse_ecma(rf"P(?:{_DATE_PARTS}(?:{_TIME_PARTS})?|{_TIME_PARTS}|\d+W)")


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
