"""What happened in a generation, token by token: what the model wanted, what the constraint let it.

One sequence is decoded as ``Masking`` does it, and every step is kept: the likeliest
tokens with or without the mask, the mass that the mask took away, and where the text had
one continuation only. Summed, the log masses are the sample's log weight, so the report
shows where a weight comes from.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from structgen.masks.mask import to_bool
from structgen.samplers.decoding import bind
from structgen.samplers.protocol import LanguageModel, PromptLike, TokenMatcher
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["Option", "Step", "Trace", "trace"]


@dataclass(frozen=True, slots=True)
class Option:
    """One token that might have come."""

    token_id: int
    text: str
    probability: float
    """The model's own, before any mask."""
    is_allowed: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One token that came."""

    chosen: Option
    rank: int
    """Tokens that the model liked better; 0 is its favourite."""
    allowed_mass: float
    """The model's probability of all allowed tokens together."""
    n_allowed: int
    is_forced: bool
    """One token was allowed, or the text had one continuation only."""
    options: tuple[Option, ...]
    """The model's likeliest tokens, likeliest first."""

    @property
    def mass_lost(self) -> float:
        """The probability that the mask took away."""
        return 1.0 - self.allowed_mass

    @property
    def is_overruled(self) -> bool:
        """The model's favourite was not allowed."""
        return not self.options[0].is_allowed


@dataclass(frozen=True)
class Trace:
    """A generation and its steps.

    Parameters
    ----------
    text : what was written
    finish_reason : "stop", "complete", "length" or "dead_end"
    n_prompt : tokens of the prompt
    steps : one per token, end of sequence included where it was drawn
    """

    text: str
    finish_reason: str
    n_prompt: int
    steps: tuple[Step, ...]

    @property
    def log_prob(self) -> float:
        """Nats, the model's own log-probability of the tokens."""
        return math.fsum(_log(step.chosen.probability) for step in self.steps)

    @property
    def log_weight(self) -> float:
        """Nats, the sum of the log allowed masses: the sample's importance weight under masking."""
        return math.fsum(_log(step.allowed_mass) for step in self.steps)

    def as_dict(self) -> dict[str, Any]:
        """Plain data for ``--json``."""
        totals = {"log_prob": self.log_prob, "log_weight": self.log_weight}
        return asdict(self) | totals


def trace(
    model: LanguageModel,
    prompt: PromptLike = None,
    *,
    constraint: Any = None,
    max_tokens: int = 256,
    temperature: float = 0.0,
    seed: int | None = None,
    top: int = 5,
) -> Trace:
    """Generate once and keep every step.

    Parameters
    ----------
    model, prompt, constraint, max_tokens, seed : as for ``Masking.sample``
    temperature : 0 takes the likeliest allowed token; masses are always those at temperature 1
    top : how many of the model's likeliest tokens to keep per step

    Raises
    ------
    IncompleteError : the budget cannot hold even the shortest text
    """
    bound = bind(constraint, model.vocabulary)
    ids = list(model.encode(prompt))
    found = _Steps(model, ids, None if bound is None else bound.start(), top)
    steps = tuple(found.draw(max_tokens, temperature, np.random.default_rng(seed)))
    return Trace(found.data.decode("utf-8", "replace"), found.finish_reason, len(ids), steps)


class _Steps:
    """One sequence being decoded; knows its text and how it ended once ``draw`` is through."""

    def __init__(self, model: LanguageModel, ids: list[int], matcher: TokenMatcher | None, top: int) -> None:
        self.model, self.ids, self.matcher, self.top = model, ids, matcher, top
        self.vocabulary = model.vocabulary
        self.is_end = np.isin(np.arange(self.vocabulary.n_tokens), self.vocabulary.eos_ids)
        self.row = np.zeros(self.vocabulary.n_words, dtype=np.uint32)
        self.data = bytearray()
        self.finish_reason = "length"

    def draw(self, max_tokens: int, temperature: float, rng: np.random.Generator) -> Iterator[Step]:
        state = None
        for budget in range(max_tokens, 0, -1):
            allowed = self._allowed(budget)
            if not allowed.any():
                accepted = self.matcher is not None and self.matcher.is_accepting
                self.finish_reason = "complete" if accepted else "dead_end"
                return
            # The model runs only once the constraint has agreed to the budget.
            state = self.model.start([self.ids]) if state is None else state
            probabilities = np.exp(state.logprobs()[0][: self.vocabulary.n_tokens].astype(np.float64))
            token_id = _choose(probabilities, allowed, temperature, rng)
            forced = int(allowed.sum()) == 1 or (self.matcher is not None and len(self.matcher.forced_tokens()) > 0)
            yield _step(self.vocabulary, probabilities, allowed, token_id, forced, self.top)
            if self.is_end[token_id]:
                self.finish_reason = "complete" if self.is_end[allowed].all() else "stop"
                return
            self.data += self.vocabulary.token_bytes(token_id)
            if self.matcher is not None:
                self.matcher.advance(token_id)
            state.extend([[token_id]])

    def _allowed(self, budget: int) -> npt.NDArray[np.bool_]:
        if self.matcher is None:
            return np.ones(self.vocabulary.n_tokens, dtype=np.bool_)
        self.matcher.fill_mask(self.row, budget)
        return to_bool(self.row, self.vocabulary.n_tokens)


def _choose(
    probabilities: npt.NDArray[np.float64], allowed: npt.NDArray[np.bool_], temperature: float, rng: np.random.Generator
) -> int:
    if temperature == 0:
        return int(np.where(allowed, probabilities, -1.0).argmax())
    with np.errstate(divide="ignore"):
        scores = np.where(allowed, np.log(probabilities), -np.inf) / temperature
    weights = np.exp(scores - scores.max())
    return int(rng.choice(len(weights), p=weights / weights.sum()))


def _step(
    vocabulary: Vocabulary,
    probabilities: npt.NDArray[np.float64],
    allowed: npt.NDArray[np.bool_],
    token_id: int,
    forced: bool,
    top: int,
) -> Step:
    def option(at: int) -> Option:
        return Option(at, shown(vocabulary, at), float(probabilities[at]), bool(allowed[at]))

    n_top = min(max(1, top), len(probabilities))
    likeliest = np.argpartition(-probabilities, n_top - 1)[:n_top]
    ordered = likeliest[np.lexsort((likeliest, -probabilities[likeliest]))]
    return Step(
        chosen=option(token_id),
        rank=int((probabilities > probabilities[token_id]).sum()),
        allowed_mass=min(1.0, float(probabilities[allowed].sum())),
        n_allowed=int(allowed.sum()),
        is_forced=forced,
        options=tuple(option(int(at)) for at in ordered),
    )


def shown(vocabulary: Vocabulary, token_id: int) -> str:
    """A token for people: its text with marks for blanks, or the name of a special one."""
    data = vocabulary.token_bytes(token_id)
    if not data:
        return vocabulary.special_texts.get(token_id, f"<{token_id}>")
    text = data.decode("utf-8", "backslashreplace")
    return text.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")


def _log(probability: float) -> float:
    return math.log(probability) if probability > 0 else -math.inf
