"""What a loop of the lexer reads of a vocabulary, kept with the vocabulary.

A lexer state that reads some bytes without moving (inside a name, a comment, a string)
reads most tokens whole. Which ones depends on the loop's bytes alone, not on the grammar.
So one walk per vocabulary, set of trie nodes and loop finds the tokens that stay, and the
trie nodes by which the others leave; all grammars share it, as all share a name's letters.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from weakref import WeakKeyDictionary

import numpy as np

from structgen.automata.grammar.automaton import GrammarAutomaton
from structgen.dtypes import ByteArray, IntArray, TokenMask, freeze
from structgen.kernels import grammar_walk
from structgen.kernels.grammar_walk import GrammarTrie
from structgen.masks.text_runs import utf8_table
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["LexemeRun", "LexemeRuns", "Loop", "lexeme_runs", "loop_of"]

MOST_RUNS = 256
"""Runs kept per vocabulary, 16 KB and a few thousand exits each."""
LEAST = 4
"""Bytes that a loop must have to be worth a run."""


Loop = tuple[ByteArray, bool]
"""The ASCII bytes read (128 flags), and whether all other characters are too."""


@dataclass(frozen=True, slots=True)
class LexemeRun:
    """The tokens that stay in a loop, and where tokens leave it; not to be written to.

    The arrays are not frozen: kernels take them in place of others that are not, and would be
    compiled once more for the difference.
    """

    row: TokenMask
    """(W,) uint32; their last character may be unfinished."""
    exits: IntArray
    """(n,) int32 trie nodes, ascending: the edge into each is the first byte that is none of the loop's."""


class LexemeRuns:
    """Runs of one vocabulary, and its trie with parents."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        trie = vocabulary.trie
        parent = np.zeros(trie.n_nodes, dtype=np.int32)
        grammar_walk.find_parents(trie.subtree_end, parent)
        self.trie = GrammarTrie(
            trie.byte, trie.subtree_end, trie.depth, trie.token_start, trie.token_ids, freeze(parent, np.int32)
        )
        self.n_words = vocabulary.n_words
        self.firsts = _children(self.trie, 0)
        """The trie nodes at which tokens begin."""
        self._depth = trie.max_depth
        self._runs: dict[tuple[bytes, bytes, bool], LexemeRun] = {}
        self._lock = Lock()

    def run(self, nodes: IntArray, loop: Loop) -> LexemeRun:
        """What ``loop`` reads at and below ``nodes``."""
        loops, beyond = loop
        key = (nodes.tobytes(), loops.tobytes(), beyond)
        known = self._runs.get(key)
        if known is None:
            row = np.zeros(self.n_words, dtype=np.uint32)
            exits = np.zeros(self.trie.byte.shape[0], dtype=np.int32)
            places = np.zeros(self._depth + 1, dtype=np.uint8)
            n = int(grammar_walk.run_below(self.trie, nodes, utf8_table(), loops, beyond, places, row, exits))
            known = LexemeRun(row, exits[:n].copy())
            with self._lock:
                while len(self._runs) >= MOST_RUNS:
                    self._runs.pop(next(iter(self._runs)))
                self._runs[key] = known
        return known


def _children(trie: GrammarTrie, node: int) -> IntArray:
    found, child = [], node + 1
    while child < trie.subtree_end[node]:
        found.append(child)
        child = int(trie.subtree_end[child])
    return np.array(found, dtype=np.int32)


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
    loops = (automaton.expanded(state)[:128] == state).astype(np.uint8)
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
