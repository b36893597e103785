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
from structgen.automata.dfa import EMPTY, Dfa
from structgen.automata.document import number_texts as texts
from structgen.automata.document.number_bounds import texts_of, texts_within
from structgen.automata.nfa import minimized
from structgen.automata.ops import Table, intersect, intersect_all, union
from structgen.errors import LimitError
from structgen.ir.document import Assertion, Integer, MaxValue, MinValue, MultipleOf, NumberIn
from structgen.ir.regex import alternate

__all__ = ["all_numbers", "base_for", "is_large", "number_dfa"]

MAX_REMAINDERS = 20_000
_MANY = 4
"""Numbers from which on a list of them is read as an expression."""
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
    """The texts in ``BASE`` notation that one assertion allows."""
    kind = key[0]
    if kind == "integer":
        return _integers(bool(key[1]), False)
    if kind == "multiple":
        return _multiples(key[1])  # type: ignore[arg-type]
    if kind == "in":
        return _one_of(key[1])  # type: ignore[arg-type]
    return intersect_all((all_numbers("base"), _bound(key)))


def _bound(key: Key) -> Table:
    """What a bound allows, of texts in ``BASE`` notation; others may be read."""
    return texts_within(key[0] == "min", key[1], bool(key[2]))  # type: ignore[arg-type]


def _one_of(values: frozenset[Decimal]) -> Dfa:
    """Some numbers; many are sooner read as one expression than united one by one."""
    if len(values) > _MANY or 0 in values:
        return intersect(all_numbers("base"), compile_regex(alternate(*(texts.equal_to(v) for v in sorted(values)))))
    found = EMPTY
    for value in values:
        found = union(found, intersect_all((all_numbers("base"), texts_of(value))))
    return found


@lru_cache(maxsize=4)
def _integers(strict: bool, plain: bool) -> Dfa:
    return intersect(all_numbers("plain" if plain else "base"), compile_regex(texts.integers(strict)))


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
    return _conjunction(frozenset(keys), plain or any(isinstance(a, MultipleOf) for a in assertions))


@lru_cache(maxsize=2048)
def _conjunction(keys: frozenset[Key], plain: bool) -> Dfa:
    """The numbers of which all of ``keys`` hold; of several bounds the narrowest count."""
    kinds: dict[object, list[Key]] = {}
    for key in keys:
        kinds.setdefault(key[0], []).append(key)
    whole = kinds.get("integer")
    found = _integers(any(key[1] for key in whole), plain) if whole else all_numbers("plain" if plain else "base")
    parts: list[Dfa | Table] = []
    if "min" in kinds:
        parts.append(_bound(max(kinds["min"], key=lambda key: (key[1], key[2]))))
    if "max" in kinds:
        parts.append(_bound(min(kinds["max"], key=lambda key: (key[1], not key[2]))))
    parts += map(dfa_of_key, sorted((*kinds.get("multiple", ()), *kinds.get("in", ())), key=repr))
    # The bounds first: between them lies little, and all numbers have hundreds of states, most of them of exponents.
    return intersect_all([*parts, found]) if parts else found


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
    remainders = np.arange(modulus)
    after = (remainders[:, None] * 10 + np.arange(10)) % modulus
    table[4 : 4 + modulus, 1:11] = place(0, 0) + after
    table[4 : 4 + modulus, 12] = point + remainders
    for at in range(1, scale):
        table[place(at, 0) : place(at, modulus), 1:11] = place(at + 1, 0) + after
    if scale:
        table[point:zeros, 1:11] = place(1, 0) + after
        table[place(scale, 0), 1] = zeros
    else:
        table[point, 1] = zeros
    for at in range(scale + 1):
        left = pow(10, scale - at, modulus)
        accepting[place(at, 0) : place(at, modulus)] = remainders * left % modulus == 0
    table[zeros, 1] = zeros
    accepting[zeros] = True
    return minimized(classes, table, accepting, n, start)
