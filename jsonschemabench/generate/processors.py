"""One logits processor per engine, for ``transformers``' ``generate``."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from transformers import LogitsProcessor

from jsonschemabench.engines.base import Compiled, TokenRow

__all__ = ["AdapterProcessor", "make_processors"]


class AdapterProcessor(LogitsProcessor):  # type: ignore[misc, unused-ignore]
    """Applies the masks of an adapter's matcher; for one sequence, used once."""

    def __init__(self, compiled: Compiled, row: TokenRow) -> None:
        self._matcher = compiled.matcher()
        self._row = row
        self._started = False

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        if self._started:
            token = int(input_ids[0, -1])
            if not self._matcher.advance(token):
                raise RuntimeError(f"the engine did not take token {token} of its own mask")
        self._started = True
        self._matcher.fill_mask(self._row)
        bits = np.unpackbits(self._row.view(np.uint8), bitorder="little")
        allowed = np.zeros(scores.shape[-1], dtype=bool)
        n_tokens = min(len(bits), len(allowed))
        allowed[:n_tokens] = bits[:n_tokens]
        forbidden = torch.from_numpy(~allowed).to(scores.device)
        masked: Any = scores.masked_fill(forbidden, float("-inf"))
        return masked  # type: ignore[no-any-return, unused-ignore]


def make_processors(engine: str, compiled: Any, row: TokenRow) -> dict[str, Any]:
    """Keyword arguments of ``generate`` that bring the engine in."""
    if engine == "null":
        return {}
    if engine.startswith("xgrammar"):
        from xgrammar.contrib.hf import LogitsProcessor as XgrammarProcessor

        return {"logits_processor": [XgrammarProcessor(compiled.native)]}
    if engine == "lm-format-enforcer":
        return {"prefix_allowed_tokens_fn": _PrefixFunction(compiled)}
    return {"logits_processor": [AdapterProcessor(compiled, row)]}


class _PrefixFunction:
    """lm-format-enforcer's way: the allowed ids for the tokens after the prompt."""

    def __init__(self, compiled: Any) -> None:
        self._enforcer = compiled.enforcer()
        self._prompt: int | None = None

    def __call__(self, batch: int, tokens: torch.Tensor) -> list[int]:
        if self._prompt is None:
            self._prompt = len(tokens)
        allowed = self._enforcer.get_allowed_tokens(tokens[self._prompt :].tolist()).allowed_tokens
        if isinstance(allowed, torch.Tensor):
            bits = np.unpackbits(allowed.numpy().view(np.uint8), bitorder="little")
            return np.flatnonzero(bits).tolist()
        return list(allowed)
