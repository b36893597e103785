"""Temperature, top-k, top-p and min-p: what they do, and in which order.

A ``Transform`` is applied in the customary order: temperature, top-k, top-p (of the mass
that top-k left), min-p (relative to the likeliest token). There are two places for it, and
they mean different things:

- *Inside the mask* (what ``Masking`` does, and what serving engines do): the constraint
  removes tokens first, then the transform truncates what is left, so something is always
  left. See ``Masking`` for what its weights then mean.
- *On the model* (``TransformedModel``): the model itself is replaced by its transformed
  twin, whose zeros are real. Every sampler can run on that, and its weights are proper for
  the twin; but truncation may leave no allowed token, which is weight zero.

Ties are broken towards the lower token id, here and in the kernels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from structgen.samplers.protocol import DecodeState, LanguageModel, LogProbs, PromptLike
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["Transform", "TransformedModel"]


@dataclass(frozen=True, slots=True)
class Transform:
    """How log-probabilities are sharpened and cut before a draw.

    Parameters
    ----------
    temperature : scores are divided by it; 0 means greedy (the likeliest token)
    top_k : keep the k likeliest tokens; 0 keeps all
    top_p : keep the fewest likeliest tokens whose mass reaches this share; 1 keeps all
    min_p : keep tokens at least this fraction as likely as the likeliest; 0 keeps all

    Raises
    ------
    ValueError : a setting outside its range
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.temperature) and self.temperature >= 0):
            raise ValueError(f"temperature must be a number >= 0, not {self.temperature}")
        if self.top_k < 0 or int(self.top_k) != self.top_k:
            raise ValueError(f"top_k must be an integer >= 0, not {self.top_k}")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p must lie in (0, 1], not {self.top_p}")
        if not 0 <= self.min_p <= 1:
            raise ValueError(f"min_p must lie in [0, 1], not {self.min_p}")

    @property
    def truncates(self) -> bool:
        return self.top_k > 0 or self.top_p < 1.0 or self.min_p > 0.0

    @property
    def label(self) -> str:
        """Stable text of the settings, for names that key caches."""
        return f"t={self.temperature!r},k={self.top_k},p={self.top_p!r},m={self.min_p!r}"

    def apply(self, logprobs: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """Normalised log-probabilities of the transformed distribution.

        Parameters
        ----------
        logprobs : (V,) or (B, V) scores, in nats; need not be normalised

        Returns
        -------
        float64 of the same shape, ``-inf`` where cut
        """
        array = np.asarray(logprobs, dtype=np.float64)
        if array.ndim == 2:
            return np.stack([self.apply(row) for row in array]) if len(array) else array
        if self.temperature == 0.0:
            return _normalised(array, np.array([np.argmax(array)]))
        scaled = array / self.temperature
        return _normalised(scaled, self._kept(scaled) if self.truncates else np.arange(scaled.size))

    def _kept(self, scores: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
        """Ids of the tokens that are left.

        Only what may be left is sorted: the ``top_k`` likeliest, or for ``top_p`` alone a head
        that grows until it holds the share. Selecting from a row is ten times as fast as sorting it.
        """
        top = scores.max()
        if self.top_k:
            head = _likeliest(scores, self.top_k)
            total = float(np.exp(scores[head] - top).sum())
        elif self.top_p < 1.0:
            total = float(np.exp(scores - top).sum())
            head = _head(scores, self.top_p * total)
        else:
            return np.flatnonzero(np.exp(scores - top) >= self.min_p)
        weights = np.exp(scores[head] - top)
        before = np.cumsum(weights) - weights
        keep = (before < self.top_p * total) & (weights >= self.min_p)
        keep[0] = True
        found: npt.NDArray[np.int64] = head[keep]
        return found


def _likeliest(scores: npt.NDArray[np.float64], k: int) -> npt.NDArray[np.int64]:
    """Ids of the ``k`` largest scores, largest first, the lower id where they tie."""
    if k < scores.size:
        least = np.partition(scores, scores.size - k)[scores.size - k]
        above = np.flatnonzero(scores > least)
        ties = np.flatnonzero(scores == least)[: k - above.size]
        ids = np.sort(np.concatenate([above, ties]))
    else:
        ids = np.arange(scores.size)
    found: npt.NDArray[np.int64] = ids[np.argsort(-scores[ids], kind="stable")]
    return found


def _head(scores: npt.NDArray[np.float64], mass: float) -> npt.NDArray[np.int64]:
    """The likeliest ids, largest first; enough that their ``exp(score - max)`` sum to ``mass`` or all are there."""
    size = 64
    while True:
        head = _likeliest(scores, size)
        if size >= scores.size or float(np.exp(scores[head] - scores[head[0]]).sum()) >= mass:
            return head
        size *= 8


def _normalised(scores: npt.NDArray[np.float64], kept: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    out = np.full(scores.shape, -np.inf)
    top = scores[kept].max()
    out[kept] = scores[kept] - (top + math.log(float(np.exp(scores[kept] - top).sum())))
    return out


class TransformedModel:
    """A model whose every next-token distribution went through a ``Transform``."""

    def __init__(self, model: LanguageModel, transform: Transform) -> None:
        self._model = model
        self._transform = transform

    @property
    def vocabulary(self) -> Vocabulary:
        return self._model.vocabulary

    @property
    def name(self) -> str:
        return f"{self._model.name}[{self._transform.label}]"

    def encode(self, prompt: PromptLike) -> list[int]:
        return self._model.encode(prompt)

    def start(self, prompts: Sequence[Sequence[int]]) -> DecodeState:
        return _TransformedState(self._model.start(prompts), self._transform)


class _TransformedState:
    def __init__(self, state: DecodeState, transform: Transform) -> None:
        self._state = state
        self._transform = transform

    @property
    def n_rows(self) -> int:
        return self._state.n_rows

    @property
    def n_model_calls(self) -> int:
        return self._state.n_model_calls

    def logprobs(self) -> LogProbs:
        return self._transform.apply(self._state.logprobs()).astype(np.float32)

    def extend(self, token_ids: Sequence[Sequence[int]]) -> None:
        self._state.extend(token_ids)

    def select(self, rows: npt.NDArray[np.int64]) -> None:
        self._state.select(rows)
