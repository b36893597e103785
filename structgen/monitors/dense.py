"""Masks of monitors whose gates may stand anywhere: the token trie walked byte by byte.

Argument counts and SQL hold back bytes in the middle of tokens such as ``x)`` or ``);``,
so tokens are walked with the monitor in hand. A subtree is left alone where no token of
it is allowed any more, and where the monitor has nothing to say and no trigger lies
ahead. Costs tens of microseconds per node visited; with a grammar beside it that is a
few hundred nodes, without one it can be tens of thousands.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from structgen.dtypes import TokenMask
from structgen.masks.machine import Config, TokenMachine
from structgen.monitors.gates import Gate
from structgen.monitors.protocol import Monitor
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["DenseWalk"]

_AHEAD: OrderedDict[tuple[str, bytes], npt.NDArray[np.bool_]] = OrderedDict()


class Narrowing(Protocol):
    """What the walk asks of the product it works for."""

    @property
    def inner(self) -> TokenMachine: ...

    def gates(
        self, monitor: Monitor, inner: Config, state: Any, node: int = 0, row: TokenMask | None = None
    ) -> tuple[Gate, ...]: ...


class DenseWalk:
    """One monitor over one vocabulary's trie."""

    def __init__(self, vocabulary: Vocabulary, monitor: Monitor, product: Narrowing) -> None:
        self.vocabulary = vocabulary
        self.monitor = monitor
        self.product = product
        self._has_trigger = triggers_ahead(vocabulary, monitor.triggers)

    def cut(self, inner: Config, state: Any, row: TokenMask) -> int:
        """Clear in ``row`` the tokens that the gates on their way refuse; returns nodes visited."""
        trie, monitor = self.vocabulary.trie, self.monitor
        bits = np.unpackbits(row.view(np.uint8), bitorder="little")
        alive = np.zeros(len(trie.token_ids) + 1, dtype=np.int64)
        np.cumsum(bits[trie.token_ids], out=alive[1:])
        refused: list[npt.NDArray[np.int32]] = []
        stack: list[tuple[int, Config, Any]] = [(0, inner, state)]
        visited = 0
        while stack:
            node, at, here = stack.pop()
            gates = self.product.gates(monitor, at, here, node, row)
            child, end = node + 1, int(trie.subtree_end[node])
            while child < end:
                after_child = int(trie.subtree_end[child])
                first, last = int(trie.token_start[child]), int(trie.token_start[after_child])
                if alive[first] != alive[last]:
                    visited += 1
                    byte = int(trie.byte[child])
                    if not all(gate.allows(byte) for gate in gates):
                        refused.append(trie.token_ids[first:last])
                    elif after_child > child + 1:
                        data = bytes((byte,))
                        after, after_at = monitor.feed(here, data), self.product.inner.advance_bytes(at, data)
                        if after_at is not None and (self._has_trigger[child] or monitor.pre(after)):
                            stack.append((child, after_at, after))
                child = after_child
        for ids in refused:
            np.bitwise_and.at(row, ids >> 5, ~(np.uint32(1) << (ids & 31).astype(np.uint32)))
        return visited


def triggers_ahead(vocabulary: Vocabulary, triggers: bytes) -> npt.NDArray[np.bool_]:
    """(N,) bool: whether a node's subtree, the node itself left out, has a trigger byte."""
    key = (vocabulary.content_hash, triggers)
    found = _AHEAD.get(key)
    if found is None:
        trie = vocabulary.trie
        counts = np.zeros(trie.n_nodes + 1, dtype=np.int64)
        np.cumsum(np.isin(trie.byte, np.frombuffer(triggers, dtype=np.uint8)), out=counts[1:])
        found = counts[trie.subtree_end] > counts[np.arange(trie.n_nodes) + 1]
        _AHEAD[key] = found
        while len(_AHEAD) > 8:
            _AHEAD.popitem(last=False)
    return found
