"""Machine B: a grammar bound to a vocabulary.

A mask is looked up by configuration; failing that, by the part of the stack that some mask
before it looked at; failing that, it is put together from lexeme parts
(``kernels.grammar_mask``). The walk records the lowest stack cell whose parser state it
read, so a mask computed under one stack serves every stack that agrees down to there: it is
kept by the states that far down, and for each lexer state the lengths in use are known.

A configuration is a tuple of threads (see ``kernels.pushdown``): cells are interned, so
equal places are equal values, and rollback and fork cost nothing.
"""

from __future__ import annotations

import threading
from bisect import insort
from typing import Any

import numpy as np

from structgen.automata.grammar.automaton import GrammarAutomaton, Thread, Threads
from structgen.automata.grammar.complete import Completer
from structgen.dtypes import TokenMask
from structgen.kernels import grammar_mask, grammar_walk
from structgen.kernels.jit import direct
from structgen.masks.cache import MaskCache
from structgen.masks.grammar_budget import GrammarBudget, WithinBudget
from structgen.masks.known_parts import known_parts
from structgen.masks.lexeme_parts import HEAVY, UNDER_WAY_AT_ROOT, PartStore
from structgen.masks.lexeme_runs import lexeme_runs
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["GrammarMachine"]

MAX_STEPS = 1 << 17
"""Remembered (configuration, token) steps."""
_NOT_YET: Any = object()
TOP = 64
"""States on top of a stack that are remembered as bytes."""
MOST_WATCHES = 256
"""Remembered rows of tokens that break a condition."""


class GrammarMachine(WithinBudget):
    """``TokenMachine`` over a ``GrammarAutomaton``; safe to share between threads."""

    def __init__(
        self, automaton: GrammarAutomaton, vocabulary: Vocabulary, *, cache: MaskCache | None = None, heavy: int = HEAVY
    ) -> None:
        self.automaton = automaton
        self._vocabulary = vocabulary
        runs = lexeme_runs(vocabulary)
        self._trie = runs.trie
        self._n_words = vocabulary.n_words
        self._n_tokens, self._data, self._offsets = vocabulary.n_tokens, vocabulary.data, vocabulary.offsets
        self._parts = PartStore(automaton, runs, known_parts(vocabulary), heavy=heavy)
        self._rows = cache if cache is not None else MaskCache()
        self._young = self._rows.young
        self._held: dict[Threads, TokenMask] = {}
        """Rows that were asked for since the cache last forgot some, at one look."""
        self._lengths: dict[tuple[int, ...], list[int]] = {}
        self._scratch = np.zeros(self._n_words, dtype=np.uint32)
        """Where masks are put together: what is kept of them is a copy, and none of a mask that is there."""
        self._states = np.zeros(TOP, dtype=np.int32)
        """Room for the states on top of a stack; more are seldom read."""
        self._states_bytes = self._states.data.cast("B")
        self._queue = np.zeros((1024, 6), dtype=np.int32)
        self._watched = np.zeros((256, 6), dtype=np.int32)
        self._broken: dict[tuple[int, int], TokenMask] = {}
        self._steps: dict[tuple[Threads, int], Threads | None] = {}
        self._stays_of: dict[tuple[int, ...], memoryview] = {}
        """By what threads are besides their cell, as masks: tokens that leave them as they are. Such tokens are most
        of a text in strings, and not worth remembering as steps."""
        self._staying: dict[Threads, memoryview] = {}
        """The same by configuration, where such a token was met."""
        self._accepting: dict[Threads, bool] = {}
        self._tops: dict[int, bytes] = {}
        self._eos = np.array(sorted(vocabulary.eos_ids), dtype=np.int32)
        self._lock = threading.RLock()
        self._begin_mask = direct(grammar_mask.begin_mask)
        self._start = automaton.start()
        self._start_states = frozenset(state for _, state, _, _, _ in self._start)
        self._no_text = vocabulary.special_ids | frozenset(vocabulary.eos_ids)
        self._completer = Completer(automaton)
        self._budget = GrammarBudget(self, self._completer)
        self.n_cold = 0

    @property
    def vocabulary(self) -> Vocabulary:
        return self._vocabulary

    def warm_up(self) -> None:
        """Compile what few grammars need: threads under conditions, and tables of parts that grow."""
        self._walk([], (UNDER_WAY_AT_ROOT, 0, 0, 0, 0, 0), np.zeros(self._n_words, dtype=np.uint32))
        self._parts.grow()

    def start(self) -> Threads:
        """The configuration before any byte."""
        return self._start

    def fill_mask(self, config: Any, row: TokenMask) -> None:
        """Overwrite ``row``; see ``TokenMachine.fill_mask``."""
        found = self._held.get(config)
        if found is None:
            with self._lock:
                found = self._mask(config)
        row[...] = found

    def _mask(self, config: Threads) -> TokenMask:
        """The mask of ``config``, and where it is found at one look."""
        if len(config) == 1 and config != self._start:
            row = self._thread_mask(config[0])
        else:
            known = self._rows.get(config)
            row = known if known is not None else self._rows.put(config, self._joined_mask(config))
        if self._young is not self._rows.young:
            self._young, self._held = self._rows.young, {}
        self._held[config] = row
        return row

    def _joined_mask(self, config: Threads) -> TokenMask:
        """The mask of several threads; of one, at the text's start."""
        row = np.zeros(self._n_words, dtype=np.uint32)
        for thread in config:
            row |= self._thread_mask(thread)
        if config == self._start and self.is_accepting(config):
            self._add_eos(row)
        return row

    def _thread_mask(self, thread: Thread) -> TokenMask:
        """The mask of one thread, by the stack it depends on."""
        name = thread[1:]
        lengths = self._lengths.get(name)
        if lengths is not None:
            states, find = self._stack(thread[0], lengths[-1]), self._rows.get
            for length in lengths:
                found = find((name, states[: 4 * length]))
                if found is not None:
                    return found
        mask, total, length = self._cold_mask(thread)
        if lengths is None:
            self._begin_name(name, length)
        elif length not in lengths:
            insort(lengths, length)
        return self._rows.keep((name, self._stack(thread[0], length)), mask, total)

    def _cold_mask(self, thread: Thread) -> tuple[TokenMask, int, int]:
        """The mask of one thread, put together: it holds for all stacks equal to its own down to what was read.

        Returns a row that will be written again, the sum of its words, or -1, and how many cells were read.
        """
        self.n_cold += 1
        automaton, parts, mask = self.automaton, self._parts, self._scratch
        cell, state, watch, _, column = thread
        if watch and automaton.prospects is not None:
            return self._walked_mask(thread)
        at_start = cell == 0 and column == -1 and state in self._start_states
        n, n_watched, problem, total, length = self._begin_mask(
            automaton.heap.array, automaton.work, self._trie, parts.tables, self._queue, self._watched,
            parts.start if at_start else UNDER_WAY_AT_ROOT, *thread, self._eos, mask,
        )  # fmt: skip
        if total < 0:
            self._go_on(n, n_watched, problem, mask)
            if watch:
                mask &= self._unbroken(UNDER_WAY_AT_ROOT, watch)
            if automaton.may_be_complete(thread):
                self._add_eos(mask)
            length = int(direct(grammar_mask.cells_read)(automaton.heap.array, automaton.work, cell))
        return mask, total, length

    def _begin_name(self, name: tuple[int, ...], length: int) -> None:
        """Keep of a new name how many cells were read, and the tokens that leave threads of it as they are."""
        if len(self._lengths) >= MAX_STEPS:
            self._lengths.clear()
            self._stays_of.clear()
        self._lengths[name] = [length]
        state, watch, _, column = name
        if not watch and column == -1 and state not in self._start_states:
            stays = self._parts.stays(state)
            if stays is not None:
                self._stays_of[name] = stays

    def _walked_mask(self, thread: Thread) -> tuple[TokenMask, int, int]:
        """The mask of a thread under a condition, token by token, where dead ends are left out."""
        automaton = self.automaton
        mask = np.zeros(self._n_words, dtype=np.uint32)
        automaton.begin()
        cell, state, watch, register, column = thread
        self._walk([0], (UNDER_WAY_AT_ROOT, state, cell, register, column, watch), mask)
        if automaton.may_be_complete(thread):
            self._add_eos(mask)
        return mask, -1, int(direct(grammar_mask.cells_read)(automaton.heap.array, automaton.work, cell))

    def _walk(self, nodes: list[int], place: tuple[int, ...], row: TokenMask) -> None:
        """Add what a place leads to at ``nodes``, by the bytes of each token."""
        roots, numbers = np.array(nodes, dtype=np.int32), np.array(place, dtype=np.int32)
        self.automaton.run(lambda heap, work: grammar_mask.walk_watched(heap, work, self._trie, roots, numbers, row))

    def _add_eos(self, row: TokenMask) -> None:
        for token in self._vocabulary.eos_ids:
            row[token >> 5] |= np.uint32(1 << (token & 31))

    def _stack(self, cell: int, length: int) -> bytes:
        """The parser states on top of a stack, at most ``length``, as bytes; a fork stands for all below it."""
        top = self._tops.get(cell)
        if top is None:
            if len(self._tops) >= MAX_STEPS:
                self._tops.clear()
            n = direct(grammar_walk.stack_states)(self.automaton.heap.array, cell, self._states)
            top = self._tops[cell] = self._states_bytes[: 4 * n].tobytes()
        if length <= TOP:
            return top[: 4 * length]
        out = np.zeros(length, dtype=np.int32)
        n = direct(grammar_walk.stack_states)(self.automaton.heap.array, cell, out)
        return out[:n].tobytes()

    def _fill(self, places: list[tuple[int, ...]], row: TokenMask) -> None:
        """Add what ``places`` lead to (see ``grammar_mask.fill``)."""
        while len(places) > len(self._queue):
            self._queue = np.zeros((2 * len(self._queue), 6), dtype=np.int32)
        self._queue[: len(places)] = places
        self.automaton.clear()
        self._go_on(len(places), 0, grammar_mask.BEGUN, row)

    def _go_on(self, n: int, n_watched: int, problem: int, row: TokenMask) -> None:
        """See to what the kernel could not do, and call it again, until all is done."""
        parts, automaton, trie = self._parts, self.automaton, self._trie
        while problem != grammar_mask.DONE:
            if problem == grammar_mask.MISSED:
                if automaton.supply():
                    automaton.forget()
                    parts.refresh()
                parts.build()
            elif problem == grammar_mask.FULL:
                self._queue = np.concatenate([self._queue, np.zeros_like(self._queue)])
                self._watched = np.concatenate([self._watched, np.zeros_like(self._watched)])
            automaton.clear()
            n, n_watched, problem = direct(grammar_mask.fill)(
                automaton.heap.array, automaton.work, trie, parts.tables, self._queue, self._watched, n, n_watched, row
            )
        if n_watched:
            self._fill_watched(self._watched[:n_watched].tolist(), row)

    def _fill_watched(self, places: list[list[int]], row: TokenMask) -> None:
        """The places that stand under a condition."""
        if self.automaton.prospects is not None:
            for place in places:
                self._walk(self._parts.nodes(place[0]).tolist(), tuple(place), row)
            return
        together: dict[tuple[int, int], dict[tuple[int, ...], None]] = {}
        for name, code, cell, register, column, watch in places:
            together.setdefault((name, watch), {})[name, code, cell, register, column, 0] = None
        for (name, watch), same in together.items():
            part = np.zeros(self._n_words, dtype=np.uint32)
            self._fill(list(same), part)
            row |= part & self._unbroken(name, watch)

    def _unbroken(self, name: int, watch: int) -> TokenMask:
        """All tokens but those behind set ``name`` that break ``watch`` (see ``grammar_mask.fill`` for both)."""
        key = (name, watch)
        found = self._broken.get(key)
        if found is None:
            row = np.zeros(self._n_words, dtype=np.uint32)
            nodes, is_behind = self._parts.nodes(name), name < 0 or watch < 0
            self.automaton.run(
                lambda heap, work: grammar_mask.find_broken(heap, work, self._trie, nodes, abs(watch), is_behind, row)
            )
            found = ~row
            if len(self._broken) >= MOST_WATCHES:
                self._broken.clear()
            self._broken[key] = found
        return found

    def advance(self, config: Any, token_id: int) -> Threads | None:
        """The configuration after a token; None where it is not allowed."""
        key = (config, token_id)
        known = self._steps.get(key, _NOT_YET)
        if known is not _NOT_YET:
            return known  # type: ignore[no-any-return]
        if token_id in self._no_text or not 0 <= token_id < self._n_tokens:
            return None
        stays = self._staying.get(config)
        if stays is not None and stays[token_id >> 5] >> (token_id & 31) & 1:
            return config  # type: ignore[no-any-return]
        return self._new_step(key)

    def _new_step(self, key: tuple[Threads, int]) -> Threads | None:
        """A step that is not remembered."""
        config, token_id = key
        after: Threads | None = None
        if len(config) == 1:
            thread = config[0]
            stays = self._stays_of.get(thread[1:])
            if stays is not None and stays[token_id >> 5] >> (token_id & 31) & 1:
                if len(self._staying) >= MAX_STEPS:
                    self._staying.clear()
                self._staying[config] = stays
                return config
            with self._lock:
                after = self.automaton.advance_one(thread, self._data, self._offsets, token_id)
        if after is None:
            data = self._vocabulary.token_bytes(token_id)
            after = self.advance_bytes(config, data) if data else None
        if len(self._steps) >= MAX_STEPS:
            self._steps.clear()
        found = self._steps[key] = after or None
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

    def __repr__(self) -> str:
        return f"GrammarMachine({self.automaton!r}, {self._vocabulary!r}, {len(self._rows)} masks)"
