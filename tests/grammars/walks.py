"""Random walks through the masks of a grammar, under a token budget."""

from __future__ import annotations

import random
import re

from structgen import grammars
from structgen.masks.mask import allowed_ids, empty_mask
from structgen.masks.matcher import Matcher
from structgen.vocab import Vocabulary

__all__ = ["piece_vocabulary", "walk"]


def piece_vocabulary(name: str) -> Vocabulary:
    """All bytes, and the words and runs of punctuation of the grammar's examples, with and without a blank before."""
    pieces: set[bytes] = set()
    for text in grammars.examples(name).accepted:
        for piece in re.findall(r"\w+|[^\w\s]+|\s+", text):
            pieces |= {piece.encode(), b" " + piece.encode(), piece.encode()[:2]}
    tokens = [bytes([byte]) for byte in range(256)] + sorted(piece for piece in pieces if len(piece) > 1)
    return Vocabulary.from_bytes([*tokens, b"</s>"], eos_ids=[len(tokens)])


def walk(matcher: Matcher, budget: int, rng: random.Random) -> bytes:
    """Take random allowed tokens until the text ends; end of sequence as rarely as any other token."""
    n_tokens = matcher.vocabulary.n_tokens
    row = empty_mask(n_tokens)
    for left in range(budget, 0, -1):
        matcher.fill_mask(row, left)
        ids = allowed_ids(row, n_tokens)
        matcher.advance(int(ids[rng.randrange(len(ids))]))
        if matcher.is_finished:
            break
    assert matcher.is_finished
    return matcher.text_bytes
