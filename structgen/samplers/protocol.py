"""What samplers ask of a model and of a potential, and what they give back.

The protocols live with their caller: models come to them. Token ids are ints, scores are
natural logs. A model is a *batched* thing: a ``DecodeState`` holds B rows that share one
key-value cache, and ``select`` copies, drops and reorders rows (a particle's fork is a
row that appears twice).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt

from structgen.dtypes import TokenMask
from structgen.vocab.vocabulary import Vocabulary

__all__ = [
    "Bindable",
    "DecodeState",
    "DrawingState",
    "Draws",
    "LanguageModel",
    "LogProbs",
    "Potential",
    "PromptLike",
    "Sampler",
    "ScoringState",
    "Startable",
    "TokenMatcher",
    "TransformLike",
]

PromptLike = Any
"""None, a string, a list of chat messages (``{"role", "content"}``) or a list of token ids."""

LogProbs = npt.NDArray[np.float32]


@runtime_checkable
class DecodeState(Protocol):
    """B rows being decoded; mutable, owned by one sampler run."""

    @property
    def n_rows(self) -> int: ...

    @property
    def n_model_calls(self) -> int:
        """Forward passes so far, summed over rows that were actually computed."""
        ...

    def logprobs(self) -> LogProbs:
        """(B, V) float32 normalised next-token log-probabilities of every row."""
        ...

    def extend(self, token_ids: Sequence[Sequence[int]]) -> None:
        """Append to row ``b`` its (one or more) tokens; one forward pass for all rows."""
        ...

    def select(self, rows: npt.NDArray[np.int64]) -> None:
        """Make row ``i`` a copy of old row ``rows[i]``; rows may repeat, vanish and change in number."""
        ...


class Draws(NamedTuple):
    """One masked draw per row."""

    token_ids: npt.NDArray[np.int32]
    """(B,) the drawn tokens; -1 where the mask is empty."""
    log_probs: npt.NDArray[np.float64]
    """(B,) the model's own log-probability of each, untransformed."""
    log_masses: npt.NDArray[np.float64]
    """(B,) log of the mass the model (at the transform's temperature) gives to the allowed tokens; <= 0."""


class TransformLike(Protocol):
    """Settings of a draw; see ``structgen.samplers.transforms.Transform``."""

    @property
    def temperature(self) -> float: ...
    @property
    def top_k(self) -> int: ...
    @property
    def top_p(self) -> float: ...
    @property
    def min_p(self) -> float: ...


@runtime_checkable
class DrawingState(DecodeState, Protocol):
    """A state that draws where its scores live, such as on a GPU, so that (B, V) scores need not travel."""

    def draw(self, masks: TokenMask, transform: TransformLike, uniforms: npt.NDArray[np.float64]) -> Draws:
        """One draw per row from (B, ceil(V/32)) packed masks and (B,) uniforms; one synchronisation."""
        ...


@runtime_checkable
class ScoringState(DecodeState, Protocol):
    """A state that can tell what tokens fed without a draw were worth (forced ones)."""

    def extend_scored(self, token_ids: Sequence[Sequence[int]]) -> npt.NDArray[np.float64]:
        """As ``extend``; returns (B,) the summed log-probability of each row's tokens after the first."""
        ...


class TokenMatcher(Protocol):
    """What samplers ask of a constraint that runs beside one sequence; ``masks.matcher.Matcher`` is one."""

    def fill_mask(self, row: TokenMask, budget: int | None = None) -> Any:
        """Overwrite ``row`` with the allowed tokens, such that the text still completes within ``budget`` tokens."""
        ...

    def advance(self, token_id: int) -> Any: ...

    def fork(self) -> Self: ...

    def forced_tokens(self) -> Sequence[int]: ...

    @property
    def is_accepting(self) -> bool: ...


@runtime_checkable
class Startable(Protocol):
    """A constraint bound to a vocabulary; ``TokenConstraint`` is one."""

    def start(self) -> TokenMatcher: ...


@runtime_checkable
class Bindable(Protocol):
    """A constraint that knows no vocabulary yet; ``Constraint`` is one."""

    def bind(self, vocabulary: Vocabulary) -> Startable: ...


@runtime_checkable
class LanguageModel(Protocol):
    """A causal language model with a vocabulary of byte tokens."""

    @property
    def vocabulary(self) -> Vocabulary: ...

    @property
    def name(self) -> str:
        """Stable across processes: keys saved tries."""
        ...

    def encode(self, prompt: PromptLike) -> list[int]:
        """Token ids of a prompt, chat template applied; ``[]`` for None where the model allows it."""
        ...

    def start(self, prompts: Sequence[Sequence[int]]) -> DecodeState:
        """A state with one row per prompt; equal prompts are computed once."""
        ...


@runtime_checkable
class Potential(Protocol):
    """A non-negative function of token sequences, in logs; ``-inf`` is impossible.

    Laws (checked by ``structgen.testing``): ``logw_next(x)[a] = prefix(x + a) - prefix(x)``,
    the end-of-sequence entry is ``complete(x) - prefix(x)``, and ``prefix(x) = -inf``
    implies it for every extension.
    """

    def prefix(self, token_ids: Sequence[int]) -> float: ...

    def complete(self, token_ids: Sequence[int]) -> float: ...

    def logw_next(self, token_ids: Sequence[int]) -> npt.NDArray[np.float64]:
        """(V,) float64; end-of-sequence ids carry the weight of stopping here."""
        ...


@runtime_checkable
class Sampler(Protocol):
    """Draws weighted sequences; see each sampler for what its weights are proper for."""

    def sample(
        self,
        model: LanguageModel,
        prompt: PromptLike = None,
        *,
        constraint: Any = None,
        n: int = 1,
        max_tokens: int = 256,
        seed: int | None = None,
    ) -> Any:
        """Draw ``n`` samples as a ``Samples`` (see ``structgen.samplers.samples``)."""
        ...
