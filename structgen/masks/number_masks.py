"""Masks of document machines inside a number.

A token goes on in the number, or ends it by what follows. The first is told by the number's automaton alone, over the
thousand tokens that vocabularies have for it; of the second, the tokens that begin with a blank, a comma or a bracket
are those that may come once the number has ended, whose mask is mostly known. Tokens that do both are walked.
"""

from __future__ import annotations

import re
import weakref
from typing import TYPE_CHECKING

import numpy as np

from structgen.dtypes import TokenMask
from structgen.kernels import document as K
from structgen.kernels.jit import direct
from structgen.kernels.number_walk import number_walk
from structgen.kernels.tables import TrieTables
from structgen.vocab import trie as tries
from structgen.vocab.vocabulary import Vocabulary

if TYPE_CHECKING:
    from structgen.automata.document.automaton import Config
    from structgen.masks.document_machine import DocumentMachine

__all__ = ["NumberMasks"]

_is_piece = re.compile(rb"(?!\Z)[-+]?[0-9]*\.?[0-9]*(?:[eE][-+]?[0-9]*)?").fullmatch
_ends_number = re.compile(rb"[-+]?[0-9]*\.?[0-9]*(?:[eE][-+]?[0-9]*)?(?<=[0-9])[],} \t\r\n]").match
_Tries = tuple[TrieTables, int, TrieTables]
_found: weakref.WeakKeyDictionary[Vocabulary, _Tries] = weakref.WeakKeyDictionary()


def _tries(vocabulary: Vocabulary) -> _Tries:
    """Tokens that stay in a number, and those that first go on in one and then end it; computed at the first call.

    With the bytes of the longest of the former.
    """
    found = _found.get(vocabulary)
    if found is None:
        tokens = list(vocabulary.tokens)
        ids = vocabulary.trie.token_ids.tolist()
        ends = np.concatenate([[0], np.cumsum([len(token) for token in tokens])]).astype(np.int64)
        data = np.frombuffer(b"".join(tokens), np.uint8)
        within, beyond = (
            tries.build(data, ends, tries.sorted_by_bytes(tokens, [token for token in ids if matches(tokens[token])]))
            for matches in (_is_piece, _ends_number)
        )
        found = _found[vocabulary] = within, within.max_depth, beyond
    return found


class NumberMasks:
    """What a ``DocumentMachine`` does inside numbers."""

    def __init__(self, machine: DocumentMachine) -> None:
        self._machine = machine
        self._tables = machine.automaton.tables

    def fill(self, config: Config, row: TokenMask) -> int | None:
        """Fill ``row``, all zero before; how far tokens reach, or None where a walk must do it."""
        tables = self._tables
        numbers, state = tables.arena.numbers, config[K.R_A]
        if (
            config[K.R_MODE] != K.M_NUMBER
            or len(config) != K.CONFIG_WIDTH
            or tables.max_space != K.ANY_SPACE
            or config[K.R_VALUE] in tables.number_judges
            or numbers[state, K.NUMBER_JUDGED]
        ):
            return None
        reach = 0
        if tables.arena.number_label[state]:
            after = self._machine.automaton.read(config, b" ")
            if after is not None:
                found, reach = self._machine.row(after)
                row[:] = found
        within, most_bytes, beyond = _tries(self._machine.vocabulary)
        self._machine.n_walked += direct(number_walk)(*within[:5], most_bytes, numbers, state, row)
        if len(beyond.token_ids):
            reach = max(reach, self._machine.walk(beyond, config, row))
        return reach
