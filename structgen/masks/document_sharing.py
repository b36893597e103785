"""Which configurations of a document have the same mask, without computing it.

A mask depends on little of the stack. Inside a value, all that an open object can tell is whether it may end,
whether it may go on, and how its names are read: which names are used up matters only to tokens that spell a
further name to its end, and vocabularies have next to none. So masks are kept under *levels*, one per open
container that tokens can reach, instead of under the containers themselves. Inside a name, of the names that can
still be meant only what is left of them matters, and what comes after those that some token spells to the quote.
A walk that asks for more says so (``kernels.document_walk``), and its mask is kept for that configuration alone.

What values read is told by ``signatures``, so most keys mean the same in every schema.

How far tokens *reach*: 0 where none asks whether the innermost container may end, 1 where some do, n + 1 where
some close containers and look at n frames below it, ``PRIVATE`` where one asks for more than levels tell.

Rejected: to split masks into what a value allows and what its container does then (half the nodes, twice the calls).
"""

from __future__ import annotations

from collections.abc import Hashable
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from structgen.kernels import document as K
from structgen.masks.signatures import NOTHING, Signatures

if TYPE_CHECKING:
    from structgen.automata.document.automaton import Config, DocumentAutomaton
    from structgen.masks.string_body import StringBody

__all__ = ["PRIVATE", "Sharing", "reach_of"]

PRIVATE = 1 << 20
"""The reach where a mask is not shared at all; more than any stack has frames."""
MOST_NAMES = 8
"""Names that can still be meant, up to which a mask inside a name is shared by what is left of them."""
MOST_LEVELS = 1 << 16
"""Levels remembered before the memory is emptied."""
Head = tuple[int, ...]
Level = tuple[int, Hashable]
"""What a token can tell of a container once a value in it has ended; apart from that, whether it may end."""


class Sharing:
    """Keys of one automaton's configurations; configurations with equal keys have equal masks.

    Numbers below zero in a key are this automaton's own; keys without them mean the same in other automata.
    """

    def __init__(self, automaton: DocumentAutomaton, body: StringBody) -> None:
        self._automaton = automaton
        self._body = body
        self._signatures = Signatures(automaton, body.max_depth + 1, body.opens_name)
        self._closed: dict[int, int] = {}
        self._levels: dict[tuple[int, int], Level] = {}
        self._further: dict[int, list[tuple[int, int]]] = {}
        self._has_spelled: dict[int, bool] = {}
        self._names_by_spec: dict[int, list[bytes]] = {}

    def head(self, config: Config) -> tuple[Head, Hashable]:
        """What a mask depends on at the least, and how the innermost container may end.

        All there is, where values are kept or blanks prescribed.
        """
        if len(config) > K.CONFIG_WIDTH or self._automaton.is_pretty:
            return (self._signatures.own(config),), None
        mode, frame, count = config[K.R_MODE], config[K.R_FRAME], config[K.R_COUNT]
        value = config[K.R_VALUE]
        if value or mode == K.M_AFTER or mode == K.M_END:
            rest, end = self.level(frame, count)
            if mode == K.M_FREE:
                return (mode, config[K.R_A], config[K.R_ESC], self._in_text(value, config[K.R_B]), rest), end
            return (*config[:5], self._reading(mode, value), rest), end
        if self._automaton.tables.frames[frame, K.F_KIND] != K.PLAIN_OBJECT:
            rest, end = self.level(frame, count)
            return (*config[:5], rest), end
        return self._in_name(config)

    def key(self, head: Head, end: Hashable, cell: int, reach: int) -> tuple[Any, ...]:
        """``head`` and as many levels as tokens reach."""
        if not reach:
            return head
        levels: list[Any] = [head, end]
        cells = self._automaton.tables.cell_list
        while reach > 1 and cell:
            frame, count, cell = cells[cell]
            levels += self.level(frame, count)
            reach -= 1
        return tuple(levels)

    def is_common(self, key: tuple[Any, ...], reach: int) -> bool:
        """Whether a key means the same in other automata."""
        head = key[0] if reach else key
        if min(head) < 0 or (reach > 1 and min(key[2::2], default=0) < 0):
            return False
        tables = self._automaton.tables
        # Masks are corrected for what is judged anywhere in the schema.
        return not (tables.judged or tables.number_judges or self._automaton.objects.keeps_some)

    # -- levels ----------------------------------------------------------------------------

    def level(self, frame: int, count: int) -> Level:
        """How the container at ``frame`` stands, as far as masks are shared by it."""
        key = (frame, count)
        found = self._levels.get(key)
        if found is None:
            if len(self._levels) >= MOST_LEVELS:
                self._levels.clear()
            found = self._levels[key] = self._new_level(frame, count)
        return found

    def _new_level(self, frame: int, count: int) -> Level:
        columns = self._automaton.tables.frames[frame].tolist()
        kind = columns[K.F_KIND]
        if kind == K.TOP:
            return self._signatures.of("top"), None
        if kind == K.PLAIN_ARRAY and not columns[K.F_NEXT]:
            return self._signatures.items(columns, frame, count), None
        if kind != K.PLAIN_OBJECT:
            return self._signatures.own((frame, count)), None
        may_close = count & columns[K.F_LOW] == columns[K.F_LOW]
        may_go_on = columns[K.F_HIGH] & ~count != 0
        return self._signatures.of(("object", may_go_on), self._names(frame, count, columns)), may_close

    def _names(self, frame: int, count: int, columns: list[int]) -> int:
        """How names are begun in an object: as any text, as one of some constants, or otherwise."""
        spec = self._automaton.tables.specs[columns[K.F_KEYS]].tolist()
        if spec[K.SPEC_KIND] in (K.FREE_TEXT, K.OPEN_SET) and not spec[K.SPEC_COUNTS]:
            return self._undeclared(frame, count, columns)
        if spec[K.SPEC_KIND] != K.CLOSED_SET:
            return self._by_automaton(columns[K.F_KEYS], columns[K.F_HIGH] & ~count)
        found = self._closed.get(columns[K.F_KEYS])
        if found is None:
            firsts = {name[:1] for name in self._names_of(columns[K.F_KEYS])}
            if b"" in firsts:
                # The empty name may be the only one left, and then nothing begins a name that can be spelled.
                return self._signatures.own(("names of", frame, columns[K.F_HIGH] & ~count))
            found = self._signatures.of(("names", *sorted(firsts & self._body.begins_name)))
            self._closed[columns[K.F_KEYS]] = found
        return found

    def _by_automaton(self, spec: int, left: int) -> int:
        """Which of the names that tokens begin behind a comma can be meant, where an automaton reads names."""
        if self._body.begins_by_number:
            return self._signatures.own(("names", spec, left))
        found = self._further.get(spec)
        if found is None:
            found = self._further[spec] = [self._after_text(spec, text) for text, _ in self._body.further]
        can_be_meant = []
        for (_, ended), (classes, label) in zip(self._body.further, found, strict=True):
            can_end = bool(label and left >> (label - 1) & 1)
            if ended == 2 and can_end:
                return self._signatures.own(("names", spec, left))
            can_be_meant.append(can_end if ended else classes & left != 0)
        return self._signatures.of(("names by automaton", *can_be_meant))

    def _after_text(self, spec: int, text: bytes) -> tuple[int, int]:
        """The classes of names that begin with ``text``, and the class of ``text`` itself, counted from 1, or 0."""
        arena = self._automaton.tables.arena
        state = int(self._automaton.tables.specs[spec, K.SPEC_START])
        for byte in text:
            start, which = arena.content[state, : K.C_MAP + 1].tolist()
            state = int(arena.trans[start + int(arena.class_maps[which, byte])])
            if not state:
                return 0, 0
        return int(arena.reach[state]), int(arena.content[state, K.C_LABEL])

    def _names_of(self, spec: int) -> list[bytes]:
        """The declared names of an object, in order; remembered."""
        found = self._names_by_spec.get(spec)
        if found is None:
            columns = self._automaton.tables.specs[spec].tolist()
            found = self._names_by_spec[spec] = self._constants(columns[K.SPEC_LOW], columns[K.SPEC_HIGH])
        return found

    def _constants(self, low: int, high: int) -> list[bytes]:
        tables = self._automaton.tables
        return [tables.lit_bytes[a:b].tobytes() for a, b in pairwise(tables.lit_start[low : high + 1].tolist())]

    def _undeclared(self, frame: int, count: int, columns: list[int]) -> int:
        """Whether a name that the schema does not declare may come, and the level after it where it changes."""
        number = columns[K.F_NEXT]
        is_open = self._child(frame, columns, number) != 0
        after = self._following(frame, columns, number)
        spelled = self._spelled(columns[K.F_KEYS])
        if after == frame:
            return self._signatures.of(("any name", is_open), spelled)
        rest, end = self.level(after, count)
        return self._signatures.of(("any name", is_open, end), spelled, rest)

    def _spelled(self, spec: int) -> int:
        """Nothing, unless some token holds a declared name between quotes: then walks may ask more of these names."""
        if self._automaton.tables.specs[spec, K.SPEC_KIND] != K.OPEN_SET:
            return NOTHING
        found = self._has_spelled.get(spec)
        if found is None:
            found = self._has_spelled[spec] = not self._body.quoted.isdisjoint(self._names_of(spec))
        return self._signatures.own(("names of", spec)) if found else NOTHING

    def _child(self, frame: int, columns: list[int], number: int) -> int:
        """The value context under a class of names."""
        tables = self._automaton.tables
        child = columns[K.F_CHILDREN] + number
        if tables.children[child] < 0:
            self._automaton.fill(K.NEED_CHILD, frame, number)
        return int(tables.children[child])

    def _following(self, frame: int, columns: list[int], number: int) -> int:
        """The frame after a name: another one where names have an order."""
        ordered = columns[K.F_MAY_GO_ON]
        return int(self._automaton.tables.children[ordered + number]) if ordered else frame

    # -- values ----------------------------------------------------------------------------

    def _reading(self, mode: int, value: int) -> int:
        """What is left to be read of a value begun, or what values may come."""
        if not value:
            return NOTHING
        tables = self._automaton.tables
        if mode < K.FIRST_LEXICAL:
            return self._signatures.value(value)
        if mode == K.M_NUMBER:
            # The state tells all, but for judges.
            return self._signatures.own(("judged", value)) if value in tables.number_judges else NOTHING
        if mode == K.M_WORD:
            return NOTHING
        spec = int(tables.values[value, K.T_STRING])
        if mode == K.M_LITERAL:
            return self._signatures.own(("spec", spec))
        columns = tables.specs[spec].tolist()
        if columns[K.SPEC_KIND] == K.AUTOMATON and not columns[K.SPEC_LABEL]:
            # The state tells all, but for lengths.
            return self._signatures.of(("content", tables.arena.serial, *columns[K.SPEC_MIN :]))
        return self._signatures.spec(spec)

    def _in_text(self, value: int, n: int) -> int:
        """Free text of which ``n`` characters have come: how many must, and how many may, still come in a token."""
        tables = self._automaton.tables
        spec = int(tables.values[value, K.T_STRING])
        columns = tables.specs[spec].tolist()
        if columns[K.SPEC_KIND] != K.FREE_TEXT:
            return self._signatures.own(("text", spec, n))
        if not columns[K.SPEC_COUNTS]:
            return self._signatures.spec(spec)
        most = self._body.max_depth
        needed = min(max(columns[K.SPEC_MIN] - n, 0), most)
        return self._signatures.of(("text", needed, min(columns[K.SPEC_MAX] - n, most), *columns[K.SPEC_LABEL :]))

    # -- names -----------------------------------------------------------------------------

    def _in_name(self, config: Config) -> tuple[Head, Hashable]:
        """Where the next thing is, or what is being read is, the name of a property of a plain object."""
        mode, frame, count = config[K.R_MODE], config[K.R_FRAME], config[K.R_COUNT]
        tables = self._automaton.tables
        columns = tables.frames[frame].tolist()
        spec = tables.specs[columns[K.F_KEYS]].tolist()
        kind = spec[K.SPEC_KIND]
        found: tuple[int, Hashable] | None = None
        if mode == K.M_FREE or kind == K.FREE_TEXT:
            found = self._in_free_name(frame, count, columns, spec)
        elif kind != K.AUTOMATON and not config[K.R_ESC]:
            if mode == K.M_LITERAL:
                found = self._in_declared_name(config, columns, kind == K.OPEN_SET)
            elif not self._body.begins_by_number:
                found = self._before_name(config, columns, kind == K.OPEN_SET)
        rest, end = self.level(frame, count)
        if found is not None:
            if mode >= K.FIRST_LEXICAL:
                return (*(config[:5] if mode == K.M_FREE else (mode, 0, 0, 0, 0)), found[0]), found[1]
            # Here, unlike inside a name, the object may go on or end, too.
            return (*config[:5], found[0], rest, mode == K.M_FIRST_KEY and bool(end)), found[1]
        if mode == K.M_LITERAL and not columns[K.F_MAY_GO_ON]:
            return self._in_one_of_many(config, columns, rest)
        return (*config[:5], self._signatures.own(("place", frame, count))), None

    def _before_name(self, config: Config, columns: list[int], is_open: bool) -> tuple[int, Hashable]:
        """Where a name may be begun: which beginnings tokens can have, and what follows names they hold as a whole."""
        frame, count = config[K.R_FRAME], config[K.R_COUNT]
        left = columns[K.F_HIGH] & ~count
        begun: set[bytes] = set()
        whole: list[bytes] = []
        parts: list[int] = []
        ends: list[Hashable] = []
        for number, name in enumerate(self._names_of(columns[K.F_KEYS])):
            is_left = left >> number & 1
            if is_left and not is_open:
                begun |= self._body.begun_of(name)
            if (is_left or is_open) and name in self._body.quoted:
                whole.append(name)
                value, rest, end = self._after(frame, count, columns, number)
                parts += (value, rest)
                ends.append(end)
        if is_open:
            value, rest, end = self._after(frame, count, columns, columns[K.F_NEXT])
            parts += (value, rest)
            ends.append(end)
        return self._signatures.of(("before names", is_open, tuple(sorted(begun)), *whole), *parts), tuple(ends)

    def _in_free_name(self, frame: int, count: int, columns: list[int], spec: list[int]) -> tuple[int, Hashable]:
        """Inside a name that the schema does not declare."""
        value, rest, end = self._after(frame, count, columns, columns[K.F_NEXT])
        lengths = (0, 0, 0) if not spec[K.SPEC_COUNTS] else tuple(spec[K.SPEC_MIN :])
        return self._signatures.of(("free name", *lengths), value, rest), end

    def _in_declared_name(self, config: Config, columns: list[int], is_open: bool) -> tuple[int, Hashable] | None:
        """Inside one of a few declared names: what is left of each, and what follows where a token tells."""
        low, high, at = config[K.R_A], config[K.R_B], config[K.R_C]
        tables = self._automaton.tables
        if high - low > MOST_NAMES:
            return None
        start = int(tables.lit_start[low]) + at
        if is_open and start < tables.lit_start[low + 1] and tables.lit_bytes[start] & 0xC0 == 0x80:
            return None  # within a character: how another one may go on depends on the bytes before
        frame, count = config[K.R_FRAME], config[K.R_COUNT]
        left = columns[K.F_HIGH] & ~count
        first = int(tables.specs[columns[K.F_KEYS], K.SPEC_LOW])
        texts: list[bytes] = []
        parts: list[int] = []
        ends: list[Hashable] = []
        for number, text in enumerate(self._names_of(columns[K.F_KEYS])[low - first : high - first], low - first):
            is_left = left >> number & 1
            if not (is_left or is_open):
                continue
            is_spelled = self._body.is_spelled(text[at:])
            if is_open and not is_spelled:
                continue
            texts.append(text[at:])
            if is_spelled:
                value, rest, end = self._after(frame, count, columns, number)
                parts += (value, rest)
                ends.append(end)
        if is_open:
            value, rest, end = self._after(frame, count, columns, columns[K.F_NEXT])
            if not texts:
                # As good as undeclared.
                return self._signatures.of(("free name", 0, 0, 0), value, rest), end
            parts += (value, rest)
            ends.append(end)
        return self._signatures.of(("names", is_open, *texts), *parts), tuple(ends)

    def _after(self, frame: int, count: int, columns: list[int], number: int) -> tuple[int, int, Hashable]:
        """What may follow a name: the value's signature, and the level after it."""
        if not (columns[K.F_HIGH] & ~count) >> number & 1:
            return NOTHING, NOTHING, None
        value = self._child(frame, columns, number)
        if not value:
            return NOTHING, NOTHING, None
        after = count | 1 << number if number < columns[K.F_NEXT] else count
        rest, end = self.level(self._following(frame, columns, number), after)
        return self._signatures.value(value), rest, end

    def _in_one_of_many(self, config: Config, columns: list[int], rest: int) -> tuple[Head, Hashable]:
        """Inside a declared name, where many can still be meant."""
        frame, count = config[K.R_FRAME], config[K.R_COUNT]
        first = int(self._automaton.tables.specs[columns[K.F_KEYS], K.SPEC_LOW])
        window = (1 << (config[K.R_B] - first)) - (1 << (config[K.R_A] - first))
        left = columns[K.F_HIGH] & ~count
        # Whatever the name, the object may go on after it if two are left.
        names = self._signatures.own(("names", frame, left & window, left & (left - 1) != 0))
        return (*config[:5], names, rest), count & columns[K.F_LOW]


def reach_of(counts: npt.NDArray[np.int64]) -> int:
    """The reach that ``kernels.document_walk`` has counted."""
    _, popped, _, asks_more, asks_end = counts.tolist()
    return PRIVATE if asks_more else popped + 1 if popped or asks_end else 0
