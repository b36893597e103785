"""Tokens of plain characters in and around strings, read without the kernel.

A call of the document kernel costs microseconds before it reads a byte, for it takes all tables. Of the tokens that a
text takes for the first time, three in five open a string, or are characters in free text, or end it where an object
goes on, or go on in a name that is declared, or end it, or go on in the only constant that is left. What these come to
is told here.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TYPE_CHECKING

from structgen.automata.document.general_objects import KEY_EVENT
from structgen.kernels import document as K
from structgen.lasting import Lasting

if TYPE_CHECKING:
    from structgen.automata.document.automaton import Config, DocumentAutomaton
    from structgen.masks.document_sharing import Sharing

__all__ = ["PlainSteps"]

_is_plain = re.compile(rb"[ !#-\[\]-\x7f]+").fullmatch
"""ASCII characters that stand for themselves in a string."""
OTHER, CONTENT, OPENING, NAME_END, NEXT_NAME = range(5)
"""Kinds of tokens: characters, a quote after blanks, characters and `":`, characters and `",`."""
UNCOUNTED, LEFT = (0, K.NO_LIMIT), (0, -1)
"""Bounds of the lengths of free strings: none, and those that are left to the automaton."""
MOST_KINDS = 1 << 14
_kinds: Lasting[bytes, tuple[int, bytes]] = Lasting()
"""Kinds of tokens, and the characters of those that have a kind."""


def _kind_of(data: bytes) -> tuple[int, bytes]:
    """What kind of token ``data`` is, and its characters, or blanks; remembered."""
    if len(_kinds) >= MOST_KINDS:
        _kinds.clear()
    kind, rest = CONTENT, data
    if data.lstrip(b" \t\r\n") == b'"':
        kind, rest = OPENING, data[:-1]
    else:
        if data[-2:] in (b'":', b'",'):
            kind, rest = NAME_END if data[-1:] == b":" else NEXT_NAME, data[:-2]
        if rest and not _is_plain(rest):
            kind = OTHER
    found = _kinds[data] = kind, rest
    return found


class PlainSteps:
    """Steps of one automaton into strings, inside them and out of them."""

    def __init__(self, automaton: DocumentAutomaton, sharing: Sharing) -> None:
        self._tables = automaton.tables
        self._plain = sharing.plain
        self._has_gaps = automaton.is_pretty
        self._is_bounded = automaton.tables.max_space >= 0
        self._bounds: dict[int, tuple[int, int]] = {}
        self._texts: dict[int, bytes] = {}
        self._opened: dict[int, tuple[int, int, int] | None] = {}

    def after(self, config: Config, data: bytes) -> Config | None:
        """The configuration after ``data``; None where it is left to the automaton to tell."""
        kind, rest = _kinds.get(data) or _kind_of(data)
        if kind == OTHER or len(config) != K.CONFIG_WIDTH:
            return None
        mode, a, _, _, escape, value, frame, count, cell = config
        if kind == OPENING and mode < K.FIRST_LEXICAL:
            if self._has_gaps or (rest and self._is_bounded):
                return None
            if mode == K.M_VALUE:
                return self._in_value(config)
            return self._at_name(config) if mode == K.M_KEY or mode == K.M_FIRST_KEY else None
        if escape:
            return None
        if mode == K.M_LITERAL:
            if kind == CONTENT:
                return self._in_constant(config, data) if value else self._in_name(config, data)
            return self._after_name(config, rest) if kind == NAME_END and not value else None
        if mode != K.M_FREE or not value or a:
            return None
        bounds = self._bounds.get(value) or self._bounds_of(value)
        if bounds is not UNCOUNTED:
            n = config[K.R_B] + len(rest)
            if n > bounds[1] or (kind != CONTENT and n < bounds[0]):
                return None
            if kind == CONTENT:
                return mode, 0, n, 0, 0, value, frame, count, cell
        elif kind == CONTENT:
            return config
        plain = self._plain(frame)
        if plain is None or plain.is_general or self._has_gaps:
            return None
        if kind == NEXT_NAME:
            return (K.M_KEY, 0, 0, 0, 0, 0, frame, count, cell) if plain.left(count) else None
        return (K.M_AFTER, 0, 0, 0, 0, 0, frame, count, cell) if data == b'"' else None

    # -- openings ----------------------------------------------------------------------------

    def _in_value(self, config: Config) -> Config | None:
        """At the beginning of a string's content."""
        value = config[K.R_VALUE]
        opened = self._opened.get(value)
        if opened is None:
            opened = self._opening(value)
            if opened is None:
                return None
            self._opened[value] = opened
        return *opened, 0, 0, *config[K.R_VALUE :]

    def _opening(self, value: int) -> tuple[int, int, int] | None:
        """The registers that tell how a string value begins; None where there may be none, or it is judged."""
        spec = int(self._tables.values[value, K.T_STRING])
        if spec <= 0:
            return None
        columns = self._tables.specs[spec].tolist()
        kind = columns[K.SPEC_KIND]
        if kind == K.FREE_TEXT or kind == K.BY_LENGTH:
            return K.M_FREE, 0, 0
        if kind == K.AUTOMATON:
            return None if columns[K.SPEC_LABEL] else (K.M_CONTENT, columns[K.SPEC_START], 0)
        low, high = columns[K.SPEC_LOW], columns[K.SPEC_HIGH]
        return (K.M_LITERAL, low, high) if low < high else None

    def _at_name(self, config: Config) -> Config | None:
        """At the beginning of a name, where names are declared."""
        plain = self._plain(config[K.R_FRAME])
        if plain is None or plain.is_general or not plain.names or not plain.left(config[K.R_COUNT]):
            return None
        first, n = plain.first, len(plain.names)
        if not plain.is_open and not plain.left(config[K.R_COUNT]) & ((1 << n) - 1):
            return None
        return K.M_LITERAL, first, first + n, 0, 0, *config[K.R_VALUE :]

    # -- inside ------------------------------------------------------------------------------

    def _in_constant(self, config: Config, data: bytes) -> Config | None:
        """Along the only constant of a value that is left."""
        mode, low, high, at, _, value, frame, count, cell = config
        end = at + len(data)
        if high - low != 1 or self._text(low)[at:end] != data:
            return None
        return mode, low, high, end, 0, value, frame, count, cell

    def _in_name(self, config: Config, data: bytes) -> Config | None:
        """Along the names of an object."""
        mode, low, high, at, _, value, frame, count, cell = config
        plain = self._plain(frame)
        if plain is None:
            return None
        first, names = plain.first, plain.names
        low, high = low - first, high - first
        begun = names[low][:at] + data
        if high - low > 1:
            low = bisect_left(names, begun, low, high)
            high = bisect_left(names, begun + b"\xff", low, high)
            window = (1 << high) - (1 << low)
            if low == high or not (plain.is_open or window & plain.left(count)):
                return None
        elif not names[low].startswith(begun):
            return None
        return mode, low + first, high + first, at + len(data), 0, value, frame, count, cell

    def _after_name(self, config: Config, rest: bytes) -> Config | None:
        """At the value of a declared name that ends with ``rest``, quote and colon read."""
        _, low, high, at, _, _, frame, count, cell = config
        plain = self._plain(frame)
        if plain is None:
            return None
        low, high = low - plain.first, high - plain.first
        name = plain.names[low][:at] + rest
        number = bisect_left(plain.names, name, low, high) if high - low > 1 else low
        if number == high or plain.names[number] != name or not plain.left(count) >> number & 1:
            return None
        if plain.is_general:
            after, value = self._tables.events.get((frame, KEY_EVENT | (number + 1)), (0, 0))
            return (K.M_VALUE, 0, 0, 0, 0, value, after, count, cell) if after else None
        children = self._tables.children
        value = int(children[plain.children + number])
        if value <= 0:
            return None
        if plain.following:
            frame = int(children[plain.following + number])
        return K.M_VALUE, 0, 0, 0, 0, value, frame, count | 1 << number, cell

    def _bounds_of(self, value: int) -> tuple[int, int]:
        """The bounds of a free string's length, where its characters are counted."""
        columns = self._tables.specs[self._tables.values[value, K.T_STRING]].tolist()
        found = UNCOUNTED
        if columns[K.SPEC_COUNTS]:
            found = (columns[K.SPEC_MIN], columns[K.SPEC_MAX]) if columns[K.SPEC_KIND] == K.FREE_TEXT else LEFT
        self._bounds[value] = found
        return found

    def _text(self, literal: int) -> bytes:
        found = self._texts.get(literal)
        if found is None:
            start, end = self._tables.lit_start[literal : literal + 2].tolist()
            found = self._texts[literal] = self._tables.lit_bytes[start:end].tobytes()
        return found
