"""The face of ``kernels.pool``: one row of scores, masked, ready to draw from.

A pool is a scratch buffer of one sampler run (400 kB at V = 49k), filled again for every
token. Masses are ``exp(score - shift)``; ``shift`` is 0 unless every allowed token is so
improbable that float64 would not hold it.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from structgen.dtypes import TokenMask
from structgen.kernels import pool as kernel

__all__ = ["Pool"]

FloatArray = npt.NDArray[np.float64]
Scores = npt.NDArray[np.float32] | npt.NDArray[np.float64]

_SPARSE = 16
"""Below one token in ``_SPARSE`` allowed, the exponential is taken of those alone."""
_TINY = 1e-280
_HUGE = 1e280
_LARGEST = 600.0


class Pool:
    """Masses of V tokens; mutable, reused.

    Attributes
    ----------
    mass : (V,) float64, relative to ``exp(shift)``
    total : float, sum of the masses
    shift : float, nats
    """

    __slots__ = ("_scores", "_sums", "mass", "shift", "total")

    def __init__(self, n_tokens: int) -> None:
        self.mass: FloatArray = np.zeros(n_tokens)
        self._sums: FloatArray = np.zeros(-(-n_tokens // kernel.BLOCK))
        self._scores: Scores = self.mass
        self.shift = 0.0
        self.total = 0.0

    def fill(self, scores: Scores, mask: TokenMask | None = None) -> float:
        """Replace the contents by ``exp(scores)`` where ``mask`` allows; returns ``log_total``.

        Parameters
        ----------
        scores : (V,) float32 or float64, nats; ``-inf`` is no mass; need not be normalised
        mask : packed uint32, or None to allow all

        Returns
        -------
        float, nats: log of the total mass, ``-inf`` where nothing is left, NaN where a score is NaN
        """
        self._scores = scores
        self.shift = 0.0
        if scores.dtype == np.float64 and float(scores.max(initial=-math.inf)) > _LARGEST:
            self._rescale(mask)  # soft factors can lift scores beyond what exp can hold
            return self.log_total
        if mask is None:
            np.exp(scores, out=self.mass, dtype=np.float64)
            self.total = float(kernel.fill_all(self.mass, self._sums))
        else:
            fill = kernel.fill_sparse if self._is_sparse(mask) else kernel.fill_dense
            self.total = float(fill(scores, mask, self.mass, self._sums))
        if self.total < _TINY or not self.total < _HUGE:
            self._rescale(mask)
        return self.log_total

    def fill_masses(self, masses: FloatArray) -> None:
        """Replace the contents by the given masses themselves."""
        self.mass[:] = masses
        self._scores, self.shift = np.log(np.maximum(masses, 1e-320)), 0.0
        self.total = float(kernel.fill_all(self.mass, self._sums))

    @property
    def log_total(self) -> float:
        """Log of the total mass in nats; ``-inf`` for an empty pool."""
        if self.total == 0.0:
            return -math.inf
        return self.shift + math.log(self.total)

    def log_mass(self, token_id: int) -> float:
        """Log of one token's present mass, nats."""
        value = float(self.mass[token_id])
        return self.shift + math.log(value) if value > 0.0 else -math.inf

    def at(self, uniform: float) -> int:
        """The token at ``uniform`` in [0, 1) of the cumulative mass; -1 where the pool is empty."""
        return int(kernel.draw(self.mass, self._sums, uniform))

    def put(self, token_id: int, mass: float) -> None:
        """Set one token's mass (relative to ``exp(shift)``)."""
        self.total = float(kernel.put(self.mass, self._sums, token_id, mass))

    def put_many(self, token_ids: npt.NDArray[np.int64], masses: FloatArray) -> None:
        """Set several distinct tokens' masses."""
        if len(token_ids):
            self.total = float(kernel.put_many(self.mass, self._sums, token_ids, masses))

    def take_at(self, uniform: float) -> tuple[int, float]:
        """Draw and take out: the token and its mass; (-1, 0.0) where the pool is empty."""
        token_id, mass, total = kernel.take(self.mass, self._sums, uniform)
        self.total = float(total)
        return int(token_id), float(mass)

    def support(self) -> npt.NDArray[np.int64]:
        """Ids of the tokens that have mass, ascending."""
        return np.flatnonzero(self.mass)

    def _is_sparse(self, mask: TokenMask) -> bool:
        enough = len(self.mass) // _SPARSE + 1
        return int(kernel.count_bits(mask, enough)) < enough

    def _rescale(self, mask: TokenMask | None) -> None:
        """Fill again relative to the best allowed score: float64 could not hold the masses themselves."""
        allowed = self._scores
        if mask is not None:
            bits = np.unpackbits(mask.view(np.uint8), bitorder="little")[: len(allowed)].astype(bool)
            allowed = np.where(bits, allowed, -np.inf)
        best = float(allowed.max(initial=-math.inf))
        if not math.isfinite(best):
            self.total = math.nan if best != -math.inf else 0.0
            return
        self.shift = best
        np.exp(allowed.astype(np.float64) - best, out=self.mass)
        self.total = float(kernel.fill_all(self.mass, self._sums))
