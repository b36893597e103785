"""What a JSON document must satisfy: assertions on one value, the leaves of ``ir.formulas``.

An *assertion* is what one JSON type can decide on its own (``StringLength`` for strings, ``Required`` for objects);
``TypeIs`` leaves test the type. Assertions compare by identity: each keyword occurrence is its own leaf, so a frame
can say which occurrence has failed.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, ClassVar

from structgen.ir.beginnings import Beginnings
from structgen.ir.formulas import Formula, _uids
from structgen.ir.pointers import Pointer

__all__ = [
    "JSON_TYPES",
    "Assertion",
    "Contains",
    "CountIs",
    "Format",
    "Integer",
    "Items",
    "MaxValue",
    "MinValue",
    "MultipleOf",
    "NumberIn",
    "Pattern",
    "Properties",
    "PropertyNames",
    "Required",
    "StringIn",
    "StringLength",
    "TypeIs",
    "UnevaluatedItems",
    "UnevaluatedProperties",
    "UniqueItems",
    "ValueIn",
]

JSON_TYPES = ("null", "true", "false", "number", "string", "array", "object")
"""How values are told apart by their first byte; booleans are two constants."""


class TypeIs(Formula):
    """The value's type, as names of ``JSON_TYPES``."""

    __slots__ = ("types",)

    def __init__(self, types: frozenset[str], pointer: Pointer = "") -> None:
        self.uid = next(_uids)
        self.where = pointer
        self.leaves = self.joined = None
        self.types = types


class ValueIn(Formula):
    """The value is one of some constants: per type, a formula that says so.

    ``by_type`` has an entry for each type that occurs; other types are excluded.
    """

    __slots__ = ("by_type",)

    def __init__(self, by_type: dict[str, Formula], pointer: Pointer = "") -> None:
        super().__init__(pointer)
        self.by_type = by_type


class Assertion(Formula):
    """A leaf that constrains values of one JSON type and holds for all others."""

    __slots__ = ()
    applies_to: ClassVar[str] = ""


class StringLength(Assertion):
    """Between ``low`` and ``high`` code points; ``high`` None is unbounded."""

    __slots__ = ("high", "low")
    applies_to = "string"

    def __init__(self, low: int, high: int | None, pointer: Pointer = "") -> None:
        super().__init__(pointer)
        self.low = low
        self.high = high


class Pattern(Assertion):
    """The regex (an ``ir.regex`` node over the whole decoded text) accepts; ``source`` as written."""

    __slots__ = ("node", "source")
    applies_to = "string"

    def __init__(self, source: str, node: Any, pointer: Pointer = "") -> None:
        super().__init__(pointer)
        self.source = source
        self.node = node


class Format(Pattern):
    """A named format, as the regex that defines it.

    Where no regex does, ``check`` judges a finished text, ``node`` holds all texts of the format, and ``sure``, if
    there is one, only such texts.
    """

    __slots__ = ("beginnings", "check", "sure")

    def __init__(
        self,
        source: str,
        node: Any,
        pointer: Pointer = "",
        *,
        check: Callable[[str], bool] | None = None,
        sure: Any = None,
        beginnings: Beginnings | None = None,
    ) -> None:
        super().__init__(source, node, pointer)
        self.check = check
        self.sure = sure
        self.beginnings = beginnings


class StringIn(Assertion):
    """One of some strings, given as UTF-8."""

    __slots__ = ("values",)
    applies_to = "string"

    def __init__(self, values: frozenset[bytes], pointer: Pointer = "") -> None:
        super().__init__(pointer)
        self.values = values


class Integer(Assertion):
    """A number without fractional part; ``strict`` (draft 4) also refuses ``1.0``."""

    __slots__ = ("strict",)
    applies_to = "number"

    def __init__(self, strict: bool = False, pointer: Pointer = "") -> None:
        super().__init__(pointer)
        self.strict = strict


class MinValue(Assertion):
    """At least ``bound``, or more than it."""

    __slots__ = ("bound", "exclusive")
    applies_to = "number"

    def __init__(self, bound: Decimal, exclusive: bool = False, pointer: Pointer = "") -> None:
        super().__init__(pointer)
        self.bound = bound
        self.exclusive = exclusive


class MaxValue(Assertion):
    """At most ``bound``, or less than it."""

    __slots__ = ("bound", "exclusive")
    applies_to = "number"

    def __init__(self, bound: Decimal, exclusive: bool = False, pointer: Pointer = "") -> None:
        super().__init__(pointer)
        self.bound = bound
        self.exclusive = exclusive


class MultipleOf(Assertion):
    """An integer multiple of ``divisor`` > 0."""

    __slots__ = ("divisor",)
    applies_to = "number"

    def __init__(self, divisor: Decimal, pointer: Pointer = "") -> None:
        super().__init__(pointer)
        self.divisor = divisor


class NumberIn(Assertion):
    """Equal to one of some numbers, whatever the notation."""

    __slots__ = ("values",)
    applies_to = "number"

    def __init__(self, values: frozenset[Decimal], pointer: Pointer = "") -> None:
        super().__init__(pointer)
        self.values = values


class Properties(Assertion):
    """Values of properties: by name, by pattern of the name, and of the rest.

    ``patterns`` holds (Pattern, formula) pairs; ``additional`` applies to names that
    neither ``named`` nor a pattern covers; None leaves them free and unevaluated.
    """

    __slots__ = ("additional", "named", "patterns")
    applies_to = "object"

    def __init__(
        self,
        named: dict[bytes, Formula],
        patterns: tuple[tuple[Pattern, Formula], ...],
        additional: Formula | None,
        pointer: Pointer = "",
    ) -> None:
        super().__init__(pointer)
        self.named = named
        self.patterns = patterns
        self.additional = additional


class PropertyNames(Assertion):
    """Every property name, taken as a string value, satisfies ``formula``."""

    __slots__ = ("formula",)
    applies_to = "object"

    def __init__(self, formula: Formula, pointer: Pointer = "") -> None:
        super().__init__(pointer)
        self.formula = formula


class Required(Assertion):
    """These names are present."""

    __slots__ = ("names",)
    applies_to = "object"

    def __init__(self, names: frozenset[bytes], pointer: Pointer = "") -> None:
        super().__init__(pointer)
        self.names = names


class CountIs(Assertion):
    """Number of properties (``of="object"``) or items (``of="array"``) between two bounds."""

    __slots__ = ("high", "low", "of")

    def __init__(self, of: str, low: int, high: int | None, pointer: Pointer = "") -> None:
        super().__init__(pointer)
        self.of = of
        self.low = low
        self.high = high

    @property
    def applies_to(self) -> str:  # type: ignore[override]
        return self.of


class Items(Assertion):
    """Items by position: ``prefix`` first, then ``rest`` (None leaves them free and unevaluated)."""

    __slots__ = ("prefix", "rest")
    applies_to = "array"

    def __init__(self, prefix: tuple[Formula, ...], rest: Formula | None, pointer: Pointer = "") -> None:
        super().__init__(pointer)
        self.prefix = prefix
        self.rest = rest


class Contains(Assertion):
    """Between ``low`` and ``high`` items satisfy ``formula``; ``evaluates`` from 2020-12 on."""

    __slots__ = ("evaluates", "formula", "high", "low")
    applies_to = "array"

    def __init__(self, formula: Formula, low: int, high: int | None, evaluates: bool, pointer: Pointer = "") -> None:
        super().__init__(pointer)
        self.formula = formula
        self.low = low
        self.high = high
        self.evaluates = evaluates


class UniqueItems(Assertion):
    """No two items are equal."""

    __slots__ = ()
    applies_to = "array"


class UnevaluatedProperties(Assertion):
    """``formula`` holds for every property that no successful sibling evaluated.

    ``evaluators`` are (condition, assertion) pairs: where the condition holds of the
    object, the ``Properties`` (or nested ``UnevaluatedProperties``) assertion counts the
    names it covers as evaluated.
    """

    __slots__ = ("evaluators", "formula")
    applies_to = "object"

    def __init__(
        self, formula: Formula, evaluators: tuple[tuple[Formula, Assertion], ...] = (), pointer: Pointer = ""
    ) -> None:
        super().__init__(pointer)
        self.formula = formula
        self.evaluators = evaluators


class UnevaluatedItems(Assertion):
    """The same for items; evaluators are ``Items``, ``Contains`` and nested ``UnevaluatedItems``."""

    __slots__ = ("evaluators", "formula")
    applies_to = "array"

    def __init__(
        self, formula: Formula, evaluators: tuple[tuple[Formula, Assertion], ...] = (), pointer: Pointer = ""
    ) -> None:
        super().__init__(pointer)
        self.formula = formula
        self.evaluators = evaluators
