"""Tokens of a vocabulary about which masks with judges must ask, computed once per vocabulary."""

from __future__ import annotations

import re
import weakref
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from structgen.ir.beginnings import Beginnings
from structgen.masks.string_body import string_body
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["DoubtfulTokens", "doubtful_tokens"]

_NUMBER = re.compile(rb"(?:^|[][{}:,\s])\s*-?[0-9]")
_LATER_NUMBER = re.compile(rb"[][{}:,\s]\s*-?[0-9]")


class Spelled(NamedTuple):
    """Some tokens with their bytes, one after the other."""

    ids: npt.NDArray[np.int64]
    offsets: npt.NDArray[np.int64]
    """(n + 1,): where the bytes of each token begin."""
    data: npt.NDArray[np.uint8]

    @classmethod
    def of(cls, ids: list[int], tokens: Sequence[bytes]) -> Spelled:
        """Tokens by their ids."""
        spelled = [tokens[token] for token in ids]
        offsets = np.cumsum([0, *map(len, spelled)], dtype=np.int64)
        return cls(np.array(ids, np.int64), offsets, np.frombuffer(b"".join(spelled), np.uint8))


Places = tuple[Spelled, Spelled]
"""Tokens to ask about between lexemes, and those to ask about within one, which they end first."""
_found: weakref.WeakKeyDictionary[Vocabulary, DoubtfulTokens] = weakref.WeakKeyDictionary()


class DoubtfulTokens:
    """Lists of token ids, each made when first asked for."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._tokens = vocabulary.tokens
        self._ids = vocabulary.trie.token_ids
        self._body = string_body(vocabulary)
        self._ill_begun: dict[tuple[Beginnings, ...], Places] = {}

    def _places(self, between: list[int], within: list[int]) -> Places:
        return Spelled.of(between, self._tokens), Spelled.of(within, self._tokens)

    @cached_property
    def escaping(self) -> list[int]:
        """Tokens that close a string after an escape."""
        body, tokens = self._body, self._tokens
        return [token for token in body.group_tokens.tolist() if b"\\" in tokens[token][: body.quote[token]]]

    @cached_property
    def by_content(self) -> dict[bytes, list[int]]:
        """Tokens that close a string, by what stands before the quote."""
        found: dict[bytes, list[int]] = {}
        for token in self._body.group_tokens.tolist():
            found.setdefault(self._tokens[token][: self._body.quote[token]], []).append(token)
        return found

    @cached_property
    def quoting(self) -> list[int]:
        """Tokens with a quote."""
        return [token for token in np.sort(self._ids).tolist() if b'"' in self._tokens[token]]

    @cached_property
    def two_quotes(self) -> list[int]:
        """Tokens in which a whole string may stand."""
        return [token for token in self.quoting if self._tokens[token].count(b'"') > 1]

    @cached_property
    def strings(self) -> Places:
        """Tokens in which a whole string may stand: one that ends another string first has three quotes."""
        more = [token for token in self.two_quotes if self._tokens[token].count(b'"') > 2]
        return self._places(self.two_quotes, more)

    def with_string(self, text: bytes) -> Iterator[int]:
        """Tokens in which ``text``, with its quotes, stands; mostly none, so all are searched at once."""
        spelled = self.strings[0]
        data = self._two_quotes_spelled
        at = data.find(text)
        while at >= 0:
            index = int(np.searchsorted(spelled.offsets, at, "right")) - 1
            if at + len(text) <= spelled.offsets[index + 1]:
                yield int(spelled.ids[index])
            at = data.find(text, at + 1)

    @cached_property
    def _two_quotes_spelled(self) -> bytes:
        return self.strings[0].data.tobytes()

    @cached_property
    def two_names(self) -> Places:
        """Tokens that may end two names of one object, or begin a further one like that which they end first."""
        tokens = self._tokens
        names = [token for token in self.two_quotes if tokens[token].count(b'"') > 3]
        more = [token for token in self.two_quotes if tokens[token].count(b'"') > 2]
        return self._places(names, more)

    @cached_property
    def digits(self) -> Places:
        """Tokens in which a number may begin."""
        first = [token for token in np.sort(self._ids).tolist() if _NUMBER.search(self._tokens[token])]
        later = [token for token in first if _LATER_NUMBER.search(self._tokens[token])]
        return self._places(first, later)

    def ill_begun(self, judges: tuple[Beginnings, ...], begins_well: Callable[[Beginnings, bytes], bool]) -> Places:
        """Tokens with a quote behind which stands what some judge gives up at once."""
        found = self._ill_begun.get(judges)
        if found is None:
            ids = []
            for token in self.quoting:
                rest = self._tokens[token].rpartition(b'"')[2]
                if rest and not all(begins_well(judge, rest) for judge in judges):
                    ids.append(token)
            more = [token for token in ids if self._tokens[token].count(b'"') > 1]
            found = self._ill_begun[judges] = self._places(ids, more)
        return found


def doubtful_tokens(vocabulary: Vocabulary) -> DoubtfulTokens:
    """The lists of a vocabulary."""
    found = _found.get(vocabulary)
    if found is None:
        found = _found[vocabulary] = DoubtfulTokens(vocabulary)
    return found
