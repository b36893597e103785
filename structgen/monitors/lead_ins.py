"""Tokens that open a site inside themselves, such as ``.total`` behind an expression.

They are found once per vocabulary: real vocabularies have thousands of tokens behind a
leading dot and a handful behind anything else. Which of them matter depends on the lexical
state alone, and lexical states recur.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, NamedTuple

import numpy as np

from structgen.dtypes import WORD, TokenMask, freeze
from structgen.monitors.per_vocabulary import PerVocabulary
from structgen.monitors.protocol import Monitor
from structgen.monitors.sites import is_identifier_byte
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["LeadIn", "LeadIns", "Opening", "lead_ins"]

MOST_OPENINGS = 1024


class LeadIn(NamedTuple):
    """A trie node inside tokens, where a trigger has just been read and the token goes on."""

    node: int
    data: bytes
    """Bytes from the root to the node."""
    token_id: int
    """A token of just these bytes; -1 where there is none."""
    n_tokens: int
    mask: TokenMask
    """Bits of the tokens that go on from here."""
    others: TokenMask
    """Its complement."""
    word: int
    """A word of ``mask`` with many bits: mostly one look at it tells that the row has some of the tokens."""
    is_avoidable: bool
    """Every byte of those tokens is a token of its own, so shorter tokens spell them."""


class Opening(NamedTuple):
    """What of a vocabulary's lead-ins matters in one lexical state."""

    kept: TokenMask | None
    """Clears the tokens behind small, avoidable lead-ins; None where there are none."""
    groups: tuple[LeadIn, ...]


def lead_ins(vocabulary: Vocabulary, triggers: bytes) -> tuple[LeadIn, ...]:
    """The trie nodes below which tokens run on past a trigger, in preorder."""
    trie = vocabulary.trie
    found = []
    wanted = np.isin(trie.byte, np.frombuffer(triggers, dtype=np.uint8))
    wanted[0] = False
    for node in np.flatnonzero(wanted & (trie.subtree_end > np.arange(trie.n_nodes) + 1)).tolist():
        ids = trie.token_ids[trie.token_start[node + 1] : trie.token_start[trie.subtree_end[node]]]
        # Behind its first dot a token is judged whole; a later one matters where a name follows ("....").
        data = vocabulary.token_bytes(int(ids[0]))[: int(trie.depth[node])]
        goes_on = any(map(is_identifier_byte, _child_bytes(vocabulary, node)))
        if data.endswith(b".") and b"." in data[:-1] and not goes_on:
            continue
        mask = np.zeros(vocabulary.n_words, dtype=WORD)
        np.bitwise_or.at(mask, ids >> 5, np.uint32(1) << (ids & 31).astype(np.uint32))
        spelled = {byte for t in ids.tolist() for byte in vocabulary.token_bytes(t)}
        avoidable = bool(vocabulary.single_bytes[list(spelled)].all())
        found.append(
            LeadIn(
                node,
                data,
                _token_at(vocabulary, node),
                len(ids),
                freeze(mask, WORD),
                freeze(~mask, WORD),
                int(np.bitwise_count(mask).argmax()),
                avoidable,
            )
        )
    return tuple(found)


class LeadIns:
    """A vocabulary's lead-ins for some triggers, and which of them matter in which lexical state.

    Shared by all machines over the vocabulary: the states of one language recur.
    """

    def __init__(self, vocabulary: Vocabulary, triggers: bytes) -> None:
        self.groups = lead_ins(vocabulary, triggers)
        self._n_words = vocabulary.n_words
        self._openings: dict[tuple[str, int, Hashable], Opening] = {}

    @staticmethod
    def of(vocabulary: Vocabulary, triggers: bytes) -> LeadIns:
        """The one table for these; made at the first time."""
        return _TABLES(vocabulary, triggers)

    def opening(self, monitor: Monitor, state: Any, min_group: int) -> Opening:
        """The lead-ins that lexically open a site from here, split by size."""
        key = (monitor.name, min_group, monitor.lexical_key(state))
        found = self._openings.get(key)
        if found is None:
            opened = [group for group in self.groups if monitor.may_open(monitor.feed(state, group.data))]
            large = []
            left_out = np.zeros(self._n_words, dtype=WORD)
            for group in opened:
                if group.n_tokens >= min_group or not group.is_avoidable:
                    large.append(group)
                else:
                    left_out |= group.mask
            found = Opening(freeze(~left_out, WORD) if left_out.any() else None, tuple(large))
            if len(self._openings) >= MOST_OPENINGS:
                self._openings.clear()
            self._openings[key] = found
        return found


def _token_at(vocabulary: Vocabulary, node: int) -> int:
    trie = vocabulary.trie
    first = int(trie.token_start[node])
    return int(trie.token_ids[first]) if first < int(trie.token_start[node + 1]) else -1


def _child_bytes(vocabulary: Vocabulary, node: int) -> bytes:
    trie = vocabulary.trie
    child, end = node + 1, int(trie.subtree_end[node])
    found = bytearray()
    while child < end:
        found.append(int(trie.byte[child]))
        child = int(trie.subtree_end[child])
    return bytes(found)


_TABLES = PerVocabulary(LeadIns)
