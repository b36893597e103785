"""A vocabulary seen from inside a JSON string, computed once per vocabulary.

Nearly half of all masks are taken inside a string where any text may follow. Their tokens
come in two kinds: those that are content alone, the same for every schema, and those that
close the string and go on. The latter are grouped by what stands after the quote; there are a
few hundred such suffixes, so one short walk over *suffixes* from the state after the quote
decides thousands of tokens.
"""

from __future__ import annotations

import json
import re
import weakref
from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from structgen.dtypes import TokenMask, n_words
from structgen.kernels import string_tokens as K
from structgen.kernels.content_run import WORDS, characters_below
from structgen.kernels.jit import direct
from structgen.kernels.tables import TrieTables
from structgen.masks.closing_texts import ClosingTexts
from structgen.masks.mask import mask_of
from structgen.masks.tokens_by_length import TokensByLength
from structgen.vocab import trie as tries
from structgen.vocab.vocabulary import Vocabulary

if TYPE_CHECKING:
    from structgen.automata.document.arena import Arena
    from structgen.ir.beginnings import Beginnings
    from structgen.masks.content_runs import Plan, Run
    from structgen.masks.fixed_content import FixedContents

__all__ = ["StringBody", "string_body"]

NO_LIMIT = 2**30
MOST_NAMES = 1 << 14
MOST_TEXTS = 256
"""Masks of free text remembered per vocabulary."""
_ESCAPED = frozenset(b'"\\/\b\f\n\r\t')
"""Bytes that a token can spell by a short escape."""
_QUOTED = re.compile(rb'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_NUMBERED_NAME = re.compile(rb'(?:^|[{,])[ \t\r\n]*"[^"]*\\u', re.DOTALL)
_FIRST_NAME = re.compile(rb'(?:^|[\[:,\s])\{[ \t\r\n]*"(?!\\?$)', re.DOTALL)
_NAME = re.compile(rb'[ \t\r\n]*"([^"]+)', re.DOTALL)
_FURTHER_NAME = re.compile(rb',[ \t\r\n]*"([^"])', re.DOTALL)
_FURTHER_TEXT = re.compile(rb',[ \t\r\n]*"((?:[^"\\]|\\.)*)(\\?\Z|"\Z|"[ \t\r\n]*(?::|\Z))', re.DOTALL)
_VALUE = re.compile(rb"[ \t\r\n]*:[ \t\r\n]*[^ \t\r\n]")
"""What a token holds behind the quote of a name if it goes on into the value."""
_bodies: weakref.WeakKeyDictionary[Vocabulary, StringBody] = weakref.WeakKeyDictionary()


class StringBody:
    """Content masks by length, and the tokens that close a string grouped by suffix."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        tokens = [b"" if i in vocabulary.special_ids else token for i, token in enumerate(vocabulary.tokens)]
        self.lengths = np.array([len(token) for token in tokens], np.int32)
        start = np.concatenate([[0], np.cumsum(self.lengths)]).astype(np.int32)
        data = np.frombuffer(b"".join(tokens), np.uint8)
        n = len(tokens)
        self.quote = np.empty(n, np.int32)
        self.characters = np.empty(n, np.int32)
        K.split_at_quote(data, start, self.quote, self.characters)
        ordinary = np.zeros(n, np.bool_)
        ordinary[vocabulary.trie.token_ids] = True
        self.quote[~ordinary] = K.INVALID
        closing = np.flatnonzero((self.quote >= 0) & (self.quote < self.lengths))
        groups = self._group_by_suffix(tokens, closing)
        self.most_characters = int(self.characters.max(initial=0))
        self.n_words = n_words(n)
        content = np.flatnonzero((self.quote == self.lengths) & (self.lengths > 0))
        self._content = TokensByLength.of(content, self.characters[content])
        self._texts: dict[bytes, TokenMask] = {}
        self.vocabulary_trie = vocabulary.trie
        self.max_depth = vocabulary.trie.max_depth
        self.weights = np.bincount(vocabulary.trie.byte[1:], minlength=256)
        """(256,) int64: trie nodes by the byte of their edge."""
        self.closing: TrieTables = tries.build(
            data, start.astype(np.int64), tries.sorted_by_bytes(tokens, closing.tolist())
        )
        """The tokens that close a string, as a trie of their own."""
        self.roots, self.closing_roots = vocabulary.roots, tries.roots(self.closing)
        """(256,) int32: the children of the roots of both by byte."""
        self.runs: dict[tuple[int, bytes, bytes], Run] = {}
        self.plans: weakref.WeakKeyDictionary[Arena, dict[tuple[int, int], Plan]] = weakref.WeakKeyDictionary()
        """What ``content_runs`` remembers."""
        self.spare: list[tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]] = []
        """Scratch of its, two numbers per trie node; as many are kept as threads have asked at once."""
        self.kinds: dict[Beginnings, list[tuple[int, npt.NDArray[np.int64]]]] = {}
        """What ``kept_masks`` remembers: tokens of content alone, and what of each a judge of beginnings looks at."""
        text_of = {token: tokens[token][: self.quote[token]] for token in closing.tolist()}
        self.has_late_quotes = any(b"\\u" in text for text in text_of.values())
        """Whether some token closes a string after an escape by number."""
        self.closing_texts = frozenset(text_of.values()) - {b""}
        """What stands before the closing quote in tokens that have content, as it is written."""
        into_values = (group for suffix, group in zip(self.suffixes, groups, strict=True) if _VALUE.match(suffix))
        self.into_values = frozenset(_decoded(text_of[token]) for group in into_values for token in group)
        """What stands before the closing quote in tokens that hold a name's colon, and of its value some; decoded."""
        self.texts = ClosingTexts({token: _decoded(text) for token, text in text_of.items()}, self.suffix_of)
        """What stands before the closing quote in tokens, decoded; not right where quotes come late."""
        self.not_closing_at_once = ~mask_of(self.at_once_tokens.tolist(), n)
        """All tokens but those that begin with the closing quote."""
        self.quoted = quoted_texts(tokens)
        """Names that some token holds between quotes."""
        self.begins_name = frozenset(match for token in tokens for match in _FURTHER_NAME.findall(token)) - {b"\\"}
        """Bytes with which tokens begin a further name of an object open before; backslashes apart."""
        self.opens_name = any(map(_FIRST_NAME.search, tokens))
        """Whether some token opens an object and goes on into its first name."""
        self.further = further_texts(tokens)
        """Names that tokens begin behind a comma (``further_texts``)."""
        self.most_items = max(map(_separators, tokens), default=0) + 2
        """More items than any token can end and begin in one array."""
        self.begins_by_number = any(map(_NUMBERED_NAME.search, tokens))
        """Whether some token begins a string with an escape by number, which may break off in any of its digits."""
        self._begun = _begun_texts(tokens)
        self._begun_of: dict[bytes, frozenset[bytes]] = {}
        self.fixed: weakref.WeakKeyDictionary[Arena, FixedContents] = weakref.WeakKeyDictionary()
        """What ``content_masks`` remembers."""

    def _group_by_suffix(self, tokens: list[bytes], closing: npt.NDArray[np.int64]) -> list[list[int]]:
        """Group tokens that close a string by what stands after the quote, in the order of ``suffixes``."""
        by_suffix: dict[bytes, list[int]] = {}
        for token in closing.tolist():
            by_suffix.setdefault(tokens[token][self.quote[token] + 1 :], []).append(token)
        self.suffixes = sorted(by_suffix)
        groups = [by_suffix[suffix] for suffix in self.suffixes]
        self.group_start = np.concatenate([[0], np.cumsum([len(group) for group in groups])]).astype(np.int32)
        self.group_tokens = np.array([token for group in groups for token in group], np.int32)
        at_once = [[token for token in group if self.quote[token] == 0] for group in groups]
        self.at_once_start = np.concatenate([[0], np.cumsum([len(group) for group in at_once])]).astype(np.int32)
        self.at_once_tokens = np.array([token for group in at_once for token in group], np.int32)
        self.suffix_of = np.full(len(tokens), -1, np.int32)
        self.suffix_of[self.group_tokens] = np.repeat(np.arange(len(groups)), np.diff(self.group_start))
        self.empty_suffix = self.suffixes.index(b"") if b"" in by_suffix else -1
        ends = np.concatenate([[0], np.cumsum([len(suffix) for suffix in self.suffixes])]).astype(np.int64)
        kept = [index for index, suffix in enumerate(self.suffixes) if suffix]
        joined = np.frombuffer(b"".join(self.suffixes), np.uint8)
        self.trie: TrieTables = tries.build(joined, ends, tries.sorted_by_bytes(self.suffixes, kept))
        return groups

    @cached_property
    def below(self) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """What characters stand below and before each node of the vocabulary's trie (``kernels.content_run``)."""
        trie = self.vocabulary_trie
        below = np.zeros((len(trie.byte), WORDS), np.uint64)
        until, of_token = np.zeros(len(trie.byte), np.int32), np.zeros(len(trie.token_ids), np.int32)
        characters_below(*trie[:4], self.max_depth, below, until, of_token)
        return below, until, of_token

    @cached_property
    def pairs(self) -> npt.NDArray[np.int32]:
        """(65536,): the nodes at depth 2 of the vocabulary's trie by their two bytes, 0 where there is none."""
        trie = self.vocabulary_trie
        firsts, seconds = (np.flatnonzero(trie.depth[: trie.n_nodes] == depth) for depth in (1, 2))
        parents = firsts[np.searchsorted(firsts, seconds) - 1]
        found = np.zeros(1 << 16, np.int32)
        found[trie.byte[parents].astype(np.int64) << 8 | trie.byte[seconds]] = seconds
        return found

    def is_spelled(self, rest: bytes) -> bool:
        """Whether some token may hold ``rest``, what is left of a constant, and the quote after it."""
        if not rest or rest in self.closing_texts:
            return True
        return self.has_late_quotes or not _ESCAPED.isdisjoint(rest)

    def reaches_value(self, rest: bytes) -> bool:
        """Whether some token may hold ``rest``, what is left of a name, and some of the value under it."""
        if not rest or rest in self.into_values:
            return True
        return self.has_late_quotes or not _ESCAPED.isdisjoint(rest)

    def begun_of(self, name: bytes) -> frozenset[bytes]:
        """The texts, of those that tokens begin a string with, with which ``name`` begins; remembered."""
        found = self._begun_of.get(name)
        if found is None:
            if len(self._begun_of) >= MOST_NAMES:
                self._begun_of.clear()
            longest = range(1, min(len(name), self.max_depth) + 1)
            found = self._begun_of[name] = frozenset(name[:n] for n in longest) & self._begun
        return found

    def content(self, most: int) -> TokenMask:
        """Tokens that are content alone and add at most ``most`` characters; read-only."""
        return self._content.content(most, self.n_words)

    def content_between(self, least: int, most: int) -> npt.NDArray[np.int32]:
        """Tokens that are content alone and add more than ``least`` characters, and at most ``most``."""
        return self._content.between(least, most)

    def allow(self, suffixes: npt.NDArray[np.uint32], least: int, most: int, row: TokenMask) -> None:
        """Allow, in ``row``, the closing tokens of the allowed suffixes."""
        direct(K.allow_groups)(suffixes, self.group_start, self.group_tokens, self.characters, least, most, row)

    def allow_at_once(self, suffixes: npt.NDArray[np.uint32], row: TokenMask) -> None:
        """Allow, in ``row``, the tokens that begin with the closing quote, of the allowed suffixes."""
        direct(K.allow_groups)(suffixes, self.at_once_start, self.at_once_tokens, self.characters, 0, 0, row)

    def text(self, suffixes: npt.NDArray[np.uint32] | None) -> TokenMask:
        """Inside free text of any length, where the allowed suffixes may follow; read-only, remembered."""
        key = b"" if suffixes is None else suffixes.tobytes()
        found = self._texts.get(key)
        if found is None:
            found = self.content(NO_LIMIT)
            if suffixes is not None:
                found = found.copy()
                self.allow(suffixes, 0, NO_LIMIT, found)
                found.flags.writeable = False
            if len(self._texts) >= MOST_TEXTS:
                self._texts.clear()
            self._texts[key] = found
        return found


def quoted_texts(tokens: Iterable[bytes]) -> frozenset[bytes]:
    """What stands between the first two quotes of tokens, decoded."""
    found = set()
    for token in tokens:
        match = _QUOTED.search(token) if token.count(b'"') > 1 else None
        if match is not None:
            found.add(_decoded(match[1]))
    return frozenset(found)


def further_texts(tokens: Iterable[bytes]) -> tuple[tuple[bytes, int], ...]:
    """Names that tokens begin behind a comma, as far as they are spelled; 1 if a quote ends them, 2 if more follows.

    What can be no name, for neither blanks nor a colon follow, is left out.
    """
    found = set()
    for token in tokens:
        if b'"' in token and b"," in token:
            for match in _FURTHER_TEXT.finditer(token):
                ended = 0 if match[2][:1] != b'"' else min(len(match[2]), 2)
                found.add((_decoded(match[1]), ended))
    return tuple(sorted(found - {(b"", 0)}))


def _separators(token: bytes) -> int:
    """Commas that may stand between items, at the most: two of them have something between."""
    parts = token.split(b",")
    return 0 if len(parts) == 1 else 1 + sum(1 for part in parts[1:-1] if part.strip(b" \t\r\n"))


def _begun_texts(tokens: Iterable[bytes]) -> frozenset[bytes]:
    """What stands behind the quote in tokens that begin with it, decoded; escapes broken off left out."""
    found = set()
    for token in tokens:
        match = _NAME.match(token)
        if match is not None:
            text = match[1]
            if (len(text) - len(text.rstrip(b"\\"))) % 2:
                text = text[:-1]
            found.add(_decoded(text))
    return frozenset(found) - {b""}


def _decoded(text: bytes) -> bytes:
    if b"\\" not in text:
        return text
    try:
        return str(json.loads(b'"' + text + b'"', strict=False)).encode("utf-8", "surrogatepass")
    except ValueError:
        return text


def string_body(vocabulary: Vocabulary) -> StringBody:
    """The vocabulary's view from inside a string; computed at the first call."""
    found = _bodies.get(vocabulary)
    if found is None:
        found = _bodies[vocabulary] = StringBody(vocabulary)
    return found
