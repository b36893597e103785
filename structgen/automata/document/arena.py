"""Byte automata of strings and numbers, shared by all schemas of the process.

A date-time has eleven thousand states; copying them into every schema that mentions one
would cost more than the rest of the schema. So automata live in an arena, installed once per key.
Rows keep their automaton's byte classes, which makes them ten times smaller than full
rows. An arena that has grown past ``ARENA_BYTES`` is closed: schemas made later get a new one,
and the old one goes when its last schema does, so memory stays bounded.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable
from itertools import count
from typing import Any

import numpy as np
import numpy.typing as npt

from structgen.automata.document.labelled import Labelled
from structgen.dtypes import freeze, lazy_zeros
from structgen.kernels import document as K
from structgen.kernels.labels import install, n_labels
from structgen.lasting import Lasting

__all__ = ["Arena", "current_arena"]

ARENA_BYTES = 48 << 20
_serials = count()


class Arena:
    """Growing tables of automata; see ``kernels.document`` for the columns."""

    def __init__(self) -> None:
        self.serial = next(_serials)
        """Which arena of the process this is."""
        # Room that is not written to costs nothing; moving some megabytes at the wrong moment took 7 ms.
        self.trans = lazy_zeros(ARENA_BYTES // 4, np.int32)
        self.content = lazy_zeros((1 << 18, 4), np.int32)
        self.reach = lazy_zeros(1 << 18, np.int64)
        self.class_maps = lazy_zeros((1 << 12, 256), np.uint8)
        self.numbers = lazy_zeros((1 << 17, 16), np.int32)
        self.number_label = lazy_zeros(1 << 17, np.int32)
        self.n_trans = self.n_maps = 0
        self.n_content = self.n_numbers = 1
        self._maps: dict[bytes, int] = {}
        self._starts: list[int] = []
        self._labels: list[int] = []
        self._number_starts: list[int] = []
        self.installed: dict[Hashable, int] = {}
        """Offset added to an automaton's states, by the caller's key."""
        self.targets: Lasting[int, tuple[int, bytes]] = Lasting()
        """By state: where most text leads, and by which first bytes."""
        self.distances: dict[tuple[int, int, int], npt.NDArray[np.int64]] = {}
        """Bytes to acceptance (``endings``), by first row and labels allowed."""
        self.number_distances: dict[int, dict[int, npt.NDArray[np.int32]]] = {}
        """Bytes to each label of a number (``number_ends``), by first row."""
        self.common: dict[int, int] = {}
        """By start: what all states can reach where every text is read, as bits; else 0."""
        self.chains: dict[tuple[int, int], Any] = {}
        """What ``masks.content_runs`` makes of that."""

    @property
    def n_bytes(self) -> int:
        """Bytes in use."""
        return 4 * self.n_trans + 24 * self.n_content + 256 * self.n_maps + 68 * self.n_numbers

    def _reserve(self, name: str, needed: int) -> None:
        array: npt.NDArray[Any] = getattr(self, name)
        if needed > len(array):
            bigger = np.zeros((max(needed, 2 * len(array)), *array.shape[1:]), array.dtype)
            bigger[: len(array)] = array
            setattr(self, name, bigger)

    def _map(self, class_of: npt.NDArray[np.uint8]) -> int:
        key = class_of.tobytes()
        found = self._maps.get(key)
        if found is None:
            self._reserve("class_maps", self.n_maps + 1)
            found = self._maps[key] = self.n_maps
            self.class_maps[found] = class_of
            self.n_maps += 1
        return found

    def add_content(
        self,
        automaton: Labelled,
        limits: npt.NDArray[np.int32] | int = K.NO_LIMIT,
        reach: npt.NDArray[np.int64] | int = -1,
        key: Hashable = None,
    ) -> int:
        """Install an automaton of decoded string content; returns the offset of its states."""
        if key is not None and key in self.installed:
            return self.installed[key]
        n, width = automaton.transitions.shape
        base, start = self.n_content - 1, self.n_trans
        for name in ("content", "reach"):
            self._reserve(name, self.n_content + n)
        self._reserve("trans", start + n * width)
        install(freeze(automaton.transitions, np.int32), base, self.trans[start : start + n * width])
        window = slice(self.n_content, self.n_content + n - 1)
        self.content[window, K.C_START] = start + width * np.arange(1, n)
        self.content[window, K.C_MAP] = self._map(automaton.class_of)
        self.content[window, K.C_LABEL] = automaton.labels[1:]
        self._starts.append(self.n_content)
        self._labels.append(n_labels(freeze(automaton.labels, np.int32)))
        self.content[window, K.C_LIMIT] = limits if isinstance(limits, int) else limits[1:]
        self.reach[window] = reach if isinstance(reach, int) else reach[1:]
        self.n_content += n - 1
        self.n_trans += n * width
        if key is not None:
            self.installed[key] = base
        return base

    def extent(self, state: int) -> tuple[int, int, int]:
        """The automaton of a content row: its first row, how many it has, and how many labels."""
        index = bisect_right(self._starts, state) - 1
        first = self._starts[index]
        after = self._starts[index + 1] if index + 1 < len(self._starts) else self.n_content
        return first, after - first, self._labels[index]

    def number_extent(self, row: int) -> tuple[int, int]:
        """The automaton of a row of numbers: its first row, and how many it has."""
        index = bisect_right(self._number_starts, row) - 1
        first = self._number_starts[index]
        after = self._number_starts[index + 1] if index + 1 < len(self._number_starts) else self.n_numbers
        return first, after - first

    def follow(self, row: int, content: bytes) -> int:
        """The row after some decoded content; 0 where the automaton does not read it."""
        for byte in content:
            row = int(self.trans[self.content[row, K.C_START] + self.class_maps[self.content[row, K.C_MAP], byte]])
            if not row:
                break
        return row

    def add_numbers(self, rows: npt.NDArray[np.int32], labels: npt.NDArray[np.int32], key: Hashable = None) -> int:
        """Install an automaton of number texts, ``rows`` (S, 16); returns the offset of its states."""
        if key is not None and key in self.installed:
            return self.installed[key]
        n = len(rows) - 1
        base = self.n_numbers - 1
        for name in ("numbers", "number_label"):
            self._reserve(name, self.n_numbers + n)
        window = slice(self.n_numbers, self.n_numbers + n)
        np.add(rows[1:], base, out=self.numbers[window], where=rows[1:] != 0)
        self.number_label[window] = labels[1:]
        self._number_starts.append(self.n_numbers)
        self.n_numbers += n
        if key is not None:
            self.installed[key] = base
        return base


_current = Arena()


def current_arena() -> Arena:
    """The arena for automata made now."""
    global _current
    if _current.n_bytes > ARENA_BYTES:
        _current = Arena()
    return _current
