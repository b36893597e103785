"""Registers for Python-style indentation: open blocks and bracket depth, as interned integers.

What Lark's ``Indenter`` keeps beside the parser. A register is (columns of the open blocks,
bracket depth). Within brackets a newline means nothing; outside, its column either opens a
block, stays, closes blocks, or fits none and is an error. Columns stop at ``MAX_COLUMN``:
deeper indentation is not offered.
"""

from __future__ import annotations

import numpy as np

from structgen.automata.table_heap import TableHeap
from structgen.errors import LimitError
from structgen.kernels.pushdown import CLOSING, FEED, FEED_COUNT, MAX_COLUMN, OPENING, UNKNOWN

__all__ = ["Registers"]

MAX_REGISTERS = 100_000


class Registers:
    """Sections ``feed`` and ``feed_count`` (R, 258), filled on first use; see ``kernels.pushdown``."""

    def __init__(self, heap: TableHeap) -> None:
        self.heap = heap
        self._ids: dict[tuple[tuple[int, ...], int], int] = {}
        self._all: list[tuple[tuple[int, ...], int]] = []
        heap.add("feed", FEED, 2, MAX_COLUMN + 2, UNKNOWN)
        heap.add("feed_count", FEED_COUNT, 2, MAX_COLUMN + 2)
        self._intern((0,), 0)

    def _intern(self, blocks: tuple[int, ...], brackets: int) -> int:
        key = (blocks, brackets)
        known = self._ids.get(key)
        if known is None:
            if len(self._all) >= MAX_REGISTERS:
                raise LimitError("too many kinds of indentation", what="indentation registers", limit=MAX_REGISTERS)
            known = self._ids[key] = len(self._all)
            self._all.append(key)
            self.heap.ensure("feed", known + 1)
            self.heap.ensure("feed_count", known + 1)
        return known

    def fill(self, register: int) -> None:
        """Compute where ``register`` goes."""
        blocks, brackets = self._all[register]
        row = np.full(MAX_COLUMN + 2, -2, dtype=np.int32)
        count = np.zeros(MAX_COLUMN + 2, dtype=np.int32)
        for column in range(MAX_COLUMN):
            if column > blocks[-1]:
                # interning every deeper column would never end: only the next step interns
                row[column], count[column] = self._intern((*blocks, column), 0) if column <= blocks[-1] + 16 else -2, 1
            elif column in blocks:
                kept = blocks[: blocks.index(column) + 1]
                row[column], count[column] = self._intern(kept, 0), len(kept) - len(blocks)
        row[OPENING] = self._intern(blocks, brackets + 1)
        row[CLOSING] = self._intern(blocks, brackets - 1) if brackets else -2
        count[MAX_COLUMN] = brackets
        self.heap["feed"][register] = row
        self.heap["feed_count"][register] = count
