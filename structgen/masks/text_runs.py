"""Tokens of plain content, per vocabulary: shared by all constraints that read free text somewhere.

Inside a free string, nine masks in ten are "every token of plain content, and a few that
leave the string". The first part depends on the vocabulary and the loop alone. It is found
by one walk, kept with the vocabulary, and a cold mask is then a copy and a walk of the
exits: 20 µs instead of 700.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from threading import Lock
from weakref import WeakKeyDictionary

import numpy as np

from structgen.dtypes import ByteArray, IntArray, TokenMask, freeze
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["TextRun", "text_run", "utf8_table"]

MOST_RUNS = 32
"""Runs kept per vocabulary, 16 KB and a few thousand exits each."""


@dataclass(frozen=True, slots=True)
class TextRun:
    """The tokens of a loop over some bytes, and where tokens leave it."""

    row: TokenMask
    """(W,) uint32: tokens that are content from first to last byte (their last character may be unfinished)."""
    exits: IntArray
    """(n,) int32 trie nodes, ascending: the edge into each is the first byte, after content, that is none."""


_runs: WeakKeyDictionary[Vocabulary, dict[tuple[bytes, bool], TextRun]] = WeakKeyDictionary()
_lock = Lock()


@cache
def utf8_table() -> ByteArray:
    """(8, 256) uint8, see ``kernels.text_run``."""
    from structgen.kernels.text_run import utf8_steps

    return freeze(utf8_steps(), np.uint8)


def text_run(vocabulary: Vocabulary, loops: bytes, beyond_ascii: bool) -> TextRun:
    """The run of content that consists of some ASCII bytes and, if ``beyond_ascii``, all other characters.

    Parameters
    ----------
    loops : 128 bytes, 1 where the ASCII byte of that number is content, else 0
    beyond_ascii : whether every character from U+0080 on is content; bytes that are no
        UTF-8 then belong neither to the run nor to its exits
    """
    with _lock:
        known = _runs.setdefault(vocabulary, {})
        run = known.get((loops, beyond_ascii))
    if run is not None:
        return run
    from structgen.kernels.text_run import build_run

    row = np.zeros(vocabulary.n_words, dtype=np.uint32)
    exits = np.zeros(vocabulary.trie.n_nodes, dtype=np.int32)
    content = freeze(np.frombuffer(loops, dtype=np.uint8), np.uint8)
    n_exits = build_run(*vocabulary.trie, vocabulary.max_token_bytes, utf8_table(), content, beyond_ascii, row, exits)
    run = TextRun(freeze(row, np.uint32), freeze(exits[:n_exits].copy(), np.int32))
    with _lock:
        while len(known) >= MOST_RUNS:
            known.pop(next(iter(known)))
        known[loops, beyond_ascii] = run
    return run
