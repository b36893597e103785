"""JSON pointers that are spelled when somebody reads them.

Everything built from a schema knows where it was written, and hardly anybody asks: errors do, and reports. So a
pointer in the making is a tuple of a base and the steps behind it, whose base may be such a tuple again; a pointer that
has been spelled is a string. Making one costs a tuple where the text would have to be escaped and joined.
"""

from __future__ import annotations

from typing import Any

__all__ = ["Pointer", "escaped", "spelled"]

Pointer = str | tuple[Any, ...]
"""A JSON pointer: its text, or another pointer followed by one step or more, not escaped."""


def escaped(name: str) -> str:
    """A name as a step of a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1") if "~" in name or "/" in name else name


def spelled(pointer: Pointer) -> str:
    """The text of a pointer.

    >>> spelled((("/properties", "a/b"), "items", 0))
    '/properties/a~1b/items/0'
    """
    if type(pointer) is str:
        return pointer
    steps: list[str] = []
    while type(pointer) is tuple:
        steps.extend(f"/{escaped(str(step))}" for step in reversed(pointer[1:]))
        pointer = pointer[0]
    return str(pointer) + "".join(reversed(steps))
