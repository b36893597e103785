"""What a token can tell of objects: how their names are begun, what is left of one, and what follows it.

General objects differ in where a name leads: to a frame that waits for a value, and from there to one for each verdict
of it. What they are between two properties shows like a plain object's.

Sharing (``document_sharing``) asks about a name at nearly every token of it, so what does not change of a frame is read
from the tables once, and so are the levels and the values that do not depend on which names have come.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from structgen.automata.document.general_objects import KEY_EVENT
from structgen.kernels import document as K
from structgen.masks.signatures import NOTHING, Signatures

if TYPE_CHECKING:
    from structgen.automata.document.automaton import Config, DocumentAutomaton
    from structgen.masks.string_body import StringBody

__all__ = ["Level", "PlainObject", "PlainObjects"]

MOST_NAMES = 8
"""Names that can still be meant, up to which a mask inside a name is shared by what is left of them."""
MOST_BEGUN = 1 << 10
"""Beginnings of the names of an object remembered before the memory is emptied."""
WITHIN, TO_END, INTO_VALUE = range(3)
"""How far tokens reach that spell the rest of a name: no quote, the quote, some of the value."""
Level = tuple[int, Hashable]
"""What a token can tell of a container once a value in it has ended; apart from that, whether it may end."""
_NO_CHILD = (NOTHING, NOTHING, None)


class Declared:
    """The names that a spec reads, and what tells them apart; the same for all frames with this spec."""

    __slots__ = ("begun", "names", "telling")

    def __init__(self, names: list[bytes]) -> None:
        self.names = names
        """In order."""
        self.begun: dict[tuple[int, int, int], list[tuple[int, bytes, int]]] = {}
        """What is left of names, where so many bytes of some have come (``PlainObjects._rests``)."""
        self.telling: list[tuple[int, frozenset[bytes], bytes | None]] | None = None
        """What tells them apart where one begins (``PlainObjects._telling``)."""


class PlainObject:
    """A frame of an object: what of it stays the same."""

    __slots__ = ("children", "close", "declared", "first", "following", "frame", "high", "is_general", "is_open",
                 "kind", "low", "n", "names", "rests", "spec", "spec_columns", "values")  # fmt: skip

    def __init__(self, frame: int, columns: list[int], spec_columns: list[int], declared: Declared) -> None:
        self.frame = frame
        self.is_general = columns[K.F_KIND] == K.GENERAL_OBJECT
        self.low, self.high = columns[K.F_LOW], columns[K.F_HIGH]
        self.close = columns[K.F_CLOSE]
        """The verdict with which it may end."""
        self.n = columns[K.F_NEXT]
        """The class of names that are not declared."""
        self.children, self.following = columns[K.F_CHILDREN], columns[K.F_MAY_GO_ON]
        self.spec, self.spec_columns = columns[K.F_KEYS], spec_columns
        self.kind = spec_columns[K.SPEC_KIND]
        self.is_open = self.kind == K.OPEN_SET
        self.first = spec_columns[K.SPEC_LOW]
        self.declared, self.names = declared, declared.names
        self.values: dict[int, int] = {}
        """Signatures of values by class of name."""
        self.rests: dict[bool, int] = {}
        """Levels by whether the object may go on, where nothing else tells them apart."""

        if self.is_general:
            # Between two properties the frame itself says what may come.
            self.low = self.following = 0
            self.close = columns[K.F_CLOSE] if columns[K.F_MAY_CLOSE] else 0

    def left(self, count: int) -> int:
        """The classes of names that may still come."""
        return self.high & ~count


class PlainObjects:
    """The plain objects of one automaton, for ``Sharing``; ``level`` is how any container stands."""

    def __init__(
        self,
        automaton: DocumentAutomaton,
        body: StringBody,
        signatures: Signatures,
        level: Callable[[int, int], Level],
    ) -> None:
        self._automaton = automaton
        self._body = body
        self._signatures = signatures
        self._level = level
        self._further: dict[int, list[tuple[int, int]]] = {}
        self._by_left: dict[tuple[int, int], int] = {}
        self._has_spelled: dict[int, bool] = {}
        self._declared: dict[int, Declared] = {}

    def plain(self, frame: int, columns: list[int]) -> PlainObject | None:
        """The object of a frame; None where an automaton reads more classes of names than a register tells apart."""
        tables = self._automaton.tables
        if columns[K.F_KIND] == K.GENERAL_OBJECT:
            if columns[K.F_MAY_GO_ON] < 0:
                self._automaton.fill(K.NEED_FRAME, frame, 0)
                columns = tables.frames[frame].tolist()
            place = columns[K.F_AVAILABLE]
            if place >= 0:
                if tables.specs[columns[K.F_KEYS], K.SPEC_KIND] == K.AUTOMATON:
                    return None
                flags = tables.available[place : place + columns[K.F_NEXT] + 1].tolist()
                columns[K.F_HIGH] = sum(1 << number for number, flag in enumerate(flags) if flag)
        spec = columns[K.F_KEYS]
        spec_columns = tables.specs[spec].tolist()
        return PlainObject(frame, columns, spec_columns, self._declared_by(spec, spec_columns))

    def _declared_by(self, spec: int, columns: list[int]) -> Declared:
        found = self._declared.get(spec)
        if found is None:
            names: list[bytes] = []
            if columns[K.SPEC_KIND] in (K.CLOSED_SET, K.OPEN_SET):
                tables = self._automaton.tables
                starts = tables.lit_start[columns[K.SPEC_LOW] : columns[K.SPEC_HIGH] + 1].tolist()
                names = [tables.lit_bytes[a:b].tobytes() for a, b in pairwise(starts)]
            found = self._declared[spec] = Declared(names)
        return found

    # -- levels ----------------------------------------------------------------------------

    def level(self, plain: PlainObject, count: int) -> Level:
        """How a plain object stands once a value in it has ended."""
        may_go_on = plain.left(count) != 0
        rest = plain.rests.get(may_go_on)
        if rest is None:
            names, is_fixed = self._begun(plain, count)
            rest = self._signatures.of(("object", may_go_on), names)
            if is_fixed:
                plain.rests[may_go_on] = rest
        return rest, plain.close if count & plain.low == plain.low else 0

    def _begun(self, plain: PlainObject, count: int) -> tuple[int, bool]:
        """How names are begun: as any text, as one of some constants, or otherwise; whether others change nothing."""
        spec = plain.spec_columns
        if plain.kind in (K.FREE_TEXT, K.OPEN_SET) and not spec[K.SPEC_COUNTS]:
            return self._undeclared(plain, count), not plain.following
        if plain.kind != K.CLOSED_SET:
            return self._by_automaton(plain.spec, plain.left(count)), False
        firsts = {name[:1] for name in plain.names}
        if b"" in firsts:
            # The empty name may be the only one left, and then nothing begins a name that can be spelled.
            return self._signatures.own(("names of", plain.frame, plain.left(count))), False
        return self._signatures.of(("names", *sorted(firsts & self._body.begins_name))), True

    def _by_automaton(self, spec: int, left: int) -> int:
        """Which of the names that tokens begin behind a comma can be meant, where an automaton reads names."""
        if self._body.begins_by_number:
            return self._signatures.own(("names", spec, left))
        known = self._by_left.get((spec, left))
        if known is None:
            if len(self._by_left) >= MOST_BEGUN:
                self._by_left.clear()
            known = self._by_left[spec, left] = self._can_be_meant(spec, left)
        return known

    def _can_be_meant(self, spec: int, left: int) -> int:
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

    def _undeclared(self, plain: PlainObject, count: int) -> int:
        """Whether a name that the schema does not declare may come, and the level after it where it changes."""
        is_open = bool(plain.left(count) >> plain.n & 1) if plain.is_general else self._child(plain, plain.n) != 0
        after = self._following(plain, plain.n)
        spelled = self._spelled(plain)
        if after == plain.frame:
            return self._signatures.of(("any name", is_open), spelled)
        rest, end = self._level(after, count)
        return self._signatures.of(("any name", is_open, end), spelled, rest)

    def _spelled(self, plain: PlainObject) -> int:
        """Nothing, unless some token holds a declared name between quotes: then walks may ask more of these names."""
        if not plain.is_open:
            return NOTHING
        found = self._has_spelled.get(plain.spec)
        if found is None:
            found = self._has_spelled[plain.spec] = not self._body.quoted.isdisjoint(plain.names)
        return self._signatures.own(("names of", plain.spec)) if found else NOTHING

    def _child(self, plain: PlainObject, number: int) -> int:
        """The value context under a class of names."""
        tables = self._automaton.tables
        child = plain.children + number
        if tables.children[child] < 0:
            self._automaton.fill(K.NEED_CHILD, plain.frame, number)
        return int(tables.children[child])

    def _following(self, plain: PlainObject, number: int) -> int:
        """The frame after a name: another one where names have an order."""
        ordered = plain.following
        return int(self._automaton.tables.children[ordered + number]) if ordered else plain.frame

    def _after(self, plain: PlainObject, count: int, number: int) -> tuple[int, int, Hashable]:
        """What may follow a name: the value's signature, and the level after it."""
        if not plain.left(count) >> number & 1:
            return _NO_CHILD
        if plain.is_general:
            after, child = self._automaton.event(plain.frame, KEY_EVENT | (number + 1))
            return (self._signatures.value(child), *self._level(after, 0)) if after else _NO_CHILD
        value = plain.values.get(number)
        if value is None:
            child = self._child(plain, number)
            value = plain.values[number] = self._signatures.value(child) if child else NOTHING
        if value == NOTHING:
            return _NO_CHILD
        after = count | 1 << number if number < plain.n else count
        rest, end = self._level(self._following(plain, number), after)
        return value, rest, end

    def values_of(self, plain: PlainObject) -> Iterator[int]:
        """The value contexts under its classes of names, told apart as masks will ask, those declared first."""
        left = plain.left(0)
        for number in range(left.bit_length()):
            if left >> number & 1:
                if plain.is_general:
                    child = self._automaton.event(plain.frame, KEY_EVENT | (number + 1))[1]
                else:
                    child = self._child(plain, number)
                if child:
                    self._signatures.value(child)
                    yield child

    def _lives(self, plain: PlainObject, count: int, number: int) -> bool:
        """Whether a name may come, as the tables have it."""
        if not plain.left(count) >> number & 1:
            return False
        if plain.is_general:
            return self._automaton.event(plain.frame, KEY_EVENT | (number + 1))[0] != 0
        return self._child(plain, number) != 0

    # -- names -----------------------------------------------------------------------------

    def before_name(self, plain: PlainObject, count: int) -> tuple[int, Hashable]:
        """Where a name may be begun: which beginnings tokens can have, and what follows names they hold as a whole."""
        left, is_open = plain.left(count), plain.is_open
        telling = self._telling(plain)
        begun: set[bytes] = set()
        whole: list[bytes] = []
        parts: list[int] = []
        ends: list[Hashable] = []
        for number, beginnings, name in telling:
            is_left = left >> number & 1
            if is_left:
                begun |= beginnings
            if name is not None and (is_left or is_open):
                whole.append(name)
                value, rest, end = self._after(plain, count, number)
                parts += (value, rest)
                ends.append(end)
        if is_open:
            value, rest, end = self._after(plain, count, plain.n)
            parts += (value, rest)
            ends.append(end)
        return self._signatures.of(("before names", is_open, frozenset(begun), *whole), *parts), tuple(ends)

    def _telling(self, plain: PlainObject) -> list[tuple[int, frozenset[bytes], bytes | None]]:
        """The names of which some token spells what tells them apart where a name begins.

        With the beginnings of each, unless others may come, too, and itself, if some token holds all of it.
        """
        declared = plain.declared
        if declared.telling is None:
            body, nothing = self._body, frozenset[bytes]()
            found = (
                (number, nothing if plain.is_open else body.begun_of(name), name if name in body.quoted else None)
                for number, name in enumerate(plain.names)
            )
            declared.telling = [row for row in found if row[1] or row[2] is not None]
        return declared.telling

    def in_free_name(self, plain: PlainObject, count: int) -> tuple[int, Hashable]:
        """Inside a name that the schema does not declare."""
        value, rest, end = self._after(plain, count, plain.n)
        lengths = (0, 0, 0) if not plain.spec_columns[K.SPEC_COUNTS] else tuple(plain.spec_columns[K.SPEC_MIN :])
        return self._signatures.of(("free name", *lengths), value, rest), end

    def in_declared_name(self, plain: PlainObject, config: Config) -> tuple[int, Hashable] | None:
        """Inside one of some declared names: what is left of each, and what follows where a token tells.

        Where other names may come, too, a declared one shows only if a token spells it to its end, and either goes on
        into its value or may not come.
        """
        low, high, at, count = config[K.R_A], config[K.R_B], config[K.R_C], config[K.R_COUNT]
        first, is_open = low - plain.first, plain.is_open
        if high - low > MOST_NAMES and not is_open:
            return None
        if is_open and at < len(plain.names[first]) and plain.names[first][at] & 0xC0 == 0x80:
            return None  # within a character: how another one may go on depends on the bytes before
        left = plain.left(count)
        texts: list[bytes] = []
        parts: list[int] = []
        ends: list[Hashable] = []
        undeclared = self._after(plain, count, plain.n) if is_open else _NO_CHILD
        for number, text, reach in self._rests(plain, first, high - plain.first, at):
            if not (is_open or left >> number & 1):
                continue
            if reach == INTO_VALUE:
                value, rest, end = self._after(plain, count, number)
                parts += (value, rest)
                ends.append(end)
            elif reach == TO_END:
                lives = self._lives(plain, count, number)
                if lives and undeclared[0] != NOTHING:
                    continue
                parts.append(lives)
            texts.append(text)
        if is_open:
            value, rest, end = undeclared
            if not texts:
                # As good as undeclared.
                return self._signatures.of(("free name", 0, 0, 0), value, rest), end
            parts += (value, rest)
            ends.append(end)
        return self._signatures.of(("names", is_open, *texts), *parts), tuple(ends)

    def _rests(self, plain: PlainObject, first: int, last: int, at: int) -> list[tuple[int, bytes, int]]:
        """(number, rest, how far tokens reach with it) of names ``at`` bytes of which have come.

        Where others may come, only those that tokens spell to their end.
        """
        key = (first, last, at)
        begun = plain.declared.begun
        found = begun.get(key)
        if found is None:
            if len(begun) >= MOST_BEGUN:
                begun.clear()
            body = self._body
            found = []
            for number in range(first, last):
                rest = plain.names[number][at:]
                if body.is_spelled(rest):
                    found.append((number, rest, INTO_VALUE if body.reaches_value(rest) else TO_END))
                elif not plain.is_open:
                    found.append((number, rest, WITHIN))
            begun[key] = found
        return found

    def in_name_by_automaton(self, plain: PlainObject, config: Config) -> tuple[int, Hashable] | None:
        """Inside a name that an automaton reads: what follows each class of names that may be left."""
        count, arena = config[K.R_COUNT], self._automaton.tables.arena
        classes = int(arena.reach[config[K.R_A]])
        left = classes & plain.left(count)
        if plain.spec_columns[K.SPEC_LABEL] or classes < 0 or left.bit_count() > MOST_NAMES:
            return None
        parts: list[int] = []
        ends: list[Hashable] = []
        into_values = left if config[K.R_ESC] or self._body.has_late_quotes else left & self._ended(config[K.R_A])
        for number in range(left.bit_length()):
            if into_values >> number & 1:
                value, rest, end = self._after(plain, count, number)
                parts += (value, rest)
                ends.append(end)
            elif left >> number & 1:
                parts.append(self._lives(plain, count, number))
        return self._signatures.of(("names by automaton", arena.serial, left, into_values), *parts), tuple(ends)

    def _ended(self, state: int) -> int:
        """The classes of names that some token ends, to go on into the value."""
        arena, found = self._automaton.tables.arena, 0
        for text in self._body.into_values:
            after = arena.follow(state, text)
            label = int(arena.content[after, K.C_LABEL]) if after else 0
            if label:
                found |= 1 << (label - 1)
        return found

    def in_one_of_many(self, plain: PlainObject, config: Config) -> int:
        """Inside a declared name, where many can still be meant."""
        window = (1 << (config[K.R_B] - plain.first)) - (1 << (config[K.R_A] - plain.first))
        left = plain.left(config[K.R_COUNT])
        # Whatever the name, the object may go on after it if two are left.
        return self._signatures.own(("names", plain.frame, left & window, left & (left - 1) != 0))
