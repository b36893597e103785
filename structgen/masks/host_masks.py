"""Masks inside host names: tokens after which no name is to be seen are forbidden.

One walk of a token trie in compiled code (``kernels.hosts``) decides almost all of them. Where it has a question, the
reader of names answers it, and what stands below is walked from there. Most tokens of a vocabulary that can stand in
a name are letters and digits alone, and mostly only their number matters: these are decided by number, and the
walk is one of the others.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

import numpy as np

from structgen.dtypes import TokenMask, n_words
from structgen.kernels import host_rules as H
from structgen.kernels import hosts as K
from structgen.kernels.tables import TrieTables
from structgen.masks.mask import mask_of
from structgen.vocab import trie as tries

if TYPE_CHECKING:
    from structgen.automata.document.hosts import HostReader, HostState
    from structgen.vocab.vocabulary import Vocabulary

__all__ = ["HostMasks"]

Likeness = tuple[bytes, int, int, int, int, int]
_PUNYCODE = b"xn-"
_SMALL = b"0123456789abcdefghijklmnopqrstuvwxyz"
_CAPITALS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
MOST_BRIEF = 24
"""Bytes of the tokens of which it is kept what they come to."""
_ROOM = 8
"""Characters that must be left behind them, so that a label of Punycode can be ended."""
_MOST_KEPT = 256
_known: weakref.WeakKeyDictionary[Vocabulary, HostTokens] = weakref.WeakKeyDictionary()


def likeness(state: HostState, international: bool) -> Likeness | None:
    """What brief tokens can tell of an ASCII name; None where it is not so simple, or there may be too little room."""
    row = state.row
    n = int(row[H.N])
    if international or row[H.PUNYCODE] or row[H.WIDE] or row[H.NAME] or K.is_open(row):
        return None
    if n + MOST_BRIEF >= K.MOST_LABEL or int(row[H.TOTAL]) + n + MOST_BRIEF + _ROOM >= K.MOST_NAME:
        return None
    begun = bytes(state.label[:3].tolist()).lower() if n <= 3 else None
    prefix = begun if begun is not None and _PUNYCODE.startswith(begun) else b"?"
    return prefix, int(row[H.FLAGS]), int(row[H.FIRST]), int(row[H.KINDS]), int(row[H.LAST]), int(row[H.CLASS])


class HostTokens:
    """The tokens of a vocabulary as host names see them."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        tokens, trie = vocabulary.tokens, vocabulary.trie
        order = trie.token_ids
        lengths = np.array([len(token) for token in tokens], np.int64)
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        data = np.frombuffer(b"".join(tokens), np.uint8)
        kind_of = np.zeros(256, np.uint8)
        kind_of[list(_CAPITALS)], kind_of[list(_SMALL)] = 1, 2
        full = order[lengths[order] > 0]
        worst = np.full(len(tokens), 0, np.uint8)
        holding = np.flatnonzero(lengths)
        worst[holding] = np.minimum.reduceat(kind_of[data], offsets[holding])
        is_word = worst[full] > 0
        self.words = full[is_word]
        """(T,) int32, the tokens of letters and digits alone."""
        counts = np.minimum(lengths[self.words], 63)
        self.kinds = (counts + np.where(worst[self.words] == 1, 64, 0)).astype(np.uint8)
        """(T,) uint8: how many letters and digits, and 64 more where capitals are among them."""
        self.longest = int(counts.max(initial=0))
        begins = np.zeros(256, np.bool_)
        begins[list(_SMALL + _CAPITALS + b'-.\\"')] = begins[128:] = True
        may_begin = begins[data[offsets[full]]]
        others = full[~is_word & may_begin]
        is_brief = lengths[others] <= MOST_BRIEF
        self.brief: TrieTables = tries.build(data, offsets, others[is_brief])
        self.lengthy: TrieTables = tries.build(data, offsets, others[~is_brief])
        """The other tokens that can go on with a name."""
        self.kept: dict[tuple[HostReader, Likeness], TokenMask] = {}
        """What is left of the brief ones, by what they can tell of what has been read."""
        self.impossible: TokenMask = ~mask_of(full[~may_begin].tolist(), vocabulary.n_tokens)
        """All tokens but those that cannot stand in a name."""


def _tokens_of(vocabulary: Vocabulary) -> HostTokens:
    found = _known.get(vocabulary)
    if found is None:
        found = _known[vocabulary] = HostTokens(vocabulary)
    return found


class HostMasks:
    """Corrects masks of one vocabulary inside host names."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary

    def cut(self, reader: HostReader, raw: bytes, row: TokenMask) -> None:
        """Forbid content after which, behind ``raw``, no name is to be seen."""
        state = reader.state_of(raw)
        if state is None:
            return
        known = _tokens_of(self._vocabulary)
        verdicts = np.zeros(128, np.bool_)
        registers, label, tail = reader.writable(state, 64)
        if not K.judge_words(registers, label, tail, known.longest, verdicts):
            self._walk(reader, raw, state, self._vocabulary.trie, row)
            return
        row &= known.impossible
        K.forbid_words(known.words, known.kinds, verdicts, row)
        like = likeness(state, reader.international)
        if like is None:
            self._walk(reader, raw, state, known.brief, row)
        else:
            row &= self._kept(reader, raw, state, like)
        self._walk(reader, raw, state, known.lengthy, row)

    def _kept(self, reader: HostReader, raw: bytes, state: HostState, like: Likeness) -> TokenMask:
        """All tokens but the brief ones after which no name is to be seen."""
        known = _tokens_of(self._vocabulary)
        found = known.kept.get((reader, like))
        if found is None:
            if len(known.kept) >= _MOST_KEPT:
                known.kept.clear()
            found = np.full(n_words(self._vocabulary.n_tokens), 0xFFFFFFFF, np.uint32)
            self._walk(reader, raw, state, known.brief, found)
            known.kept[reader, like] = found
        return found

    def _walk(self, reader: HostReader, raw: bytes, state: HostState, trie: TrieTables, row: TokenMask) -> None:
        """The same for the tokens of one trie."""
        depth = self._vocabulary.max_token_bytes
        rows, asked = np.empty((depth + 2, H.WIDTH), np.int64), np.empty(trie.n_nodes, np.int32)
        pending = [(0, state)]
        while pending:
            root, state = pending.pop()
            rows[0], label, tail = reader.writable(state, depth + 1)
            n = K.walk(
                trie.byte, trie.subtree_end, trie.depth, trie.token_start, trie.token_ids, root, rows, label,
                *reader.tables, tail, reader.spare(), reader.international, row, asked,
            )  # fmt: skip
            for node in asked[:n].tolist():
                if node >= 0:
                    found = reader.state_of(raw + self._path(trie, node))
                    if found is not None:
                        pending.append((node, found))
                    else:
                        _forbid(trie, node, int(trie.subtree_end[node]), row)
                elif not reader.may_go_on(raw + self._path(trie, -1 - node)):
                    _forbid(trie, -1 - node, -node, row)

    def _path(self, trie: TrieTables, node: int) -> bytes:
        """The bytes from the root to a node that has tokens below it."""
        return self._vocabulary.tokens[int(trie.token_ids[trie.token_start[node]])][: int(trie.depth[node])]


def _forbid(trie: TrieTables, node: int, end: int, row: TokenMask) -> None:
    """Forbid the tokens of the nodes from ``node`` to ``end``."""
    tokens = trie.token_ids[trie.token_start[node] : trie.token_start[end]]
    np.bitwise_and.at(row, tokens >> 5, ~(np.uint32(1) << (tokens & 31).astype(np.uint32)))
