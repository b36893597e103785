"""The one way a kernel is declared.

Compilation happens at the first call and is saved beside the file (or in
``NUMBA_CACHE_DIR``), under a stamp of all that the code was made from (``stamps``).
``STRUCTGEN_NUMBA_CACHE=0`` switches saving off, for machines where many processes start
at once on a shared home directory.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache, partial
from typing import Any

from numba import njit, types
from numba.core.caching import FunctionCache, IndexDataCacheFile

from structgen.kernels.stamps import stamp

__all__ = ["contracted", "direct", "inlined", "kernel", "merged", "uncounted"]

_SAVED = os.environ.get("STRUCTGEN_NUMBA_CACHE", "1") != "0"


def kernel(function: Callable[..., Any]) -> Any:
    """Compile ``function`` lazily, without the interpreter's lock."""
    return _saved(njit(nogil=True)(function))


def inlined(function: Callable[..., Any]) -> Any:
    """The same for a leaf that other kernels of its own file call."""
    return _saved(njit(nogil=True, inline="always")(function))


def contracted(function: Callable[..., Any]) -> Any:
    """The same with a multiplication and an addition in one rounding where the processor can."""
    return _saved(njit(nogil=True, fastmath={"contract"})(function))


def uncounted(function: Callable[..., Any]) -> Any:
    """The same without reference counts, for kernels that pass arrays on and allocate nothing.

    Each hand-over of an array costs two atomic operations otherwise: a helper that reads
    two arrays took 133 ns a call with counting and 13 without.
    """
    # said outright, for what a ``merged`` one calls would inherit it: one of them was 37 times as large for that
    return _saved(njit(nogil=True, _nrt=False, forceinline=False)(function))


def merged(function: Callable[..., Any]) -> Any:
    """``uncounted``, and made part of each of its callers: for the links of a chain of calls that take many arrays.

    An array is seven numbers or more, and each link hands all of them over anew: the tables of parts and the trie are
    230. With the links between a grammar's mask and its parts merged, these took 30 to 40 % less time. Only for what
    is called in one place or two, for each has a copy of it.
    """
    return _saved(njit(nogil=True, _nrt=False, forceinline=True)(function))


class _StampedCache(FunctionCache):  # type: ignore[misc]
    """Numba's cache of one function, valid as long as no file that its file imports has changed."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        made_from = _stamp(function.__code__.co_filename)
        self._cache_file = IndexDataCacheFile(self._cache_path, self._impl.filename_base, made_from)


_stamp = cache(stamp)


def _saved(dispatcher: Any) -> Any:
    """``dispatcher`` with one version for all its callers, kept on disk; Numba has no public way to say either."""
    if hasattr(dispatcher, "overloads"):  # NUMBA_DISABLE_JIT leaves the function as it is
        dispatcher.get_call_template = partial(_call_template, dispatcher)
        if _SAVED:
            dispatcher._cache = _StampedCache(dispatcher.py_func)
    return dispatcher


def _call_template(dispatcher: Any, arguments: Any, keywords: Any) -> Any:
    """What a kernel that calls this one is told: integers are of 64 bits, and constants like all others.

    Numba compiles a version for each width of an integer and for each constant among the arguments: 942 versions of
    457 kernels, 29 of one of them, took 8.5 minutes; 471 versions take 4 and are as fast. Where a constant matters the
    callee is small, and is inlined after this. Words (``uint32``) stay as they are: their arithmetic is another.
    """
    widened = {name: _widened(kind) for name, kind in keywords.items()}
    return type(dispatcher).get_call_template(dispatcher, tuple(map(_widened, arguments)), widened)


def _widened(kind: Any) -> Any:
    plain = types.unliteral(kind)
    small = isinstance(plain, types.Integer) and (plain.signed or plain.bitwidth < 32)
    return types.int64 if small else plain


def direct(kernel: Any) -> Any:
    """The machine code of a kernel for the types that it takes here; at the first call, ``kernel`` itself.

    A call of a kernel begins with finding out the types of all arguments, which for the twenty tables of a document
    takes half the time of the call (3.4 us against 2.0). Only for callers that always pass the same types, for after
    the first call they are not compared; an array of another size of items is refused all the same.

    Which code it is, only a call can tell: a kernel may have versions for several types.
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
