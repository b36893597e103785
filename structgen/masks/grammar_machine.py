"""Machine B: a grammar bound to a vocabulary.

A mask is looked up by configuration; failing that, by the part of the stack that some mask
before it looked at; failing that, it is put together from lexeme parts. The walk records
the lowest stack cell whose parser state it read, so a mask computed under one stack serves
every stack that agrees down to there. That key is found by a chain of small dictionaries:
each asks for one more parser state, until a mask is reached.

A configuration is a tuple of threads (see ``kernels.pushdown``): cells are interned, so
equal places are equal values, and rollback and fork cost nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable
from typing import Any

import numpy as np

from structgen.automata.grammar.automaton import GrammarAutomaton, Thread, Threads
from structgen.automata.grammar.complete import Completer
from structgen.dtypes import TokenMask, n_words
from structgen.kernels import grammar_walk, pushdown
from structgen.kernels.grammar_walk import GrammarTrie
from structgen.masks.cache import MaskCache
from structgen.masks.grammar_budget import GrammarBudget
from structgen.masks.lexeme_parts import HEAVY, LexemePart, PartStore
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["GrammarMachine"]

MAX_STEPS = 1 << 17
"""Remembered (configuration, token) steps."""


class GrammarMachine:
    """``TokenMachine`` over a ``GrammarAutomaton``; safe to share between threads."""

    def __init__(
        self, automaton: GrammarAutomaton, vocabulary: Vocabulary, *, cache: MaskCache | None = None, heavy: int = HEAVY
    ) -> None:
        self.automaton = automaton
        self._vocabulary = vocabulary
        self._trie = _trie_with_parents(vocabulary)
        self._n_words = n_words(vocabulary.n_tokens)
        self._parts = PartStore(automaton, self._trie, self._n_words, heavy=heavy)
        self._rows = cache if cache is not None else MaskCache()
        self._known: dict[Any, Any] = {}
        self._steps: dict[tuple[Threads, int], Threads | None] = {}
        self._accepting: dict[Threads, bool] = {}
        self._lock = threading.RLock()
        self._start = automaton.start()
        self._eos = np.array(vocabulary.eos_ids, dtype=np.int32)
        self._completer = Completer(automaton)
        self._budget = GrammarBudget(self, self._completer)
        self.n_cold = 0

    @property
    def vocabulary(self) -> Vocabulary:
        return self._vocabulary

    def start(self) -> Threads:
        """The configuration before any byte."""
        return self._start

    def fill_mask(self, config: Any, row: TokenMask) -> None:
        """Overwrite ``row``; see ``TokenMachine.fill_mask``."""
        found = self._rows.get(config)
        if found is None:
            with self._lock:
                found = self._rows.put(config, self._mask(config))
        row[:] = found

    def _mask(self, config: Threads) -> TokenMask:
        row = np.zeros(self._n_words, dtype=np.uint32)
        for thread in config:
            row |= self._thread_mask(thread)
        if self.is_accepting(config):
            for token in self._eos.tolist():
                row[token >> 5] |= np.uint32(1 << (token & 31))
        return row

    def _thread_mask(self, thread: Thread) -> TokenMask:
        """The mask of one thread, by the stack it depends on."""
        mask, _ = self._find(thread[1:], thread[0])
        if mask is not None:
            return mask
        self.n_cold += 1
        self.automaton.begin()
        mask = np.zeros(self._n_words, dtype=np.uint32)
        cell, state, watch, register, column = thread
        if watch:
            self._walk(thread, mask)
        else:
            self._add_lexeme(cell, register, column, state, mask)
        self._remember(thread[1:], cell, mask)
        return mask

    def _find(self, name: Hashable, cell: int) -> tuple[TokenMask | None, int]:
        """A mask kept under ``name`` for the stack at ``cell``, and the lowest arena depth that was compared."""
        at: Any = self._known
        key: Hashable = name
        lowest = _ABOVE
        while True:
            following = at.get(key)
            if following is None:
                return None, lowest
            if not isinstance(following, dict):
                return self._rows.get(following), lowest
            state, cell, depth = self._frame(cell)
            lowest = min(lowest, depth)
            at, key = following, state

    def _frame(self, cell: int) -> tuple[int, int, int]:
        """Parser state, parent and arena depth of a cell; scratch cells are above all depths."""
        if self.automaton.parser is not None:
            return cell, cell, 0
        if cell >= pushdown.SCRATCH:
            at = pushdown.SCRATCH_AT + 2 * (cell - pushdown.SCRATCH)
            work = self.automaton.work
            return int(work[at]), int(work[at + 1]), _ABOVE
        state, parent, depth = self.automaton.heap["cells"][cell].tolist()
        return state, parent, depth

    def _remember(self, name: Hashable, cell: int, mask: TokenMask) -> None:
        """Keep ``mask`` for all stacks equal to the one at ``cell`` down to what was read."""
        lowest = int(self.automaton.work[pushdown.LOWEST])
        keys: list[Hashable] = [name]
        while True:
            state, parent, depth = self._frame(cell)
            if depth < lowest:
                break
            keys.append(state)
            if depth == 0:
                break
            cell = parent
        at: Any = self._known
        for key in keys[:-1]:
            following = at.get(key)
            if not isinstance(following, dict):
                following = at[key] = {}
            at = following
        full = ("mask", *keys)
        at[keys[-1]] = full
        self._rows.put(full, mask)

    def _add_lexeme(self, cell: int, register: int, column: int, state: int, row: TokenMask) -> None:
        """A lexeme under way, then whatever follows it."""
        base = int(self.automaton.heap["base"][state])
        skipped = _NONE
        if base != state:
            nodes, states = np.zeros(1, dtype=np.int32), np.array([state], dtype=np.int32)
            skipped = self._add_keywords(cell, register, nodes, states, row)
        self._add_part(cell, register, column, self._parts.lexeme(base), skipped, row)

    def _add_keywords(self, cell: int, register: int, nodes: Any, states: Any, row: TokenMask) -> Any:
        """What keywords change about a name; returns the trie nodes that spell one."""
        marks = np.zeros((256, 3), dtype=np.int32)

        def call(heap: Any, work: Any) -> Any:
            return grammar_walk.walk_keywords(
                heap, work, self._trie, cell, register, nodes, states, self._parts.heavy, marks, row
            )

        n = int(self.automaton.run(call))
        while n < 0:
            marks = np.zeros((4 * len(marks), 3), dtype=np.int32)
            n = int(self.automaton.run(call))
        marks = marks[:n]
        for node, state in marks[marks[:, 2] == 1, :2].tolist():
            self._end_lexeme(node, cell, state, register, -1, row)
        return np.ascontiguousarray(marks[:, 0])

    def _add_part(self, cell: int, register: int, column: int, part: LexemePart, skipped: Any, row: TokenMask) -> None:
        automaton, trie = self.automaton, self._trie
        if len(part.rows):
            automaton.run(
                lambda heap, work: grammar_walk.apply_rows(
                    heap, work, cell, register, column, part.families, part.rows, row
                )
            )
        if len(part.light_nodes):
            automaton.run(
                lambda heap, work: grammar_walk.walk_events(
                    heap, work, trie, cell, register, column, part.root,
                    part.light_nodes, part.light_states, skipped, row,
                )
            )  # fmt: skip
        for node, state in part.big:
            if node not in skipped:
                self._end_lexeme(node, cell, state, register, self._column(part, node, state, column), row)

    def _column(self, part: LexemePart, node: int, state: int, column: int) -> int:
        if self.automaton.grammar.indentation is None:
            return -1
        return int(
            self.automaton.run(
                lambda heap, work: grammar_walk.column_in_lexeme(heap, self._trie, part.root, node, state, column)
            )
        )

    def _end_lexeme(self, node: int, cell: int, state: int, register: int, column: int, row: TokenMask) -> None:
        """The lexeme ends at trie node ``node``: add what may begin below it."""
        terminal = int(self.automaton.heap["accepts"][state])
        after, register = self.automaton.run(
            lambda heap, work: grammar_walk.end_at(heap, work, cell, terminal, register, column)
        )
        if after != pushdown.FAIL:
            self._add_start(node, int(after), int(register), state, row)

    def _add_start(self, node: int, cell: int, register: int, before: int, row: TokenMask) -> None:
        """What begins below ``node``, less the bytes that the lexeme in ``before`` reads on with."""
        begun = self._start_mask(node, cell, register)
        held = self._parts.held_back(node, before)
        row |= begun if held is None else begun & held

    def _start_mask(self, node: int, cell: int, register: int) -> TokenMask:
        """The tokens below ``node`` that begin a lexeme there, on the stack at ``cell``."""
        work, name = self.automaton.work, (node, register)
        mask, compared = self._find(name, cell)
        if mask is not None:
            work[pushdown.LOWEST] = min(int(work[pushdown.LOWEST]), compared)
            return mask
        before = int(work[pushdown.LOWEST])
        work[pushdown.LOWEST] = _ABOVE
        self.automaton.forget()  # what is remembered would not sink LOWEST again
        mask = np.zeros(self._n_words, dtype=np.uint32)
        parser_state = int(self.automaton.run(lambda heap, work: grammar_walk.top_state(heap, work, cell)))
        for code, watch in self.automaton.lexer.fork(self.automaton.start_code(parser_state)):
            if watch:
                self._begin_watched(node, cell, register, mask)
            elif code:
                self._begin(node, cell, register, code, mask)
        self._remember(name, cell, mask)
        work = self.automaton.work
        work[pushdown.LOWEST] = min(before, int(work[pushdown.LOWEST]))
        return mask

    def _begin(self, node: int, cell: int, register: int, code: int, row: TokenMask) -> None:
        part = self._parts.start(node, code)
        if len(part.light_nodes):
            self.automaton.run(
                lambda heap, work: grammar_walk.walk_starts(
                    heap, work, self._trie, cell, register, part.light_nodes, part.light_codes, row
                )
            )
        skipped = _NONE
        if len(part.keyword_nodes):
            skipped = self._add_keywords(cell, register, part.keyword_nodes, part.keyword_states, row)
        self._add_part(cell, register, -1, part.lexemes, skipped, row)

    def _begin_watched(self, node: int, cell: int, register: int, row: TokenMask) -> None:
        """The same where a lexeme starts with a lookahead: walk all children."""
        nodes, _, _ = self._parts.children(node)
        self.automaton.run(
            lambda heap, work: grammar_walk.walk_fresh(heap, work, self._trie, cell, register, nodes, row)
        )

    def _walk(self, thread: Thread, row: TokenMask) -> None:
        """The general way, for threads with conditions: walk, and split at heavy ends."""
        rows = np.array(thread, dtype=np.int32)
        events = np.zeros((4096, 4), dtype=np.int32)
        automaton = self.automaton
        automaton.run(
            lambda heap, work: grammar_walk.walk(heap, work, self._trie, rows, self._parts.heavy, events, row)
        )
        n = int(automaton.work[pushdown.N_EVENTS])
        for node, cell, register, state in events[:n].tolist():
            self._add_start(node, cell, register, state, row)

    def advance(self, config: Any, token_id: int) -> Threads | None:
        """The configuration after a token; None where it is not allowed."""
        key = (config, token_id)
        steps = self._steps
        try:
            return steps[key]
        except KeyError:
            pass
        vocabulary = self._vocabulary
        if token_id in vocabulary.special_ids or token_id in vocabulary.eos_ids:
            return None
        data = vocabulary.token_bytes(token_id)
        found = self.advance_bytes(config, data) if data else None
        if len(steps) >= MAX_STEPS:
            steps.clear()
        steps[key] = found
        return found

    def advance_bytes(self, config: Any, data: bytes) -> Threads | None:
        """The configuration after plain bytes; None where they cannot be read."""
        with self._lock:
            return self.automaton.advance(config, data) or None

    def is_accepting(self, config: Any) -> bool:
        """Whether the bytes so far are a sentence."""
        known = self._accepting.get(config)
        if known is None:
            with self._lock:
                known = self.automaton.is_accepting(config)
            if len(self._accepting) >= MAX_STEPS:
                self._accepting.clear()
            self._accepting[config] = known
        return known

    def forced_bytes(self, config: Any, limit: int = 256) -> bytes:
        """The bytes that every completion starts with; stops where the text may end."""
        with self._lock:
            return self._completer.forced(config, limit)

    def shortest_completion(self, config: Any) -> bytes:
        """A short completion: of least length in all but contrived grammars, always valid."""
        with self._lock:
            return self._completer.shortest(config)

    def completion_tokens(self, config: Any) -> tuple[int, ...]:
        """``shortest_completion`` in tokens."""
        with self._lock:
            return self._budget.tokens(config)

    def completion_cost(self, config: Any) -> int:
        """Tokens of ``completion_tokens``."""
        return len(self.completion_tokens(config))

    def fill_mask_within(self, config: Any, row: TokenMask, n_tokens: int) -> bool:
        """Overwrite ``row`` with allowed tokens after which ``n_tokens`` more surely suffice; False where none does."""
        with self._lock:
            return self._budget.fill(config, row, n_tokens)

    def __repr__(self) -> str:
        return f"GrammarMachine({self.automaton!r}, {self._vocabulary!r}, {len(self._rows)} masks)"


_ABOVE = 1 << 30
_NONE = np.zeros(0, dtype=np.int32)


def _trie_with_parents(vocabulary: Vocabulary) -> GrammarTrie:
    trie = vocabulary.trie
    parent = np.zeros(trie.n_nodes, dtype=np.int32)
    grammar_walk.find_parents(trie.subtree_end, parent)
    return GrammarTrie(trie.byte, trie.subtree_end, trie.depth, trie.token_start, trie.token_ids, parent)
