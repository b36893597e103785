"""Regular languages of number texts: notations, integers, single numbers.

Comparing a text with an exponent to a bound is not regular in general (the exponent counts
digits), so where an assertion on the value applies, two notations are kept, in which it is:
plain decimals (any digits, no exponent), and normalised scientific notation (one digit before
the point, at most ``MAX_FRACTION`` after it, exponents from -323 to 307 or the largest double), which
is what programs print and what a reader with doubles reads as a finite number, and as zero only
for zero. Every value has a text in one of them: the plain one. Bounds, which are met more often, are written
down as automata (``number_bounds``).
"""

from __future__ import annotations

from decimal import Decimal

from structgen.ir.regex import (
    Node,
    alternate,
    char_set,
    concat,
    literal,
    optional,
    plus,
    repeat,
    star,
)

__all__ = ["BASE", "FULL", "PLAIN", "equal_to", "integers"]

MAX_FRACTION = 17


def _digits(low: int, high: int) -> Node:
    return char_set([(48 + low, 48 + high)])


_D = _digits(0, 9)
_POSITIVE = _digits(1, 9)
_ZEROS = plus(literal("0"))
_E = char_set([(69, 69), (101, 101)])
_DOT = literal(".")
_MINUS = literal("-")
_ANY_FRACTION = optional(concat(_DOT, plus(_D)))
_NO_FRACTION = optional(concat(_DOT, _ZEROS))
_SIGN = char_set([(43, 43), (45, 45)])
_ANY_EXPONENT = concat(_E, optional(_SIGN), plus(_D))
_LOW_EXPONENT = alternate(repeat(_D, 1, 2), concat(_digits(1, 2), _D, _D))
_UP = concat(optional(literal("+")), star(literal("0")), alternate(_LOW_EXPONENT, concat(literal("30"), _digits(0, 7))))
_DOWN = concat(
    literal("-"),
    star(literal("0")),
    alternate(_LOW_EXPONENT, concat(literal("3"), _digits(0, 1), _D), concat(literal("32"), _digits(0, 3))),
)
_LARGEST = concat(literal("1.7976931348623157"), _E, optional(literal("+")), literal("308"))
_WHOLE = alternate(literal("0"), concat(_POSITIVE, star(_D)))
_NONE = alternate()

_ZERO_SCIENTIFIC = concat(literal("0"), _NO_FRACTION, _ANY_EXPONENT)
_SHORT_FRACTION = optional(concat(_DOT, repeat(_D, 1, MAX_FRACTION)))
_MAGNITUDE = alternate(
    concat(_WHOLE, _ANY_FRACTION),
    concat(_POSITIVE, _SHORT_FRACTION, _E, alternate(_UP, _DOWN)),
    _LARGEST,
    _ZERO_SCIENTIFIC,
)

FULL = concat(optional(_MINUS), _WHOLE, _ANY_FRACTION, optional(_ANY_EXPONENT))
"""Every JSON number."""
PLAIN = concat(optional(_MINUS), _WHOLE, _ANY_FRACTION)
"""Plain decimals."""
BASE = concat(optional(_MINUS), _MAGNITUDE)
"""Plain decimals and normalised scientific notation."""


def _compare(digits: str, greater: bool, tail: Node | None = None) -> list[Node]:
    """Digit strings that first differ from ``digits`` upwards (or downwards); as long, or with any ``tail``."""
    found = []
    for at, digit in enumerate(digits):
        value = int(digit)
        low, high = (value + 1, 9) if greater else (0, value - 1)
        if low <= high:
            rest = repeat(_D, len(digits) - at - 1, len(digits) - at - 1) if tail is None else tail
            found.append(concat(literal(digits[:at]), _digits(low, high), rest))
    return found


def _whole_above(digits: str) -> Node:
    if digits == "0":
        return concat(_POSITIVE, star(_D))
    return alternate(*_compare(digits, True), concat(_POSITIVE, repeat(_D, len(digits), None)))


def _whole_below(digits: str) -> Node:
    if digits == "0":
        return _NONE
    first = int(digits[0])
    found: list[Node] = []
    if len(digits) == 1:
        return _digits(0, first - 1)
    if first > 1:
        found.append(concat(_digits(1, first - 1), repeat(_D, len(digits) - 1, len(digits) - 1)))
    found += [concat(literal(digits[0]), part) for part in _compare(digits[1:], False)]
    found += [literal("0"), concat(_POSITIVE, repeat(_D, 0, len(digits) - 2))]
    return alternate(*found)


def _exponent(value: int, sign: int) -> Node:
    """Exponent texts above (``sign`` 1), below (-1) or equal to (0) ``value``, with any leading zeros."""
    zeros = star(literal("0"))
    plus_sign = optional(literal("+"))

    def naturals(n: int, way: int) -> Node:
        text = str(n)
        if way == 0:
            return concat(zeros, literal(text)) if n else _ZEROS
        inner = _whole_above(text) if way > 0 else _whole_below(text)
        return concat(zeros, inner)

    if sign == 0:
        if value == 0:
            return concat(optional(_SIGN), _ZEROS)
        return concat(plus_sign if value > 0 else _MINUS, naturals(abs(value), 0))
    if sign > 0:
        if value >= 0:
            return concat(plus_sign, naturals(value, 1))
        return alternate(concat(plus_sign, plus(_D)), concat(_MINUS, naturals(-value, -1)))
    if value > 0:
        return alternate(concat(plus_sign, naturals(value, -1)), concat(_MINUS, plus(_D)))
    return concat(_MINUS, naturals(-value, 1))


def _parts(value: Decimal) -> tuple[str, str]:
    """Digits before and after the point, without leading or trailing zeros."""
    text = format(value, "f")
    whole, _, fraction = text.partition(".")
    return whole.lstrip("0") or "0", fraction.rstrip("0")


def _scientific(value: Decimal) -> tuple[str, str, int]:
    """Leading digit, further digits and exponent of a positive value."""
    digits = "".join(map(str, value.as_tuple().digits)).lstrip("0")
    exponent = value.adjusted()
    return digits[0], digits[1:].rstrip("0"), exponent


def equal_to(value: Decimal) -> Node:
    """Texts in ``BASE`` notation of one number."""
    whole, fraction = _parts(abs(value))
    tail = concat(_DOT, literal(fraction), star(literal("0"))) if fraction else _NO_FRACTION
    found = [concat(literal(whole), tail)]
    if value == 0:
        return concat(optional(_MINUS), alternate(*found, _ZERO_SCIENTIFIC))
    lead, rest, exponent = _scientific(abs(value))
    mantissa = concat(_DOT, literal(rest), star(literal("0"))) if rest else _NO_FRACTION
    found.append(concat(literal(lead), mantissa, _E, _exponent(exponent, 0)))
    text = alternate(*found)
    return concat(_MINUS, text) if value < 0 else text


def integers(strict: bool) -> Node:
    """Texts in ``BASE`` notation of integers; ``strict`` keeps digits alone."""
    if strict:
        return concat(optional(_MINUS), _WHOLE)
    found = [concat(_WHOLE, _NO_FRACTION), _ZERO_SCIENTIFIC]
    found.append(concat(_POSITIVE, _NO_FRACTION, _E, alternate(_exponent(0, 0), _exponent(0, 1))))
    for n in range(1, MAX_FRACTION + 1):
        digits = concat(_DOT, repeat(_D, n - 1, n - 1), _POSITIVE, star(literal("0")))
        found.append(concat(_POSITIVE, digits, _E, _exponent(n - 1, 1)))
    return concat(optional(_MINUS), alternate(*found))
