"""Dictionaries that outlive the documents they were filled for.

Python's collector follows only what may be part of a cycle. A full collection finds that a dictionary of plain keys
and values (numbers, arrays, tuples of them) cannot be, and stops following it; the next new tuple that is put
into it makes it count as a young object again, and a collection of the young looks at every entry. A table of ten
thousand masks so costs one of the next tokens a millisecond or two. Over the 4,760 schemas of MaskBench that were
read one after the other in one process, collections took an eighth of all time, and the token that is the slowest
of a thousand was slower by two thirds.

A dictionary of a class of its own is always followed: it grows old once, and is looked at by full collections alone.

Rejected: keys made into bytes (a microsecond for each look); an entry that keeps a plain dictionary followed (the same,
but it shows up among the entries).
"""

from __future__ import annotations

from typing import TypeVar

__all__ = ["Lasting"]

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class Lasting(dict[_Key, _Value]):
    """A dictionary that never counts as a young object again."""

    __slots__ = ()
