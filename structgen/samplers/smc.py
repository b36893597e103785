"""Sequential Monte Carlo: particles that share their luck.

N particles take properly weighted tokens (masked or AWRS); where their weights have drifted
apart (ESS below ``threshold * N``) they are resampled, so that effort goes where the
target has mass. A *critic* adds a look-ahead: a potential whose value on the prefix is
put on the weight now and taken off at the next step (a twist); at the end its value on the
complete text stays.

Resampled particles stand at the same prefix and share the ancestor's model row and cache;
finished particles free theirs. If every particle dies the run starts again with a fresh
budget, at most ``restarts`` times, and says so in ``extra["restarts"]``.

Weights. ``log_evidence`` is the log mean weight, ``E[exp(log_evidence)] = Z`` for any N (Z
includes the critic's factor), exactly so with ``restarts=0``; a run that restarted counts
its dead attempts as zeros in the mean, which leaves a small bias upwards because it stops
at the first success. Particles are properly weighted for the target at any N, and their
weighted law tends to it as N grows.

References: Loula et al. (2025), arXiv:2504.13139; Del Moral, Doucet, Jasra (2006).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from structgen.errors import PredicateError
from structgen.potentials.cursor import Bound, CheckCounter
from structgen.potentials.product import bind_target
from structgen.samplers.cancelling import Cancel, is_cancelled
from structgen.samplers.choices import Choices, as_choices
from structgen.samplers.frontier import Frontier
from structgen.samplers.population import Particle, Population, as_samples, no_weight, transformed
from structgen.samplers.protocol import LanguageModel, Potential, PromptLike
from structgen.samplers.rejection import Budgeted, TokenDraw
from structgen.samplers.resampling import SCHEMES, Scheme, draw_ancestors
from structgen.samplers.samples import Samples, effective_sample_size, log_mean_exp
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["SMC", "PopulationSettings", "sample_population"]


@dataclass(frozen=True, kw_only=True)
class PopulationSettings:
    """How a population is run; see ``SMC`` for the meanings."""

    proposal: TokenDraw
    critic: Any = None
    threshold: float = 0.0
    resampling: Scheme = "systematic"
    restarts: int = 0


@dataclass
class _Run:
    """One population from start to end, with restarts."""

    settings: PopulationSettings
    model: LanguageModel
    prompt: PromptLike
    bound: Bound
    n: int
    max_tokens: int
    choices: Choices
    cancel: Cancel
    checks: CheckCounter = field(default_factory=CheckCounter)
    n_model_calls: int = 0
    n_resamplings: int = 0
    n_attempts: int = 0
    cancelled: bool = False

    def samples(self) -> Samples:
        """Run until particles survive or the restarts are used up."""
        particles = self._attempt()
        while self.n_attempts <= self.settings.restarts and self._all_dead(particles) and not self.cancelled:
            particles = self._attempt()
        weights = [particle.log_weight for particle in particles if particle.finish]
        extra: dict[str, Any] = {"restarts": self.n_attempts - 1, "resamplings": self.n_resamplings}
        if self.cancelled:
            extra["cancelled"] = True
        return as_samples(
            particles,
            self.model.vocabulary,
            evidence=log_mean_exp(weights) - math.log(self.n_attempts),
            model_calls=self.n_model_calls,
            constraint_checks=self.checks.n,
            extra=extra,
        )

    def _all_dead(self, particles: list[Particle]) -> bool:
        return all(particle.log_weight == -math.inf for particle in particles)

    def _attempt(self) -> list[Particle]:
        self.n_attempts += 1
        frontier = Frontier(self.model, self.prompt, self.bound, self.max_tokens, self.checks)
        population = Population(frontier, self.n)
        try:
            while population.live and not self.cancelled:
                self.cancelled = is_cancelled(self.cancel)
                if not self.cancelled:
                    self._step(population)
        except KeyboardInterrupt:
            self.cancelled = True
        self.n_model_calls += frontier.n_model_calls
        return population.particles

    def _step(self, population: Population) -> None:
        live = population.live
        population.draw(self.settings.proposal, self.choices)
        if self.settings.critic is not None:
            for particle in live:
                _twist(particle, self.settings.critic, self.model.vocabulary)
        weights = population.log_weights
        if no_weight(weights):
            for particle in population.live:
                particle.finish = "dead_end"
            return
        if not population.live:
            return
        if self.settings.threshold and effective_sample_size(weights) < self.settings.threshold * self.n:
            ancestors = draw_ancestors(weights, self.choices, self.settings.resampling)
            population.resample(ancestors, log_mean_exp(weights))
            self.n_resamplings += 1
        population.grow()


def _twist(particle: Particle, critic: Potential, vocabulary: Vocabulary) -> None:
    """Replace the particle's look-ahead by the critic's present opinion."""
    if particle.log_weight == -math.inf:
        return
    value = critic.complete(particle.token_ids) if particle.finish == "stop" else critic.prefix(particle.token_ids)
    if math.isnan(value) or value == math.inf:
        raise PredicateError(f"the critic says {value}", text=vocabulary.decode(particle.token_ids))
    particle.log_weight += value - particle.twist
    particle.twist = value
    if value == -math.inf and not particle.finish:
        particle.finish = "dead_end"


@dataclass(frozen=True)
class SMC:
    """Particles with resampling; see this module's docstring for what the weights are proper for.

    Parameters
    ----------
    particles : N. ``sample(n)`` with n != N resamples n of them, all weighing the evidence;
        more than N come from several runs
    proposal : token draw; the default uses the mask where it is exact and AWRS where not
    critic : a ``Potential`` (prefix, complete) multiplied into the target, with look-ahead
    threshold : resample where ESS falls below this share of N; 0 never, 1 nearly always
    resampling : ``systematic``, ``stratified``, ``residual`` or ``multinomial``
    restarts : fresh attempts after all particles died
    temperature : of the model

    Raises
    ------
    ValueError : a setting outside its range
    """

    particles: int = 8
    proposal: TokenDraw = field(default_factory=Budgeted)
    critic: Any = None
    threshold: float = 0.5
    resampling: Scheme = "systematic"
    restarts: int = 2
    temperature: float = 1.0

    def __post_init__(self) -> None:
        if self.particles < 1:
            raise ValueError(f"particles must be >= 1, not {self.particles}")
        if not 0.0 <= self.threshold <= 1.0:
            raise ValueError(f"threshold must lie in [0, 1], not {self.threshold}")
        if self.resampling not in SCHEMES:
            raise ValueError(f"unknown resampling scheme {self.resampling!r}; one of {', '.join(SCHEMES)}")
        if self.restarts < 0:
            raise ValueError(f"restarts must be >= 0, not {self.restarts}")

    def sample(
        self,
        model: LanguageModel,
        prompt: PromptLike = None,
        *,
        constraint: Any = None,
        n: int = 1,
        max_tokens: int = 256,
        seed: Any = None,
        cancel: Cancel = None,
    ) -> Samples:
        """Draw ``n`` samples; parameters and errors as ``AWRS.sample``."""
        settings = PopulationSettings(
            proposal=self.proposal,
            critic=self.critic,
            threshold=self.threshold,
            resampling=self.resampling,
            restarts=self.restarts,
        )
        return sample_population(
            settings, model, prompt, constraint, self.particles, n, max_tokens, seed, cancel, self.temperature
        )


def sample_population(
    settings: PopulationSettings,
    model: LanguageModel,
    prompt: PromptLike,
    constraint: Any,
    particles: int | None,
    n: int,
    max_tokens: int,
    seed: Any,
    cancel: Cancel,
    temperature: float,
) -> Samples:
    """Enough runs for ``n`` samples, each resampled where its size is not what was asked for."""
    if n < 1:
        raise ValueError(f"n must be >= 1, not {n}")
    choices = as_choices(seed)
    bound = bind_target(constraint, model.vocabulary)
    model = transformed(model, temperature)
    size = particles or n
    runs = []
    for start in range(0, n, size):
        run = _Run(settings, model, prompt, bound, size, max_tokens, choices, cancel)
        runs.append(_thinned(run.samples(), min(size, n - start), size, choices))
        if run.cancelled:
            break
    return runs[0] if len(runs) == 1 else Samples.concatenate(runs)


def _thinned(samples: Samples, wanted: int, size: int, choices: Choices) -> Samples:
    """``wanted`` of the samples by weight, all weighing the evidence; untouched where nothing needs choosing."""
    if wanted == size or len(samples) <= wanted or no_weight(samples.log_weights):
        return samples.take(range(min(wanted, len(samples))))
    rows = [choices.index(list(samples.probabilities)) for _ in range(wanted)]
    return replace(samples.take(rows), log_weights=np.full(wanted, samples.log_evidence))
