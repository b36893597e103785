"""The one way a kernel is declared.

Compilation happens at the first call and is saved beside the file (or in
``NUMBA_CACHE_DIR``). ``STRUCTGEN_NUMBA_CACHE=0`` switches saving off, for machines where
many processes start at once on a shared home directory.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit

__all__ = ["inlined", "kernel"]

F = TypeVar("F", bound=Callable[..., Any])

_SAVED = os.environ.get("STRUCTGEN_NUMBA_CACHE", "1") != "0"


def kernel(function: F) -> F:
    """Compile ``function`` lazily, without the interpreter's lock."""
    compiled: F = njit(cache=_SAVED, nogil=True)(function)
    return compiled


def inlined(function: F) -> F:
    """The same for a leaf that other kernels of its own file call."""
    compiled: F = njit(cache=_SAVED, nogil=True, inline="always")(function)
    return compiled
