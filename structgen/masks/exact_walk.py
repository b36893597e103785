"""Masks by stepping through the vocabulary's trie one byte at a time, dead ends left out.

For grammars whose lexemes collide (see ``automata.grammar.liveness``). It is slower than the
parts that other grammars' masks are put together from: every byte of the trie is one look-up,
and what is new is stepped by the automaton and checked.
"""

from __future__ import annotations

import numpy as np

from structgen.automata.grammar.automaton import GrammarAutomaton, Threads
from structgen.dtypes import IntArray, TokenMask
from structgen.kernels.grammar_walk import GrammarTrie
from structgen.masks.mask import set_ids

__all__ = ["ExactWalk"]

MAX_ROWS = 20_000
_UNKNOWN, _DEAD = -1, 0


class ExactWalk:
    """Steps of an automaton that knows dead ends, remembered byte by byte; not thread-safe."""

    def __init__(self, automaton: GrammarAutomaton, trie: GrammarTrie) -> None:
        self.automaton = automaton
        self._byte = trie.byte.tolist()
        self._end = trie.subtree_end.tolist()
        self._depth = trie.depth.tolist()
        self._trie = trie
        self._forget()

    def _forget(self) -> None:
        self._numbers: dict[Threads, int] = {(): _DEAD}
        self._threads: list[Threads] = [()]
        self._rows: list[list[int]] = [[_DEAD] * 256]

    def _number(self, threads: Threads) -> int:
        known = self._numbers.get(threads)
        if known is None:
            known = self._numbers[threads] = len(self._threads)
            self._threads.append(threads)
            self._rows.append([_UNKNOWN] * 256)
        return known

    def add_tokens(self, config: Threads, row: TokenMask) -> None:
        """Allow in ``row`` the tokens that can follow ``config`` and leave something to follow them."""
        if len(self._rows) > MAX_ROWS:
            self._forget()
        rows, ends, depths = self._rows, self._end, self._depth
        places = [0] * (max(depths) + 1)
        places[0] = self._number(config)
        first, ids = self._trie.token_start, self._trie.token_ids
        found: list[IntArray] = []
        node, run = 1, -1
        n = len(ends)
        while node < n:
            level = depths[node]
            before = places[level - 1]
            byte = self._byte[node]
            after = rows[before][byte]
            if after < 0:
                after = rows[before][byte] = self._number(self.automaton.advance(self._threads[before], bytes([byte])))
            if after == _DEAD:
                if run >= 0:
                    found.append(ids[first[run] : first[node]])
                    run = -1
                node = ends[node]
                continue
            places[level] = after
            if run < 0:
                run = node
            node += 1
        if run >= 0:
            found.append(ids[first[run] :])
        if found:
            set_ids(row, np.concatenate(found).astype(np.int32))
