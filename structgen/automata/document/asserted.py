"""What a formula says type by type, where it is a conjunction that can be read off.

Nearly every value of a real schema has one type, or some, and assertions beside it. Asking a ``Reducer`` for each of
seven types builds a formula for each of them; here one look sorts the parts. What cannot be read off (alternatives,
negations, lists of constants that are containers) is left to the ``Reducer``, for the types that are not excluded.
"""

from __future__ import annotations

from typing import NamedTuple

from structgen.automata.document.formulas import Reducer
from structgen.ir.document import JSON_TYPES, Assertion, TypeIs, ValueIn
from structgen.ir.formulas import FALSE, TRUE, And, Formula, OneOf, Or, Ref

__all__ = ["NO_PARTS", "Asserted", "asserted", "must_parts"]

_ALL = frozenset(JSON_TYPES)
NO_PARTS: dict[str, list[Assertion] | None] = {}
"""Nothing asserted of any type."""


class Asserted(NamedTuple):
    """What a value of each type must be."""

    types: frozenset[str]
    """Types outside of which nothing satisfies the formula."""
    parts: dict[str, list[Assertion] | None] | None
    """Assertions that must all hold, by type, which has no entry where none must; None: they cannot be read off."""

    def of(self, kind: str) -> list[Assertion] | None:
        """The assertions that must hold of values of type ``kind``; None where they cannot be read off."""
        return None if self.parts is None else self.parts.get(kind, [])


def asserted(formula: Formula, reduce: Reducer) -> Asserted:
    """What ``formula`` says type by type, as a glance tells."""
    formula = reduce.expanded(formula)
    if type(formula) is TypeIs:
        return Asserted(formula.types, NO_PARTS)
    if formula is TRUE:
        return Asserted(_ALL, NO_PARTS)
    return _all([*formula.parts] if type(formula) is And else [formula], reduce)


def _all(todo: list[Formula], reduce: Reducer) -> Asserted:
    """What a conjunction says; what references in it stand for is put in their place."""
    types = _ALL
    parts: dict[str, list[Assertion] | None] = {}
    is_told = True
    met: set[int] = set()
    for number, part in enumerate(todo):  # grows behind ``number``
        kind = type(part)
        if kind is TypeIs:
            types = types & part.types if types is not _ALL else part.types  # type: ignore[attr-defined]
        elif isinstance(part, Assertion):
            known = parts.setdefault(part.applies_to, [])
            if known is not None and (not met or part not in known):
                known.append(part)
        elif kind is ValueIn:
            types = types.intersection(part.by_type)  # type: ignore[attr-defined]
            _add_values(part, parts)  # type: ignore[arg-type]
        elif kind is Ref:
            found = reduce.expanded(part)
            if found.uid in met:
                is_told = False  # it may lead back to itself, which the reducer tells
            elif found is not TRUE:
                met.add(found.uid)
                todo[number + 1 : number + 1] = found.parts if type(found) is And else (found,)
        else:
            is_told = False
            types = types & _types_of(part, reduce)
    return Asserted(types, parts if is_told else None)


def _add_values(part: ValueIn, parts: dict[str, list[Assertion] | None]) -> None:
    """Add what a list of constants says of each type that it has."""
    for kind, formula in part.by_type.items():
        if formula is TRUE:
            continue
        known = parts.setdefault(kind, [])
        if not isinstance(formula, Assertion):
            parts[kind] = None
        elif known is not None and formula not in known:
            known.append(formula)


def _types_of(formula: Formula, reduce: Reducer) -> frozenset[str]:
    """Types outside of which nothing satisfies a formula, by the types that it, or each alternative, names itself."""
    formula = reduce.expanded(formula)
    if type(formula) is Or or type(formula) is OneOf:
        return frozenset().union(*(_types_named(reduce.expanded(part)) for part in formula.parts))
    return _types_named(formula)


def _types_named(formula: Formula) -> frozenset[str]:
    """The same for an expanded formula, whose alternatives are not looked at."""
    if type(formula) is And:
        return next((part.types for part in formula.parts if type(part) is TypeIs), _ALL)
    if type(formula) is ValueIn:
        return frozenset(formula.by_type)
    if type(formula) is TypeIs:
        return formula.types
    return frozenset() if formula is FALSE else _ALL


def must_parts(formula: Formula) -> list[Assertion] | None:
    """The assertions of a plain conjunction; None where the formula is more than that."""
    if formula is TRUE:
        return []
    if isinstance(formula, Assertion):
        return [formula]
    if type(formula) is And and all(isinstance(part, Assertion) for part in formula.parts):
        return list(formula.parts)  # type: ignore[arg-type]
    return None
