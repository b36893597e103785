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

from structgen.kernels.document import R_CELL
from structgen.masks.cache import MaskCache
from structgen.masks.document_sharing import PRIVATE, Head, Sharing
from structgen.vocab.vocabulary import Vocabulary

if TYPE_CHECKING:
    from structgen.automata.document.automaton import Config

__all__ = ["SharedRows"]

MOST_KEYS = 1 << 16
"""Configurations whose key is remembered before the memory is emptied."""
COMMON_BYTES = 48 << 20
"""Rows of one kind kept per vocabulary, whatever the options of its schemas."""
Row = npt.NDArray[np.uint32]


class _CommonRows:
    """Rows of one kind that all schemas of a vocabulary share; keys and heads come with the schema's options."""

    def __init__(self) -> None:
        self.rows = MaskCache(COMMON_BYTES)
        self.reach: dict[tuple[Hashable, Head], int] = {}

    def note(self, head: tuple[Hashable, Head], reach: int) -> None:
        """How far tokens reach after ``head``, at the least."""
        if len(self.reach) >= MOST_KEYS:
            self.reach.clear()
        self.reach[head] = max(reach, self.reach.get(head, 0))


_common: weakref.WeakKeyDictionary[Vocabulary, dict[str, _CommonRows]] = weakref.WeakKeyDictionary()


class SharedRows:
    """Rows of one machine and one kind by configuration, ``max_bytes`` of them its own."""

    def __init__(self, sharing: Sharing, max_bytes: int, vocabulary: Vocabulary, kind: str, options: Hashable) -> None:
        self._sharing = sharing
        self._options = options
        self._rows = MaskCache(max_bytes)
        self._common = _common.setdefault(vocabulary, {}).setdefault(kind, _CommonRows())
        self._keys: dict[Config, tuple[MaskCache, tuple[Any, ...]]] = {}
        self._heads: dict[Config, tuple[Head, Hashable]] = {}
        self._reach: dict[Head, int] = {}

    def get(self, config: Config) -> Row | None:
        """The row of a configuration, None where it must be computed."""
        known = self._keys.get(config)
        if known is not None:
            return known[0].get(known[1])
        head, end = self._head(config)
        reach = self._reach.get(head)
        if reach is None:
            reach = self._common.reach.get((self._options, head))
            if reach is None:
                return None
        place = self._place(head, end, config, reach)
        found = place[0].get(place[1])
        if found is not None:
            self._reach[head] = reach
            self._keys[config] = place
        return found

    def reach(self, config: Config) -> int:
        """How far the tokens of a kept row reach."""
        known = self._keys.get(config)
        if known is not None and known[1] == config:
            return PRIVATE
        return self._reach.get(self._head(config)[0], 0)

    def put(self, config: Config, row: Row, reach: int) -> None:
        """Keep the row of a configuration, whose tokens reach so far."""
        if max(len(self._keys), len(self._reach)) >= MOST_KEYS:
            self._keys.clear()
            self._reach.clear()
        place: tuple[MaskCache, tuple[Any, ...]] = (self._rows, config)
        if reach < PRIVATE:
            head, end = self._head(config)
            reach = self._reach[head] = max(reach, self._reach.get(head, 0))
            place = self._place(head, end, config, reach)
            if place[0] is not self._rows:
                self._common.note((self._options, head), reach)
        self._keys[config] = place
        place[0].put(place[1], row)

    def _head(self, config: Config) -> tuple[Head, Hashable]:
        found = self._heads.get(config)
        if found is None:
            if len(self._heads) >= MOST_KEYS:
                self._heads.clear()
            found = self._heads[config] = self._sharing.head(config)
        return found

    def _place(self, head: Head, end: Hashable, config: Config, reach: int) -> tuple[MaskCache, tuple[Any, ...]]:
        key = self._sharing.key(head, end, config[R_CELL], reach)
        if self._sharing.is_common(key, reach):
            return self._common.rows, (self._options, key)
        return self._rows, key
