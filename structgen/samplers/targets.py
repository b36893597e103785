"""Targets that are no compiled constraint, seen as one: predicates and products, for samplers that need a mask.

Masking wants the verdict on every token. A compiled constraint has it at hand; a predicate is
asked about every token that the other factors leave. That is dear (tens of milliseconds per
token where nothing else narrows the choice), exact, and what AWRS and SMC exist to avoid.
Soft factors have no mask and are refused by name.
"""

from __future__ import annotations

from typing import Any

from structgen.dtypes import TokenMask
from structgen.errors import UnsupportedError
from structgen.potentials.cursor import Bound, CheckCounter, Cursor
from structgen.samplers.draw import full_mask

__all__ = ["MaskedTarget", "TargetMatcher"]


class MaskedTarget:
    """A bound target with ``start``, as a ``TokenConstraint`` has it."""

    def __init__(self, bound: Bound) -> None:
        self.bound = bound
        self.vocabulary = bound.vocabulary

    def start(self) -> TargetMatcher:
        """A matcher before the first token.

        Raises
        ------
        UnsatisfiableError : a predicate refuses the empty prefix
        """
        checks = CheckCounter()
        return TargetMatcher(self, self.bound.begin(checks), checks)


class TargetMatcher:
    """One sequence under a target; the part of ``Matcher`` that samplers use.

    Attributes
    ----------
    checks : what was asked so far, shared with its forks
    """

    def __init__(self, source: MaskedTarget, cursor: Cursor, checks: CheckCounter) -> None:
        self._source = source
        self._cursor = cursor
        self.checks = checks

    def fill_mask(self, row: TokenMask, budget: int | None = None) -> None:
        """Overwrite ``row`` with the tokens that may follow; the last token of a budget ends the text.

        Raises
        ------
        UnsupportedError : a factor weighs tokens instead of allowing them
        """
        vocabulary = self._source.vocabulary
        if self._cursor.log_factors() is not None:
            raise UnsupportedError(
                "masking cannot follow a potential that weighs tokens",
                keyword="potential",
                hint="use AWRS, SMC, ASAp or MCMC",
            )
        row[:] = full_mask(vocabulary.n_tokens)
        if budget is not None and budget <= 1:
            row[:] = 0
            for end in vocabulary.eos_ids:
                row[end >> 5] |= row.dtype.type(1 << (end & 31))
        self._cursor.narrow(row, budget)
        self._cursor.settle(row)

    def advance(self, token_id: int) -> None:
        """Append an allowed token."""
        self._cursor.advance(token_id)

    def fork(self) -> TargetMatcher:
        """An independent matcher at the same place."""
        return TargetMatcher(self._source, self._cursor.fork(), self.checks)

    def forced_tokens(self) -> tuple[int, ...]:
        """None: finding out would cost more questions than a forward pass is worth."""
        return ()

    @property
    def is_accepting(self) -> bool:
        """Whether the text may end here."""
        row: Any = full_mask(self._source.vocabulary.n_tokens)
        self.fill_mask(row, 1)
        return bool(row.any())
