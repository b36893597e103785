"""Masks by stepping through the vocabulary's trie one byte at a time, dead ends left out.

For grammars whose lexemes collide (see ``automata.grammar.liveness``). It is slower than the
parts that other grammars' masks are put together from: what is new is stepped by the automaton and
checked, once for all bytes that no terminal tells apart.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from structgen.automata.grammar.automaton import GrammarAutomaton, Threads
from structgen.dtypes import TokenMask
from structgen.kernels.exact_walk import DEAD, UNKNOWN, walk_places
from structgen.kernels.grammar_walk import GrammarTrie

__all__ = ["ExactWalk"]

MAX_CELLS = 4 << 20
"""Successors remembered before the memory is emptied."""


class ExactWalk:
    """Steps of an automaton that knows dead ends, remembered byte by byte; not thread-safe."""

    def __init__(self, automaton: GrammarAutomaton, trie: GrammarTrie) -> None:
        self.automaton = automaton
        self._trie = trie
        automaton.lexer.add_all()  # stepping on may ask for new contexts
        self._class_of = automaton.lexer.byte_classes()
        self._n_classes = int(self._class_of.max()) + 1
        self._byte_of = [bytes([int(np.flatnonzero(self._class_of == c)[0])]) for c in range(self._n_classes)]
        self._places = np.zeros(int(trie.depth.max(initial=0)) + 1, np.int32)
        self._forget()

    def _forget(self) -> None:
        self._numbers: dict[Threads, int] = {(): DEAD}
        self._threads: list[Threads] = [()]
        self._rows: npt.NDArray[np.int32] = np.full((64, self._n_classes), UNKNOWN, np.int32)
        self._rows[DEAD] = DEAD

    def _number(self, threads: Threads) -> int:
        known = self._numbers.get(threads)
        if known is None:
            known = self._numbers[threads] = len(self._threads)
            self._threads.append(threads)
            if known == len(self._rows):
                self._rows = np.concatenate([self._rows, np.full_like(self._rows, UNKNOWN)])
        return known

    def add_tokens(self, config: Threads, row: TokenMask) -> None:
        """Allow in ``row`` the tokens that can follow ``config`` and leave something to follow them."""
        if len(self._threads) * self._n_classes > MAX_CELLS:
            self._forget()
        trie, places, class_of = self._trie, self._places, self._class_of
        places[0] = self._number(config)
        node, n = 1, len(trie.byte)
        while True:
            node = walk_places(*trie[:5], class_of, self._rows, places, node, row)
            if node >= n:
                return
            before = int(places[trie.depth[node] - 1])
            of_byte = int(class_of[trie.byte[node]])
            after = self.automaton.advance(self._threads[before], self._byte_of[of_byte])
            self._rows[before, of_byte] = self._number(after)
