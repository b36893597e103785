"""Whether the beginning of a host name, or of a regular expression, can still become one.

What an automaton leaves to its judge would otherwise come out at the closing quote, when nothing can be mended: an
``xn--`` label that does not decode, a character out of context, a range that runs backwards. So the beginning is judged
wherever such a thing may have happened, and ``kind_of`` and ``doubtful`` say where it may, so that a mask need
not try every token: a kind is a set of bits, and after a text only the tokens of its doubtful kinds are tried.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from structgen.frontends.formats import idna
from structgen.frontends.regex import is_hopeless_ecma, properties_from
from structgen.ir.document import FIRST

__all__ = ["HostNameBeginnings", "RegexBeginnings"]

_DOTTED, _SPECIAL, _CAPITAL, _HYPHEN, _ALWAYS, _OTHER, _BEYOND = 1, 2, 4, 8, 16, 32, 64
_EVERY = 127
_ASCII_DOT, _DOTS = re.compile("[.]"), re.compile("[.\u3002\uff0e\uff61]")
_ORDINARY = re.compile("[-.0-9A-Za-z]*")
_MOST = 253
_SHORT = 9
"""Characters of a label that Punycode never makes longer than 63."""
_WAYS = ("{}\u00fc", "\u00fc{}", "{}a\u00fc", "\u00fc{}a", "\u00fc\u00fc{}", "\u00fc\u00fc{}a")


class HostNameBeginnings:
    """The beginnings of host names, ``international`` or not."""

    def __init__(self, *, international: bool) -> None:
        self._international = international
        self._dots = _DOTS if international else _ASCII_DOT

    def __call__(self, text: str) -> bool:
        """Whether ``text`` can be gone on with to a host name, as far as can be told; never wrong with False."""
        if text.isascii() and "-" not in text and len(text) < 64:
            return True
        if len(text) > _MOST:
            return False
        *complete, last = self._dots.split(text)
        decoded = [idna.u_label(label, self._international) for label in complete]
        if any(label is None for label in decoded) or not self._may_become_label(last):
            return False
        labels = [label for label in decoded if label is not None]
        if not any(_is_from_right(c) for label in (*labels, last) for c in label):
            return True
        return all(map(idna.is_one_direction, labels)) and _may_be_one_direction(last)

    def kind_of(self, token: str) -> int:
        """What of ``token`` may make a difference."""
        kind = _OTHER
        if not token.isascii():
            kind |= _BEYOND | _SPECIAL * (not all(map(_is_simple, token)))
        if self._dots.search(token) is not None:
            kind |= _DOTTED | (_ALWAYS if "xn--" in token.lower() else 0)
        if "-" in token:
            kind |= _HYPHEN
        if not token.islower() and re.search("[A-Z]", token) is not None:
            kind |= _CAPITAL if token.isascii() else _CAPITAL | _ALWAYS
        return kind

    def doubtful(self, text: str) -> int:
        """The kinds of tokens that must be tried after ``text``."""
        label = self._dots.split(text)[-1]
        head = label[:4].lower()
        kinds = _ALWAYS | (_DOTTED if "xn--".startswith(head) or head == "xn--" else 0)
        if len(text) > _MOST // 2:
            return _EVERY
        if not self._international:
            return kinds
        if len(label) > 40 or (len(label) > _SHORT and not label.isascii()) or any(map(_is_from_right, text)):
            return _EVERY
        if "xn--" in text.lower():
            return _EVERY  # it may be written from right to left
        kinds |= _SPECIAL | (_HYPHEN if len(label) <= 3 else 0)
        if label.isascii():
            kinds |= 0 if label.islower() or not label else _BEYOND
        else:
            kinds |= _CAPITAL | _DOTTED
            if not _is_simple(label[-1]):
                return _EVERY
        return kinds

    def endings(self, text: str) -> Iterator[str]:
        """Ways to end a name: what has been read of an ``xn--`` label becomes its ASCII part."""
        label = self._dots.split(text)[-1]
        if label[:4].lower() != "xn--":
            if not text.isascii():
                yield from "lαアaאا0"
            return
        read = label[4:].lower()
        for basic in (read, read.rstrip("-")):
            for way in _WAYS:
                encoded = way.format(basic).encode("punycode").decode("ascii")
                if encoded.startswith(read):
                    yield encoded[len(read) :]

    def _may_become_label(self, label: str) -> bool:
        if label.isascii():
            if len(label) > 63:
                return False
            return not self._international or label[2:4] != "--" or label[:2].lower() == "xn"
        if not self._international or label[2:4] == "--" or unicodedata.normalize("NFC", label) != label:
            return False
        if not all(idna.is_permitted(c) for c in label) or unicodedata.category(label[0])[0] == "M":
            return False
        if len(label) > _SHORT and len(idna.a_label(label)) > 63:
            return False
        return all(_may_fit(label, k) for k in range(len(label)))


def _may_fit(label: str, k: int) -> bool:
    """Whether a contextual character stands, or may yet stand, in its context."""
    if idna.fits_context(label, k):
        return True
    code = ord(label[k])
    last = k == len(label) - 1
    if code == 0xB7:
        return last and label[k - 1 : k] == "l" and k > 0
    if code == 0x375:
        return last
    if code == 0x200C:
        rest = label[k + 1 :]
        return idna.joins(label[:k][::-1], backward=True) and all(idna.is_transparent(c) for c in rest)
    return code == 0x30FB


def _is_from_right(c: str) -> bool:
    return c > "\x7f" and unicodedata.bidirectional(c) in ("R", "AL", "AN")


def _may_be_one_direction(label: str) -> bool:
    """Whether some label that begins so satisfies the Bidi rule."""
    if not label or (label[:4].lower() == "xn--"):
        return True
    kinds = {unicodedata.bidirectional(c) for c in label}
    if unicodedata.bidirectional(label[0]) in ("R", "AL"):
        return kinds <= idna.FROM_RIGHT and not {"EN", "AN"} <= kinds
    # An ASCII beginning may yet turn out to be that of an xn-- label, whose direction is its own.
    return "xn--".startswith(label.lower()) or (unicodedata.bidirectional(label[0]) == "L" and kinds <= idna.FROM_LEFT)


@lru_cache(maxsize=1)
def _composing() -> frozenset[str]:
    """Characters that may compose with what stands before them."""
    found = {chr(code) for code in (*range(0x1161, 0x1176), *range(0x11A8, 0x11C3))}
    for code in range(0x110000):
        parts = unicodedata.decomposition(chr(code)).split(" ")
        if len(parts) == 2 and not parts[0].startswith("<"):
            found.add(chr(int(parts[1], 16)))
    return frozenset(found)


@lru_cache(maxsize=1 << 16)
def _is_simple(c: str) -> bool:
    """Whether a character is permitted wherever a letter is, whatever stands around it."""
    if c in ".-\u3002\uff0e\uff61" or (c.isascii() and c.isalnum()):
        return True
    if not idna.is_permitted(c) or c in idna.CONTEXTUAL or c in _composing() or _is_from_right(c):
        return False
    return unicodedata.combining(c) == 0 and unicodedata.category(c)[0] != "M"


_PROPERTY = re.compile(r"(?:^|[^\\])(?:\\\\)*\\[pP]\{([A-Za-z0-9_=]*)$")
_RANGE, _BRACE, _NAME, _QUANTIFIER = 1, 2, 4, 8


class RegexBeginnings:
    """The beginnings of regular expressions: a range or count out of order, or an unknown property, is final."""

    def __call__(self, text: str) -> bool:
        """Whether ``text`` has no mistake that nothing behind it mends."""
        named = _PROPERTY.search(text)
        if named is not None and next(properties_from(named[1]), None) is None:
            return False
        return not is_hopeless_ecma(text)

    def kind_of(self, token: str) -> int:
        """Whether ``token`` may end one of the things that can be wrong."""
        kind = FIRST
        for character, bit in (("-", _RANGE), ("}", _BRACE), (">", _NAME), ("*", _QUANTIFIER), ("+", _QUANTIFIER),
                               ("?", _QUANTIFIER), (")", _QUANTIFIER)):  # fmt: skip
            if character in token:
                kind |= bit
        if ("[" in token and "-" in token) or ("{" in token and "}" in token) or "(?" in token:
            kind |= _ALWAYS
        return kind

    def doubtful(self, text: str) -> int:
        """What is open at the end of ``text``, roughly."""
        if _PROPERTY.search(text) is not None:
            return -1
        kinds = _ALWAYS
        opened = text.rfind("[")
        if opened >= 0 and "]" not in text[opened + 2 :]:
            kinds |= _RANGE
            if re.search(r"-(?:\\[^\]]{0,9})?$", text) is not None:
                kinds |= FIRST
        if "{" in text:
            kinds |= _BRACE
        if "(?<" in text:
            kinds |= _NAME
        if text.count("(") > 2 or "(?" in text or ")" in text:
            kinds |= _QUANTIFIER
        return kinds

    def endings(self, text: str) -> Iterator[str]:
        """Ways to close what is open."""
        groups = ")" * text.count("(")
        named, referred = _PROPERTY.search(text), re.search(r"\\k(?:<([^>]*))?$", text)
        if named is not None:
            for name in properties_from(named[1]):
                for bracket in ("", "]"):
                    yield from (name[len(named[1]) :] + "}" + bracket + groups[:n] for n in range(len(groups) + 1))
                break
        if referred is not None:
            name = referred[1] or "a"
            ending = ("<a>" if referred[1] is None else "a>" if not referred[1] else ">") + f"(?<{name}>)"
            yield from (ending + groups[:n] for n in range(len(groups) + 1))
        for name in re.findall(r"\\k<([^>]+)>", text):
            if f"(?<{name}>" not in text:
                yield from (f"(?<{name}>)" + groups[:n] for n in range(len(groups) + 1))
        for last in ("", "a", "0", "0}", "}", ">a)", "\\"):
            for bracket in ("", "]"):
                for n in range(1 + text.count("(")):
                    yield last + bracket + ")" * n
