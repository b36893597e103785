"""A bound constraint as a potential: 0 where it allows, ``-inf`` where it does not.

For whoever wants the protocol ``prefix``, ``complete``, ``logw_next`` itself, such as a
critic; samplers take constraints directly and use their masks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from structgen.potentials.cursor import set_token_ids
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["ConstraintPotential"]


class ConstraintPotential:
    """A ``TokenConstraint`` as a ``Potential``; replays the prefix at every call."""

    def __init__(self, token_constraint: Any) -> None:
        self._constraint = token_constraint
        self.vocabulary: Vocabulary = token_constraint.vocabulary

    def prefix(self, token_ids: Sequence[int]) -> float:
        """0 where some completion is valid, else ``-inf``."""
        return 0.0 if self._matcher(token_ids) is not None else -math.inf

    def complete(self, token_ids: Sequence[int]) -> float:
        """0 where the text is valid as it is, else ``-inf``."""
        matcher = self._matcher(token_ids)
        return 0.0 if matcher is not None and matcher.is_accepting else -math.inf

    def logw_next(self, token_ids: Sequence[int]) -> npt.NDArray[np.float64]:
        """(V,) 0 or ``-inf``."""
        weights = np.full(self.vocabulary.n_tokens, -math.inf)
        matcher = self._matcher(token_ids)
        if matcher is not None:
            row = np.zeros(self.vocabulary.n_words, dtype=np.uint32)
            matcher.fill_mask(row)
            weights[set_token_ids(row, len(weights))] = 0.0
        return weights

    def _matcher(self, token_ids: Sequence[int]) -> Any:
        """A matcher after these tokens; None where they are not a viable prefix."""
        matcher = self._constraint.start()
        row = np.zeros(self.vocabulary.n_words, dtype=np.uint32)
        for token_id in token_ids:
            matcher.fill_mask(row)
            if not row[token_id >> 5] >> np.uint32(token_id & 31) & np.uint32(1):
                return None
            matcher.advance(token_id)
        return matcher
