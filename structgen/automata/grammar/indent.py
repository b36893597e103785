"""Registers for Python-style indentation: open blocks and bracket depth, as interned integers.

What Lark's ``Indenter`` keeps beside the parser. A register is (columns of the open blocks,
bracket depth). Within brackets a newline means nothing; outside, its column either opens a
block, stays, closes blocks, or fits none and is an error. Columns stop at ``MAX_COLUMN``:
deeper indentation is not offered.
"""

from __future__ import annotations

import numpy as np

from structgen.errors import LimitError
from structgen.kernels.pushdown import CLOSING, MAX_COLUMN, OPENING, UNKNOWN

__all__ = ["Registers"]

MAX_REGISTERS = 100_000


class Registers:
    """``feed`` (R, 258) and ``feed_count`` (R, 257) int32, filled on first use; see ``GrammarTables``."""

    def __init__(self) -> None:
        self._ids: dict[tuple[tuple[int, ...], int], int] = {}
        self._all: list[tuple[tuple[int, ...], int]] = []
        self.feed = np.full((4, MAX_COLUMN + 2), UNKNOWN, dtype=np.int32)
        self.feed_count = np.zeros((4, MAX_COLUMN + 1), dtype=np.int32)
        self._intern((0,), 0)

    def _intern(self, blocks: tuple[int, ...], brackets: int) -> int:
        key = (blocks, brackets)
        known = self._ids.get(key)
        if known is None:
            if len(self._all) >= MAX_REGISTERS:
                raise LimitError("too many kinds of indentation", what="indentation registers", limit=MAX_REGISTERS)
            known = self._ids[key] = len(self._all)
            self._all.append(key)
            if known >= len(self.feed):
                self.feed = np.concatenate([self.feed, np.full_like(self.feed, UNKNOWN)])
                self.feed_count = np.concatenate([self.feed_count, np.zeros_like(self.feed_count)])
        return known

    def fill(self, register: int) -> None:
        """Compute where ``register`` goes."""
        blocks, brackets = self._all[register]
        row = np.full(MAX_COLUMN + 2, -2, dtype=np.int32)
        count = np.zeros(MAX_COLUMN + 1, dtype=np.int32)
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
        self.feed[register] = row
        self.feed_count[register] = count
