"""ASAp and CARS: masking that learns from every draw where the language has no mass.

Masking overweights prefixes whose completions the model finds unlikely. Both samplers here
remember what each draw taught (``samplers.trie``) and draw by ``p f c``, ``c`` being an estimate
of the valid mass beyond a prefix.

``ASAp`` returns every draw with its weight. ``CARS`` adds rejection with probability
``1 - prod m(v)`` over the prefixes seen for the first time, flipped node by node so that a
hopeless draw costs little; what it accepts is distributed *exactly* as ``P(. | L)``.

References: Park et al. (2024), Grammar-aligned decoding, arXiv:2405.21047; CARS (2025),
arXiv:2510.01902.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from structgen.errors import LimitError, UnsatisfiableError
from structgen.potentials.cursor import Bound, CheckCounter
from structgen.potentials.product import bind_target
from structgen.samplers.cancelling import Cancel
from structgen.samplers.choices import Choices, as_choices
from structgen.samplers.frontier import Frontier
from structgen.samplers.learning import Trial, Unvisited, run_trials, teach
from structgen.samplers.population import decode, transformed
from structgen.samplers.protocol import LanguageModel, PromptLike
from structgen.samplers.samples import Samples, log_sum_exp
from structgen.samplers.trie import PrefixTrie, trie_key

__all__ = ["CARS", "ASAp"]

_SLACK = 1e-10
"""Differences of log probabilities below this are rounding."""


@dataclass
class _Learner:
    """Batches of trials on one target, with the trie they share."""

    model: LanguageModel
    prompt: PromptLike
    bound: Bound
    max_tokens: int
    trie: PrefixTrie
    choices: Choices
    unvisited: Unvisited
    reject_early: bool
    cancel: Cancel
    checks: CheckCounter = field(default_factory=CheckCounter)
    n_model_calls: int = 0
    cancelled: bool = False

    def batch(self, n: int) -> list[Trial]:
        """``n`` trials side by side, then taught; those of an interrupted batch that had ended."""
        if self.trie.root_estimate == 0.0:
            raise UnsatisfiableError("every text the model can write within the budget was tried, and none is valid")
        frontier = Frontier(self.model, self.prompt, self.bound, self.max_tokens, self.checks)
        trials = [Trial() for _ in range(n)]
        try:
            self.cancelled = not run_trials(
                *(trials, frontier, self.trie, self.choices),
                unvisited=self.unvisited,
                reject_early=self.reject_early,
                cancel=self.cancel,
            )
        except KeyboardInterrupt:
            self.cancelled = True
        self.n_model_calls += frontier.n_model_calls
        ended = [trial for trial in trials if trial.finish]
        for trial in ended:
            teach(trial, self.trie)
        return ended

    def samples(self, trials: Sequence[Trial], log_weights: Sequence[float], extra: dict[str, Any]) -> Samples:
        """The trials as ``Samples``."""
        if self.cancelled:
            extra["cancelled"] = True
        vocabulary = self.model.vocabulary
        return Samples(
            token_ids=tuple(trial.token_ids for trial in trials),
            texts=tuple(decode(vocabulary, trial.token_ids) for trial in trials),
            log_probs=np.array([trial.log_prob for trial in trials]),
            log_weights=np.array(log_weights, dtype=np.float64),
            finish_reasons=tuple("rejected" if trial.finish == "invalid" else trial.finish for trial in trials),
            model_calls=self.n_model_calls,
            constraint_checks=self.checks.n,
            extra=extra | {"trie": self.trie, "root_estimate": self.trie.root_estimate},
        )


def _learner(
    model: LanguageModel,
    prompt: PromptLike,
    constraint: Any,
    max_tokens: int,
    temperature: float,
    trie: PrefixTrie | None,
    path: str | os.PathLike[str] | None,
    seed: Any,
    cancel: Cancel,
    *,
    unvisited: Unvisited,
    reject_early: bool,
) -> _Learner:
    """Bind the target and find the trie: given, saved, or new."""
    bound = bind_target(constraint, model.vocabulary)
    ids = list(model.encode(prompt))
    key = trie_key(bound.key, model.name, model.vocabulary.content_hash, ids, temperature, max_tokens)
    if trie is None:
        exists = path is not None and Path(path).exists()
        trie = PrefixTrie.load(path, key=key) if exists and path is not None else PrefixTrie(key)
    elif trie.key != key:
        raise ValueError("the trie was learnt on another constraint, model, prompt, temperature or budget")
    choices = as_choices(seed)
    return _Learner(
        model=transformed(model, temperature),
        prompt=prompt,
        bound=bound,
        max_tokens=max_tokens,
        trie=trie,
        choices=choices,
        unvisited=unvisited,
        reject_early=reject_early,
        cancel=cancel,
    )


@dataclass(frozen=True, kw_only=True)
class ASAp:
    """Masked draws steered by what earlier draws found out.

    Every draw, the first too, carries a proper weight: ``E[w 1(X = y)] = p(y) 1[y in L]`` for
    texts y within the budget, whatever was learnt. As draws accumulate, estimates tend to the true
    valid mass beyond each prefix, the *unweighted* draws tend to ``P(. | L)``, and the weights to
    the constant Z.

    Parameters
    ----------
    unvisited : what a prefix counts that was never visited: ``"learnt"``, what was found in like
        places (see ``samplers.outlook``), or ``"valid"``, 1 as in the paper, where then
        ``log w = log c(root) + sum of log m(v) over new nodes``. Both have the same limit; the first
        gets near it with fewer draws, and by far in languages too wide to visit
    batch_size : draws side by side, all from the trie as it was when the batch began; more is
        faster and learns later
    temperature : of the model; the target is relative to the model at that temperature
    trie_path : file to take the trie from, if it exists, and to save it to
    """

    unvisited: Unvisited = "learnt"
    batch_size: int = 1
    temperature: float = 1.0
    trie_path: str | os.PathLike[str] | None = None

    def __post_init__(self) -> None:
        if self.unvisited not in ("learnt", "valid"):
            raise ValueError(f"unvisited must be 'learnt' or 'valid', not {self.unvisited!r}")

    def sample(
        self,
        model: LanguageModel,
        prompt: PromptLike = None,
        *,
        constraint: Any = None,
        n: int = 1,
        max_tokens: int = 256,
        seed: Any = None,
        trie: PrefixTrie | None = None,
        cancel: Cancel = None,
    ) -> Samples:
        """Draw ``n`` weighted samples, learning as it goes; ``extra["trie"]`` can be passed on.

        Parameters
        ----------
        constraint : what ``potentials.product`` accepts. Of an opaque target, tokens are asked about
            once drawn; "no" is a sample of weight zero, and is learnt
        trie : what an earlier run on the same target learnt; goes on learning
        seed, cancel : as for ``AWRS.sample``

        Raises
        ------
        UnsatisfiableError : all that the model can write was tried and nothing is valid
        ConstraintError : the saved trie belongs to another target
        ValueError : the given trie does
        LimitError : the trie is full
        """
        learner = _learner(
            *(model, prompt, constraint, max_tokens, self.temperature, trie, self.trie_path, seed, cancel),
            unvisited=self.unvisited,
            reject_early=False,
        )
        trials: list[Trial] = []
        while len(trials) < n and not learner.cancelled:
            trials += learner.batch(min(self.batch_size, n - len(trials)))
        if self.trie_path is not None:
            learner.trie.save(self.trie_path)
        return learner.samples(trials, [trial.log_ratio for trial in trials], {})


@dataclass(frozen=True, kw_only=True)
class CARS:
    """Exact samples of ``P(. | L)`` by rejection that learns.

    ``sample(n)`` draws until n are accepted. They are independent of each other and exactly
    distributed, so all carry the same weight, the run's estimate of Z. A trial made under the
    estimate c = c(root) is accepted with probability Z/c, so Z is estimated by the number
    accepted over the sum of 1/c; the last trial, at which the run stopped, is left out where
    there are others. (The mean of ``c 1[accepted]`` is unbiased but noisier.)

    With ``keep_rejected=True`` exactly n *trials* are made and all returned: an accepted one
    weighs the ``c(root)`` it was drawn under, a rejected one nothing. Those weights are proper:
    ``E[w 1(X = y)] = p(y) 1[y in L]`` at every trial.

    Parameters
    ----------
    batch_size, temperature, trie_path : as for ``ASAp``
    max_trials : trials per accepted sample wanted, on average, after which the run gives up
    keep_rejected : see above
    """

    batch_size: int = 1
    temperature: float = 1.0
    trie_path: str | os.PathLike[str] | None = None
    max_trials: int = 1000
    keep_rejected: bool = False

    def sample(
        self,
        model: LanguageModel,
        prompt: PromptLike = None,
        *,
        constraint: Any = None,
        n: int = 1,
        max_tokens: int = 256,
        seed: Any = None,
        trie: PrefixTrie | None = None,
        cancel: Cancel = None,
    ) -> Samples:
        """Draw ``n`` exact samples; parameters and errors as ``ASAp.sample``, and:

        Returns
        -------
        ``Samples``; fewer than n where the trials ran out (``extra["gave_up"]``)

        Raises
        ------
        LimitError : the trials ran out before any was accepted
        UnsupportedError : a potential with factors above 1
        """
        learner = _learner(
            *(model, prompt, constraint, max_tokens, self.temperature, trie, self.trie_path, seed, cancel),
            unvisited="valid",
            reject_early=True,
        )
        kept, log_roots, accepted = self._run(learner, n)
        log_weights = [root if yes else -math.inf for root, yes in zip(log_roots, accepted, strict=True)]
        if self.trie_path is not None:
            learner.trie.save(self.trie_path)
        extra: dict[str, Any] = {"trials": len(log_weights), "trial_log_weights": np.array(log_weights)}
        if self.keep_rejected:
            return learner.samples(kept, log_weights, extra)
        if not kept and not learner.cancelled:
            limit = self.max_trials * n
            raise LimitError("no draw was accepted", what="trials", given=len(log_weights), limit=limit)
        if len(kept) < n and not learner.cancelled:
            extra["gave_up"] = True
        evidence = _log_evidence(log_roots, accepted, stopped_at_success=len(kept) >= n)
        return learner.samples(kept, [evidence] * len(kept), extra)

    def _run(self, learner: _Learner, n: int) -> tuple[list[Trial], list[float], list[bool]]:
        """Trials to return; for every trial made, its ``log c(root)`` and whether it was accepted."""
        kept: list[Trial] = []
        log_roots: list[float] = []
        verdicts: list[bool] = []
        limit = n if self.keep_rejected else self.max_trials * n
        while len(kept) < n and len(verdicts) < limit and not learner.cancelled:
            log_root = math.log(learner.trie.root_estimate) if learner.trie.root_estimate > 0.0 else -math.inf
            for trial in learner.batch(min(self.batch_size, limit - len(verdicts))):
                accepted = len(kept) < n and _is_accepted(trial, log_root, learner.choices)
                log_roots.append(log_root)
                verdicts.append(accepted)
                if accepted or self.keep_rejected:
                    kept.append(trial)
        return kept, log_roots, verdicts


def _log_evidence(log_roots: list[float], accepted: list[bool], *, stopped_at_success: bool) -> float:
    """Log of (trials accepted) / (sum of 1/c over trials)."""
    drop = stopped_at_success and sum(accepted) > 1
    n_accepted = sum(accepted) - drop
    if not n_accepted:
        return -math.inf
    end = len(log_roots) - 1 - accepted[::-1].index(True) if drop else len(log_roots)
    return math.log(n_accepted) - log_sum_exp([-root for root in log_roots[:end]])


def _is_accepted(trial: Trial, log_root: float, choices: Choices) -> bool:
    """Whether a trial that survived its new nodes is accepted.

    Where estimates were exact sums, ``ratio = c(root) prod m(v)`` and nothing is left to decide. A
    batch may leave over-estimates behind; the shortfall is then made up by one more coin.
    """
    if trial.finish != "stop":
        return False
    log_chance = trial.log_ratio - log_root - trial.log_new_mass
    return log_chance >= -_SLACK or choices.coin(math.exp(log_chance))
