"""Masks of JSON documents kept once for all places, and all schemas, that share them.

Rows whose key means the same in every schema (``document_sharing``) go into a cache of the vocabulary, so a schema
met for the first time finds the masks of free text, numbers, common values and what follows them ready: of the masks
of a new schema, two in five. The others are kept with their schema. Both are bounded.
"""

from __future__ import annotations

import weakref
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from structgen.kernels.document import CONFIG_WIDTH, R_CELL
from structgen.lasting import Lasting
from structgen.masks.cache import MaskCache
from structgen.masks.document_sharing import PRIVATE, Head, Sharing
from structgen.vocab.vocabulary import Vocabulary

if TYPE_CHECKING:
    from structgen.automata.document.automaton import Config

__all__ = ["SharedRows"]

MOST_KEYS = 1 << 16
"""Configurations whose key is remembered before the memory is emptied."""
KNOWN = 2
"""The part of a machine's bytes that rows known by configuration may take."""
FIRST_CELL = 1
"""The stack below the outermost container, which is hardly ever entered again further inside."""
COMMON_BYTES = 48 << 20
"""Rows of one kind kept per vocabulary, whatever the options of its schemas."""
Row = npt.NDArray[np.uint32]


class _CommonRows:
    """Rows of one kind that all schemas of a vocabulary share."""

    def __init__(self) -> None:
        self.rows = MaskCache(COMMON_BYTES)
        self.reach: Lasting[Head, int] = Lasting()

    def note(self, head: Head, reach: int) -> None:
        """How far tokens reach after ``head``, at the least."""
        if len(self.reach) >= MOST_KEYS:
            self.reach.clear()
        self.reach[head] = max(reach, self.reach.get(head, 0))


_common: weakref.WeakKeyDictionary[Vocabulary, dict[str, _CommonRows]] = weakref.WeakKeyDictionary()


class SharedRows:
    """Rows of one machine and one kind by configuration, ``max_bytes`` of them its own.

    Half of them by key; the other half is the bound of the rows known by configuration, which are mostly the same.
    """

    def __init__(self, sharing: Sharing, max_bytes: int, vocabulary: Vocabulary, kind: str) -> None:
        self._sharing = sharing
        self._rows = MaskCache(max_bytes - max_bytes // KNOWN)
        self._common = _common.setdefault(vocabulary, {}).setdefault(kind, _CommonRows())
        self.known: Lasting[Config, tuple[Row, int]] = Lasting()
        """Rows by configuration, and how far their tokens reach; what ``find`` looks at first."""
        self._apart: dict[Config, tuple[Row, int]] = {}
        """The same by configuration, its stack left out, where no token reaches below the innermost container.

        Of the rows found, more than a quarter: items of an array, one like the other.
        """
        self._most_known = max(1, max_bytes // KNOWN)
        self._pairs: dict[int, tuple[Row, int]] = {}
        """What is known, by row and reach: kept once, for thousands of equal pairs are work for garbage collection."""
        self._reach: dict[Head, int] = {}
        self._last: tuple[Config, Head, Hashable] | None = None

    def find(self, config: Config) -> tuple[Row, int] | None:
        """The row of a configuration and how far its tokens reach, None where it must be computed."""
        return self.known.get(config) or self.find_new(config)

    def find_new(self, config: Config) -> tuple[Row, int] | None:
        """The same for a configuration that is not ``known``."""
        found = self._apart.get(config[:R_CELL])
        if found is not None and len(config) == CONFIG_WIDTH:
            if len(self.known) < MOST_KEYS:
                self.known[config] = found
            return found
        head, end = self._sharing.head(config)
        self._last = config, head, end
        reach = self._reach.get(head)
        if reach is None:
            reach = self._common.reach.get(head)
            if reach is None:
                row = self._rows.get(config)
                return None if row is None else self._know(config, row, PRIVATE)
            self._reach[head] = reach
        rows, key = self._place(head, end, config, reach)
        row = rows.get(key)
        return None if row is None else self._know(config, row, reach)

    def put(self, config: Config, row: Row, reach: int) -> Row:
        """Keep the row of a configuration, whose tokens reach so far, and return it, frozen; ``row`` is copied."""
        if reach == PRIVATE:
            return self._know(config, self._rows.keep(config, row), reach)[0]
        if len(self._reach) >= MOST_KEYS:
            self._reach.clear()
        last = self._last
        # A row is asked for before it is put.
        head, end = last[1:] if last is not None and last[0] is config else self._sharing.head(config)
        reach = self._reach[head] = max(reach, self._reach.get(head, 0))
        rows, key = self._place(head, end, config, reach)
        if rows is not self._rows and self._common.reach.get(head, -1) < reach:
            self._common.note(head, reach)
        return self._know(config, rows.keep(key, row), reach)[0]

    def _place(self, head: Head, end: Hashable, config: Config, reach: int) -> tuple[MaskCache, tuple[Any, ...]]:
        key = self._sharing.key(head, end, config[R_CELL], reach)
        return self._common.rows if self._sharing.is_common(key, reach) else self._rows, key

    def _know(self, config: Config, row: Row, reach: int) -> tuple[Row, int]:
        pair = id(row) << 21 | reach
        found = self._pairs.get(pair)
        if found is None or len(self.known) >= MOST_KEYS:
            if len(self.known) >= MOST_KEYS or len(self._pairs) * row.nbytes > self._most_known:
                self.known.clear()
                self._apart.clear()
                self._pairs.clear()
                self._reach.clear()
            found = self._pairs[pair] = row, reach
        self.known[config] = found
        if reach <= 1 and config[R_CELL] > FIRST_CELL and self._sharing.is_by_container:
            self._apart[config[:R_CELL]] = found
        return found
