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
from structgen.automata.lexer import UNKNOWN
from structgen.dtypes import TokenMask, n_words
from structgen.kernels import grammar_walk, pushdown
from structgen.kernels.grammar_walk import GrammarTrie
from structgen.masks.cache import MaskCache
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
        self.n_cold = 0

    @property
    def vocabulary(self) -> Vocabulary:
        return self._vocabulary

    def start(self) -> Threads:
        """The configuration before any byte."""
        return self._start

    def fill_mask(self, config: Threads, row: TokenMask) -> None:
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
        cells = self.automaton.heap["cells"]
        at: Any = self._known
        key: Hashable = thread[1:]
        cell, path = thread[0], []
        while True:
            following = at.get(key)
            if following is None:
                break
            if not isinstance(following, dict):
                mask = self._rows.get(following)
                if mask is not None:
                    return mask
                break
            path.append(key)
            at, key = following, int(cells[cell, 0])
            cell = int(cells[cell, 1])
        mask, n_frames = self._cold_mask(thread)
        self._remember(thread, n_frames, mask)
        return mask

    def _remember(self, thread: Thread, n_frames: int, mask: TokenMask) -> None:
        cells = self.automaton.heap["cells"]
        keys: list[Hashable] = [thread[1:]]
        cell = thread[0]
        for _ in range(n_frames):
            keys.append(int(cells[cell, 0]))
            cell = int(cells[cell, 1])
        at: Any = self._known
        for key in keys[:-1]:
            following = at.get(key)
            if not isinstance(following, dict):
                following = at[key] = {}
            at = following
        name = ("mask", *keys)
        at[keys[-1]] = name
        self._rows.put(name, mask)

    def _cold_mask(self, thread: Thread) -> tuple[TokenMask, int]:
        """Put a mask together; returns it and how many frames of the stack it depends on."""
        self.n_cold += 1
        automaton = self.automaton
        automaton.begin()
        row = np.zeros(self._n_words, dtype=np.uint32)
        cell, state, watch, register, column = thread
        if watch:
            self._walk(thread, row)
        else:
            self._add_lexeme(cell, register, column, state, row)
        depth = int(automaton.heap["cells"][cell, 2])
        lowest = int(automaton.work[pushdown.LOWEST])
        return row, max(0, depth - lowest + 1)

    def _add_lexeme(self, cell: int, register: int, column: int, state: int, row: TokenMask) -> None:
        """A lexeme under way, then whatever follows it."""
        base = int(self.automaton.heap["base"][state])
        nodes = np.zeros(1, dtype=np.int32)
        states = np.array([state], dtype=np.int32)
        skipped = self._add_keywords(cell, register, nodes, states, row) if base != state else _NONE
        self._add_part(cell, register, column, self._parts.lexeme(base), skipped, row)

    def _add_keywords(self, cell: int, register: int, nodes: Any, states: Any, row: TokenMask) -> Any:
        marks = np.zeros(256, dtype=np.int32)

        def call(heap: Any, work: Any) -> Any:
            return grammar_walk.walk_keywords(heap, work, self._trie, cell, register, nodes, states, marks, row)

        return marks[: self.automaton.run(call)]

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
            if node in skipped:
                continue
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
        automaton = self.automaton
        terminal = int(automaton.heap["accepts"][state])
        after, register = automaton.run(
            lambda heap, work: grammar_walk.end_at(heap, work, cell, terminal, register, column)
        )
        if after == pushdown.FAIL:
            return
        for code in self._start_codes(after):
            self._add_start(node, int(after), int(register), code, state, row)

    def _start_codes(self, cell: int) -> list[int]:
        """The states lexemes start with on ``cell``, forks taken apart (a start never depends on a lookahead)."""
        automaton = self.automaton
        parser_state = int(automaton.run(lambda heap, work: grammar_walk.top_state(heap, work, cell)))
        code = automaton.start_code(parser_state)
        return [state for state, _ in automaton.lexer.fork(code) if state]

    def _add_start(self, node: int, cell: int, register: int, code: int, before: int, row: TokenMask) -> None:
        automaton, trie = self.automaton, self._trie
        part = self._parts.start(node, code, before)
        if len(part.light_nodes):
            automaton.run(
                lambda heap, work: grammar_walk.walk_starts(
                    heap, work, trie, cell, register, part.light_nodes, part.light_codes, row
                )
            )
        for group in part.groups:
            skipped = _NONE
            if len(group.keyword_nodes):
                skipped = self._add_keywords(cell, register, group.keyword_nodes, group.keyword_states, row)
            self._add_part(cell, register, -1, self._parts.group(group), skipped, row)

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
            for code in self._start_codes(cell):
                self._add_start(node, cell, register, code, state, row)

    def advance(self, config: Threads, token_id: int) -> Threads | None:
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

    def advance_bytes(self, config: Threads, data: bytes) -> Threads | None:
        """The configuration after plain bytes; None where they cannot be read."""
        with self._lock:
            return self.automaton.advance(config, data) or None

    def is_accepting(self, config: Threads) -> bool:
        """Whether the bytes so far are a sentence."""
        known = self._accepting.get(config)
        if known is None:
            with self._lock:
                known = self.automaton.is_accepting(config)
            if len(self._accepting) >= MAX_STEPS:
                self._accepting.clear()
            self._accepting[config] = known
        return known

    def __repr__(self) -> str:
        return f"GrammarMachine({self.automaton!r}, {self._vocabulary!r}, {len(self._rows)} masks)"


_NONE = np.zeros(0, dtype=np.int32)


def _trie_with_parents(vocabulary: Vocabulary) -> GrammarTrie:
    trie = vocabulary.trie
    parent = np.zeros(trie.n_nodes, dtype=np.int32)
    grammar_walk.find_parents(trie.subtree_end, parent)
    return GrammarTrie(trie.byte, trie.subtree_end, trie.depth, trie.token_start, trie.token_ids, parent)


assert UNKNOWN == -1
