"""The tables that kernels read, as NamedTuples of frozen arrays.

A NamedTuple argument costs more per call than its arrays do, so kernels take the arrays
and the NamedTuple is how builders hand them over (``kernel(*trie[:4], ...)``).
"""

from __future__ import annotations

from typing import NamedTuple

from structgen.dtypes import ByteArray, IntArray

__all__ = ["DfaTables", "TrieTables"]


class TrieTables(NamedTuple):
    """A vocabulary as a trie: N nodes in depth-first preorder, children sorted by byte.

    Node 0 is the root. The first child of ``n`` is ``n + 1`` (if ``subtree_end[n] > n + 1``)
    and the sibling after ``n`` is ``subtree_end[n]``, so skipping a dead subtree is one
    load, and a subtree's tokens are one slice of ``token_ids``.
    """

    byte: ByteArray
    """(N,) uint8, the edge into the node; 0 at the root."""
    subtree_end: IntArray
    """(N,) int32, one past the last node of the subtree."""
    depth: IntArray
    """(N,) int32, bytes from the root."""
    token_start: IntArray
    """(N + 1,) int32 offsets into ``token_ids``."""
    token_ids: IntArray
    """(T,) int32, tokens by node, duplicates side by side in ascending order."""

    @property
    def n_nodes(self) -> int:
        return len(self.byte)

    @property
    def max_depth(self) -> int:
        """Bytes of the longest token."""
        return int(self.depth.max())


class DfaTables(NamedTuple):
    """A byte automaton: S states over C byte classes; state 0 is ``DEAD`` and stays there."""

    class_of: ByteArray
    """(256,) uint8, the class of a byte."""
    transitions: IntArray
    """(S, C) int32."""
