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
``prod m`` stays proper after any number of steps: ``E[w 1(X = y)] = p(y) 1[y in L]``. The
(Where masking can run into dead ends, as under a predicate, the first draw is repeated until
it succeeds and the weight is too large by the share of failures.) The
*unweighted* law is biased for few steps and tends to the target; use one or the other.

Reference: Constrained sampling for language models should be easy: an MCMC perspective
(2025), arXiv:2506.05754.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from structgen.errors import DeadEndError
from structgen.potentials.cursor import Bound, CheckCounter
from structgen.potentials.product import bind_target
from structgen.samplers.choices import Choices, as_choices
from structgen.samplers.frontier import Frontier
from structgen.samplers.pool import Pool
from structgen.samplers.population import Cancel, decode, is_cancelled, transformed
from structgen.samplers.protocol import LanguageModel, PromptLike
from structgen.samplers.samples import Samples

__all__ = ["MCMC", "Chain", "PositionLaw"]

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


@dataclass
class Chain:
    """One Markov chain over the texts of a target.

    Attributes
    ----------
    text : the present text; end of sequence is its last token
    log_weight : proper weight of the chain, set by its first draw
    """

    model: LanguageModel
    prompt: PromptLike
    bound: Bound
    max_tokens: int
    positions: PositionLaw
    checks: CheckCounter = field(default_factory=CheckCounter)
    text: Text = ()
    log_weight: float = 0.0
    n_accepted: int = 0
    n_model_calls: int = 0

    def __post_init__(self) -> None:
        self._pool = Pool(self.model.vocabulary.n_tokens)

    def start(self, choices: Choices, attempts: int = 100) -> None:
        """Draw the first text by masking.

        Raises
        ------
        DeadEndError : no attempt reached a valid text; ``text`` is the last one's
        """
        for _ in range(attempts):
            text = self._regenerate((), choices)
            if text is not None:
                self.text = text
                self.log_weight = math.fsum(token.log_mass for token in text)
                return
        raise DeadEndError("masked draws run into dead ends; no chain can start", text=self._last_text)

    def step(self, choices: Choices) -> bool:
        """Propose and accept or not; whether the proposal was accepted."""
        present = self.text
        position = choices.index(_position_weights(present, self.positions))
        proposed = self._regenerate(present[:position], choices)
        if proposed is None:
            return False
        log_ratio = sum(t.log_prob for t in proposed) - sum(t.log_prob for t in present)
        log_ratio += self._log_move(proposed, present) - self._log_move(present, proposed)
        accepted = log_ratio >= 0.0 or choices.coin(math.exp(log_ratio))
        if accepted:
            self.text = proposed
            self.n_accepted += 1
        return accepted

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

    def _regenerate(self, kept: Text, choices: Choices) -> Text | None:
        """``kept`` and a masked suffix; None in a dead end."""
        frontier = Frontier(self.model, self.prompt, self.bound, self.max_tokens, self.checks)
        text = list(kept)
        for token in kept:
            frontier.grow([(0, token.token_id)])
        drawn: Text | None = None
        while drawn is None:
            new = self._draw(frontier, choices)
            if new is None:
                break
            text.append(new)
            if new.token_id in frontier.eos_ids:
                drawn = tuple(text)
            else:
                frontier.grow([(0, new.token_id)])
        self.n_model_calls += frontier.n_model_calls
        self._last_text = decode(frontier.vocabulary, [t.token_id for t in text])
        return drawn

    def _draw(self, frontier: Frontier, choices: Choices) -> _Token | None:
        site, pool = frontier.sites[0], self._pool
        frontier.fill(site, pool, settle=True)
        token_id = choices.pick(pool)
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

        Raises
        ------
        DeadEndError : masked draws reach no valid text
        """
        choices = as_choices(seed)
        bound = bind_target(constraint, model.vocabulary)
        model = transformed(model, self.temperature)
        chains: list[Chain] = []
        cancelled = False
        try:
            while len(chains) < n and not (cancelled := is_cancelled(cancel)):
                chain = Chain(model, prompt, bound, max_tokens, self.positions)
                chain.start(choices)
                for _ in range(self.steps):
                    chain.step(choices)
                chains.append(chain)
        except KeyboardInterrupt:
            cancelled = True
        extra: dict[str, Any] = {"cancelled": True} if cancelled else {}
        proposals = max(1, self.steps * len(chains))
        return _as_samples(chains, model, extra | {"acceptance": sum(c.n_accepted for c in chains) / proposals})


def _as_samples(chains: list[Chain], model: LanguageModel, extra: dict[str, Any]) -> Samples:
    ids = [tuple(token.token_id for token in chain.text[:-1]) for chain in chains]
    return Samples(
        token_ids=tuple(ids),
        texts=tuple(decode(model.vocabulary, row) for row in ids),
        log_probs=np.array([math.fsum(token.log_prob for token in chain.text) for chain in chains]),
        log_weights=np.array([chain.log_weight for chain in chains]),
        finish_reasons=("stop",) * len(chains),
        model_calls=sum(chain.n_model_calls for chain in chains),
        constraint_checks=sum(chain.checks.n for chain in chains),
        extra=extra,
    )
