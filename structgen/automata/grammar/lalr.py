"""LALR(1) tables: LR(0) states, lookaheads by DeRemer and Pennello (1982), Lark's resolutions.

Lark's own builder takes 0.7 s for a Python grammar, nearly all of it in sets of rule
pointers. Here an item is an integer, a set of terminals a row of bits, and all is built in
compiled code (``kernels.lr_states``, ``kernels.lr_lookaheads``); this module flattens the grammar,
makes room, and settles conflicts.

Conflicts are settled as Lark settles them: reduce/reduce by rule priority, or it is no
LALR grammar; shift/reduce by shifting, which is recorded, since it may lose strings.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from structgen.dtypes import IntArray
from structgen.errors import LimitError
from structgen.ir.grammar import Grammar, Production
from structgen.kernels import grammar_facts, lr_lookaheads, lr_states
from structgen.kernels.jit import direct
from structgen.kernels.lr_lookaheads import Edges, Reductions
from structgen.kernels.lr_states import LrRules, LrStates

__all__ = ["Conflict", "FlatRules", "LalrTables", "build_tables", "flat_rules", "nothing_idle"]

MAX_STATES = 60_000
MAX_ENTRIES = 50_000_000
"""Of the tables, which have a column for each symbol."""
MAX_WORDS = 64_000_000
"""Of 64 terminals each, in all lookaheads on the way."""


@dataclass(frozen=True)
class Conflict:
    """Two things to do in ``state`` on ``terminal`` (the end is ``n_terminals``)."""

    state: int
    terminal: int
    reduces: tuple[int, ...]
    shifts: bool


@dataclass(frozen=True, eq=False)
class LalrTables:
    """S states, T terminals, N nonterminals, P productions; production 0 is the start's.

    ``action`` (S, T + 1) int32, the last column for the end of the text: 0 is an error,
    ``s + 1`` shifts to ``s``, ``-1 - p`` reduces ``p``; reducing production 0 accepts.
    ``goto`` (S, N) int32; ``length`` and ``left`` (P,) int32, ``left`` counted from 0.
    ``kernel_start`` (S + 1,), ``kernel_items``: the items of each state's kernel, numbered over
    all productions, each with one place for its end.
    """

    action: IntArray
    goto: IntArray
    length: IntArray
    left: IntArray
    productions: tuple[Production, ...]
    kernel_start: IntArray
    kernel_items: IntArray
    conflicts: tuple[Conflict, ...] = ()
    lookaheads: Reductions | None = None
    """Before any resolution; None for tables that were kept in a file."""

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

    @cached_property
    def kernels(self) -> tuple[tuple[int, ...], ...]:
        """The items of each state's kernel."""
        start, items = self.kernel_start.tolist(), self.kernel_items.tolist()
        return tuple(tuple(items[start[state] : start[state + 1]]) for state in range(self.n_states))

    @cached_property
    def reduces(self) -> tuple[tuple[tuple[int, int], ...], ...]:
        """For each state (production, lookaheads as a bit set), before any resolution."""
        assert self.lookaheads is not None
        found = [_reductions(self.lookaheads, state) for state in range(self.n_states)]
        n_terminals = self.action.shape[1] - 1
        for state in np.flatnonzero(self.action[:, n_terminals] == -1).tolist():
            found[state].append((0, 1 << n_terminals))
        return tuple(tuple(sorted(reduces)) for reduces in found)

    def kernel_places(self) -> tuple[IntArray, IntArray]:
        """For each of ``kernel_items`` its left-hand side, and how many symbols are before its dot."""
        ends = np.cumsum(self.length + 1)
        production = np.searchsorted(ends, self.kernel_items, side="right")
        read = self.kernel_items - ends[production] + self.length[production] + 1
        return self.left[production], read.astype(np.int32)


def _reductions(lookaheads: Reductions, state: int) -> list[tuple[int, int]]:
    """(production, lookaheads as a bit set) of one state, by production."""
    found, at = [], int(lookaheads.of_state[state])
    while at >= 0:
        bits = int.from_bytes(lookaheads.sets[at].astype("<u8").tobytes(), "little")
        found.append((int(lookaheads.production[at]), bits))
        at = int(lookaheads.before[at])
    return sorted(found)


class FlatRules(NamedTuple):
    """A grammar's productions as arrays, the start's first; ``left`` (P,) are left-hand sides from 0."""

    productions: tuple[Production, ...]
    rules: LrRules
    left: IntArray
    n_left: int


def flat_rules(grammar: Grammar) -> FlatRules:
    """The productions of ``grammar`` as arrays."""
    n_terminals, n_left = grammar.n_terminals, len(grammar.nonterminals) + 1
    productions = (Production(n_terminals + n_left - 1, (grammar.start,)), *grammar.productions)
    symbols: list[int] = []
    for production in productions:
        symbols += production[1]
        symbols.append(-1)
    flat = _as_array(symbols)
    left = _as_array([production[0] - n_terminals for production in productions])
    first, by_left, left_start = _rooms(len(productions) + 1, len(productions), n_left + 1)
    direct(grammar_facts.index_rules)(flat, left, first, by_left, left_start)
    return FlatRules(productions, LrRules(flat, first, by_left, left_start), left, n_left)


def nothing_idle(grammar: Grammar, flat: FlatRules) -> bool:
    """Whether all symbols in use derive some text, and all terminals are used; False where that takes long to say."""
    n = grammar.n_terminals
    used = np.zeros(n + flat.n_left, dtype=np.uint8)
    used[list(grammar.ignore)] = 1
    if grammar.indentation is not None:
        used[[grammar.indentation.newline, grammar.indentation.indent, grammar.indentation.dedent]] = 1
    productive, todo = np.zeros(flat.n_left, dtype=np.uint8), np.empty(flat.n_left, dtype=np.int32)
    return bool(direct(grammar_facts.nothing_idle)(flat.rules, flat.left, n, used, productive, todo))


def _as_array(values: list[int]) -> IntArray:
    """``np.array`` takes three times as long."""
    return np.frombuffer(array("i", values), dtype=np.int32)


def _rooms(*sizes: int) -> list[IntArray]:
    return [np.empty(size, dtype=np.int32) for size in sizes]


def build_tables(grammar: Grammar, flat: FlatRules | None = None) -> LalrTables:
    """The LALR(1) tables of ``grammar``, conflicts listed and settled as Lark does.

    ``flat`` are its productions as arrays, where they are known.

    Raises
    ------
    LimitError : too many states, or too large tables
    """
    productions, rules, left, n_left = flat or flat_rules(grammar)
    states = _build_states(rules, grammar.n_terminals, n_left)
    lookaheads = _find_lookaheads(rules, states, grammar.n_terminals)
    return _tables(productions, rules, left, states, lookaheads, grammar.n_terminals)


def _build_states(rules: LrRules, n_terminals: int, n_left: int) -> LrStates:
    n_items = len(rules.symbols)
    limits = np.array([MAX_STATES, MAX_ENTRIES, n_terminals + n_left - 1], dtype=np.int64)
    size = max(1024, 1 << (4 * n_items).bit_length())
    while True:
        kernel_start, kernel_items, move_start, move_symbol, move_target, closure_start, closures, added_start = _rooms(
            size, 4 * size, size, 8 * size, 8 * size, size, 8 * size, size
        )
        for starts in (kernel_start, move_start, closure_start, added_start):
            starts[0] = 0
        states = LrStates(
            kernel_start=kernel_start,
            kernel_items=kernel_items,
            move_start=move_start,
            move_symbol=move_symbol,
            move_target=move_target,
            state_of=np.zeros(2 * size, dtype=np.int32),
            closure_start=closure_start,
            closures=closures,
            closure_of=np.zeros(2 * size, dtype=np.int32),
            added_start=added_start,
            added=np.empty((8 * size, 3), dtype=np.int32),
            counts=np.zeros(4, dtype=np.int32),
        )
        own, items = np.zeros(2 * n_items + 1, dtype=np.int64), np.zeros(n_items + 1, dtype=np.int32)
        todo, seen = np.zeros((2, n_left), dtype=np.int32)
        ended = int(direct(lr_states.lr_states)(rules, states, n_terminals, limits, own, todo, seen, items))
        if ended == lr_states.DONE:
            return states
        if ended == lr_states.TOO_MANY:
            raise LimitError("the grammar needs too many parser states", what="parser states", limit=MAX_STATES)
        if ended == lr_states.TOO_LARGE:
            raise LimitError("the grammar needs too large tables", what="table entries", limit=MAX_ENTRIES)
        size *= 4


def _find_lookaheads(rules: LrRules, states: LrStates, n_terminals: int) -> Reductions:
    n_states = int(states.counts[lr_states.N_STATES])
    n_moves = int(states.move_start[n_states])
    n_edges = int(np.count_nonzero(states.move_symbol[:n_moves] >= n_terminals))
    width = (n_terminals + 64) // 64
    if n_edges * width > MAX_WORDS:
        raise LimitError("the grammar needs too large tables", what="words of lookaheads", limit=MAX_WORDS)
    nullable = np.zeros(len(rules.left_start) - 1, dtype=np.uint8)
    tail = np.empty(len(rules.by_left), dtype=np.int32)
    direct(lr_lookaheads.find_nullable)(rules, n_terminals, nullable, tail)
    edges = Edges(
        edge_of=np.empty(n_moves, dtype=np.int32),
        origin=np.zeros((n_edges, 3), dtype=np.int32),
        sets=np.zeros((n_edges, width), dtype=np.uint64),
        nullable=nullable,
        tail=tail,
    )
    direct(lr_lookaheads.find_edges)(states, n_states, n_terminals, edges)
    first = int(edges.edge_of[direct(lr_states.find_move)(states, 0, rules.symbols[0])])
    edges.sets[first, n_terminals >> 6] |= np.uint64(1 << (n_terminals & 63))
    if nullable.any():
        reads = _listed(
            2, n_edges, lambda pairs: int(direct(lr_lookaheads.find_reads)(states, n_terminals, edges, pairs))
        )
        _close(reads, edges)
    back = np.empty((0, 3), dtype=np.int32)
    n_back = 8 * n_edges + 64

    def find_includes(pairs: IntArray) -> int:
        nonlocal back, n_back
        back = np.empty((n_back, 3), dtype=np.int32)
        found = direct(lr_lookaheads.find_relations)(rules, states, n_terminals, edges, pairs, back)
        n_includes, n_back = int(found[0]), int(found[1])
        return n_includes if n_back <= len(back) else max(n_includes, len(pairs) + 1)

    _close(_listed(2, 16 * n_edges, find_includes), edges)
    back = back[:n_back]
    reductions = Reductions(
        of_state=np.full(n_states, -1, dtype=np.int32),
        before=np.empty(n_back, dtype=np.int32),
        production=np.empty(n_back, dtype=np.int32),
        sets=np.zeros((n_back, width), dtype=np.uint64),
    )
    direct(lr_lookaheads.find_lookaheads)(back, edges, reductions)
    return reductions


def _listed(width: int, guess: int, find: Any) -> IntArray:
    """The rows that ``find`` writes to an array, which is made as long as it says there are."""
    n = guess + 64
    while True:
        rows = np.empty((n, width), dtype=np.int32)
        count = int(find(rows))
        if count <= n:
            return rows[:count]
        n = count


def _close(pairs: IntArray, edges: Edges) -> None:
    """What one edge's set takes in from others, and from those that these take in."""
    n = len(edges.sets)
    start, targets = np.zeros(n + 1, dtype=np.int32), np.empty(len(pairs), dtype=np.int32)
    low, stack = np.empty((2, n), dtype=np.int32)
    calls = np.empty((n, 3), dtype=np.int32)
    direct(lr_lookaheads.close_sets)(pairs, len(pairs), start, targets, low, stack, calls, edges.sets)


def _tables(
    productions: tuple[Production, ...],
    rules: LrRules,
    left: IntArray,
    states: LrStates,
    lookaheads: Reductions,
    n_terminals: int,
) -> LalrTables:
    """Fill the arrays and settle conflicts."""
    n_states = len(lookaheads.of_state)
    action = np.zeros((n_states, n_terminals + 1), dtype=np.int32)
    goto = np.zeros((n_states, max(1, len(rules.left_start) - 2)), dtype=np.int32)
    accept = int(states.move_target[direct(lr_states.find_move)(states, 0, rules.symbols[0])])
    action[accept, n_terminals] = -1
    in_conflict = np.zeros(n_states, dtype=np.uint8)
    direct(lr_lookaheads.fill_tables)(states, n_terminals, lookaheads, action, goto, in_conflict)
    conflicts: list[Conflict] = []
    for state in np.flatnonzero(in_conflict).tolist():
        row = action[state]
        row[row < 0] = 0
        reduces = _reductions(lookaheads, state)
        if state == accept:
            reduces.append((0, 1 << n_terminals))
        _settle(productions, state, reduces, row, conflicts)
    kernel_start = states.kernel_start[: n_states + 1].copy()
    return LalrTables(
        action=action,
        goto=goto,
        length=np.diff(rules.first) - np.int32(1),
        left=left,
        productions=productions,
        kernel_start=kernel_start,
        kernel_items=states.kernel_items[: kernel_start[-1]].copy(),
        conflicts=tuple(conflicts),
        lookaheads=lookaheads,
    )


def _settle(
    productions: tuple[Production, ...],
    state: int,
    reduces: list[tuple[int, int]],
    row: IntArray,
    conflicts: list[Conflict],
) -> None:
    """Write the reductions of a state in which some contradict others, or shifts."""
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
        best = sorted(found, key=lambda p: -productions[p].priority)
        if len(best) > 1 and productions[best[0]].priority > productions[best[1]].priority:
            lost, best = best[1:], best[:1]
            conflicts += [] if shifts else [Conflict(state, terminal, (lost[0],), False)]
        if len(best) > 1 or shifts:
            conflicts.append(Conflict(state, terminal, tuple(best), bool(shifts)))
        if not shifts:
            row[terminal] = -1 - best[0]
