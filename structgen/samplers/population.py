"""Particles: weighted sequences that grow side by side on one frontier.

What AWRS (independent particles) and SMC (interacting ones) have in common: every live
particle takes a properly weighted token, weights multiply, a particle that drew end of
sequence or found nothing to draw is finished and frees its row.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from structgen.samplers.choices import Choices
from structgen.samplers.frontier import Frontier
from structgen.samplers.pool import Pool
from structgen.samplers.protocol import LanguageModel
from structgen.samplers.rejection import TokenDraw
from structgen.samplers.samples import Samples
from structgen.samplers.transforms import Transform, TransformedModel
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["Particle", "Population", "as_samples", "decode", "no_weight", "transformed"]


@dataclass(slots=True)
class Particle:
    """One weighted sequence; ``finish`` is empty while it grows."""

    token_ids: tuple[int, ...] = ()
    log_prob: float = 0.0
    log_weight: float = 0.0
    twist: float = 0.0
    site: int = 0
    pending: int = -1
    finish: str = ""

    def copy(self) -> Particle:
        """An independent particle in the same place."""
        return replace(self)


class Population:
    """N particles on a frontier."""

    def __init__(self, frontier: Frontier, n: int) -> None:
        if n < 1:
            raise ValueError(f"needs at least one particle, not {n}")
        self.frontier = frontier
        self.particles = [Particle() for _ in range(n)]
        self._pool = Pool(frontier.vocabulary.n_tokens)

    @property
    def live(self) -> list[Particle]:
        """Particles that still grow."""
        return [particle for particle in self.particles if not particle.finish]

    @property
    def log_weights(self) -> npt.NDArray[np.float64]:
        """(N,) float64, nats."""
        return np.array([particle.log_weight for particle in self.particles])

    def draw(self, draw: TokenDraw, choices: Choices) -> None:
        """Draw a token for every live particle; nothing is computed yet by the model."""
        for particle in self.live:
            self._draw_one(particle, draw, choices)

    def grow(self) -> None:
        """Let the model see the tokens drawn: one forward pass, one row per distinct prefix."""
        live = self.live
        sites = self.frontier.grow([(particle.site, particle.pending) for particle in live])
        for particle, site in zip(live, sites, strict=True):
            particle.site = site

    def resample(self, ancestors: npt.NDArray[np.int64], log_weight: float) -> None:
        """Replace particle i by a copy of ``ancestors[i]``, all weighing the same."""
        self.particles = [self.particles[int(ancestor)].copy() for ancestor in ancestors]
        for particle in self.particles:
            particle.log_weight = log_weight

    def _draw_one(self, particle: Particle, draw: TokenDraw, choices: Choices) -> None:
        site = self.frontier.sites[particle.site]
        token_id, log_weight = draw.draw(self.frontier, site, self._pool, choices)
        particle.log_weight += log_weight
        if token_id < 0:
            particle.finish = "dead_end" if site.budget > 1 else "length"
            return
        particle.log_prob += float(site.log_probs[token_id])
        if token_id in self.frontier.eos_ids:
            particle.finish = "stop"
        else:
            particle.token_ids = (*particle.token_ids, token_id)
            particle.pending = token_id


def as_samples(particles: Sequence[Particle], vocabulary: Vocabulary, **fields: Any) -> Samples:
    """The finished particles as ``Samples``; unfinished ones (of a cancelled run) go to ``extra["unfinished"]``."""
    done = [particle for particle in particles if particle.finish]
    unfinished = [decode(vocabulary, particle.token_ids) for particle in particles if not particle.finish]
    extra = dict(fields.pop("extra", {}))
    if unfinished:
        extra["unfinished"] = unfinished
    return Samples(
        token_ids=tuple(particle.token_ids for particle in done),
        texts=tuple(decode(vocabulary, particle.token_ids) for particle in done),
        log_probs=np.array([particle.log_prob for particle in done]),
        log_weights=np.array([particle.log_weight for particle in done], dtype=np.float64),
        finish_reasons=tuple(particle.finish for particle in done),
        extra=extra,
        **fields,
    )


def decode(vocabulary: Vocabulary, token_ids: Sequence[int]) -> str:
    """Text of tokens; bytes that are not UTF-8 become U+FFFD."""
    return vocabulary.decode(token_ids).decode("utf-8", "replace")


def no_weight(log_weights: npt.NDArray[np.float64]) -> bool:
    """Whether every particle is dead."""
    return bool((log_weights == -math.inf).all())


def transformed(model: LanguageModel, temperature: float) -> LanguageModel:
    """The model at this temperature.

    Raises
    ------
    ValueError : it is not positive; greedy decoding has no weights
    """
    if temperature <= 0:
        raise ValueError(f"temperature must be > 0 for weighted samples, not {temperature}")
    return model if temperature == 1.0 else TransformedModel(model, Transform(temperature=temperature))
