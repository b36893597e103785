"""Tokens gathered by the configuration after them.

What is asked of a token near the end of a budget is asked of its landing, so that four hundred runs of blanks cost
one question. The kernel (``kernels.document_landing``) reads tokens in the order of their bytes; those that
need a table entry which is not there, or text that must be kept, are read by the automaton one by one.
"""

from __future__ import annotations

import weakref

import numpy as np
import numpy.typing as npt

from structgen.automata.document.automaton import Config, DocumentAutomaton
from structgen.dtypes import IntArray, freeze
from structgen.kernels import document as K
from structgen.kernels.document_landing import ASK, LANDING_WIDTH, N_PUSHED, land
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["Groups", "Landings"]

Groups = list[tuple[Config, IntArray]]
_ranks: weakref.WeakKeyDictionary[Vocabulary, IntArray] = weakref.WeakKeyDictionary()


class Landings:
    """Where tokens of one vocabulary land in one automaton."""

    def __init__(self, automaton: DocumentAutomaton, vocabulary: Vocabulary) -> None:
        self._automaton = automaton
        self._vocabulary = vocabulary

    def of(self, config: Config, token_ids: IntArray) -> Groups:
        """Landings and their tokens, those with the least ids first; tokens that cannot be read are left out."""
        found: dict[Config, list[IntArray]] = {}
        asked = token_ids
        if len(config) == K.CONFIG_WIDTH:
            landings, ids, landed_at = self._land(config, token_ids)
            order = np.argsort(landed_at, kind="stable")
            ids, landed_at = ids[order], landed_at[order]
            starts = np.searchsorted(landed_at, np.arange(len(landings) + 1)).tolist()
            for number, landing in enumerate(landings):
                found[self._config(landing)] = [ids[starts[number] : starts[number + 1]]]
            asked = ids[landed_at == ASK]
        read, tokens = self._automaton.read, self._vocabulary.tokens
        for token in asked.tolist():
            landed = read(config, tokens[token])
            if landed is not None:
                found.setdefault(landed, []).append(np.array([token], np.int32))
        groups = [(after, parts[0] if len(parts) == 1 else np.concatenate(parts)) for after, parts in found.items()]
        return sorted(groups, key=lambda group: int(group[1].min()))

    def _land(self, config: Config, token_ids: IntArray) -> tuple[list[list[int]], IntArray, npt.NDArray[np.int32]]:
        """Distinct landings as the kernel writes them, the tokens in the order they were read, and where each lands."""
        vocabulary, tables = self._vocabulary, self._automaton.tables
        ids = token_ids[np.argsort(_rank_of(vocabulary)[token_ids])]
        n = len(ids)
        rows = np.zeros((vocabulary.max_token_bytes + 1, K.WIDTH), np.int64)
        rows[0] = self._automaton.registers(config)
        rows[0, K.R_KEPT] = 1
        landings = np.empty((n + 1, LANDING_WIDTH), np.int64)
        landed_at = np.empty(n, np.int32)
        slots = np.full(1 << (2 * n + 1).bit_length(), -1, np.int32)
        n_landings = land(
            ids, vocabulary.data, vocabulary.offsets, rows, landings, landed_at, slots, *tables.arguments,
            np.zeros(3, np.int64),
        )  # fmt: skip
        return landings[:n_landings].tolist(), ids, landed_at

    def _config(self, landing: list[int]) -> Config:
        """The configuration of a landing: the cells it pushed become permanent."""
        cell = landing[K.R_CELL]
        for number in reversed(range(landing[N_PUSHED])):
            frame, count = landing[N_PUSHED + 1 + 2 * number : N_PUSHED + 3 + 2 * number]
            cell = self._automaton.tables.cell(frame, count, cell)
        return (*landing[: K.R_CELL], cell)


def _rank_of(vocabulary: Vocabulary) -> IntArray:
    """(V,) int32, the place of each token in the order of bytes."""
    found = _ranks.get(vocabulary)
    if found is None:
        rank = np.zeros(vocabulary.n_tokens, np.int32)
        rank[vocabulary.trie.token_ids] = np.arange(len(vocabulary.trie.token_ids))
        found = _ranks[vocabulary] = freeze(rank, np.int32)
    return found
