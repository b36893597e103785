"""Tokens seen from between two lexemes of JSON, computed once per vocabulary.

Where any blanks may stand, those that a token begins with change nothing: it may come exactly if the rest may. Of the
trie nodes that walks from there would visit, two in three are blanks and what dies behind them. So tokens are brought
into a trie without their leading blanks, and those that begin no lexeme are left out; tokens of blanks alone are always
allowed. What remains is small enough to stay in the processor's cache.
"""

from __future__ import annotations

import re
import weakref

import numpy as np

from structgen.dtypes import freeze
from structgen.kernels.tables import TrieTables
from structgen.masks.mask import mask_of
from structgen.vocab import trie as tries
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["Unspaced", "unspaced"]

_BLANKS = b" \t\r\n"
_begins_lexeme = re.compile(
    rb"""
    " | -?[0-9]+ (?:\Z|[],}.eE \t\r\n]) | -\Z
    | [][{},:] [ \t\r\n]* (?:\Z|["0-9tfn{}:,-]|[][])
    | t(?:\Z|r(?:\Z|u(?:\Z|e))) | f(?:\Z|a(?:\Z|l(?:\Z|s(?:\Z|e)))) | n(?:\Z|u(?:\Z|l(?:\Z|l)))
    """,
    re.VERBOSE,
).match
"""Whether a text may be the beginning of a lexeme, or go beyond one; some that may not pass, too."""
_found: weakref.WeakKeyDictionary[Vocabulary, Unspaced] = weakref.WeakKeyDictionary()


class Unspaced:
    """Tokens without their leading blanks."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.rests = [token.lstrip(_BLANKS) for token in vocabulary.tokens]
        """By token id; a blank that is no such byte in JSON stays."""
        ids = np.sort(vocabulary.trie.token_ids).tolist()
        kept = [token for token in ids if _begins_lexeme(self.rests[token])]
        self.blanks = freeze(mask_of([token for token in ids if not self.rests[token]], vocabulary.n_tokens), np.uint32)
        """The mask of tokens that are blanks alone."""
        ends = np.concatenate([[0], np.cumsum([len(rest) for rest in self.rests])]).astype(np.int64)
        data = np.frombuffer(b"".join(self.rests), np.uint8)
        self.trie: TrieTables = tries.build(data, ends, tries.sorted_by_bytes(self.rests, kept))
        """The others, as far as they begin lexemes."""


def unspaced(vocabulary: Vocabulary) -> Unspaced:
    """The same for a vocabulary; computed at the first call."""
    found = _found.get(vocabulary)
    if found is None:
        found = _found[vocabulary] = Unspaced(vocabulary)
    return found
