"""Boolean formulas on one JSON value: the connectives, constants and references, not yet what they connect.

A schema becomes a *formula*. Its leaves are the assertions of ``ir.document``; ``Ref`` leaves name another schema
location and are resolved on first use, so that recursion costs nothing and what nobody reaches is never built.
Applicators of JSON Schema (``allOf``, ``anyOf``, ``oneOf``, ``not``, ``if``) are the connectives, and nothing else is
needed: JSON under brackets is a visibly pushdown language, closed under all of them (Alur and Madhusudan 2004).

``And``/``Or`` drop duplicates and units when built; connectives over the same parts are one object, so residual
formulas that were reached in different ways meet again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import count
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from structgen.ir.pointers import Pointer, spelled

if TYPE_CHECKING:
    from structgen.ir.document import Assertion

__all__ = [
    "FALSE",
    "TRUE",
    "And",
    "Connective",
    "ConstantFormula",
    "Formula",
    "Not",
    "OneOf",
    "Or",
    "Ref",
    "conjunction",
    "disjunction",
    "exactly_one",
    "negation",
]

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
