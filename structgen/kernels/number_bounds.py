"""The automaton of all number texts on one side of a bound, written down state by state.

A text is compared with the bound digit by digit. As long as all digits agree, a state is a place in the bound's digits;
the first that differs decides, unless an exponent may still come: then the leading digit and those behind
the point are compared with the bound's in scientific notation, and the exponents decide if they differ. So there are
about three states per digit, and the language is what ``automata.document.number_texts`` calls ``BASE`` beside the
bound; texts that are no numbers in that notation may be read, for the caller intersects with it.

The way over expressions took 0.4 ms a bound, most of it in Python, subsets and minimising; this takes 5 us.
"""

from __future__ import annotations

import numpy as np

from structgen.dtypes import ByteArray
from structgen.kernels.jit import inlined, kernel

DIGIT, MINUS, PLUS, POINT, E, N_CLASSES = 1, 11, 12, 13, 14, 15
"""Byte classes: 0 is every byte that numbers have not, a digit ``d`` is ``DIGIT + d``."""
LESS, EQUAL, GREATER = 0, 1, 2


def _classes() -> ByteArray:
    class_of = np.zeros(256, np.uint8)
    class_of[48:58] = np.arange(DIGIT, DIGIT + 10)
    class_of[[45, 43, 46]] = MINUS, PLUS, POINT
    class_of[[69, 101]] = E
    class_of.flags.writeable = False
    return class_of


CLASS_OF = _classes()


@kernel
def compare(whole, fraction, rest, exponent, takes, negative, others):  # type: ignore[no-untyped-def]
    """Texts whose magnitude compares with the bound's as ``takes`` says: ``(transitions, accepting)``, start 1.

    ``whole`` and ``fraction`` are the bound's digits before and after the point, int8, without zeros that say nothing;
    ``rest`` those after the leading one in scientific notation, and ``exponent`` a sign (-1, 0, 1) and digits.
    ``takes`` (3,) bool goes by ``LESS``, ``EQUAL``, ``GREATER``. Compared are negative numbers, if ``negative``, else
    those without a sign; of the other sign ``others`` says whether all are taken.
    """
    n_whole, n_fraction, n_rest = whole.shape[0], fraction.shape[0], rest.shape[0]
    n = 3 + 3 * n_whole + n_fraction + n_rest + 8 + 3 * (3 * exponent.shape[0] + 4)
    after = np.zeros((n, N_CLASSES), np.int32)
    accepting = np.zeros(n, np.bool_)
    free = 3
    # State 2 reads anything: what is decided for the better.
    after[2, 1:] = 2
    accepting[2] = True
    decided = np.zeros(3, np.int32)
    for way in range(3):
        decided[way] = 2 if takes[way] else 0
    is_small = whole[0] == 0
    is_zero = is_small and n_fraction == 0
    # By what the mantissa says: the state after ``e``.
    powers = np.zeros(3, np.int32)
    if is_zero:
        powers[:] = decided[GREATER]
    else:
        for way in range(3):
            powers[way], free = _exponents(after, accepting, free, exponent, takes, decided, way)
    lead = whole[0]
    if is_small and not is_zero:
        k = 0
        while fraction[k] == 0:
            k += 1
        lead = fraction[k]
    point, free = _places(after, accepting, free, fraction, takes, decided)
    mantissa, free = _mantissas(after, accepting, free, rest, takes, decided, powers, n_whole, is_small)
    ones = free
    free = _wholes(after, accepting, free, whole, n_fraction, takes, decided, point)
    for way in range(3):
        _one_digit(after, accepting, ones, way, n_whole, n_fraction, n_rest, is_small, takes, decided, powers, mantissa)
    zero, free = free, free + 1
    value = EQUAL if is_zero else LESS
    accepting[zero] = takes[value]
    after[zero, POINT] = point if is_small else decided[LESS]
    after[zero, E] = decided[value]
    if is_small:
        for state in range(point, point + n_fraction + 1):
            after[state, E] = decided[value]
    begin = 1
    if negative:
        begin, free = free, free + 1
        after[1, DIGIT : DIGIT + 10] = 2 if others else 0
        after[1, MINUS] = begin
    else:
        after[1, MINUS] = 2 if others else 0
    after[begin, DIGIT] = zero
    for digit in range(1, 10):
        after[begin, DIGIT + digit] = decided[GREATER] if is_zero else ones + _way(digit, lead)
    return after[:free], accepting[:free]


@inlined
def _way(digit, other):  # type: ignore[no-untyped-def]
    return LESS if digit < other else EQUAL if digit == other else GREATER


@kernel
def _one_digit(  # type: ignore[no-untyped-def]
    after, accepting, ones, way, n_whole, n_fraction, n_rest, is_small, takes, decided, powers, mantissa
):
    """The state after one digit, not zero, that compares as ``way``: unlike after more, an exponent may come."""
    ended = LESS if way == EQUAL and n_fraction > 0 else way
    accepting[ones + way] = takes[_plain(ended, n_whole, is_small)]
    after[ones + way, POINT] = mantissa + way
    after[ones + way, E] = powers[LESS if way == EQUAL and n_rest > 0 else way]
    if is_small or n_whole == 1:
        after[ones + way, DIGIT : DIGIT + 10] = decided[GREATER]


@kernel
def _places(after, accepting, free, fraction, takes, decided):  # type: ignore[no-untyped-def]
    """States behind the point where all before it agrees, by how many digits agree there: ``(first, free)``."""
    n = fraction.shape[0]
    for k in range(n):
        accepting[free + k] = takes[LESS]
        for digit in range(10):
            way = _way(digit, fraction[k])
            after[free + k, DIGIT + digit] = free + k + 1 if way == EQUAL else decided[way]
    accepting[free + n] = takes[EQUAL]
    after[free + n, DIGIT] = free + n
    after[free + n, DIGIT + 1 : DIGIT + 10] = decided[GREATER]
    return free, free + n + 1


@kernel
def _mantissas(after, accepting, free, rest, takes, decided, powers, n_whole, is_small):  # type: ignore[no-untyped-def]
    """States behind the point after one digit: ``first + way`` by how that digit compares; ``(first, free)``."""
    n = rest.shape[0]
    first = free
    for way in (LESS, GREATER):
        state = first + way
        accepting[state] = takes[_plain(way, n_whole, is_small)]
        after[state, DIGIT : DIGIT + 10] = state
        after[state, E] = powers[way]
    state = first + EQUAL
    free = first + 3
    for k in range(n + 1):
        way = LESS if k < n else EQUAL
        accepting[state] = takes[_plain(way, n_whole, is_small)]
        after[state, E] = powers[way]
        following = state
        if k < n:
            following = free
            free += 1
        for digit in range(10):
            found = _way(digit, rest[k] if k < n else 0)
            after[state, DIGIT + digit] = following if found == EQUAL else first + found
        state = following
    return first, free


@inlined
def _plain(way, n_whole, is_small):  # type: ignore[no-untyped-def]
    """How a text with one digit, not zero, before the point compares if no exponent comes."""
    return GREATER if is_small else LESS if n_whole > 1 else way


@kernel
def _wholes(after, accepting, free, whole, n_fraction, takes, decided, point):  # type: ignore[no-untyped-def]
    """States after 1, 2, ... digits before the point, three each by how they compare; the next free state.

    What may follow the first digit but a digit is left to the caller.
    """
    n = whole.shape[0]
    for k in range(n):
        for way in range(3):
            state = free + 3 * k + way
            is_last = k == n - 1
            if k > 0:
                ended = LESS if not is_last or (way == EQUAL and n_fraction > 0) else way
                accepting[state] = takes[ended]
                after[state, POINT] = decided[LESS] if not is_last else point if way == EQUAL else decided[way]
            for digit in range(10):
                if is_last:
                    after[state, DIGIT + digit] = decided[GREATER]
                else:
                    found = way if way != EQUAL else _way(digit, whole[k + 1])
                    after[state, DIGIT + digit] = free + 3 * (k + 1) + found
    return free + 3 * n


@kernel
def _exponents(after, accepting, free, exponent, takes, decided, way):  # type: ignore[no-untyped-def]
    """States after ``e``, where equal exponents compare as ``way``: ``(first, free)``.

    Larger exponents of the sign that the bound's has are ``beyond``, those of the other sign ``short``.
    """
    sign = exponent[0]
    n = exponent.shape[0] - 1 if sign != 0 else 0
    beyond = LESS if sign < 0 else GREATER
    short = GREATER if sign < 0 else LESS
    first, zeros = free, free + 1
    free += 2
    # Behind the sign, zeros say nothing; then places in the bound's digits, three each.
    after[zeros, DIGIT] = zeros
    accepting[zeros] = takes[way if n == 0 else short]
    for digit in range(1, 10):
        after[zeros, DIGIT + digit] = decided[beyond] if n == 0 else free + _way(digit, exponent[1])
    for k in range(1, n + 1):
        for compared in range(3):
            state = free + 3 * (k - 1) + compared
            if k < n:
                ended = short
            elif compared == EQUAL:
                ended = way
            else:
                ended = beyond if compared == GREATER else short
            accepting[state] = takes[ended]
            for digit in range(10):
                if k == n:
                    after[state, DIGIT + digit] = decided[beyond]
                else:
                    found = compared if compared != EQUAL else _way(digit, exponent[k + 1])
                    after[state, DIGIT + digit] = free + 3 * k + found
    free += 3 * n
    if sign == 0:
        # Both signs may stand before zeros; other digits are larger behind one and smaller behind the other.
        minus = free
        free += 1
        after[minus, DIGIT] = minus
        after[minus, DIGIT + 1 : DIGIT + 10] = decided[LESS]
        accepting[minus] = takes[way]
        after[first, MINUS] = minus
        after[first, PLUS] = zeros
        after[first, DIGIT : DIGIT + 10] = after[zeros, DIGIT : DIGIT + 10]
    elif sign > 0:
        after[first, MINUS] = decided[LESS]
        after[first, PLUS] = zeros
        after[first, DIGIT : DIGIT + 10] = after[zeros, DIGIT : DIGIT + 10]
    else:
        after[first, MINUS] = zeros
        after[first, PLUS] = decided[GREATER]
        after[first, DIGIT : DIGIT + 10] = decided[GREATER]
    return first, free
