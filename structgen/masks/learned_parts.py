"""The parts of a grammar's lexemes taken down, for other grammars of the same vocabulary (see ``known_parts``)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from threading import Lock

import numpy as np

from structgen.automata.grammar.automaton import GrammarAutomaton
from structgen.dtypes import IntArray, TokenMask
from structgen.kernels import part_writing
from structgen.kernels.lexer import AHEAD
from structgen.kernels.part_pool import BEGUN, UNDER_WAY
from structgen.masks.known_parts import KnownPart, KnownParts, Pedigrees, known_parts
from structgen.masks.lexeme_parts import PartStore
from structgen.masks.lexeme_runs import LexemeRuns, lexeme_runs
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["learn"]

MOST_STATES = 200
"""Lexer states of one grammar that are looked at."""
_lock = Lock()


def learn(automaton: GrammarAutomaton, vocabulary: Vocabulary) -> KnownParts:
    """Take in the parts of a grammar all of whose terminals may begin where its texts do; returns all that is known.

    ``automaton`` must be the caller's alone. Costs about 0.1 ms for each lexer state.

    Raises
    ------
    ValueError : the grammar looks ahead, or has no lexemes
    """
    known, runs = known_parts(vocabulary), lexeme_runs(vocabulary)
    start = automaton.start_code(0)
    if AHEAD in automaton.lexer.nfa.kind or automaton.grammar.scannerless or start <= 0:
        raise ValueError("what lexemes are depends on more than their terminals")
    with _lock:
        scanner = _Scanner(automaton, runs)
        pedigrees = Pedigrees(automaton, known, is_new=True)
        for state in _states_behind(automaton, start):
            found = pedigrees.of(state)
            if found is None or automaton.heap["base"][state] != state:
                continue
            of, terminals = found
            known.add(of, b"", scanner.part(state, terminals, None))
            leads = automaton.heap["base"][np.maximum(automaton.expanded(start), 0)] == state
            for nodes in (runs.firsts, runs.behind_blank):
                begun = nodes[leads[runs.trie.byte[nodes]]]
                if len(begun):
                    known.add(of, begun.tobytes(), scanner.part(state, terminals, begun))
    return known


def _states_behind(automaton: GrammarAutomaton, start: int) -> Iterator[int]:
    """The lexer states that lexemes lead to from ``start``, nearest first."""
    seen, todo = {0, start}, deque([start])
    while todo and len(seen) < MOST_STATES:
        for state in sorted({*automaton.expanded(todo.popleft()).tolist()}):
            if state > 0 and state not in seen:
                seen.add(state)
                todo.append(state)
                yield state


class _Scanner(PartStore):
    """Parts in which lexemes may end before any byte."""

    def __init__(self, automaton: GrammarAutomaton, runs: LexemeRuns) -> None:
        super().__init__(automaton, runs)
        self.tables = self.tables._replace(follows=np.ones_like(self.tables.follows))

    def part(self, state: int, terminals: list[int], begun: IntArray | None) -> KnownPart:
        """What is known of lexemes in ``state``, begun at some nodes or under way at the root (None)."""
        self._look_at(state)
        loop = self._loop(state)
        if begun is None:
            part = self._build_lexeme(state) or self._scan(np.zeros(1, dtype=np.int32), state, UNDER_WAY)
        else:
            part = self._scan(begun, state, BEGUN)
        pool = self.tables.pool
        n_dense, n_sparse, n_ends, n_loose, n_special = pool[part : part + 5].tolist()
        at = part + 5
        lists: list[tuple[int, IntArray]] = []
        rows = []
        for _ in range(n_dense):
            rows.append(self.tables.rows[pool[at + 1]].copy())
            lists.append((int(pool[at]), _first_tokens(rows[-1])))
            at += 2
        for _ in range(n_sparse):
            n = int(pool[at + 1])
            lists.append((int(pool[at]), pool[at + 2 : at + 2 + n].copy()))
            at += 2 + n
        ends = pool[at : at + 3 * n_ends].reshape(-1, 3)
        assert (ends[:, 1] == -1).all(), "columns belong to newlines under indentation"
        at += 3 * n_ends
        loose = [*pool[at : at + 3 * n_loose : 3].tolist(), *pool[at + 3 * n_loose :: 4][:n_special].tolist()]
        places = [(node, terminals.index(end)) for end, _, name in ends.tolist() for node in self.nodes(name).tolist()]
        tokens = [(place, token) for place, (_, found) in enumerate(lists) for token in found.tolist()]
        return KnownPart(
            families=np.array([self._example(state, each, found) for each, found in lists], dtype=np.int32),
            rows=np.array(rows, dtype=np.uint32).reshape(-1, self.runs.n_words),
            tokens=np.array(tokens if n_sparse else [], dtype=np.int32).reshape(-1, 2),
            ends=np.array(places, dtype=np.int32).reshape(-1, 2),
            loose=np.array(sorted(set(loose)), dtype=np.int32),
            run=self.runs.run(loop) if loop is not None else None,
        )

    def _scan(self, nodes: IntArray, state: int, mode: int) -> int:
        """The part of ``nodes`` by a walk of the trie; see ``part_pool`` for ``mode``."""
        empty = self.tables.rows[0]
        part = self._add(part_writing.add_lexeme, nodes, 0, len(nodes), state, mode, False, empty)
        return part or self._add(part_writing.add_lexeme, nodes, 0, len(nodes), state, mode, True, empty)

    def _example(self, state: int, member: int, tokens: IntArray) -> int:
        """A trie node at which lexemes from ``state`` can become what they can in ``member``, or 0 for ``state``."""
        family = self.automaton.heap["family"]
        if family[state] == family[member]:
            return 0
        trie = self.trie
        place = int(np.flatnonzero(trie.token_ids == tokens[0])[0])
        return int(np.searchsorted(trie.token_start, place, side="right")) - 1


def _first_tokens(row: TokenMask) -> IntArray:
    """The first token of a row, where it has any."""
    words = np.flatnonzero(row)[:1]
    bits = [int(word) << 5 | (int(row[word]) & -int(row[word])).bit_length() - 1 for word in words]
    return np.array(bits, dtype=np.int32)
