"""The Triton form of ``device_masks.apply_mask``; imported only where Triton is installed.

Each program reads the words of one block of tokens and stores ``-inf`` where a bit is
clear; allowed scores are neither read nor written. Runs on the CPU under
``TRITON_INTERPRET=1``, which is how it is tested without a GPU.
"""

from typing import Any

import torch
import triton
import triton.language as tl

__all__ = ["apply_mask"]

BLOCK = 1024


@triton.jit  # type: ignore[untyped-decorator, unused-ignore]
def _forbid(scores, words, n_tokens, n_words, stride, block: tl.constexpr):  # type: ignore[no-untyped-def]
    row = tl.program_id(0).to(tl.int64)
    tokens = tl.program_id(1) * block + tl.arange(0, block)
    inside = tokens < n_tokens
    word = tl.load(words + row * n_words + (tokens >> 5), mask=inside, other=0)
    forbidden = ((word >> (tokens & 31)) & 1) == 0
    tl.store(scores + row * stride + tokens, float("-inf"), mask=inside & forbidden)


def apply_mask(scores: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
    """As ``device_masks.apply_mask``; rows of ``scores`` may be strided, tokens not."""
    n_rows, n_tokens = scores.shape
    grid = (n_rows, -(-n_tokens // BLOCK))
    launcher: Any = _forbid[grid]
    launcher(scores, words, n_tokens, words.shape[1], scores.stride(0), block=BLOCK)
    return scores
