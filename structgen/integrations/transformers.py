"""A constraint inside transformers' own ``generate``.

``generate`` calls a logits processor with all ids so far, prompt included, and never says
where a sequence began, that rows were reordered (beam search), or that this is a new call.
So the processor finds that out: a call continues the previous one of its thread when it
has one more column and every row extends a row of that call; rows that share a past fork
its matcher. Anything else is the beginning of new sequences, whose ids so far are their
prompts. That makes one processor usable twice, in a batch, with beams, and from several
threads.

One case looks the same and is not: a new call whose prompts are the last call's rows with
exactly one id more. Call ``reset()`` before such a call.

Weights are not computed here: ``generate`` does not report the masses that the mask took.
Use ``structgen.samplers.Masking`` for that.
"""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from transformers import LogitsProcessor

from structgen.masks.batch import fill_masks
from structgen.masks.matcher import Matcher
from structgen.models.device_masks import apply_mask, upload
from structgen.samplers.decoding import bind
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["ConstraintLogitsProcessor"]

Ids = npt.NDArray[np.int64]


class _Rows(threading.local):
    """The sequences of one thread's present call."""

    ids: Ids | None = None
    matchers: list[Matcher | None]
    n_steps: int = 0


class ConstraintLogitsProcessor(LogitsProcessor):  # type: ignore[misc]
    """Makes ``model.generate(..., logits_processor=[processor])`` keep to a constraint.

    Safe to reuse for other prompts, in batches, with beam search, and from several threads.

    Parameters
    ----------
    constraint : a ``Constraint`` or a ``TokenConstraint``
    tokenizer : a transformers tokenizer, a ``Vocabulary``, or a ``structgen.models.Transformers``
    max_tokens : what ``generate`` is given as ``max_new_tokens``: output then always completes
        within it. None does not look ahead, and ``generate`` may cut the text short
    eos_ids : more end-of-sequence ids than the tokenizer names (a generation configuration may have several)

    Raises
    ------
    IncompleteError : ``max_tokens`` is too small for any valid text (at the first step)

    Examples
    --------
    >>> processor = ConstraintLogitsProcessor(sg.regex("[0-9]{4}"), tokenizer, max_tokens=8)   # doctest: +SKIP
    >>> model.generate(**inputs, max_new_tokens=8, logits_processor=[processor])               # doctest: +SKIP
    """

    supports_continuous_batching = False

    def __init__(
        self, constraint: Any, tokenizer: Any, *, max_tokens: int | None = None, eos_ids: tuple[int, ...] = ()
    ) -> None:
        self.vocabulary = _vocabulary_of(tokenizer, eos_ids)
        bound = bind(constraint, self.vocabulary)
        if bound is None:
            raise TypeError("a constraint is needed")
        self._bound = bound
        self._max_tokens = max_tokens
        self._rows = _Rows()

    def reset(self) -> None:
        """Forget this thread's sequences: the next call begins new ones."""
        self._rows.ids = None

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """(B, n_logits) scores with ``-inf`` for every token that may not come next; a new tensor.

        Rows that have ended are left alone: ``generate`` pads them.
        """
        ids: Ids = input_ids.detach().cpu().numpy()
        if not self._continue(ids):
            self._rows.matchers = [self._new_matcher() for _ in ids]
            self._rows.n_steps = 0
        self._rows.ids = ids.copy()
        self._rows.n_steps += 1
        return self._masked(scores)

    # --- inside

    def _new_matcher(self) -> Matcher:
        matcher = self._bound.start()
        assert isinstance(matcher, Matcher)
        return matcher

    def _continue(self, ids: Ids) -> bool:
        """Move the matchers on by one token if these ids continue the last call's; False if they do not."""
        last = self._rows.ids
        if last is None or ids.shape[1] != last.shape[1] + 1 or all(m is None for m in self._rows.matchers):
            return False
        if ids.shape == (len(last), last.shape[1] + 1) and np.array_equal(ids[:, :-1], last):
            parents = list(range(len(last)))
        else:
            places = {row.tobytes(): place for place, row in enumerate(last)}
            found = [places.get(np.ascontiguousarray(row[:-1]).tobytes()) for row in ids]
            if any(place is None for place in found):
                return False
            parents = [place for place in found if place is not None]
        self._move(parents, ids[:, -1].tolist())
        return True

    def _move(self, parents: list[int], token_ids: list[int]) -> None:
        before = self._rows.matchers
        counts = Counter(parents)
        after: list[Matcher | None] = []
        for parent, token_id in zip(parents, token_ids, strict=True):
            matcher = before[parent]
            if matcher is not None and counts[parent] > 1:
                matcher = matcher.fork()
            # After its end a row is padded; a row that left the constraint (a beam without
            # a valid continuation, at score -inf) cannot come back.
            if matcher is not None and (not matcher.try_advance(token_id) or matcher.is_finished):
                matcher = None
            after.append(matcher)
        self._rows.matchers = after

    def _masked(self, scores: torch.Tensor) -> torch.Tensor:
        live = [(row, matcher) for row, matcher in enumerate(self._rows.matchers) if matcher is not None]
        out = scores.clone()
        if not live:
            return out
        n_tokens = min(self.vocabulary.n_tokens, scores.shape[-1])
        masks = np.zeros((len(live), self.vocabulary.n_words), dtype=np.uint32)
        fill_masks([matcher for _, matcher in live], masks, self._budgets(len(live)))
        words = upload(masks, scores.device)
        if len(live) == len(scores):
            apply_mask(out[:, :n_tokens], words)
            out[:, n_tokens:] = -torch.inf
            return out
        index = torch.tensor([row for row, _ in live], device=scores.device)
        part = out.index_select(0, index)
        apply_mask(part[:, :n_tokens], words)
        part[:, n_tokens:] = -torch.inf
        return out.index_copy_(0, index, part)

    def _budgets(self, n_rows: int) -> list[int | None] | None:
        if self._max_tokens is None:
            return None
        return [self._max_tokens - self._rows.n_steps + 1] * n_rows


def _vocabulary_of(tokenizer: Any, eos_ids: tuple[int, ...]) -> Vocabulary:
    if isinstance(tokenizer, Vocabulary):
        return tokenizer
    known = getattr(tokenizer, "vocabulary", None)
    return known if isinstance(known, Vocabulary) else Vocabulary.from_transformers(tokenizer, eos_ids=eos_ids)
