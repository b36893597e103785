"""Formulas over strings as one automaton, combined connective by connective.

The product of all assertions tells every vector of verdicts apart, which a parent that asks for several needs. Where
one formula must hold, only its truth matters: then connectives are combined one after the other and each
result is minimised, so that what the formula does not tell apart costs no states. Twenty patterns
under ``not``, ``anyOf`` and ``allOf`` whose product has millions of states come down to hundreds.
"""

from __future__ import annotations

from collections.abc import Callable

from structgen.automata import ops
from structgen.automata.dfa import EMPTY, Dfa
from structgen.ir.document import Assertion
from structgen.ir.formulas import FALSE, TRUE, And, Formula, Not, OneOf

__all__ = ["formula_dfa"]


def formula_dfa(formula: Formula, leaf: Callable[[Assertion], Dfa]) -> Dfa:
    """The texts for which a reduced formula is true; ``leaf`` gives the automaton of an assertion.

    Raises
    ------
    LimitError : some combination has too many states
    """
    if formula is TRUE:
        return ops.universal()
    if formula is FALSE:
        return EMPTY
    if isinstance(formula, Assertion):
        return leaf(formula)
    if type(formula) is Not:
        return ops.difference(ops.universal(), formula_dfa(formula.part, leaf))
    parts: tuple[Formula, ...] = formula.parts  # type: ignore[attr-defined]
    if type(formula) is And:
        return _all(parts, leaf)
    if type(formula) is OneOf:
        return _exactly_one([formula_dfa(part, leaf) for part in parts])
    found = EMPTY
    for dfa in sorted((formula_dfa(part, leaf) for part in parts), key=_size):
        found = ops.union(found, dfa)
    return found


def _size(dfa: Dfa) -> int:
    return dfa.n_states


def _all(parts: tuple[Formula, ...], leaf: Callable[[Assertion], Dfa]) -> Dfa:
    """An intersection, small automata first; what is refused is taken away, which needs no complement."""
    wanted = sorted((formula_dfa(part, leaf) for part in parts if type(part) is not Not), key=_size)
    refused = sorted((formula_dfa(part.part, leaf) for part in parts if type(part) is Not), key=_size)
    found = ops.universal()
    for dfa in wanted:
        found = ops.intersect(found, dfa)
    for dfa in refused:
        found = ops.difference(found, dfa)
    return found


def _exactly_one(dfas: list[Dfa]) -> Dfa:
    some, several = EMPTY, EMPTY
    for dfa in dfas:
        several = ops.union(several, ops.intersect(some, dfa))
        some = ops.union(some, dfa)
    return ops.difference(some, several)
