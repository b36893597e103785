"""Lexeme parts of usual terminals, kept with the vocabulary.

What tokens do inside a lexeme (``kernels.grammar_parts``) depends on the vocabulary and on the
patterns of the terminals that it can become, not on the grammar around them. The large parts, those of
tokens that begin anywhere in a string, a number, a name or a comment, take 50 to 400 us each to scan,
and a text meets a dozen of them. So they are worked out once per vocabulary for terminals that
many grammars have (``structgen.usual_terminals``), when the vocabulary is prepared, and a grammar with
a terminal of the same pattern takes them from here.

A lexer state is known by its *pedigree*: the patterns of its nodes, and where the nodes lie in them. Grammars
spell patterns in many ways; those whose syntax trees differ are not recognised as equal, and are scanned.
States that look ahead, those of keywords, and grammars without lexemes have no pedigree.

What is kept is bounded by ``MOST_BYTES``, and nothing is added by texts: what a mask costs does not
depend on which grammars came before.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from weakref import WeakKeyDictionary

from structgen.automata.grammar.automaton import GrammarAutomaton
from structgen.dtypes import IntArray, TokenMask
from structgen.ir.grammar import Terminal
from structgen.ir.pattern import Pattern
from structgen.kernels.lexer import BEHIND
from structgen.masks.lexeme_runs import LexemeRun
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["KnownPart", "KnownParts", "Pedigree", "Pedigrees", "known_parts"]

MOST_BYTES = 16 << 20
"""Bytes of what is kept for a vocabulary."""

Pedigree = tuple[int, ...]
"""Of each node the number of its pattern and its place there; then places of lookbehinds' nodes, and how many."""


@dataclass(frozen=True, slots=True)
class KnownPart:
    """A lexeme part by trie nodes alone; the arrays are those of ``kernels.known_parts``, and not to be written to."""

    families: IntArray
    rows: TokenMask
    tokens: IntArray
    ends: IntArray
    loose: IntArray
    run: LexemeRun | None
    """Where the lexer state has a loop: what it reads."""

    @property
    def arrays(self) -> tuple[IntArray, TokenMask, IntArray, IntArray, IntArray]:
        """What the kernel takes."""
        return self.families, self.rows, self.tokens, self.ends, self.loose

    @property
    def n_bytes(self) -> int:
        return sum(array.nbytes for array in self.arrays)


class KnownParts:
    """The parts known for one vocabulary."""

    def __init__(self) -> None:
        self._patterns: dict[tuple[Pattern | None, bool], int] = {}
        self._parts: dict[Pedigree, dict[bytes, KnownPart]] = {}
        self.n_bytes = 0

    def number(self, terminal: Terminal, *, is_new: bool = False) -> int:
        """The number of a terminal's pattern; -1 where nothing is known of it, unless ``is_new``."""
        # texts and patterns make unlike nodes
        key = (terminal.pattern, bool(terminal.literal))
        return self._patterns.setdefault(key, len(self._patterns)) if is_new else self._patterns.get(key, -1)

    def of(self, pedigree: Pedigree) -> dict[bytes, KnownPart] | None:
        """The parts of a lexer state: by the trie nodes where lexemes begin; under way at the root, by none."""
        return self._parts.get(pedigree)

    def add(self, pedigree: Pedigree, nodes: bytes, part: KnownPart) -> None:
        """Keep a part, unless there is one, or no room."""
        parts = self._parts.setdefault(pedigree, {})
        if nodes not in parts and self.n_bytes + part.n_bytes <= MOST_BYTES:
            parts[nodes] = part
            self.n_bytes += part.n_bytes

    def __len__(self) -> int:
        return sum(map(len, self._parts.values()))

    def __bool__(self) -> bool:
        """Asked for each grammar, and much quicker than the length."""
        return bool(self._parts)

    def __repr__(self) -> str:
        return f"KnownParts({len(self)} parts, {self.n_bytes >> 10} KiB)"


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
                if terminal < 0 or self._number(terminal) < 0:
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

    def _number(self, terminal: int) -> int:
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
