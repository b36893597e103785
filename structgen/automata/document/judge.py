"""Whether a finished value satisfies a formula: the slow, obvious reading of it.

The automaton decides texts byte by byte; this decides a value that is at hand, by
recursion over formula and value. The search for witnesses uses it to learn which
verdicts one candidate text gives to many goals at once, and tests use it as an oracle.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

from structgen.automata.document.formulas import Reducer, evaluate
from structgen.automata.document.strings import says
from structgen.ir.document import (
    Assertion,
    Contains,
    CountIs,
    Integer,
    Items,
    MaxValue,
    MinValue,
    MultipleOf,
    NumberIn,
    Properties,
    PropertyNames,
    Required,
    UnevaluatedItems,
    UnevaluatedProperties,
    UniqueItems,
)
from structgen.ir.formulas import FALSE, TRUE, Formula

__all__ = ["Judge", "canonical", "parsed", "value_of"]


_UNKNOWN: Any = object()
MOST_DIGITS = 4000
"""Digits of an integer that Python reads in any case."""


class Judge:
    """Evaluates formulas on values; ``reduce`` resolves their references."""

    def __init__(self, reduce: Reducer, known: Mapping[int, Any] | None = None) -> None:
        self._reduce = reduce
        self._known = known if known is not None else {}
        """Of some formulas, by uid, a value that is known to satisfy them."""

    def verdicts(self, goals: tuple[Formula, ...], text: bytes) -> tuple[bool, ...]:
        """Which of ``goals`` the JSON document ``text`` satisfies."""
        value = parsed(text)
        return tuple(self.holds(goal, value) for goal in goals)

    def holds(self, formula: Formula, value: Any) -> bool:
        """Whether ``value``, as ``json.loads`` gives it (floats or decimals), satisfies ``formula``."""
        if formula is TRUE or formula is FALSE:
            return formula is TRUE
        if self._known and self._known.get(formula.uid, _UNKNOWN) is value:
            return True
        reduced = self._reduce(formula, type_of(value))
        return evaluate(reduced, lambda part: self.says(part, value))

    def says(self, part: Assertion, value: Any) -> bool:
        """Whether an assertion about the type of ``value`` holds."""
        if isinstance(value, str):
            return _string(part, value)
        if isinstance(value, dict):
            return self._object(part, value)
        if isinstance(value, list):
            return self._array(part, value)
        return _number(part, value)

    # -- objects ---------------------------------------------------------------------------

    def _object(self, part: Assertion, value: dict[str, Any]) -> bool:
        if isinstance(part, Properties):
            return all(self._property(part, name, inner) for name, inner in value.items())
        if isinstance(part, PropertyNames):
            return all(self.holds(part.formula, name) for name in value)
        if isinstance(part, Required):
            return part.names <= {name.encode("utf-8", "surrogatepass") for name in value}
        if isinstance(part, CountIs):
            return part.low <= len(value) and (part.high is None or len(value) <= part.high)
        assert isinstance(part, UnevaluatedProperties)
        inside = [assertion for condition, assertion in part.evaluators if self.holds(condition, value)]
        return all(
            any(_covers(assertion, name) for assertion in inside) or self.holds(part.formula, inner)
            for name, inner in value.items()
        )

    def _property(self, part: Properties, name: str, value: Any) -> bool:
        data = name.encode("utf-8", "surrogatepass")
        found = [part.named[data]] if data in part.named else []
        found += [formula for pattern, formula in part.patterns if says(pattern, data)]
        if not found and part.additional is not None:
            found = [part.additional]
        return all(self.holds(formula, value) for formula in found)

    # -- arrays ----------------------------------------------------------------------------

    def _array(self, part: Assertion, value: list[Any]) -> bool:
        if isinstance(part, Items):
            goals = [*part.prefix[: len(value)], *[part.rest or TRUE] * (len(value) - len(part.prefix))]
            return all(self.holds(goal, item) for goal, item in zip(goals, value, strict=True))
        if isinstance(part, CountIs):
            return part.low <= len(value) and (part.high is None or len(value) <= part.high)
        if isinstance(part, Contains):
            n = sum(self.holds(part.formula, item) for item in value)
            return part.low <= n and (part.high is None or n <= part.high)
        if isinstance(part, UniqueItems):
            return len({canonical(item) for item in value}) == len(value)
        assert isinstance(part, UnevaluatedItems)
        inside = [assertion for condition, assertion in part.evaluators if self.holds(condition, value)]
        return all(
            any(self._evaluates(assertion, at, item) for assertion in inside) or self.holds(part.formula, item)
            for at, item in enumerate(value)
        )

    def _evaluates(self, assertion: Assertion, at: int, item: Any) -> bool:
        if isinstance(assertion, Items):
            return assertion.rest is not None or at < len(assertion.prefix)
        return not isinstance(assertion, Contains) or self.holds(assertion.formula, item)


def canonical(value: Any) -> str:
    """One text per JSON value: equal values have equal texts."""
    return json.dumps(_tagged(value), sort_keys=True, ensure_ascii=True)


def value_of(text: str) -> Any:
    """The value of a canonical text; its numbers are decimals."""
    return _untagged(json.loads(text)) if text.startswith(("[", "{")) else _simple_value(text)


@lru_cache(maxsize=4096)
def _simple_value(text: str) -> str | bool | None:
    """A string or a word; arrays that compare their items ask again for all of them whenever one is added."""
    return json.loads(text)  # type: ignore[no-any-return]


def _untagged(value: Any) -> Any:
    if isinstance(value, list):
        return [_untagged(inner) for inner in value]
    if isinstance(value, dict):
        if "n" in value:
            return Decimal(value["n"])
        return {name: _untagged(inner) for name, inner in value["o"].items()}
    return value


def _tagged(value: Any) -> Any:
    """Numbers as one text each, objects tagged so that they cannot be mistaken for them."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, dict):
        return {"o": {key: _tagged(inner) for key, inner in value.items()}}
    if isinstance(value, list):
        return [_tagged(inner) for inner in value]
    digits, exponent = _exact(Decimal(value))
    return {"n": f"{digits}E{exponent}"}


def parsed(text: bytes | str) -> Any:
    """The value of a JSON text: decimals, and integers unless they are too long for ``int`` to read."""
    return json.loads(text, parse_float=Decimal, parse_int=_integer)


def _integer(digits: str) -> int | Decimal:
    return int(digits) if len(digits) <= MOST_DIGITS else Decimal(digits)


def type_of(value: Any) -> str:
    """The name in ``JSON_TYPES`` of a decoded value's type."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return "string"
    if isinstance(value, dict):
        return "object"
    return "array" if isinstance(value, list) else "number"


def _covers(assertion: Assertion, name: str) -> bool:
    """Whether an evaluator of unevaluatedProperties covers ``name``."""
    if not isinstance(assertion, Properties) or assertion.additional is not None:
        return True
    data = name.encode("utf-8", "surrogatepass")
    return data in assertion.named or any(says(p, data) for p, _ in assertion.patterns)


def _string(part: Assertion, value: str) -> bool:
    return says(part, value.encode("utf-8", "surrogatepass"))


def _number(part: Assertion, value: Any) -> bool:
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if isinstance(part, Integer):
        return isinstance(value, int) if part.strict else number == number.to_integral_value()
    if isinstance(part, MinValue):
        return number > part.bound or (number == part.bound and not part.exclusive)
    if isinstance(part, MaxValue):
        return number < part.bound or (number == part.bound and not part.exclusive)
    if isinstance(part, MultipleOf):
        return _is_multiple(number, part.divisor)
    assert isinstance(part, NumberIn)
    return number in part.values


def _exact(number: Decimal) -> tuple[str, int]:
    """Digits and power of ten, the digits without zeros at either end; decimal contexts would round."""
    sign, digits, exponent = number.as_tuple()
    text = "".join(map(str, digits)).rstrip("0")
    significant = text.lstrip("0")
    if not significant:
        return "0", 0
    return "-" * sign + significant, int(exponent) + len(digits) - len(text)


def _is_multiple(number: Decimal, divisor: Decimal) -> bool:
    (digits, power), (of, power_of) = _exact(number), _exact(divisor)
    if power < power_of:
        return digits == "0"  # other digits do not end in zero, so they are no multiple of a power of ten
    modulus = int(Decimal(of))  # by way of a decimal, since ``int`` reads only so many digits
    return int(Decimal(digits)) * pow(10, power - power_of, modulus) % modulus == 0
