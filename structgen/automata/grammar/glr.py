"""Nondeterministic LR parsing on a graph-structured stack of values.

For grammars that are not LALR(1). Stack nodes are interned values (LR state, set of nodes
below), a *cell* is an interned set of nodes with equal text, and the cell after a terminal
is a function of (cell, terminal), worked out once and kept in a hash table that kernels
read. So forking, rolling back and caching work as for deterministic stacks.

The grammar is freed of empty rules and unit cycles first (``ir.passes``), which settles what
makes Tomita's algorithm (1986) loop or miss parses: with every symbol spanning text, the
nodes below a new node are always older than it, reductions within one step form no cycle,
and hidden left recursion is gone. Right-nulled tables (Scott and Johnstone 2006) keep the
empty rules instead, at the price of a larger automaton; only acceptance is asked here.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from structgen.automata.grammar.lalr import LalrTables, build_tables
from structgen.automata.table_heap import TableHeap
from structgen.dtypes import IntArray
from structgen.errors import LimitError
from structgen.ir.grammar import Grammar
from structgen.ir.passes import without_empty_rules
from structgen.kernels import grammar_heap

__all__ = ["NondeterministicParser"]

Node = tuple[int, frozenset[int]]
MAX_CELLS = 4_000_000
MAX_PATHS = 2_000_000
"""Stack paths one step may follow before it is called off."""


class LrState(NamedTuple):
    """One row of the tables, for Python."""

    shifts: dict[int, int]
    """Terminal -> next state (a shift is never overridden by a reduction)."""
    shifted: int
    """Those terminals, as bits."""
    reductions: list[tuple[int, int, int]]
    """(length, left-hand side, lookaheads as bits)."""
    by_lookahead: dict[int, list[tuple[int, int]]]
    """(length, left-hand side) of the productions that may be reduced before a terminal."""
    goto: list[int]
    """Left-hand side -> next state."""


class NondeterministicParser:
    """Cells, and the cell after each terminal, filled on demand into the heap's ``shifts`` section."""

    def __init__(self, grammar: Grammar) -> None:
        productions, start, self.accepts_empty = without_empty_rules(grammar)
        offset = grammar.n_terminals
        symbols = sorted({start} | {s for p in productions for s in (p.lhs, *p.rhs) if s >= offset})
        rename = {symbol: offset + i for i, symbol in enumerate(symbols)}
        renamed = tuple(type(p)(rename[p.lhs], tuple(rename.get(s, s) for s in p.rhs), p.priority) for p in productions)
        plain = Grammar(grammar.terminals, tuple(map(str, symbols)), renamed, rename[start], grammar.ignore)
        self.n_terminals = offset
        self.tables: LalrTables = build_tables(plain)
        self._states: dict[int, LrState] = {}
        self._nodes: dict[Node, int] = {}
        self._by_id: list[Node] = []
        self._cells: dict[frozenset[int], int] = {}
        self._tops: list[frozenset[int]] = []
        self._expected: dict[int, int] = {}
        self._heap: TableHeap | None = None
        self._n_shifts = 0
        self._cell(frozenset({self._node(0, frozenset())}))

    @property
    def n_cells(self) -> int:
        """Cells so far, numbered from 0."""
        return len(self._tops)

    def tops(self, cell: int) -> list[tuple[int, int]]:
        """(LR state, a node below it) for all ways to the top; the node is -1 below the bottom."""
        found = []
        for node in self._tops[cell]:
            state, below = self._by_id[node]
            found += [(state, parent) for parent in below] or [(state, -1)]
        return found

    def bases(self, node: int, n: int) -> list[tuple[int, int]]:
        """(node, LR state) of the nodes ``n`` steps under ``node``."""
        return [(base, self._by_id[base][0]) for base in self._ancestors(node, n)]

    def attach(self, heap: TableHeap) -> None:
        """Keep the shift table in ``heap``."""
        self._heap = heap
        heap.add("shifts", grammar_heap.SHIFTS, 1 << 10, 3, -1)
        heap.set_number(grammar_heap.N_SHIFTS, 1 << 10)
        heap.add("expected", grammar_heap.EXPECTED, 256, (self.n_terminals >> 5) + 2)
        heap.set_number(grammar_heap.N_EXPECTED, 256)

    def _state(self, state: int) -> LrState:
        """What a state does, as Python reads it; most states are never met."""
        found = self._states.get(state)
        if found is None:
            tables = self.tables
            reductions, by_lookahead = [], dict[int, list[tuple[int, int]]]()
            for production, bits in tables.reduces[state]:
                if production == 0:
                    continue
                pair = (int(tables.length[production]), int(tables.left[production]))
                reductions.append((*pair, bits))
                while bits:
                    low = bits & -bits
                    by_lookahead.setdefault(low.bit_length() - 1, []).append(pair)
                    bits ^= low
            row = tables.action[state, : self.n_terminals]
            terminals = np.flatnonzero(row > 0)
            shifts = dict(zip(terminals.tolist(), (row[terminals] - 1).tolist(), strict=True))
            shifted = sum(1 << terminal for terminal in shifts)
            found = self._states[state] = LrState(
                shifts, shifted, reductions, by_lookahead, tables.goto[state].tolist()
            )
        return found

    def _node(self, state: int, below: frozenset[int]) -> int:
        key = (state, below)
        known = self._nodes.get(key)
        if known is None:
            known = self._nodes[key] = len(self._by_id)
            self._by_id.append(key)
        return known

    def _cell(self, tops: frozenset[int]) -> int:
        known = self._cells.get(tops)
        if known is None:
            if len(self._tops) >= MAX_CELLS:
                raise LimitError("the text's stacks need too many cells", what="stack cells", limit=MAX_CELLS)
            known = self._cells[tops] = len(self._tops)
            self._tops.append(tops)
        return known

    def expected(self, cell: int) -> frozenset[int]:
        """Terminals that may follow ``cell``."""
        bits = self._bits(cell)
        return frozenset(t for t in range(self.n_terminals) if bits >> t & 1)

    def expect(self, cell: int) -> None:
        """Enter the terminals that may follow ``cell`` where kernels look for them."""
        heap = self._heap
        assert heap is not None
        heap.ensure("expected", cell + 1)
        heap.set_number(grammar_heap.N_EXPECTED, heap.rows("expected"))
        row = heap["expected"][cell]
        row[0] = 1
        row[1:] = np.frombuffer(self._bits(cell).to_bytes(4 * (len(row) - 1), "little"), dtype=np.int32)

    def _bits(self, cell: int) -> int:
        """``expected`` as bits: one pass of reductions, each with the lookaheads it is for; remembered."""
        known = self._expected.get(cell)
        if known is None:
            known = self._expected[cell] = self._find_expected(cell)
        return known

    def _find_expected(self, cell: int) -> int:
        reached: dict[tuple[int, int], int] = {}
        todo: list[tuple[int, int, int]] = []
        found = n_paths = 0
        for node in self._tops[cell]:
            state, below = self._by_id[node]
            found |= self._state(state).shifted
            todo += [(state, parent, -1) for parent in below]
        while todo:
            state, parent, lookaheads = todo.pop()
            for length, left, bits in self._state(state).reductions:
                bits &= lookaheads
                if not bits:
                    continue
                for base in self._ancestors(parent, length - 1):
                    n_paths += 1
                    target = self._state(self._by_id[base][0]).goto[left]
                    known = reached.get((target, base), 0)
                    if bits & ~known:
                        reached[target, base] = known | bits
                        found |= bits & self._state(target).shifted
                        todo.append((target, base, bits & ~known))
            if n_paths > MAX_PATHS:
                raise LimitError("one terminal closes too many parses", what="stack paths", limit=MAX_PATHS)
        return found

    def after(self, cell: int, terminal: int) -> int:
        """The cell after ``terminal`` (``n_terminals``: 0 if the text may end), or -1."""
        level = self._reduced(cell, terminal)
        if terminal == self.n_terminals:
            if cell == 0:
                return 0 if self.accepts_empty else -1
            return 0 if any(p == 0 for state in level for p, _ in self.tables.reduces[state]) else -1
        below: dict[int, set[int]] = {}
        for state, parents in level.items():
            target = self._state(state).shifts.get(terminal)
            if target is not None:
                below.setdefault(target, set()).add(self._node(state, frozenset(parents)))
        if not below:
            return -1
        return self._cell(frozenset(self._node(state, frozenset(nodes)) for state, nodes in below.items()))

    def _reduced(self, cell: int, terminal: int) -> dict[int, set[int]]:
        """States on top after all reductions before ``terminal``, with the nodes below each."""
        level: dict[int, set[int]] = {}
        todo: list[tuple[int, int]] = []
        for node in self._tops[cell]:
            state, below = self._by_id[node]
            level.setdefault(state, set()).update(below)
            todo += [(state, parent) for parent in below]
        n_paths = 0
        while todo:
            state, parent = todo.pop()
            for length, left in self._state(state).by_lookahead.get(terminal, ()):
                for base in self._ancestors(parent, length - 1):
                    n_paths += 1
                    target = self._state(self._by_id[base][0]).goto[left]
                    parents = level.setdefault(target, set())
                    if base not in parents:
                        parents.add(base)
                        todo.append((target, base))
            if n_paths > MAX_PATHS:
                raise LimitError("one terminal closes too many parses", what="stack paths", limit=MAX_PATHS)
        return level

    def _ancestors(self, node: int, steps: int) -> set[int]:
        found = {node}
        for _ in range(steps):
            found = {parent for each in found for parent in self._by_id[each][1]}
        return found

    def fill(self, cell: int, terminal: int) -> None:
        """Enter the cell after ``terminal`` into the shift table."""
        self._enter(cell, terminal, self.after(cell, terminal))

    def _enter(self, cell: int, terminal: int, value: int) -> None:
        heap = self._heap
        assert heap is not None
        table = heap["shifts"]
        if 2 * (self._n_shifts + 1) > len(table):
            old: IntArray = table[table[:, 0] >= 0].copy()
            heap.ensure("shifts", 2 * len(table))
            table = heap["shifts"]
            table[:] = -1
            heap.set_number(grammar_heap.N_SHIFTS, len(table))
            for row in old.tolist():
                _insert(table, *row)
        _insert(table, cell, terminal, value)
        self._n_shifts += 1


def _insert(table: IntArray, cell: int, terminal: int, value: int) -> None:
    size = len(table)
    slot = (cell * 1000003 + terminal * 7919) & (size - 1)
    while table[slot, 0] >= 0:
        if table[slot, 0] == cell and table[slot, 1] == terminal:
            return
        slot = (slot + 1) & (size - 1)
    table[slot] = (cell, terminal, value)
