"""One masked draw per row on the CPU: the checked face of ``kernels.weights.draw_rows``."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from structgen.dtypes import TokenMask, freeze, n_words
from structgen.errors import ModelError
from structgen.kernels import weights
from structgen.samplers.protocol import Draws, LogProbs, TransformLike

__all__ = ["Drawer", "full_mask", "scores_error"]


def full_mask(n_tokens: int) -> TokenMask:
    """(ceil(V/32),) uint32 that allows every one of ``n_tokens`` tokens, and no bit beyond."""
    row = np.full(n_words(n_tokens), 0xFFFFFFFF, dtype=np.uint32)
    if n_tokens & 31:
        row[-1] = (1 << (n_tokens & 31)) - 1
    return row


class Drawer:
    """Scratch memory for draws over ``n_tokens`` tokens; one per run, not shared by threads.

    Examples
    --------
    >>> from structgen.samplers.transforms import Transform
    >>> scores = np.log(np.array([[0.5, 0.25, 0.25]], dtype=np.float32))
    >>> masks = np.array([[0b110]], dtype=np.uint32)
    >>> drawn = Drawer(3).draw(scores, masks, Transform(), np.array([0.75]))
    >>> int(drawn.token_ids[0]), round(float(np.exp(drawn.log_masses[0])), 6)
    (2, 0.5)
    """

    def __init__(self, n_tokens: int) -> None:
        self.n_tokens = n_tokens
        # Spare room, so that block-wise gathers never need a bounds check.
        size = n_tokens + 64
        self._ids = np.zeros(size, dtype=np.int32)
        self._values = np.zeros(size, dtype=np.float64)
        self._heap_ids = np.zeros(size, dtype=np.int32)
        self._heap = np.zeros(size, dtype=np.float64)

    def draw(
        self,
        logprobs: LogProbs,
        masks: TokenMask,
        transform: TransformLike,
        uniforms: npt.NDArray[np.float64],
    ) -> Draws:
        """Draw one allowed token per row.

        Parameters
        ----------
        logprobs : (B, V) float32, normalised, nats
        masks : (B, ceil(V/32)) uint32; bits at or beyond V must be clear
        transform : applied among the allowed tokens; temperature 0 ignores the uniforms
        uniforms : (B,) float64 in [0, 1)

        Returns
        -------
        ``Draws``. Where the model gives every allowed token probability 0: the first allowed
        token with log mass ``-inf``, so that the text stays valid and weighs nothing. Where an
        allowed score is NaN or +inf: token -1 with log mass NaN (see ``scores_error``)

        Raises
        ------
        ValueError : shapes do not fit
        """
        scores = freeze(logprobs, np.float32)
        n_rows = len(scores)
        if scores.shape != (n_rows, self.n_tokens) or masks.shape != (n_rows, n_words(self.n_tokens)):
            raise ValueError(f"scores {scores.shape} and masks {masks.shape} do not fit {self.n_tokens} tokens")
        status = np.zeros(n_rows, dtype=np.int32)
        tokens = np.zeros(n_rows, dtype=np.int32)
        log_masses = np.zeros(n_rows, dtype=np.float64)
        weights.draw_rows(
            scores,
            freeze(masks, np.uint32),
            float(transform.temperature),
            int(transform.top_k),
            float(transform.top_p),
            float(transform.min_p),
            freeze(uniforms, np.float64),
            self._ids,
            self._values,
            self._heap,
            self._heap_ids,
            status,
            tokens,
            log_masses,
        )
        log_probs = scores[np.arange(n_rows), tokens].astype(np.float64)
        log_probs[tokens < 0] = -np.inf
        return Draws(tokens, log_probs, log_masses)


def scores_error(model: str, text: bytes) -> ModelError:
    """The error for scores that are NaN or infinite, with the text that led there."""
    return ModelError(
        "the model's scores are not numbers",
        model=model,
        text=text,
        hint="a damaged checkpoint or an overflow in a low-precision dtype; try dtype='float32'",
    )
