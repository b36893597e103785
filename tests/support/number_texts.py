"""Number texts on one side of a bound as expressions: the slow twin of ``automata.document.number_bounds``."""

from __future__ import annotations

from decimal import Decimal

from structgen.automata.document.number_texts import (
    _ANY_EXPONENT,
    _ANY_FRACTION,
    _D,
    _DOT,
    _E,
    _MINUS,
    _NO_FRACTION,
    _NONE,
    _POSITIVE,
    _WHOLE,
    _ZERO_SCIENTIFIC,
    _compare,
    _digits,
    _exponent,
    _parts,
    _scientific,
    _whole_above,
    _whole_below,
)
from structgen.ir.regex import Node, alternate, concat, literal, optional, star

__all__ = ["at_least", "at_most"]


def _fraction(digits: str, greater: bool, strict: bool) -> Node:
    """Digits after a point that lie above (below) the trimmed, non-empty ``digits``."""
    found = _compare(digits, greater, star(_D))
    if greater:
        found.append(
            concat(literal(digits), star(_D), _POSITIVE, star(_D)) if strict else concat(literal(digits), star(_D))
        )
    else:
        found += [literal(digits[:at]) for at in range(1, len(digits))]
        if not strict:
            found.append(concat(literal(digits), star(literal("0"))))
    return alternate(*found)


def _plain_above(whole: str, fraction: str, strict: bool, one_digit: bool = False) -> Node:
    above = _digits(int(whole) + 1, 9) if one_digit and whole != "9" else _NONE if one_digit else _whole_above(whole)
    if fraction:
        rest = concat(_DOT, _fraction(fraction, True, strict))
    else:
        rest = concat(_DOT, star(_D), _POSITIVE, star(_D)) if strict else _ANY_FRACTION
    return alternate(concat(above, _ANY_FRACTION), concat(literal(whole), rest))


def _plain_below(whole: str, fraction: str, strict: bool, one_digit: bool = False) -> Node:
    below = _whole_below(whole) if not one_digit else _digits(1, int(whole) - 1) if int(whole) > 1 else _NONE
    found = [concat(below, _ANY_FRACTION)]
    if fraction:
        found.append(concat(literal(whole), optional(concat(_DOT, _fraction(fraction, False, strict)))))
    elif not strict:
        found.append(concat(literal(whole), _NO_FRACTION))
    return alternate(*found)


def _magnitude_above(bound: Decimal, strict: bool) -> Node:
    """Unsigned texts above ``bound`` >= 0."""
    whole, fraction = _parts(bound)
    found = [_plain_above(whole, fraction, strict)]
    if bound == 0:
        found.append(concat(_POSITIVE, _ANY_FRACTION, _ANY_EXPONENT))
        if not strict:
            found.append(_ZERO_SCIENTIFIC)
    else:
        lead, rest, exponent = _scientific(bound)
        found.append(concat(_POSITIVE, _ANY_FRACTION, _E, _exponent(exponent, 1)))
        found.append(concat(_plain_above(lead, rest, strict, True), _E, _exponent(exponent, 0)))
    return alternate(*found)


def _magnitude_below(bound: Decimal, strict: bool) -> Node:
    """Unsigned texts below ``bound`` >= 0."""
    whole, fraction = _parts(bound)
    found = [_plain_below(whole, fraction, strict)]
    if bound == 0:
        return _NONE if strict else alternate(*found, _ZERO_SCIENTIFIC)
    lead, rest, exponent = _scientific(bound)
    found.append(_ZERO_SCIENTIFIC)
    found.append(concat(_POSITIVE, _ANY_FRACTION, _E, _exponent(exponent, -1)))
    found.append(concat(_plain_below(lead, rest, strict, True), _E, _exponent(exponent, 0)))
    return alternate(*found)


_ANY_MAGNITUDE = alternate(
    concat(_WHOLE, _ANY_FRACTION), concat(_POSITIVE, _ANY_FRACTION, _ANY_EXPONENT), _ZERO_SCIENTIFIC
)


def at_least(bound: Decimal, exclusive: bool) -> Node:
    """Texts in ``BASE`` notation of numbers >= ``bound`` (> if ``exclusive``)."""
    if bound > 0 or (bound == 0 and exclusive):
        return _magnitude_above(abs(bound), exclusive)
    return alternate(_ANY_MAGNITUDE, concat(_MINUS, _magnitude_below(abs(bound), exclusive)))


def at_most(bound: Decimal, exclusive: bool) -> Node:
    """Texts in ``BASE`` notation of numbers <= ``bound`` (< if ``exclusive``)."""
    if bound < 0 or (bound == 0 and exclusive):
        return concat(_MINUS, _magnitude_above(abs(bound), exclusive))
    return alternate(concat(_MINUS, _ANY_MAGNITUDE), _magnitude_below(bound, exclusive))
