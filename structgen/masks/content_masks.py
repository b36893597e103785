"""One mask inside a JSON string that an automaton reads.

Where little of the vocabulary may follow, one walk decides it; else most of it follows a chain (``content_runs``), and
what leaves the chain is walked. What closes the string is taken by what may follow the quote (``string_masks``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from structgen.automata.document.automaton import Config
from structgen.dtypes import TokenMask, n_words
from structgen.kernels import content_walk
from structgen.kernels import document as K
from structgen.kernels.jit import direct
from structgen.kernels.tables import TrieTables
from structgen.masks.content_runs import Chain, chain_of, plan_of
from structgen.masks.fixed_content import Base, Fixed, FixedContents, Met, Quotes

if TYPE_CHECKING:
    from structgen.masks.string_masks import StringMasks

__all__ = ["ContentMask"]

FEW_NODES = 8000
"""Trie nodes up to which all content is decided in one walk."""
MOST_UNDECIDED = 64
"""Tokens up to which each is tried, where lengths make a difference to some of that length."""
MOST_STATES = 2000
"""States of an automaton up to which it is looked at whether it reads every text."""
NO_LIMIT = 1 << 60
_NOTES = 2048
_NO_ROW = np.empty(0, np.uint32)
"""The mask of walks over tokens that all close the string: none is content."""


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
    known_state: int
    """The state for which the mask is right so far, and under which names."""
    known_window: int


NO_SHORTCUT = Shortcut(0, np.frombuffer(bytes(256), np.uint8), 0, np.zeros((1, 4), np.uint64), 0, 0)


class ContentMask:
    """One mask inside a string that an automaton reads."""

    def __init__(self, masks: StringMasks, config: Config) -> None:
        self.masks = masks
        self.config = config
        self.body = masks.body
        self.arena = masks.automaton.tables.arena
        self.state, self.n = config[K.R_A], config[K.R_B]
        self.reach = 0
        spec = masks.spec(config).tolist()
        self.counts = bool(spec[K.SPEC_COUNTS])
        self.least = spec[K.SPEC_MIN] if self.counts else 0
        self.start = spec[K.SPEC_START]
        self.window = -1
        if not config[K.R_VALUE]:
            frame = masks.automaton.tables.frames[config[K.R_FRAME]].tolist()
            if frame[K.F_AVAILABLE] < 0:
                # A closed object: only names that can still come are open.
                self.window = frame[K.F_HIGH] & ~config[K.R_COUNT]
        self.met = Met.none()

    def fill(self, row: TokenMask) -> bool:
        """Fill ``row``, all zero before; False where a walk must do it, for the text so far ends within a character."""
        if self._reads_all():
            return self._fill_text(row)
        arena = self.arena
        if not direct(content_walk.is_between_characters)(arena.trans, arena.content, arena.class_maps, self.state):
            return False
        if self.body.has_late_quotes or not self._from_fixed(row):
            self._close(self._decided(row) or self._by_chain(row), row)
        return True

    def _from_fixed(self, row: TokenMask) -> bool:
        """Take what is fixed in this state, within the lengths; False, and ``row`` left, where they make more of it."""
        known = self.body.fixed.get(self.arena)
        if known is None:
            known = self.body.fixed[self.arena] = FixedContents(self.arena)
        room = self._room(known) if self.counts else None
        if self.counts and room is None:
            return False
        found = known.find(self.state, self.window) or self._without_lengths(known)
        if found is None:
            return False
        if room is None:
            row[:] = found.row
            self._close(found.quotes, row)
            return True
        low, high = room
        np.bitwise_and(found.row, self.body.content(high), out=row)
        undecided = self.body.content_between(low, high)
        for token in undecided[(row[undecided >> 5] >> (undecided & 31).astype(np.uint32)) & 1 != 0].tolist():
            if self.masks.machine.advance(self.config, token) is None:
                row[token >> 5] &= ~np.uint32(1 << (token & 31))
        self._close(self._of_length(found.quotes), row)
        return True

    def _room(self, known: FixedContents) -> tuple[int, int] | None:
        """The characters that may come wherever they lead, and at the most; None where that leaves much undecided."""
        low, high = known.limits(self.state)
        low, high = low - self.n, high - self.n
        return (low, high) if len(self.body.content_between(low, high)) <= MOST_UNDECIDED else None

    def _of_length(self, quotes: Quotes) -> Quotes:
        """Of the quotes found without lengths, those that come after as many characters as there must, and may, be."""
        n = quotes.notes[:, 3] + self.n
        fits = (n >= self.least) & (n <= self.arena.content[quotes.notes[:, 2], K.C_LIMIT])
        return quotes if fits.all() else quotes._replace(notes=quotes.notes[fits], label_of=quotes.label_of[fits])

    def _without_lengths(self, known: FixedContents) -> Fixed | None:
        """What a vocabulary does here whatever the lengths; None where that is not to be told apart."""
        free = ContentMask(self.masks, self.config)
        free.n, free.least, free.counts = 0, 0, False
        if self.counts and self._no_text_dies():
            return known.add(self.state, self.window, self.body.content(K.NO_LIMIT).copy(), free.quotes(), Met.none())
        base = known.base(self.state, self.window)
        if base is not None:
            row = free._corrected(base, NO_LIMIT, self.counts)
            if row is not None:
                return known.add(self.state, self.window, row, base.fixed.quotes, Met.none())
        alike = known.alike(self.state, self.window)
        if alike is not None:
            return alike
        near = known.near(self.state, self.window, self.body) if free._is_much(0, self.state) else None
        row = None if near is None else free._corrected(near, FEW_NODES, self.counts)
        if row is not None:
            return known.add(self.state, self.window, row, free.quotes(), Met.none())
        free.met = known.met(self.state)
        row = np.zeros(self.body.n_words, np.uint32)
        quotes = free._decided(row) or free._by_chain(row)
        if quotes is None or (self.counts and not free.met):
            return None
        self.reach = free.reach
        return known.add(self.state, self.window, row, quotes, free.met)

    def _corrected(self, base: Base, most_nodes: int, has_lengths: bool) -> TokenMask | None:
        """What is known of another state, or under other names, corrected where it differs; None where that is much.

        None, too, where there are lengths and escapes by number, which the machine decides within them.
        """
        row = base.fixed.row.copy()
        shortcut = NO_SHORTCUT._replace(known_state=base.state, known_window=base.window)
        notes = self._walk_within(most_nodes, self.body.vocabulary_trie, below(0, self.state, 0), row, shortcut)
        if notes is None or (has_lengths and len(notes)):
            return None
        self._escape(notes, row)
        return row

    def _fill_text(self, row: TokenMask) -> bool:
        """Where no text dies: as free text that most texts end, then corrected for texts that end otherwise."""
        arena, texts = self.arena, self.body.texts
        endings = texts.read(arena.trans, arena.content, arena.class_maps, self.state)
        if endings is None:
            return False
        suffixes = [self._suffixes(*kind) for kind in zip(endings.labels, endings.states, strict=True)]
        row[:] = self.body.text(suffixes[endings.common])
        if len(suffixes) > 1:
            texts.close(endings, self._rows(suffixes), row)
        return True

    def _rows(self, suffixes: list[npt.NDArray[np.uint32] | None]) -> npt.NDArray[np.uint32]:
        rows = np.zeros((len(suffixes), n_words(len(self.body.suffixes))), np.uint32)
        for index, allowed in enumerate(suffixes):
            if allowed is not None:
                rows[index] = allowed
        return rows

    def _decided(self, row: TokenMask) -> Quotes | None:
        """Decide all content in one walk, where little of the vocabulary may follow; else None."""
        notes = self._little(0, self.state, self.n, row, quotes=True)
        return None if notes is None else self._noted(notes, self.body.vocabulary_trie)

    def _little(
        self, node: int, state: int, n: int, row: TokenMask, quotes: bool = False
    ) -> npt.NDArray[np.int64] | None:
        """Decide the content below ``node`` in one walk; None, and only some of it allowed, where there is much."""
        if self._is_much(node, state):
            return None
        trie = self.body.vocabulary_trie
        notes = self._walk_within(FEW_NODES, trie, below(node, state, n), row, quotes=quotes)
        if notes is not None:
            self._escape(notes, row)
        return notes

    def _is_much(self, node: int, state: int) -> bool:
        """Whether much of what is below ``node`` seems to follow."""
        arena, trie = self.arena, self.body.vocabulary_trie
        return bool(
            direct(content_walk.is_much)(
                arena.trans, arena.content, arena.class_maps, arena.reach, self.window, state, node, self.body.roots,
                trie.byte, trie.subtree_end, FEW_NODES,
            )
        )  # fmt: skip

    def _by_chain(self, row: TokenMask) -> Quotes | None:
        """Decide content along the chain that most of it follows; None where what closes the string is decided, too."""
        chain = chain_of(self.arena, self.state, self.body)
        if (
            not self.met
            and chain is not None
            and chain.free
            and self.arena.reach[chain.free] & self.window
            and self.room(chain.free) > 0
        ):
            self._fill_from_free(chain, row)
            return None
        self._fill_below(0, self.state, self.n, row)
        return self.quotes()

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
            trie = self.body.vocabulary_trie
            notes = self._walk_within(NO_LIMIT, trie, below(0, self.state, self.n), row, shortcut, quotes=True)
            assert notes is not None
            self._escape(notes, row)  # before quotes are gathered, which overwrites the others' notes
            self._close(self._noted(notes, trie), row)

    def _reads_all(self) -> bool:
        """Whether every text is read, and has some way to end."""
        return not self.counts and not self.body.has_late_quotes and self._no_text_dies()

    def _no_text_dies(self) -> bool:
        """The same whatever the lengths."""
        arena = self.arena
        found = arena.common.get(self.start)
        if found is None:
            first, n_states, _ = arena.extent(self.start)
            found = arena.common[self.start] = content_walk.common_reach(
                arena.trans, arena.content, arena.class_maps, arena.reach, self.start, first, n_states, MOST_STATES
            )
        return found & self.window != 0

    def _fill_below(self, node: int, state: int, n: int, row: TokenMask) -> None:
        """Content below ``node``, which has led to ``state`` with ``n`` characters read."""
        chain = chain_of(self.arena, state, self.body)
        if chain is None or not self._fits(chain):
            self._escape(self._walk(below(node, state, n), row), row)
            return
        if node and self._little(node, state, n, row) is not None:
            return
        plan = plan_of(self.arena, state, self.body, node, chain)
        most = int(self.arena.content[plan.chain.states[0], K.C_LIMIT]) - n if self.counts else K.NO_LIMIT
        if not plan.chain.loops:
            most = min(most, len(plan.chain.states))
        self.met.put(plan.chain.states)
        np.bitwise_or(row, plan.run.content(most), out=row)
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
        if not label or (self.window >= 0 and not self.window >> (label - 1) & 1):
            return None  # no end, or a name that may not come
        found, reach = self.masks.closed(self.config, label, state, max(self.n, self.least))
        self.reach = max(self.reach, reach)
        return found

    def _walk(self, entries: Entries, row: TokenMask, shortcut: Shortcut = NO_SHORTCUT) -> npt.NDArray[np.int64]:
        """Decide the content tokens at some nodes, each entered in a state of its own; returns the notes."""
        found = self._walk_within(NO_LIMIT, self.body.vocabulary_trie, entries, row, shortcut)
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
        met = self.met
        roots = self.body.closing_roots if trie is self.body.closing else self.body.roots
        visited = np.array([0, met.n])
        notes = np.empty((_NOTES, 4), np.int64)
        while True:
            n = direct(content_walk.content_walk)(
                *entries, roots, *trie[:5], self.body.max_depth,
                arena.trans, arena.content, arena.class_maps, arena.reach, self.window,
                self.counts, self.least, *shortcut, self.body.below[0], row, quotes, most_nodes, notes,
                met.states, met.first, met.place_of, visited,
            )  # fmt: skip
            if n != content_walk.NO_ROOM:
                break
            notes = np.empty((4 * len(notes), 4), np.int64)
        nodes, met.n = visited.tolist()
        self.masks.machine.n_walked += nodes
        return None if n < 0 else notes[:n]

    def quotes(self) -> Quotes:
        """Where tokens close the string, from a trie of those that do."""
        trie = self.body.closing
        notes = self._walk_within(NO_LIMIT, trie, below(0, self.state, self.n), _NO_ROW, quotes=True)
        assert notes is not None
        return self._noted(notes, trie)

    def _noted(self, notes: npt.NDArray[np.int64], trie: TrieTables) -> Quotes:
        """The quotes among ``notes``, gathered in place: the notes of escapes are overwritten."""
        index_of_note, labels, states = np.empty((3, len(notes)), np.int64)
        n, n_labels = direct(content_walk.gather_quotes)(notes, self.arena.content, index_of_note, labels, states)
        return Quotes(trie, notes[:n], index_of_note[:n], labels[:n_labels].tolist(), states[:n_labels].tolist())

    def _close(self, quotes: Quotes | None, row: TokenMask) -> None:
        """Allow what may follow quotes."""
        if quotes is None or not quotes.labels:
            return
        rows = self._rows([self._suffixes(*kind) for kind in zip(quotes.labels, quotes.states, strict=True)])
        close = direct(content_walk.close_notes)
        close(quotes.notes, quotes.label_of, rows, self.body.suffix_of, *quotes.trie[1:5], row)

    def _escape(self, notes: npt.NDArray[np.int64], row: TokenMask) -> None:
        """What follows the escapes by number that a walk has met."""
        if len(notes) and (notes[:, 0] == content_walk.ESCAPE).any():
            self.met.n = -1
            nodes = notes[notes[:, 0] == content_walk.ESCAPE, 1].tolist()
            machine = self.masks.machine
            reach = machine.walk(self.body.vocabulary_trie, self.config, row, entries=nodes)
            self.reach = max(self.reach, reach)
