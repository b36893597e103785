"""All tables of a grammar's automaton in one int32 array.

Kernels that call each other pass their tables on every call, and a tuple of 22 arrays cost
86 ns a call where one array costs 13 (some calls per byte read). So each table is a
section of one heap, whose header says where sections start; Python writes through views.
A section that grows doubles and the heap is laid out anew at the next use, so views must be
fetched again after anything that may add rows.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from structgen.dtypes import IntArray, lazy_zeros
from structgen.kernels import grammar_heap

__all__ = ["TableHeap"]


_LARGE = 1 << 19
"""Numbers from which memory is asked for page by page; below, it is what grammars before have given back."""


class TableHeap:
    """Named sections, ``heap["delta"]`` and so on: (rows, width) int32, or (rows,) where width is 0."""

    def __init__(self) -> None:
        self._sections: dict[str, tuple[int, int, int, int]] = {}
        self._views: dict[str, IntArray] = {}
        self._numbers: dict[int, int] = {}
        self._used: dict[str, Callable[[], int]] = {}
        self._waiting: dict[str, IntArray] = {}
        self._array: IntArray = np.zeros(grammar_heap.HEADER, dtype=np.int32)
        self._places: dict[str, tuple[int, int]] = {}
        """Where sections lie in the array, and how many numbers they have there."""
        self._stale = False

    @property
    def array(self) -> IntArray:
        """All of it, for kernels; fetch it anew after anything that may add rows."""
        if self._stale:
            self._lay_out()
        return self._array

    def __getitem__(self, name: str) -> IntArray:
        if self._stale:
            self._lay_out()
        view = self._views.get(name)
        if view is None:
            at, size = self._places[name]
            width = self._sections[name][2]
            flat = self._array[at : at + size]
            view = self._views[name] = flat.reshape(-1, width) if width else flat
        return view

    def add(
        self,
        name: str,
        section: int,
        rows: int,
        width: int = 0,
        fill: int = 0,
        *,
        used: Callable[[], int] | None = None,
    ) -> None:
        """A new section of ``rows`` rows, filled with ``fill``; ``used`` says how many of the first ones matter.

        Where that is said, rows beyond hold anything, and whoever begins one writes it first.
        """
        self._sections[name] = (section, rows, width, fill)
        if used is not None:
            self._used[name] = used
        self._stale = True

    def put(self, name: str, section: int, values: IntArray) -> None:
        """A new section with the given values."""
        width = values.shape[1] if values.ndim == 2 else 0
        self.add(name, section, max(1, len(values)), width)
        if len(values):
            self._waiting[name] = values

    def set_number(self, place: int, value: int) -> None:
        """A plain number in the header."""
        self._numbers[place] = value
        self._array[place] = value

    def rows(self, name: str) -> int:
        """How many rows a section has."""
        return self._sections[name][1]

    def ensure(self, name: str, rows: int) -> None:
        """Room for ``rows`` rows; doubles."""
        section, have, width, fill = self._sections[name]
        if rows > have:
            self._sections[name] = (section, max(rows, 2 * have), width, fill)
            self._stale = True

    def _lay_out(self) -> None:
        """Move all sections to a new array: first those to be zeroed, then those of which rows are written first."""
        header = [0] * grammar_heap.HEADER
        for place, value in self._numbers.items():
            header[place] = value
        places: dict[str, tuple[int, int]] = {}
        at = zeroed = grammar_heap.HEADER
        for names in ([name for name in self._sections if name not in self._used], self._used):
            zeroed = at
            for name in names:
                section, rows, width, _ = self._sections[name]
                header[section] = at
                places[name] = at, rows * max(1, width)
                at += rows * max(1, width)
        array: IntArray = lazy_zeros(at, np.int32) if at >= _LARGE else np.empty(at, dtype=np.int32)
        if at < _LARGE:
            array[:zeroed] = 0
        array[: grammar_heap.HEADER] = header
        for name, (start, size) in places.items():
            self._fill(name, array[start : start + size])
        self._array, self._places, self._stale = array, places, False
        self._views.clear()

    def _fill(self, name: str, new: IntArray) -> None:
        """Write what a section holds."""
        _, _, width, fill = self._sections[name]
        before, n = self._places.get(name, (0, 0))
        if fill:
            new[n:] = fill
        if name in self._used:
            n = min(n, self._used[name]() * max(1, width))
        if n:
            new[:n] = self._array[before : before + n]
        given = self._waiting.pop(name, None)
        if given is not None:
            new[: given.size] = given.reshape(-1)
