"""What the tokens do inside one lexeme: worked out once per lexer state, used for every stack.

A part holds no stack, so all contexts and all depths share it; ``kernels.grammar_mask`` says
what is in one and puts masks together from them. This store builds the parts that the
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
from structgen.kernels import grammar_mask
from structgen.kernels.grammar_walk import GrammarTrie
from structgen.masks.lexeme_runs import LexemeRuns

__all__ = ["GROUP", "HEAVY", "PartStore"]

HEAVY = 1500
"""Trie nodes behind an end of a lexeme from which the next lexeme's masks are kept apart."""
GROUP = 192
"""Trie nodes from which the lexemes that begin there are worth a part of their own."""
MOST_HELD = 4096


class PartStore:
    """Parts by name, for one automaton and one vocabulary.

    ``pool``, ``index``, ``rows`` and ``missing`` are what ``grammar_mask.fill`` reads; fetch
    them anew after ``build``.
    """

    def __init__(self, automaton: GrammarAutomaton, runs: LexemeRuns, *, heavy: int = HEAVY) -> None:
        self.automaton = automaton
        self.trie: GrammarTrie = runs.trie
        self.runs = runs
        self.n_words = runs.n_words
        self.heavy = heavy
        self.group_size = min(heavy, GROUP)
        self.pool: IntArray = np.zeros(1 << 14, dtype=np.int32)
        self.index: IntArray = np.zeros((256, 4), dtype=np.int32)
        self.rows: TokenMask = np.zeros((8, self.n_words), dtype=np.uint32)
        self.missing: IntArray = np.zeros((64, 3), dtype=np.int32)
        self._n_pool, self._n_index, self._n_rows = 1, 0, 0
        self._groups: dict[tuple[bytes, int], int] = {}
        self._starts: dict[tuple[int, int, bytes], int] = {}
        self._firsts: ByteArray | None = None

    def build(self) -> None:
        """Build the parts that the kernel has missed."""
        n = int(self.missing[0, 0])
        for one, two, three in self.missing[1 : n + 1].tolist():
            if one < 0:
                none = np.zeros(1, dtype=np.int32)
                offset = self._lexeme(none, two, whole=True)
            else:
                offset = self._start(one, two, three)
            self._enter(one, two, three, offset)

    def _enter(self, one: int, two: int, three: int, offset: int) -> None:
        if 2 * (self._n_index + 1) > len(self.index):
            old = self.index[self.index[:, 3] != 0]
            self.index = np.zeros((2 * len(self.index), 4), dtype=np.int32)
            for row in old.tolist():
                grammar_mask.insert_part(self.index, *row)
        grammar_mask.insert_part(self.index, one, two, three, offset)
        self._n_index += 1

    def _write(self, *values: Any) -> int:
        """Append to the pool; returns the offset."""
        flat = np.concatenate([np.asarray(value, dtype=np.int32).reshape(-1) for value in values])
        offset, end = self._n_pool, self._n_pool + len(flat)
        if end > len(self.pool):
            bigger = np.zeros(max(end, 2 * len(self.pool)), dtype=np.int32)
            bigger[:offset] = self.pool[:offset]
            self.pool = bigger
        self.pool[offset:end] = flat
        self._n_pool = end
        return offset

    def _keep_rows(self, rows: TokenMask) -> range:
        first, end = self._n_rows, self._n_rows + len(rows)
        if end > len(self.rows):
            bigger = np.zeros((max(end, 2 * len(self.rows)), self.n_words), dtype=np.uint32)
            bigger[:first] = self.rows[:first]
            self.rows = bigger
        self.rows[first:end] = rows
        self._n_rows = end
        return range(first, end)

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

    def _lexeme(self, nodes: IntArray, state: int, *, whole: bool = False) -> int:
        """The part of lexemes that are in ``state`` after ``nodes``."""
        key = (nodes.tobytes(), state)
        known = self._groups.get(key)
        if known is None:
            known = self._groups[key] = self._build_lexeme(nodes, state, whole)
        return known

    def _build_lexeme(self, nodes: IntArray, state: int, whole: bool) -> int:
        run = self.runs.of_state(self.automaton, nodes, state)
        if run is None:
            states = np.full(len(nodes), state, dtype=np.int32)
            families, rows, light, big = self._scan(nodes, states, 0)
        else:
            families, rows, light, big = self._scan(run.exits, np.full(len(run.exits), state, dtype=np.int32), 1)
            own = self.automaton.heap["family"][state]
            place = np.flatnonzero(families == own)
            if len(place):
                rows[place[0]] |= run.row
            else:
                families = np.append(families, own).astype(np.int32)
                rows = np.concatenate([rows, run.row[None]])
        light = light[np.argsort(light[:, 1], kind="stable")]
        kept = np.array(self._keep_rows(rows), dtype=np.int32)
        pairs = np.stack([self._representatives(families), kept], axis=1)
        root = 0 if whole else int(self.trie.parent[nodes[0]])
        return self._write([root, len(pairs), len(light), len(big)], pairs, light, big)

    def _scan(self, nodes: IntArray, states: IntArray, fresh: int) -> tuple[IntArray, TokenMask, IntArray, IntArray]:
        firsts = self.firsts
        sizes = [8, 1 << 12, 1 << 8]
        while True:
            families = np.zeros(sizes[0], dtype=np.int32)
            rows = np.zeros((sizes[0], self.n_words), dtype=np.uint32)
            light = np.zeros((sizes[1], 2), dtype=np.int32)
            big = np.zeros((sizes[2], 2), dtype=np.int32)

            def call(heap: Any, work: Any, out: Any = (families, rows, light, big)) -> Any:
                out[1][:] = 0
                return grammar_mask.scan_lexeme(heap, work, self.trie, nodes, states, fresh, firsts, self.heavy, *out)

            n_families, n_light, n_big = self.automaton.run(call)
            if n_families >= 0:
                return families[:n_families], rows[:n_families], light[:n_light], big[:n_big]
            sizes = [4 * size for size in sizes]

    def _representatives(self, families: IntArray) -> IntArray:
        """For each family the first lexer state that has it."""
        family_of = self.automaton.heap["family"][: self.automaton.lexer.n_states]
        return np.array([int(np.argmax(family_of == family)) for family in families], dtype=np.int32)

    def children(self, node: int) -> tuple[IntArray, ByteArray, IntArray]:
        """Child nodes of a trie node, their bytes and subtree sizes."""
        return self.runs.children(node)

    def _start(self, node: int, code: int, before: int) -> int:
        """What lexemes begin below ``node`` from start state ``code``; ``before`` as in ``grammar_mask.fill``."""
        nodes, data, sizes = self.children(node)
        codes = self.automaton.expanded(code)[data]
        free = codes != 0
        if before >= 0:
            free &= self.automaton.expanded(before)[data] == 0
        elif before < -1:
            free &= nodes == -2 - before
        key = (node, code, free.tobytes())
        known = self._starts.get(key)
        if known is None:
            known = self._starts[key] = self._build_start(nodes, sizes, np.where(free, codes, 0))
        return known

    def _build_start(self, nodes: IntArray, sizes: IntArray, codes: IntArray) -> int:
        usable = codes != 0
        bases = np.where(codes > 0, self.automaton.heap["base"][np.maximum(codes, 0)], -1)
        groups, words = [], np.zeros(len(nodes), dtype=np.bool_)
        for base in sorted(set(bases[codes > 0].tolist())):
            chosen = bases == base
            if sizes[chosen].sum() >= self.group_size:
                words |= chosen & (codes != base)
                groups.append(self._lexeme(nodes[chosen], base))
                usable &= ~chosen
        keywords = np.stack([nodes[words], codes[words]], axis=1)
        light = np.stack([nodes[usable], codes[usable]], axis=1)
        return self._write([len(groups), len(keywords), len(light)], groups, keywords, light)
