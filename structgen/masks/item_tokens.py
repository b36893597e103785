"""What tokens do to arrays that compare their items, computed once per vocabulary.

Of a hundred thousand tokens, a few hundred can hold a string from quote to quote, or any item between two commas, and
a thousand end a string. Only these can complete an item in one go.
"""

from __future__ import annotations

import re
import weakref
from bisect import bisect_left
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

import numpy as np

from structgen.automata.document.comparing import Begun, begun_of
from structgen.automata.document.texts import decoded
from structgen.dtypes import IntArray
from structgen.masks.string_body import string_body
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["Holding", "ItemTokens", "item_tokens"]

_ITEM = re.compile(rb",[ \t\r\n]*(?:[\[{].*[\]}]|true|false|null|-?[0-9])", re.DOTALL)
"""A comma and perhaps a whole item behind it, strings apart."""
_STRING = re.compile(rb'"((?:[^"\\]|\\.)*)("|\\?\Z)', re.DOTALL)
_JSON = frozenset(b' \t\r\n"[]{}:,0123456789+-.eEtrufalsn')
"""Bytes that stand outside of strings, and a quote."""
_NEXT = re.compile(rb'[\]}][ \t\r\n]*,[ \t\r\n]*(?:[^\[{" \t\r\n]|[\[{"][ \t\r\n]*(?!"?[ \t\r\n]*\Z))', re.DOTALL)
"""A bracket, a comma, and more of an item than its first bracket or quote, or one of each."""
_BEHIND = (b",", b"]", b"}")
_CLOSING = b"]} \t\r\n"
_found: weakref.WeakKeyDictionary[Vocabulary, ItemTokens] = weakref.WeakKeyDictionary()


def _is_among(text: bytes, ordered: list[bytes]) -> bool:
    place = bisect_left(ordered, text)
    return place < len(ordered) and ordered[place] == text


class Holding(NamedTuple):
    """A token that holds more than the end of one item and the beginning of the next."""

    token: int
    before: bytes
    """What stands before the quote that ends the string at hand; decoded."""
    strings: tuple[bytes, ...]
    """Whole strings behind it; decoded."""
    begun: bytes
    """What stands behind a quote that opens a string not ended; decoded."""
    others: bool
    """Whether the token must be read, for it holds other items, several, or an escape that breaks off."""
    escapes: bool = False
    """Whether it must be for nothing but a backslash with which a string begins: most texts may begin so."""

    def holds_some(self, come: list[bytes]) -> bool:
        """Whether an item in it may be one of some sorted ones that have come, or it must be read in any case."""
        if self.others or any(_is_among(text, come) for text in self.strings):
            return True
        place = bisect_left(come, self.begun)
        return self.begun != b"" and place < len(come) and come[place].startswith(self.begun)

    def repeats(self, own: bytes) -> bool:
        """Whether an item in it may be the one at hand."""
        return own in self.strings or (self.begun != b"" and own.startswith(self.begun))


class ItemTokens:
    """Tables of one vocabulary, each made when first asked for."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._tokens = vocabulary.tokens
        self._body = string_body(vocabulary)

    def _with(self, *bytes_: int) -> list[int]:
        """Ordinary tokens in which one of some bytes stands."""
        wanted = np.zeros(256, np.bool_)
        wanted[list(bytes_)] = True
        places = np.flatnonzero(wanted[self._vocabulary.data])
        ids = np.unique(np.searchsorted(self._vocabulary.offsets, places, "right") - 1)
        return [token for token in ids.tolist() if token not in self._vocabulary.special_ids]

    # -- within strings ------------------------------------------------------------------------

    @cached_property
    def closing(self) -> dict[bytes, list[int]]:
        """Tokens that close a string and have content before the quote, by that, decoded."""
        body, found = self._body, dict[bytes, list[int]]()
        for token in body.group_tokens.tolist():
            content = decoded(self._tokens[token][: body.quote[token]])
            assert content is not None, "what is broken off closes no string"
            if content:
                found.setdefault(content, []).append(token)
        return found

    @cached_property
    def escapes(self) -> dict[bytes, list[tuple[int, bytes]]]:
        """Tokens of content alone with escapes, by that, decoded; each with an escape that breaks off, or none."""
        body, found = self._body, dict[bytes, list[tuple[int, bytes]]]()
        for token in self._with(92):
            text = self._tokens[token]
            if body.quote[token] == len(text):
                begun = begun_of(text)
                assert begun is not None, "it is content"
                found.setdefault(begun.content, []).append((token, begun.escape))
        return found

    @cached_property
    def within(self) -> tuple[Holding, ...]:
        """Tokens that close a string, and hold a whole item behind it or go on into one."""
        found: list[Holding] = []
        for token in self._body.group_tokens.tolist():
            at = int(self._body.quote[token])
            text = self._tokens[token]
            if text[at + 1 :].lstrip()[:1] in _BEHIND:
                found += _held(token, decoded(text[:at]) or b"", text[at + 1 :])
        return tuple(found)

    @cached_property
    def mixed(self) -> list[int]:
        """Tokens that may do so where a character or an escape is begun before them."""
        texts = ((token, self._tokens[token].partition(b'"')) for token in self._with(34))
        return [token for token, (_, quote, rest) in texts if b'"' in rest or _ITEM.search(rest)]

    # -- between lexemes -----------------------------------------------------------------------

    @cached_property
    def between(self) -> tuple[Holding, ...]:
        """Tokens that hold a whole item, or begin a string, where they begin between lexemes."""
        return tuple(held for token in self._with(34, 44) for held in _held(token, b"", self._tokens[token]))

    @cached_property
    def unclear(self) -> tuple[int, ...]:
        """Those among them that must be read."""
        return tuple(held.token for held in self.between if held.others)

    @cached_property
    def escaping(self) -> frozenset[int]:
        """Of these, those that must be for nothing but a backslash."""
        return frozenset(held.token for held in self.between if held.escapes)

    @cached_property
    def by_string(self) -> dict[bytes, list[int]]:
        """Others, by a whole string that they hold."""
        found = dict[bytes, list[int]]()
        for held in self.between:
            for text in held.strings:
                found.setdefault(text, []).append(held.token)
        return found

    @cached_property
    def by_begun(self) -> dict[bytes, list[int]]:
        """Others, by the string that they begin."""
        found = dict[bytes, list[int]]()
        for held in self.between:
            if held.begun:
                found.setdefault(held.begun, []).append(held.token)
        return found

    @cached_property
    def further(self) -> IntArray:
        """Tokens that hold a whole item, or the end of one and a comma."""
        holding = {held.token for held in self.between if held.others or held.strings}
        found = [t for t in self._with(34, 44) if t in holding or b"," in self._tokens[t].lstrip()[1:]]
        return np.array(found, np.int32)

    @cached_property
    def closing_item(self) -> dict[bytes, tuple[tuple[int, ...], tuple[int, ...]]]:
        """Tokens that close a string and then an object or array, by the content before the quote, decoded.

        First those that close nothing behind another member, then those that may.
        """
        body, found = self._body, dict[bytes, tuple[list[int], list[int]]]()
        for token in body.group_tokens.tolist():
            at, text = body.quote[token], self._tokens[token]
            behind = text[at + 1 :]
            if b"]" in behind or b"}" in behind:
                content = decoded(text[:at])
                assert content is not None, "what is broken off closes no string"
                rest = behind.lstrip(_CLOSING)
                found.setdefault(content, ([], []))[b"]" in rest or b"}" in rest].append(token)
        return {content: (tuple(ending), tuple(going_on)) for content, (ending, going_on) in found.items()}

    @cached_property
    def behind_item(self) -> tuple[IntArray, IntArray]:
        """Tokens that end an object or array and hold a whole item behind it or go on into one, past its bracket.

        First those read from between lexemes, then those from within a string.
        """
        body, found = self._body, list[IntArray]()
        for in_string in (False, True):
            tokens = body.group_tokens.tolist() if in_string else self._with(93, 125)
            texts = ((token, self._tokens[token][body.quote[token] + 1 if in_string else 0 :]) for token in tokens)
            found.append(np.array([token for token, text in texts if _NEXT.search(text)], np.int32))
        return found[0], found[1]


def _held(token: int, before: bytes, text: bytes) -> Iterator[Holding]:
    """What ``text``, which begins outside of strings, holds of items; nothing where that is none."""
    outside = _STRING.sub(b'"', text)
    if not _JSON.issuperset(outside):
        return
    strings: list[bytes] = []
    begun, escapes, is_unclear = b"", False, _ITEM.search(outside) is not None
    for match in _STRING.finditer(text):
        if match[2] == b'"':
            content = decoded(match[1])
            is_unclear = is_unclear or content is None or bool(strings)
            strings.append(content or b"")
        else:
            last = begun_of(match[0][1:])
            escapes = last == Begun(b"", b"\\") and not strings and not is_unclear
            is_unclear = is_unclear or last is None or last.escape != b""
            begun = last.content if last is not None else b""
    if strings or begun or is_unclear:
        yield Holding(token, before, tuple(strings), begun, is_unclear or bool(strings and begun), escapes)


def item_tokens(vocabulary: Vocabulary) -> ItemTokens:
    """The tables of a vocabulary."""
    found = _found.get(vocabulary)
    if found is None:
        found = _found[vocabulary] = ItemTokens(vocabulary)
    return found
