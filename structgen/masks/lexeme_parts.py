"""What the tokens do inside one lexeme: worked out once per lexer state, used for every stack.

A part holds no stack, so all contexts and all depths share it; ``kernels.grammar_parts`` says
what is in one, and ``kernels.grammar_mask`` puts masks together from them. This store builds the parts that the
kernel asks for, and keeps them in one pool.

Most lexemes are loops: names, numbers, blanks, comments and strings read most of the
vocabulary without moving. What such a loop reads is kept with the vocabulary (see
``lexeme_runs``), so that another grammar with the same loop starts from it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from structgen.automata.grammar.automaton import GrammarAutomaton
from structgen.dtypes import ByteArray, IntArray, TokenMask
from structgen.kernels import grammar_parts
from structgen.kernels.grammar_walk import GrammarTrie
from structgen.masks.lexeme_runs import LexemeRuns, Loop, loop_of

__all__ = ["GROUP", "HEAVY", "PartStore"]

HEAVY = 1500
"""Trie nodes behind an end of a lexeme from which the next lexeme's masks are kept apart."""
GROUP = 192
"""Trie nodes from which the lexemes that begin there are worth a part of their own."""


class PartStore:
    """Parts by name, for one automaton and one vocabulary.

    ``pool``, ``index``, ``rows`` and ``missing`` are what ``grammar_mask.fill`` reads; fetch
    them anew after ``build``.
    """

    def __init__(self, automaton: GrammarAutomaton, runs: LexemeRuns, *, heavy: int = HEAVY) -> None:
        self.automaton = automaton
        self.trie: GrammarTrie = runs.trie
        self.runs = runs
        self.heavy = heavy
        self.group_size = min(heavy, GROUP)
        # large from the start: the system gives zeroed pages only when they are touched, and growing copies
        self.pool: IntArray = np.zeros(1 << 20, dtype=np.int32)
        self.index: IntArray = np.zeros((1 << 13, 4), dtype=np.int32)
        self.rows: TokenMask = np.zeros((2048, runs.n_words), dtype=np.uint32)
        self.missing: IntArray = np.zeros((64, 3), dtype=np.int32)
        self._n_pool, self._n_index, self._n_rows = 1, 0, 0
        self._lexemes: dict[tuple[bytes, int], int] = {}
        self._loops: dict[int, Loop | None] = {}
        self._firsts: ByteArray | None = None
        self._families = np.zeros(8, dtype=np.int32)
        self._light = np.zeros((1 << 11, 2), dtype=np.int32)
        self._big = np.zeros((1 << 7, 2), dtype=np.int32)
        self._children = tuple(
            np.zeros(shape, dtype=np.int32) for shape in (257, 257, 256, (256, 2), (256, 2), (256, 2))
        )

    def build(self) -> None:
        """Build the parts that the kernel has missed."""
        n = int(self.missing[0, 0])
        for one, two, three in self.missing[1 : n + 1].tolist():
            under_way = np.array([-1 - one], dtype=np.int32)
            offset = self._lexeme(under_way, two) if one < 0 else self._start(one, two, three)
            self._enter(one, two, three, offset)

    def _enter(self, one: int, two: int, three: int, offset: int) -> None:
        if 2 * (self._n_index + 1) > len(self.index):
            old = self.index[self.index[:, 3] != 0]
            self.index = np.zeros((2 * len(self.index), 4), dtype=np.int32)
            for row in old.tolist():
                grammar_parts.insert_part(self.index, *row)
        grammar_parts.insert_part(self.index, one, two, three, offset)
        self._n_index += 1

    def _reserve(self, n_pool: int, n_rows: int) -> None:
        """Room in the pool and among the rows."""
        if self._n_pool + n_pool > len(self.pool):
            self.pool = _longer(self.pool, max(self._n_pool + n_pool, 2 * len(self.pool)))
        if self._n_rows + n_rows > len(self.rows):
            self.rows = _longer(self.rows, max(self._n_rows + n_rows, 2 * len(self.rows)))

    @property
    def firsts(self) -> ByteArray:
        """(256,) uint8: bytes with which some terminal starts."""
        if self._firsts is None:
            automaton = self.automaton
            code = automaton.lexer.context(frozenset(range(automaton.grammar.n_terminals)))
            live = np.zeros(256, dtype=np.uint8)
            for state, _ in automaton.lexer.fork(code):
                if state:
                    live |= (automaton.expanded(state) != 0).astype(np.uint8)
            self._firsts = live
        return self._firsts

    def _lexeme(self, nodes: IntArray, state: int) -> int:
        """The part of lexemes that are in ``state`` after ``nodes`` (the root: under way)."""
        key = (nodes.tobytes(), state)
        known = self._lexemes.get(key)
        if known is None:
            known = self._lexemes[key] = self._build_lexeme(nodes, state)
        return known

    def _build_lexeme(self, nodes: IntArray, state: int) -> int:
        automaton, trie, firsts = self.automaton, self.trie, self.firsts
        root = int(trie.parent[nodes[0]])
        if state not in self._loops:
            self._loops[state] = loop_of(automaton, state)
        loop = self._loops[state]
        run = self.runs.run(nodes, loop) if loop is not None else None
        starts, row = (nodes, self.rows[0]) if run is None else (run.exits, run.row)

        def call(heap: Any, work: Any) -> Any:
            return grammar_parts.build_lexeme(
                heap, work, trie, starts, state, root, run is not None, row, firsts, self.heavy,
                self._families, self.rows, self._n_rows, self._light, self._big, self.pool, self._n_pool,
            )  # fmt: skip

        while True:
            n_pool = 4 + 2 * (len(self._families) + len(self._light) + len(self._big))
            self._reserve(n_pool, len(self._families))
            n_rows, end = automaton.run(call)
            if n_rows >= 0:
                break
            self._families, self._light, self._big = (
                _longer(each, 2 * len(each)) for each in (self._families, self._light, self._big)
            )
        offset, self._n_pool = self._n_pool, int(end)
        self._n_rows += int(n_rows)
        return offset

    def _start(self, node: int, code: int, before: int) -> int:
        """What lexemes begin below ``node`` from start state ``code``; ``before`` as in ``grammar_mask.fill``."""
        trie, least = self.trie, self.group_size
        if before >= 0:
            self.automaton.expanded(before)
        n_groups, n_keywords, n_light, n_forked = self.automaton.run(
            lambda heap, work: grammar_parts.group_children(
                heap, work, trie, node, code, before, least, *self._children
            )
        )
        groups, ends, nodes, keywords, light, forked = self._children
        pairs = np.concatenate([keywords[:n_keywords], light[:n_light], forked[:n_forked]]).reshape(-1)
        bounds, bases = [0, *ends[:n_groups].tolist()], groups[:n_groups].tolist()
        kept = nodes[: bounds[-1]].copy()
        parts = [self._lexeme(kept[bounds[g] : bounds[g + 1]], base) for g, base in enumerate(bases)]
        head = np.array([n_groups, n_keywords, n_light, n_forked, *parts], dtype=np.int32)
        self._reserve(len(head) + len(pairs), 0)
        offset = self._n_pool
        for values in (head, pairs):
            self.pool[self._n_pool : self._n_pool + len(values)] = values
            self._n_pool += len(values)
        return offset


def _longer(array: Any, n: int) -> Any:
    """A copy with ``n`` rows, the new ones zero."""
    longer = np.zeros((n, *array.shape[1:]), dtype=array.dtype)
    longer[: len(array)] = array
    return longer
