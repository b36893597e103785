"""The states of a grammar's lexer, and the nodes they are made of, as arrays for ``kernels.lexer``.

Kernels write the heap's sections of states and families; where room is short they say so,
and what they did is done again with more of it, which finds the states made before.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection
from itertools import accumulate, chain
from typing import Any

import numpy as np
import numpy.typing as npt

from structgen.automata.ordered import OrderedNfa
from structgen.automata.table_heap import TableHeap
from structgen.dtypes import IntArray
from structgen.errors import LimitError
from structgen.ir.grammar import Grammar
from structgen.kernels import lexer as kernels
from structgen.kernels.jit import direct
from structgen.kernels.lexer import LexerTables

__all__ = ["MAX_STATES", "LexerStates"]

MAX_STATES = 200_000
_NODES = 256
"""Nodes that there is room for at first."""
_STATE_SECTIONS = ("delta", "accepts", "base", "family", "never")
_flat = chain.from_iterable


class LexerStates:
    """States by their keys: (ordered nodes, lookbehinds' nodes, keywords' nodes)."""

    def __init__(self, grammar: Grammar, heap: TableHeap, nfa: OrderedNfa) -> None:
        self.heap = heap
        self.nfa = nfa
        self._n_nodes = self._n_edges = self._n_targets = 0
        n = grammar.n_terminals
        keyword_of = np.zeros((n + 1, n + 1), dtype=np.uint8)
        for other, words in grammar.keywords.items():
            keyword_of[list(words), other] = 1
            keyword_of[[word for word in words if word in grammar.ignore], other] = 2
        counts = np.zeros(16, dtype=np.int32)
        counts[kernels.N_TERMINALS] = n
        counts[kernels.ALL_ENDS] = grammar.scannerless
        self.tables = LexerTables(
            kind=np.zeros(_NODES, dtype=np.uint8),
            label=_empty(_NODES),
            edge_start=_empty(_NODES + 1),
            edges=_empty(2 * _NODES, 3),
            target_start=_empty(_NODES + 1),
            targets=_empty(_NODES),
            keyword_of=keyword_of,
            rank=np.array([terminal.rank for terminal in grammar.terminals] + [0], dtype=np.int32),
            counts=counts,
            capacity=_empty(8),
            keys=_empty(1 << 11),
            key_at=_empty(1 << 8, 4),
            slots=_empty(1 << 10),
            family_slots=_empty(1 << 9),
            seen=_empty(_NODES),
            stack=_empty(2 * _NODES + 1),
            lists=_empty(5, _NODES + 1),
            lengths=_empty(5),
            row=_empty(256),
            cuts=np.zeros(257, dtype=np.uint8),
            ahead=_empty(64),
        )
        self._measure()

    def __len__(self) -> int:
        return int(self.tables.counts[kernels.N_STATES])

    @property
    def n_conditional(self) -> int:
        """States whose lexemes end as the next byte says."""
        return int(self.tables.counts[kernels.N_CONDITIONAL])

    def sync(self) -> None:
        """Take over the nodes that were added to the automaton."""
        nfa, first = self.nfa, self._n_nodes
        n = len(nfa.kind)
        if n == first:
            return
        edges = nfa.edges[first:n]
        kinds = nfa.kind[first:n]
        targets = [
            found if kind == kernels.SPLIT else () for kind, found in zip(kinds, nfa.targets[first:n], strict=True)
        ]
        flat, leads = array("i", _flat(_flat(edges))), array("i", _flat(targets))
        n_edges, n_targets = self._n_edges + len(flat) // 3, self._n_targets + len(leads)
        self._make_room(n, n_edges, n_targets)
        tables = self.tables
        tables.kind[first:n] = array("B", kinds)
        tables.label[first:n] = array("i", nfa.label[first:n])
        if len(flat):
            tables.edges[self._n_edges : n_edges] = np.frombuffer(flat, dtype=np.int32).reshape(-1, 3)
        if len(leads):
            tables.targets[self._n_targets : n_targets] = leads
        tables.edge_start[first + 1 : n + 1] = array("i", [*accumulate(map(len, edges), initial=self._n_edges)][1:])
        starts = [*accumulate(map(len, targets), initial=self._n_targets)]
        tables.target_start[first + 1 : n + 1] = array("i", starts[1:])
        self._n_nodes, self._n_edges, self._n_targets = n, n_edges, n_targets

    def _make_room(self, n: int, n_edges: int, n_targets: int) -> None:
        """Room for so many nodes, edges and targets."""
        tables = self.tables
        have = len(tables.kind), len(tables.edges), len(tables.targets)
        if n <= have[0] and n_edges <= have[1] and n_targets <= have[2]:
            return
        rooms = [
            max(2 * has, need) if need > has else has for has, need in zip(have, (n, n_edges, n_targets), strict=True)
        ]
        self.tables = tables._replace(
            kind=_lengthened(tables.kind, rooms[0]),
            label=_lengthened(tables.label, rooms[0]),
            edge_start=_lengthened(tables.edge_start, rooms[0] + 1),
            edges=_lengthened(tables.edges, rooms[1]),
            target_start=_lengthened(tables.target_start, rooms[0] + 1),
            targets=_lengthened(tables.targets, rooms[2]),
            seen=_empty(rooms[0]),
            stack=_empty(rooms[0] + rooms[2] + 1),
            lists=_empty(5, rooms[0] + 1),
        )

    def key(self, state: int) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
        """The key of ``state``."""
        at, n_nodes, n_behind, n_words = self.tables.key_at[state].tolist()
        flat = tuple(self.tables.keys[at : at + n_nodes + n_behind + n_words].tolist())
        return flat[:n_nodes], flat[n_nodes : n_nodes + n_behind], flat[n_nodes + n_behind :]

    def intern(self, nodes: Collection[int], behind: Collection[int], words: Collection[int]) -> int:
        """The state of a key."""

        def call(heap: IntArray, tables: LexerTables) -> int:
            _put(tables, kernels.NODES, nodes)
            _put(tables, kernels.BEHIND_NODES, behind)
            _put(tables, kernels.WORDS, words)
            return int(direct(kernels.intern_state)(heap, tables, len(words)))

        return int(self._run(call))

    def closed(self, starts: Collection[int], words: Collection[int]) -> int:
        """The state that nodes lead to by empty moves, where nothing looks behind."""

        def call(heap: IntArray, tables: LexerTables) -> int:
            _put(tables, kernels.FRESH, starts)
            _put(tables, kernels.WORDS, words)
            return int(direct(kernels.close_and_intern)(heap, tables))

        return int(self._run(call))

    def expand(self, state: int) -> None:
        """Fill the row of a state that looks neither ahead nor behind."""
        self._run(lambda heap, tables: direct(kernels.expand)(heap, tables, state))

    def expand_all(self, states: list[int], most: int) -> int:
        """The same for ``states``, and at most ``most`` states behind each; returns how many are not of this kind."""
        flat = np.frombuffer(array("i", states), dtype=np.int32)
        return int(self._run(lambda heap, tables: direct(kernels.expand_all)(heap, tables, flat, most)))

    def _run(self, call: Callable[[IntArray, LexerTables], Any]) -> Any:
        self.sync()
        while True:
            self.tables.counts[kernels.SHORT] = 0
            result = call(self.heap.array, self.tables)
            if not self.tables.counts[kernels.SHORT]:
                return result
            self._enlarge(int(self.tables.counts[kernels.SHORT]))

    def _enlarge(self, what: int) -> None:
        heap, tables = self.heap, self.tables
        if what == kernels.STATES:
            if len(self) >= MAX_STATES:
                raise LimitError("the lexer needs too many states", what="lexer states", limit=MAX_STATES)
            if len(tables.key_at) < heap.rows("delta"):
                self.tables = tables._replace(key_at=_lengthened(tables.key_at, 2 * len(tables.key_at)))
            else:
                rows = 2 * heap.rows("delta")
                for name in _STATE_SECTIONS:
                    heap.ensure(name, rows)
        elif what == kernels.KEYS:
            self.tables = tables._replace(keys=np.concatenate([tables.keys, np.zeros_like(tables.keys)]))
        elif what == kernels.SLOTS:
            self.tables = tables._replace(slots=_empty(2 * len(tables.slots)))
            kernels.rehash_states(self.tables)
        elif what == kernels.FAMILY_SLOTS:
            self.tables = tables._replace(family_slots=_empty(2 * len(tables.family_slots)))
            kernels.rehash_families(heap.array, self.tables)
        else:
            name = {kernels.FAMILIES: "family_start", kernels.MEMBERS: "family_terminals"}.get(what, "ended")
            heap.ensure(name, 2 * heap.rows(name))
        self._measure()

    def _measure(self) -> None:
        """Tell kernels how much room there is."""
        heap, capacity = self.heap, self.tables.capacity
        rows = min(heap.rows(name) for name in _STATE_SECTIONS)
        capacity[kernels.STATES] = min(rows, len(self.tables.key_at))
        capacity[kernels.FAMILIES] = heap.rows("family_start")
        capacity[kernels.MEMBERS] = heap.rows("family_terminals")
        capacity[kernels.CONDITIONALS] = heap.rows("ended")

    def __repr__(self) -> str:
        return f"LexerStates({len(self)} states)"


def _empty(*shape: int) -> IntArray:
    return np.zeros(shape, dtype=np.int32)


def _put(tables: LexerTables, which: int, values: Collection[int]) -> None:
    tables.lists[which, : len(values)] = tuple(values)
    tables.lengths[which] = len(values)


def _lengthened(values: npt.NDArray[Any], n: int) -> npt.NDArray[Any]:
    """``values`` with room for ``n`` rows."""
    longer = np.zeros((n, *values.shape[1:]), dtype=values.dtype)
    longer[: len(values)] = values
    return longer
