"""What samplers ask of a target: which tokens may follow *this* sequence.

A constraint, a predicate, a potential or a product of them is *bound* to a vocabulary and
then *started* once per sequence, as a ``Cursor``. The cursor splits the question by what
an answer costs:

- ``narrow``: clear the mask bits of tokens known to be forbidden, all at once. A compiled
  constraint answers everything here.
- ``allows``: ask about one token. Predicates can only do this (``is_opaque``).
- ``settle``: ask about every token whose bit is still set; what masking needs of an opaque
  factor, and what rejection avoids.
- ``log_factors``: soft factors of the next token, where a factor weighs instead of forbids.

So a product of a compiled constraint and a predicate uses the mask for exact mass and
asks the predicate only about tokens that were drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from structgen.dtypes import WORD, TokenMask
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["Bound", "CheckCounter", "Cursor", "Free", "base_mask", "set_token_ids"]

FloatArray = npt.NDArray[np.float64]


@dataclass(slots=True)
class CheckCounter:
    """How often a run asked: a mask counts once, a predicate once per call."""

    n: int = 0


class Cursor(Protocol):
    """One sequence's place in a target; mutable through ``advance`` alone."""

    @property
    def is_opaque(self) -> bool:
        """Whether tokens that ``narrow`` leaves must still be asked about, one at a time."""
        ...

    def narrow(self, row: TokenMask, budget: int | None = None) -> None:
        """Clear the bits of tokens known to be forbidden, or after which no text completes within ``budget`` tokens."""
        ...

    def settle(self, row: TokenMask) -> None:
        """Clear the bits of all forbidden tokens that ``narrow`` left; asks about each."""
        ...

    def allows(self, token_id: int) -> bool:
        """Whether a token that ``narrow`` left keeps a viable prefix (for end of sequence: is accepted)."""
        ...

    def log_factors(self) -> FloatArray | None:
        """(V,) float64 soft log factors of the next token; None where there are none."""
        ...

    def advance(self, token_id: int) -> None:
        """Append an allowed token that is not end of sequence."""
        ...

    def fork(self) -> Cursor:
        """An independent cursor at the same place."""
        ...


@runtime_checkable
class Bound(Protocol):
    """A target bound to a vocabulary; immutable, shared."""

    @property
    def vocabulary(self) -> Vocabulary: ...

    @property
    def key(self) -> str:
        """Stable name of the language; empty where there is none (then tries cannot be saved)."""
        ...

    def begin(self, checks: CheckCounter) -> Cursor:
        """A cursor before the first token, that counts its questions in ``checks``."""
        ...


def base_mask(vocabulary: Vocabulary) -> TokenMask:
    """Tokens that spell something, and end of sequence: (ceil(V/32),) uint32, a fresh array."""
    bits = np.zeros(vocabulary.n_words * 32, dtype=np.uint8)
    bits[: vocabulary.n_tokens] = np.diff(vocabulary.offsets) > 0
    bits[list(vocabulary.special_ids)] = 0
    bits[list(vocabulary.eos_ids)] = 1
    return np.packbits(bits, bitorder="little").view(WORD)


def set_token_ids(row: TokenMask, n_tokens: int) -> npt.NDArray[np.int64]:
    """Ids whose bit is set, ascending."""
    return np.flatnonzero(np.unpackbits(row.view(np.uint8), bitorder="little")[:n_tokens])


class Free:
    """No constraint at all, as a cursor: every token may follow."""

    is_opaque = False

    def narrow(self, row: TokenMask, budget: int | None = None) -> None:
        return None

    def settle(self, row: TokenMask) -> None:
        return None

    def allows(self, token_id: int) -> bool:
        return True

    def log_factors(self) -> FloatArray | None:
        return None

    def advance(self, token_id: int) -> None:
        return None

    def fork(self) -> Free:
        return self
