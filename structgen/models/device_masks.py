"""Packed masks applied where the scores live, and the masked draw on the device.

A packed mask is 6 KB at V = 49k, a row of scores 200 KB: so the mask travels to the device
and one token id travels back. Unpacking is a shift and an AND per token, which torch fuses
badly but does in microseconds on a GPU; where Triton is installed a kernel reads each word
once and writes ``-inf`` in place. Both do the same and are checked against NumPy.

``draw`` repeats, in torch and in float64, what ``kernels.weights.draw_rows`` does on the
CPU: the same order, the same ties, the same use of the uniforms. Its results come back in
one tensor, so that a step synchronises once.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache

import numpy as np
import numpy.typing as npt
import torch

from structgen.dtypes import TokenMask
from structgen.samplers.protocol import Draws, TransformLike

__all__ = ["apply_mask", "draw", "unpack_mask", "upload"]


def upload(masks: TokenMask, device: torch.device) -> torch.Tensor:
    """(B, W) packed words as int32 on the device; from pinned memory, without waiting, on CUDA."""
    words = torch.from_numpy(np.ascontiguousarray(masks).view(np.int32))
    if device.type != "cuda":
        return words.to(device)
    return words.pin_memory().to(device, non_blocking=True)


def unpack_mask(words: torch.Tensor, n_tokens: int) -> torch.Tensor:
    """(B, V) bool from (B, W) int32 packed words; bit ``t & 31`` of word ``t >> 5`` is token ``t``."""
    shifts = torch.arange(32, device=words.device, dtype=torch.int32)
    bits = (words.unsqueeze(-1) >> shifts) & 1
    return bits.flatten(1)[:, :n_tokens].bool()


def apply_mask(scores: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
    """Put ``-inf`` in place of every forbidden token's score.

    Parameters
    ----------
    scores : (B, V) floating, contiguous; written in place
    words : (B, ceil(V/32)) int32 packed, on the same device

    Returns
    -------
    ``scores``
    """
    fused = _triton() if scores.device.type == "cuda" else None
    if fused is not None:
        return fused(scores, words)
    return scores.masked_fill_(~unpack_mask(words, scores.shape[-1]), -torch.inf)


def draw(
    logprobs: torch.Tensor, words: torch.Tensor, transform: TransformLike, uniforms: npt.NDArray[np.float64]
) -> Draws:
    """One masked draw per row; see ``structgen.samplers.draw`` for what the numbers mean.

    Parameters
    ----------
    logprobs : (B, V) floating, normalised; left as they are
    words : (B, ceil(V/32)) int32 packed masks on the same device
    transform : applied among the allowed tokens
    uniforms : (B,) float64 in [0, 1)

    Returns
    -------
    ``Draws``; NaN scores give log mass NaN, empty masks token -1
    """
    device = logprobs.device
    u = torch.from_numpy(uniforms)
    u = u.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else u.to(device)
    # float64 on Apple's GPU does not exist; there float32 must do.
    wide = torch.float32 if device.type == "mps" else torch.float64
    full = logprobs.to(wide)
    allowed = apply_mask(logprobs.to(wide, copy=True), words)
    scale = 1.0 if transform.temperature == 0 else 1.0 / transform.temperature
    log_masses = torch.logsumexp(allowed * scale, -1)
    if scale != 1.0:
        log_masses = log_masses - torch.logsumexp(full * scale, -1)
    everything = unpack_mask(words, full.shape[-1]).all(-1)
    log_masses = torch.where(everything & ~log_masses.isnan(), 0.0, log_masses.clamp(max=0.0))
    tokens = _choose(allowed * scale, transform, u.to(wide))
    chosen = full.gather(-1, tokens.unsqueeze(-1)).squeeze(-1)
    found = torch.stack([tokens.to(wide), chosen, log_masses]).cpu().numpy().astype(np.float64)
    token_ids = found[0].astype(np.int32)
    return _settle_hopeless(Draws(token_ids, found[1].copy(), found[2].copy()), words)


def _choose(scores: torch.Tensor, transform: TransformLike, uniforms: torch.Tensor) -> torch.Tensor:
    """(B,) token ids drawn from scores whose forbidden entries are ``-inf``."""
    if transform.temperature == 0:
        return scores.argmax(-1)
    top = scores.amax(-1, keepdim=True)
    weights = torch.exp(scores - torch.where(top.isfinite(), top, 0.0))
    if not (transform.top_k > 0 or transform.top_p < 1 or transform.min_p > 0):
        return _pick(weights, uniforms)
    ordered, ids = torch.sort(weights, dim=-1, descending=True, stable=True)
    if transform.top_k > 0:
        ordered = ordered[:, : transform.top_k]
    before = ordered.cumsum(-1) - ordered
    keep = before < transform.top_p * ordered.sum(-1, keepdim=True)
    keep &= ordered >= transform.min_p * ordered[:, :1]
    keep[:, 0] = True
    places = _pick(ordered * keep, uniforms)
    return ids.gather(-1, places.unsqueeze(-1)).squeeze(-1)


def _pick(weights: torch.Tensor, uniforms: torch.Tensor) -> torch.Tensor:
    """Where the running sum first exceeds ``uniform * total``, at a token with weight."""
    sums = weights.cumsum(-1)
    goals = uniforms.unsqueeze(-1) * sums[:, -1:]
    places = torch.searchsorted(sums, goals, right=True)
    # Rounding in a parallel cumsum may pass the end: then the last token with weight is meant.
    last = weights.shape[-1] - 1 - (weights > 0).flip(-1).int().argmax(-1, keepdim=True)
    return torch.minimum(places, last).squeeze(-1)


def _settle_hopeless(draws: Draws, words: torch.Tensor) -> Draws:
    """Rows where no allowed token has mass: the first allowed token at weight zero, or -1 for an empty mask."""
    for row in np.flatnonzero(np.isneginf(draws.log_masses)):
        allowed = unpack_mask(words[row : row + 1], words.shape[1] * 32)[0].nonzero()
        draws.token_ids[row] = int(allowed[0]) if len(allowed) else -1
        draws.log_probs[row] = -np.inf
    draws.token_ids[np.isnan(draws.log_masses)] = -1
    return draws


@cache
def _triton() -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor] | None:
    """The Triton kernel's launcher, tried once; None where Triton is missing or cannot compile here."""
    try:
        from structgen.models import triton_masks

        probe = torch.zeros(1, 32, device="cuda")
        triton_masks.apply_mask(probe, torch.ones(1, 1, dtype=torch.int32, device="cuda"))
        if not (probe[0, 0] == 0 and probe[0, 1:].isneginf().all()):
            raise RuntimeError("the kernel's result is wrong")
    except ImportError:
        return None
    except Exception as error:  # Triton raises anything from CalledProcessError to CompilationError
        warnings.warn(f"masks are applied by torch, since Triton does not work here: {error}", stacklevel=2)
        return None
    return triton_masks.apply_mask
