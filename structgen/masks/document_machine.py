"""JSON under a schema, bound to a vocabulary.

Masks are cached under what they depend on: the registers of the configuration and as many
of the top stack frames as any token looked at (a token that closes brackets looks below the
top). Masks inside strings are mostly taken from tables of the vocabulary (``string_masks``);
everything else is a walk of the token trie. Steps that the automaton has not taken yet are
noted by the walk, filled in by Python, and only their subtrees are walked again.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from structgen.automata.document.arrays import compared
from structgen.automata.document.automaton import Config, DocumentAutomaton
from structgen.dtypes import TokenMask
from structgen.kernels import document as K
from structgen.kernels.document_walk import walk
from structgen.kernels.tables import TrieTables
from structgen.masks.cache import MaskCache
from structgen.masks.document_budget import DocumentBudget
from structgen.masks.string_masks import StringMasks
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["DocumentMachine"]

MOST_STEPS = 1 << 16
"""Steps remembered by (configuration, token) before the memory is emptied."""
MASK_BYTES = 16 << 20
_NOTES = 64
_REPLAY = 1000
"""Trie nodes that can be walked while the way to one of them is replayed."""


class DocumentMachine:
    """A ``TokenMachine`` over a ``DocumentAutomaton``."""

    def __init__(self, automaton: DocumentAutomaton, vocabulary: Vocabulary) -> None:
        self.automaton = automaton
        self.vocabulary = vocabulary
        self._tokens = vocabulary.tokens
        self._trie = vocabulary.trie
        self._is_pretty = automaton.is_pretty
        self._depth = int(vocabulary.trie.depth.max(initial=0))
        self._cache = MaskCache(MASK_BYTES)
        self._looked: dict[Hashable, int] = {}
        self._steps: dict[tuple[Config, int], Config | None] = {}
        self._forced: dict[Config, bytes] = {}
        self._eos = [(token >> 5, np.uint32(1 << (token & 31))) for token in vocabulary.eos_ids]
        self._budget = DocumentBudget(self)
        self._strings = StringMasks(self)
        self.n_walked = 0
        """Trie nodes visited so far."""

    # -- the protocol ------------------------------------------------------------------------

    def start(self) -> Config:
        return self.automaton.start

    def fill_mask(self, config: Config, row: TokenMask) -> None:
        head = self.head(config)
        looked = self._looked.get(head)
        if looked is not None:
            found = self._cache.get(self.key(head, config[8], looked))
            if found is not None:
                row[:] = found
                return
        self._compute(config, head, row)

    def head(self, config: Config) -> Config:
        """What a mask depends on apart from the frames below: all, where values are kept or blanks prescribed."""
        return config[:8] if len(config) == K.CONFIG_WIDTH and not self._is_pretty else config

    def advance(self, config: Config, token_id: int) -> Config | None:
        key = (config, token_id)
        steps = self._steps
        if key in steps:
            return steps[key]
        data = self._tokens[token_id]
        after = self.automaton.read(config, data) if data and token_id not in self.vocabulary.special_ids else None
        if len(steps) >= MOST_STEPS:
            steps.clear()
        steps[key] = after
        return after

    def advance_bytes(self, config: Config, data: bytes) -> Config | None:
        return self.automaton.read(config, data)

    def is_accepting(self, config: Config) -> bool:
        return self.automaton.is_accepting(config)

    def forced_bytes(self, config: Config, limit: int = 256) -> bytes:
        found = bytearray()
        while len(found) < limit and not self.is_accepting(config):
            byte = self._only_byte(config)
            if byte is None:
                break
            found.append(byte)
            after = self.automaton.read(config, bytes([byte]))
            assert after is not None
            config = after
        return bytes(found)

    def shortest_completion(self, config: Config) -> bytes:
        return self.automaton.completion(config)

    # -- budgets (``masks.budget``) ------------------------------------------------------------

    def completion_tokens(self, config: Config) -> tuple[int, ...]:
        """Tokens of the shortest completion, end of sequence left out."""
        return self._budget.completion(config)

    def fill_mask_within(self, config: Config, row: TokenMask, n_tokens: int) -> bool:
        """Tokens after which ``n_tokens`` more suffice to finish; False where none does."""
        return self._budget.fill(config, row, n_tokens)

    # -- forced bytes ------------------------------------------------------------------------

    def _only_byte(self, config: Config) -> int | None:
        if config[K.R_MODE] == K.M_FREE or len(config) > K.CONFIG_WIDTH:
            return None
        only = None
        for byte in range(256):
            if self.automaton.read(config, bytes([byte])) is not None:
                if only is not None:
                    return None
                only = byte
        return only

    # -- masks ---------------------------------------------------------------------------------

    def key(self, head: Hashable, cell: int, looked: int) -> Hashable:
        """``head`` and the top ``looked`` frames below it."""
        if not looked:
            return head
        frames = []
        cells = self.automaton.tables.cell_list
        while looked and cell:
            frame, count, cell = cells[cell]
            frames.append((frame, count))
            looked -= 1
        return (head, *frames)

    def _compute(self, config: Config, head: Hashable, row: TokenMask) -> None:
        row[:] = 0
        looked = self._strings.fill(config, row)
        if looked is None:
            looked = self.walk(self._trie, config, row)
        if self.is_accepting(config):
            for word, bit in self._eos:
                row[word] |= bit
        looked = max(looked, self._looked.get(head, 0))
        self._looked[head] = looked
        if len(self._looked) > MOST_STEPS:
            self._looked.clear()
        self._cache.put(self.key(head, config[8], looked), row.copy())

    # -- walks -----------------------------------------------------------------------------------

    def walk(
        self,
        trie: TrieTables,
        config: Config,
        mask: npt.NDArray[np.uint32],
        tokens: Any = None,
        stop_free: bool = False,
        entries: Sequence[int] = (0,),
    ) -> int:
        """Allow what ``config`` can read below some nodes; returns the stack frames looked at below the top."""
        automaton = self.automaton
        tokens = self._tokens if tokens is None else tokens
        rows = np.empty((self._depth + 2, K.WIDTH), np.int64)
        notes = np.empty((_NOTES, 5), np.int64)
        counts, miss = np.zeros((2, 3), np.int64)
        exact = self._must_be_exact(config)
        left = list(entries)
        while left:
            entry = left.pop()
            below = entry < 0
            entry = abs(entry)
            rows[0] = automaton.registers(config)
            rows[0, K.R_KEPT] = exact
            if entry and not self._replay(trie, config, entry, below, rows, tokens, mask, exact):
                continue
            before = int(counts[0])
            n = walk(entry, below, rows, *trie[:5], mask, notes, *automaton.tables.arguments, stop_free, counts, miss)
            found = notes[:n].tolist()
            for _, status, kind, first, second in found:
                if status == K.MISSING:
                    automaton_fill(automaton, kind, first, second)
            is_cheap = counts[0] - before < _REPLAY * n and all(note[1] == K.MISSING for note in found)
            if counts[2] or (n and is_cheap):
                # Too many notes for one walk, or a walk so short that replays would cost more: the same entry again.
                left.append(-entry if below else entry)
            else:
                left += [note[0] if note[1] == K.MISSING else -note[0] for note in found]
        self.n_walked += int(counts[0])
        return int(counts[1])

    def _replay(
        self, trie: TrieTables, config: Config, entry: int, below: bool, rows: Any, tokens: Any, mask: Any, exact: int
    ) -> bool:
        """Put the registers on the way to ``entry`` into ``rows``; False where the node is forbidden.

        ``below``: the node's own step is taken here, exactly, and its tokens are allowed.
        """
        level = int(trie.depth[entry])
        path: bytes = tokens[int(trie.token_ids[trie.token_start[entry]])][:level]
        if below:
            after = self.automaton.read(config, path)
            if after is None:
                return False
            rows[level] = self.automaton.registers(after)
            rows[level, K.R_KEPT] = exact
            for token in trie.token_ids[trie.token_start[entry] : trie.token_start[entry + 1]].tolist():
                mask[token >> 5] |= np.uint32(1 << (token & 31))
            return True
        miss = np.zeros(3, np.int64)
        for at in range(level - 1):
            rows[at + 1] = rows[at]
            if K.step(rows[at + 1], path[at], *self.automaton.tables.arguments, miss) == K.UNDECIDED:
                # An item of a frame that keeps values ended on the way: only its text tells what follows.
                after = self.automaton.read(config, path[: at + 1])
                if after is None:
                    return False
                rows[at + 1] = self.automaton.registers(after)
                rows[at + 1, K.R_KEPT] = exact
        return True

    def _must_be_exact(self, config: Config) -> int:
        """1 where items of an open ``uniqueItems`` array are so few that each ending must be judged."""
        if len(config) == K.CONFIG_WIDTH:
            return 0
        tables = self.automaton.tables
        frame, cell = config[K.R_FRAME], config[K.R_CELL]
        while tables.frames[frame, K.F_KIND] != K.KEEPING_ARRAY and cell:
            frame, _, cell = tables.cell_list[cell]
        state = self.automaton.arrays.states[frame]
        if len(compared(state)) < len(state.kept):
            return 1
        value = self.automaton.arrays.finish(frame)
        spec = self.automaton.handle(value, K.T_STRING) if value else 0
        return int(not spec or tables.specs[spec, K.SPEC_KIND] == K.CLOSED_SET)


def automaton_fill(automaton: DocumentAutomaton, kind: int, first: int, second: int) -> None:
    """Fill an entry unless an earlier note has filled it."""
    tables = automaton.tables
    if kind == K.NEED_TYPE:
        # A walk asks for one type after the other; nearly always for all of them.
        automaton.fill_types(first)
        return
    if kind == K.NEED_CHILD and tables.children[tables.frames[first, K.F_CHILDREN] + second] >= 0:
        return
    if kind == K.NEED_EVENT and (first, second) in tables.events:
        return
    if kind == K.NEED_FRAME:
        column = K.F_MAY_GO_ON if tables.frames[first, K.F_KIND] == K.GENERAL_OBJECT else K.F_NEXT
        if tables.frames[first, column] >= 0:
            return
    automaton.fill(kind, first, second)
