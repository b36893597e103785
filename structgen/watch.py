"""See the tokens of a run while it goes on, whatever the sampler.

Samplers return when they are done; a stream wants every token when it is fed back to the
model. ``WatchedModel`` hands out the model's own states in a wrapper that reports what a
one-row run is extended by. Runs of many rows (particles) have no one text to show until the
end, and are not reported.

Rejected: a callback in every sampler's signature, which all of them would have to honour.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from structgen.dtypes import TokenMask
from structgen.samplers.protocol import (
    DecodeState,
    DrawingState,
    Draws,
    LanguageModel,
    LogProbs,
    PromptLike,
    ScoringState,
    TransformLike,
)
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["WatchedModel"]

Report = Callable[[list[int]], None]


class WatchedModel:
    """A model that tells ``report`` each token a one-row run is extended by."""

    def __init__(self, model: LanguageModel, report: Report) -> None:
        self._model, self._report = model, report

    @property
    def vocabulary(self) -> Vocabulary:
        return self._model.vocabulary

    @property
    def name(self) -> str:
        return self._model.name

    def encode(self, prompt: PromptLike) -> list[int]:
        return self._model.encode(prompt)

    def start(self, prompts: Sequence[Sequence[int]]) -> DecodeState:
        """The model's state, wrapped with exactly the optional abilities that it has."""
        state = self._model.start(prompts)
        draws, scores = isinstance(state, DrawingState), isinstance(state, ScoringState)
        wrapper = {
            (False, False): _Watched,
            (True, False): _WatchedDrawing,
            (False, True): _WatchedScoring,
            (True, True): _WatchedBoth,
        }[draws, scores]
        return wrapper(state, self._report)


class _Watched:
    def __init__(self, state: DecodeState, report: Report) -> None:
        self._state, self._report = state, report

    @property
    def n_rows(self) -> int:
        return self._state.n_rows

    @property
    def n_model_calls(self) -> int:
        return self._state.n_model_calls

    def logprobs(self) -> LogProbs:
        return self._state.logprobs()

    def extend(self, token_ids: Sequence[Sequence[int]]) -> None:
        self._tell(token_ids)
        self._state.extend(token_ids)

    def select(self, rows: npt.NDArray[np.int64]) -> None:
        self._state.select(rows)

    def _tell(self, token_ids: Sequence[Sequence[int]]) -> None:
        if len(token_ids) == 1 and len(token_ids[0]):
            self._report([int(token) for token in token_ids[0]])


class _WatchedDrawing(_Watched):
    _state: DrawingState

    def draw(self, masks: TokenMask, transform: TransformLike, uniforms: npt.NDArray[np.float64]) -> Draws:
        return self._state.draw(masks, transform, uniforms)


class _WatchedScoring(_Watched):
    _state: ScoringState

    def extend_scored(self, token_ids: Sequence[Sequence[int]]) -> npt.NDArray[np.float64]:
        self._tell(token_ids)
        return self._state.extend_scored(token_ids)


class _WatchedBoth(_WatchedDrawing, _WatchedScoring):
    _state: DrawingState  # type: ignore[assignment]
