"""Names and a vocabulary's trie, laid out for ``kernels.names``.

A set of names is the answer's own bytes: nearly all of them serve one place and are
dropped, so nothing is sorted or indexed. What depends on the vocabulary alone is kept:
which tokens are blanks before a name, and at which trie nodes a name may start after them.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from structgen.dtypes import WORD, IntArray, TokenMask, freeze
from structgen.errors import VocabularyError
from structgen.monitors.per_vocabulary import PerVocabulary
from structgen.monitors.sites import IDENTIFIER_BYTES
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["IS_IDENTIFIER", "NOT_IDENTIFIER", "NameSet", "NameTables", "as_array"]

MOST_ROWS = 256
"""Masks kept per vocabulary, 16 KiB each for one of 128k."""

NOT_IDENTIFIER = frozenset(range(256)) - frozenset(IDENTIFIER_BYTES)


def _is_identifier() -> npt.NDArray[np.bool_]:
    table = np.zeros(256, dtype=np.bool_)
    table[list(IDENTIFIER_BYTES)] = True
    table.flags.writeable = False
    return table


IS_IDENTIFIER = _is_identifier()
"""(256,) bool."""
_NOTHING = freeze(np.zeros(0, dtype=np.uint8), np.uint8)


def as_array(data: bytes) -> npt.NDArray[np.uint8]:
    """Bytes as kernels take them."""
    return np.frombuffer(data, dtype=np.uint8) if data else _NOTHING


class NameSet:
    """Identifiers as byte strings, in no order."""

    __slots__ = ("_text", "data", "n_names")

    def __init__(self, names: Iterable[str]) -> None:
        # Names start with a letter or underscore, or a mark: no zero byte is in one. Twice is no harm.
        listed = tuple(names)
        self.n_names = len(listed)
        self._text = ("\0" + "\0".join(listed) + "\0").encode() if listed else b"\0"
        self.data: npt.NDArray[np.uint8] = as_array(self._text)[1:]
        """(bytes,) uint8, each name followed by a zero byte."""

    @property
    def names(self) -> list[bytes]:
        """As they lie in ``data``."""
        return self._text[1:].split(b"\0")[:-1]

    def has_prefix(self, typed: bytes) -> bool:
        """Whether some name starts with ``typed``."""
        return b"\0" + typed in self._text if typed else self.n_names > 0

    def __contains__(self, name: bytes) -> bool:
        return b"\0" + name + b"\0" in self._text if name else False

    def __len__(self) -> int:
        return self.n_names

    def __repr__(self) -> str:
        return f"NameSet({self.n_names} names)"


class NameTables:
    """What gates need of one vocabulary; shared by all machines over it."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        from structgen.kernels.names import MOST_TWINS, RECORD, add_names, cut_names, find_allowed, pack_trie

        # Kernels load Numba, so they are fetched here, and once.
        self.add_names, self.cut_names, self.find_allowed = add_names, cut_names, find_allowed
        self.vocabulary = vocabulary
        trie = vocabulary.trie
        most = int(np.diff(trie.token_start).max(initial=0))
        if most > MOST_TWINS:
            raise VocabularyError(f"monitors read at most {MOST_TWINS:,} tokens of the same bytes, not {most:,}")
        packed = np.zeros(RECORD * trie.n_nodes + len(trie.token_ids), dtype=np.int32)
        place = np.zeros(trie.n_nodes, dtype=np.int32)
        pack_trie(trie.byte, trie.subtree_end, trie.token_start, trie.token_ids, IS_IDENTIFIER, place, packed)
        self.trie: IntArray = freeze(packed, np.int32)
        """As ``kernels.names`` reads it."""
        self.place: IntArray = freeze(place, np.int32)
        """(N,) int32, where in it each node of the vocabulary's trie is."""
        self._before: dict[tuple[int, bytes, bytes, bool], tuple[IntArray, TokenMask]] = {}
        self._after: dict[tuple[int, frozenset[int]], TokenMask] = {}

    @staticmethod
    def of(vocabulary: Vocabulary) -> NameTables:
        """The one table for a vocabulary; made at the first time."""
        return _TABLES(vocabulary)

    def before(self, node: int, blanks: bytes, lifts: bytes, *, is_complete: bool) -> tuple[IntArray, TokenMask]:
        """The places at and below ``node`` where a name may start, and the tokens that are allowed whatever the names.

        These are blanks, all behind a byte of ``lifts``, and where the name ``is_complete``
        already all that start with a byte that ends it.
        """
        key = (node, blanks, lifts, is_complete)
        found = self._before.get(key)
        if found is None:
            if len(self._before) >= MOST_ROWS:
                self._before.clear()
            found = self._before[key] = self._find_before(node, frozenset(blanks), frozenset(lifts), is_complete)
        return found

    def _find_before(
        self, node: int, blanks: frozenset[int], lifts: frozenset[int], is_complete: bool
    ) -> tuple[IntArray, TokenMask]:
        trie = self.vocabulary.trie
        row = np.zeros(self.vocabulary.n_words, dtype=WORD)
        starts, todo = [], [node]
        while todo:
            at = todo.pop()
            children = list(self._children(at))
            if at == node or any(IS_IDENTIFIER[byte] for _, byte in children):
                starts.append(at)
            for child, byte in children:
                if byte in lifts or (is_complete and byte in NOT_IDENTIFIER):
                    self._set(child, int(trie.subtree_end[child]), row)
                elif byte in blanks:
                    self._set(child, child + 1, row)
                    todo.append(child)
        return freeze(self.place[sorted(starts)], np.int32), freeze(row, WORD)

    def after(self, node: int, allowed: frozenset[int]) -> TokenMask:
        """Tokens below ``node`` whose next byte is one of ``allowed``."""
        key = (node, allowed)
        row = self._after.get(key)
        if row is None:
            row = np.zeros(self.vocabulary.n_words, dtype=WORD)
            for child, byte in self._children(node):
                if byte in allowed:
                    self._set(child, int(self.vocabulary.trie.subtree_end[child]), row)
            if len(self._after) >= MOST_ROWS:
                self._after.clear()
            row = self._after[key] = freeze(row, WORD)
        return row

    def _children(self, node: int) -> Iterable[tuple[int, int]]:
        trie = self.vocabulary.trie
        child, end = node + 1, int(trie.subtree_end[node])
        while child < end:
            yield child, int(trie.byte[child])
            child = int(trie.subtree_end[child])

    def _set(self, first: int, last: int, row: TokenMask) -> None:
        trie = self.vocabulary.trie
        ids = trie.token_ids[trie.token_start[first] : trie.token_start[last]]
        np.bitwise_or.at(row, ids >> 5, np.uint32(1) << (ids & 31).astype(np.uint32))


_TABLES = PerVocabulary(NameTables)
