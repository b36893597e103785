"""A grammar with islands: terminals that another machine reads, or that are one special token.

``%json`` terminals are read by the machine of their schema, special tokens of the
vocabulary stand for themselves. Both begin where a lexeme may end and the next byte could
not have gone on with it, and are handed to the parser when they are complete.

A configuration is a tuple of places, since an island may be complete and yet go on:
(PLAIN, the grammar's threads), (FRESH, cell, register) right behind an island, where no
lexeme has begun, or (INSIDE, terminal, cell behind it, register, the inner machine's
configuration). A mask joins those of its places; tokens that cross a shore are few (they
hold a byte that begins or ends an island) and are tried one by one.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np

from structgen.automata.grammar.automaton import GrammarAutomaton, Threads
from structgen.dtypes import TokenMask
from structgen.errors import VocabularyError
from structgen.kernels import grammar_heap, grammar_walk, lasting_cells
from structgen.masks.cache import MaskCache
from structgen.masks.grammar_budget import WithinBudget
from structgen.masks.grammar_machine import MAX_STEPS, GrammarMachine
from structgen.masks.island_completer import IslandBudget, IslandCompleter
from structgen.masks.machine import TokenMachine
from structgen.masks.mask import set_ids
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["FRESH", "INSIDE", "PLAIN", "IslandMachine", "Places", "Shore"]

PLAIN, FRESH, INSIDE = 0, 1, 2
Places = tuple[tuple[Any, ...], ...]
Shore = tuple[int, int, int]
"""Where an island may begin: (cell, register, lexer state that must not be able to read its first byte; 0 for none)."""

_ENDS = {b"{": b"}", b"[": b"]", b'"': b'"', b"t": b"e", b"f": b"e", b"n": b"l"}
_DIGITS = b"0123456789"


@dataclass(frozen=True)
class _Island:
    """A bound inner machine, and the bytes with which its texts begin and end."""

    machine: TokenMachine
    firsts: frozenset[int]
    lasts: frozenset[int]


class IslandMachine(WithinBudget):
    """``TokenMachine`` over a grammar with islands; safe to share between threads."""

    def __init__(
        self,
        automaton: GrammarAutomaton,
        vocabulary: Vocabulary,
        machines: dict[int, TokenMachine],
        specials: dict[int, str],
    ) -> None:
        self.automaton = automaton
        self._vocabulary = vocabulary
        self._grammar = GrammarMachine(automaton, vocabulary)
        self.islands = {terminal: _island(machine) for terminal, machine in machines.items()}
        self.specials = _special_ids(vocabulary, specials)
        self._rows = MaskCache()
        self._steps: dict[tuple[Places, int], Places | None] = {}
        self._tokens_with: dict[int, list[int]] = {}
        self._first_rows: dict[int, TokenMask] = {}
        self._shifts: dict[tuple[int, int], int] = {}
        self._lock = threading.RLock()
        self._completer = IslandCompleter(self)
        self._budget = IslandBudget(self, self._completer)

    @property
    def vocabulary(self) -> Vocabulary:
        return self._vocabulary

    def start(self) -> Places:
        """The configuration before any byte."""
        return ((FRESH, 0, 0),)

    # --- places

    def threads(self, cell: int, register: int) -> Threads:
        """The grammar's threads where no lexeme has begun."""
        automaton = self.automaton
        code = automaton.start_code(self._completer.state_of(cell))
        return tuple((cell, state, watch, register, -1) for state, watch in automaton.lexer.fork(code) if state)

    def shores(self, place: tuple[Any, ...], byte: int = 256) -> list[Shore]:
        """Where islands may begin, if ``place`` ends here, before ``byte`` (256: before none)."""
        if place[0] == FRESH:
            return [(place[1], place[2], 0)]
        if place[0] == INSIDE:
            _, terminal, cell, register, inner = place
            return [(cell, register, 0)] if self.islands[terminal].machine.is_accepting(inner) else []
        automaton = self.automaton
        found: list[Shore] = []
        for cell, state, watch, register, column in place[1]:
            ended = automaton.lexer.ended(state, byte)
            if ended < 0 or not automaton.lexer.watches.at_end(watch):
                continue
            automaton.begin()

            def call(heap: Any, work: Any, at: Any = (cell, ended, register, column)) -> Any:
                return grammar_walk.end_at(heap, work, *at)

            after, later = automaton.run(call)
            if after != grammar_heap.FAIL:
                found.append((self._lasting(int(after)), int(later), state))
        return found

    def _lasting(self, cell: int) -> int:
        automaton = self.automaton
        automaton.reserve(int(automaton.work[grammar_heap.N_SCRATCH]) + 1)
        return int(lasting_cells.persist(automaton.heap.array, automaton.work, cell))

    def shifted(self, cell: int, terminal: int) -> int:
        """The cell behind an island on ``cell``; negative where it does not fit."""
        key = (cell, terminal)
        known = self._shifts.get(key)
        if known is None:
            found = self._completer.shift_of(cell, terminal)
            known = -1 if found is None else found
            if len(self._shifts) >= MAX_STEPS:
                self._shifts.clear()
            self._shifts[key] = known
        return known

    def reads_on(self, state: int, byte: int) -> bool:
        """Whether the lexeme in ``state`` goes on with ``byte``."""
        return state != 0 and int(self.automaton.expanded(state)[byte]) != 0

    # --- bytes

    def advance_bytes(self, config: Any, data: bytes) -> Places | None:
        """The configuration after plain bytes; None where they cannot be read."""
        with self._lock:
            if len(config) == 1 and config[0][0] == PLAIN and not self._touches(data):
                after = self.automaton.advance(config[0][1], data)
                return ((PLAIN, after),) if after else None
            places: dict[tuple[Any, ...], None] = dict.fromkeys(config)
            for byte in data:
                found: dict[tuple[Any, ...], None] = {}
                for place in places:
                    self._step(place, byte, found)
                places = _joined(found)
                if not places:
                    return None
            return tuple(sorted(places, key=repr)) if len(places) > 1 else tuple(places)

    def _touches(self, data: bytes) -> bool:
        return any(byte in island.firsts for island in self.islands.values() for byte in data)

    def _step(self, place: tuple[Any, ...], byte: int, found: dict[tuple[Any, ...], None]) -> None:
        letter = bytes([byte])
        if place[0] == INSIDE:
            _, terminal, cell, register, inner = place
            after = self.islands[terminal].machine.advance_bytes(inner, letter)
            if after is not None:
                found[INSIDE, terminal, cell, register, after] = None
            if self.islands[terminal].machine.is_accepting(inner):
                self._step((FRESH, cell, register), byte, found)
            return
        threads = place[1] if place[0] == PLAIN else self.threads(place[1], place[2])
        on = self.automaton.advance(threads, letter) if threads else ()
        if on:
            found[PLAIN, on] = None
        if not any(byte in island.firsts for island in self.islands.values()):
            return
        for cell, register, state in self.shores(place, byte):
            if self.reads_on(state, byte):
                continue
            for terminal, island in self.islands.items():
                behind = self.shifted(cell, terminal) if byte in island.firsts else -1
                if behind >= 0:
                    inner = island.machine.advance_bytes(island.machine.start(), letter)
                    if inner is not None:
                        found[INSIDE, terminal, behind, register, inner] = None

    # --- tokens

    def advance(self, config: Any, token_id: int) -> Places | None:
        """The configuration after a token; None where it is not allowed."""
        key = (config, token_id)
        try:
            return self._steps[key]
        except KeyError:
            pass
        vocabulary = self._vocabulary
        found: Places | None = None
        if token_id in self.specials:
            found = self._after_special(config, token_id)
        elif token_id not in vocabulary.special_ids and token_id not in vocabulary.eos_ids:
            data = vocabulary.token_bytes(token_id)
            found = self.advance_bytes(config, data) if data else None
        if len(self._steps) >= MAX_STEPS:
            self._steps.clear()
        self._steps[key] = found
        return found

    def _after_special(self, config: Places, token_id: int) -> Places | None:
        with self._lock:
            found = {
                (FRESH, behind, register): None
                for place in config
                for cell, register, _ in self.shores(place)
                for terminal in self.specials[token_id]
                if (behind := self.shifted(cell, terminal)) >= 0
            }
        return tuple(sorted(found)) or None

    def fill_mask(self, config: Any, row: TokenMask) -> None:
        """Overwrite ``row``; see ``TokenMachine.fill_mask``."""
        found = self._rows.get(config)
        if found is None:
            with self._lock:
                found = self._rows.put(config, self._mask(config))
        row[:] = found

    def _mask(self, config: Places) -> TokenMask:
        vocabulary = self._vocabulary
        row = np.zeros(vocabulary.n_words, dtype=np.uint32)
        part = np.zeros_like(row)
        tried: set[int] = set()
        for place in config:
            if place[0] == INSIDE:
                self.islands[place[1]].machine.fill_mask(place[4], part)
                row |= part
                tried.update(self._leaving(place))
            else:
                threads = place[1] if place[0] == PLAIN else self.threads(place[1], place[2])
                if threads:
                    self._grammar.fill_mask(threads, part)
                    row |= part
                tried.update(self._entering())
            for shore, firsts in self._shores_by_byte(place).items():
                self._add_islands(shore, firsts, row, part)
                if place[0] == INSIDE:
                    self._add_fresh(shore, row, part)
                    tried.update(self._entering())
        ends = np.array(vocabulary.eos_ids, dtype=np.int64)
        for token in ends.tolist():
            row[token >> 5] &= np.uint32(~(1 << (token & 31)) & 0xFFFFFFFF)
        for token in tried:
            bit = np.uint32(1 << (token & 31))
            if not row[token >> 5] & bit and self.advance_bytes(config, vocabulary.token_bytes(token)):
                row[token >> 5] |= bit
        set_ids(row, np.array([t for t in self.specials if self._after_special(config, t)], dtype=np.int32))
        if self.is_accepting(config):
            set_ids(row, ends.astype(np.int32))
        return row

    def _shores_by_byte(self, place: tuple[Any, ...]) -> dict[Shore, frozenset[int]]:
        """Where islands may begin if ``place`` ends here, each with the bytes before which it does."""
        firsts = frozenset(byte for island in self.islands.values() for byte in island.firsts)
        accepts = self.automaton.heap["accepts"]
        if place[0] != PLAIN or all(accepts[state] >= -1 for _, state, _, _, _ in place[1]):
            return dict.fromkeys(self.shores(place), firsts)
        found: dict[Shore, frozenset[int]] = {}
        for byte in sorted(firsts):
            for shore in self.shores(place, byte):
                found[shore] = found.get(shore, frozenset()) | {byte}
        return found

    def _add_islands(self, shore: Shore, firsts: frozenset[int], row: TokenMask, part: TokenMask) -> None:
        """Tokens that lie in an island which begins at ``shore``, before one of ``firsts``."""
        cell, _, state = shore
        for terminal, island in self.islands.items():
            if self.shifted(cell, terminal) >= 0:
                island.machine.fill_mask(island.machine.start(), part)
                for byte in island.firsts:
                    if byte not in firsts or self.reads_on(state, byte):
                        part &= ~self._first_row(byte)
                row |= part

    def _add_fresh(self, shore: Shore, row: TokenMask, part: TokenMask) -> None:
        threads = self.threads(shore[0], shore[1])
        if threads:
            self._grammar.fill_mask(threads, part)
            row |= part

    def _first_row(self, byte: int) -> TokenMask:
        """The tokens that start with ``byte``."""
        found = self._first_rows.get(byte)
        if found is None:
            found = np.zeros(self._vocabulary.n_words, dtype=np.uint32)
            ids = [t for t in self._holding(byte) if self._vocabulary.token_bytes(t)[0] == byte]
            set_ids(found, np.array(ids, dtype=np.int32))
            self._first_rows[byte] = found
        return found

    def _entering(self) -> set[int]:
        """Tokens in which an island may begin, or begin and end."""
        vocabulary = self._vocabulary
        found = set()
        for island in self.islands.values():
            for byte in island.firsts:
                for token in self._holding(byte):
                    data = vocabulary.token_bytes(token)
                    if data.find(byte, 1) > 0 or any(last in island.lasts for last in data[:-1]):
                        found.add(token)
        return found

    def _leaving(self, place: tuple[Any, ...]) -> set[int]:
        """Tokens in which the island of ``place`` may end before the token does."""
        vocabulary, island = self._vocabulary, self.islands[place[1]]
        least = len(island.machine.shortest_completion(place[4]))
        tokens = {token for byte in island.lasts for token in self._holding(byte)}
        return {
            token
            for token in tokens
            if len(data := vocabulary.token_bytes(token)) > least and any(byte in island.lasts for byte in data[:-1])
        }

    def _holding(self, byte: int) -> list[int]:
        """Plain tokens that contain ``byte``."""
        known = self._tokens_with.get(byte)
        if known is None:
            vocabulary = self._vocabulary
            special = vocabulary.special_ids | set(vocabulary.eos_ids)
            known = [t for t, data in enumerate(vocabulary.tokens) if byte in data and t not in special]
            self._tokens_with[byte] = known
        return known

    # --- ends

    def is_accepting(self, config: Any) -> bool:
        """Whether the text so far is complete."""
        with self._lock:
            for place in config:
                if place[0] == PLAIN:
                    if self.automaton.is_accepting(place[1]):
                        return True
                elif any(self.automaton.ends_on(cell, register) for cell, register, _ in self.shores(place)):
                    return True
        return False

    def forced_bytes(self, config: Any, limit: int = 256) -> bytes:
        """What every completion starts with, as far as one island or the grammar alone can tell."""
        if len(config) != 1 or self.is_accepting(config):
            return b""
        with self._lock:
            place = config[0]
            if place[0] == INSIDE:
                machine = self.islands[place[1]].machine
                return b"" if machine.is_accepting(place[4]) else bytes(machine.forced_bytes(place[4], limit))
            live = [b for b in range(256) if self.advance_bytes(config, bytes([b]))]
            lone = len(live) == 1 and not any(self._after_special(config, t) for t in self.specials)
            return bytes(live) if lone else b""

    def shortest_completion(self, config: Any) -> bytes:
        """The bytes of a short completion; special tokens on the way have none."""
        with self._lock:
            return b"".join(step for step in self._completer.steps(config) if isinstance(step, bytes))

    def __repr__(self) -> str:
        return f"IslandMachine({self.automaton!r}, {len(self.islands)} islands, {len(self.specials)} special tokens)"


def _island(machine: TokenMachine) -> _Island:
    start = machine.start()
    firsts = frozenset(byte for byte in range(256) if machine.advance_bytes(start, bytes([byte])) is not None)
    lasts: set[int] = set()
    for byte in firsts:
        lasts |= set(_ENDS.get(bytes([byte]), _DIGITS if byte in b"-0123456789" else bytes(range(256))))
    return _Island(machine, firsts, frozenset(lasts))


def _special_ids(vocabulary: Vocabulary, specials: dict[int, str]) -> dict[int, list[int]]:
    """Token id -> the terminals that it is."""
    found: dict[int, list[int]] = {}
    for terminal, text in specials.items():
        ids = [token for token, name in vocabulary.special_texts.items() if name == text]
        if not ids:
            raise VocabularyError(
                f"the vocabulary has no special token {text!r}", hint="the grammar names it; use another tokenizer"
            )
        for token in ids:
            found.setdefault(token, []).append(terminal)
    return found


def _joined(places: dict[tuple[Any, ...], None]) -> dict[tuple[Any, ...], None]:
    """Threads of all plain places in one."""
    plain = sorted({thread for place in places if place[0] == PLAIN for thread in place[1]})
    others: dict[tuple[Any, ...], None] = {place: None for place in places if place[0] != PLAIN}
    if plain:
        others[PLAIN, tuple(plain)] = None
    return others
