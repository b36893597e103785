"""Tokens of plain characters inside a string, read without the kernel.

A call of the document kernel costs microseconds before it reads a byte, for it takes all tables. Of the tokens that a
text takes for the first time, two in five are characters in free text whose length does not matter, which lead
nowhere, or go on in a name that is declared, or end it, or go on in the only constant that is left. What these come to
is told here.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TYPE_CHECKING

from structgen.automata.document.general_objects import KEY_EVENT
from structgen.kernels import document as K

if TYPE_CHECKING:
    from structgen.automata.document.automaton import Config, DocumentAutomaton
    from structgen.masks.document_sharing import Sharing

__all__ = ["PlainSteps"]

_is_plain = re.compile(rb"[ !#-\[\]-\x7f]+").fullmatch
"""ASCII characters that stand for themselves in a string."""


class PlainSteps:
    """Steps of one automaton inside strings."""

    def __init__(self, automaton: DocumentAutomaton, sharing: Sharing) -> None:
        self._tables = automaton.tables
        self._sharing = sharing
        self._is_counted: dict[int, bool] = {}
        self._texts: dict[int, bytes] = {}

    def after(self, config: Config, data: bytes) -> Config | None:
        """The configuration after ``data``; None where it is left to the automaton to tell."""
        mode = config[K.R_MODE]
        if (mode != K.M_FREE and mode != K.M_LITERAL) or len(config) != K.CONFIG_WIDTH or config[K.R_ESC]:
            return None
        value = config[K.R_VALUE]
        if mode == K.M_FREE:
            stays = value and not config[K.R_A] and not self._counts(value) and _is_plain(data)
            return config if stays else None
        ends_name = not value and data[-2:] == b'":'
        if ends_name:
            data = data[:-2]
        if data and not _is_plain(data):
            return None
        if ends_name:
            return self._after_name(config, data)
        return self._in_constant(config, data) if value else self._in_name(config, data)

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
        plain = self._sharing.plain(frame)
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
        plain = self._sharing.plain(frame)
        if plain is None:
            return None
        low, high = low - plain.first, high - plain.first
        name = plain.names[low][:at] + rest
        number = bisect_left(plain.names, name, low, high)
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

    def _counts(self, value: int) -> bool:
        """Whether the characters of a free string are counted."""
        found = self._is_counted.get(value)
        if found is None:
            spec = self._tables.values[value, K.T_STRING]
            found = self._is_counted[value] = bool(self._tables.specs[spec, K.SPEC_COUNTS])
        return found

    def _text(self, literal: int) -> bytes:
        found = self._texts.get(literal)
        if found is None:
            start, end = self._tables.lit_start[literal : literal + 2].tolist()
            found = self._texts[literal] = self._tables.lit_bytes[start:end].tobytes()
        return found
