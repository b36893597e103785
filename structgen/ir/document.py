"""What a JSON document must satisfy: boolean formulas over assertions on one value.

A schema becomes a *formula*. Its leaves are *assertions* that one JSON type can decide on
its own (``MinLength`` for strings, ``Required`` for objects); ``TypeIs`` leaves test the
type; ``Ref`` leaves name another schema location and are resolved on first use, so that
recursion costs nothing and what nobody reaches is never built. Applicators of JSON Schema
(``allOf``, ``anyOf``, ``oneOf``, ``not``, ``if``) are the connectives, and nothing else is
needed: JSON under brackets is a visibly pushdown language, closed under all of them
(Alur and Madhusudan 2004).

Assertions compare by identity: each keyword occurrence is its own leaf, so a frame can say
which occurrence has failed. ``And``/``Or`` drop duplicates and units when built; connectives over the same
parts are one object, so residual formulas that were reached in different ways meet again.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import count
from operator import attrgetter
from typing import Any, ClassVar, Protocol, runtime_checkable

from structgen.ir.pointers import Pointer, spelled

__all__ = [
    "FALSE",
    "JSON_TYPES",
    "TRUE",
    "And",
    "Assertion",
    "ConstantFormula",
    "Contains",
    "CountIs",
    "Format",
    "Formula",
    "Integer",
    "Items",
    "MaxValue",
    "MinValue",
    "MultipleOf",
    "Not",
    "NumberIn",
    "OneOf",
    "Or",
    "Pattern",
    "Properties",
    "PropertyNames",
    "Ref",
    "Required",
    "StringIn",
    "StringLength",
    "TypeIs",
    "UnevaluatedItems",
    "UnevaluatedProperties",
    "UniqueItems",
    "ValueIn",
    "conjunction",
    "disjunction",
    "negation",
]

JSON_TYPES = ("null", "true", "false", "number", "string", "array", "object")
"""How values are told apart by their first byte; booleans are two constants."""

_uids = count(1)
_uid = attrgetter("uid")


class Formula:
    """A truth about one JSON value.

    The kinds that are made most, a dozen for every value that is met, fill these slots themselves: going through
    ``super`` takes twice as long.
    """

    __slots__ = ("joined", "leaves", "uid", "where")

    def __init__(self, pointer: Pointer = "") -> None:
        self.uid = next(_uids)
        self.where = pointer
        self.leaves: dict[int, Assertion] | None = None
        """Assertions by uid, once ``formulas.assertions_of`` has collected them."""
        self.joined: dict[tuple[Any, ...], Formula] | None = None
        """Connectives of which this is the youngest part, by their kind and the uids of their parts."""

    @property
    def pointer(self) -> str:
        """Where the schema says so."""
        return spelled(self.where)


class ConstantFormula(Formula):
    """Always or never true."""

    __slots__ = ("value",)

    def __init__(self, value: bool) -> None:
        super().__init__()
        self.value = value

    def __repr__(self) -> str:
        return "TRUE" if self.value else "FALSE"


TRUE = ConstantFormula(True)
FALSE = ConstantFormula(False)


class Connective(Formula):
    """What is said of the truth of some parts."""

    __slots__ = ("parts",)

    def __init__(self, parts: tuple[Formula, ...]) -> None:
        self.uid = next(_uids)
        self.where = ""
        self.leaves = self.joined = None
        self.parts = parts


class And(Connective):
    """All parts hold; at least two parts, none constant, none itself an ``And``."""

    __slots__ = ()


class Or(Connective):
    """Some part holds."""

    __slots__ = ()


class OneOf(Connective):
    """Exactly one part holds; parts may repeat."""

    __slots__ = ()


class Not(Formula):
    """The part does not hold."""

    __slots__ = ("part",)

    def __init__(self, part: Formula) -> None:
        super().__init__()
        self.part = part


class Ref(Formula):
    """The formula of another schema location, resolved by the source that made it."""

    __slots__ = ("location",)

    def __init__(self, location: Any, pointer: Pointer = "") -> None:
        self.uid = next(_uids)
        self.where = pointer
        self.leaves = self.joined = None
        self.location = location


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


FIRST = 1 << 20
"""The kind of pieces of which only the first character matters, if nothing else does."""


class Beginnings(Protocol):
    """What is known of the beginnings of texts that a judge decides about."""

    def __call__(self, text: str) -> bool:
        """Whether ``text`` can be gone on with to a right end, as far as can be told; False is certain."""
        ...

    def endings(self, text: str) -> Iterator[str]:
        """Likely ways to end ``text``; there may be others."""
        ...


@runtime_checkable
class PieceBeginnings(Beginnings, Protocol):
    """Beginnings of which it is known what pieces of text may make a difference."""

    def kind_of(self, token: str) -> int:
        """What a piece of text may change: a set of bits."""
        ...

    def doubtful(self, text: str) -> int:
        """The kinds of pieces after which, behind ``text``, the beginning must be judged again."""
        ...

    def may_spoil(self, text: str, piece: str) -> bool:
        """Whether ``piece`` may be wrong behind ``text``, which is not; at a glance, where judging takes long."""
        ...


@runtime_checkable
class HostBeginnings(Beginnings, Protocol):
    """Beginnings of host names, which compiled code judges (``automata.document.hosts``)."""

    international: bool

    def complete(self, label: str) -> tuple[bool, bool] | None:
        """Whether a whole label has letters from the right, and whether it may stand beside some; None for no label."""
        ...

    def traits(self) -> array[int]:
        """What is known of each code point, as ``kernels.hosts`` has it."""
        ...

    def unstable_pairs(self) -> list[tuple[int, int]]:
        """Sorted pairs of code points that are not in normal form C one behind the other."""
        ...


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


def _interned(kind: type[Connective], parts: Sequence[Formula], uids: Sequence[int]) -> Formula:
    """The one connective of its kind over these parts, in whatever order; ``uids`` are theirs, ascending.

    The youngest part knows it: nothing over all of these parts can be older, and it is forgotten with them. A table of
    weak references for all formulas cost five times as much.
    """
    youngest = parts[-1]
    if youngest.uid != uids[-1]:
        youngest = max(parts, key=_uid)
    joined = youngest.joined
    if joined is None:
        joined = youngest.joined = {}
    key = (kind, *uids)
    found = joined.get(key)
    if found is None:
        found = joined.setdefault(key, kind(tuple(parts)))
    return found


def conjunction(parts: Iterable[Formula]) -> Formula:
    """All of ``parts``, flattened; FALSE absorbs, TRUE and repeats vanish, and a part excludes its negation."""
    flat: dict[int, Formula] = {}
    for part in parts:
        kind = type(part)
        if kind is And:
            for inner in part.parts:  # type: ignore[attr-defined]
                flat[inner.uid] = inner
        elif kind is not ConstantFormula:
            flat[part.uid] = part
        elif part is FALSE:
            return FALSE
    if len(flat) == 1:
        return flat.popitem()[1]
    return _connected(flat, And, FALSE) if flat else TRUE


def disjunction(parts: Iterable[Formula]) -> Formula:
    """Any of ``parts``, flattened; TRUE absorbs, FALSE and repeats vanish, and so does a part beside its negation."""
    flat: dict[int, Formula] = {}
    for part in parts:
        kind = type(part)
        if kind is Or:
            for inner in part.parts:  # type: ignore[attr-defined]
                flat[inner.uid] = inner
        elif kind is not ConstantFormula:
            flat[part.uid] = part
        elif part is TRUE:
            return TRUE
    if len(flat) == 1:
        return flat.popitem()[1]
    return _connected(flat, Or, TRUE) if flat else FALSE


def _connected(flat: dict[int, Formula], kind: type[And] | type[Or], clash: Formula) -> Formula:
    """What connects two parts or more (by uid), none a constant; ``clash`` where one stands beside its negation."""
    found = list(flat.values())
    for part in found:
        if type(part) is Not and _all_of(part.part, flat, kind):
            return clash
    return _interned(kind, found, sorted(flat))


def _all_of(formula: Formula, parts: dict[int, Formula], kind: type[And] | type[Or]) -> bool:
    """Whether ``formula``, or each of its parts if it is of ``kind``, is among ``parts``."""
    if formula.uid in parts:
        return True
    return type(formula) is kind and all(part.uid in parts for part in formula.parts)


def negation(part: Formula) -> Formula:
    """Not ``part``; double negation vanishes."""
    if part is TRUE:
        return FALSE
    if part is FALSE:
        return TRUE
    if type(part) is Not:
        return part.part
    joined = part.joined
    if joined is None:
        joined = part.joined = {}
    found = joined.get((Not,))
    return found if found is not None else joined.setdefault((Not,), Not(part))


def exactly_one(parts: Iterable[Formula]) -> Formula:
    """Exactly one of ``parts`` holds; constants are folded away."""
    kept: list[Formula] = []
    n_true = 0
    for part in parts:
        if part is TRUE:
            n_true += 1
        elif part is not FALSE:
            kept.append(part)
    if n_true > 1:
        return FALSE
    if n_true == 1:
        return conjunction(negation(part) for part in kept)
    if not kept:
        return FALSE
    if len(kept) == 1:
        return kept[0]
    return _interned(OneOf, kept, sorted([part.uid for part in kept]))
