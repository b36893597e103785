"""Kinds of tokens that masks within a budget treat alike, told once per vocabulary."""

from __future__ import annotations

import weakref

import numpy as np
import numpy.typing as npt

from structgen.dtypes import TokenMask, n_words
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["OPENINGS", "TokenKinds", "token_kinds"]

OPENINGS = 3
"""Values that an ordinary token can open."""
_found: weakref.WeakKeyDictionary[Vocabulary, TokenKinds] = weakref.WeakKeyDictionary()


class TokenKinds:
    """Masks over one vocabulary."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        quotes = _counts(vocabulary, b'"')
        opens = sum(_counts(vocabulary, byte) for byte in (b"{", b"[", b",")) + (quotes + 1) // 2
        self.most_openings = int(opens.max(initial=0))
        """Values that the bytes of any token can open at most."""
        self.ordinary = _packed(opens <= OPENINGS)
        """Tokens that open at most ``OPENINGS`` values, and those without bytes."""
        self.text = _packed((quotes == 0) & (_counts(vocabulary, b"\\") == 0))
        """Tokens that only prolong a string: no quote and no backslash in them."""


def _counts(vocabulary: Vocabulary, byte: bytes) -> npt.NDArray[np.int64]:
    """(V,) how often ``byte`` stands in each token."""
    until = np.concatenate([[0], np.cumsum(vocabulary.data == ord(byte))])
    return np.diff(until[vocabulary.offsets])


def _packed(flags: npt.NDArray[np.bool_]) -> TokenMask:
    found = np.zeros(n_words(len(flags)) * 32, np.uint8)
    found[: len(flags)] = flags
    return np.packbits(found, bitorder="little").view(np.uint32)


def token_kinds(vocabulary: Vocabulary) -> TokenKinds:
    """The kinds of a vocabulary."""
    found = _found.get(vocabulary)
    if found is None:
        found = _found[vocabulary] = TokenKinds(vocabulary)
    return found
