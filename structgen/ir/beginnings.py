"""What is known of the beginnings of texts that a judge decides about: formats without a regular expression."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Protocol, runtime_checkable

__all__ = [
    "FIRST",
    "Beginnings",
    "HostBeginnings",
    "PieceBeginnings",
]

FIRST = 1 << 20
"""The kind of pieces of which only the first character matters, if nothing else does."""


class Beginnings(Protocol):
    """What is known of the beginnings of texts that a judge decides about."""

    def __call__(self, text: str) -> bool:
        """Whether ``text`` can be gone on with to a right end, as far as can be told; False is certain."""
        ...

    def endings(self, text: str) -> Iterator[str]:
        """Likely ways to end ``text``; there may be others."""
        ...


@runtime_checkable
class PieceBeginnings(Beginnings, Protocol):
    """Beginnings of which it is known what pieces of text may make a difference."""

    def kind_of(self, token: str) -> int:
        """What a piece of text may change: a set of bits."""
        ...

    def doubtful(self, text: str) -> int:
        """The kinds of pieces after which, behind ``text``, the beginning must be judged again."""
        ...

    def may_spoil(self, text: str, piece: str) -> bool:
        """Whether ``piece`` may be wrong behind ``text``, which is not; at a glance, where judging takes long."""
        ...


@runtime_checkable
class HostBeginnings(Beginnings, Protocol):
    """Beginnings of host names, which compiled code judges (``automata.document.hosts``)."""

    international: bool

    def complete(self, label: str) -> tuple[bool, bool] | None:
        """Whether a whole label has letters from the right, and whether it may stand beside some; None for no label."""
        ...

    def traits(self) -> array[int]:
        """What is known of each code point, as ``kernels.hosts`` has it."""
        ...

    def unstable_pairs(self) -> list[tuple[int, int]]:
        """Sorted pairs of code points that are not in normal form C one behind the other."""
        ...
