"""Which ancestors survive: the inner loops of the resampling schemes.

Arrays in, arrays out; ``samplers.resampling`` checks its arguments and explains the schemes.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from structgen.kernels.jit import kernel

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]


@kernel
def search_sorted_points(probabilities: Floats, points: Floats, ancestors: Ids) -> None:
    """For ascending ``points`` in [0, 1), the index whose cumulative probability interval holds each."""
    n = probabilities.shape[0]
    last = n - 1
    while last > 0 and probabilities[last] <= 0.0:
        last -= 1
    index = 0
    cumulative = probabilities[0]
    for k in range(points.shape[0]):
        while (points[k] >= cumulative or probabilities[index] <= 0.0) and index < last:
            index += 1
            cumulative += probabilities[index]
        ancestors[k] = index


@kernel
def copies_to_ancestors(copies: Ids, ancestors: Ids) -> None:
    """Spell counts out: index i, ``copies[i]`` times, ascending."""
    k = 0
    for index in range(copies.shape[0]):
        for _ in range(copies[index]):
            ancestors[k] = np.int64(index)
            k += 1
