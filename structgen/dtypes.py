"""The dtypes that kernels and their callers agree on, and how arrays are frozen.

Ids are int32, packed mask words uint32, weights float64. Signedness is never mixed
inside a kernel: compiled ``uint64 + int64`` wraps where NumPy goes to float.
"""

from __future__ import annotations

import mmap
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

TOKEN = np.int32
"""Token ids and trie node ids."""
STATE = np.int32
"""Automaton states; ``DEAD`` is 0."""
WORD = np.uint32
"""Packed masks: bit ``t & 31`` of word ``t >> 5`` stands for token id ``t``."""
LOGW = np.float64
"""Log weights, in nats."""

DEAD = 0

TokenMask = npt.NDArray[np.uint32]
IntArray = npt.NDArray[np.int32]
ByteArray = npt.NDArray[np.uint8]


def freeze(array: npt.ArrayLike, dtype: Any) -> npt.NDArray[Any]:
    """Return ``array`` as C-contiguous ``dtype``, read-only, copying only where needed.

    Numba compiles one version of a kernel per layout and mutability; arrays that pass
    here keep that to one.
    """
    frozen = np.ascontiguousarray(array, dtype=dtype)
    if frozen.flags.writeable:
        frozen = frozen.view()
        frozen.flags.writeable = False
    return frozen


def lazy_zeros(shape: int | tuple[int, ...], dtype: Any) -> npt.NDArray[Any]:
    """Zeros of which only pages that are written to cost time and memory.

    ``np.zeros`` asks the system for pages of 2 MB where arrays are large, and a table whose
    first rows alone are in use pays milliseconds for zeroing the rest. The pages are this process's own: by default
    ``mmap`` shares them with processes forked later, each of which would write into the others' tables.
    """
    dims = (shape,) if isinstance(shape, int) else shape
    kind = np.dtype(dtype)
    if not hasattr(mmap, "MAP_PRIVATE"):  # no processes are forked there
        return np.zeros(dims, kind)
    memory = mmap.mmap(-1, max(1, prod(dims) * kind.itemsize), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_NOHUGEPAGE"):
        memory.madvise(mmap.MADV_NOHUGEPAGE)
    return np.frombuffer(memory, dtype=kind, count=prod(dims)).reshape(dims)


def n_words(n_tokens: int) -> int:
    """Words of a packed mask over ``n_tokens`` tokens."""
    return (n_tokens + 31) // 32
