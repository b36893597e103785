"""What a value context reads, told without naming the schema it stands in.

Two contexts that lead to the same strings, numbers, arrays and objects have the same masks, whatever properties
they stand under and whatever schema they come from. A *signature* says so in one number: equal numbers, equal
reading. What is spelled out in full (words, free text and its lengths, automata of the process-wide arena, sets of few
constants, arrays of such) gets the same positive number in every schema of the process, so masks can be shared
between schemas; what hangs on one automaton's tables gets a negative number of its own. 0 is: nothing.

Of objects, only what a token can tell that opens one is told; of arrays, what the first item may be. Following them
further would fill tables that no mask asks for.
"""

from __future__ import annotations

from collections.abc import Hashable
from itertools import count, pairwise
from typing import TYPE_CHECKING

from structgen.kernels import document as K

if TYPE_CHECKING:
    from structgen.automata.document.automaton import DocumentAutomaton

__all__ = ["NOTHING", "Signatures"]

NOTHING = 0
MOST_COMMON = 1 << 16
"""Signatures known to the process; then all are forgotten, and like contexts of later schemas get new numbers."""
MOST_OWN = 1 << 16
"""The same for one automaton."""
MOST_CONSTANTS = 32
"""Constants up to which a set of them is spelled out."""
_common: dict[Hashable, int] = {}
_numbers = count(1)


class Signatures:
    """Signatures of one automaton's value contexts."""

    def __init__(self, automaton: DocumentAutomaton, most_items: int, opens_names: bool) -> None:
        self._automaton = automaton
        self._most_items = most_items
        """More items than a token can count: one that it ends, and those that it begins."""
        self._opens_names = opens_names
        """Whether some token holds an opening brace and the beginning of a name."""
        self._local: dict[Hashable, int] = {}
        self._n_own = 0
        self._values: tuple[dict[int, int], ...] = ({}, {})
        """By depth."""
        self._specs: dict[int, int] = {}

    def of(self, what: Hashable, *parts: int) -> int:
        """The number of ``what``: the same in every schema, unless some of its ``parts`` are this automaton's own."""
        if parts and min(parts) < 0:
            return self.own((what, parts))
        found = _common.get((what, parts))
        if found is None:
            if len(_common) >= MOST_COMMON:
                _common.clear()
            found = _common.setdefault((what, parts), next(_numbers))
        return found

    def own(self, what: Hashable) -> int:
        """The number of ``what``, which means nothing to other automata."""
        found = self._local.get(what)
        if found is None:
            if len(self._local) >= MOST_OWN:
                self._local.clear()
            self._n_own += 1
            found = self._local[what] = -self._n_own
        return found

    def value(self, index: int, depth: int = 1) -> int:
        """What a value context reads; fills in what its types lead to."""
        found = self._values[depth].get(index)
        if found is None:
            found = self._values[depth][index] = self._value(index, depth) if index else NOTHING
        return found

    def _value(self, index: int, depth: int) -> int:
        automaton = self._automaton
        automaton.fill_types(index)
        tables = automaton.tables
        *words, number, string, array, members = tables.values[index].tolist()
        if index in tables.number_judges:
            return self.own(("judged", index))
        return self.of(
            ("value", tables.arena.serial, number, *words),
            self.spec(string),
            self._array(array, depth),
            self._object(members),
        )

    def spec(self, spec: int) -> int:
        """How a string is read."""
        found = self._specs.get(spec)
        if found is None:
            found = self._specs[spec] = self._spec(spec) if spec else NOTHING
        return found

    def _spec(self, spec: int) -> int:
        tables = self._automaton.tables
        columns = tables.specs[spec].tolist()
        kind = columns[K.SPEC_KIND]
        if kind == K.FREE_TEXT:
            return self.of(("free", *columns[K.SPEC_MIN :]))
        if kind == K.AUTOMATON and not columns[K.SPEC_LABEL]:
            return self.of(("automaton", tables.arena.serial, columns[K.SPEC_START], *columns[K.SPEC_MIN :]))
        low, high = columns[K.SPEC_LOW], columns[K.SPEC_HIGH]
        if kind == K.CLOSED_SET and high - low <= MOST_CONSTANTS:
            starts = tables.lit_start[low : high + 1].tolist()
            texts = tuple(tables.lit_bytes[a:b].tobytes() for a, b in pairwise(starts))
            return self.of(("constants", texts, tuple(tables.lit_label[low:high].tolist())))
        return self.own(("spec", spec))

    def _array(self, frame: int, depth: int) -> int:
        if not frame:
            return NOTHING
        if frame == self._automaton.arrays.any_frame:
            return self.of("any array")
        columns = self._automaton.tables.frames[frame].tolist()
        if not depth or columns[K.F_KIND] != K.PLAIN_ARRAY or columns[K.F_NEXT]:
            return self.own(("array", frame))
        return self.items(columns, frame, 0, depth - 1)

    def items(self, columns: list[int], frame: int, n: int, depth: int = 1) -> int:
        """What may follow in a plain array of like items, ``n`` of which have come."""
        tables = self._automaton.tables
        child = columns[K.F_CHILDREN]
        if tables.children[child] < 0:
            self._automaton.fill(K.NEED_CHILD, frame, 0)
        needed = min(max(columns[K.F_LOW] - n, 0), self._most_items)
        left = min(columns[K.F_HIGH] - n, self._most_items)
        return self.of(("items", needed, left), self.value(int(tables.children[child]), depth))

    def _object(self, frame: int) -> int:
        """What a token can tell of an object that it opens; names seldom begin in the same token."""
        if not frame:
            return NOTHING
        columns = self._automaton.tables.frames[frame].tolist()
        if columns[K.F_KIND] != K.PLAIN_OBJECT or self._opens_names:
            return self.own(("object", frame))
        return self.of(("object", 0 if columns[K.F_LOW] else columns[K.F_CLOSE], columns[K.F_HIGH] != 0))
