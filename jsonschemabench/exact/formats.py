"""Formats that the judge decides by itself.

``jsonschema`` checks ``date-time`` and ``time`` only where further packages are installed, and its dates begin with the
year 1. RFC 3339 is short enough to be read here, apart from what is under test. Names that no draft
defines say nothing, to a validator as to an engine.
"""

from __future__ import annotations

import calendar
import re

__all__ = ["CHECKS", "DEFINED", "is_date", "is_date_time", "is_time"]

DEFINED = frozenset(
    [
        "date-time",
        "date",
        "time",
        "duration",
        "email",
        "idn-email",
        "hostname",
        "idn-hostname",
        "ipv4",
        "ipv6",
        "uri",
        "uri-reference",
        "iri",
        "iri-reference",
        "uuid",
        "uri-template",
        "json-pointer",
        "relative-json-pointer",
        "regex",
    ]
)
"""The names that drafts 4 to 2020-12 define."""

_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})\Z")
_TIME = re.compile(r"([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.[0-9]+)?(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))\Z")


def is_date(text: object) -> bool:
    """``full-date`` of RFC 3339; what is no string is not asked about."""
    if not isinstance(text, str):
        return True
    found = _DATE.match(text)
    if found is None:
        return False
    year, month, day = map(int, found.groups())
    # The calendar repeats after 400 years, and Python's has no year 0.
    return 1 <= month <= 12 and 1 <= day <= calendar.monthrange(2000 + year % 400, month)[1]


def is_time(text: object) -> bool:
    """``full-time`` of RFC 3339: a leap second is the last of a day in universal time."""
    if not isinstance(text, str):
        return True
    found = _TIME.match(text)
    if found is None:
        return False
    hour, minute, second = (int(found[n]) for n in (1, 2, 3))
    away_hours, away_minutes = int(found[5] or 0), int(found[6] or 0)
    if hour > 23 or minute > 59 or second > 60 or away_hours > 23 or away_minutes > 59:
        return False
    away = (60 * away_hours + away_minutes) * (-1 if found[4] == "-" else 1)
    return second < 60 or (60 * hour + minute - away) % 1440 == 1439


def is_date_time(text: object) -> bool:
    """``date-time`` of RFC 3339."""
    return not isinstance(text, str) or (is_date(text[:10]) and text[10:11] in ("T", "t") and is_time(text[11:]))


CHECKS = {"date": is_date, "time": is_time, "date-time": is_date_time}
