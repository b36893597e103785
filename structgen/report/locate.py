"""Where in a JSON text each value and key stands, so that a JSON pointer gets a line and a column.

Python's parser forgets positions. This one keeps nothing else: it walks the tokens of a text
that is already known to be well-formed, without recursion.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from dataclasses import dataclass, field

__all__ = ["Locations", "locate"]

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')


@dataclass
class Locations:
    """Offsets by JSON pointer.

    ``values`` are where values start; ``keys`` where the property name that leads to a
    pointer starts; ``duplicates`` are pointers of properties written more than once.
    """

    text: str
    values: dict[str, int] = field(default_factory=dict)
    keys: dict[str, int] = field(default_factory=dict)
    duplicates: list[str] = field(default_factory=list)

    def line_column(self, pointer: str) -> tuple[int, int]:
        """Line and column, from 1, of a property's name or an element; of the nearest parent if there is none."""
        while pointer not in self.keys and pointer not in self.values:
            pointer = pointer.rpartition("/")[0]
        return self.of_offset(self.keys.get(pointer, self.values.get(pointer, 0)))

    def of_offset(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, from 1."""
        if not hasattr(self, "_starts"):
            self._starts = [0, *(m.end() for m in re.finditer("\n", self.text))]
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1


def locate(text: str) -> Locations:
    """The locations of a well-formed JSON text.

    Examples
    --------
    >>> locate('{"a": [1,\\n 2]}').line_column("/a/1")
    (2, 2)
    """
    found = Locations(text)
    # Each open container: its pointer, the next index (None in an object), the pending property name.
    stack: list[list[object]] = []
    is_key = False
    for match in _TOKEN.finditer(text):
        token, start = match.group(), match.start()
        if token in "]}":
            stack.pop()
        elif token == ",":
            is_key = _next_member(stack)
        elif token == ":":
            is_key = False
        elif is_key:
            _name_member(found, stack, token, start)
        else:
            pointer = _pointer(stack)
            found.values[pointer] = start
            if token in "[{":
                stack.append([pointer, 0 if token == "[" else None, None])
                is_key = token == "{"
    return found


def _next_member(stack: list[list[object]]) -> bool:
    top = stack[-1]
    if isinstance(top[1], int):
        top[1] += 1
        return False
    return True


def _name_member(found: Locations, stack: list[list[object]], token: str, start: int) -> None:
    name = str(json.loads(token)).replace("~", "~0").replace("/", "~1")
    stack[-1][2] = name
    pointer = _pointer(stack)
    if pointer in found.keys:
        found.duplicates.append(pointer)
    found.keys[pointer] = start


def _pointer(stack: list[list[object]]) -> str:
    if not stack:
        return ""
    parent, index, name = stack[-1]
    return f"{parent}/{name if index is None else index}"
