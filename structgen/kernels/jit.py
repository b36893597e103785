"""The one way a kernel is declared.

Compilation happens at the first call and is saved beside the file (or in
``NUMBA_CACHE_DIR``). ``STRUCTGEN_NUMBA_CACHE=0`` switches saving off, for machines where
many processes start at once on a shared home directory.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any

from numba import njit

__all__ = ["direct", "inlined", "kernel", "uncounted"]

_SAVED = os.environ.get("STRUCTGEN_NUMBA_CACHE", "1") != "0"


def kernel(function: Callable[..., Any]) -> Any:
    """Compile ``function`` lazily, without the interpreter's lock."""
    return njit(cache=_SAVED, nogil=True)(function)


def inlined(function: Callable[..., Any]) -> Any:
    """The same for a leaf that other kernels of its own file call."""
    return njit(cache=_SAVED, nogil=True, inline="always")(function)


def uncounted(function: Callable[..., Any]) -> Any:
    """The same without reference counts, for kernels that pass arrays on and allocate nothing.

    Each hand-over of an array costs two atomic operations otherwise: a helper that reads
    two arrays took 133 ns a call with counting and 13 without.
    """
    return njit(cache=_SAVED, nogil=True, _nrt=False)(function)


def direct(kernel: Any) -> Any:
    """The machine code of a kernel for the types that it takes here; at the first call, ``kernel`` itself.

    A call of a kernel begins with finding out the types of all arguments, which for the twenty tables of a document
    takes half the time of the call (3.4 us against 2.0). Only for callers that always pass the same types, for after
    the first call they are not compared; an array of another size of items is refused all the same.

    Which code it is, only a call can tell: what other kernels call has versions of its own, some for one value of an
    argument.
    """
    found = _direct.get(id(kernel))
    return partial(_find, kernel) if found is None else found


def _find(kernel: Any, *arguments: Any) -> Any:
    """Call ``kernel``, and remember its code for these types."""
    known = _direct.get(id(kernel))
    if known is not None:
        return known(*arguments)
    result = kernel(*arguments)
    if hasattr(kernel, "overloads"):
        compiled = kernel.overloads.get(tuple(map(kernel.typeof_pyval, arguments)))
        if compiled is not None:
            _direct[id(kernel)] = compiled.entry_point
    return result


_direct: dict[int, Any] = {}
"""What was found, by kernels' ids: these live as long as their modules."""
