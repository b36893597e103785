"""What a loop of the lexer reads of a vocabulary, kept with the vocabulary.

A lexer state that reads some bytes without moving (inside a name, a comment, a string)
reads most tokens whole. Which ones depends on the loop's bytes alone, not on the grammar: one
pass over the trie per vocabulary and loop finds where tokens leave it (``kernels.loop_map``), some
milliseconds once per process.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from threading import Lock
from weakref import WeakKeyDictionary

import numpy as np

from structgen.automata.grammar.automaton import GrammarAutomaton
from structgen.dtypes import ByteArray, IntArray, TokenMask, freeze, lazy_zeros
from structgen.kernels import grammar_walk, loop_map
from structgen.kernels.grammar_walk import GrammarTrie
from structgen.kernels.tables import TrieTables
from structgen.masks.text_runs import utf8_table
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["LEAST", "LexemeRun", "LexemeRuns", "Loop", "lexeme_runs", "loop_of"]

LEAST = 16
"""Bytes that a loop must have to be worth a pass; with fewer, walks are short."""
USUAL = (
    (r"[A-Za-z0-9_]", False),
    (r"\w", True),
    (r"[^\"\\\x00-\x1f]", True),
    (r"[^\"\\\n]", True),
    (r"[^'\\\n]", True),
    (r"[^']", True),
    (r"[^\n]", True),
)
"""Names, strings in several quotes, comments to the end of the line; and whether characters beyond ASCII belong."""


Loop = tuple[ByteArray, bool]
"""The ASCII bytes read (128 flags), and whether all other characters are too."""


@dataclass(frozen=True, slots=True)
class LexemeRun:
    """How tokens stay in a loop and leave it; not to be written to.

    The arrays are not frozen: kernels take them in place of others that are not, and would be
    compiled once more for the difference.
    """

    row: TokenMask
    """(W,) uint32: the tokens that stay from first to last byte; their last character may be unfinished."""
    stays: memoryview
    """The same without those whose last byte is not ASCII: they leave a lexer where it is."""
    exits: IntArray
    """(n,) int32 trie nodes, ascending: by each, the first byte is read that is none of the loop's."""
    first: int
    """Where the nodes that leave the loop lie in ``LexemeRuns.left``."""
    last: int


class LexemeRuns:
    """Runs of one vocabulary, and its trie with parents."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        trie = vocabulary.trie
        self.trie = _with_children(trie)
        self.n_words = vocabulary.n_words
        self.firsts = _children(self.trie, 0)
        """The trie nodes at which tokens begin."""
        blank = self.firsts[trie.byte[self.firsts] == ord(" ")]
        self.behind_blank = _children(self.trie, int(blank[0])) if len(blank) else blank
        """Those behind a first blank, where most words of a text begin."""
        self._depth = trie.max_depth
        self.left: IntArray = lazy_zeros(1 << 21, np.int32)
        """All nodes that leave each loop, see ``kernels.loop_map``; replaced by a longer copy when it is full."""
        self._n_left = 0
        self._runs: dict[tuple[bytes, bool], LexemeRun] = {}
        self._lock = Lock()

    def prepare(self) -> None:
        """Look at the loops that most grammars have; else each is looked at when a text meets it."""
        for pattern, beyond in USUAL:
            loops = np.array([bool(re.match(pattern, chr(byte))) for byte in range(128)], dtype=np.uint8)
            self.run((loops, beyond))

    def run(self, loop: Loop) -> LexemeRun:
        """What ``loop`` reads."""
        loops, beyond = loop
        key = (loops.tobytes(), beyond)
        known = self._runs.get(key)
        if known is None:
            with self._lock:
                known = self._runs[key] = self._find(loops, beyond)
        return known

    def _find(self, loops: ByteArray, beyond: bool) -> LexemeRun:
        row, stays = np.zeros((2, self.n_words), dtype=np.uint32)
        left, exits = np.zeros((2, self.trie.byte.shape[0]), dtype=np.int32)
        places = np.zeros(self._depth + 1, dtype=np.uint8)
        n_left = int(loop_map.map_loop(self.trie, utf8_table(), loops, beyond, places, left))
        n = int(loop_map.stay_at_root(self.trie, left[:n_left], row, stays, exits))
        first, last = self._n_left, self._n_left + n_left
        if last > len(self.left):
            longer = lazy_zeros(2 * last, np.int32)
            longer[:first] = self.left[:first]
            self.left = longer
        self.left[first:last] = left[:n_left]
        self._n_left = last
        return LexemeRun(row, stays.data, exits[:n].copy(), first, last)


def _with_children(trie: TrieTables) -> GrammarTrie:
    n_nodes = trie.n_nodes
    parent, child_node = np.zeros((2, n_nodes), dtype=np.int32)
    child_start, child_byte = np.zeros(n_nodes + 1, dtype=np.int32), np.zeros(n_nodes, dtype=np.uint8)
    grammar_walk.find_children(trie.byte, trie.subtree_end, parent, child_start, child_byte, child_node)
    added = [freeze(table, table.dtype) for table in (parent, child_start, child_byte, child_node)]
    return GrammarTrie(trie.byte, trie.subtree_end, trie.depth, trie.token_start, trie.token_ids, *added)


def _children(trie: GrammarTrie, node: int) -> IntArray:
    return trie.child_node[trie.child_start[node] : trie.child_start[node + 1]].copy()


_known: WeakKeyDictionary[Vocabulary, LexemeRuns] = WeakKeyDictionary()
_lock = Lock()


def lexeme_runs(vocabulary: Vocabulary) -> LexemeRuns:
    """The runs of ``vocabulary``, made at the first call."""
    with _lock:
        found = _known.get(vocabulary)
        if found is None:
            found = _known[vocabulary] = LexemeRuns(vocabulary)
        return found


def loop_of(automaton: GrammarAutomaton, state: int, follows: ByteArray) -> Loop | None:
    """The bytes that lexer state ``state`` reads without moving; None where they are too few.

    Where the lexeme may end before a byte although it could go on, that byte leaves the loop.
    ``follows`` are the bytes before which each terminal may end.
    """
    reads = automaton.expanded(state)[:128] == state
    if np.count_nonzero(reads) < LEAST:
        return None
    loops = reads.astype(np.uint8)
    accepts = int(automaton.heap["accepts"][state])
    whole = accepts >= -1
    if automaton.grammar.scannerless:
        for terminal in automaton.lexer.may_end(state):
            loops &= follows[terminal, :128] == 0
            whole = whole and not follows[terminal, 128:].any()
    elif accepts < -1:
        loops &= automaton.heap["ended"][-2 - accepts][:128] == -1
    if int(loops.sum()) < LEAST:
        return None
    return loops, whole and _reads_all_beyond_ascii(automaton, state)


def _reads_all_beyond_ascii(automaton: GrammarAutomaton, state: int) -> bool:
    """Whether every character beyond ASCII leads from ``state`` back to it, through states of the same family."""
    places = np.zeros(8, dtype=np.int32)
    return bool(
        automaton.run(lambda heap, work: grammar_walk.reads_beyond_ascii(heap, work, utf8_table(), state, places))
    )
