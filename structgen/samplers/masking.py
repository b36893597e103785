"""Masking: draw each token from the model's distribution cut to what the constraint allows.

Also called locally constrained decoding. At prefix ``v`` the model gives the allowed
tokens the mass ``m(v) = sum_a p(a|v) f(v,a)``, and the proposal is ``p(a|v) f(v,a) / m(v)``.
The product of the proposals is not ``P(. | L)``: a prefix that the model likes but whose
completions it does not is drawn too often. The exact correction costs nothing, since the
masses are at hand: ``log w = sum_t log m(x_<t)``. Engines throw it away; here every sample
carries it, so masked samples can be reweighted, resampled, and turned into an estimate of
``Z = P(L)``.

What the weight is proper for
-----------------------------
``E[w 1(X = y)] = p'(y) 1[y in L]`` for token sequences ``y`` (end of sequence included)
that fit the token budget, where ``p'`` is the *transformed* model:

- ``temperature=1``, no truncation: ``p'`` is the model itself.
- another temperature: ``p'`` is the model at that temperature; ``m`` is its mass.
- top-k, top-p, min-p: they cut *among the allowed tokens*, so something is always left.
  ``p'`` then gives each allowed token the mass ``m(v)`` times its share after the cut. A
  model that truncates before the constraint looks is ``TransformedModel``; its truncation
  can leave nothing allowed, which is weight zero.
- ``temperature=0`` (greedy): the cut leaves the likeliest allowed token; ``m`` is the
  model's mass at temperature 1.

Near the end of the budget the mask keeps only tokens from which the text still completes;
the language is then the texts found that way, and every output is valid and complete.

Jump-ahead
----------
With ``jump_ahead=True``, text that is forced (an object's key and its quotes) is fed in one
forward pass, in one fixed spelling. Fewer passes, the same language; but of the several
ways to spell the forced text in tokens only that one is drawn, so weights are proper for
``p'`` restricted to it, and their mean estimates that smaller mass. Off by default.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from structgen.samplers.cancelling import Cancel
from structgen.samplers.decoding import Row, TokenEvent, bind, decode_rows, rows_to_samples
from structgen.samplers.protocol import LanguageModel, PromptLike
from structgen.samplers.samples import Samples, Timings
from structgen.samplers.transforms import Transform

__all__ = ["Masking", "Request", "TokenEvent"]


@dataclass(frozen=True, slots=True)
class Request:
    """One prompt with its own constraint and budget, for ``Masking.sample_batch``."""

    prompt: PromptLike = None
    constraint: Any = None
    n: int = 1
    max_tokens: int = 256
    seed: int | None = None


@dataclass(frozen=True)
class Masking:
    """Draw from the model's distribution cut, token by token, to what the constraint allows.

    See the module for what the weights mean. Immutable: safe to share between threads.

    Parameters
    ----------
    temperature, top_k, top_p, min_p : see ``Transform``; temperature 0 is greedy
    jump_ahead : feed forced text in one pass; see the module for what that does to weights
    batch_size : most rows decoded at once

    Examples
    --------
    >>> from structgen.models import Table
    >>> coin = Table.from_function(lambda prefix: {"H": 0.5, "T": 0.5}, vocabulary=["H", "T"])
    >>> samples = Masking().sample(coin, n=2, max_tokens=3, seed=0)
    >>> [len(text) for text in samples.texts], samples.log_evidence
    ([3, 3], 0.0)
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    jump_ahead: bool = False
    batch_size: int = 32

    def __post_init__(self) -> None:
        _ = self.transform
        if self.batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, not {self.batch_size}")

    @property
    def transform(self) -> Transform:
        return Transform(self.temperature, self.top_k, self.top_p, self.min_p)

    def sample(
        self,
        model: LanguageModel,
        prompt: PromptLike = None,
        *,
        constraint: Any = None,
        n: int = 1,
        max_tokens: int = 256,
        seed: int | None = None,
        on_token: Callable[[TokenEvent], None] | None = None,
        cancel: Cancel = None,
    ) -> Samples:
        """Draw ``n`` independent samples.

        Parameters
        ----------
        model, prompt : see ``LanguageModel``
        constraint : a ``Constraint``, a ``TokenConstraint``, None for the model alone; also a predicate or
            a product, whose mask takes asking about every token that the other factors leave
        n : how many
        max_tokens : budget per sample, end of sequence included
        seed : the same seed gives the same samples; None takes fresh randomness
        on_token : called with every token as it is taken; ``.row`` says of which sample
        cancel : stops the run between two tokens; what is finished is returned with ``extra["cancelled"]``

        Returns
        -------
        ``Samples``; a sample whose finish reason is ``"dead_end"`` is not valid and weighs zero

        Raises
        ------
        IncompleteError : ``max_tokens`` is too small for any valid text; raised before anything is drawn
        ModelError : the model's scores are not numbers; ``.text`` has the text so far
        PredicateError : see there
        UnsupportedError : a factor weighs tokens instead of allowing them
        """
        request = Request(prompt, constraint, n, max_tokens, seed)
        return self.sample_batch(model, [request], on_token=on_token, cancel=cancel)[0]

    def sample_batch(
        self,
        model: LanguageModel,
        requests: Sequence[Request],
        *,
        on_token: Callable[[TokenEvent], None] | None = None,
        cancel: Cancel = None,
    ) -> list[Samples]:
        """Draw for several requests at once, each with its own constraint; results in their order.

        Rows of all requests share the forward passes, ``batch_size`` at a time. A result's
        ``timings`` and ``model_calls`` are those of the whole batch (shared passes belong to
        nobody). ``on_token`` counts rows across requests. Errors are those of ``sample``; the
        first stops the whole batch.
        """
        prompts, rows = _prepare(model, requests)
        timings = Timings()
        model_calls = 0
        for start in range(0, len(rows), self.batch_size):
            stop = start + self.batch_size
            events = self._decode(model, prompts[start:stop], rows[start:stop], timings, cancel)
            model_calls += _drain(events, on_token)
        results, taken = [], 0
        for request in requests:
            own = rows[taken : taken + request.n]
            results.append(rows_to_samples(own, model_calls=model_calls, timings=timings))
            taken += request.n
        return results

    def stream(
        self,
        model: LanguageModel,
        prompt: PromptLike = None,
        *,
        constraint: Any = None,
        max_tokens: int = 256,
        seed: int | None = None,
    ) -> Iterator[TokenEvent | Samples]:
        """Draw one sample, yielding each ``TokenEvent`` as it happens and at last the ``Samples``.

        Concatenated, the events' ``text`` is the sample's bytes; a character may be split
        between two events. Closing the iterator stops the model. Errors are those of ``sample``.
        """
        prompts, rows = _prepare(model, [Request(prompt, constraint, 1, max_tokens, seed)])
        timings = Timings()
        model_calls = yield from self._decode(model, prompts, rows, timings)
        yield rows_to_samples(rows, model_calls=model_calls, timings=timings)

    def _decode(
        self, model: LanguageModel, prompts: list[list[int]], rows: list[Row], timings: Timings, cancel: Cancel = None
    ) -> Generator[TokenEvent, None, int]:
        return decode_rows(
            model, prompts, rows, self.transform, timings=timings, jump_ahead=self.jump_ahead, cancel=cancel
        )


def _prepare(model: LanguageModel, requests: Iterable[Request]) -> tuple[list[list[int]], list[Row]]:
    """A prompt and a row per sample; each row has its own random stream."""
    prompts: list[list[int]] = []
    rows: list[Row] = []
    for request in requests:
        if request.n < 0 or request.max_tokens < 1:
            raise ValueError(f"n must be >= 0 and max_tokens >= 1, not {request.n} and {request.max_tokens}")
        bound = bind(request.constraint, model.vocabulary)
        ids = model.encode(request.prompt)
        if bound is not None:
            # Raises IncompleteError where no valid text fits, before any model runs.
            bound.start().fill_mask(np.zeros(model.vocabulary.n_words, dtype=np.uint32), request.max_tokens)
        for stream in np.random.SeedSequence(request.seed).spawn(request.n):
            matcher = None if bound is None else bound.start()
            rows.append(Row(len(rows), matcher, np.random.default_rng(stream), request.max_tokens))
            prompts.append(ids)
    return prompts, rows


def _drain(events: Generator[TokenEvent, None, int], on_token: Callable[[TokenEvent], None] | None) -> int:
    """Run to the end; the generator's return value."""
    while True:
        try:
            event = next(events)
        except StopIteration as stop:
            return int(stop.value)
        if on_token is not None:
            on_token(event)
