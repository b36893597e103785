"""Number texts on one side of a bound, or of one number, as automata written down by a kernel.

What they say holds for texts in the notation ``BASE`` of ``number_texts``; they may read others, so they are
multiplied with the automaton of that notation.
"""

from __future__ import annotations

from decimal import Decimal

import numpy as np

from structgen.automata.ops import Table
from structgen.kernels.number_bounds import CLASS_OF, compare

__all__ = ["texts_of", "texts_within"]


def texts_within(is_least: bool, bound: Decimal, exclusive: bool) -> Table:
    """Numbers from ``bound`` on if ``is_least``, else up to it; without the bound itself if ``exclusive``."""
    is_beyond = bound > 0 or (bound == 0 and exclusive) if is_least else bound < 0 or (bound == 0 and exclusive)
    # Beyond a bound on one's own side of zero lie larger magnitudes of one sign; else smaller ones of the other.
    takes = (False, not exclusive, True) if is_beyond else (True, not exclusive, False)
    return _compared(abs(bound), takes, negative=is_least != is_beyond, others=not is_beyond)


def texts_of(value: Decimal) -> Table:
    """One number, not zero, which may have a sign or none."""
    return _compared(abs(value), (False, True, False), negative=value < 0, others=False)


def _compared(bound: Decimal, takes: tuple[bool, bool, bool], *, negative: bool, others: bool) -> Table:
    whole, _, fraction = format(bound, "f").partition(".")
    digits = "".join(map(str, bound.as_tuple().digits)).lstrip("0")
    exponent = bound.adjusted() if bound else 0
    sign = (exponent > 0) - (exponent < 0)
    after, accepting = compare(
        _array(whole.lstrip("0") or "0"),
        _array(fraction.rstrip("0")),
        _array(digits[1:].rstrip("0")),
        _array(str(abs(exponent)), sign),
        np.array(takes),
        negative,
        others,
    )
    return Table.frozen(CLASS_OF, after, accepting, 1)


def _array(digits: str, *before: int) -> np.ndarray[tuple[int], np.dtype[np.int8]]:
    return np.array([*before, *map(int, digits)], np.int8)
