"""Masks of a document machine inside a JSON string.

Three ways, by how the string is read. Free text: content and closing tokens from the vocabulary's tables. Constants:
along them (``constant_masks``). An automaton: runs and chains (``content_runs``). Escapes, and text
kept for ``uniqueItems``, are left to the machine's walk.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from structgen.automata.document.automaton import Config
from structgen.dtypes import TokenMask, n_words
from structgen.kernels import content_walk
from structgen.kernels import document as K
from structgen.kernels.tables import TrieTables
from structgen.masks.constant_masks import ConstantMasks
from structgen.masks.content_runs import Chain, chain_of, plan_of
from structgen.masks.string_body import string_body

if TYPE_CHECKING:
    from structgen.masks.document_machine import DocumentMachine

__all__ = ["StringMasks"]

SUFFIX_BYTES = 4 << 20
MOST_CLOSED = 1 << 16
"""Ways to close a string remembered before the memory is emptied."""
MOST_FIXED = 512
"""States per arena and vocabulary whose content masks are remembered."""
_NOTES = 2048
FEW_NODES = 8000
"""Trie nodes up to which all content is decided in one walk."""
NO_LIMIT = 1 << 60
_NO_ROW = np.empty(0, np.uint32)
"""The mask of walks over tokens that all close the string: none is content."""


class StringMasks:
    """What a ``DocumentMachine`` knows about the insides of strings."""

    def __init__(self, machine: DocumentMachine) -> None:
        self.machine = machine
        self.automaton = machine.automaton
        self.vocabulary = machine.vocabulary
        self.body = string_body(machine.vocabulary)
        self._suffixes = machine.shared_rows("suffixes", SUFFIX_BYTES)
        self._constants = ConstantMasks(self)
        self._closed: dict[Hashable, tuple[npt.NDArray[np.uint32] | None, int]] = {}

    def fill(self, config: Config, row: TokenMask) -> int | None:
        """Fill ``row``, all zero before; how far tokens reach, or None where a walk must do it."""
        mode = config[K.R_MODE]
        if mode < K.M_FREE or config[K.R_ESC]:
            return None
        if mode == K.M_FREE and config[K.R_A] == 0:
            return self._fill_free(config, row)
        if mode == K.M_LITERAL:
            if self._spec(config)[K.SPEC_KIND] == K.CLOSED_SET:
                return self._constants.fill_closed(config, row) if len(config) == K.CONFIG_WIDTH else None
            return self._constants.fill_open(config, row) if self._is_between_characters(config) else None
        if mode == K.M_CONTENT and len(config) == K.CONFIG_WIDTH:
            return self._fill_automaton(config, row)
        return None

    def _spec(self, config: Config) -> npt.NDArray[np.int32]:
        tables = self.automaton.tables
        if config[K.R_VALUE]:
            return tables.specs[tables.values[config[K.R_VALUE], K.T_STRING]]  # type: ignore[no-any-return]
        return tables.specs[tables.frames[config[K.R_FRAME], K.F_KEYS]]  # type: ignore[no-any-return]

    def _is_between_characters(self, config: Config) -> bool:
        """Whether the constant's bytes so far end between characters."""
        tables = self.automaton.tables
        at = tables.lit_start[config[K.R_A]] + config[K.R_C]
        return bool(at == tables.lit_start[config[K.R_A] + 1] or tables.lit_bytes[at] & 0xC0 != 0x80)

    # -- after the closing quote ---------------------------------------------------------------

    def allowed_suffixes(self, after: Config) -> tuple[npt.NDArray[np.uint32], int]:
        """Which suffixes may follow a closing quote that led to ``after``."""
        body = self.body
        known = self._suffixes.find(after)
        if known is not None:
            return known
        found = np.zeros(n_words(len(body.suffixes)), np.uint32)
        reach = self.machine.walk(body.trie, after, found, body.suffixes)
        if body.empty_suffix >= 0:
            found[body.empty_suffix >> 5] |= np.uint32(1 << (body.empty_suffix & 31))
        return self._suffixes.put(after, found, reach), reach

    # -- free text -----------------------------------------------------------------------------

    def _fill_free(self, config: Config, row: TokenMask) -> int:
        """Inside a string where any text may follow."""
        body = self.body
        spec = self._spec(config)
        if spec[K.SPEC_KIND] == K.BY_LENGTH:
            return self._fill_by_length(config, row, spec)
        if not spec[K.SPEC_COUNTS]:
            suffixes, reach = self.closed(config, int(spec[K.SPEC_LABEL]), 0, 0)
            row[:] = body.text(suffixes)
            return reach
        least, most = int(spec[K.SPEC_MIN]) - config[K.R_B], int(spec[K.SPEC_MAX]) - config[K.R_B]
        np.bitwise_or(row, body.content(most), out=row)
        if least > body.most_characters:
            return 0
        # What follows the quote does not depend on how many characters came before it.
        suffixes, reach = self.closed(config, int(spec[K.SPEC_LABEL]), 0, max(config[K.R_B], int(spec[K.SPEC_MIN])))
        if suffixes is not None:
            body.allow(suffixes, least, most, row)
        return reach

    def _fill_by_length(self, config: Config, row: TokenMask, spec: npt.NDArray[np.int32]) -> int:
        """The same where the verdict depends on the length: each interval of lengths closes on its own."""
        body = self.body
        behind, last = config[K.R_B], int(spec[K.SPEC_MAX])
        np.bitwise_or(row, body.content(last - behind), out=row)
        depth, low = 0, int(spec[K.SPEC_MIN])
        while low <= last:
            high = min(int(spec[K.SPEC_HIGH]), last)
            if spec[K.SPEC_LABEL] and behind <= high and low - behind <= body.most_characters:
                suffixes, reach = self.closed(config, int(spec[K.SPEC_LABEL]), 0, max(behind, low))
                depth = max(depth, reach)
                if suffixes is not None:
                    body.allow(suffixes, low - behind, high - behind, row)
            low, spec = high + 1, self.automaton.tables.specs[spec[K.SPEC_START]]
        return depth

    # -- automata --------------------------------------------------------------------------------

    def _fill_automaton(self, config: Config, row: TokenMask) -> int | None:
        """Inside a string that an automaton reads."""
        arena = self.automaton.tables.arena
        state = config[K.R_A]
        if not content_walk.is_between_characters(arena.trans, arena.content, arena.class_maps, state):
            return None
        text = _Text(self, config)
        text.fill(row)
        return text.reach

    def closings(self, config: Config) -> npt.NDArray[np.int64]:
        """Where tokens close a string that an automaton reads: notes of ``content_walk`` in the trie of such tokens."""
        plain = config[: K.CONFIG_WIDTH]
        return _Text(self, plain)._quotes().notes

    def closed(self, config: Config, label: int, state: int, n: int) -> tuple[npt.NDArray[np.uint32] | None, int]:
        """The suffixes allowed after a quote at ``state``, which has ``label``, and how far they reach."""
        kept = config[K.CONFIG_WIDTH :]
        key = (config[K.R_VALUE] == 0, config[K.R_FRAME], config[K.R_COUNT], config[K.R_CELL], label, kept)
        found = self._closed.get(key)
        if found is None:
            regs = list(config)
            regs[K.R_A], regs[K.R_B] = state, n
            after = self.automaton.read(tuple(regs), b'"')
            if len(self._closed) >= MOST_CLOSED:
                self._closed.clear()
            found = self._closed[key] = (None, 0) if after is None else self.allowed_suffixes(after)
        return found


class Entries(NamedTuple):
    """Nodes of a trie to be walked, with their edges; or, as ``~node``, only what is below them."""

    nodes: npt.NDArray[np.int64]
    states: npt.NDArray[np.int64]
    """The automaton's state before each."""
    characters: npt.NDArray[np.int64]
    """The characters read before each."""


def below(node: int, state: int, n: int) -> Entries:
    """All below one node, which has led to ``state`` with ``n`` characters read."""
    return Entries(np.array([~node]), np.array([state]), np.array([n]))


class Shortcut(NamedTuple):
    """What a walk need not look at, as ``content_walk`` takes it."""

    stop_state: int
    skipped: npt.NDArray[np.uint8]
    loop_state: int
    inside: npt.NDArray[np.uint64]


NO_SHORTCUT = Shortcut(0, np.frombuffer(bytes(256), np.uint8), 0, np.zeros((1, 4), np.uint64))


class Quotes(NamedTuple):
    """Nodes of a trie where a string may be closed."""

    trie: TrieTables
    notes: npt.NDArray[np.int64]
    """As noted by ``content_walk``."""
    label_of: npt.NDArray[np.int64]
    """Per note, the index of its label."""
    labels: list[int]
    states: list[int]
    """One state with each label."""


class Fixed(NamedTuple):
    """What a vocabulary does in one state of an automaton, whatever the schema around it."""

    row: TokenMask
    """Tokens of content alone."""
    quotes: Quotes


class _Text:
    """One mask inside a string that an automaton reads."""

    def __init__(self, masks: StringMasks, config: Config) -> None:
        self.masks = masks
        self.config = config
        self.body = masks.body
        self.arena = masks.automaton.tables.arena
        self.state, self.n = config[K.R_A], config[K.R_B]
        self.reach = 0
        spec = masks._spec(config)
        self.counts = bool(spec[K.SPEC_COUNTS])
        self.least = int(spec[K.SPEC_MIN]) if self.counts else 0
        self.window = -1
        frame = masks.automaton.tables.frames[config[K.R_FRAME]]
        if config[K.R_VALUE] == 0 and frame[K.F_AVAILABLE] < 0:
            # A closed object: only names that can still come are open.
            self.window = int(frame[K.F_HIGH]) & ~config[K.R_COUNT]

    def fill(self, row: TokenMask) -> None:
        if self.counts or self.window != -1 or self.body.has_late_quotes:
            self._close(self._decided(row) or self._by_chain(row), row)
            return
        fixed = self.body.fixed.setdefault(self.arena, {})
        found = fixed.get(self.state)
        if found is None:
            quotes = self._decided(row) or self._by_chain(row)
            if quotes is None:
                return
            if len(fixed) >= MOST_FIXED:
                fixed.clear()
            found = fixed[self.state] = Fixed(row.copy(), quotes)
        np.bitwise_or(row, found.row, out=row)
        self._close(found.quotes, row)

    def _decided(self, row: TokenMask) -> Quotes | None:
        """Decide all content in one walk, where little of the vocabulary may follow; else None."""
        notes = self._little(0, self.state, self.n, row, quotes=True)
        return None if notes is None else self._noted(notes, self.body.vocabulary_trie)

    def _little(
        self, node: int, state: int, n: int, row: TokenMask, quotes: bool = False
    ) -> npt.NDArray[np.int64] | None:
        """Decide the content below ``node`` in one walk; None, and only some of it allowed, where there is much."""
        arena = self.arena
        tables = arena.trans, arena.content, arena.class_maps, arena.reach
        if content_walk.is_wide(*tables, self.window, state):
            return None
        trie = self.body.vocabulary_trie
        notes = self._walk_within(FEW_NODES, trie, below(node, state, n), row, quotes=quotes)
        if notes is not None:
            self._escape(notes, row)
        return notes

    def _by_chain(self, row: TokenMask) -> Quotes | None:
        """Decide content along the chain that most of it follows; None where what closes the string is decided, too."""
        chain = chain_of(self.arena, self.state, self.body)
        if (
            chain is not None
            and chain.free
            and self.arena.reach[chain.free] & self.window
            and self.room(chain.free) > 0
        ):
            self._fill_from_free(chain, row)
            return None
        self._fill_below(0, self.state, self.n, row)
        return self._quotes()

    def room(self, state: int) -> int:
        """How many more characters may be read if they lead to ``state``."""
        return int(self.arena.content[state, K.C_LIMIT]) - self.n if self.counts else K.NO_LIMIT

    def _fill_from_free(self, chain: Chain, row: TokenMask) -> None:
        """Nearly everything leads to a state where any text may follow: correct what does not."""
        most = self.room(chain.free)
        suffixes = self._suffixes(int(self.arena.content[chain.free, K.C_LABEL]), chain.free)
        if most >= self.body.most_characters and self.n >= self.least:
            row[:] = self.body.text(suffixes)
        else:
            np.bitwise_or(row, self.body.content(most), out=row)
            if suffixes is not None:
                self.body.allow(suffixes, max(0, self.least - self.n), most, row)
        if self.state != chain.free:
            shortcut = NO_SHORTCUT._replace(stop_state=chain.free, skipped=np.frombuffer(chain.first, np.uint8))
            notes = self._walk(below(0, self.state, self.n), row, shortcut, quotes=True)
            self._escape(notes, row)  # before quotes are gathered, which overwrites the others' notes
            self._close(self._noted(notes, self.body.vocabulary_trie), row)

    def _fill_below(self, node: int, state: int, n: int, row: TokenMask) -> None:
        """Content below ``node``, which has led to ``state`` with ``n`` characters read."""
        if node and self._little(node, state, n, row) is not None:
            return
        plan = plan_of(self.arena, state, self.body, node)
        if plan is None or not self._fits(plan.chain):
            notes = self._walk(below(node, state, n), row)
            self._escape(notes, row)
            return
        most = int(self.arena.content[plan.chain.states[0], K.C_LIMIT]) - n if self.counts else K.NO_LIMIT
        if not plan.chain.loops:
            most = min(most, len(plan.chain.states))
        np.bitwise_or(row, plan.run.content(most, self.body.n_words), out=row)
        if len(plan.nodes):
            shortcut = NO_SHORTCUT
            if plan.chain.loops and not self.counts:
                shortcut = shortcut._replace(loop_state=int(plan.chain.states[-1]), inside=plan.inside)
            notes = self._walk(Entries(plan.nodes, plan.states, plan.characters + n), row, shortcut)
            self._escape(notes, row)
        trie = self.body.vocabulary_trie
        for exit_node, after, characters in plan.large:
            if self._is_alive(after, n + characters):
                content_walk.allow_tokens(
                    trie.token_ids[trie.token_start[exit_node] : trie.token_start[exit_node + 1]], row
                )
                self._fill_below(exit_node, after, n + characters, row)

    def _fits(self, chain: Chain) -> bool:
        """Whether names left and counted characters treat the whole chain alike."""
        if self.counts and not (chain.loops and len(chain.states) == 1):
            return False
        return bool((self.arena.reach[chain.states] & self.window).all())

    def _is_alive(self, state: int, n: int) -> bool:
        if not self.arena.reach[state] & self.window:
            return False
        return not self.counts or n <= self.arena.content[state, K.C_LIMIT]

    def _suffixes(self, label: int, state: int) -> npt.NDArray[np.uint32] | None:
        found, reach = self.masks.closed(self.config, label, state, max(self.n, self.least))
        self.reach = max(self.reach, reach)
        return found

    def _walk(
        self, entries: Entries, row: TokenMask, shortcut: Shortcut = NO_SHORTCUT, quotes: bool = False
    ) -> npt.NDArray[np.int64]:
        """Decide the content tokens at some nodes, each entered in a state of its own; returns the notes."""
        found = self._walk_within(NO_LIMIT, self.body.vocabulary_trie, entries, row, shortcut, quotes)
        assert found is not None
        return found

    def _walk_within(
        self,
        most_nodes: int,
        trie: TrieTables,
        entries: Entries,
        row: TokenMask,
        shortcut: Shortcut = NO_SHORTCUT,
        quotes: bool = False,
    ) -> npt.NDArray[np.int64] | None:
        """The same; None, and ``row`` partly filled, where that visits more than ``most_nodes``."""
        arena = self.arena
        visited = np.zeros(1, np.int64)
        notes = np.empty((_NOTES, 4), np.int64)
        while True:
            n = content_walk.content_walk(
                *entries, *trie[:5], self.body.max_depth, arena.trans, arena.content, arena.class_maps, arena.reach,
                self.window, self.counts, self.least, *shortcut, self.body.below[0], row, quotes, most_nodes, notes,
                visited,
            )  # fmt: skip
            if n != content_walk.NO_ROOM:
                break
            notes = np.empty((4 * len(notes), 4), np.int64)
        self.masks.machine.n_walked += int(visited[0])
        return None if n < 0 else notes[:n]

    def _quotes(self) -> Quotes:
        """Where tokens close the string, from a trie of their own."""
        trie = self.body.closing
        notes = self._walk_within(NO_LIMIT, trie, below(0, self.state, self.n), _NO_ROW, quotes=True)
        assert notes is not None
        return self._noted(notes, trie)

    def _noted(self, notes: npt.NDArray[np.int64], trie: TrieTables) -> Quotes:
        index_of_note, labels, states = np.empty((3, len(notes)), np.int64)
        n, n_labels = content_walk.gather_quotes(notes, self.arena.content, index_of_note, labels, states)
        return Quotes(trie, notes[:n], index_of_note[:n], labels[:n_labels].tolist(), states[:n_labels].tolist())

    def _close(self, quotes: Quotes | None, row: TokenMask) -> None:
        """Allow what may follow quotes."""
        if quotes is None or not quotes.labels:
            return
        rows = np.zeros((len(quotes.labels), n_words(len(self.body.suffixes))), np.uint32)
        for index, (label, state) in enumerate(zip(quotes.labels, quotes.states, strict=True)):
            suffixes = self._suffixes(label, state)
            if suffixes is not None:
                rows[index] = suffixes
        content_walk.close_notes(quotes.notes, quotes.label_of, rows, self.body.suffix_of, *quotes.trie[1:5], row)

    def _escape(self, notes: npt.NDArray[np.int64], row: TokenMask) -> None:
        """What follows the escapes by number that a walk has met."""
        if len(notes) and (notes[:, 0] == content_walk.ESCAPE).any():
            nodes = notes[notes[:, 0] == content_walk.ESCAPE, 1].tolist()
            machine = self.masks.machine
            reach = machine.walk(self.body.vocabulary_trie, self.config, row, entries=nodes)
            self.reach = max(self.reach, reach)
