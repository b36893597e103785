"""The decoding loop: rows with different constraints advance together, one forward pass a step.

Per step: the model runs (asynchronously on a GPU), meanwhile the CPU fills one packed mask
per row; then one draw per row, which is the step's only synchronisation; then each matcher
advances. Finished rows leave the batch. Every row draws from its own random stream, so a
row's result does not depend on its neighbours (up to the model's own rounding).

The loop is a generator of token events, because three callers want three things of it:
``Masking.sample`` drains it, ``Masking.stream`` hands the events on, and a batch maps them
to its requests.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from structgen.dtypes import TokenMask
from structgen.potentials.cursor import Bound
from structgen.potentials.product import bind_target
from structgen.samplers.cancelling import Cancel, is_cancelled
from structgen.samplers.draw import Drawer, full_mask, scores_error
from structgen.samplers.protocol import (
    Bindable,
    DecodeState,
    DrawingState,
    Draws,
    LanguageModel,
    ScoringState,
    Startable,
    TokenMatcher,
)
from structgen.samplers.samples import Samples, Timings
from structgen.samplers.targets import MaskedTarget, TargetMatcher
from structgen.samplers.transforms import Transform
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["Row", "TokenEvent", "bind", "decode_rows", "rows_to_samples"]


def bind(constraint: Any, vocabulary: Vocabulary) -> Startable | None:
    """The constraint bound to the vocabulary; None stays None.

    Compiled constraints as they are; whatever else ``potentials.product`` takes through ``MaskedTarget``.

    Raises
    ------
    TypeError : it is no target at all, or is bound to another vocabulary
    """
    if constraint is None:
        return None
    if isinstance(constraint, Bindable):
        constraint = constraint.bind(vocabulary)
    if isinstance(constraint, Startable):
        bound = getattr(constraint, "vocabulary", vocabulary)
        if bound != vocabulary:
            raise TypeError(f"the constraint is bound to {bound!r}, but the model has {vocabulary!r}")
        return constraint
    if isinstance(constraint, list | tuple | Bound) or hasattr(constraint, "logw_next"):
        return MaskedTarget(bind_target(constraint, vocabulary))
    raise TypeError(f"not a constraint: {constraint!r}; make one with regex, json_schema, lark, ...")


class TokenEvent(NamedTuple):
    """One token that one row just took."""

    row: int
    token_id: int
    text: bytes
    is_last: bool


@dataclass(slots=True)
class Row:
    """One sequence being decoded."""

    number: int
    matcher: TokenMatcher | None
    rng: np.random.Generator
    budget: int
    """Tokens left, end of sequence included."""
    token_ids: list[int] = field(default_factory=list)
    data: bytearray = field(default_factory=bytearray)
    log_prob: float = 0.0
    log_weight: float = 0.0
    finish_reason: str = ""

    n_masks: int = 0

    @property
    def n_checks(self) -> int:
        """What the constraint was asked: masks, and of a predicate tokens."""
        return self.matcher.checks.n if isinstance(self.matcher, TargetMatcher) else self.n_masks

    def take(self, token_id: int, data: bytes) -> None:
        if self.matcher is not None:
            self.matcher.advance(token_id)
        self.token_ids.append(token_id)
        self.data += data
        self.budget -= 1
        if self.budget <= 0:
            # A matcher that heeds its budget has ended before; one that cannot leaves an incomplete text.
            self.finish_reason = "length"
            if self.matcher is not None:
                self.log_weight = -math.inf


class _Loop:
    """The rows of one ``decode_rows`` call, and the memory they share."""

    def __init__(self, model: LanguageModel, rows: Sequence[Row], transform: Transform, timings: Timings) -> None:
        self.name = model.name
        self.vocabulary = model.vocabulary
        self.rows = list(rows)
        self.transform = transform
        self.timings = timings
        self.eos_ids = frozenset(self.vocabulary.eos_ids)
        self.everything = full_mask(self.vocabulary.n_tokens)
        self.masks = np.zeros((len(self.rows), self.vocabulary.n_words), dtype=np.uint32)
        self.spare = np.zeros(self.vocabulary.n_words, dtype=np.uint32)
        self.drawer = Drawer(self.vocabulary.n_tokens)

    def fill_masks(self) -> TokenMask:
        masks = self.masks[: len(self.rows)]
        for mask, row in zip(masks, self.rows, strict=True):
            if row.matcher is None:
                mask[:] = self.everything
            else:
                row.matcher.fill_mask(mask, row.budget)
                row.n_masks += 1
        return masks

    def draw(self, state: DecodeState, masks: TokenMask) -> tuple[Draws, float]:
        """The draws, and the seconds spent waiting for the model's scores."""
        uniforms = np.array([row.rng.random() for row in self.rows])
        began = perf_counter()
        if isinstance(state, DrawingState):
            draws = state.draw(masks, self.transform, uniforms)
            waited = perf_counter() - began
        else:
            logprobs = state.logprobs()
            waited = perf_counter() - began
            draws = self.drawer.draw(logprobs, masks, self.transform, uniforms)
        broken = np.flatnonzero(np.isnan(draws.log_masses))
        if broken.size:
            raise scores_error(self.name, bytes(self.rows[int(broken[0])].data))
        return draws, waited

    def settle(self, draws: Draws, masks: TokenMask) -> list[TokenEvent]:
        """Give every row what was drawn for it."""
        columns = zip(self.rows, *(column.tolist() for column in draws), masks, strict=True)
        return [self._settle_row(*column) for column in columns]

    def _settle_row(self, row: Row, token_id: int, log_prob: float, log_mass: float, mask: TokenMask) -> TokenEvent:
        if token_id < 0:
            # An empty mask: nothing can follow. That is an end only where the text is accepted.
            accepted = row.matcher is not None and row.matcher.is_accepting
            row.finish_reason = "complete" if accepted else "dead_end"
            row.log_weight = row.log_weight if accepted else -math.inf
            return TokenEvent(row.number, -1, b"", True)
        row.log_prob += log_prob
        row.log_weight += log_mass
        if token_id in self.eos_ids:
            row.finish_reason = "complete" if self._allows_only_end(mask) else "stop"
            return TokenEvent(row.number, token_id, b"", True)
        return self._take(row, token_id)

    def _take(self, row: Row, token_id: int) -> TokenEvent:
        data = self.vocabulary.token_bytes(token_id)
        row.take(token_id, data)
        return TokenEvent(row.number, token_id, data, bool(row.finish_reason))

    def _allows_only_end(self, mask: TokenMask) -> bool:
        ends = sum(int(mask[end >> 5]) >> (end & 31) & 1 for end in self.eos_ids)
        return int(np.bitwise_count(mask).sum()) == ends

    def jump(self, row: Row) -> list[TokenEvent]:
        """Take the tokens that are forced after the row's last one, while the budget's mask has them."""
        events: list[TokenEvent] = []
        if row.matcher is None:
            return events
        for token_id in row.matcher.forced_tokens():
            row.matcher.fill_mask(self.spare, row.budget)
            if not int(self.spare[token_id >> 5]) >> (token_id & 31) & 1:
                break
            events.append(self._take(row, int(token_id)))
        return events


def decode_rows(
    model: LanguageModel,
    prompts: Sequence[Sequence[int]],
    rows: Sequence[Row],
    transform: Transform,
    *,
    timings: Timings,
    jump_ahead: bool = False,
    cancel: Cancel = None,
) -> Generator[TokenEvent, None, int]:
    """Decode all rows to their end, yielding every token as it is taken.

    Parameters
    ----------
    model : scores are asked for once per step for all live rows
    prompts : token ids, one per row
    rows : updated in place: ids, weights, finish reasons
    transform : applied among the allowed tokens
    timings : extended by this run, one entry per step
    jump_ahead : feed forced tokens with the token before them, without asking for their scores first
    cancel : asked before every step; rows are then left as they are, without a finish reason

    Returns
    -------
    int, forward passes summed over rows that were computed (the generator's return value)

    Raises
    ------
    ModelError : NaN or infinite scores; ``.text`` has the row's text so far
    IncompleteError : a row's budget is too small for any valid text
    """
    loop = _Loop(model, rows, transform, timings)
    began = perf_counter()
    state = model.start(prompts)
    if jump_ahead and not isinstance(state, ScoringState):
        raise TypeError(f"{model.name} cannot score forced tokens, so jump_ahead is not possible with it")
    timings.prefill += perf_counter() - began
    while loop.rows and not is_cancelled(cancel):
        t0 = perf_counter()
        masks = loop.fill_masks()
        t1 = perf_counter()
        draws, waited = loop.draw(state, masks)
        t2 = perf_counter()
        events = loop.settle(draws, masks)
        live = [(i, row) for i, row in enumerate(loop.rows) if not row.finish_reason]
        feeds = [[row.token_ids[-1]] for _, row in live]
        if jump_ahead:
            for feed, (_, row) in zip(feeds, live, strict=True):
                forced = loop.jump(row)
                feed += [event.token_id for event in forced]
                events += forced
        t3 = perf_counter()
        yield from events
        t4 = perf_counter()
        if len(live) < len(loop.rows):
            loop.rows = [row for _, row in live]
            if live:
                state.select(np.array([i for i, _ in live], dtype=np.int64))
        if live:
            _feed(state, feeds, loop.rows)
        timings.masks.append((t1 - t0) + (t3 - t2))
        timings.waits.append(waited)
        timings.draws.append(t2 - t1 - waited)
        timings.models.append(perf_counter() - t4)
    return state.n_model_calls


def _feed(state: DecodeState, feeds: list[list[int]], rows: Sequence[Row]) -> None:
    if all(len(feed) == 1 for feed in feeds):
        state.extend(feeds)
        return
    assert isinstance(state, ScoringState)
    for row, score in zip(rows, state.extend_scored(feeds).tolist(), strict=True):
        # A forced token is proposed with probability 1, so it weighs what the model gives it.
        row.log_prob += score
        row.log_weight += score


def rows_to_samples(rows: Sequence[Row], *, model_calls: int, timings: Timings) -> Samples:
    """The finished rows as ``Samples``; bytes that are not UTF-8 show as replacement characters.

    Of a cancelled run, ``extra`` says so and has the texts of the rows that were not finished.
    """
    unfinished = [row.data.decode("utf-8", "replace") for row in rows if not row.finish_reason]
    extra: dict[str, Any] = {"cancelled": True, "unfinished": unfinished} if unfinished else {}
    rows = [row for row in rows if row.finish_reason]
    return Samples(
        token_ids=tuple(tuple(row.token_ids) for row in rows),
        texts=tuple(row.data.decode("utf-8", "replace") for row in rows),
        log_probs=np.array([row.log_prob for row in rows]),
        log_weights=np.array([row.log_weight for row in rows]),
        finish_reasons=tuple(row.finish_reason for row in rows),
        model_calls=model_calls,
        constraint_checks=sum(row.n_checks for row in rows),
        timings=timings,
        extra=extra,
    )
