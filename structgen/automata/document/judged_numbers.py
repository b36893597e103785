"""Numbers under ``multipleOf`` with too many remainders for an automaton: judged by arithmetic, digit by digit.

The remainder automaton of ``multipleOf: 0.123456789`` has a billion states; six divisors under ``not`` multiply to
millions. But whether some multiple begins with given digits is a division. Plain decimals that begin with
``12`` are the numbers from 12 to 13, from 120 to 130, from 1200 to 1300 and so on; those that begin with
``1.2`` lie from 1.2 to 1.3. A beginning is viable if one of these intervals holds a number that satisfies the
formula, and candidates are the multiples of the divisors that must divide, in the order of size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from itertools import islice
from math import ceil, gcd, lcm

from structgen.automata.document.formulas import assertions_of
from structgen.ir.document import Integer, MaxValue, MinValue, MultipleOf, NumberIn
from structgen.ir.formulas import And, Formula

__all__ = ["NumberJudge"]

MOST_DIGITS = 40
"""Digits that a beginning is prolonged by in search of a number that satisfies the formula."""
MOST_TRIED = 64
"""Multiples tried per interval."""


class NumberJudge:
    """Decides about plain decimals and their beginnings; ``holds`` judges a finished number."""

    def __init__(self, formula: Formula, holds: Callable[[Decimal | int], bool]) -> None:
        self._holds = holds
        parts = formula.parts if type(formula) is And else (formula,)
        steps = [Fraction(part.divisor) for part in parts if isinstance(part, MultipleOf)]
        steps += [Fraction(1) for part in parts if isinstance(part, Integer)]
        self.is_strict = any(isinstance(part, Integer) and part.strict for part in parts)
        self._step = _common_multiple(steps) if steps else None
        lows = [Fraction(part.bound) for part in parts if isinstance(part, MinValue)]
        highs = [Fraction(part.bound) for part in parts if isinstance(part, MaxValue)]
        self._low, self._high = max(lows, default=None), min(highs, default=None)
        every = assertions_of(formula).values()
        self._finest = min((_last_place(part.divisor) for part in every if isinstance(part, MultipleOf)), default=0)
        self.is_exhaustive = all(part in parts for part in every if isinstance(part, MultipleOf))
        """Whether every number that satisfies the formula is among the candidates, since all divisors must divide."""
        self._special = [value for part in every if isinstance(part, NumberIn) for value in part.values]
        self._known = lru_cache(maxsize=4096)(self._ending)

    def accepts(self, text: str) -> bool:
        """Whether a finished number is right."""
        return text[-1:].isdigit() and self._holds(Decimal(text) if "." in text else int(text))

    def may_go_on(self, text: str) -> bool:
        """Whether ``text``, the beginning of a plain decimal, can be gone on with to a number that is right."""
        return self._known(text) is not None

    def ending(self, text: str) -> str | None:
        """What may follow ``text``; empty where it is right as it stands, None where nothing may."""
        return self._known(text)

    def example(self, text: str = "") -> str | None:
        """A number that begins with ``text``."""
        ending = self._known(text)
        return None if ending is None else text + ending

    def _ending(self, text: str) -> str | None:
        if self.accepts(text):
            return ""
        for candidate in self._candidates(text):
            if candidate.startswith(text) and len(candidate) > len(text) and self.accepts(candidate):
                return candidate[len(text) :]
        return None

    def _candidates(self, text: str) -> Iterator[str]:
        """Texts that begin with ``text``, likely to be right, the shorter ones first."""
        if text in ("", "-"):
            yield from (text + digit for digit in "0123456789" if self.may_go_on(text + digit))
            for digit in "0123456789":
                rest = self._known(text + digit)
                if rest:
                    yield text + digit + rest
            return
        sign, digits = (-1, text[1:]) if text[0] == "-" else (1, text)
        whole, point, fraction = digits.partition(".")
        yield from (text + digit for digit in "0123456789")
        if point:
            low = Fraction(Decimal(whole + "." + (fraction or "0")))
            yield from self._within(sign, low, low + Fraction(1, 10 ** len(fraction)), max(1, len(fraction)))
            return
        n = int(whole)
        yield from self._within(sign, Fraction(n), Fraction(n + 1), 0)
        if whole != "0":
            for more in range(1, MOST_DIGITS):
                yield from self._within(sign, Fraction(n * 10**more), Fraction((n + 1) * 10**more), 0)

    def _within(self, sign: int, low: Fraction, high: Fraction, n_places: int) -> Iterator[str]:
        """Some numbers whose magnitude lies in [low, high), as texts with at least ``n_places`` places."""
        if sign < 0:
            least, most = -high, -low
        else:
            least, most = low, high
        if self._low is not None:
            least = max(least, self._low)
        if self._high is not None:
            most = min(most, self._high)
        if least > most:
            return
        step = self._step or Fraction(1, 10 ** max(n_places + 1, self._finest))
        first = ceil(least / step)
        for number in islice(range(first, first + MOST_TRIED), MOST_TRIED):
            value = number * step
            if value > most:
                return
            text = _plain(value, n_places)
            if text is not None:
                yield "-" + text if value == 0 and sign < 0 else text


def _common_multiple(steps: list[Fraction]) -> Fraction:
    found = steps[0]
    for step in steps[1:]:
        denominator = lcm(found.denominator, step.denominator)
        a, b = int(found * denominator), int(step * denominator)
        found = Fraction(a * b // gcd(a, b), denominator)
    return found


def _last_place(divisor: Decimal) -> int:
    """Decimal places of a divisor."""
    return max(0, -int(divisor.normalize().as_tuple().exponent))


def _plain(value: Fraction, n_places: int) -> str | None:
    """A number as a plain decimal with at least ``n_places`` places; None where it has no finite one."""
    denominator, places = value.denominator, n_places
    while denominator % 2 == 0 or denominator % 5 == 0:
        denominator //= gcd(denominator, 10)
        places += 1
    if denominator != 1:
        return None
    sign, digits = "-" if value < 0 else "", str(abs(int(value * 10**places))).rjust(places + 1, "0")
    if not places:
        return sign + digits
    whole, fraction = digits[:-places], digits[-places:]
    while len(fraction) > n_places and fraction.endswith("0"):
        fraction = fraction[:-1]
    return f"{sign}{whole}.{fraction}" if fraction else sign + whole
