"""Resampling: N ancestors out of N weighted particles, unbiased in every scheme.

Each scheme makes the expected number of copies of particle n exactly ``N p_n``; they
differ in variance and cost.

- ``systematic`` (default): one uniform; n gets floor or ceil of ``N p_n``.
- ``stratified``: one uniform per slot.
- ``residual``: ``floor(N p_n)`` copies for sure, the rest multinomial.
- ``multinomial``: N independent draws; the textbook's, and the noisiest.

All particles weigh ``logsumexp(log_weights) - log N`` afterwards.

References: Carpenter, Clifford, Fearnhead (1999); Kitagawa (1996); Liu and Chen (1998);
Douc, Cappé (2005), Comparison of resampling schemes for particle filtering.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from structgen.kernels import resample as kernel
from structgen.samplers.choices import Choices

__all__ = ["SCHEMES", "Scheme", "draw_ancestors", "normalised", "resample_systematic"]

Scheme = Literal["systematic", "stratified", "residual", "multinomial"]
SCHEMES: tuple[Scheme, ...] = ("systematic", "stratified", "residual", "multinomial")

FloatArray = npt.NDArray[np.float64]
Ancestors = npt.NDArray[np.int64]


def normalised(log_weights: FloatArray) -> FloatArray:
    """(N,) softmax of the log weights.

    Raises
    ------
    ValueError : N is 0, all weights are ``-inf``, or one is NaN or ``+inf``
    """
    weights = np.asarray(log_weights, dtype=np.float64)
    if weights.size == 0:
        raise ValueError("no particles")
    top = weights.max()
    if not np.isfinite(top):
        raise ValueError("all log weights are -inf, or one is NaN or +inf")
    shifted: FloatArray = np.exp(weights - top)
    shifted /= shifted.sum()
    return shifted


def resample_systematic(log_weights: FloatArray, offset: float) -> Ancestors:
    """Draw N ancestors, keeping particle n either floor(N p_n) or ceil(N p_n) times.

    ``p`` is the softmax of ``log_weights``. With ``offset`` uniform, the expected number
    of copies is exactly N p_n.

    Parameters
    ----------
    log_weights : (N,) float64, nats; ``-inf`` is a dead particle and is never drawn
    offset : float in [0, 1), the one uniform draw, passed in so that a run can be replayed

    Returns
    -------
    (N,) int64, ancestor indices in ascending order

    Raises
    ------
    ValueError : N is 0, all weights are ``-inf``, or one is NaN or ``+inf``

    Examples
    --------
    >>> resample_systematic(np.array([0.0, -np.inf, 0.0, 0.0]), offset=0.5).tolist()
    [0, 2, 2, 3]
    """
    probabilities = normalised(log_weights)
    n = len(probabilities)
    return _search(probabilities, (np.arange(n) + offset) / n)


def draw_ancestors(log_weights: FloatArray, choices: Choices, scheme: Scheme = "systematic") -> Ancestors:
    """Draw N ancestors by the named scheme; every scheme is unbiased.

    Parameters
    ----------
    log_weights : (N,) float64, nats
    scheme : one of ``SCHEMES``

    Returns
    -------
    (N,) int64, ancestor indices in ascending order

    Raises
    ------
    ValueError : as ``normalised``, or the scheme is unknown
    """
    probabilities = normalised(log_weights)
    n = len(probabilities)
    if scheme == "systematic":
        cuts = (np.cumsum(probabilities) * n) % 1.0
        offset = choices.uniform([float(cut) for cut in cuts])
        return _search(probabilities, (np.arange(n) + offset) / n)
    if scheme == "stratified":
        return _search(probabilities, _stratified_points(probabilities, choices))
    if scheme == "residual":
        return _residual(probabilities, choices)
    if scheme == "multinomial":
        weights = [float(p) for p in probabilities]
        return np.sort(np.array([choices.index(weights) for _ in range(n)], dtype=np.int64))
    raise ValueError(f"unknown resampling scheme {scheme!r}; one of {', '.join(SCHEMES)}")


def _search(probabilities: FloatArray, points: FloatArray) -> Ancestors:
    ancestors = np.empty(len(points), dtype=np.int64)
    kernel.search_sorted_points(probabilities, np.ascontiguousarray(points), ancestors)
    return ancestors


def _stratified_points(probabilities: FloatArray, choices: Choices) -> FloatArray:
    """One point in each of N equal strata; a stratum's uniform matters only at the cuts inside it."""
    n = len(probabilities)
    edges = np.cumsum(probabilities) * n
    points = [slot + choices.uniform([float(cut) for cut in edges - slot]) for slot in range(n)]
    return np.array(points) / n


def _residual(probabilities: FloatArray, choices: Choices) -> Ancestors:
    n = len(probabilities)
    # the tolerance keeps N p = 2.9999999999999996 from losing a copy that is due for sure
    expected = probabilities * n
    copies = np.floor(expected + 1e-12).astype(np.int64)
    rest = [max(0.0, float(value)) for value in expected - copies]
    for _ in range(n - int(copies.sum())):
        copies[choices.index(rest)] += 1
    ancestors = np.empty(n, dtype=np.int64)
    kernel.copies_to_ancestors(copies, ancestors)
    return ancestors
