"""What an item that must differ from those before it is asked while it is read, and what when it ends.

Asked as a goal, a difference is exact from the first byte, and costs a value context for each item: for strings, an
automaton of the pattern without the texts that have come, milliseconds for each item, and no mask of one is a mask
of another. But a string that leaves more texts than have come needs no such goal: it is read as all its siblings
are, and held against them where it might equal one. That is where it ends, and, where only few texts go on from
what has been read, after each step (``Comparing.may_differ``): dates of which the last digit is left, say, or a text as
long as it may be. The same is found out by counting ends, up to one more than have come.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from functools import lru_cache
from itertools import islice, pairwise
from typing import TYPE_CHECKING, NamedTuple

from structgen.automata.document.contexts import MUST
from structgen.automata.document.endings import endings
from structgen.automata.document.formulas import all_assertions
from structgen.automata.document.judge import value_of
from structgen.automata.document.texts import decoded
from structgen.ir.document import Assertion, CountIs, Items, UniqueItems
from structgen.ir.formulas import And, Formula, negation
from structgen.kernels import document as K

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from structgen.automata.document.arrays import ArrayState
    from structgen.automata.document.automaton import DocumentAutomaton

__all__ = ["Begun", "Comparing", "begun_of", "is_long", "range_of", "strings_of"]

_NUMBER = re.compile(r'"n": "-?([0-9]+)E-?([0-9]+)"')
MOST_DIGITS = 60
MOST_TEXTS = 4096
"""Canonical texts of which it is remembered if they are long."""
MOST_COMPARED = 200
"""Characters of objects and arrays that the next item is asked to differ from."""
SPARE = 64
"""Texts that must be left beside twice as many as have come, for strings to be compared when they end."""
MOST_TRIED = 2000
"""Ends of a string that are looked at for one that has not come."""
MOST_STATES = 1 << 14
"""States of automata, and shapes of items, of which something is remembered."""
SPARE_CONSTANTS = 3
"""Constants that must be left, where strings are some of them, for them to be compared when they end.

One may be the string at hand, and one stands behind a comma that a token adds.
"""
MOST_OTHERS = 8
"""Values beside those that have come that are looked for."""
_BEHIND_STRINGS = "#"
"""Greater than the canonical texts of strings, and less than others."""
_BEHIND_ALL = b"\xff"
"""Greater than what any text goes on with."""
MOST_SETS = 256
"""Texts that have come, of which the set is remembered."""
_PART = 1024
"""The least ways to end a surrogate pair of which the first half has come."""


@lru_cache(maxsize=MOST_TEXTS)
def is_long(text: str) -> bool:
    """Whether a canonical text holds a number of so many digits that the automaton of its spellings would be large."""
    numbers = _NUMBER.findall(text)
    return any(len(digits) > MOST_DIGITS or len(power) > 3 or int(power) > MOST_DIGITS for digits, power in numbers)


@lru_cache(maxsize=MOST_TEXTS)
def _content(text: str) -> bytes:
    """The content of a string, by its canonical text."""
    found: str = value_of(text)
    return found.encode("utf-8")


@lru_cache(maxsize=MOST_TEXTS)
def strings_of(kept: tuple[str, ...]) -> tuple[bytes, ...]:
    """The contents of the strings among canonical texts."""
    return tuple(_content(text) for text in kept if text.startswith('"'))


@lru_cache(maxsize=MOST_SETS)
def _set_of(kept: tuple[bytes, ...]) -> frozenset[bytes]:
    return frozenset(kept)


def range_of(constants: Sequence[bytes], prefix: bytes) -> tuple[int, int]:
    """Where in sorted constants those stand that begin so."""
    low = bisect_left(constants, prefix)
    return low, bisect_left(constants, prefix + _BEHIND_ALL, low)


class Begun(NamedTuple):
    """A string as far as it has been read."""

    content: bytes
    """Decoded; it may break off within a character."""
    escape: bytes
    """An escape that is not done, as it is written."""

    def may_become(self, rest: bytes) -> bool:
        """Whether the escape that is not done may come to the first character of ``rest``; True where there is none."""
        if len(self.escape) < 2:
            return bool(rest) or not self.escape
        units = rest.decode("utf-8", "ignore")[:1].encode("utf-16-be").hex()
        spelled = "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
        return spelled.startswith(self.escape.decode().lower())


def begun_of(raw: bytes) -> Begun | None:
    """What stands in a document behind the quote; None where no string goes so."""
    at = raw.find(b"\\")
    if at < 0:
        return Begun(raw, b"")
    while 0 <= at < len(raw):
        end = at + (2 if raw[at + 1 : at + 2] != b"u" else 6)
        if raw[at + 1 : at + 2] == b"u" and raw[at + 2 : at + 3] in b"dD" and raw[at + 3 : at + 4] in b"89abAB":
            # Digits that are not there yet are no reason to wait for a second half: the first is not done, either.
            end = at + 12
        if end > len(raw):
            break
        at = raw.find(b"\\", end)
    done = raw if at < 0 else raw[:at]
    whole = len(done.decode("utf-8", "ignore").encode("utf-8"))
    content = decoded(done[:whole])
    return None if content is None else Begun(content + done[whole:], b"" if at < 0 else raw[at:])


def _n_characters(content: bytes) -> int:
    """Characters of a content, one that breaks off included."""
    return sum(byte & 0xC0 != 0x80 for byte in content)


def _plain_parts(state: ArrayState) -> tuple[Formula, ...]:
    """What an array asks, if that is nothing but a number of items, all of one kind from here on; else nothing."""
    goal = state.forms[0]
    parts = goal.parts if type(goal) is And else (goal,)
    for part in parts:
        if type(part) not in (Items, CountIs, UniqueItems) or (type(part) is Items and len(part.prefix) > state.count):
            return ()
    return parts if len(state.forms) == 1 else ()


class Comparing:
    """How one automaton's arrays compare their items."""

    def __init__(self, automaton: DocumentAutomaton) -> None:
        self._automaton = automaton
        self._specs: dict[tuple[object, ...], int] = {}
        self._plain: dict[tuple[object, ...], int] = {}
        self._constants: dict[int, tuple[bytes, ...]] = {}
        self._n_texts: dict[tuple[int, int], tuple[int, int]] = {}
        """By a row of automata and the characters before it: how many texts end there, counted up to which number."""

    def asked(self, state: ArrayState) -> tuple[str, ...]:
        """The kept values that the next item is asked to differ from, as a goal.

        Values that are not among them are compared when the item ends. That is how it is with objects and arrays once
        they are many: each would be a schema of its own within the goal. The price is an item that cannot be ended
        where a schema leaves no other value; so while items are required, all are asked. Numbers that take very many
        digits are never among them, and strings only where few are left.
        """
        n_strings = bisect_left(state.kept, _BEHIND_STRINGS)
        kept = tuple(text for text in state.kept[n_strings:] if not is_long(text))
        if n_strings and not self.spec(state):
            kept = (*state.kept[:n_strings], *kept)
        if not kept:
            return kept
        large = sum(len(text) for text in kept if text.startswith(("[", '{"o"')))
        if large <= MOST_COMPARED:
            return kept
        required = (part.low for part in all_assertions(state.forms).values() if isinstance(part, CountIs))
        if state.count < max(required, default=0):
            return kept
        return tuple(text for text in kept if not text.startswith(("[", '{"o"')))

    def spec(self, state: ArrayState) -> int:
        """How the next item is read if it is a string and compared only where that matters; else 0."""
        if state.shape.context.accepts is not None:
            return 0
        key = (state.shape.serial, state.count, *(form.uid for form in state.forms))
        spec = self._specs.get(key)
        if spec is None:
            if len(self._specs) >= MOST_STATES:
                self._specs.clear()
            spec = self._specs[key] = self._spec(state)
        if not spec:
            return 0
        columns = self._automaton.tables.specs[spec].tolist()
        if columns[K.SPEC_KIND] == K.FREE_TEXT:
            return spec
        if columns[K.SPEC_KIND] == K.CLOSED_SET:
            return spec if columns[K.SPEC_HIGH] - columns[K.SPEC_LOW] >= len(state.kept) + SPARE_CONSTANTS else 0
        start, most = columns[K.SPEC_START], 2 * len(state.kept) + SPARE
        return spec if self._n_ends(spec, start, 0, most) == most else 0

    def _spec(self, state: ArrayState) -> int:
        """How strings are read that are the next item, if only one verdict is asked of them; 0: left."""
        automaton, parts = self._automaton, _plain_parts(state)
        if not any(type(part) is UniqueItems for part in parts):
            return 0
        step = automaton.arrays.asked(state, compares=False)
        if step is None or len(step[1].goals) > 1:
            return 0
        value = automaton.contexts.must(step[1].goals[0], in_order=state.shape.context.in_order)
        spec = automaton.handle(value, K.T_STRING) if value else 0
        columns = automaton.tables.specs[spec].tolist()
        if columns[K.SPEC_KIND] == K.FREE_TEXT and (not columns[K.SPEC_COUNTS] or columns[K.SPEC_MAX]):
            return spec
        is_told = columns[K.SPEC_KIND] == K.CLOSED_SET or columns[K.SPEC_KIND] == K.AUTOMATON
        return spec if is_told and not columns[K.SPEC_LABEL] else 0

    def constants(self, spec: int) -> tuple[bytes, ...]:
        """The texts of a string that is one of some constants, sorted."""
        found = self._constants.get(spec)
        if found is None:
            tables = self._automaton.tables
            low, high = tables.specs[spec, K.SPEC_LOW : K.SPEC_HIGH + 1].tolist()
            starts = tables.lit_start[low : high + 1].tolist()
            if len(self._constants) >= MOST_STATES:
                self._constants.clear()
            found = tuple(tables.lit_bytes[start:end].tobytes() for start, end in pairwise(starts))
            self._constants[spec] = found
        return found

    def plain(self, state: ArrayState) -> tuple[int, int] | None:
        """The frame of an array that asks for the same items, but compares none with the next ones, and its register.

        None where the array is not plain but for that, or where further items of its own kinds must follow.
        """
        if state.shape.context.accepts is not None:
            return None
        goal, asked = state.forms[0], self.asked(state)
        key = (state.shape.serial, goal.uid, state.count, asked)
        frame = self._plain.get(key)
        if frame is None:
            if len(self._plain) >= MOST_STATES:
                self._plain.clear()
            frame = self._plain[key] = self._plain_frame(state, asked)
        if not frame:
            return None
        return frame, min(state.count, int(self._automaton.tables.frames[frame, K.F_AVAILABLE]))

    def _plain_frame(self, state: ArrayState, asked: tuple[str, ...]) -> int:
        parts = _plain_parts(state)
        if not parts:
            return 0
        rest: list[Assertion] = [
            Items((), part.rest) for part in parts if type(part) is Items and part.rest is not None
        ]
        if asked:
            rest.append(Items((), negation(self._automaton.constants(asked))))
        rest += (part for part in parts if type(part) is CountIs)
        return self._automaton.arrays.open_all(state.shape.context, rest) or 0

    def has_others(self, state: ArrayState) -> bool:
        """Whether more values are left for the next items than the array must still have, and two beside.

        One may be what is at hand, and one the empty one, which does not begin as others do.
        """
        step = self._automaton.arrays.asked(state, compares=False)
        if step is None or len(step[1].goals) > 1:
            return False
        low = max((part.low for part in all_assertions(state.forms).values() if isinstance(part, CountIs)), default=0)
        needed = max(low - state.count, 1) + 2
        if needed > MOST_OTHERS:
            return False
        distinct, goals = self._automaton.distinct, step[1].goals
        if distinct.are_several(goals[0], state.kept, needed):
            return True
        return sum(1 for _ in distinct.some(goals, MUST, state.kept, needed)) == needed

    # -- ways to differ ------------------------------------------------------------------------

    def may_differ(self, spec: int, row: int, begun: Begun, kept: tuple[bytes, ...]) -> bool:
        """Whether a string begun, read as ``spec`` says up to ``row``, can still be none of those that have come."""
        columns = self._automaton.tables.specs[spec].tolist()
        if columns[K.SPEC_KIND] == K.CLOSED_SET:
            return any(begun.may_become(rest) for rest in self.rests(spec, begun.content, kept))
        near = [text[len(begun.content) :] for text in kept if text.startswith(begun.content)]
        near = [rest for rest in near if begun.may_become(rest)]
        if not near:
            return True
        n = _n_characters(begun.content)
        if columns[K.SPEC_KIND] == K.FREE_TEXT:
            return not columns[K.SPEC_COUNTS] or self._is_short(begun, n, columns[K.SPEC_MAX], near)
        if begun.escape:
            return any(rest not in near for rest in self._ends(spec, row, n) if begun.may_become(rest))
        return self._n_ends(spec, row, n, len(near) + 1) > len(near) or any(
            rest not in near for rest in self._ends(spec, row, n)
        )

    def rests(self, spec: int, content: bytes, kept: tuple[bytes, ...]) -> Iterator[bytes]:
        """What ends a string that is one of some constants and none of those that have come."""
        constants, come = self.constants(spec), _set_of(kept)
        low, high = range_of(constants, content)
        return (text[len(content) :] for text in constants[low:high] if text not in come)

    @staticmethod
    def _is_short(begun: Begun, n: int, most: int, near: list[bytes]) -> bool:
        """The same for free text of ``n`` characters: more than have come go on from it while one more may follow."""
        if n + bool(begun.escape) < most:
            return True
        n_ways = 1
        if begun.escape:
            n_ways = min(_PART, 16 ** (6 - len(begun.escape) % 6)) if len(begun.escape) > 1 else _PART
        elif begun.content.decode("utf-8", "ignore").encode("utf-8") != begun.content:
            n_ways = 64
        return len({rest for rest in near if n + _n_characters(rest) == most}) < n_ways

    def _n_ends(self, spec: int, row: int, n: int, most: int) -> int:
        """How many texts end a string from a row of its automaton, counted up to ``most``."""
        counts = self._automaton.tables.specs[spec, K.SPEC_COUNTS]
        key = (row, n if counts else -1)
        known, limit = self._n_texts.get(key, (0, 0))
        if limit < most:
            # Twice as many as are asked for, so that not each item that is added counts anew.
            if len(self._n_texts) >= MOST_STATES:
                self._n_texts.clear()
            known = sum(1 for _ in islice(self._ends(spec, row, n), 2 * most))
            self._n_texts[key] = known, 2 * most
        return min(known, most)

    def _ends(self, spec: int, row: int, n: int) -> Iterator[bytes]:
        """Decoded texts that end a string of ``n`` characters, by its automaton; nearly in order of length."""
        arena = self._automaton.tables.arena
        columns = self._automaton.tables.specs[spec].tolist()
        counts, least = columns[K.SPEC_COUNTS], columns[K.SPEC_MIN]
        for rest in islice(endings(arena, row), MOST_TRIED):
            if counts:
                length = n + _n_characters(rest)
                most = int(arena.content[arena.follow(row, rest), K.C_LIMIT])
                if len(rest) > 4 * (most - n):
                    return
                if not least <= length <= most:
                    continue
            yield rest
