"""Constants of ``enum`` and ``const`` as formulas.

Strings and numbers become sets; an array or object constant becomes the schema that only
it satisfies, so the one machine enforces it at any depth. Numbers compare by value
(``1.0`` equals ``1``), and true is not 1.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from structgen.ir.document import CountIs, Items, NumberIn, Properties, Required, StringIn, ValueIn
from structgen.ir.formulas import FALSE, TRUE, Formula, conjunction, disjunction
from structgen.ir.pointers import Pointer

__all__ = ["decimal", "utf8", "value_in"]


def decimal(value: Any) -> Decimal:
    """A JSON number exactly as it was written (floats by their shortest notation)."""
    return (
        value if type(value) is Decimal else Decimal(repr(value)) if isinstance(value, float) else Decimal(int(value))
    )


def utf8(texts: Iterable[str]) -> list[bytes]:
    """Texts as the bytes that JSON has for them; lone surrogates pass."""
    known = list(texts)
    try:
        return list(map(str.encode, known))
    except UnicodeEncodeError:
        return [text.encode("utf-8", "surrogatepass") for text in known]


def value_in(values: Iterable[Any], where: Pointer = "") -> Formula:
    """The value equals one of ``values``, as JSON compares."""
    strings: list[str] = []
    numbers: set[Decimal] = set()
    by_type: dict[str, Formula] = {}
    objects: list[Formula] = []
    arrays: list[Formula] = []
    for value in values:
        if type(value) is str:
            strings.append(value)
        elif value is None:
            by_type["null"] = TRUE
        elif type(value) is bool:
            by_type["true" if value else "false"] = TRUE
        elif isinstance(value, dict):
            objects.append(_object_is(value, where))
        elif isinstance(value, list | tuple):
            arrays.append(_array_is(value, where))
        else:
            numbers.add(decimal(value))
    if strings:
        by_type["string"] = StringIn(frozenset(utf8(strings)), where)
    if numbers:
        by_type["number"] = NumberIn(frozenset(numbers), where)
    if objects:
        by_type["object"] = disjunction(objects)
    if arrays:
        by_type["array"] = disjunction(arrays)
    return ValueIn(by_type, where) if by_type else FALSE


def _object_is(value: dict[str, Any], where: Pointer) -> Formula:
    named = dict(zip(utf8(value), [value_in([inner], where) for inner in value.values()], strict=True))
    return conjunction([Properties(named, (), FALSE, where), Required(frozenset(named), where) if named else TRUE])


def _array_is(value: list[Any] | tuple[Any, ...], where: Pointer) -> Formula:
    prefix = tuple(value_in([inner], where) for inner in value)
    n = len(prefix)
    return conjunction([Items(prefix, FALSE, where), CountIs("array", n, n, where)])
