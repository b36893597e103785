"""Keys of content: the same text for the same content, in every process and on every machine.

What is learnt about a constraint may be saved and read again much later, so the name it is
saved under must not depend on object identities, on the order of sets or on Python's salted
hashes. Values are digested bottom-up, each object once, so shared parts cost nothing extra.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from typing import Any

__all__ = ["content_key"]

_SIZE = 20


def content_key(*parts: Any) -> str:
    """40 hexadecimal digits that depend on the values of ``parts`` alone.

    Parameters
    ----------
    parts : None, booleans, numbers, strings, bytes, NumPy arrays, dataclasses, and tuples, lists,
        sets and mappings of these. Sets and mappings count without their order

    Raises
    ------
    TypeError : a part is something else, whose content cannot be told

    Examples
    --------
    >>> content_key({1, 2}, "a") == content_key({2, 1}, "a") != content_key({1, 2}, b"a")
    True
    """
    return _digest(parts, {}).hex()


def _digest(value: Any, known: dict[int, bytes]) -> bytes:
    found = known.get(id(value))
    if found is None:
        found = hashlib.blake2b(_encode(value, known), digest_size=_SIZE).digest()
        if dataclasses.is_dataclass(value):  # the only objects shared often enough; they outlive the call
            known[id(value)] = found
    return found


def _encode(value: Any, known: dict[int, bytes]) -> bytes:
    """A kind, then the content; whatever holds others holds their digests, which all have one length."""
    if value is None or isinstance(value, bool | int | float):
        return f"{type(value).__name__} {value!r}".encode()
    if isinstance(value, str):
        return b"str " + value.encode("utf-8", "surrogatepass")
    if isinstance(value, bytes):
        return b"bytes " + value
    if isinstance(value, tuple | list):
        return b"sequence " + b"".join(_digest(item, known) for item in value)
    if isinstance(value, set | frozenset):
        return b"set " + b"".join(sorted(_digest(item, known) for item in value))
    if isinstance(value, Mapping):
        pairs = sorted(_digest(key, known) + _digest(item, known) for key, item in value.items())
        return b"mapping " + b"".join(pairs)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts = [_digest(getattr(value, field.name), known) for field in dataclasses.fields(value)]
        return type(value).__name__.encode() + b" " + b"".join(parts)
    if hasattr(value, "tobytes") and hasattr(value, "dtype"):
        return f"array {value.dtype.str} {value.shape} ".encode() + bytes(value.tobytes())
    raise TypeError(f"the content of a {type(value).__name__} cannot be told")
