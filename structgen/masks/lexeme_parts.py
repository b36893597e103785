"""What the tokens do inside one lexeme: worked out once per lexer state, used for every stack.

A *part* is the result of ``scan_lexeme`` for some trie nodes and lexer states: rows of
tokens that stay inside the lexeme, by the set of terminals it can become, and the places
where it can end. A mask is put together from parts: the rows whose terminals fit the
stack, and behind each end the parts of the next lexeme. Parts hold no stack, so all
contexts and all depths share them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from structgen.automata.grammar.automaton import GrammarAutomaton
from structgen.dtypes import ByteArray, IntArray, TokenMask
from structgen.kernels import grammar_walk
from structgen.kernels.grammar_walk import GrammarTrie

__all__ = ["LexemePart", "PartStore", "StartPart"]

HEAVY = 1500
"""Trie nodes behind an end of a lexeme from which the next lexeme's masks are kept apart."""
GROUP = 192
"""Trie nodes from which the lexemes that begin there are worth a part of their own."""


@dataclass(frozen=True)
class LexemePart:
    """Tokens within a lexeme, and its ends: light ones to walk, big ones with parts of their own."""

    root: int
    families: IntArray
    """(F,) int32, one lexer state of each family."""
    rows: TokenMask
    """(F, W) uint32."""
    light_nodes: IntArray
    light_states: IntArray
    big: tuple[tuple[int, int], ...]
    """(trie node, lexer state at it)."""


@dataclass(frozen=True)
class StartPart:
    """The lexemes that begin below a trie node, from one start state of the lexer.

    ``lexemes`` joins the parts of all first bytes worth one; the others are ``light``.
    Where a first byte begins a keyword, ``lexemes`` has the name without it, and the
    keyword's own state is in ``keyword_states``.
    """

    lexemes: LexemePart
    keyword_nodes: IntArray
    keyword_states: IntArray
    light_nodes: IntArray
    light_codes: IntArray


class PartStore:
    """Parts by key, for one automaton and one vocabulary."""

    def __init__(self, automaton: GrammarAutomaton, trie: GrammarTrie, n_words: int, *, heavy: int = HEAVY) -> None:
        self.automaton = automaton
        self.trie = trie
        self.n_words = n_words
        self.heavy = heavy
        self.group_size = min(heavy, GROUP)
        self._lexemes: dict[Any, LexemePart] = {}
        self._starts: dict[tuple[int, int], StartPart] = {}
        self._held: dict[tuple[int, bytes], TokenMask] = {}
        self._children: dict[int, tuple[IntArray, ByteArray, IntArray]] = {}

    def lexeme(self, state: int) -> LexemePart:
        """The part of a lexeme under way in ``state``, over the whole vocabulary."""
        key = ("root", state)
        if key not in self._lexemes:
            self._lexemes[key] = self._scan(np.zeros(1, dtype=np.int32), np.array([state], dtype=np.int32))
        return self._lexemes[key]

    def _group(self, nodes: IntArray, base: int) -> LexemePart:
        """The part of lexemes whose first bytes, at ``nodes``, all lead to ``base``; keywords apart."""
        key = (nodes.tobytes(), base)
        if key not in self._lexemes:
            self._lexemes[key] = self._scan(nodes, np.full(len(nodes), base, dtype=np.int32))
        return self._lexemes[key]

    def _scan(self, nodes: IntArray, states: IntArray) -> LexemePart:
        sizes = [16, 1 << 13, 1 << 10]
        while True:
            families = np.zeros(sizes[0], dtype=np.int32)
            rows = np.zeros((sizes[0], self.n_words), dtype=np.uint32)
            light = np.zeros((sizes[1], 2), dtype=np.int32)
            big = np.zeros((sizes[2], 2), dtype=np.int32)

            def call(heap: Any, work: Any, out: Any = (families, rows, light, big)) -> Any:
                out[1][:] = 0
                return grammar_walk.scan_lexeme(heap, work, self.trie, nodes, states, self.heavy, *out)

            n_families, n_light, n_big = self.automaton.run(call)
            if n_families >= 0:
                break
            sizes = [4 * size for size in sizes]
        family_of = self.automaton.heap["family"]
        light = light[np.argsort(light[:n_light, 1], kind="stable")]
        representatives = self._representatives(families[:n_families], family_of)
        return LexemePart(
            root=int(self.trie.parent[nodes[0]]),
            families=representatives,
            rows=rows[:n_families].copy(),
            light_nodes=light[:n_light, 0].copy(),
            light_states=light[:n_light, 1].copy(),
            big=tuple((int(node), int(state)) for node, state in big[:n_big]),
        )

    def _representatives(self, families: IntArray, family_of: IntArray) -> IntArray:
        """For each family the first lexer state that has it."""
        n = self.automaton.lexer.n_states
        known, first = np.unique(family_of[:n], return_index=True)
        return first[np.searchsorted(known, families)].astype(np.int32)

    def children(self, node: int) -> tuple[IntArray, ByteArray, IntArray]:
        """Child nodes of a trie node, their bytes and subtree sizes."""
        found = self._children.get(node)
        if found is None:
            ends = self.trie.subtree_end
            nodes, child = [], node + 1
            while child < ends[node]:
                nodes.append(child)
                child = int(ends[child])
            array = np.array(nodes, dtype=np.int32)
            found = self._children[node] = (array, self.trie.byte[array], self.trie.subtree_end[array] - array)
        return found

    def start(self, node: int, code: int) -> StartPart:
        """What lexemes begin below ``node`` from start state ``code``."""
        key = (node, code)
        if key not in self._starts:
            self._starts[key] = self._build_start(node, code)
        return self._starts[key]

    def held_back(self, node: int, state: int) -> TokenMask | None:
        """The tokens below ``node`` that ``state`` reads on with; None where there are none."""
        nodes, data, _ = self.children(node)
        going_on = nodes[self.automaton.expanded(state)[data] != 0]
        if not len(going_on):
            return None
        key = (node, going_on.tobytes())
        if key not in self._held:
            row = np.zeros(self.n_words, dtype=np.uint32)
            grammar_walk.allow_subtrees(self.trie, going_on, row)
            self._held[key] = ~row
        return self._held[key]

    def _build_start(self, node: int, code: int) -> StartPart:
        nodes, data, sizes = self.children(node)
        codes = self.automaton.expanded(code)[data]
        usable = codes != 0
        bases = np.where(codes > 0, self.automaton.heap["base"][np.maximum(codes, 0)], -1)
        parts, words = [], np.zeros(len(nodes), dtype=np.bool_)
        for base in np.unique(bases[codes > 0]).tolist():
            chosen = bases == base
            if sizes[chosen].sum() >= self.group_size:
                words |= chosen & (codes != base)
                parts.append(self._group(nodes[chosen], base))
                usable &= ~chosen
        return StartPart(
            _joined(parts, node, self.n_words),
            nodes[words],
            codes[words].astype(np.int32),
            nodes[usable],
            codes[usable].astype(np.int32),
        )


def _joined(parts: list[LexemePart], node: int, n_words: int) -> LexemePart:
    """All of ``parts`` as one, so that one call serves them."""
    none = np.zeros(0, dtype=np.int32)
    return LexemePart(
        root=node,
        families=np.concatenate([none, *(part.families for part in parts)]),
        rows=np.concatenate([np.zeros((0, n_words), dtype=np.uint32), *(part.rows for part in parts)]),
        light_nodes=np.concatenate([none, *(part.light_nodes for part in parts)]),
        light_states=np.concatenate([none, *(part.light_states for part in parts)]),
        big=tuple(each for part in parts for each in part.big),
    )
