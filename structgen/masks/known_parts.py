"""Lexeme parts of usual terminals, kept with the vocabulary.

What tokens do inside a lexeme (``kernels.grammar_parts``) depends on the vocabulary and on the
patterns of the terminals that it can become, not on the grammar around them. The large parts, those of
tokens that begin anywhere in a string, a number, a name or a comment, take 50 to 400 us each to scan,
and a text meets a dozen of them. So they are worked out once per vocabulary for terminals that
many grammars have (``structgen.usual_terminals``), when the vocabulary is prepared, and a grammar with
a terminal of the same pattern takes them from here: lexemes under way where tokens begin, those that begin with a
token, and those behind a token's first blank. Where a grammar asks for others besides, it scans these alone. Kernels
find and take in what is known by themselves: a call from Python for each lexer state took 22 us.

A lexer state is known by its *pedigree*: the patterns of its nodes, and where the nodes lie in them. Grammars
spell patterns in many ways; those whose syntax trees differ are not recognised as equal, and are scanned.
States that look ahead, those of keywords, and grammars without lexemes have no pedigree.

What is kept is bounded by ``MOST_BYTES``, and nothing is added by texts: what a mask costs does not
depend on which grammars came before.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from structgen.automata.grammar.automaton import GrammarAutomaton
from structgen.dtypes import IntArray, TokenMask
from structgen.ir.grammar import Terminal
from structgen.ir.pattern import Pattern
from structgen.kernels.known_parts import pedigree_slot
from structgen.kernels.lexer import BEHIND
from structgen.masks.lexeme_runs import LexemeRun
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["KnownPart", "KnownParts", "KnownTables", "Pedigree", "Pedigrees", "known_parts"]

MOST_BYTES = 16 << 20
"""Bytes of what is kept for a vocabulary."""

Pedigree = tuple[int, ...]
"""Of each node the number of its pattern and its place there; then places of lookbehinds' nodes, and how many."""


@dataclass(frozen=True, slots=True)
class KnownPart:
    """A lexeme part by trie nodes alone, see ``kernels.known_parts``; not to be written to."""

    families: IntArray
    rows: TokenMask
    """(F, W) uint32, or none where tokens are listed."""
    tokens: IntArray
    """(n, 2) int32: place in ``families``, token."""
    ends: IntArray
    """(n, 2) int32: node, place in the list of terminals."""
    loose: IntArray
    run: LexemeRun | None
    """Where the lexer state has a loop: what it reads."""

    def numbers(self, row: int) -> list[int]:
        """All but the rows, the first of which gets number ``row``; see ``kernels.known_parts`` for the order."""
        lists = [self.families, self.tokens, self.ends, self.loose]
        return [
            *map(len, lists),
            row if len(self.rows) else -1,
            *(n for found in lists for n in found.ravel().tolist()),
        ]

    @property
    def n_bytes(self) -> int:
        return sum(array.nbytes for array in (self.families, self.rows, self.tokens, self.ends, self.loose))


class KnownTables(NamedTuple):
    """All of it as ``kernels.known_parts`` takes it."""

    known: IntArray
    slots: IntArray
    rows: TokenMask
    places: dict[Pedigree, int]
    """Where each state lies in ``known``."""
    runs: tuple[LexemeRun | None, ...]
    """Loops by number; the first is none."""


class KnownParts:
    """The parts known for one vocabulary."""

    def __init__(self) -> None:
        self._patterns: dict[tuple[Pattern | None, bool], int] = {}
        self._parts: dict[Pedigree, dict[bytes, KnownPart]] = {}
        self._tables: KnownTables | None = None
        self._knows_texts = False
        self.n_bytes = 0

    def number(self, terminal: Terminal, *, is_new: bool = False) -> int:
        """The number of a terminal's pattern; -1 where nothing is known of it, unless ``is_new``."""
        is_text = bool(terminal.literal)  # texts and patterns make unlike nodes
        if is_new:
            self._knows_texts = self._knows_texts or is_text
            return self._patterns.setdefault((terminal.pattern, is_text), len(self._patterns))
        if is_text and not self._knows_texts:
            return -1
        return self._patterns.get((terminal.pattern, is_text), -1)

    def add(self, pedigree: Pedigree, nodes: bytes, part: KnownPart) -> None:
        """Keep a part, unless there is one, or no room; ``nodes`` are where lexemes begin, none for those under way."""
        parts = self._parts.setdefault(pedigree, {})
        if nodes not in parts and self.n_bytes + part.n_bytes <= MOST_BYTES:
            parts[nodes] = part
            self.n_bytes += part.n_bytes
            self._tables = None

    def tables(self, n_words: int) -> KnownTables:
        """What is known, for kernels; ``n_words`` is the width of masks."""
        found = self._tables
        if found is None:
            found = self._tables = _tables_of(self._parts, n_words)
        return found

    def __len__(self) -> int:
        return sum(map(len, self._parts.values()))

    def __bool__(self) -> bool:
        """Asked for each grammar, and much quicker than the length."""
        return bool(self._parts)

    def __repr__(self) -> str:
        return f"KnownParts({len(self)} parts, {self.n_bytes >> 10} KiB)"


def _tables_of(parts: dict[Pedigree, dict[bytes, KnownPart]], n_words: int) -> KnownTables:
    """Write down all parts; see ``kernels.known_parts`` for the order."""
    flat: list[int] = [0]
    rows: list[TokenMask] = []
    runs: list[LexemeRun | None] = [None]
    places: dict[Pedigree, int] = {}
    for pedigree, found in parts.items():
        listed: list[int] = []
        for nodes, part in found.items():
            at = len(flat) if nodes else 0
            if nodes:
                flat += [len(nodes) >> 2, *np.frombuffer(nodes, dtype=np.int32).tolist()]
            listed += [at, len(flat)]
            flat += part.numbers(sum(map(len, rows)))
            rows.append(part.rows)
        run = next((part.run for part in found.values()), None)
        places[pedigree] = len(flat)
        flat += [len(pedigree), *pedigree, run.first if run else 0, run.last if run else 0, len(runs) if run else 0]
        flat += [len(found), *listed]
        if run is not None:
            runs.append(run)
    known = np.array(flat, dtype=np.int32)
    slots = np.zeros(1 << max(4, (2 * len(parts)).bit_length()), dtype=np.int32)
    for at in places.values():
        slots[pedigree_slot(slots, known, known, at + 1, known[at])] = at
    no_rows = np.zeros((1, n_words), dtype=np.uint32)
    return KnownTables(known, slots, np.concatenate([*rows, no_rows]), places, tuple(runs))


class Pedigrees:
    """Where the lexer states of one grammar come from."""

    def __init__(self, automaton: GrammarAutomaton, known: KnownParts, *, is_new: bool = False) -> None:
        self._automaton = automaton
        self._known = known
        self._is_new = is_new
        self._numbers: dict[int, int] = {}

    def of(self, state: int) -> tuple[Pedigree, list[int]] | None:
        """The pedigree of a state, and its terminals in order; None where nothing is known of them."""
        automaton = self._automaton
        lexer, nfa = automaton.lexer, automaton.lexer.nfa
        nodes, behind, words = lexer.key(state)
        if words or not nodes or automaton.grammar.scannerless:
            return None
        terminals: list[int] = []
        places: list[int] = []
        for node in nodes:
            terminal = nfa.label[node]
            if terminal not in terminals:
                if terminal < 0 or self.number(terminal) < 0:
                    return None
                terminals.append(terminal)
            places += (self._numbers[terminal], lexer.first_node(terminal) - node)
        if nfa.behind_starts:
            # a lookbehind that two patterns share lies in one of them only, and the other's nodes lie closer
            if len(terminals) > 1 or nfa.kind.count(BEHIND) != len(nfa.behind_starts):
                return None
            first = lexer.first_node(terminals[0])
            places += (first - node for node in behind)
        return (*places, len(behind)), terminals

    def number(self, terminal: int) -> int:
        """The number of a terminal's pattern, -1 where nothing is known of it."""
        found = self._numbers.get(terminal)
        if found is None:
            grammar = self._automaton.grammar
            rules = grammar.indentation
            is_newline = rules is not None and rules.newline == terminal
            number = self._known.number(grammar.terminals[terminal], is_new=self._is_new)
            found = self._numbers[terminal] = -1 if is_newline else number
        return found


_known: WeakKeyDictionary[Vocabulary, KnownParts] = WeakKeyDictionary()
_lock = Lock()


def known_parts(vocabulary: Vocabulary) -> KnownParts:
    """The parts known for ``vocabulary``; none before ``learned_parts.learn``."""
    with _lock:
        return _known.setdefault(vocabulary, KnownParts())
