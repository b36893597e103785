"""Where in a text an identifier stands that a monitor may know about.

A *scanner* reads the bytes of one language, knows at each byte whether it is inside code,
a comment, a string or a number, and names the *site* there. Monitors see sites only, so
that one monitor serves several languages, and the scanner costs about a microsecond per
byte with no analysis at all (that is the ``pre`` of monitor-guided decoding).
"""

from __future__ import annotations

from collections.abc import Hashable
from enum import StrEnum
from typing import NamedTuple, Protocol

__all__ = ["Scanner", "Site", "SiteKind", "is_identifier_byte"]


class SiteKind(StrEnum):
    """What the identifier at a site is. Strings, since those hash in C."""

    MEMBER = "member"
    IMPORTED = "imported name"
    MODULE = "module path"
    IMPORT_END = "end of the keyword import"
    """Of ``from x import``, before any blank; no site, but a place where the next name can be foreseen."""
    ARGUMENT = "start of an argument"
    LOAD = "name that is read"


class Site(NamedTuple):
    """An identifier that is about to start, or has started, at the end of the text."""

    kind: SiteKind
    trigger: int
    """Offset in bytes just after what opened the site (the dot); analysis is asked there."""
    typed: bytes
    """The part of the identifier that is there already."""
    blanks: bytes
    """Bytes that may come before the identifier; empty once it has started."""
    receiver: bytes = b""
    """Source of the expression before the dot."""
    is_target: bool = False
    """It may turn out to be assigned to, which would define the name."""
    keyword: bytes = b""
    """The keyword in front, where there is one (``raise``, ``except``, ``case``, ``new``)."""
    lifts: bytes = b""
    """Bytes that may come in place of the identifier."""
    arrow: bytes = b""
    """What dereferences, where a language has several marks for it."""


class Scanner(Protocol):
    """Lexical state after some bytes; never changed once made."""

    @property
    def position(self) -> int:
        """Bytes read so far."""
        ...

    @property
    def error(self) -> str:
        """Why the text cannot be read on (an unterminated string, say); empty if it can."""
        ...

    @property
    def line(self) -> bytes:
        """The statement so far, or more."""
        ...

    @property
    def kind(self) -> SiteKind | None:
        """The kind of ``site()``, without making it; ``IMPORT_END`` has none."""
        ...

    def feed(self, data: bytes) -> Scanner:
        """The state after ``data``."""
        ...

    def copy(self) -> Scanner:
        """A scanner of one's own at the same place."""
        ...

    def push(self, byte: int) -> None:
        """Read one byte in place; only on a ``copy()`` that nobody else has seen."""
        ...

    def run(self, data: bytes, at: int) -> int:
        """How many bytes from ``data[at]`` on ``skip`` can take; 0 where ``push`` must read the first."""
        ...

    def skip(self, data: bytes) -> None:
        """Read in place bytes that change neither the kind of the site nor what has been read before."""
        ...

    def lexical_key(self) -> Hashable:
        """Equal keys see equal kinds of sites after any bytes."""
        ...

    def site(self) -> Site | None:
        """The site at the end of the text, if an identifier may be there."""
        ...


IDENTIFIER_BYTES = bytes(b for b in range(256) if b >= 0x80 or chr(b).isalnum() or b == 0x5F)
_IS_IDENTIFIER = [b in IDENTIFIER_BYTES for b in range(256)]


def is_identifier_byte(byte: int) -> bool:
    """ASCII letters, digits, underscore, and every byte of a multi-byte character.

    Characters beyond ASCII that cannot be in an identifier cannot follow one in code either.
    """
    return _IS_IDENTIFIER[byte]
