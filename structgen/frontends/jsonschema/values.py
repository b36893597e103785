"""Constants of ``enum`` and ``const`` as formulas.

Strings and numbers become sets; an array or object constant becomes the schema that only
it satisfies, so the one machine enforces it at any depth. Numbers compare by value
(``1.0`` equals ``1``), and true is not 1.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from structgen.ir.document import (
    FALSE,
    TRUE,
    CountIs,
    Formula,
    Items,
    NumberIn,
    Properties,
    Required,
    StringIn,
    ValueIn,
    conjunction,
    disjunction,
)

__all__ = ["decimal", "value_in"]


def decimal(value: Any) -> Decimal:
    """A JSON number exactly as it was written (floats by their shortest notation)."""
    return (
        value if type(value) is Decimal else Decimal(repr(value)) if isinstance(value, float) else Decimal(int(value))
    )


def value_in(values: Iterable[Any], pointer: str = "") -> Formula:
    """The value equals one of ``values``, as JSON compares."""
    strings: set[bytes] = set()
    numbers: set[Decimal] = set()
    by_type: dict[str, Formula] = {}
    objects: list[Formula] = []
    arrays: list[Formula] = []
    for value in values:
        if type(value) is str:
            strings.add(value.encode("utf-8", "surrogatepass"))
        elif value is None:
            by_type["null"] = TRUE
        elif type(value) is bool:
            by_type["true" if value else "false"] = TRUE
        elif isinstance(value, dict):
            objects.append(_object_is(value, pointer))
        elif isinstance(value, list | tuple):
            arrays.append(_array_is(value, pointer))
        else:
            numbers.add(decimal(value))
    if strings:
        by_type["string"] = StringIn(frozenset(strings), pointer)
    if numbers:
        by_type["number"] = NumberIn(frozenset(numbers), pointer)
    if objects:
        by_type["object"] = disjunction(objects)
    if arrays:
        by_type["array"] = disjunction(arrays)
    return ValueIn(by_type, pointer) if by_type else FALSE


def _object_is(value: dict[str, Any], pointer: str) -> Formula:
    named = {name.encode("utf-8", "surrogatepass"): value_in([inner], pointer) for name, inner in value.items()}
    return conjunction([Properties(named, (), FALSE, pointer), Required(frozenset(named), pointer) if named else TRUE])


def _array_is(value: list[Any] | tuple[Any, ...], pointer: str) -> Formula:
    prefix = tuple(value_in([inner], pointer) for inner in value)
    n = len(prefix)
    return conjunction([Items(prefix, FALSE, pointer), CountIs("array", n, n, pointer)])
