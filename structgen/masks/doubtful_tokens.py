"""Tokens of a vocabulary about which masks with judges must ask, computed once per vocabulary."""

from __future__ import annotations

import re
import weakref
from collections.abc import Callable
from functools import cached_property

import numpy as np
import numpy.typing as npt

from structgen.ir.document import Beginnings
from structgen.masks.string_body import string_body
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["DoubtfulTokens", "doubtful_tokens"]

_NUMBER = re.compile(rb"(?:^|[][{}:,\s])\s*-?[0-9]")
_LATER_NUMBER = re.compile(rb"[][{}:,\s]\s*-?[0-9]")
Places = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
"""Token ids: those to ask about between lexemes, and those to ask about within one, which they end first."""
_found: weakref.WeakKeyDictionary[Vocabulary, DoubtfulTokens] = weakref.WeakKeyDictionary()


class DoubtfulTokens:
    """Lists of token ids, each made when first asked for."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._tokens = vocabulary.tokens
        self._ids = vocabulary.trie.token_ids
        self._body = string_body(vocabulary)
        self._ill_begun: dict[tuple[Beginnings, ...], Places] = {}

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
        return np.array(self.two_quotes, np.int64), np.array(more, np.int64)

    @cached_property
    def two_names(self) -> Places:
        """Tokens that may end two names of one object, or begin a further one like that which they end first."""
        tokens = self._tokens
        names = [token for token in self.two_quotes if tokens[token].count(b'"') > 3]
        more = [token for token in self.two_quotes if tokens[token].count(b'"') > 2]
        return np.array(names, np.int64), np.array(more, np.int64)

    @cached_property
    def digits(self) -> Places:
        """Tokens in which a number may begin."""
        first = [token for token in np.sort(self._ids).tolist() if _NUMBER.search(self._tokens[token])]
        later = [token for token in first if _LATER_NUMBER.search(self._tokens[token])]
        return np.array(first, np.int64), np.array(later, np.int64)

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
            found = self._ill_begun[judges] = np.array(ids, np.int64), np.array(more, np.int64)
        return found


def doubtful_tokens(vocabulary: Vocabulary) -> DoubtfulTokens:
    """The lists of a vocabulary."""
    found = _found.get(vocabulary)
    if found is None:
        found = _found[vocabulary] = DoubtfulTokens(vocabulary)
    return found
