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
from structgen.kernels import pushdown

__all__ = ["TableHeap"]


class TableHeap:
    """Named sections, ``heap["delta"]`` and so on: (rows, width) int32, or (rows,) where width is 0."""

    def __init__(self) -> None:
        self._sections: dict[str, tuple[int, int, int, int]] = {}
        self._views: dict[str, IntArray] = {}
        self._numbers: dict[int, int] = {}
        self._used: dict[str, Callable[[], int]] = {}
        self._waiting: dict[str, IntArray] = {}
        self._array: IntArray = np.zeros(pushdown.HEADER, dtype=np.int32)
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
        return self._views[name]

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

        Room that is neither filled nor used is never touched, so it costs no memory.
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
        size = pushdown.HEADER + sum(rows * max(1, width) for _, rows, width, _ in self._sections.values())
        array = lazy_zeros(size, np.int32)
        at, views = pushdown.HEADER, {}
        for place, value in self._numbers.items():
            array[place] = value
        for name, (section, rows, width, fill) in self._sections.items():
            array[section] = at
            flat = array[at : at + rows * max(1, width)]
            view = flat.reshape(rows, width) if width else flat
            old = self._views.get(name)
            if old is not None:
                n = min(self._used[name](), len(old)) if name in self._used else len(old)
                view[:n] = old[:n]
                if fill:
                    view[len(old) :] = fill
            elif fill:
                view[:] = fill
            given = self._waiting.pop(name, None)
            if given is not None:
                view[: len(given)] = given
            views[name] = view
            at += len(flat)
        self._array, self._views, self._stale = array, views, False
