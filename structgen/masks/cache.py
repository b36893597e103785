"""Finished masks by configuration, within a bound of bytes.

A hit must cost no more than a dictionary lookup, so nothing is touched on the way: no
clock bit, no reordering. Instead there are two generations. Rows enter the young one;
when it holds half the bound it becomes the old one and the previous old one is dropped.
A row found in the old generation moves to the young. What is used survives, what is not
is gone after at most two turns: least-recently-used to within a generation.

Equal rows are kept once: three of four masks of a JSON schema equal an earlier one.

One growing arena with slots was tried on paper and dropped: NumPy copies 16 KB without
the interpreter's lock, so a slot could be overwritten by one thread while another copies
from it. Rows of their own are freed by reference count, after the last copy.
"""

from __future__ import annotations

from collections.abc import Hashable

from structgen.dtypes import TokenMask
from structgen.kernels.bits import are_equal
from structgen.kernels.bits import total as total_of
from structgen.kernels.jit import direct
from structgen.lasting import Lasting

__all__ = ["DEFAULT_MASK_BYTES", "MaskCache"]

DEFAULT_MASK_BYTES = 64 << 20
MOST_KEYS = 1 << 15
"""Keys of one generation."""


class MaskCache:
    """Read-only rows by key; safe to share between threads under the interpreter's lock.

    Two threads that miss the same key both compute it, and one result is kept: masks are
    functions of their key, so it does not matter which.
    """

    __slots__ = ("_are_equal", "_half", "_rows", "max_bytes", "n_evicted", "n_misses", "old", "young")

    def __init__(self, max_bytes: int = DEFAULT_MASK_BYTES) -> None:
        if max_bytes <= 0:
            raise ValueError("max_bytes must be positive")
        self.max_bytes = max_bytes
        self.young: Lasting[Hashable, TokenMask] = Lasting()
        self.old: Lasting[Hashable, TokenMask] = Lasting()
        self._rows: dict[int, TokenMask] = {}
        """The rows of the young generation by the sum of their words; on a collision the later one is kept apart."""
        self.n_evicted = 0
        self.n_misses = 0
        self._half = max_bytes // 2
        self._are_equal = direct(are_equal)

    def get(self, key: Hashable) -> TokenMask | None:
        """The row of ``key``; None where it must be computed."""
        row = self.young.get(key)
        if row is None:
            row = self.old.get(key)
            if row is None:
                self.n_misses += 1
                return None
            self._insert(key, row)
        return row

    def put(self, key: Hashable, row: TokenMask, total: int = -1) -> TokenMask:
        """Keep ``row``, which must not be written again; returns it, or its equal, frozen.

        ``total`` is the sum of its words, modulo 2^32, where that is known.
        """
        row.flags.writeable = False
        return self._insert(key, row, total)

    def keep(self, key: Hashable, row: TokenMask, total: int = -1) -> TokenMask:
        """The same for a row that may be written again: a copy of it is kept, unless its equal is there."""
        if total < 0:
            total = direct(total_of)(row)
        found = self._rows.get(total)
        if found is None or not self._are_equal(found, row):
            found = row.copy()
            found.flags.writeable = False
            self._add(total, found)
        self.young[key] = found
        return found

    def _insert(self, key: Hashable, row: TokenMask, total: int = -1) -> TokenMask:
        if total < 0:
            total = direct(total_of)(row)
        found = self._rows.get(total)
        if found is None or (found is not row and not self._are_equal(found, row)):
            found = row
            self._add(total, row)
        self.young[key] = found
        return found

    def _add(self, total: int, row: TokenMask) -> None:
        """Make ``row`` one of the young generation, which begins anew with it where it was full."""
        is_full = (len(self._rows) + 1) * row.nbytes > self._half or len(self.young) >= MOST_KEYS
        if is_full and self.young:
            self.n_evicted += len(self.old.keys() - self.young.keys())
            self.old, self.young, self._rows = self.young, Lasting(), {}
        self._rows[total] = row

    @property
    def n_bytes(self) -> int:
        """Bytes of the rows held, never more than ``max_bytes`` and one row."""
        rows = {id(row): row.nbytes for rows in (self.young, self.old) for row in list(rows.values())}
        return sum(rows.values())

    def __len__(self) -> int:
        return len(self.young.keys() | self.old.keys())

    def __repr__(self) -> str:
        return f"MaskCache({len(self)} rows, {self.n_bytes >> 10} of {self.max_bytes >> 10} KiB)"
