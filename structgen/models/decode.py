"""Rows being decoded by a torch model: ragged batches over one key-value cache.

Rows differ in length. Every forward pass feeds a rectangle, padded on the left, and a
(B, L) attention mask says which columns of the cache are real; positions are counted per
row over the real ones. So a row never sees its neighbours' padding, whether it comes from
prompts of different length or from rows that took different numbers of tokens at once.
While no column is padding, no mask is passed: attention then takes its fastest path.

A *pending* selection is applied with the next forward pass, and several selections in a
row cost one copy of the cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch

from structgen.dtypes import TokenMask
from structgen.errors import ModelError
from structgen.models import device_masks, kv_cache
from structgen.samplers.draw import scores_error
from structgen.samplers.protocol import Draws, LogProbs, TransformLike

if TYPE_CHECKING:
    from transformers.cache_utils import DynamicCache

    from structgen.models.transformers import Transformers

__all__ = ["DeviceState", "TransformersState"]


class TransformersState:
    """B rows of one torch model; see ``DecodeState``. Not safe to share between threads."""

    def __init__(self, model: Transformers, prompts: Sequence[tuple[int, ...]]) -> None:
        self._model = model
        self._n_model_calls = 0
        unique = list(dict.fromkeys(prompts))
        self._histories: list[list[int]] = [[] for _ in unique]
        self._cache: DynamicCache = kv_cache.make_cache(model.network.config)
        self._pending: torch.Tensor | None = None
        self._mask = torch.ones((len(unique), 0), dtype=torch.long, device=model.device)
        self._is_ragged = False
        self._logits = torch.empty((0, model.vocabulary.n_tokens), device=model.device)
        self._prefill(unique)
        self._histories = [[] for _ in unique]
        places = {prompt: row for row, prompt in enumerate(unique)}
        self.select(np.array([places[prompt] for prompt in prompts], dtype=np.int64))

    # --- DecodeState

    @property
    def n_rows(self) -> int:
        return len(self._histories)

    @property
    def n_model_calls(self) -> int:
        return self._n_model_calls

    def logprobs(self) -> LogProbs:
        """(B, V) float32 on the CPU, normalised over the vocabulary's ids.

        Raises
        ------
        ModelError : NaN or +inf among a row's scores; ``.text`` has what the row generated
        """
        logprobs = self._device_logprobs().cpu()
        broken = torch.isnan(logprobs[:, 0]).nonzero()
        if len(broken):
            history = self._histories[int(broken[0])]
            raise scores_error(self._model.name, self._model.vocabulary.decode(history))
        array: LogProbs = logprobs.numpy()
        return array

    def extend(self, token_ids: Sequence[Sequence[int]]) -> None:
        self._forward(token_ids, n_logits=1)

    def extend_scored(self, token_ids: Sequence[Sequence[int]]) -> npt.NDArray[np.float64]:
        """As ``extend``; (B,) summed log-probabilities of each row's tokens after the first."""
        longest = max(map(len, token_ids), default=0)
        logits = self._forward(token_ids, n_logits=longest)
        logprobs = torch.log_softmax(self._cut(logits), dim=-1)
        scores = np.zeros(len(token_ids))
        for row, ids in enumerate(token_ids):
            if len(ids) > 1:
                targets = torch.tensor(ids[1:], device=logprobs.device)
                values = logprobs[row, longest - len(ids) : longest - 1].gather(-1, targets.unsqueeze(-1))
                scores[row] = float(values.double().sum())
        return scores

    def select(self, rows: npt.NDArray[np.int64]) -> None:
        rows = np.asarray(rows, dtype=np.int64)
        if len(rows) and not 0 <= rows.min() <= rows.max() < self.n_rows:
            raise IndexError(f"rows {rows.tolist()} of {self.n_rows}")
        if np.array_equal(rows, np.arange(self.n_rows)):
            return
        index = torch.from_numpy(rows).to(self._model.device)
        self._pending = index if self._pending is None else self._pending.index_select(0, index)
        self._mask = self._mask.index_select(0, index)
        self._logits = self._logits.index_select(0, index)
        self._histories = [list(self._histories[int(row)]) for row in rows]

    # --- inside

    def _device_logprobs(self) -> torch.Tensor:
        return torch.log_softmax(self._cut(self._logits), dim=-1)

    def _cut(self, logits: torch.Tensor) -> torch.Tensor:
        """Scores of the vocabulary's ids alone, float32; ids the model does not score are impossible."""
        n_tokens = self._model.vocabulary.n_tokens
        cut = logits[..., :n_tokens].float()
        missing = n_tokens - cut.shape[-1]
        return torch.nn.functional.pad(cut, (0, missing), value=-torch.inf) if missing > 0 else cut

    def _prefill(self, prompts: list[tuple[int, ...]]) -> None:
        """Compute distinct prompts, or take up a kept one."""
        model = self._model
        if len(prompts) != 1:
            if prompts:
                self._forward(prompts, n_logits=1)
            return
        prompt = prompts[0]
        kept = model.prompts.exact(prompt)
        if kept is not None:
            self._resume(kept, len(prompt))
            self._logits = kept.logits[None]
            return
        self._resume_prefix(prompt)
        done = self._mask.shape[1]
        self._forward([prompt[done:]], n_logits=1)
        entry = kv_cache.keep_row(self._cache, 0, prompt, self._logits) if model.prompts.max_tokens else None
        if entry is not None:
            model.prompts.put(entry)

    def _resume_prefix(self, prompt: tuple[int, ...]) -> None:
        """Start from the longest prefix that an earlier prompt left; its last token is computed anew for its scores."""
        found = self._model.prompts.longest(prompt) if self._model.reuse_prefixes else None
        if found is not None:
            kept, shared = found
            self._resume(kept, min(shared, len(prompt) - 1))

    def _resume(self, kept: kv_cache.KeptPrompt, length: int) -> None:
        self._cache = kv_cache.restore(self._model.network.config, kept, length)
        self._mask = torch.ones((1, length), dtype=torch.long, device=self._model.device)

    def _apply_pending(self) -> None:
        """Select the cache's rows, and drop leading columns that are padding in all of them."""
        if self._pending is None:
            return
        skip = 0
        if self._is_ragged and kv_cache.is_plain(self._cache) and self._mask.shape[0]:
            # Waits for the device, but only when rows change and there is padding to find.
            skip = int(self._mask.any(0).int().argmax())
        kv_cache.select_rows(self._cache, self._pending, skip)
        self._mask = self._mask[:, skip:]
        self._is_ragged = self._is_ragged and not bool(self._mask.all())
        self._pending = None

    def _forward(self, token_ids: Sequence[Sequence[int]], *, n_logits: int) -> torch.Tensor:
        """Feed each row its tokens; (B, n_logits, n_scores) of the last columns."""
        if len(token_ids) != len(self._histories) or not all(len(ids) for ids in token_ids):
            raise ValueError(f"{len(token_ids)} rows of tokens, each at least one, for {len(self._histories)} rows")
        self._apply_pending()
        model = self._model
        width = max(map(len, token_ids))
        pads = [width - len(ids) for ids in token_ids]
        ids = torch.tensor([[0] * pad + list(row) for pad, row in zip(pads, token_ids, strict=True)])
        fresh = torch.tensor([[0] * pad + [1] * (width - pad) for pad in pads])
        self._is_ragged = self._is_ragged or any(pads)
        self._mask = torch.cat([self._mask, fresh.to(model.device)], dim=1)
        inputs: dict[str, Any] = {"input_ids": ids.to(model.device), "past_key_values": self._cache, "use_cache": True}
        if self._is_ragged:
            self._refuse_recurrent()
            inputs["attention_mask"] = self._mask
            if model.takes_positions:
                inputs["position_ids"] = (self._mask.cumsum(1) - 1).clamp(min=0)[:, -width:]
        if model.cuts_logits:
            inputs["logits_to_keep"] = n_logits
        with torch.inference_mode():
            logits: torch.Tensor = model.network(**inputs).logits
        self._logits = logits[:, -1]
        self._n_model_calls += len(token_ids)
        for history, row in zip(self._histories, token_ids, strict=True):
            history.extend(row)
        return logits[:, -n_logits:]

    def _refuse_recurrent(self) -> None:
        """Recurrent states have no columns to mask: padding would run through them."""
        if kv_cache.is_recurrent(self._cache):
            raise ModelError(
                "this model has recurrent layers, so rows of different length cannot share a batch",
                model=self._model.name,
                hint="pass batch_size=1 to the sampler, and no jump_ahead with more than one row",
            )


class DeviceState(TransformersState):
    """Rows on a GPU: the mask goes to the scores, and one tensor of results comes back."""

    def draw(self, masks: TokenMask, transform: TransformLike, uniforms: npt.NDArray[np.float64]) -> Draws:
        words = device_masks.upload(masks, self._model.device)
        return device_masks.draw(self._device_logprobs(), words, transform, uniforms)
