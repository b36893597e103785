"""The store of a grammar's mask parts: what tokens do inside one lexeme, whatever the stack.

``kernels.grammar_parts`` says what parts are and builds the small ones as a mask needs them;
``kernels.grammar_mask`` puts masks together from them. This store keeps them, makes room, and
builds the large ones. Most large ones are loops: names, numbers, blanks, comments and strings
read most of the vocabulary without moving. What such a loop reads is kept with the vocabulary
(see ``lexeme_runs``), so that another grammar with the same loop starts from it.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from structgen.automata.grammar.automaton import GrammarAutomaton
from structgen.dtypes import IntArray
from structgen.kernels import known_parts as known_kernels
from structgen.kernels import part_pool, part_writing
from structgen.kernels.grammar_walk import GrammarTrie
from structgen.kernels.jit import direct
from structgen.kernels.part_pool import LEAVING, PartTables
from structgen.masks.known_parts import KnownParts, Pedigrees
from structgen.masks.lexeme_runs import LEAST, LexemeRuns, Loop, loop_of

__all__ = ["HEAVY", "UNDER_WAY_AT_ROOT", "PartStore"]

UNDER_WAY_AT_ROOT = -1
"""Names the trie's root, where a token begins within a lexeme."""

HEAVY = 1500
"""Trie nodes behind a place where a lexeme may end or go on from which both are kept apart."""
BIG = 6000
"""Trie nodes from which loops are looked for before a part is built."""
LARGE = 1500
"""Trie nodes from which parts are looked for among those that are known beforehand."""
NONE_LARGE = (1 << 31) - 1
JUMP = 64
"""Trie nodes below a place from which it is not walked where a loop's exits are known."""
SMALL = 16
"""Trie nodes below a set up to which what begins there is walked with the parser, without parts."""
FEW_BEHIND = 5
"""Lexer states up to which those behind another byte are looked at for loops, too."""


class PartStore:
    """Parts by name, for one automaton and one vocabulary; ``tables`` is what kernels read and write.

    Fetch ``tables`` anew after ``build``.
    """

    def __init__(
        self, automaton: GrammarAutomaton, runs: LexemeRuns, known: KnownParts | None = None, *, heavy: int = HEAVY
    ) -> None:
        self.automaton = automaton
        known = known if known is not None else KnownParts()
        self.trie: GrammarTrie = runs.trie
        self.runs = runs
        self._loops: dict[int, Loop | None] = {}
        self._pedigrees = Pedigrees(automaton, known)
        self._known_states: dict[int, tuple[int, IntArray]] = {}
        """Of states that look behind: where they lie among those that are known, and their terminals."""
        self._staying: dict[int, memoryview] = {}
        tables = known.tables(runs.n_words)
        self._places, self._known_runs = tables.places, tables.runs
        # Of sizes that the allocator keeps: what the grammar before gave back is in memory already, while each
        # new page costs one or two microseconds. Nobody reads what has not been written, but for names and sets.
        self.tables = PartTables(
            pool=np.empty(1 << 16, dtype=np.int32),
            names=np.zeros((1 << 11, 4), dtype=np.int32),
            sets=np.zeros(1 << 11, dtype=np.int32),
            rows=np.empty((32, runs.n_words), dtype=np.uint32),
            counts=np.zeros(16, dtype=np.int32),
            wanted=np.empty((64, 3), dtype=np.int32),
            follows=automaton.follows(),
            loops=np.zeros((1 << 10, 4), dtype=np.int32),
            left=runs.left,
            families=np.zeros(256, dtype=np.int32),
            tokens=np.empty((1 << 13, 2), dtype=np.int32),
            ends=np.empty((1 << 13, 4), dtype=np.int32),
            loose=np.empty((1 << 12, 4), dtype=np.int32),
            marks=np.empty((1 << 12, 3), dtype=np.int32),
            known=tables.known,
            known_slots=tables.slots,
            known_rows=tables.rows,
            keys=automaton.lexer.tables.keys,
            key_at=automaton.lexer.tables.key_at,
            label=automaton.lexer.tables.label,
            numbers=self._numbers(bool(known)),
        )
        counts = self.tables.counts
        counts[part_pool.N_POOL] = 1
        counts[part_pool.HEAVY] = heavy
        counts[part_pool.JUMP] = min(JUMP, heavy)
        counts[part_pool.SMALL] = min(SMALL, heavy >> 2)
        counts[part_pool.BIG] = min(BIG, 4 * heavy, max(8, len(self.trie.byte) >> 3))
        counts[part_pool.LARGE] = min(LARGE, heavy, counts[part_pool.BIG]) if known else NONE_LARGE
        self.start = self._set_of(runs.firsts)
        """The set of the nodes at which tokens begin."""

    def _numbers(self, is_known: bool) -> IntArray:
        """See ``PartTables``; from the first terminal on that looks behind, this store is asked."""
        lexer, terminals = self.automaton.lexer, self.automaton.grammar.terminals
        found = array("i", (-1, 0)) * (len(terminals) + 1)
        for terminal in range(len(terminals)) if is_known else ():
            number = self._pedigrees.number(terminal)
            if number >= 0:
                first = lexer.first_node(terminal)
                is_asked = bool(lexer.nfa.behind_starts)
                found[2 * terminal] = known_kernels.NOT_ASKED if is_asked else number
                found[2 * terminal + 1] = first
        return np.frombuffer(found, dtype=np.int32).reshape(-1, 2)

    def nodes(self, name: int) -> IntArray:
        """The nodes of a set, or node n for ``-1 - n``."""
        if name < 0:
            return np.array([-1 - name], dtype=np.int32)
        return self.tables.pool[name + 2 : name + 2 + int(self.tables.pool[name])].copy()

    def _set_of(self, nodes: IntArray) -> int:
        tables = self.tables
        at = int(tables.counts[part_pool.N_POOL])
        tables.pool[at + 2 : at + 2 + len(nodes)] = nodes
        return int(part_pool.intern_set(self.trie, tables, len(nodes)))

    def build(self) -> None:
        """Build the parts that kernels want, or make room where it was short."""
        counts = self.tables.counts
        if counts[part_pool.SHORT]:
            self._enlarge(int(counts[part_pool.SHORT]))
            return
        for name, state, _ in self.tables.wanted[: int(counts[part_pool.N_WANTED])].tolist():
            looked = int(self.tables.loops[state, 0]) if state < len(self.tables.loops) else part_pool.ASK
            if looked == part_pool.ASK:
                self._ask(state)
                continue
            part = self._take(name, state) if looked == part_pool.BY_CALLER else 0
            if not part:
                self._look_at(state)
                if looked == part_pool.KNOWN:
                    self.tables.loops[state, 0] = part_pool.KNOWN_LOOKED_AT
                is_open = looked == part_pool.UNKNOWN_BEFORE and name == UNDER_WAY_AT_ROOT
                part = self._build_lexeme(state) if is_open and not self._is_newline(state) else 0
            if part:
                self._enter(name, state, part)

    def _enter(self, name: int, state: int, part: int) -> None:
        """Let kernels find a part."""
        counts = self.tables.counts
        if 2 * (int(counts[part_pool.N_NAMES]) + 1) > len(self.tables.names):
            self._enlarge(part_pool.NAMES)
        direct(part_pool.insert_part)(self.tables.names, name, state, 0, part)
        counts[part_pool.N_NAMES] += 1

    def refresh(self) -> None:
        """Show kernels the lexer's states and nodes that were added since."""
        found = self.automaton.lexer.tables
        tables = self.tables
        if tables.label is not found.label or tables.key_at is not found.key_at or tables.keys is not found.keys:
            self.tables = tables._replace(keys=found.keys, key_at=found.key_at, label=found.label)

    def _ask(self, state: int) -> None:
        """Find out whether parts of ``state`` are known beforehand, where kernels cannot tell."""
        self._know_of(state)
        self.refresh()
        found = self._pedigrees.of(state)
        place = self._places.get(found[0]) if found is not None else None
        if place is not None and found is not None:
            self._known_states[state] = place, np.array(found[1], dtype=np.int32)
        self.tables.loops[state, 0] = part_pool.UNKNOWN_BEFORE if place is None else part_pool.BY_CALLER

    def _take(self, name: int, state: int) -> int:
        """The part of a name in a state of which only this store knows where it comes from; 0 where it is not known."""
        place, terminals = self._known_states[state]
        part = self._add(known_kernels.take_part, place, name, state, terminals, 0)
        self.tables.loops[state, 0] = part_pool.BY_CALLER
        return part

    def stays(self, state: int) -> memoryview | None:
        """The tokens that leave the lexer in ``state``, as a mask, where that is known."""
        found = self._staying.get(state)
        if found is None:
            loops = self.tables.loops
            number = loops.item(state, 3) if state < len(loops) else 0
            run = self._known_runs[number] if number else None
            if run is not None:
                found = self._staying[state] = run.stays
        return found

    def _look_at(self, state: int) -> None:
        """Tell kernels which loops there are at ``state`` and behind its next bytes, for scans to jump through."""
        states = [state, *self._behind(state)]
        if len(states) <= FEW_BEHIND:
            states += {code for at in states[1:] for code in self._behind(at)}
        self._know_of(max(states))
        for each in states:
            loop = self._loop(each)
            if loop is not None:
                run = self.runs.run(loop)
                self.tables.loops[each, 1:3] = run.first, run.last
        self.tables.loops[state, 0] = part_pool.LOOKED_AT
        self._refresh()

    def _know_of(self, state: int) -> None:
        """Room for what is known of lexer states up to ``state``."""
        looked = self.tables.loops
        if state >= len(looked):
            longer = np.zeros((2 * state, 4), np.int32)
            longer[: len(looked)] = looked
            self.tables = self.tables._replace(loops=longer)

    def _refresh(self) -> None:
        """Show kernels the loops that were added to the vocabulary's."""
        if self.tables.left is not self.runs.left:
            self.tables = self.tables._replace(left=self.runs.left)

    def _behind(self, state: int) -> set[int]:
        return {code for code in self.automaton.expanded(state).tolist() if code > 0 and code != state}

    def _build_lexeme(self, state: int) -> int:
        """The part of lexemes under way in ``state``; 0 where no loop makes it easier."""
        loop = self._loop(state)
        if loop is None:
            return self._build_tail(state)
        run = self.runs.run(loop)
        self._staying[state] = run.stays
        return self._add(part_writing.add_lexeme, run.exits, 0, len(run.exits), state, LEAVING, True, run.row)

    def _loop(self, state: int) -> Loop | None:
        if state not in self._loops:
            self._loops[state] = loop_of(self.automaton, state, self.tables.follows)
        return self._loops[state]

    def _build_tail(self, state: int) -> int:
        """The part of a lexeme under way that nearly any byte leads into a loop; 0 where that is not so.

        So it is within a name that must not be a keyword: what follows is what follows
        anywhere in a name, but for one letter or two.
        """
        automaton, trie = self.automaton, self.trie
        row = automaton.expanded(state).copy()
        codes = row[:128][row[:128] > 0]
        target = int(np.bincount(codes).argmax()) if len(codes) >= LEAST else 0
        loop = self._loop(target) if target not in (0, state) and not self._is_newline(target) else None
        if loop is None or 2 * np.count_nonzero((row[:128] == target) & (loop[0] != 0)) < np.count_nonzero(loop[0]):
            return 0
        accepts = automaton.heap["accepts"]
        if not (accepts[state] == -1 or (accepts[target] >= 0 and not automaton.grammar.scannerless)):
            return 0
        after = automaton.expanded(target)
        alike = np.zeros(256, dtype=np.bool_)
        alike[:128] = (row[:128] == target) & (loop[0] != 0)
        alike[128:] = loop[1] and np.array_equal(row[128:], after[128:])
        run = self.runs.run(loop)
        children = self.nodes(self.start)
        is_alike = alike[trie.byte[children]]
        others = children[~is_alike]
        firsts = trie.byte[others]
        strangers = others[np.where(firsts < 128, loop[0][firsts & 127] != 0, loop[1])]
        if 2 * self._n_below(strangers) > self._n_below(children[is_alike]):
            return 0
        tokens = run.row.copy()
        part_writing.clear_tokens(trie, strangers, tokens)
        exits = run.exits[is_alike[np.searchsorted(children, run.exits, side="right") - 1]]
        exits = exits[trie.depth[exits] > 1]
        return self._add(part_writing.add_tail, exits, target, tokens, others, state)

    def _n_below(self, nodes: IntArray) -> int:
        return int((self.trie.subtree_end[nodes] - nodes).sum())

    def _add(self, kernel: Callable[..., Any], *arguments: Any) -> int:
        """Build a part, with all the room and tables that it needs; 0 where its tokens should be a row of bits."""

        def call(heap: Any, work: Any) -> int:
            self.tables.counts[part_pool.SHORT] = 0
            return int(direct(kernel)(heap, work, self.trie, self.tables, *arguments))

        while True:
            part = int(self.automaton.run(call))
            if part >= 0:
                return part
            short = int(self.tables.counts[part_pool.SHORT])
            if short == part_pool.TOKENS:
                return 0
            self._enlarge(short)

    def _is_newline(self, state: int) -> bool:
        automaton = self.automaton
        rules = automaton.grammar.indentation
        family = int(automaton.heap["family"][state])
        first, last = automaton.heap["family_start"][family : family + 2].tolist()
        return rules is not None and rules.newline in automaton.heap["family_terminals"][first:last]

    def grow(self) -> None:
        """Double the tables that are looked up by hash, as they double when they are full."""
        self._enlarge(part_pool.NAMES)
        self._enlarge(part_pool.SETS)

    def _enlarge(self, what: int) -> None:
        """Double one of the tables."""
        field = _FIELDS[what]
        old = getattr(self.tables, field)
        room = np.zeros if field in ("names", "sets") else np.empty
        new: npt.NDArray[Any] = room((2 * len(old), *old.shape[1:]), old.dtype)
        self.tables = tables = self.tables._replace(**{field: new})
        if field == "names":
            direct(part_pool.rehash_parts)(old, new)
        elif field == "sets":
            direct(part_pool.rehash_sets)(tables.pool, old, new)
        else:
            new[: len(old)] = old
        tables.counts[part_pool.SHORT] = 0

    def __repr__(self) -> str:
        counts = self.tables.counts
        n_parts, n_sets = int(counts[part_pool.N_NAMES]), int(counts[part_pool.N_SETS])
        return f"PartStore({n_parts} parts over {n_sets} sets)"


_FIELDS = ("", "pool", "names", "sets", "rows", "families", "tokens", "ends", "loose", "marks")
