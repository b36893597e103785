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
from structgen.kernels.grammar_heap import CLOSING, FEED, FEED_COUNT, INDENTS, MAX_COLUMN, OPENING, UNKNOWN

__all__ = ["Registers"]

MAX_REGISTERS = 100_000
DEEPER = 16
"""Columns by which a block may be deeper than the one around it."""


class Registers:
    """Sections ``feed`` and ``feed_count`` (R, 258), filled on first use; see ``kernels.pushdown``."""

    def __init__(self, heap: TableHeap, *, indented: bool) -> None:
        self.heap = heap
        self._ids: dict[tuple[tuple[int, ...], int], int] = {}
        self._all: list[tuple[tuple[int, ...], int]] = []
        rows = 512 if indented else 1
        heap.add("feed", FEED, rows, MAX_COLUMN + 2, used=lambda: len(self._all))
        heap.add("feed_count", FEED_COUNT, rows, MAX_COLUMN + 2, used=lambda: len(self._all))

    def begin(self) -> None:
        """Make the register of a text's start."""
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
            self.heap["feed"][known] = UNKNOWN
        return known

    def indent(self, register: int, column: int) -> None:
        """Compute where ``register`` goes by a deeper block (most never begin)."""
        blocks, _ = self._all[register]
        self.heap["feed"][register, column] = self._intern((*blocks, column), 0)

    def fill(self, register: int) -> None:
        """Compute where ``register`` goes."""
        blocks, brackets = self._all[register]
        row = np.full(MAX_COLUMN + 2, -2, dtype=np.int32)
        count = np.zeros(MAX_COLUMN + 2, dtype=np.int32)
        for place, column in enumerate(blocks):
            row[column], count[column] = self._intern(blocks[: place + 1], 0), place + 1 - len(blocks)
        count[blocks[-1] + 1 : MAX_COLUMN] = 1
        row[blocks[-1] + 1 : min(blocks[-1] + DEEPER + 1, MAX_COLUMN)] = INDENTS
        row[OPENING] = self._intern(blocks, brackets + 1)
        row[CLOSING] = self._intern(blocks, brackets - 1) if brackets else -2
        count[MAX_COLUMN] = brackets
        self.heap["feed"][register] = row
        self.heap["feed_count"][register] = count
