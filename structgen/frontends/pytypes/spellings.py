"""Patterns of texts that pydantic reads as dates, times, durations, UUIDs, numbers and URLs.

JSON Schema's ``format`` is close but not the same as what a validator accepts: RFC 3339 knows
leap seconds and the year 0000, Python does not; a ``datetime`` without an offset is fine for
Python and not for RFC 3339. These patterns are the intersection, exact down to leap days.
"""

from __future__ import annotations

__all__ = ["between_pattern", "datetime_pattern", "decimal_pattern", "url_pattern", "uuid_pattern"]

_LEAP = "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)"
_YEAR = "(?:[1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])"
_DAYS = (
    f"(?:{_YEAR}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    f"|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))|{_LEAP}-02-29)"
)
_CLOCK = "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,6})?"
_OFFSET = "(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"

DATE = f"^{_DAYS}$"
TIME = f"^{_CLOCK}{_OFFSET}?$"

# Days, hours, minutes, seconds in order, each optional but not all; weeks, months and years have no
# fixed length or no agreed one. Six digits per part keep any sum within timedelta's range.
_PART = "[0-9]{1,6}"
_SECONDS = f"{_PART}(?:\\.[0-9]{{1,6}})?S"
_HOURS = f"(?:{_PART}H(?:{_PART}M)?(?:{_SECONDS})?|{_PART}M(?:{_SECONDS})?|{_SECONDS})"
DURATION = f"^-?P(?:{_PART}D(?:T{_HOURS})?|T{_HOURS})$"

INTEGER_KEY = "^(?:0|-?[1-9][0-9]{0,99})$"
HEX_BYTES = "^(?:[0-9a-fA-F]{2})*$"
BASE64_BYTES = "^(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-][AQgw]==|[A-Za-z0-9_-]{2}[AEIMQUYcgkosw048]=)?$"
ASCII = "^[\\x00-\\x7f]*$"
STRIPPED = "^\\S(?:[\\s\\S]*\\S)?$"
EMAIL = "^[A-Za-z0-9]+(?:[._+-][A-Za-z0-9]+)*@(?:[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*\\.)+(?:[A-Za-z]{2,12})$"
_HOST = "[a-z0-9]+(?:-[a-z0-9]+)*(?:\\.[a-z0-9]+(?:-[a-z0-9]+)*)*\\.[a-z]{2,12}"
_TAIL = "[A-Za-z0-9._~!$&'()*+,;=:@/-]*"


def datetime_pattern(timezone: str | None) -> str:
    """A date and a time of day; ``timezone`` is "aware", "naive" or None for either."""
    offset = {"aware": _OFFSET, "naive": "", None: f"{_OFFSET}?"}[timezone]
    return f"^{_DAYS}T{_CLOCK}{offset}$"


def uuid_pattern(version: str = "") -> str:
    """A hyphenated lower-case UUID, of one version (a digit) or any."""
    third = f"{version}[0-9a-f]{{3}}" if version else "[0-9a-f]{4}"
    fourth = "[89ab][0-9a-f]{3}" if version else "[0-9a-f]{4}"
    return f"^[0-9a-f]{{8}}-[0-9a-f]{{4}}-{third}-{fourth}-[0-9a-f]{{12}}$"


def url_pattern(schemes: list[str]) -> str:
    """URLs with a host by name, an optional path, query and fragment, plain characters only."""
    return f"^(?:{'|'.join(schemes)})://{_HOST}(?:/{_TAIL})?(?:\\?{_TAIL})?(?:#{_TAIL})?$"


def decimal_pattern(max_digits: int | None, decimal_places: int | None) -> str:
    """A decimal number as text, within ``Decimal``'s own limits of digits."""
    places = 100 if decimal_places is None else decimal_places
    if max_digits is None:
        return f"^-?(?:0|[1-9][0-9]{{0,99}}){_fraction(places)}$"
    # One alternative per number of digits before the point; a 0 there counts only where it stands alone.
    lone_zero = max_digits > (decimal_places or 0)
    wholes = [f"0{_fraction(min(places, max_digits))}{'' if lone_zero else '+'}".replace(")?+", ")")]
    for whole in range(1, max_digits - (decimal_places or 0) + 1):
        digits = f"[0-9]{{{whole - 1}}}" if whole > 1 else ""
        wholes.append(f"[1-9]{digits}{_fraction(min(places, max_digits - whole))}")
    return f"^-?(?:{'|'.join(wholes)})$"


def _fraction(places: int) -> str:
    return f"(?:\\.[0-9]{{1,{places}}})?" if places > 0 else ""


def between_pattern(low: str | None, high: str | None) -> list[str]:
    """Patterns for texts of one shape (digits at fixed places) that sort within [low, high].

    Each returned pattern is one side of the range: a text must match all of them.

    Examples
    --------
    >>> between_pattern("25", None)
    ['^(?:[3-9][0-9]|2[6-9]|25)$']
    """
    sides = []
    if low is not None:
        sides.append(_one_side(low, lambda d: f"[{d + 1}-9]" if d < 9 else None))
    if high is not None:
        sides.append(_one_side(high, lambda d: f"[0-{d - 1}]" if d > 0 else None))
    return sides


def _one_side(bound: str, beyond: object) -> str:
    assert callable(beyond)
    shape = ["[0-9]" if c.isdigit() else c for c in bound]
    options = []
    for i, character in enumerate(bound):
        step = beyond(int(character)) if character.isdigit() else None
        if step is not None:
            options.append(bound[:i] + step + "".join(shape[i + 1 :]))
    return f"^(?:{'|'.join([*options, bound])})$"
