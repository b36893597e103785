"""What every sampler gives back: sequences with weights, and what they cost.

A weighted sample ``(X, w)`` is *properly weighted* for a constraint ``L`` under a model
``p`` when ``E[w 1(X = y)] = p(y) 1[y in L]`` for every ``y``. Then the mean weight
estimates ``Z = p(L)``, the chance that the model alone would have satisfied the
constraint, and self-normalised weights estimate anything about ``p(. | L)``. Each sampler
says in its docstring what its weights are proper for.

All weights are float64 natural logs. ``-inf`` marks a sample that contributes nothing (a
rejected draw, a dead particle): it is kept, since dropping it would bias the mean.

Rejected: one object per sample holding its own weight. Everything one does with weights
is done to all of them at once, so the arrays are the primary form and ``Sample`` a view.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = [
    "FINISH_REASONS",
    "Sample",
    "Samples",
    "Timings",
    "effective_sample_size",
    "log_mean_exp",
    "log_sum_exp",
]

FloatArray = npt.NDArray[np.float64]

FINISH_REASONS = ("stop", "complete", "length", "dead_end", "rejected")
"""``stop``: the model chose end of sequence; ``complete``: the constraint left nothing else
to say; ``length``: the token budget ended an unconstrained text; ``dead_end``: nothing was
allowed any more; ``rejected``: drawn, but not in the language (weight zero)."""


def log_sum_exp(log_weights: npt.ArrayLike) -> float:
    """``log(sum(exp(log_weights)))`` without overflow; ``-inf`` for an empty or all-``-inf`` input."""
    array = np.asarray(log_weights, dtype=np.float64)
    if array.size == 0:
        return -math.inf
    top = float(array.max())
    if not math.isfinite(top):
        return top
    return top + math.log(float(np.exp(array - top).sum()))


def log_mean_exp(log_weights: npt.ArrayLike) -> float:
    """``log(mean(exp(log_weights)))``, the log of the estimate of Z; ``-inf`` for no samples."""
    array = np.asarray(log_weights, dtype=np.float64)
    return log_sum_exp(array) - math.log(array.size) if array.size else -math.inf


def effective_sample_size(log_weights: npt.ArrayLike) -> float:
    """Kish's ``(sum w)^2 / sum w^2``, in [1, N]; 0 where every weight is zero."""
    array = np.asarray(log_weights, dtype=np.float64)
    total = log_sum_exp(array)
    return 0.0 if total == -math.inf else math.exp(2.0 * total - log_sum_exp(2.0 * array))


@dataclass(slots=True)
class Timings:
    """Seconds one run spent, by what they were spent on; one entry per decoding step.

    A step is one forward pass for all rows of the batch. ``masks`` is the time the
    constraint took on the CPU, whether or not the device worked meanwhile; ``waits`` is what
    the device then still needed. On a CPU model nothing overlaps and ``waits`` is 0.
    """

    prefill: float = 0.0
    """Prompt, first forward pass."""
    models: list[float] = field(default_factory=list)
    """Forward passes: launch on an asynchronous device, the whole pass on a CPU."""
    waits: list[float] = field(default_factory=list)
    """Waiting for the device after the masks were ready."""
    masks: list[float] = field(default_factory=list)
    """``fill_mask`` and ``advance`` of the constraint."""
    draws: list[float] = field(default_factory=list)
    """Softmax over the mask and the draw itself."""

    @property
    def total(self) -> float:
        return self.prefill + sum(self.models) + sum(self.waits) + sum(self.masks) + sum(self.draws)

    @property
    def mask_share(self) -> float:
        """Share of the time spent on the constraint, in [0, 1]; 0 before anything ran."""
        total = self.total
        return sum(self.masks) / total if total > 0 else 0.0

    @property
    def n_steps(self) -> int:
        return len(self.draws)

    def add(self, other: Timings) -> None:
        """Append another run's steps."""
        self.prefill += other.prefill
        self.models += other.models
        self.waits += other.waits
        self.masks += other.masks
        self.draws += other.draws


@dataclass(frozen=True, slots=True)
class Sample:
    """One sequence out of a ``Samples``."""

    value: Any
    text: str
    token_ids: tuple[int, ...]
    log_prob: float
    log_weight: float
    finish_reason: str


@dataclass(frozen=True, eq=False)
class Samples:
    """N weighted sequences from one run of a sampler.

    Parameters
    ----------
    token_ids : N sequences of generated ids, prompt and end of sequence left out
    texts : N decoded texts
    log_probs : (N,) float64, nats
        The model's own ``sum log p`` of the tokens, end of sequence included where it was drawn.
    log_weights : (N,) float64, nats; see the sampler for what they are proper for
    finish_reasons : N of ``FINISH_REASONS``
    values : N typed values; the texts until ``with_values`` replaces them
    evidence : log of the run's estimate of Z where the sampler has a better one than the mean weight
    model_calls : forward passes, summed over rows that were computed
    constraint_checks : tokens whose validity was asked one at a time; a mask counts once
    extra : what a sampler wants to tell beside (acceptance rate, restarts, ...)

    Raises
    ------
    ValueError : lengths differ, or a weight is NaN or ``+inf``
    """

    token_ids: tuple[tuple[int, ...], ...]
    texts: tuple[str, ...]
    log_probs: FloatArray
    log_weights: FloatArray
    finish_reasons: tuple[str, ...]
    values: tuple[Any, ...] = ()
    evidence: float | None = None
    model_calls: int = 0
    constraint_checks: int = 0
    timings: Timings = field(default_factory=Timings)
    extra: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "token_ids", tuple(tuple(int(t) for t in ids) for ids in self.token_ids))
        put(self, "texts", tuple(self.texts))
        put(self, "finish_reasons", tuple(self.finish_reasons))
        put(self, "values", tuple(self.values) if len(self.values) else self.texts)
        for name in ("log_probs", "log_weights"):
            put(self, name, np.array(getattr(self, name), dtype=np.float64))
        lengths = {
            len(column)
            for column in (
                self.token_ids,
                self.texts,
                self.log_probs,
                self.log_weights,
                self.finish_reasons,
                self.values,
            )
        }
        if len(lengths) != 1:
            raise ValueError(f"columns of different lengths: {sorted(lengths)}")
        if np.isnan(self.log_weights).any() or (self.log_weights == np.inf).any():
            raise ValueError("log weights must not be NaN or +inf")

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, index: int) -> Sample:
        return Sample(
            self.values[index],
            self.texts[index],
            self.token_ids[index],
            float(self.log_probs[index]),
            float(self.log_weights[index]),
            self.finish_reasons[index],
        )

    def __iter__(self) -> Iterator[Sample]:
        return (self[index] for index in range(len(self)))

    def __repr__(self) -> str:
        return f"Samples(n={len(self)}, log_evidence={self.log_evidence:.4g}, ess={self.ess:.3g})"

    @property
    def log_evidence(self) -> float:
        """Log of the estimate of Z: the sampler's own, or the log of the mean weight."""
        return log_mean_exp(self.log_weights) if self.evidence is None else self.evidence

    @property
    def ess(self) -> float:
        """Effective sample size, in [0, N]."""
        return effective_sample_size(self.log_weights)

    @property
    def probabilities(self) -> FloatArray:
        """(N,) weights normalised to sum 1; all zero where every weight is zero."""
        total = log_sum_exp(self.log_weights)
        if total == -math.inf:
            return np.zeros(len(self))
        weights: FloatArray = np.exp(self.log_weights - total)
        weights /= weights.sum()
        return weights

    def with_values(self, values: Iterable[Any]) -> Samples:
        """The same samples with typed values in place of the texts."""
        return replace(self, values=tuple(values))

    def take(self, rows: Sequence[int] | npt.NDArray[np.int64]) -> Samples:
        """The samples of the given rows, in that order; costs and evidence stay the run's."""
        rows = [int(row) for row in rows]
        return replace(
            self,
            token_ids=tuple(self.token_ids[row] for row in rows),
            texts=tuple(self.texts[row] for row in rows),
            log_probs=self.log_probs[rows],
            log_weights=self.log_weights[rows],
            finish_reasons=tuple(self.finish_reasons[row] for row in rows),
            values=tuple(self.values[row] for row in rows),
            evidence=self.log_evidence,
        )

    def resample(self, rng: np.random.Generator, n: int | None = None) -> Samples:
        """Draw ``n`` (default N) samples by weight; all then weigh the same, the evidence.

        Systematic resampling: the expected number of copies of a sample is exactly
        ``n`` times its normalised weight, and the actual one is that rounded up or down.
        The order is shuffled, so that a prefix of the result is a sample too.

        Raises
        ------
        ValueError : every weight is zero
        """
        count = len(self) if n is None else n
        probabilities = self.probabilities
        if not probabilities.any():
            raise ValueError("no sample has a positive weight")
        positions = (rng.random() + np.arange(count)) / count
        cumulative = np.cumsum(probabilities)
        last = int(np.flatnonzero(probabilities)[-1])
        rows = np.minimum(np.searchsorted(cumulative, positions, side="right"), last)
        chosen = self.take(rng.permutation(rows))
        return replace(chosen, log_weights=np.full(count, self.log_evidence), evidence=self.log_evidence)

    def expectation(self, fn: Callable[[Any], float]) -> tuple[float, float]:
        """Mean of ``fn(value)`` under the target, with its standard error.

        Self-normalised importance sampling; the error is the delta method's
        ``sqrt(N/(N-1) sum p_i^2 (f_i - mean)^2)``, NaN for a single sample. The estimate is
        consistent as N grows, its bias is O(1/N). Values of weight zero are not evaluated.
        Samples that share randomness (particles of one SMC run) have a larger error than this.

        Raises
        ------
        ValueError : every weight is zero
        """
        probabilities = self.probabilities
        if not probabilities.any():
            raise ValueError("no sample has a positive weight")
        rows = np.flatnonzero(probabilities)
        numbers = np.array([float(fn(self.values[row])) for row in rows])
        weights = probabilities[rows]
        mean = float(weights @ numbers)
        n = len(self)
        if n < 2:
            return mean, math.nan
        error = math.sqrt(n / (n - 1) * float(np.square(weights) @ np.square(numbers - mean)))
        return mean, error

    @staticmethod
    def concatenate(runs: Sequence[Samples]) -> Samples:
        """Join runs of the same sampler on the same target; evidence is the mean over samples.

        Of ``extra``, counts add up, lists are joined, a flag is set where a run set it, and of anything
        else the last run's is kept.

        Raises
        ------
        ValueError : no runs
        """
        if not runs:
            raise ValueError("nothing to concatenate")
        timings = Timings()
        for run in runs:
            timings.add(run.timings)
        evidences = [run.log_evidence + math.log(len(run)) for run in runs if len(run)]
        n = sum(len(run) for run in runs)
        return Samples(
            token_ids=tuple(ids for run in runs for ids in run.token_ids),
            texts=tuple(text for run in runs for text in run.texts),
            log_probs=np.concatenate([run.log_probs for run in runs]),
            log_weights=np.concatenate([run.log_weights for run in runs]),
            finish_reasons=tuple(reason for run in runs for reason in run.finish_reasons),
            values=tuple(value for run in runs for value in run.values),
            evidence=log_sum_exp(evidences) - math.log(n) if n else -math.inf,
            model_calls=sum(run.model_calls for run in runs),
            constraint_checks=sum(run.constraint_checks for run in runs),
            timings=timings,
            extra=_joined([run.extra for run in runs]),
        )


def _joined(extras: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What several runs had to add, as one."""
    joined: dict[str, Any] = {}
    for extra in extras:
        for name, value in extra.items():
            if isinstance(value, bool):
                joined[name] = joined.get(name, False) or value
            elif isinstance(value, int | list):
                joined[name] = joined[name] + value if name in joined else value
            else:
                joined[name] = value
    return joined
