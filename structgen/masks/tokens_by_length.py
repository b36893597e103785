"""Tokens by the characters they add, so that masks of texts with a bounded length take no look at every token."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from structgen.dtypes import TokenMask, freeze
from structgen.kernels.content_walk import allow_tokens, forbid_tokens

__all__ = ["TokensByLength"]


@dataclass(frozen=True, slots=True)
class TokensByLength:
    """Some tokens, the shortest first."""

    tokens: npt.NDArray[np.int32]
    ends: npt.NDArray[np.int64]
    """How many of ``tokens`` have at most so many characters."""
    rows: dict[int, TokenMask] = field(default_factory=dict)
    """What has been asked for, by the most characters."""

    @classmethod
    def of(cls, tokens: npt.NDArray[np.integer], characters: npt.NDArray[np.integer]) -> TokensByLength:
        """``tokens`` (n,), each with its number of characters."""
        order = np.argsort(characters, kind="stable")
        lengths = np.arange(int(characters.max(initial=0)) + 1)
        ends = np.searchsorted(characters[order], lengths, side="right")
        return cls(freeze(tokens[order], np.int32), ends.astype(np.int64))

    def between(self, least: int, most: int) -> npt.NDArray[np.int32]:
        """The tokens with more than ``least`` characters and at most ``most``."""
        start, end = (int(self.ends[min(n, len(self.ends) - 1)]) if n >= 0 else 0 for n in (least, most))
        return self.tokens[start:end]

    def content(self, most: int, n_words: int) -> TokenMask:
        """The mask of those with at most ``most`` characters; read-only.

        Long tokens are few: where most tokens stay, the others are taken out of the mask of all.
        """
        most = max(0, min(most, len(self.ends) - 1))
        found = self.rows.get(most)
        if found is None:
            n = int(self.ends[most])
            if 2 * n > len(self.tokens) and most < len(self.ends) - 1:
                found = self.content(len(self.ends) - 1, n_words).copy()
                forbid_tokens(self.tokens[n:], found)
            else:
                found = np.zeros(n_words, np.uint32)
                allow_tokens(self.tokens[:n], found)
            found.flags.writeable = False
            self.rows[most] = found
        return found
