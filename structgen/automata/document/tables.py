"""The arrays that the document kernels read, growing as the schema is discovered.

Python appends; kernels only read (cells apart, whose free tail a walk uses as scratch).
``arguments`` is the tuple that every kernel call takes; it is rebuilt when an array moved.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt

from structgen.automata.document.arena import current_arena
from structgen.automata.document.judged import Judged
from structgen.automata.document.judged_numbers import NumberJudge
from structgen.automata.document.labelled import Labelled
from structgen.errors import LimitError
from structgen.ir.beginnings import Beginnings
from structgen.kernels import document as K
from structgen.kernels.document_frames import insert_event, move_events

__all__ = ["SCRATCH_CELLS", "Tables"]

SCRATCH_CELLS = 512
"""Free cells kept beyond the used ones: more than one token can push."""
_VALUES = np.full((32, 7), -1, np.int32)
_CHILDREN = np.full(128, -1, np.int32)
_KEYS = np.full(64, -1, np.int64)
"""What tables begin with: copied, which takes a third of the time of filling."""


class Tables:
    """All tables of one document automaton, with a bound on their total size."""

    def __init__(self, *, max_bytes: int, max_space: int) -> None:
        self.max_bytes = max_bytes
        self.max_space = max_space
        self.arena = current_arena()
        self.specs = np.zeros((16, 8), np.int32)
        self.lit_start = np.zeros(64, np.int32)
        self.lit_bytes = np.zeros(512, np.uint8)
        self.lit_label = np.zeros(64, np.int32)
        self.values = _VALUES.copy()
        self.frames = np.zeros((32, 10), np.int64)
        self.children = _CHILDREN.copy()
        self.available = np.zeros(8, np.uint8)
        self.keys = _KEYS.copy()
        self.results = np.zeros((64, 2), np.int32)
        self.cells = np.empty((64 + SCRATCH_CELLS, 3), np.int64)
        self.cells[0] = 0  # cells are written before they are read, all but the first
        self.n_specs = self.n_values = self.n_frames = 1
        self.n_literals = self.n_literal_bytes = self.n_children = self.n_available = 0
        self.n_events = 0
        self.n_cells = 1
        self._literals: dict[tuple[tuple[bytes, ...], tuple[int, ...]], tuple[int, int]] = {}
        self._cell_ids: dict[tuple[int, int, int], int] = {}
        self.cell_list: list[tuple[int, int, int]] = [(0, 0, 0)]
        """The cells again, for Python."""
        self.events: dict[tuple[int, int], tuple[int, int]] = {}
        """The events again, for Python."""
        self.judged: dict[int, Judged] = {}
        """Rows of string content at which a judge decides about the text."""
        self.number_judges: dict[int, NumberJudge] = {}
        """What decides about the numbers of a value context where no automaton does."""
        self._beginnings: dict[int, tuple[Beginnings, ...]] = {}
        self._ways: dict[int, tuple[Beginnings, ...]] = {}
        self._arrays: tuple[npt.NDArray[Any], ...] = ()
        self.arguments: tuple[Any, ...] = ()
        self._rebuild()

    @property
    def n_bytes(self) -> int:
        """Bytes of all arrays as allocated, automata in the shared arena apart."""
        return sum(array.nbytes for array in self.arguments[6:] if isinstance(array, np.ndarray))

    def _rebuild(self) -> None:
        self._arrays = (
            self.arena.trans,
            self.arena.content,
            self.arena.class_maps,
            self.arena.reach,
            self.arena.numbers,
            self.arena.number_label,
            self.specs,
            self.lit_start,
            self.lit_bytes,
            self.lit_label,
            self.values,
            self.frames,
            self.children,
            self.available,
            self.keys,
            self.results,
            self.cells,
        )
        self.arguments = (*self._arrays, self.n_cells, self.max_space)

    def _grow(self, name: str, needed: int, fill: int = 0) -> None:
        array: npt.NDArray[Any] = getattr(self, name)
        size = max(needed, 2 * len(array))
        if self.n_bytes + (size - len(array)) * array[:1].nbytes > self.max_bytes:
            raise LimitError(
                "the schema needs more memory than its budget allows",
                what="automaton bytes",
                given=self.n_bytes + (size - len(array)) * array[:1].nbytes,
                limit=self.max_bytes,
                hint="raise the limit, or simplify patterns and length bounds",
            )
        bigger = np.full((size, *array.shape[1:]), fill, array.dtype)
        bigger[: len(array)] = array
        setattr(self, name, bigger)
        self._rebuild()

    def add_content(
        self,
        automaton: Labelled,
        limits: npt.NDArray[np.int32] | int = K.NO_LIMIT,
        reach: npt.NDArray[np.int64] | int = -1,
        key: Hashable = None,
    ) -> int:
        """The row at which an automaton of string content starts; shared under ``key``."""
        base = self.arena.add_content(automaton, limits, reach, key)
        self._rebuild()
        return base + 1

    def add_judges(
        self,
        start: int,
        judges: Mapping[int, Judged],
        beginnings: Sequence[Beginnings] = (),
        ways: Sequence[Beginnings] = (),
    ) -> None:
        """Say where an automaton that starts at row ``start`` is in doubt, by state, and what judges beginnings.

        ``ways``: what knows likely endings, if not just those that judge beginnings.
        """
        for state, judge in judges.items():
            self.judged[start - 1 + state] = judge
        first = self.arena.extent(start)[0]
        if beginnings:
            self._beginnings[first] = tuple(beginnings)
        self._ways[first] = tuple(ways or beginnings)

    def ways_of(self, row: int) -> tuple[Beginnings, ...]:
        """What knows likely endings of texts that the automaton of ``row`` reads."""
        return self._ways.get(self.arena.extent(row)[0], ()) if self._ways else ()

    def beginnings_of(self, row: int) -> tuple[Beginnings, ...]:
        """What judges the beginnings of texts that the automaton of ``row`` reads."""
        return self._beginnings.get(self.arena.extent(row)[0], ()) if self._beginnings else ()

    def all_beginnings(self) -> tuple[Beginnings, ...]:
        """All that judge the beginnings of some string."""
        return tuple(dict.fromkeys(judge for judges in self._beginnings.values() for judge in judges))

    def add_numbers(self, rows: npt.NDArray[np.int32], labels: npt.NDArray[np.int32], key: Hashable = None) -> int:
        """The row at which an automaton of number texts starts; shared under ``key``."""
        base = self.arena.add_numbers(rows, labels, key)
        self._rebuild()
        return base + 1

    def number_start(self, key: Hashable) -> int | None:
        """The row at which the automaton of ``key`` starts, if it is installed."""
        base = self.arena.installed.get(key)
        if base is None:
            return None
        self._rebuild()  # another schema may have installed it, and the arena have moved
        return base + 1

    def add_judged_numbers(self, rows: npt.NDArray[np.int32], labels: npt.NDArray[np.int32]) -> int:
        """The same for an automaton whose numbers are judged at their end."""
        start = self.add_numbers(rows, labels)
        self.arena.numbers[start : start + len(rows) - 1, K.NUMBER_JUDGED] = 1
        return start

    def add_spec(self, kind: int, *, low: int = 0, high: int = 0, start: int = 0, least: int = 0,
                 most: int = K.NO_LIMIT, label: int = 0, counts: bool = False) -> int:  # fmt: skip
        """Install how a string is read."""
        if self.n_specs == len(self.specs):
            self._grow("specs", self.n_specs + 1)
        self.specs[self.n_specs] = (kind, low, high, start, least, most, label, counts)
        self.n_specs += 1
        return self.n_specs - 1

    def add_literals(self, values: Sequence[bytes], labels: Sequence[int]) -> tuple[int, int]:
        """Install sorted distinct constants; returns their range of indices. Equal calls share one."""
        key = (tuple(values), tuple(labels))
        found = self._literals.get(key)
        if found is None:
            found = self._literals[key] = self._new_literals(*key)
        return found

    def _new_literals(self, values: Sequence[bytes], labels: Sequence[int]) -> tuple[int, int]:
        n, first = len(values), self.n_literals
        joined = b"".join(values)
        if first + n + 1 > len(self.lit_start):
            self._grow("lit_start", first + n + 1)
            self._grow("lit_label", first + n + 1)
        if self.n_literal_bytes + len(joined) > len(self.lit_bytes):
            self._grow("lit_bytes", self.n_literal_bytes + len(joined))
        at = self.n_literal_bytes
        self.lit_bytes.data[at : at + len(joined)] = joined
        self.lit_start[first : first + n + 1] = list(accumulate(map(len, values), initial=at))
        self.lit_label[first : first + n] = labels
        self.n_literal_bytes += len(joined)
        self.n_literals += n
        return first, first + n

    def add_value(self) -> int:
        """A value context with nothing filled in."""
        if self.n_values == len(self.values):
            self._grow("values", self.n_values + 1, -1)
        self.n_values += 1
        return self.n_values - 1

    def add_frame(self, *columns: int) -> int:
        """A frame; columns as in ``kernels.document``."""
        if self.n_frames == len(self.frames):
            self._grow("frames", self.n_frames + 1)
        self.frames[self.n_frames] = columns
        self.n_frames += 1
        return self.n_frames - 1

    def add_children(self, n: int) -> int:
        """Room for ``n`` value contexts, not filled."""
        if self.n_children + n > len(self.children):
            self._grow("children", self.n_children + n, -1)
        self.n_children += n
        return self.n_children - n

    def add_available(self, flags: Sequence[bool]) -> int:
        """Which names are left, one byte each."""
        if self.n_available + len(flags) > len(self.available):
            self._grow("available", self.n_available + len(flags))
        first = self.n_available
        self.available[first : first + len(flags)] = flags
        self.n_available += len(flags)
        return first

    def add_event(self, frame: int, event: int, after: int, value: int) -> None:
        """(frame, event) leads to frame ``after`` (0: forbidden), with a value of context ``value`` due."""
        if 2 * self.n_events >= len(self.keys):
            keys = np.full(4 * len(self.keys), -1, np.int64)
            results = np.zeros((len(keys), 2), np.int32)
            move_events(self.keys, self.results, keys, results)
            self.keys, self.results = keys, results
            self._rebuild()
        insert_event(self.keys, self.results, frame, event, after, value)
        self.events[frame, event] = (after, value)
        self.n_events += 1

    def cell(self, frame: int, count: int, parent: int) -> int:
        """The one cell of a frame on a parent."""
        key = (frame, count, parent)
        found = self._cell_ids.get(key)
        if found is None:
            if self.n_cells + SCRATCH_CELLS >= len(self.cells):
                self._grow("cells", 2 * len(self.cells))
            found = self.n_cells
            self.cells[found] = key
            self.cell_list.append(key)
            self._cell_ids[key] = found
            self.n_cells += 1
            self.arguments = (*self._arrays, self.n_cells, self.max_space)
        return found
