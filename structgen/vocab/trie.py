"""The Python face of the trie builder."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from structgen.dtypes import ByteArray, IntArray, freeze
from structgen.kernels.tables import TrieTables

__all__ = ["build", "roots", "sorted_by_bytes"]


def sorted_by_bytes(tokens: list[bytes], keep: list[int]) -> IntArray:
    """The ids of ``keep``, ordered by their bytes and then by id."""
    ordered = sorted(keep)
    ordered.sort(key=tokens.__getitem__)
    return freeze(ordered, np.int32)


def build(data: ByteArray, offsets: npt.NDArray[np.int64], order: IntArray) -> TrieTables:
    """The trie of the tokens ``order`` lists; costs one pass over their bytes.

    Parameters
    ----------
    data : (bytes,) uint8, all tokens end to end
    offsets : (V + 1,) int64 into ``data``
    order : (T,) int32, ids with at least one byte, sorted by bytes and then by id
    """
    from structgen.kernels.trie import build_trie

    if not len(order):
        root = freeze([0], np.int32)
        return TrieTables(freeze([0], np.uint8), freeze([1], np.int32), root, freeze([0, 0], np.int32), root[:0])
    worst = 1 + int((offsets[order + 1] - offsets[order]).sum())
    byte = np.zeros(worst, dtype=np.uint8)
    subtree_end = np.zeros(worst, dtype=np.int32)
    depth = np.zeros(worst, dtype=np.int32)
    token_start = np.zeros(worst + 1, dtype=np.int32)
    token_ids = np.zeros(len(order), dtype=np.int32)
    n = build_trie(
        freeze(data, np.uint8), freeze(offsets, np.int64), freeze(order, np.int32),
        byte, subtree_end, depth, token_start, token_ids,
    )  # fmt: skip
    return TrieTables(
        freeze(byte[:n].copy(), np.uint8),
        freeze(subtree_end[:n].copy(), np.int32),
        freeze(depth[:n].copy(), np.int32),
        freeze(token_start[: n + 1].copy(), np.int32),
        freeze(token_ids, np.int32),
    )


def roots(trie: TrieTables) -> IntArray:
    """(256,) int32, the child of the root by each byte; 0 where no token begins with it."""
    nodes = np.flatnonzero(trie.depth == 1)
    found = np.zeros(256, np.int32)
    found[trie.byte[nodes]] = nodes
    return freeze(found, np.int32)
