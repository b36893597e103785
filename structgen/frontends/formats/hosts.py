"""Whether the beginning of a host name can still become one: the slow, obvious judge, and what a fast one needs.

Much can go wrong in the middle of a name that nothing behind it mends: an ``xn--`` label that does not decode, a
character out of context, two directions in one label, marks that should have been composed. Other things must
be mended and have to have room: a hyphen or a middle dot cannot end a label, a label may have 63 characters in
its encoded form, a name 253. So a beginning is good exactly if one of a few endings makes it a name.

Compiled code (``automata.document.hosts``) decides nearly all beginnings by rules; this judge decides the others, and
tests compare the two.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections.abc import Iterator

from structgen.frontends.formats import idna
from structgen.frontends.formats.host_traits import host_traits, unstable_pairs
from structgen.frontends.formats.punycode import label_endings

__all__ = ["HostNameBeginnings"]

_ASCII_DOT, _DOTS = re.compile("[.]"), re.compile("[.\u3002\uff0e\uff61]")
_PLAIN, _ORDINARY = re.compile(r"(?:[0-9A-Za-z]+\.)*[0-9A-Za-z]*"), re.compile("[-0-9A-Za-z]*")
_MOST_NAME, _MOST_LABEL = 253, 63
_MENDING = ("a", "l", "\u03b1", "\u30a2", "\u05d0", "\u0627", "l\u30a2", "\u03b1\u30a2")
"""What a label may need: any letter, the second l of a middle dot, a Greek letter, one in the script of the katakana
middle dot, letters from the right, of which the second joins."""


class HostNameBeginnings:
    """The beginnings of host names, ``international`` or not."""

    def __init__(self, *, international: bool) -> None:
        self.international = international
        self._dots = _DOTS if international else _ASCII_DOT
        self._check = idna.is_idn_hostname if international else idna.is_hostname

    def __call__(self, text: str) -> bool:
        """Whether ``text`` can be gone on with to a host name."""
        if len(text) < _MOST_LABEL and _PLAIN.fullmatch(text) is not None:
            return True
        *complete, last = self._dots.split(text)
        if last.isascii() and _ORDINARY.fullmatch(last) is None:
            return False
        if any(idna.u_label(label, self.international) is None for label in complete):
            return False
        if not last.isascii() and not self._may_be_label(last):
            return False
        return any(self._check(text + ending) for ending in self.endings(text))

    def endings(self, text: str) -> Iterator[str]:
        """Ways to end a name: what has been read of an ``xn--`` label becomes its ASCII part."""
        *complete, label = self._dots.split(text)
        if label[:4].lower() == "xn--":
            taken = sum(1 + len(found if found.isascii() else idna.a_label(found)) for found in complete)
            room = min(_MOST_NAME - taken, _MOST_LABEL) - len(label)
            if room >= 0 and _ORDINARY.fullmatch(label) is not None:
                yield from label_endings(label[4:].lower(), room, idna.is_permitted)
            return
        yield ""
        if not self.international or label.isascii():
            yield from "a0"
            if not label and self.international:
                yield "\u05d0"
            return
        yield from _MENDING
        yield from dict.fromkeys(c for c in label if c > "\x7f")

    def complete(self, label: str) -> tuple[bool, bool] | None:
        """Whether a whole label has letters from the right, and whether it may stand in a name that has some.

        None for what is no label.
        """
        found = idna.u_label(label, self.international)
        if found is None:
            return None
        from_right = any(unicodedata.bidirectional(c) in ("R", "AL", "AN") for c in found)
        return from_right, idna.is_one_direction(found)

    def traits(self) -> array[int]:
        """What tells characters apart: ``kernels.hosts`` says how."""
        return host_traits()

    def unstable_pairs(self) -> list[tuple[int, int]]:
        """Characters that are not in normal form one behind the other."""
        return unstable_pairs()

    def _may_be_label(self, label: str) -> bool:
        """Whether a label beyond ASCII has no mistake that can be seen at a glance."""
        if len(label) > _MOST_LABEL or label[2:4] == "--" or unicodedata.normalize("NFC", label) != label:
            return False
        return all(map(idna.is_permitted, label)) and unicodedata.category(label[0])[0] != "M"
