"""The store of a grammar's mask parts: what tokens do inside one lexeme, whatever the stack.

``kernels.grammar_parts`` says what parts are and builds the small ones as a mask needs them;
``kernels.grammar_mask`` puts masks together from them. This store keeps them, makes room, and
builds the large ones. Most large ones are loops: names, numbers, blanks, comments and strings
read most of the vocabulary without moving. What such a loop reads is kept with the vocabulary
(see ``lexeme_runs``), so that another grammar with the same loop starts from it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from structgen.automata.grammar.automaton import GrammarAutomaton
from structgen.dtypes import IntArray, lazy_zeros
from structgen.kernels import grammar_parts
from structgen.kernels.grammar_parts import PartTables
from structgen.kernels.grammar_walk import GrammarTrie
from structgen.masks.lexeme_runs import LexemeRuns, Loop, loop_of

__all__ = ["HEAVY", "PartStore"]

HEAVY = 1500
"""Trie nodes behind a place where a lexeme may end or go on from which both are kept apart."""
DENSE = 2048
"""Trie nodes from which a part's tokens are rows of bits."""
BIG = 6000
"""Trie nodes from which a part is built here, by what its loop is known to read."""


class PartStore:
    """Parts by name, for one automaton and one vocabulary; ``tables`` is what kernels read and write.

    Fetch ``tables`` anew after ``build``.
    """

    def __init__(self, automaton: GrammarAutomaton, runs: LexemeRuns, *, heavy: int = HEAVY) -> None:
        self.automaton = automaton
        self.trie: GrammarTrie = runs.trie
        self.runs = runs
        self._loops: dict[int, Loop | None] = {}
        # large from the start, since growing copies
        self.tables = PartTables(
            pool=lazy_zeros(1 << 20, np.int32),
            names=lazy_zeros((1 << 14, 4), np.int32),
            sets=np.zeros(1 << 14, dtype=np.int32),
            rows=lazy_zeros((2048, runs.n_words), np.uint32),
            counts=np.zeros(16, dtype=np.int32),
            wanted=np.zeros((64, 3), dtype=np.int32),
            follows=automaton.follows(),
            families=np.zeros(256, dtype=np.int32),
            tokens=np.zeros((1 << 13, 2), dtype=np.int32),
            ends=np.zeros((1 << 13, 4), dtype=np.int32),
            loose=np.zeros((1 << 12, 4), dtype=np.int32),
            marks=np.zeros((1 << 12, 3), dtype=np.int32),
        )
        counts = self.tables.counts
        counts[grammar_parts.N_POOL] = 1
        counts[grammar_parts.HEAVY] = heavy
        counts[grammar_parts.DENSE] = min(DENSE, 2 * heavy)
        counts[grammar_parts.BIG] = min(BIG, 4 * heavy, len(self.trie.byte))  # the whole trie is always big
        self.start = self._set_of(_children(self.trie, 0))
        """The set of the nodes at which tokens begin."""

    def nodes(self, name: int) -> IntArray:
        """The nodes of a set, or node n for ``-1 - n``."""
        if name < 0:
            return np.array([-1 - name], dtype=np.int32)
        return self.tables.pool[name + 2 : name + 2 + int(self.tables.pool[name])].copy()

    def _set_of(self, nodes: IntArray) -> int:
        tables = self.tables
        at = int(tables.counts[grammar_parts.N_POOL])
        tables.pool[at + 2 : at + 2 + len(nodes)] = nodes
        return int(grammar_parts.intern_set(self.trie, tables, len(nodes)))

    def build(self) -> None:
        """Build the parts that kernels want, or make room where it was short."""
        counts = self.tables.counts
        if counts[grammar_parts.SHORT]:
            self._enlarge(int(counts[grammar_parts.SHORT]))
            return
        for one, two, three in self.tables.wanted[: int(counts[grammar_parts.N_WANTED])].tolist():
            part = self._build_lexeme(one, two)
            if 2 * (int(counts[grammar_parts.N_NAMES]) + 1) > len(self.tables.names):
                self._enlarge(grammar_parts.NAMES)
            grammar_parts.insert_part(self.tables.names, one, two, three, part)
            counts[grammar_parts.N_NAMES] += 1

    def _build_lexeme(self, name: int, state: int) -> int:
        """The part of lexemes in ``state`` at set ``name``."""
        automaton, nodes = self.automaton, self.nodes(name)
        if state not in self._loops:
            self._loops[state] = loop_of(automaton, state, self.tables.follows)
        loop = self._loops[state]
        # what a loop reads says nothing of columns; of those that are counted, only a text's beginning is looked up
        if loop is not None and name >= 0 and automaton.grammar.indentation is not None and self._is_newline(state):
            loop = None
        run = self.runs.run(nodes, loop) if loop is not None else None
        mode = grammar_parts.UNDER_WAY if name < 0 else grammar_parts.BEGUN
        starts, row = nodes, self.tables.rows[0]
        if run is not None:
            mode, starts, row = grammar_parts.LEAVING, run.exits, run.row

        def call(heap: Any, work: Any) -> int:
            self.tables.counts[grammar_parts.SHORT] = 0
            return int(
                grammar_parts.add_lexeme(
                    heap, work, self.trie, self.tables, starts, 0, len(starts), state, mode, True, row
                )
            )

        while True:
            part = int(automaton.run(call))
            if part > 0:
                return part
            self._enlarge(int(self.tables.counts[grammar_parts.SHORT]))

    def _is_newline(self, state: int) -> bool:
        automaton = self.automaton
        rules = automaton.grammar.indentation
        family = int(automaton.heap["family"][state])
        first, last = automaton.heap["family_start"][family : family + 2].tolist()
        return rules is not None and rules.newline in automaton.heap["family_terminals"][first:last]

    def _enlarge(self, what: int) -> None:
        """Double one of the tables."""
        field = _FIELDS[what]
        old = getattr(self.tables, field)
        new = lazy_zeros((2 * len(old), *old.shape[1:]), old.dtype)
        self.tables = tables = self.tables._replace(**{field: new})
        if field == "names":
            for row in old[old[:, 3] != 0].tolist():
                grammar_parts.insert_part(new, *row)
        elif field == "sets":
            for offset in old[old != 0].tolist():
                grammar_parts.insert_set(tables.pool, new, offset)
        else:
            new[: len(old)] = old
        tables.counts[grammar_parts.SHORT] = 0

    def __repr__(self) -> str:
        counts = self.tables.counts
        n_parts, n_sets = int(counts[grammar_parts.N_NAMES]), int(counts[grammar_parts.N_SETS])
        return f"PartStore({n_parts} parts over {n_sets} sets)"


_FIELDS = ("", "pool", "names", "sets", "rows", "families", "tokens", "ends", "loose", "marks")


def _children(trie: GrammarTrie, node: int) -> IntArray:
    found, child = [], node + 1
    while child < trie.subtree_end[node]:
        found.append(child)
        child = int(trie.subtree_end[child])
    return np.array(found, dtype=np.int32)
