"""Products: several things that weigh sequences, as one target.

``product(constraint, predicate, repetition)`` is the target "all of them": hard factors
intersect, soft factors multiply. Whatever a user may pass as ``constraint=`` becomes a
``Bound`` here:

- ``None``: anything goes;
- a ``Constraint`` or ``TokenConstraint``: a mask, exact and without questions;
- a ``Predicate``: asked one token at a time;
- any ``Potential`` (``prefix``, ``complete``, ``logw_next``): soft factors, ``-inf`` forbids;
- a list, tuple or ``Product`` of these.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from structgen.dtypes import TokenMask
from structgen.errors import PredicateError, VocabularyError
from structgen.potentials.cursor import Bound, CheckCounter, Cursor, Free, base_mask
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["Product", "bind_target", "product"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Product:
    """Several factors, not yet bound; see ``product``."""

    factors: tuple[Any, ...]

    def bind(self, vocabulary: Vocabulary) -> BoundProduct:
        """All factors over this vocabulary's tokens."""
        return BoundProduct(tuple(bind_target(factor, vocabulary) for factor in self.factors), vocabulary)


def product(*factors: Any) -> Product:
    """The target that satisfies all the factors; masks are used first, questions asked last.

    Parameters
    ----------
    factors : constraints, predicates, potentials, products

    Examples
    --------
    >>> product(None, None)
    Product(factors=(None, None))
    """
    return Product(factors)


def bind_target(target: Any, vocabulary: Vocabulary) -> Bound:
    """Whatever may stand for a target, bound to the vocabulary.

    Raises
    ------
    VocabularyError : it is bound to another vocabulary already
    TypeError : it is none of the things listed in this module's docstring
    """
    if target is None:
        return BoundFree(vocabulary)
    if isinstance(target, list | tuple):
        return Product(tuple(target)).bind(vocabulary)
    if isinstance(target, Bound):
        bound: Bound = _same_vocabulary(target, vocabulary)
        return bound
    if hasattr(target, "start") and hasattr(target, "machine"):
        return BoundMask(_same_vocabulary(target, vocabulary))
    if hasattr(target, "bind"):
        return bind_target(target.bind(vocabulary), vocabulary)
    if hasattr(target, "logw_next"):
        return BoundPotential(target, vocabulary)
    raise TypeError(f"a {type(target).__name__} is no constraint, predicate or potential")


def _same_vocabulary(bound: Any, vocabulary: Vocabulary) -> Any:
    if bound.vocabulary is not vocabulary and bound.vocabulary != vocabulary:
        raise VocabularyError("the constraint is bound to another vocabulary than the model's")
    return bound


class BoundFree:
    """No constraint."""

    key = "free"

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary

    def begin(self, checks: CheckCounter) -> Cursor:
        return Free()


class BoundMask:
    """A compiled constraint: its matcher's masks."""

    def __init__(self, token_constraint: Any) -> None:
        self.token_constraint = token_constraint
        self.vocabulary: Vocabulary = token_constraint.vocabulary
        self.key = str(getattr(token_constraint, "key", "") or "")

    def begin(self, checks: CheckCounter) -> Cursor:
        return MaskCursor(self.token_constraint.start(), checks)


class MaskCursor:
    """One sequence under a compiled constraint."""

    is_opaque = False

    __slots__ = ("_checks", "_mask", "_matcher")

    def __init__(self, matcher: Any, checks: CheckCounter) -> None:
        self._matcher = matcher
        self._checks = checks
        self._mask: TokenMask | None = None

    def narrow(self, row: TokenMask, budget: int | None = None) -> None:
        if self._mask is None:
            self._mask = np.empty_like(row)
            self._matcher.fill_mask(self._mask, budget)
            self._checks.n += 1
        row &= self._mask

    def settle(self, row: TokenMask) -> None:
        return None

    def allows(self, token_id: int) -> bool:
        return True

    def log_factors(self) -> None:
        return None

    def advance(self, token_id: int) -> None:
        self._matcher.advance(token_id)
        self._mask = None

    def fork(self) -> MaskCursor:
        return MaskCursor(self._matcher.fork(), self._checks)


class BoundPotential:
    """A user's potential: soft factors from ``logw_next``, asked once per prefix."""

    def __init__(self, potential: Any, vocabulary: Vocabulary) -> None:
        self.potential = potential
        self.vocabulary = vocabulary
        self.base = base_mask(vocabulary)
        self.key = str(getattr(potential, "key", "") or "")

    def begin(self, checks: CheckCounter) -> Cursor:
        return PotentialCursor(self, (), checks)


class PotentialCursor:
    """One sequence under a potential."""

    is_opaque = False

    __slots__ = ("_bound", "_checks", "_factors", "_token_ids")

    def __init__(self, bound: BoundPotential, token_ids: tuple[int, ...], checks: CheckCounter) -> None:
        self._bound = bound
        self._token_ids = token_ids
        self._checks = checks
        self._factors: FloatArray | None = None

    def narrow(self, row: TokenMask, budget: int | None = None) -> None:
        row &= self._bound.base

    def settle(self, row: TokenMask) -> None:
        return None

    def allows(self, token_id: int) -> bool:
        return True

    def log_factors(self) -> FloatArray:
        if self._factors is None:
            self._checks.n += 1
            self._factors = self._checked(self._bound.potential.logw_next(self._token_ids))
        return self._factors

    def _checked(self, factors: Any) -> FloatArray:
        vocabulary = self._bound.vocabulary
        found: FloatArray = np.asarray(factors, dtype=np.float64)
        if found.shape != (vocabulary.n_tokens,) or np.isnan(found).any() or (found == np.inf).any():
            what = f"has shape {found.shape}" if found.shape != (vocabulary.n_tokens,) else "holds NaN or +inf"
            raise PredicateError(
                f"the potential's logw_next {what}",
                text=vocabulary.decode(self._token_ids),
                hint=f"({vocabulary.n_tokens},) float64 natural logs; -inf forbids a token",
            )
        return found

    def advance(self, token_id: int) -> None:
        self._token_ids = (*self._token_ids, token_id)
        self._factors = None

    def fork(self) -> PotentialCursor:
        return PotentialCursor(self._bound, self._token_ids, self._checks)


class BoundProduct:
    """Several bound factors."""

    def __init__(self, factors: Sequence[Bound], vocabulary: Vocabulary) -> None:
        self.factors = tuple(factors)
        self.vocabulary = vocabulary
        keys = [factor.key for factor in self.factors]
        self.key = "*".join(keys) if all(keys) else ""

    def begin(self, checks: CheckCounter) -> Cursor:
        return ProductCursor([factor.begin(checks) for factor in self.factors])


class ProductCursor:
    """One sequence under several factors; the first "no" ends the questions."""

    __slots__ = ("_cursors", "is_opaque")

    def __init__(self, cursors: list[Cursor]) -> None:
        self._cursors = cursors
        self.is_opaque = any(cursor.is_opaque for cursor in cursors)

    def narrow(self, row: TokenMask, budget: int | None = None) -> None:
        for cursor in self._cursors:
            cursor.narrow(row, budget)

    def settle(self, row: TokenMask) -> None:
        for cursor in self._cursors:
            cursor.settle(row)

    def allows(self, token_id: int) -> bool:
        return all(cursor.allows(token_id) for cursor in self._cursors)

    def log_factors(self) -> FloatArray | None:
        found = [factors for cursor in self._cursors if (factors := cursor.log_factors()) is not None]
        if not found:
            return None
        total: FloatArray = found[0] if len(found) == 1 else np.sum(found, axis=0)
        return total

    def advance(self, token_id: int) -> None:
        for cursor in self._cursors:
            cursor.advance(token_id)

    def fork(self) -> ProductCursor:
        return ProductCursor([cursor.fork() for cursor in self._cursors])
