"""Beam search under a constraint: the likeliest valid texts, and diverse ones.

At each step every beam is extended by its best allowed tokens and the best ``width`` of all
are kept, by ``log p``. With ``groups > 1`` the beams are split into groups that choose one
after the other, and a token already chosen by earlier groups at this step costs ``penalty``
nats each (Hamming diversity; Vijayakumar et al. 2016, arXiv:1610.02424).

This is a search, not a sampler. What it returns are distinct texts with their ``log_prob``;
``log_weight`` equals it, so ``log_evidence`` is the log of the mass found, a lower bound of
log Z, and self-normalised weights are ``P(. | L)`` restricted to the texts found.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from structgen.errors import DeadEndError
from structgen.potentials.cursor import CheckCounter
from structgen.potentials.product import bind_target
from structgen.samplers.cancelling import Cancel, is_cancelled
from structgen.samplers.frontier import Frontier
from structgen.samplers.pool import Pool
from structgen.samplers.population import Particle, as_samples, transformed
from structgen.samplers.protocol import LanguageModel, PromptLike
from structgen.samplers.samples import Samples, log_sum_exp

__all__ = ["Beam"]


@dataclass(frozen=True, slots=True)
class _Option:
    """A beam and one token that may extend it."""

    score: float
    beam: Particle
    token_id: int
    log_prob: float


@dataclass(frozen=True, kw_only=True)
class Beam:
    """Beam search, plain (``groups=1``) or diverse.

    Parameters
    ----------
    width : beams in all
    groups : groups of equal size; must divide ``width``
    penalty : nats a token costs per earlier group that chose it at this step
    temperature : of the model; matters for soft factors alone
    """

    width: int = 4
    groups: int = 1
    penalty: float = 0.5
    temperature: float = 1.0

    def __post_init__(self) -> None:
        if self.width < 1 or self.groups < 1 or self.width % self.groups:
            raise ValueError(f"groups must divide width, both >= 1, not {self.groups} and {self.width}")
        if self.penalty < 0:
            raise ValueError(f"penalty must be >= 0, not {self.penalty}")

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
        """The best ``n`` (at most ``width``) texts found, best first; deterministic, ``seed`` is ignored.

        Raises
        ------
        DeadEndError : no beam reached the end of a valid text; ``text`` is where the best one got to
        """
        checks = CheckCounter()
        model = transformed(model, self.temperature)
        frontier = Frontier(model, prompt, bind_target(constraint, model.vocabulary), max_tokens, checks)
        pool = Pool(model.vocabulary.n_tokens)
        per_group = self.width // self.groups
        live: list[list[Particle]] = [[Particle()] for _ in range(self.groups)]
        done: list[list[Particle]] = [[] for _ in range(self.groups)]
        furthest: tuple[int, ...] = ()
        cancelled = False
        try:
            while any(live) and not (cancelled := is_cancelled(cancel)):
                furthest = next(beam.token_ids for group in live for beam in group)
                self._advance(frontier, pool, live, done, per_group)
        except KeyboardInterrupt:
            cancelled = True
        found = _distinct([p for group in done for p in group])
        if not found and not cancelled:
            raise DeadEndError("no beam reached the end of a valid text", text=model.vocabulary.decode(furthest))
        return as_samples(
            [replace(p, log_weight=p.log_prob) for p in found[: min(n, self.width)]],
            model.vocabulary,
            evidence=log_sum_exp([p.log_prob for p in found]),
            model_calls=frontier.n_model_calls,
            constraint_checks=checks.n,
            extra={"cancelled": True} if cancelled else {},
        )

    def _advance(
        self, frontier: Frontier, pool: Pool, live: list[list[Particle]], done: list[list[Particle]], size: int
    ) -> None:
        """One step of all groups, then one forward pass for all beams."""
        chosen: dict[int, int] = {}
        for group, beams in enumerate(live):
            options = self._options(frontier, pool, beams, size, chosen)
            kept: list[Particle] = []
            for option in options[: size + len(frontier.eos_ids) * len(beams)]:
                if len(kept) == size:
                    break
                beam = _extended(option, frontier)
                (done[group] if beam.finish else kept).append(beam)
            done[group] = sorted(done[group], key=lambda p: -p.log_prob)[:size]
            worst = done[group][-1].log_prob if len(done[group]) == size else -math.inf
            live[group] = [beam for beam in kept if beam.log_prob > worst]
            for beam in live[group]:
                chosen[beam.pending] = chosen.get(beam.pending, 0) + 1
        beams = [beam for group in live for beam in group]
        for beam, site in zip(beams, frontier.grow([(b.site, b.pending) for b in beams]), strict=True):
            beam.site = site

    def _options(
        self, frontier: Frontier, pool: Pool, beams: list[Particle], size: int, chosen: dict[int, int]
    ) -> list[_Option]:
        """The best extensions of a group's beams, best first."""
        options = []
        for beam in beams:
            frontier.fill(frontier.sites[beam.site], pool, settle=True)
            support = pool.support()
            scores = np.log(pool.mass[support]) + pool.shift
            penalised = scores - self.penalty * np.array([chosen.get(int(t), 0) for t in support])
            wanted = size + len(frontier.eos_ids)
            best = np.argsort(-penalised, kind="stable")[:wanted]
            options += [
                _Option(beam.log_prob + float(penalised[i]), beam, int(support[i]), beam.log_prob + float(scores[i]))
                for i in best
            ]
        return sorted(options, key=lambda option: -option.score)


def _distinct(beams: list[Particle]) -> list[Particle]:
    """One per text, best first; the mass of several end-of-sequence ids is added up (groups may repeat a text)."""
    by_ids: dict[tuple[int, ...], dict[int, Particle]] = {}
    for beam in beams:
        by_ids.setdefault(beam.token_ids, {})[beam.pending] = beam
    merged = [
        replace(next(iter(ends.values())), log_prob=log_sum_exp([beam.log_prob for beam in ends.values()]))
        for ends in by_ids.values()
    ]
    return sorted(merged, key=lambda beam: -beam.log_prob)


def _extended(option: _Option, frontier: Frontier) -> Particle:
    beam = option.beam.copy()
    beam.log_prob = option.log_prob
    if option.token_id in frontier.eos_ids:
        beam.finish = "stop"
    else:
        beam.token_ids = (*beam.token_ids, option.token_id)
    beam.pending = option.token_id
    return beam
