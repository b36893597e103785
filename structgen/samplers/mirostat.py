"""Mirostat v2 on top of a mask: texts of a chosen average surprise.

At each step the allowed tokens whose surprise (under the masked distribution, in bits)
exceeds ``mu`` are dropped, one of the rest is drawn, and ``mu`` moves by
``rate * (target - surprise of the token drawn)``; it starts at twice the target. At least
the likeliest token always stays.

The set kept depends on the prefix alone, so the weight is exact: ``log w = sum of the log
mass kept``, proper for the language restricted to the texts that Mirostat can reach:
``E[w 1(X = y)] = p(y) 1[y in L] 1[y reachable]``.

Reference: Basu et al. (2021), Mirostat, arXiv:2007.14966; version 2 of its authors.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from structgen.samplers.cancelling import Cancel
from structgen.samplers.choices import Choices
from structgen.samplers.frontier import Frontier, Site
from structgen.samplers.pool import Pool
from structgen.samplers.protocol import LanguageModel, PromptLike
from structgen.samplers.samples import Samples
from structgen.samplers.smc import PopulationSettings, sample_population

__all__ = ["Mirostat"]

NATS = math.log(2.0)


@dataclass(frozen=True)
class _Draw:
    """The token draw; ``mu`` is kept per prefix, for a prefix determines it."""

    target: float
    rate: float
    thresholds: dict[tuple[int, ...], float] = field(default_factory=dict)

    def draw(self, frontier: Frontier, site: Site, pool: Pool, choices: Choices) -> tuple[int, float]:
        frontier.fill(site, pool, settle=True)
        support = pool.support()
        if not len(support):
            return -1, -math.inf
        mu = self.thresholds.get(site.token_ids, 2.0 * self.target)
        surprise = (math.log(pool.total) - np.log(pool.mass[support])) / NATS
        dropped = support[(surprise > mu) & (surprise > surprise.min())]
        pool.put_many(dropped, np.zeros(len(dropped)))
        kept = pool.total
        token_id = choices.pick(pool)
        seen = (math.log(kept) - math.log(pool.mass[token_id])) / NATS
        self.thresholds[(*site.token_ids, token_id)] = mu + self.rate * (self.target - seen)
        return token_id, pool.log_total


@dataclass(frozen=True, kw_only=True)
class Mirostat:
    """Masked draws steered to an average surprise; see this module for what the weights mean.

    Parameters
    ----------
    target : bits per token
    rate : how fast the threshold moves
    temperature : of the model
    """

    target: float = 5.0
    rate: float = 0.1
    temperature: float = 1.0

    def __post_init__(self) -> None:
        if self.target <= 0 or self.rate <= 0:
            raise ValueError(f"target and rate must be > 0, not {self.target} and {self.rate}")

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
        settings = PopulationSettings(proposal=_Draw(self.target, self.rate))
        return sample_population(
            settings, model, prompt, constraint, None, n, max_tokens, seed, cancel, self.temperature
        )
