"""Masks of argument lists: which tokens are judged, and how, inside calls.

Gates of argument lists may stand anywhere, so a token such as ``x)`` or ``(a, b`` would have
to be walked byte by byte, with a question to the engine at every call that some token
opens: seconds per mask. Instead tokens are kept apart by what happens inside them. An *event* is a
closing parenthesis, or what follows an opening one, a comma or an equals sign. A token
without events behind its first byte is judged by the gate where the text stands. One that
starts with ``(``, ``,`` or ``=`` and has no further events is judged by the gate behind that
byte: one question each. The others are left out, as small lead-ins are: shorter tokens
spell the same text and are judged then. Inside strings and comments only the tokens that
leave them count.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from structgen.dtypes import WORD, TokenMask, freeze
from structgen.masks.mask import set_ids
from structgen.monitors.per_vocabulary import PerVocabulary
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["CallRows", "Head"]

_HEADS = b"(,="
_BLANKS = b" \t\r\n"
_ONE_BLANK = frozenset(_BLANKS[i : i + 1] for i in range(len(_BLANKS)))


class Head(NamedTuple):
    """Tokens that go on behind one of the bytes after which an argument or a value starts."""

    data: bytes
    node: int
    token_id: int
    mask: TokenMask
    others: TokenMask


class CallRows:
    """A vocabulary's tokens by what they do inside argument lists."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        left_out = [i for i, token in enumerate(vocabulary.tokens) if token and has_events(token)]
        outside = [i for i in left_out if has_events(vocabulary.tokens[i], in_call=False)]
        spelled = {byte for i in left_out for byte in vocabulary.tokens[i]}
        self.is_avoidable = bool(vocabulary.single_bytes[list(spelled)].all()) if spelled else True
        """Shorter tokens spell what is left out."""
        self.in_call = _without(vocabulary, left_out)
        self.in_code = _without(vocabulary, outside)
        """Outside calls, where an equals sign starts no argument's value."""
        self.blanks_only = _without(
            vocabulary,
            [i for i, token in enumerate(vocabulary.tokens) if token[:1] in _ONE_BLANK and token.strip(_BLANKS)],
        )
        """For where no further argument may start: a gate of bytes does not see behind blanks."""
        self.in_string = _without(vocabulary, [i for i in left_out if set(vocabulary.tokens[i]) & set(b"'\"")])
        self.in_comment = _without(vocabulary, [i for i in left_out if set(vocabulary.tokens[i]) & set(b"\r\n")])
        self.heads = tuple(head for head in (_head(vocabulary, byte) for byte in _HEADS) if head is not None)

    @staticmethod
    def of(vocabulary: Vocabulary) -> CallRows:
        """The one table for a vocabulary; made at the first time."""
        return _TABLES(vocabulary)


_TABLES = PerVocabulary(CallRows)


def has_events(token: bytes, *, in_call: bool = True) -> bool:
    """Whether something happens that no gate at the token's start, or behind a head at its start, has judged."""
    first = 2 if token[0] in _HEADS else 1
    for i in range(first, len(token)):
        behind = token[:i].rstrip(_BLANKS)
        if token[i] == 0x29 or (behind and behind[-1] in b"(,"):
            return True
        if token[i - 1] == 0x3D and (in_call or b"(" in token[:i]):
            return True
    return False


def _without(vocabulary: Vocabulary, ids: list[int]) -> TokenMask:
    row = np.zeros(vocabulary.n_words, dtype=WORD)
    set_ids(row, np.asarray(ids, dtype=np.int32))
    return freeze(~row, WORD)


def _head(vocabulary: Vocabulary, byte: int) -> Head | None:
    """The trie node behind a byte, where tokens go on from it."""
    trie = vocabulary.trie
    node, end = 1, trie.n_nodes
    while node < end and int(trie.byte[node]) != byte:
        node = int(trie.subtree_end[node])
    if node >= end or int(trie.subtree_end[node]) == node + 1:
        return None
    first = int(trie.token_start[node])
    token_id = int(trie.token_ids[first]) if first < int(trie.token_start[node + 1]) else -1
    ids = trie.token_ids[trie.token_start[node + 1] : trie.token_start[trie.subtree_end[node]]]
    mask = np.zeros(vocabulary.n_words, dtype=WORD)
    set_ids(mask, ids)
    return Head(bytes((byte,)), node, token_id, freeze(mask, WORD), freeze(~mask, WORD))
