"""Checks that a sampler, a model or a potential keeps its laws, for structgen's own and for yours.

A sampler that takes ``Choices`` as its seed is checked *without statistics*: ``exhaust`` runs a function through every
outcome of its random decisions (see ``samplers.choices``) with exact probabilities, so
``E[w 1(X = y)] = p(y) 1[y in L]`` is an equation between numbers (``check_sampler_exactly``). Any
other sampler is checked by a seeded test with a stated false-alarm rate (``check_sampler``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from structgen.errors import LimitError
from structgen.samplers.choices import Choices, ScriptedChoices
from structgen.samplers.protocol import LanguageModel, Potential
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["LawBroken", "check_model", "check_potential", "check_sampler", "check_sampler_exactly", "exhaust"]

T = TypeVar("T")
Masses = Mapping[tuple[int, ...], float]


class LawBroken(AssertionError):
    """A checked law does not hold; the message has the numbers."""


def exhaust(run: Callable[[Choices], T], *, limit: int = 1_000_000) -> Iterator[tuple[float, T]]:
    """Run ``run`` once per way its random decisions can fall: (probability, result) each.

    ``run`` must depend on nothing else that varies. Costs one full run per outcome.

    Parameters
    ----------
    run : takes ``Choices``, returns anything
    limit : outcomes after which to give up

    Raises
    ------
    LimitError : more than ``limit`` outcomes

    Examples
    --------
    >>> sorted(exhaust(lambda choices: choices.index([1, 3])))
    [(0.25, 0), (0.75, 1)]
    """
    script: list[int] | None = []
    n_outcomes = 0
    while script is not None:
        n_outcomes += 1
        if n_outcomes > limit:
            raise LimitError(f"more than {limit} outcomes", what="outcomes", given=n_outcomes, limit=limit)
        choices = ScriptedChoices(script)
        result = run(choices)
        yield choices.probability, result
        script = choices.next_script()


def check_sampler_exactly(
    sampler: Any,
    model: LanguageModel,
    exact: Masses,
    *,
    constraint: Any = None,
    n: int = 1,
    max_tokens: int,
    tolerance: float = 1e-5,
    limit: int = 1_000_000,
) -> int:
    """Check a sampler's weights over every outcome of its random decisions.

    Parameters
    ----------
    sampler : its ``sample`` accepts ``Choices`` as ``seed``
    exact : token ids (end of sequence left out) -> ``p(y)`` for every y in the language
    tolerance : relative; a model's float32 scores are right to about 1e-6

    Returns
    -------
    int, outcomes visited

    Raises
    ------
    LawBroken : a sequence's expected weight is wrong
    """
    found: dict[tuple[int, ...], float] = {}
    n_outcomes = 0

    def run(choices: Choices) -> Any:
        return sampler.sample(model, constraint=constraint, n=n, max_tokens=max_tokens, seed=choices)

    for probability, samples in exhaust(run, limit=limit):
        n_outcomes += 1
        for ids, log_weight in zip(samples.token_ids, samples.log_weights, strict=True):
            found[ids] = found.get(ids, 0.0) + probability * math.exp(log_weight) / len(samples)
    for ids in set(found) | set(exact):
        expected, got = exact.get(ids, 0.0), found.get(ids, 0.0)
        if abs(got - expected) > tolerance * max(expected, 1e-12):
            raise LawBroken(f"E[w 1(X = {ids})] is {got:.9g}, not {expected:.9g}")
    return n_outcomes


def check_sampler(
    sampler: Any,
    model: LanguageModel,
    exact: Masses,
    *,
    constraint: Any = None,
    runs: int = 400,
    n: int = 10,
    max_tokens: int,
    false_alarms: float = 1e-4,
    seed: int = 0,
) -> float:
    """Check any sampler's weights statistically: the mean weight of every sequence against its mass.

    Per sequence a z-test over independent runs, Bonferroni-corrected so that a correct sampler
    fails with probability ``false_alarms`` (normal approximation; give enough runs that every
    sequence is drawn at least ten times).

    Returns
    -------
    float, the largest |z|

    Raises
    ------
    LawBroken : a sequence outside the language got weight, or a mean weight is off
    """
    names = list(exact)
    totals = np.zeros((runs, len(names)))
    for run in range(runs):
        samples = sampler.sample(model, constraint=constraint, n=n, max_tokens=max_tokens, seed=seed + run)
        for ids, log_weight in zip(samples.token_ids, samples.log_weights, strict=True):
            if log_weight == -math.inf:
                continue
            if ids not in exact:
                raise LawBroken(f"{ids} is not in the language but weighs exp({log_weight:.6g})")
            totals[run, names.index(ids)] += math.exp(log_weight) / len(samples)
    errors = totals.std(axis=0, ddof=1) / math.sqrt(runs) + 1e-6
    z = (totals.mean(axis=0) - np.array([exact[ids] for ids in names])) / errors
    worst = int(np.abs(z).argmax())
    if abs(z[worst]) > _z_limit(false_alarms / len(names)):
        raise LawBroken(f"{names[worst]}: mean weight {totals[:, worst].mean():.6g}, mass {exact[names[worst]]:.6g}")
    return float(abs(z[worst]))


def _z_limit(two_sided: float) -> float:
    """z beyond which a standard normal lies with this probability, by bisection."""
    low, high = 0.0, 40.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if math.erfc(middle / math.sqrt(2)) > two_sided else (low, middle)
    return high


def check_potential(
    potential: Potential, vocabulary: Vocabulary, *, max_tokens: int = 3, tolerance: float = 1e-9
) -> int:
    """Check a potential's laws on every sequence of up to ``max_tokens`` tokens.

    ``logw_next(x)[a] = prefix(x a) - prefix(x)``; its end-of-sequence entries are
    ``complete(x) - prefix(x)``; below an impossible prefix everything is impossible.

    Returns
    -------
    int, prefixes checked

    Raises
    ------
    LawBroken : a law does not hold
    """
    ordinary = [t for t in range(vocabulary.n_tokens) if vocabulary.token_bytes(t)]
    n_checked = 0
    stack: list[tuple[int, ...]] = [()]
    while stack:
        ids = stack.pop()
        n_checked += 1
        here = potential.prefix(ids)
        longer = [(*ids, token) for token in ordinary] if len(ids) < max_tokens else []
        if here == -math.inf:
            if potential.complete(ids) > -math.inf or any(potential.prefix(x) > -math.inf for x in longer):
                raise LawBroken(f"{ids} is impossible, but what begins with it is not")
            continue
        step = potential.logw_next(ids)
        wanted = [(token, potential.prefix((*ids, token))) for token in ordinary]
        wanted += [(end, potential.complete(ids)) for end in vocabulary.eos_ids]
        for token, value in wanted:
            if not _equal(float(step[token]), value - here, tolerance):
                raise LawBroken(f"logw_next({ids})[{token}] is {step[token]}, not {value - here}")
        stack += longer
    return n_checked


def check_model(model: LanguageModel, *, prompts: Sequence[Sequence[int]], n_steps: int = 4, seed: int = 0) -> None:
    """Check that a model's scores are normalised, and that select and extend mean what they say.

    A row that was forked, moved and extended in a batch must score as one computed alone, up to 1e-3
    nats (batched arithmetic differs in its last bits).

    Raises
    ------
    LawBroken : a law does not hold
    """
    rng = np.random.default_rng(seed)
    state = model.start(prompts)
    texts = [list(prompt) for prompt in prompts]
    for _ in range(n_steps):
        scores = state.logprobs()
        if scores.shape != (len(texts), model.vocabulary.n_tokens) or scores.dtype != np.float32:
            raise LawBroken(f"scores are {scores.dtype} {scores.shape}")
        if np.abs(np.exp(scores.astype(np.float64)).sum(axis=1) - 1).max() > 1e-3:
            raise LawBroken("scores are not normalised")
        rows = rng.integers(len(texts), size=len(texts) + 1)
        tokens = [int(scores[row].argsort()[-1 - i % 2]) for i, row in enumerate(rows)]
        state.select(np.asarray(rows, dtype=np.int64))
        state.extend([[token] for token in tokens])
        texts = [[*texts[row], token] for row, token in zip(rows, tokens, strict=True)]
    for row, scores in enumerate(state.logprobs()):
        alone = model.start([texts[row]]).logprobs()[0]
        likely = alone > -20
        if np.abs(scores[likely] - alone[likely]).max(initial=0.0) > 1e-3:
            raise LawBroken(f"row {row} scores differently alone")


def _equal(a: float, b: float, tolerance: float) -> bool:
    return a == b or abs(a - b) <= tolerance
