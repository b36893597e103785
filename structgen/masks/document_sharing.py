"""Which configurations of a document have the same mask, without computing it.

A mask depends on little of the stack. Inside a value, all that an open object can tell is whether it may end,
whether it may go on, and how its names are read: which names are used up matters only to tokens that spell a
further name to its end, and vocabularies have next to none. So masks are kept under *levels*, one per open
container that tokens can reach, instead of under the containers themselves; inside a name, the level after
each name that can still be meant. A walk that asks for more says so (``kernels.document_walk``), and its mask is
kept for that configuration alone.

How far tokens *reach*: 0 where none asks whether the innermost container may end, 1 where some do, n + 1 where
some close containers and look at n frames below it, ``PRIVATE`` where one asks for more than levels tell.

Rejected: to split masks into what a value allows and what its container does then (half the nodes, twice the calls).
"""

from __future__ import annotations

from collections.abc import Hashable
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from structgen.kernels import document as K
from structgen.masks.cache import MaskCache

if TYPE_CHECKING:
    from structgen.automata.document.automaton import Config, DocumentAutomaton
    from structgen.masks.string_body import StringBody

__all__ = ["PRIVATE", "SharedRows", "Sharing", "reach_of"]

PRIVATE = 1 << 20
"""The reach where a mask is not shared at all; more than any stack has frames."""
MOST_NAMES = 3
"""Names that can still be meant, up to which a mask inside a name is shared where order matters."""
MOST_KEYS = 1 << 16
"""Configurations whose key is remembered before the memory is emptied."""
_IS_OPEN, _IS_CLOSED, _IS_OTHER = 0, 1, 2
_WHOLE = -1


class Sharing:
    """Keys of one automaton's configurations; configurations with equal keys have equal masks."""

    def __init__(self, automaton: DocumentAutomaton, body: StringBody) -> None:
        self._automaton = automaton
        self._body = body
        self._closed: dict[int, tuple[Hashable, ...]] = {}
        self._levels: dict[tuple[int, int], tuple[Hashable, Hashable]] = {}
        self._spelled: dict[int, int] = {}

    def head(self, config: Config) -> tuple[Hashable, Hashable]:
        """What a mask depends on at the least, and how the innermost container may end.

        All there is, where values are kept or blanks prescribed.
        """
        if len(config) > K.CONFIG_WIDTH or self._automaton.is_pretty:
            return config, None
        rest, end = self._top(config)
        return (config[:6], rest), end

    def key(self, head: Hashable, end: Hashable, cell: int, reach: int) -> Hashable:
        """``head`` and as many levels as tokens reach."""
        if not reach:
            return head
        levels = [head, end]
        cells = self._automaton.tables.cell_list
        while reach > 1 and cell:
            frame, count, cell = cells[cell]
            levels.append(self.level(frame, count))
            reach -= 1
        return tuple(levels)

    def level(self, frame: int, count: int) -> tuple[Hashable, Hashable]:
        """What a token can tell of a container once a value in it has ended; apart from that, whether it may end."""
        key = (frame, count)
        found = self._levels.get(key)
        if found is None:
            if len(self._levels) >= MOST_KEYS:
                self._levels.clear()
            found = self._levels[key] = self._new_level(frame, count)
        return found

    def _new_level(self, frame: int, count: int) -> tuple[Hashable, Hashable]:
        tables = self._automaton.tables
        columns = tables.frames[frame].tolist()
        if columns[K.F_KIND] != K.PLAIN_OBJECT:
            return (_WHOLE, frame, count), None
        may_close = count & columns[K.F_LOW] == columns[K.F_LOW]
        may_go_on = columns[K.F_HIGH] & ~count != 0
        return (may_go_on, *self._names(frame, count, columns)), may_close

    def _names(self, frame: int, count: int, columns: list[int]) -> tuple[Hashable, ...]:
        """How names are begun in an object: as any text, as one of some constants, or otherwise."""
        tables = self._automaton.tables
        spec = tables.specs[columns[K.F_KEYS]].tolist()
        if spec[K.SPEC_KIND] in (K.FREE_TEXT, K.OPEN_SET) and not spec[K.SPEC_COUNTS]:
            return (_IS_OPEN, *self._undeclared(frame, count, columns))
        if spec[K.SPEC_KIND] != K.CLOSED_SET:
            return (_IS_OTHER,)
        found = self._closed.get(columns[K.F_KEYS])
        if found is None:
            firsts = {name[:1] for name in self._constants(spec)}
            # After the empty name, a name begun is not a name that can be spelled.
            found = (_IS_OTHER, frame) if b"" in firsts else (_IS_CLOSED, *sorted(firsts & self._body.begins_name))
            self._closed[columns[K.F_KEYS]] = found
        return found

    def _constants(self, spec: list[int]) -> list[bytes]:
        tables = self._automaton.tables
        starts = tables.lit_start[spec[K.SPEC_LOW] : spec[K.SPEC_HIGH] + 1].tolist()
        return [tables.lit_bytes[a:b].tobytes() for a, b in pairwise(starts)]

    def _undeclared(self, frame: int, count: int, columns: list[int]) -> tuple[Hashable, ...]:
        """Whether a name that the schema does not declare may come, and the level after it where it changes."""
        tables = self._automaton.tables
        number = columns[K.F_NEXT]
        child = columns[K.F_CHILDREN] + number
        if tables.children[child] < 0:
            self._automaton.fill(K.NEED_CHILD, frame, number)
        following = columns[K.F_MAY_GO_ON]
        after = int(tables.children[following + number]) if following else frame
        is_open = bool(tables.children[child])
        return (is_open,) if after == frame else (is_open, self.level(after, count))

    def _top(self, config: Config) -> tuple[Hashable, Hashable]:
        """What the innermost open container tells, and whether it may end."""
        mode, frame, count = config[K.R_MODE], config[K.R_FRAME], config[K.R_COUNT]
        if config[K.R_VALUE] or mode == K.M_AFTER:
            return self.level(frame, count)
        columns = self._automaton.tables.frames[frame].tolist()
        if columns[K.F_KIND] != K.PLAIN_OBJECT:
            return (_WHOLE, frame, count), None
        rest, end = self.level(frame, count)
        if mode == K.M_FREE:
            return (frame, rest), end
        if mode == K.M_KEY and isinstance(rest, tuple) and rest[1] == _IS_OPEN:
            return (frame, count & self._spelled_by_tokens(columns), rest), end
        if mode != K.M_LITERAL:
            return (_WHOLE, frame, count), None
        if columns[K.F_MAY_GO_ON]:
            return self._in_ordered_name(config, columns)
        first = int(self._automaton.tables.specs[columns[K.F_KEYS], K.SPEC_LOW])
        window = (1 << (config[K.R_B] - first)) - (1 << (config[K.R_A] - first))
        left = columns[K.F_HIGH] & ~count
        # Whatever the name, the object may go on after it if two are left.
        return (frame, left & window, left & (left - 1) != 0, rest), count & columns[K.F_LOW]

    def _in_ordered_name(self, config: Config, columns: list[int]) -> tuple[Hashable, Hashable]:
        """Inside a name among few others, in declared order: how the object stands after each."""
        frame, count = config[K.R_FRAME], config[K.R_COUNT]
        if config[K.R_B] - config[K.R_A] > MOST_NAMES:
            return (_WHOLE, frame, count), None
        tables = self._automaton.tables
        first = int(tables.specs[columns[K.F_KEYS], K.SPEC_LOW])
        levels: list[tuple[Hashable, Hashable]] = [self.level(frame, count)]
        for number in range(config[K.R_A] - first, config[K.R_B] - first):
            if not columns[K.F_HIGH] & ~count & (1 << number):
                levels.append((None, None))
                continue
            after = int(tables.children[columns[K.F_MAY_GO_ON] + number])
            levels.append(self.level(after, count | (1 << number)))
        return (frame, *(rest for rest, _ in levels)), tuple(end for _, end in levels)

    def _spelled_by_tokens(self, columns: list[int]) -> int:
        """Bits of the names that some token holds between quotes."""
        found = self._spelled.get(columns[K.F_KEYS])
        if found is None:
            names = self._constants(self._automaton.tables.specs[columns[K.F_KEYS]].tolist())
            found = sum(1 << number for number, name in enumerate(names) if name in self._body.quoted)
            self._spelled[columns[K.F_KEYS]] = found
        return found


class SharedRows:
    """Rows kept once for all configurations that share them, within a bound of bytes."""

    def __init__(self, sharing: Sharing, max_bytes: int) -> None:
        self._sharing = sharing
        self._rows = MaskCache(max_bytes)
        self._keys: dict[Config, Hashable] = {}
        self._reach: dict[Hashable, int] = {}

    def get(self, config: Config) -> npt.NDArray[np.uint32] | None:
        """The row of a configuration, None where it must be computed."""
        key = self._keys.get(config)
        if key is not None:
            return self._rows.get(key)
        head, end = self._sharing.head(config)
        reach = self._reach.get(head)
        if reach is None:
            return None
        key = self._sharing.key(head, end, config[K.R_CELL], reach)
        found = self._rows.get(key)
        if found is not None:
            self._keys[config] = key
        return found

    def reach(self, config: Config) -> int:
        """How far the tokens of a kept row reach."""
        if self._keys.get(config) == config:
            return PRIVATE
        return self._reach.get(self._sharing.head(config)[0], 0)

    def put(self, config: Config, row: npt.NDArray[np.uint32], reach: int) -> None:
        """Keep the row of a configuration, whose tokens reach so far."""
        if max(len(self._keys), len(self._reach)) >= MOST_KEYS:
            self._keys.clear()
            self._reach.clear()
        key: Hashable = config
        if reach < PRIVATE:
            head, end = self._sharing.head(config)
            reach = self._reach[head] = max(reach, self._reach.get(head, 0))
            key = self._sharing.key(head, end, config[K.R_CELL], reach)
        self._keys[config] = key
        self._rows.put(key, row)


def reach_of(counts: npt.NDArray[np.int64]) -> int:
    """The reach that ``kernels.document_walk`` has counted."""
    _, popped, _, asks_more, asks_end = counts.tolist()
    return PRIVATE if asks_more else popped + 1 if popped or asks_end else 0
