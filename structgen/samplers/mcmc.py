"""Constrained MCMC: start from a masked draw, then propose new suffixes and keep the right share.

A step picks a position i of the present text x, regenerates the suffix from there by
masking, and accepts the new text y with probability

    min(1, p(y) q(x|y) / (p(x) q(y|x))),
    q(y|x) = sum over i <= lcp(x, y) of pos(i|x) prod over j >= i of q_mask(y_j),

where ``lcp`` is the length of the common prefix and ``q_mask`` the masked next-token
distribution. Every text reached is valid; its law tends to ``P(. | L)`` with more steps.

Position laws: ``restart`` (always 0), ``uniform`` over the text's positions, ``entropy`` (in
proportion to the entropy of the masked distribution there: positions where something else
could have been said).

Weights. The kernel leaves ``P(. | L)`` invariant, so the first masked draw's weight
``prod m`` stays proper after any number of steps: ``E[w 1(X = y)] = p(y) 1[y in L]``. Where
masking can run into dead ends, as under a predicate, the first draw is repeated until it
succeeds; a chain that needed more than one attempt weighs nothing, which keeps the
expectation what it was. The *unweighted* law is biased for few steps and tends to the target; use one or
the other.

All chains move together: a step's proposals are fed and drawn side by side, one forward pass
per token with one row per distinct prefix.

Reference: Constrained sampling for language models should be easy: an MCMC perspective
(2025), arXiv:2506.05754.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from structgen.errors import DeadEndError
from structgen.potentials.cursor import Bound, CheckCounter
from structgen.potentials.product import bind_target
from structgen.samplers.cancelling import Cancel, is_cancelled
from structgen.samplers.choices import Choices, as_choices
from structgen.samplers.frontier import Frontier
from structgen.samplers.pool import Pool
from structgen.samplers.population import decode, transformed
from structgen.samplers.protocol import LanguageModel, PromptLike
from structgen.samplers.samples import Samples

__all__ = ["MCMC", "Chain", "Chains", "PositionLaw"]

PositionLaw = Literal["restart", "uniform", "entropy"]


@dataclass(frozen=True, slots=True)
class _Token:
    """One token of a text with what masking knew there."""

    token_id: int
    log_prob: float
    """Under the model times soft factors, unmasked."""
    log_mass: float
    """Of the allowed tokens."""
    entropy: float
    """Of the masked distribution, nats."""

    @property
    def log_proposal(self) -> float:
        return self.log_prob - self.log_mass


Text = tuple[_Token, ...]


@dataclass(slots=True)
class Chain:
    """One Markov chain over the texts of a target.

    Attributes
    ----------
    text : the present text; end of sequence is its last token
    log_weight : proper weight of the chain, set by its first draw
    """

    text: Text = ()
    log_weight: float = 0.0


@dataclass
class Chains:
    """Chains on one target that move in step."""

    model: LanguageModel
    prompt: PromptLike
    bound: Bound
    max_tokens: int
    positions: PositionLaw
    choices: Choices
    cancel: Cancel = None
    checks: CheckCounter = field(default_factory=CheckCounter)
    n_accepted: int = 0
    n_proposed: int = 0
    n_model_calls: int = 0

    def __post_init__(self) -> None:
        self._pool = Pool(self.model.vocabulary.n_tokens)

    def start(self, n: int, attempts: int = 100) -> list[Chain]:
        """Draw the first texts of ``n`` chains by masking; fewer where cancelled.

        Raises
        ------
        DeadEndError : after as many attempts a chain has no valid text; ``text`` is the last one's
        """
        chains = [Chain() for _ in range(n)]
        for attempt in range(attempts):
            waiting = [chain for chain in chains if not chain.text]
            if not waiting or is_cancelled(self.cancel):
                break
            for chain, drawn in zip(waiting, self._regenerate([()] * len(waiting)), strict=True):
                if drawn is not None:
                    chain.text = drawn
                    chain.log_weight = -math.inf if attempt else math.fsum(token.log_mass for token in drawn)
        started = [chain for chain in chains if chain.text]
        if len(started) < n and not is_cancelled(self.cancel):
            raise DeadEndError("masked draws run into dead ends; no chain can start", text=self._last_text)
        return started

    def step(self, chains: Sequence[Chain]) -> None:
        """Propose to every chain, and accept or not."""
        kept = []
        for chain in chains:
            position = self.choices.index(_position_weights(chain.text, self.positions))
            kept.append(chain.text[:position])
        for chain, proposed in zip(chains, self._regenerate(kept), strict=True):
            self.n_proposed += 1
            if proposed is not None and self._is_accepted(chain.text, proposed):
                chain.text = proposed
                self.n_accepted += 1

    def _is_accepted(self, present: Text, proposed: Text) -> bool:
        log_ratio = sum(t.log_prob for t in proposed) - sum(t.log_prob for t in present)
        log_ratio += self._log_move(proposed, present) - self._log_move(present, proposed)
        return log_ratio >= 0.0 or self.choices.coin(math.exp(log_ratio))

    def _log_move(self, source: Text, goal: Text) -> float:
        """``log q(goal | source)``."""
        weights = _position_weights(source, self.positions)
        total = math.fsum(weights)
        common = 0
        while common < min(len(source), len(goal)) and source[common].token_id == goal[common].token_id:
            common += 1
        suffix = math.fsum(token.log_proposal for token in goal)
        terms = []
        for position in range(min(common, len(source) - 1) + 1):
            if position > 0:
                suffix -= goal[position - 1].log_proposal
            if weights[position] > 0.0:
                terms.append(math.log(weights[position] / total) + suffix)
        top = max(terms)
        return top + math.log(math.fsum(math.exp(term - top) for term in terms))

    def _regenerate(self, kept: Sequence[Text]) -> list[Text | None]:
        """Each ``kept`` with a masked suffix; None in a dead end."""
        frontier = Frontier(self.model, self.prompt, self.bound, self.max_tokens, self.checks)
        texts: list[list[_Token]] = [[] for _ in kept]
        drawn: list[Text | None] = [None] * len(kept)
        live = [(number, 0) for number in range(len(kept))]
        while live:
            steps = []
            for number, site in live:
                text, old = texts[number], kept[number]
                new = old[len(text)] if len(text) < len(old) else self._draw(frontier, site)
                if new is None:
                    continue
                text.append(new)
                if new.token_id in frontier.eos_ids:
                    drawn[number] = tuple(text)
                else:
                    steps.append((number, site, new.token_id))
            sites = frontier.grow([(site, token_id) for _, site, token_id in steps])
            live = [(number, site) for (number, _, _), site in zip(steps, sites, strict=True)]
        self.n_model_calls += frontier.n_model_calls
        self._last_text = decode(frontier.vocabulary, [t.token_id for t in texts[-1]]) if texts else ""
        return drawn

    def _draw(self, frontier: Frontier, site_number: int) -> _Token | None:
        site, pool = frontier.sites[site_number], self._pool
        frontier.fill(site, pool, settle=True)
        token_id = self.choices.pick(pool)
        if token_id < 0:
            return None
        masses = pool.mass[pool.mass > 0.0] / pool.total
        entropy = max(0.0, -float(masses @ np.log(masses)))
        return _Token(token_id, pool.log_mass(token_id), pool.log_total, entropy)


def _position_weights(text: Text, law: PositionLaw) -> list[float]:
    """Weight of each position of the text, some positive."""
    if law == "restart":
        return [1.0] + [0.0] * (len(text) - 1)
    if law == "entropy":
        weights = [token.entropy for token in text]
        if sum(weights) > 0.0:
            return weights
    return [1.0] * len(text)


@dataclass(frozen=True, kw_only=True)
class MCMC:
    """n independent chains of ``steps`` steps; see this module for laws and weights.

    Needs the mask: an opaque target is asked about every token left (slow for prefix
    predicates; one question per step for predicates on complete texts).

    Parameters
    ----------
    steps : proposals per chain
    positions : ``restart``, ``uniform`` or ``entropy``
    temperature : of the model
    """

    steps: int = 10
    positions: PositionLaw = "uniform"
    temperature: float = 1.0

    def __post_init__(self) -> None:
        if self.steps < 0:
            raise ValueError(f"steps must be >= 0, not {self.steps}")
        if self.positions not in ("restart", "uniform", "entropy"):
            raise ValueError(f"unknown position law {self.positions!r}")

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
        """Run ``n`` chains; parameters as ``AWRS.sample``. ``extra["acceptance"]`` is the accepted share.

        A cancelled run returns its chains after as many steps as were made; all are valid.

        Raises
        ------
        DeadEndError : masked draws reach no valid text
        """
        model = transformed(model, self.temperature)
        bound = bind_target(constraint, model.vocabulary)
        run = Chains(model, prompt, bound, max_tokens, self.positions, as_choices(seed), cancel)
        chains: list[Chain] = []
        cancelled = False
        try:
            chains = run.start(n)
            for _ in range(self.steps):
                if cancelled := is_cancelled(cancel):
                    break
                run.step(chains)
        except KeyboardInterrupt:
            cancelled = True
        cancelled = cancelled or len(chains) < n
        extra: dict[str, Any] = {"cancelled": True} if cancelled else {}
        return _as_samples(chains, run, extra | {"acceptance": run.n_accepted / max(1, run.n_proposed)})


def _as_samples(chains: list[Chain], run: Chains, extra: dict[str, Any]) -> Samples:
    ids = [tuple(token.token_id for token in chain.text[:-1]) for chain in chains]
    return Samples(
        token_ids=tuple(ids),
        texts=tuple(decode(run.model.vocabulary, row) for row in ids),
        log_probs=np.array([math.fsum(token.log_prob for token in chain.text) for chain in chains]),
        log_weights=np.array([chain.log_weight for chain in chains]),
        finish_reasons=("stop",) * len(chains),
        model_calls=run.n_model_calls,
        constraint_checks=run.checks.n,
        extra=extra,
    )
