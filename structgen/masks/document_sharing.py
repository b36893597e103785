"""Which configurations of a document have the same mask, without computing it.

A mask depends on little of the stack. Inside a value, all that an open object can tell is whether it may end,
whether it may go on, and how its names are read: which names are used up matters only to tokens that spell a
further name to its end, and vocabularies have next to none. So masks are kept under *levels*, one per open
container that tokens can reach, instead of under the containers themselves. Inside a name, of the names that can
still be meant only what is left of them matters, and what comes after those that some token spells to the quote.
General objects stand like plain ones between two properties, and while a value is read that can have one verdict only;
else, as in general arrays, each frame is a level of its own. A walk that asks for more says so
(``kernels.document_walk``), and its mask is kept for that configuration alone.

What values read is told by ``signatures``, so most keys mean the same in every schema.

How far tokens *reach*: 0 where none asks whether the innermost container may end, 1 where some do, n + 1 where
some close containers and look at n frames below it, ``PRIVATE`` where one asks for more than levels tell.

Rejected: to split masks into what a value allows and what its container does then (half the nodes, twice the calls).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from structgen.automata.document.contexts import MUST
from structgen.automata.document.formulas import all_assertions
from structgen.ir.document import Properties
from structgen.kernels import document as K
from structgen.masks.plain_objects import Level, PlainObject, PlainObjects
from structgen.masks.signatures import NOTHING, Signatures

if TYPE_CHECKING:
    from structgen.automata.document.automaton import Config, DocumentAutomaton
    from structgen.masks.string_body import StringBody

__all__ = ["PRIVATE", "Sharing", "reach_of"]

PRIVATE = 1 << 20
"""The reach where a mask is not shared at all; more than any stack has frames."""
MOST_ALTERNATIVES = 8
"""Statements about the names of an object up to which its values are filled in before a text asks for them."""
MOST_LEVELS = 1 << 16
"""Levels remembered before the memory is emptied."""
Head = tuple[int, ...]
_ONE_VERDICT = (K.M_FREE, K.M_WORD)
_variants: dict[Hashable, int] = {}
"""Numbers of the options under which schemas are read, from 1."""
_NOWHERE: Level = (NOTHING, None)
"""The level of what nothing follows."""


class Sharing:
    """Keys of one automaton's configurations; configurations with equal keys have equal masks.

    Numbers below zero in a key are this automaton's own; keys without them mean the same in other automata.
    """

    def __init__(self, automaton: DocumentAutomaton, body: StringBody) -> None:
        self._automaton = automaton
        self._body = body
        self._signatures = Signatures(automaton, body.most_items, body.opens_name)
        self._objects = PlainObjects(automaton, body, self._signatures, self.level)
        tables = automaton.tables
        self.is_by_container = not automaton.is_pretty
        """Whether what may come next depends on the stack only as far as tokens close containers."""
        options = tables.max_space, automaton.plain_numbers, automaton.in_order
        self._variant = _variants.setdefault(options, len(_variants) + 1) << 8
        """Added to the modes in heads, which mean another thing under other options."""
        self._general = automaton.general_objects
        self._pending = self._general.pending
        self._cells, self._judged, self._number_judges = tables.cell_list, tables.judged, tables.number_judges
        self._frames: dict[int, PlainObject | None] = {}
        self._levels: dict[tuple[int, int], Level] = {}
        self._contents: dict[int, int] = {}
        self._texts: dict[int, int] = {}

    def head(self, config: Config) -> tuple[Head, Hashable]:
        """What a mask depends on at the least, and how the innermost container may end.

        All there is, where values are kept or blanks prescribed.
        """
        if len(config) > K.CONFIG_WIDTH or not self.is_by_container:
            return (self._signatures.own(config),), None
        mode, a, b, c, escape, value, frame, count, _ = config
        if value or mode == K.M_AFTER or mode == K.M_END:
            if mode in _ONE_VERDICT and frame in self._pending:
                rest, end = self._behind(mode, a, c, value, frame, count)
            else:
                rest, end = self._levels.get((frame, count)) or self.level(frame, count)
            if mode == K.M_FREE:
                return (self._variant | mode, a, escape, self._in_text(value, b), rest), end
            return (self._variant | mode, a, b, c, escape, self._reading(mode, value), rest), end
        plain = self.plain(frame)
        if plain is None:
            rest, end = self.level(frame, count)
            return (self._variant | mode, a, b, c, escape, rest), end
        return self._in_name(plain, config)

    def key(self, head: Head, end: Hashable, cell: int, reach: int) -> tuple[Any, ...]:
        """``head`` and as many levels as tokens reach."""
        if not reach:
            return head
        if reach == 1 or not cell:
            return head, end
        levels: list[Any] = [head, end]
        while reach > 1 and cell:
            frame, count, cell = self._cells[cell]
            levels += self._levels.get((frame, count)) or self.level(frame, count)
            reach -= 1
        return tuple(levels)

    def is_common(self, key: tuple[Any, ...], reach: int) -> bool:
        """Whether a key means the same in other automata."""
        if min(key[0] if reach else key) < 0:
            return False
        if reach > 1 and len(key) > 2 and min(key[2::2]) < 0:
            return False
        # Masks are corrected for what is judged anywhere in the schema.
        return not (self._judged or self._number_judges or self._general.keeps_some)

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
        plain = self.plain(frame)
        if plain is not None:
            return self._objects.level(plain, count)
        columns = self._automaton.tables.frames[frame].tolist()
        kind = columns[K.F_KIND]
        if kind == K.TOP:
            return self._signatures.of("top"), None
        if kind == K.PLAIN_ARRAY and not columns[K.F_NEXT]:
            return self._signatures.items(columns, frame, count), None
        pending = self._automaton.general_objects.pending.get(frame)
        if pending is not None and self._automaton.contexts.by_index[pending[1]].accepts is None:
            return self.level(self._automaton.event(frame, MUST)[0], 0)
        return self._signatures.own((frame, count)), None

    def _behind(self, mode: int, a: int, c: int, value: int, frame: int, count: int) -> Level:
        """The level behind a value of which verdicts are asked, by the one that it can still have."""
        label = self._verdict(mode, a, c, value)
        if not label:
            return self.level(frame, count)
        after = self._automaton.event(frame, label)[0]
        return self.level(after, 0) if after else _NOWHERE

    def _verdict(self, mode: int, a: int, c: int, value: int) -> int:
        """The one verdict that a word, or a text in which any may follow, comes to; 0 where there may be several."""
        if mode == K.M_WORD:
            return c
        tables = self._automaton.tables
        spec = tables.specs[tables.values[value, K.T_STRING]].tolist()
        return int(spec[K.SPEC_LABEL]) if spec[K.SPEC_KIND] in (K.FREE_TEXT, K.OPEN_SET) else 0

    def plain(self, frame: int) -> PlainObject | None:
        """What is known of an object between two properties; None for other containers."""
        try:
            return self._frames[frame]
        except KeyError:
            columns = self._automaton.tables.frames[frame].tolist()
            found = None
            if columns[K.F_KIND] == K.PLAIN_OBJECT or frame in self._automaton.general_objects.states:
                found = self._objects.plain(frame, columns)
            self._frames[frame] = found
            return found

    # -- values ----------------------------------------------------------------------------

    def values_within(self, value: int) -> Iterator[int]:
        """The value contexts that stand directly in an array or object at ``value``, told apart as masks will ask."""
        tables = self._automaton.tables
        *_, array, members = tables.values[value].tolist()
        columns = tables.frames[array].tolist()
        if array and columns[K.F_KIND] == K.PLAIN_ARRAY and not columns[K.F_NEXT]:
            self._signatures.items(columns, array, 0)
            item = int(tables.children[columns[K.F_CHILDREN]])
            if item:
                yield item
        plain = self.plain(members) if members else None
        if plain is not None and not (plain.is_general and self._is_wide(members)):
            yield from self._objects.values_of(plain)

    def _is_wide(self, frame: int) -> bool:
        """Whether so many alternatives tell of an object's names that one value may ask for the product of all."""
        told = all_assertions(self._automaton.general_objects.states[frame].forms).values()
        return sum(isinstance(part, Properties) for part in told) > MOST_ALTERNATIVES

    def _reading(self, mode: int, value: int) -> int:
        """What is left to be read of a value begun, or what values may come."""
        if not value or mode == K.M_WORD:
            return NOTHING
        if mode < K.FIRST_LEXICAL:
            return self._signatures.value(value)
        if mode == K.M_NUMBER:
            # The state tells all, but for judges.
            judged = value in self._automaton.tables.number_judges
            return self._signatures.own(("judged", value)) if judged else NOTHING
        if mode == K.M_LITERAL:
            return self._signatures.own(("spec", int(self._automaton.tables.values[value, K.T_STRING])))
        found = self._contents.get(value)
        if found is None:
            found = self._contents[value] = self._in_content(value)
        return found

    def _in_content(self, value: int) -> int:
        tables = self._automaton.tables
        spec = int(tables.values[value, K.T_STRING])
        columns = tables.specs[spec].tolist()
        if columns[K.SPEC_KIND] == K.AUTOMATON and not columns[K.SPEC_LABEL]:
            # The state tells all, but for lengths.
            return self._signatures.of(("content", tables.arena.serial, *columns[K.SPEC_MIN :]))
        return self._signatures.spec(spec)

    def _in_text(self, value: int, n: int) -> int:
        """Free text of which ``n`` characters have come: how many must, and how many may, still come in a token."""
        found = self._texts.get(value)
        if found is not None:
            return found
        tables = self._automaton.tables
        spec = int(tables.values[value, K.T_STRING])
        columns = tables.specs[spec].tolist()
        if columns[K.SPEC_KIND] != K.FREE_TEXT:
            return self._signatures.own(("text", spec, n))
        if not columns[K.SPEC_COUNTS]:
            found = self._texts[value] = self._signatures.spec(spec)
            return found
        most = self._body.max_depth
        needed = min(max(columns[K.SPEC_MIN] - n, 0), most)
        return self._signatures.of(("text", needed, min(columns[K.SPEC_MAX] - n, most), *columns[K.SPEC_LABEL :]))

    # -- names -----------------------------------------------------------------------------

    def _in_name(self, plain: PlainObject, config: Config) -> tuple[Head, Hashable]:
        """Where the next thing is, or what is being read is, the name of a property of a plain object."""
        mode, a, b, c, escape, _, frame, count, _ = config
        told = self._variant | mode
        found: tuple[int, Hashable] | None = None
        if mode == K.M_LITERAL and not escape and plain.kind != K.AUTOMATON:
            found = self._objects.in_declared_name(plain, config)
            if found is not None:
                return (told, found[0]), found[1]
        elif mode == K.M_FREE or plain.kind == K.FREE_TEXT:
            found = self._objects.in_free_name(plain, count)
            if mode >= K.FIRST_LEXICAL:
                return ((told, a, b, c, escape, found[0]) if mode == K.M_FREE else (told, found[0])), found[1]
        elif plain.kind == K.AUTOMATON:
            found = self._objects.in_name_by_automaton(plain, config) if mode == K.M_CONTENT else None
            if found is not None:
                return (told, a, b, c, escape, found[0]), found[1]
        elif mode < K.FIRST_LEXICAL and not self._body.begins_by_number:
            found = self._objects.before_name(plain, count)
        rest, end = self.level(frame, count)
        if found is not None:
            # Here, unlike inside a name, the object may go on or end, too.
            return (told, a, b, c, escape, found[0], rest, mode == K.M_FIRST_KEY and bool(end)), found[1]
        if mode == K.M_LITERAL and not plain.following:
            return (told, a, b, c, escape, self._objects.in_one_of_many(plain, config), rest), count & plain.low
        return (told, a, b, c, escape, self._signatures.own(("place", frame, count))), None


def reach_of(counts: npt.NDArray[np.int64]) -> int:
    """The reach that ``kernels.document_walk`` has counted."""
    _, popped, _, asks_more, asks_end = counts.tolist()
    return PRIVATE if asks_more else popped + 1 if popped or asks_end else 0
