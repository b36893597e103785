"""Packed token masks, seen from Python.

A mask is (W,) or (B, W) uint32, ``W = ceil(V / 32)``: bit ``t & 31`` of word ``t >> 5``
stands for token id ``t``, 1 is allowed, and bits past V are 0. That is the layout that
xgrammar, llguidance and vLLM use. A word is 32 tokens, so a copy of a mask over 128k
tokens moves 16 KB.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from structgen.dtypes import IntArray, TokenMask, n_words

__all__ = [
    "allowed_ids",
    "check_row",
    "clear_ids",
    "count_allowed",
    "empty_mask",
    "is_allowed",
    "mask_of",
    "set_ids",
    "to_bool",
]


def empty_mask(n_tokens: int, n_rows: int | None = None) -> TokenMask:
    """A mask that allows nothing: (W,), or (n_rows, W) where ``n_rows`` is given."""
    words = n_words(n_tokens)
    return np.zeros(words if n_rows is None else (n_rows, words), dtype=np.uint32)


def mask_of(token_ids: Iterable[int], n_tokens: int) -> TokenMask:
    """The mask that allows just ``token_ids``."""
    row = empty_mask(n_tokens)
    set_ids(row, np.fromiter(token_ids, dtype=np.int32))
    return row


def set_ids(row: TokenMask, token_ids: IntArray) -> None:
    """Allow ``token_ids`` in one row, beside what it allows."""
    np.bitwise_or.at(row, token_ids >> 5, np.uint32(1) << (token_ids & 31).astype(np.uint32))


def clear_ids(row: TokenMask, token_ids: IntArray) -> None:
    """Forbid some tokens in one row."""
    np.bitwise_and.at(row, token_ids >> 5, ~(np.uint32(1) << (token_ids & 31).astype(np.uint32)))


def to_bool(row: TokenMask, n_tokens: int) -> npt.NDArray[np.bool_]:
    """Unpack the last axis: (..., W) uint32 to (..., n_tokens) bool."""
    octets = np.ascontiguousarray(row, dtype="<u4").view(np.uint8)
    return np.unpackbits(octets, axis=-1, count=n_tokens, bitorder="little").view(np.bool_)


def allowed_ids(row: TokenMask, n_tokens: int) -> IntArray:
    """The allowed token ids of one row, ascending."""
    return np.flatnonzero(to_bool(row, n_tokens)).astype(np.int32)


def count_allowed(row: TokenMask) -> int:
    """How many tokens one row allows."""
    return int(np.bitwise_count(row).sum())


def is_allowed(row: TokenMask, token_id: int) -> bool:
    """Whether one row allows ``token_id``."""
    return bool((int(row[token_id >> 5]) >> (token_id & 31)) & 1)


def check_row(row: TokenMask, words: int) -> None:
    """Refuse a row that a machine cannot fill in place.

    Raises
    ------
    TypeError : not a C-contiguous uint32 array
    ValueError : not exactly ``words`` words
    """
    if not isinstance(row, np.ndarray) or row.dtype != np.uint32 or not row.flags.c_contiguous:
        raise TypeError("a mask row is a C-contiguous uint32 array")
    if row.shape != (words,):
        raise ValueError(f"a mask row of this vocabulary has {words} words, not {row.shape}")
