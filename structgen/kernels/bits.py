"""Packed words: bit ``t & 31`` of word ``t >> 5`` stands for token id ``t``."""

from __future__ import annotations

import numpy as np

from structgen.kernels.jit import inlined, kernel

__all__ = ["allow", "are_equal", "count_bits", "forbid", "is_allowed", "set_bits", "total"]


@inlined
def allow(token_ids, first, past, mask):  # type: ignore[no-untyped-def]
    """Set the bits of ``token_ids[first:past]`` in ``mask`` (W,) uint32; for walks, whose calls it joins."""
    for index in range(first, past):
        token = np.uint32(token_ids[index])
        mask[token >> np.uint32(5)] |= np.uint32(1) << (token & np.uint32(31))


@inlined
def forbid(token_ids, first, past, mask):  # type: ignore[no-untyped-def]
    """Clear them."""
    for index in range(first, past):
        token = np.uint32(token_ids[index])
        mask[token >> np.uint32(5)] &= ~(np.uint32(1) << (token & np.uint32(31)))


@inlined
def is_allowed(mask, token_id):  # type: ignore[no-untyped-def]
    """Whether a token's bit is set."""
    token = np.uint32(token_id)
    return (mask[token >> np.uint32(5)] >> (token & np.uint32(31))) & np.uint32(1) != 0


@kernel
def set_bits(row, ids):  # type: ignore[no-untyped-def]
    """Set the bits of ``ids`` (n,) int32 in ``row`` (W,) uint32."""
    for index in range(ids.shape[0]):
        token = ids[index]
        row[token >> 5] |= np.uint32(1) << np.uint32(token & 31)


@kernel
def count_bits(row):  # type: ignore[no-untyped-def]
    """How many bits of ``row`` (W,) uint32 are set."""
    total = np.int64(0)
    for index in range(row.shape[0]):
        word = row[index]
        word = word - ((word >> np.uint32(1)) & np.uint32(0x55555555))
        word = (word & np.uint32(0x33333333)) + ((word >> np.uint32(2)) & np.uint32(0x33333333))
        word = (word + (word >> np.uint32(4))) & np.uint32(0x0F0F0F0F)
        word = word + (word >> np.uint32(8))
        word = word + (word >> np.uint32(16))
        total += np.int64(word & np.uint32(0x3F))
    return total


@kernel
def total(row):  # type: ignore[no-untyped-def]
    """The sum of the words of ``row`` (W,) uint32, modulo 2^32."""
    found = np.uint64(0)
    for index in range(row.shape[0]):
        found += np.uint64(row[index])
    return np.uint32(found & np.uint64(0xFFFFFFFF))


@kernel
def are_equal(row, other):  # type: ignore[no-untyped-def]
    """Whether two rows (W,) uint32 are the same; looks at all words, which is faster than to stop at the first."""
    differs = np.uint32(0)
    for index in range(row.shape[0]):
        differs = np.uint32(differs | np.uint32(row[index] ^ other[index]))
    return differs == 0
