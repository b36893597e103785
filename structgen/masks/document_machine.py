"""JSON under a schema, bound to a vocabulary.

Masks are cached under what they depend on (``document_sharing``): the registers of the configuration and what can be
told of as many of the top stack frames as any token reaches (a token that closes brackets looks below the
top). Masks inside strings are mostly taken from tables of the vocabulary (``string_masks``), those inside numbers from
digits and from what may follow (``number_masks``); everything else is a walk of the token trie, without the blanks that
tokens begin with where these make no difference (``unspaced``). Steps that the automaton has not taken yet are
noted by the walk, filled in by Python, and only their subtrees are walked again.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import count
from typing import Any

import numpy as np
import numpy.typing as npt

from structgen.automata.document.automaton import Config, DocumentAutomaton
from structgen.automata.document.comparing import strings_of
from structgen.dtypes import TokenMask
from structgen.kernels import document as K
from structgen.kernels.document_walk import walk
from structgen.kernels.jit import direct
from structgen.kernels.tables import TrieTables
from structgen.lasting import Lasting
from structgen.masks.compared_items import ComparedItems
from structgen.masks.document_budget import DocumentBudget
from structgen.masks.document_sharing import Sharing, reach_of
from structgen.masks.kept_masks import KeptMasks
from structgen.masks.number_masks import NumberMasks
from structgen.masks.plain_steps import PlainSteps
from structgen.masks.shared_rows import SharedRows
from structgen.masks.string_body import string_body
from structgen.masks.string_masks import StringMasks
from structgen.masks.unspaced import unspaced
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["DocumentMachine"]

MOST_STEPS = 1 << 16
"""Steps remembered by (configuration, token) before the memory is emptied."""
MASK_BYTES = 16 << 20
MOST_FRAMES = 1 << 14
"""Frames of arrays of which something is remembered."""
_UNKNOWN: Any = object()
_NOTES = 64
_REPLAY = 1000
"""Trie nodes that can be walked while the way to one of them is replayed."""


class _Scratch:
    """What one walk writes into; as many are kept as threads have walked at once."""

    def __init__(self, depth: int) -> None:
        self.rows = np.empty((depth + 2, K.WIDTH), np.int64)
        self.notes = np.empty((_NOTES, 5), np.int64)
        self.counts = np.zeros(5, np.int64)
        self.miss = np.zeros(5, np.int64)


class DocumentMachine:
    """A ``TokenMachine`` over a ``DocumentAutomaton``."""

    def __init__(self, automaton: DocumentAutomaton, vocabulary: Vocabulary) -> None:
        self.automaton = automaton
        self.vocabulary = vocabulary
        self._tokens = vocabulary.tokens
        self._special_ids = vocabulary.special_ids
        self._trie = vocabulary.trie
        self._depth = vocabulary.max_token_bytes
        self.sharing = Sharing(automaton, string_body(vocabulary))
        self._rows = self.shared_rows("masks", MASK_BYTES)
        self._steps: Lasting[int, Config | None] = Lasting()
        """Where tokens lead, by the number of the configuration plus the token.

        By plain integers: a pair for each step is work for garbage collection, which pauses more tokens than any
        other kind of mask, 0.1 ms each time.
        """
        self._number_of: Lasting[Config, int] = Lasting()
        self._next_numbers = count(0, vocabulary.n_tokens)
        self._plain_steps = PlainSteps(automaton, self.sharing)
        self._eos = [(token >> 5, np.uint32(1 << (token & 31))) for token in vocabulary.eos_ids]
        self._scratch: list[_Scratch] = []
        self.strings = StringMasks(self)
        self._numbers = NumberMasks(self)
        self._exact: dict[tuple[int, bool], int] = {}
        self.n_walked = 0
        """Trie nodes visited so far."""

    # Set up when first asked for: the first mask, mostly found among the shared ones, need not wait for them.

    @cached_property
    def _kept(self) -> KeptMasks:
        return KeptMasks(self)

    @cached_property
    def items(self) -> ComparedItems:
        """The masks within arrays that compare their items."""
        return ComparedItems(self)

    @cached_property
    def _budget(self) -> DocumentBudget:
        return DocumentBudget(self)

    def shared_rows(self, kind: str, max_bytes: int) -> SharedRows:
        """Rows of some kind by configuration, shared with other schemas under the same options."""
        return SharedRows(self.sharing, max_bytes, self.vocabulary, kind)

    # -- the protocol ------------------------------------------------------------------------

    def start(self) -> Config:
        return self.automaton.start

    def fill_mask(self, config: Config, row: TokenMask) -> None:
        # Of configurations that keep something, those are known where nothing is left to be corrected.
        found = self._rows.known.get(config)
        if found is None:
            if len(config) != K.CONFIG_WIDTH and (self._kept.fill(config, row) or self.items.fill(config, row)):
                return
            found = self._rows.find_new(config)
            if found is None:
                self._compute(config, row)
                return
        row[:] = found[0]

    def advance(self, config: Config, token_id: int) -> Config | None:
        number = self._number_of.get(config)
        if number is None:
            # Numbers are never used again, so that no thread takes one for another's.
            number = self._number_of.setdefault(config, next(self._next_numbers))
        key = number + token_id
        steps = self._steps
        after: Config | None = steps.get(key, _UNKNOWN)
        if after is _UNKNOWN:
            data = self._tokens[token_id]
            after = None
            if data and token_id not in self._special_ids:
                after = self._plain_steps.after(config, data) or self.automaton.read(config, data)
            if len(steps) >= MOST_STEPS:
                self._number_of.clear()
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

    def row(self, config: Config) -> tuple[TokenMask, int]:
        """The mask of a configuration that keeps nothing, not to be written to, and how far its tokens reach."""
        found = self._rows.find(config)
        if found is None:
            self._compute(config, np.empty(self.vocabulary.n_words, np.uint32))
            found = self._rows.known[config]
        return found

    def _compute(self, config: Config, row: TokenMask) -> None:
        row[:] = 0
        reach = self.strings.fill(config, row)
        if reach is None:
            reach = self._walk_all(config, row)
        self._kept.correct_openings(config, row)
        if self.is_accepting(config):
            for word, bit in self._eos:
                row[word] |= bit
        self._rows.put(config, row, reach)

    def _walk_all(self, config: Config, row: TokenMask) -> int:
        """Decide all tokens; where leading blanks make no difference, a walk goes without them."""
        reach = self._numbers.fill(config, row)
        if reach is not None:
            return reach
        is_between = config[K.R_MODE] < K.FIRST_LEXICAL and len(config) == K.CONFIG_WIDTH
        if not is_between or self.automaton.tables.max_space != K.ANY_SPACE:
            return self.walk(self._trie, config, row)
        between = unspaced(self.vocabulary)
        row[:] = between.blanks
        return self.walk(between.trie, config, row, between.rests)

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
        """Allow what ``config`` can read below some nodes; returns how far tokens reach (``document_sharing``)."""
        scratch = self._scratch.pop() if self._scratch else _Scratch(self._depth)
        scratch.counts[:] = 0
        before = scratch.rows[0]
        left = list(entries)
        exact = self._must_be_exact(config)
        if config[K.R_MODE] == K.M_VALUE or config[K.R_MODE] == K.M_COLON:
            # A walk would ask for one type after the other; nearly always for all of them.
            self.automaton.fill_types(config[K.R_VALUE])
        while left:
            entry = left.pop()
            before[:] = 0
            before[: K.CONFIG_WIDTH] = config[: K.CONFIG_WIDTH]
            before[K.R_FREE], before[K.R_KEPT] = self.automaton.tables.n_cells, exact
            if abs(entry) > 0 and not self._replay(
                trie,
                config,
                abs(entry),
                entry < 0,
                scratch.rows,
                self._tokens if tokens is None else tokens,
                mask,
            ):
                continue
            left += self._walk_below(trie, entry, mask, stop_free, scratch)
        self.n_walked += int(scratch.counts[0])
        reach = reach_of(scratch.counts)
        self._scratch.append(scratch)
        return reach

    def _walk_below(
        self, trie: TrieTables, entry: int, mask: npt.NDArray[np.uint32], stop_free: bool, scratch: _Scratch
    ) -> list[int]:
        """One walk, and what it missed filled in; returns the nodes to be walked again."""
        counts, notes = scratch.counts, scratch.notes
        nodes_before = int(counts[0])
        n = direct(walk)(
            abs(entry), entry < 0, scratch.rows, *trie[:5], mask, notes, *self.automaton.tables.arguments, stop_free,
            counts, scratch.miss,
        )  # fmt: skip
        if not n:
            return [entry] if counts[2] else []
        found = notes[:n].tolist()
        for _, status, kind, first, second in found:
            if status == K.MISSING:
                automaton_fill(self.automaton, kind, first, second)
        is_cheap = counts[0] - nodes_before < _REPLAY * n and all(note[1] == K.MISSING for note in found)
        if counts[2] or is_cheap:
            # Too many notes for one walk, or a walk so short that replays would cost more: the same entry again.
            return [entry]
        return [note[0] if note[1] == K.MISSING else -note[0] for note in found]

    def _replay(
        self, trie: TrieTables, config: Config, entry: int, below: bool, rows: Any, tokens: Any, mask: Any
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
            rows[level, K.R_KEPT] = self._must_be_exact(after)
            for token in trie.token_ids[trie.token_start[entry] : trie.token_start[entry + 1]].tolist():
                mask[token >> 5] |= np.uint32(1 << (token & 31))
            return True
        miss = np.zeros(3, np.int64)
        for at in range(level - 1):
            rows[at + 1] = rows[at]
            if path[at] == 44 and rows[at, K.R_MODE] in (K.M_AFTER, K.M_NUMBER):
                # As walks do: what is asked of names from here on is not asked of the first one.
                rows[at + 1, K.R_COMMA] |= rows[at, K.R_CELL] < self.automaton.tables.n_cells
            if K.step(rows[at + 1], path[at], *self.automaton.tables.arguments, miss) == K.UNDECIDED:
                # An item of a frame that keeps values ended on the way: only its text tells what follows.
                after = self.automaton.read(config, path[: at + 1])
                if after is None:
                    return False
                rows[at + 1] = self.automaton.registers(after)
                rows[at + 1, K.R_KEPT] = self._must_be_exact(after)
        return True

    def _must_be_exact(self, config: Config) -> int:
        """1 where items of an open ``uniqueItems`` array are so few that each ending must be judged."""
        if len(config) == K.CONFIG_WIDTH:
            return 0
        tables = self.automaton.tables
        frame, cell = config[K.R_FRAME], config[K.R_CELL]
        may_be_text = config[K.R_MODE] not in (K.M_NUMBER, K.M_WORD)
        while tables.frames[frame, K.F_KIND] != K.KEEPING_ARRAY and cell:
            may_be_text = False
            frame, _, cell = tables.cell_list[cell]
        found = self._exact.get((frame, may_be_text))
        if found is None:
            if len(self._exact) >= MOST_FRAMES:
                self._exact.clear()
            found = self._exact[frame, may_be_text] = self._judges_endings(frame, may_be_text)
        return found

    def _judges_endings(self, frame: int, may_be_text: bool) -> int:
        """1 where each ending of an item of an array frame must be judged; texts only where the item may be one."""
        arrays = self.automaton.arrays
        state = arrays.states[frame]
        n_judged = len(state.kept) - len(arrays.comparing.asked(state))
        if n_judged and not may_be_text and arrays.comparing.spec(state):
            n_judged -= len(strings_of(state.kept))
        if n_judged:
            return 1
        value = self.automaton.arrays.finish(frame)
        spec = self.automaton.handle(value, K.T_STRING) if value else 0
        return int(not spec or self.automaton.tables.specs[spec, K.SPEC_KIND] == K.CLOSED_SET)


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
