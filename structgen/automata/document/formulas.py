"""Formulas at work: by type, after a failure, and at the end of a value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from structgen.errors import SchemaError
from structgen.ir.document import JSON_TYPES, Assertion, TypeIs, ValueIn
from structgen.ir.formulas import (
    FALSE,
    TRUE,
    And,
    Formula,
    Not,
    OneOf,
    Or,
    Ref,
    conjunction,
    disjunction,
    exactly_one,
    negation,
)

__all__ = ["Reducer", "after_failures", "all_assertions", "assertions_of", "evaluate", "negative_uids", "substitute"]

_LEADS_BACK = "the reference leads back to itself without reading anything"


class Reducer:
    """Formulas as one JSON type sees them: references expanded, other types' assertions gone.

    Memoised per formula and type, so equal subformulas stay the same object.
    """

    def __init__(self, resolve: Callable[[Ref], Formula]) -> None:
        self._resolve = resolve
        self._memo: dict[str, dict[int, Formula]] = {of: {} for of in JSON_TYPES}
        self._open: set[int] = set()

    def __call__(self, formula: Formula, of: str) -> Formula:
        """``formula`` for values of JSON type ``of`` (a name of ``JSON_TYPES``)."""
        if formula is TRUE or formula is FALSE:
            return formula
        memo = self._memo[of]
        found = memo.get(formula.uid)
        if found is None:
            found = memo[formula.uid] = self._reduce(formula, of)
        return found

    def expanded(self, formula: Formula) -> Formula:
        """``formula`` itself, or what it stands for if it is a reference."""
        seen = set()
        while type(formula) is Ref:
            target = self._resolve(formula)
            if target.uid in seen:
                raise SchemaError(_LEADS_BACK, pointer=formula.pointer)
            seen.add(target.uid)
            formula = target
        return formula

    def _reduce(self, formula: Formula, of: str) -> Formula:
        if isinstance(formula, Assertion):
            return formula if formula.applies_to == of else TRUE
        kind = type(formula)
        if kind is Ref:
            return self._expand(formula, of)  # type: ignore[arg-type]
        if kind is TypeIs:
            return TRUE if of in formula.types else FALSE  # type: ignore[attr-defined]
        if kind is ValueIn:
            return self(formula.by_type.get(of, FALSE), of)  # type: ignore[attr-defined]
        if kind is Not:
            return negation(self(formula.part, of))  # type: ignore[attr-defined]
        if kind is And:
            return self._all(formula.parts, of)  # type: ignore[attr-defined]
        parts = [self(part, of) for part in formula.parts]  # type: ignore[attr-defined]
        return disjunction(parts) if kind is Or else exactly_one(parts)

    def _all(self, parts: tuple[Formula, ...], of: str) -> Formula:
        """A conjunction; mostly ``type`` rules it out, and then nothing else is looked at."""
        for part in parts:
            if type(part) is TypeIs and of not in part.types:
                return FALSE
        found = []
        for part in parts:
            reduced = self(part, of)
            if reduced is FALSE:
                return FALSE
            if reduced is not TRUE:
                found.append(reduced)
        return conjunction(found)

    def _expand(self, ref: Ref, of: str) -> Formula:
        target = self._resolve(ref)
        if target.uid in self._open:
            raise SchemaError(_LEADS_BACK, pointer=ref.pointer)
        self._open.add(target.uid)
        try:
            return self(target, of)
        finally:
            self._open.discard(target.uid)


def assertions_of(formula: Formula) -> Mapping[int, Assertion]:
    """The assertions of a reduced formula by uid, in order; collected once per formula."""
    found = formula.leaves
    if found is None:
        if isinstance(formula, Assertion):
            return {formula.uid: formula}
        found = {}
        if type(formula) is Not:
            found = dict(assertions_of(formula.part))
        elif isinstance(formula, And | Or | OneOf):
            for part in formula.parts:
                found.update(assertions_of(part))
        formula.leaves = found
    return found


def all_assertions(forms: Iterable[Formula]) -> dict[int, Assertion]:
    """The assertions of several reduced formulas by uid."""
    found: dict[int, Assertion] = {}
    for form in forms:
        found.update(assertions_of(form))
    return found


def negative_uids(formula: Formula, positive: bool = True) -> frozenset[int]:
    """The assertions (uids) whose failure may make a reduced formula true: under ``not``, or one of exactly one."""
    if isinstance(formula, Assertion):
        return frozenset() if positive else frozenset((formula.uid,))
    kind = type(formula)
    if kind is Not:
        return negative_uids(formula.part, not positive)  # type: ignore[attr-defined]
    if kind is OneOf:
        return frozenset(assertions_of(formula))
    parts: tuple[Formula, ...] = getattr(formula, "parts", ())
    return frozenset().union(*(negative_uids(part, positive) for part in parts))


def substitute(formula: Formula, table: dict[int, Formula]) -> Formula:
    """A reduced formula with some assertions (by uid) replaced.

    Searches ask for little else, mostly about one assertion among the parts of a long alternative, so parts that have
    none of them are passed over without a call.
    """
    if isinstance(formula, Assertion):
        return table.get(formula.uid, formula)
    replaced = table.keys()
    if replaced.isdisjoint(assertions_of(formula).keys()):
        return formula
    kind = type(formula)
    if kind is Not:
        return negation(substitute(formula.part, table))  # type: ignore[attr-defined]
    parts: list[Formula] = []
    for part in formula.parts:  # type: ignore[attr-defined]
        is_untouched = part.leaves is not None and replaced.isdisjoint(part.leaves.keys())
        after = part if is_untouched else substitute(part, table)
        if (after is FALSE and kind is And) or (after is TRUE and kind is Or):
            return after
        parts.append(after)
    if kind is And:
        return conjunction(parts)
    return disjunction(parts) if kind is Or else exactly_one(parts)


def after_failures(forms: tuple[Formula, ...], failed: dict[int, tuple[Assertion, Formula]]) -> tuple[Formula, ...]:
    """``forms`` once some assertions (by uid) have failed.

    Each comes with a *cover*: FALSE where the failure is final, else a condition that
    excuses it, so that the assertion stays, together with the condition as it stands after
    the other failures.
    """
    if not failed:
        return forms
    lost: dict[int, Formula] = {uid: FALSE for uid, (_, cover) in failed.items() if cover is FALSE}
    table = dict(lost)
    for uid, (part, cover) in failed.items():
        if cover is not FALSE:
            table[uid] = conjunction([part, substitute(cover, lost)])
    return tuple(substitute(form, table) for form in forms)


def evaluate(formula: Formula, truth: Callable[[Assertion], bool]) -> bool:
    """The value of a reduced formula once every assertion is decided."""
    if isinstance(formula, Assertion):
        return truth(formula)
    kind = type(formula)
    if kind is Not:
        return not evaluate(formula.part, truth)  # type: ignore[attr-defined]
    if kind is And or kind is Or:
        # A loop, for a generator takes half as long again, and completions of objects are judged part by part.
        decisive = kind is Or
        for part in formula.parts:  # type: ignore[attr-defined]
            if evaluate(part, truth) == decisive:
                return decisive
        return not decisive
    if kind is OneOf:
        n_true = 0
        for part in formula.parts:  # type: ignore[attr-defined]
            n_true += evaluate(part, truth)
            if n_true > 1:
                return False
        return n_true == 1
    return formula is TRUE
