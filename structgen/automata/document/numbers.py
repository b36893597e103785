"""Byte automata for the numbers that some assertions allow, memoised process-wide.

``multipleOf`` is a remainder automaton over plain decimals: digits are read with a fixed
number of places after the point, and the remainder of what has been read decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache

import numpy as np

from structgen.automata.compile import compile_regex
from structgen.automata.dfa import Dfa
from structgen.automata.document import number_texts as texts
from structgen.automata.nfa import minimized
from structgen.automata.ops import intersect
from structgen.errors import LimitError
from structgen.ir.document import Assertion, Integer, MaxValue, MinValue, MultipleOf, NumberIn
from structgen.ir.regex import alternate

__all__ = ["all_numbers", "base_for", "is_large", "number_dfa"]

MAX_REMAINDERS = 20_000
_ORDER = ("integer", "min", "multiple", "max", "in")
Key = tuple[object, ...]


def key_of(assertion: Assertion) -> Key:
    """What an assertion says, as a hashable value: the memo's key."""
    if isinstance(assertion, Integer):
        return ("integer", assertion.strict)
    if isinstance(assertion, MinValue):
        return ("min", assertion.bound, assertion.exclusive)
    if isinstance(assertion, MaxValue):
        return ("max", assertion.bound, assertion.exclusive)
    if isinstance(assertion, MultipleOf):
        return ("multiple", assertion.divisor)
    assert isinstance(assertion, NumberIn)
    return ("in", assertion.values)


@lru_cache(maxsize=2048)
def dfa_of_key(key: Key) -> Dfa:
    """The texts (in ``BASE`` notation) that one assertion allows."""
    kind = key[0]
    if kind == "integer":
        return compile_regex(texts.integers(bool(key[1])))
    if kind == "min":
        return compile_regex(texts.at_least(key[1], bool(key[2])))  # type: ignore[arg-type]
    if kind == "max":
        return compile_regex(texts.at_most(key[1], bool(key[2])))  # type: ignore[arg-type]
    if kind == "multiple":
        return _multiples(key[1])  # type: ignore[arg-type]
    return compile_regex(alternate(*(texts.equal_to(v) for v in sorted(key[1]))))  # type: ignore[call-overload]


@lru_cache(maxsize=8)
def all_numbers(notation: str) -> Dfa:
    """``"full"``: every JSON number; ``"base"`` and ``"plain"``: the notations of ``number_texts``."""
    return compile_regex({"full": texts.FULL, "base": texts.BASE, "plain": texts.PLAIN}[notation])


def base_for(assertions: Sequence[Assertion], plain: bool = False) -> Dfa:
    """The notations in which all of ``assertions`` can be decided; ``plain`` decimals alone where asked for."""
    if plain or any(isinstance(a, MultipleOf) for a in assertions):
        return all_numbers("plain")
    return all_numbers("base" if assertions else "full")


def number_dfa(assertions: Sequence[Assertion], plain: bool = False) -> Dfa:
    """The numbers that satisfy all of ``assertions``, in the notations of ``base_for``."""
    keys = {key_of(a) for a in assertions}
    if not keys:
        return all_numbers("plain" if plain else "full")
    # What many schemas have in common comes first: integers, a least value of 0; what is rarely met twice comes last.
    ordered = sorted(keys, key=lambda key: (_ORDER.index(key[0]), repr(key)))
    return _conjunction(tuple(ordered), plain or any(isinstance(a, MultipleOf) for a in assertions))


@lru_cache(maxsize=2048)
def _conjunction(keys: tuple[Key, ...], plain: bool) -> Dfa:
    """The numbers of which all of ``keys`` hold, in their order; beginnings are shared."""
    if not keys:
        return all_numbers("plain" if plain else "base")
    return intersect(_conjunction(keys[:-1], plain), dfa_of_key(keys[-1]))


def _remainders(divisor: Decimal) -> tuple[int, int]:
    """The modulus of a divisor without its places, and how many places it has."""
    _, _, exponent = divisor.normalize().as_tuple()
    scale = max(0, -int(exponent))
    return int(divisor.scaleb(scale)), scale


def _n_states(modulus: int, scale: int) -> int:
    """States of the remainder automaton: one per remainder and place."""
    return modulus * (scale + 2) + 4


def is_large(assertion: Assertion) -> bool:
    """Whether an assertion is a ``multipleOf`` with too many remainders for an automaton."""
    return isinstance(assertion, MultipleOf) and _n_states(*_remainders(assertion.divisor)) > MAX_REMAINDERS


def _multiples(divisor: Decimal) -> Dfa:
    """Plain decimals that are multiples of ``divisor`` > 0."""
    modulus, scale = _remainders(divisor)
    n_states = _n_states(modulus, scale)
    if n_states > MAX_REMAINDERS:
        raise LimitError(
            f"multipleOf {divisor} needs too many remainders",
            what="multipleOf remainders",
            given=n_states,
            limit=MAX_REMAINDERS,
        )
    return _remainder_automaton(modulus, scale)


def _remainder_automaton(modulus: int, scale: int) -> Dfa:
    """States: dead, start, after minus, then per place 0..scale and remainder, then zeros alone.

    Place 0 is before the point. A point leads to place 1 without a digit, which is not
    accepting; the first digit of each place is therefore kept apart by ``fresh``.
    """
    classes = np.zeros(256, np.uint8)
    for digit in range(10):
        classes[48 + digit] = 1 + digit
    classes[45], classes[46] = 11, 12
    start, minus, zero = 1, 2, 3

    def place(at: int, remainder: int) -> int:
        return 4 + at * modulus + remainder

    point = 4 + (scale + 1) * modulus
    zeros = point + modulus
    n = zeros + 1
    table = np.zeros((n, 13), np.int32)
    accepting = np.zeros(n, np.bool_)
    table[start, 11] = minus
    for state in (start, minus):
        table[state, 1] = zero
        for digit in range(1, 10):
            table[state, 1 + digit] = place(0, digit % modulus)
    accepting[zero] = True
    table[zero, 12] = point
    for remainder in range(modulus):
        table[place(0, remainder), 12] = point + remainder
        for at in range(scale + 1):
            state = place(at, remainder)
            accepting[state] = remainder * 10 ** (scale - at) % modulus == 0
            for digit in range(10):
                after = (remainder * 10 + digit) % modulus
                if at == 0:
                    table[state, 1 + digit] = place(0, after)
                elif at < scale:
                    table[state, 1 + digit] = place(at + 1, after)
                elif digit == 0 and remainder == 0:
                    table[state, 1] = zeros
        for digit in range(10):
            after = (remainder * 10 + digit) % modulus
            if scale:
                table[point + remainder, 1 + digit] = place(1, after)
            elif digit == 0 and remainder == 0:
                table[point, 1] = zeros
    table[zeros, 1] = zeros
    accepting[zeros] = True
    return minimized(classes, table, accepting, n, start)
