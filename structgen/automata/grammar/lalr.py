"""LALR(1) tables: LR(0) states, lookaheads by DeRemer and Pennello (1982), Lark's resolutions.

Lark's own builder takes 0.7 s for a Python grammar, nearly all of it in sets of rule
pointers. Here an item is an integer, a set of terminals a Python integer used as a bit
set, and closures are shared: what a state adds to its kernel depends only on the
nonterminals after its dots, so that part of the transition table is built once for each
such set.

Conflicts are settled as Lark settles them: reduce/reduce by rule priority, or it is no
LALR grammar; shift/reduce by shifting, which is recorded, since it may lose strings.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from structgen.dtypes import IntArray
from structgen.errors import LimitError
from structgen.ir.grammar import Grammar, Production
from structgen.ir.passes import nullable_symbols

__all__ = ["Conflict", "LalrTables", "build_tables"]

MAX_STATES = 60_000
MAX_ENTRIES = 50_000_000
"""Of the tables, which have a column for each symbol."""


@dataclass(frozen=True)
class Conflict:
    """Two things to do in ``state`` on ``terminal`` (the end is ``n_terminals``)."""

    state: int
    terminal: int
    reduces: tuple[int, ...]
    shifts: bool


@dataclass(frozen=True)
class LalrTables:
    """S states, T terminals, N nonterminals, P productions; production 0 is the start's.

    ``action`` (S, T + 1) int32, the last column for the end of the text: 0 is an error,
    ``s + 1`` shifts to ``s``, ``-1 - p`` reduces ``p``; reducing production 0 accepts.
    ``goto`` (S, N) int32; ``length`` and ``left`` (P,) int32, ``left`` counted from 0.
    ``reduces[s]`` lists (production, lookaheads as a bit set) before any resolution.
    """

    action: IntArray
    goto: IntArray
    length: IntArray
    left: IntArray
    productions: tuple[Production, ...]
    reduces: tuple[tuple[tuple[int, int], ...], ...]
    kernels: tuple[tuple[int, ...], ...]
    conflicts: tuple[Conflict, ...]

    @property
    def n_states(self) -> int:
        return len(self.action)

    @property
    def is_lalr(self) -> bool:
        """No conflict at all, whatever the resolution."""
        return not self.conflicts

    @property
    def is_lalr_for_lark(self) -> bool:
        """Nothing but shift/reduce conflicts, which Lark settles by shifting."""
        return all(len(conflict.reduces) < 2 for conflict in self.conflicts)

    def accept_sets(self) -> npt.NDArray[np.bool_]:
        """(S, T) bool: terminals a state has an action for, the contexts of Lark's lexer."""
        accepted: npt.NDArray[np.bool_] = self.action[:, :-1] != 0
        return accepted


def build_tables(grammar: Grammar) -> LalrTables:
    """The LALR(1) tables of ``grammar``, conflicts listed and settled as Lark does."""
    builder = _Builder(grammar)
    builder.build_states()
    lookaheads = builder.lookaheads()
    return builder.tables(lookaheads)


class _Builder:
    """Items are ``first_item[production] + dot``; state 0 holds the start production."""

    def __init__(self, grammar: Grammar) -> None:
        self.n_terminals = grammar.n_terminals
        self.n_nonterminals = len(grammar.nonterminals)
        root = self.n_terminals + self.n_nonterminals
        self.productions = (Production(root, (grammar.start,)), *grammar.productions)
        self.by_left: list[list[int]] = [[] for _ in range(self.n_nonterminals + 1)]
        self.first_item = []
        self.next_symbol: list[int] = []
        for number, production in enumerate(self.productions):
            self.by_left[production.lhs - self.n_terminals].append(number)
            self.first_item.append(len(self.next_symbol))
            self.next_symbol += [*production.rhs, -1]
        self.kernels: list[tuple[int, ...]] = []
        self.transitions: list[dict[int, int]] = []
        self._ids: dict[tuple[int, ...], int] = {}
        self._shared: dict[frozenset[int], tuple[dict[int, tuple[int, ...]], dict[int, int]]] = {}
        self.closures: list[frozenset[int]] = []
        self._left_edges = self._find_left_edges()
        self._left_closures: dict[int, frozenset[int]] = {}
        self.nullable = self._nullable()

    def _close_left(self, nonterminal: int) -> frozenset[int]:
        """Those that can stand at the left edge of ``nonterminal`` (itself included)."""
        found = self._left_closures.get(nonterminal)
        if found is None:
            seen = {nonterminal}
            todo = [nonterminal]
            while todo:
                for other in self._left_edges[todo.pop()]:
                    if other not in seen:
                        seen.add(other)
                        todo.append(other)
            found = self._left_closures[nonterminal] = frozenset(seen)
        return found

    def _find_left_edges(self) -> list[set[int]]:
        n = self.n_terminals
        return [{s[0] - n for p in ps if (s := self.productions[p].rhs) and s[0] >= n} for ps in self.by_left]

    def _nullable(self) -> list[bool]:
        found = nullable_symbols(self.productions)
        return [self.n_terminals + left in found for left in range(len(self.by_left))]

    def _state(self, kernel: tuple[int, ...]) -> int:
        known = self._ids.get(kernel)
        if known is None:
            if len(self.kernels) >= MAX_STATES:
                raise LimitError("the grammar needs too many parser states", what="parser states", limit=MAX_STATES)
            size = (len(self.kernels) + 1) * (self.n_terminals + self.n_nonterminals)
            if size > MAX_ENTRIES:
                raise LimitError("the grammar needs too large tables", what="table entries", limit=MAX_ENTRIES)
            known = self._ids[kernel] = len(self.kernels)
            self.kernels.append(kernel)
        return known

    def build_states(self) -> None:
        """All LR(0) states and their transitions."""
        self._state((0,))
        n, next_symbol = self.n_terminals, self.next_symbol
        done = 0
        while done < len(self.kernels):
            kernel = self.kernels[done]
            own: dict[int, list[int]] = {}
            after: set[int] = set()
            for item in kernel:
                symbol = next_symbol[item]
                if symbol >= 0:
                    own.setdefault(symbol, []).append(item + 1)
                    if symbol >= n:
                        after |= self._close_left(symbol - n)
            closure = frozenset(after)
            moves, targets = self._closure_moves(closure)
            result = dict(targets)
            for symbol, items in own.items():
                more = moves.get(symbol, ())
                result[symbol] = self._state(tuple(sorted({*items, *more})))
            for symbol, items_ in moves.items():
                if symbol not in result:
                    state = self._state(items_)
                    targets[symbol] = result[symbol] = state
            self.transitions.append(result)
            self.closures.append(closure)
            done += 1

    def _closure_moves(self, closure: frozenset[int]) -> tuple[dict[int, tuple[int, ...]], dict[int, int]]:
        """Kernels reached from the items that a closure adds, and those already numbered."""
        known = self._shared.get(closure)
        if known is None:
            moves: dict[int, list[int]] = {}
            for nonterminal in closure:
                for production in self.by_left[nonterminal]:
                    rhs = self.productions[production].rhs
                    if rhs:
                        moves.setdefault(rhs[0], []).append(self.first_item[production] + 1)
            known = self._shared[closure] = ({s: tuple(sorted(items)) for s, items in moves.items()}, {})
        return known

    def lookaheads(self) -> list[dict[int, int]]:
        """Per state: production -> lookahead terminals as a bit set; the end is bit T."""
        n = self.n_terminals
        edges: list[dict[int, int]] = [{} for _ in self.kernels]
        origin: list[tuple[int, int]] = []
        reads: list[int] = []
        for state, moves in enumerate(self.transitions):
            own = edges[state]
            for symbol, target in moves.items():
                if symbol >= n:
                    own[symbol] = len(origin)
                    origin.append((state, symbol))
                    reads.append(target)
        direct = [self._direct_reads(target) for target in range(len(self.kernels))]
        sets = [direct[target] for target in reads]
        sets[edges[0][self.productions[0].rhs[0]]] |= 1 << n
        nullable = {n + i for i, empty in enumerate(self.nullable) if empty}
        then = [[own[symbol] for symbol in own if symbol in nullable] for own in edges]
        if nullable:
            _digraph([then[target] for target in reads], sets)
        includes, lookback = self._includes(edges, origin)
        _digraph(includes, sets)
        merged: dict[int, int] = {}
        for bits, places in zip(sets, lookback, strict=True):
            for place in places:
                merged[place] = merged.get(place, 0) | bits
        found: list[dict[int, int]] = [{} for _ in self.kernels]
        n_productions = len(self.productions)
        for place, bits in merged.items():
            found[place // n_productions][place % n_productions] = bits
        return found

    def _direct_reads(self, state: int) -> int:
        bits = 0
        for symbol in self.transitions[state]:
            if symbol < self.n_terminals:
                bits |= 1 << symbol
        return bits

    def _includes(
        self, edges: list[dict[int, int]], origin: list[tuple[int, int]]
    ) -> tuple[list[list[int]], list[list[int]]]:
        """Edges whose follow set takes in another's; reductions, as state * P + production, that each looks back on."""
        n, transitions, n_productions = self.n_terminals, self.transitions, len(self.productions)
        includes: list[list[int]] = [[] for _ in origin]
        lookback: list[list[int]] = [[] for _ in origin]
        shapes = [
            [(number, rhs, self._nullable_tail(rhs)) for number in numbers for rhs in (self.productions[number].rhs,)]
            for numbers in self.by_left
        ]
        for edge, (state, symbol) in enumerate(origin):
            back = lookback[edge]
            for number, rhs, tail in shapes[symbol - n]:
                at = state
                for part in rhs[:tail]:
                    at = transitions[at][part]
                for part in rhs[tail:]:
                    if part >= n:
                        includes[edges[at][part]].append(edge)
                    at = transitions[at][part]
                back.append(at * n_productions + number)
        return includes, lookback

    def _nullable_tail(self, rhs: tuple[int, ...]) -> int:
        """The first place after which everything is nullable."""
        place = max(0, len(rhs) - 1)
        while place > 0 and rhs[place] >= self.n_terminals and self.nullable[rhs[place] - self.n_terminals]:
            place -= 1
        return place

    def tables(self, lookaheads: list[dict[int, int]]) -> LalrTables:
        """Fill the arrays and settle conflicts."""
        n, n_states = self.n_terminals, len(self.kernels)
        action = np.zeros((n_states, n + 1), dtype=np.int32)
        goto = np.zeros((n_states, max(1, self.n_nonterminals)), dtype=np.int32)
        for state, moves in enumerate(self.transitions):
            for symbol, target in moves.items():
                if symbol < n:
                    action[state, symbol] = target + 1
                else:
                    goto[state, symbol - n] = target
        by_state = [list(found.items()) for found in lookaheads]
        accept = self.transitions[0][self.productions[0].rhs[0]]
        by_state[accept].append((0, 1 << n))
        conflicts: list[Conflict] = []
        for state, reduces in enumerate(by_state):
            if reduces:
                self._settle(state, reduces, action[state], conflicts)
        return LalrTables(
            action=action,
            goto=goto,
            length=np.array([len(p.rhs) for p in self.productions], dtype=np.int32),
            left=np.array([p.lhs - n for p in self.productions], dtype=np.int32),
            productions=self.productions,
            reduces=tuple(tuple(sorted(reduces)) for reduces in by_state),
            kernels=tuple(self.kernels),
            conflicts=tuple(conflicts),
        )

    def _settle(self, state: int, reduces: list[tuple[int, int]], row: IntArray, conflicts: list[Conflict]) -> None:
        claimed: dict[int, list[int]] = {}
        for production, bits in reduces:
            while bits:
                low = bits & -bits
                claimed.setdefault(low.bit_length() - 1, []).append(production)
                bits ^= low
        for terminal, found in claimed.items():
            shifts = row[terminal] > 0
            if 0 in found:  # Lark's parser shifts an end marker here
                shifts, found = True, [p for p in found if p != 0]
                row[terminal] = -1
                if not found:
                    continue
            best = sorted(found, key=lambda p: -self.productions[p].priority)
            if len(best) > 1 and self.productions[best[0]].priority > self.productions[best[1]].priority:
                lost, best = best[1:], best[:1]
                conflicts += [] if shifts else [Conflict(state, terminal, (lost[0],), False)]
            if len(best) > 1 or shifts:
                conflicts.append(Conflict(state, terminal, tuple(best), bool(shifts)))
            if not shifts:
                row[terminal] = -1 - best[0]


def _digraph(relation: list[list[int]], sets: list[int]) -> None:
    """``sets[x]`` |= ``sets[y]`` for all y that x reaches; in place, by Tarjan's components."""
    done = 1 << 60
    low = [0] * len(sets)
    stack: list[int] = []
    for root, first in enumerate(relation):
        if low[root]:
            continue
        if not first:
            low[root] = done
            continue
        stack.append(root)
        low[root] = 1
        work = [(root, iter(first), 1)]
        while work:
            node, rest, height = work[-1]
            bits, least = sets[node], low[node]
            for other in rest:
                if not low[other]:
                    if not relation[other]:
                        low[other] = done
                    else:
                        sets[node], low[node] = bits, least
                        stack.append(other)
                        low[other] = len(stack)
                        work.append((other, iter(relation[other]), len(stack)))
                        break
                if low[other] < least:
                    least = low[other]
                bits |= sets[other]
            else:
                sets[node], low[node] = bits, least
                work.pop()
                if least == height:
                    for member in stack[height - 1 :]:
                        low[member] = done
                        sets[member] = bits
                    del stack[height - 1 :]
                if work:
                    parent = work[-1][0]
                    low[parent] = min(low[parent], low[node])
                    sets[parent] |= sets[node]
