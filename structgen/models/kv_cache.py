"""A key-value cache whose rows can be copied, dropped, and kept for the next call.

transformers' ``DynamicCache`` concatenates: every step copies the whole cache of every
layer. ``GrowingLayer`` keeps spare room and doubles it when it is full, so a step writes one
column. Layers of other kinds (sliding windows, recurrent states) are left as the model's
own configuration makes them: rows of theirs can be selected as well, but not kept between
calls.

Rejected: a static cache (its size must be known, and attention then runs over the whole of
it); paged blocks shared between particles, as serving engines have them, which need their
own attention kernel.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import torch
from transformers.cache_utils import DynamicCache, DynamicLayer

__all__ = ["GrowingLayer", "KeptPrompt", "PromptStore", "keep_row", "make_cache", "restore", "select_rows"]

Pair = tuple[torch.Tensor, torch.Tensor]


class GrowingLayer(DynamicLayer):  # type: ignore[misc]
    """One layer's keys and values, (B, H, L, D) views of buffers with room to grow."""

    keys: torch.Tensor
    values: torch.Tensor
    _key_buffer: torch.Tensor | None = None
    _value_buffer: torch.Tensor | None = None

    def update(self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any) -> Pair:
        """Append (B, H, k, D) columns; returns all of them."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        length = self.get_seq_length()
        end = length + key_states.shape[-2]
        if self._key_buffer is None or self._value_buffer is None or end > self._key_buffer.shape[-2]:
            self._key_buffer = self._grown(self.keys, length, end, key_states)
            self._value_buffer = self._grown(self.values, length, end, value_states)
        self._key_buffer[..., length:end, :] = key_states
        self._value_buffer[..., length:end, :] = value_states
        self.keys = self._key_buffer[..., :end, :]
        self.values = self._value_buffer[..., :end, :]
        return self.keys, self.values

    @staticmethod
    def _grown(old: torch.Tensor, length: int, end: int, like: torch.Tensor) -> torch.Tensor:
        batch, heads, _, size = like.shape
        capacity = max(64, end + end // 2)
        buffer = like.new_zeros((batch, heads, capacity, size))
        if length:
            buffer[..., :length, :] = old
        return buffer

    def set(self, keys: torch.Tensor, values: torch.Tensor) -> None:
        """Replace everything; the tensors are copied into buffers on the next update."""
        if not self.is_initialized:
            self.lazy_initialization(keys, values)
        self.keys, self.values = keys, values
        self._key_buffer = self._value_buffer = None

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        if self.get_seq_length() > 0:
            self.set(self.keys.index_select(0, indices), self.values.index_select(0, indices))

    def reorder_cache(self, beam_idx: torch.Tensor) -> None:
        self.batch_select_indices(beam_idx.to(self.keys.device))


def make_cache(config: Any) -> DynamicCache:
    """An empty cache for a model, with growing layers wherever its own would be plain dynamic ones."""
    cache = DynamicCache(config=config)
    cache.layers = [GrowingLayer() if type(layer) is DynamicLayer else layer for layer in cache.layers]
    if getattr(cache, "layer_class_to_replicate", None) is DynamicLayer:
        cache.layer_class_to_replicate = GrowingLayer
    return cache


def is_plain(cache: DynamicCache) -> bool:
    """Whether every layer is a growing one, so that columns stand for tokens one to one."""
    return bool(cache.layers) and all(type(layer) is GrowingLayer for layer in cache.layers)


def is_recurrent(cache: DynamicCache) -> bool:
    """Whether some layer keeps a running state instead of columns (linear attention, convolutions)."""
    updates = ("update_recurrent_state", "update_conv_state")
    return any(hasattr(layer, update) for layer in cache.layers for update in updates)


def select_rows(cache: DynamicCache, rows: torch.Tensor, skip: int = 0) -> None:
    """Make row ``i`` a copy of old row ``rows[i]``; drop the first ``skip`` columns (plain caches only)."""
    for layer in cache.layers:
        if skip and layer.get_seq_length() > 0:
            layer.set(layer.keys[..., skip:, :], layer.values[..., skip:, :])
        layer.batch_select_indices(rows)


@dataclass(frozen=True, slots=True)
class KeptPrompt:
    """A computed prompt: its keys and values, and the scores of what comes next."""

    token_ids: tuple[int, ...]
    layers: tuple[Pair, ...]
    logits: torch.Tensor
    """(V,) of the last position."""


def keep_row(cache: DynamicCache, row: int, token_ids: tuple[int, ...], logits: torch.Tensor) -> KeptPrompt | None:
    """A copy of one row's last ``len(token_ids)`` columns; None for caches that are not plain."""
    if not is_plain(cache):
        return None
    n = len(token_ids)
    pairs = tuple((layer.keys[row, :, -n:].clone(), layer.values[row, :, -n:].clone()) for layer in cache.layers)
    return KeptPrompt(token_ids, pairs, logits[row].clone())


def restore(config: Any, kept: KeptPrompt, length: int) -> DynamicCache:
    """A cache of one row with the first ``length`` columns of a kept prompt."""
    cache = make_cache(config)
    for i, (keys, values) in enumerate(kept.layers):
        if i == len(cache.layers):
            cache.layers.append(GrowingLayer())
        cache.layers[i].set(keys[None, :, :length], values[None, :, :length])
    return cache


class PromptStore:
    """The prompts computed last, most recent last; bounded in tokens; safe to share between threads."""

    def __init__(self, max_tokens: int) -> None:
        self.max_tokens = max_tokens
        self._kept: OrderedDict[tuple[int, ...], KeptPrompt] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, kept: KeptPrompt) -> None:
        if len(kept.token_ids) > self.max_tokens:
            return
        with self._lock:
            self._kept[kept.token_ids] = kept
            self._kept.move_to_end(kept.token_ids)
            while sum(map(len, self._kept)) > self.max_tokens:
                self._kept.popitem(last=False)

    def exact(self, token_ids: tuple[int, ...]) -> KeptPrompt | None:
        """The kept prompt with exactly these ids."""
        with self._lock:
            kept = self._kept.get(token_ids)
            if kept is not None:
                self._kept.move_to_end(token_ids)
            return kept

    def longest(self, token_ids: tuple[int, ...]) -> tuple[KeptPrompt, int] | None:
        """The kept prompt that shares the longest prefix with these ids, and that prefix's length."""
        with self._lock:
            shared = [(_common_prefix(token_ids, ids), ids) for ids in self._kept]
            length, ids = max(shared, default=(0, ()))
            return (self._kept[ids], length) if length else None

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()


def _common_prefix(a: tuple[int, ...], b: tuple[int, ...]) -> int:
    n = min(len(a), len(b))
    for i in range(n):
        if a[i] != b[i]:
            return i
    return n
