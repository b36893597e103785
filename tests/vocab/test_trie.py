"""Tries of few tokens."""

from __future__ import annotations

import numpy as np

import structgen as sg
from structgen.vocab.trie import build


def test_a_trie_without_tokens_is_its_root() -> None:
    trie = build(np.empty(0, np.uint8), np.zeros(1, np.int64), np.empty(0, np.int32))
    assert [table.tolist() for table in trie] == [[0], [1], [0], [0, 0], []]


def test_vocabularies_without_a_quote_spell_numbers() -> None:
    vocabulary = sg.Vocabulary.from_bytes([b"1", b"2", b"</s>"], eos_ids=[2])
    matcher = sg.json_schema({"type": "integer"}).bind(vocabulary).start()
    row = np.zeros(vocabulary.n_words, np.uint32)
    matcher.fill_mask(row)
    assert row[0] == 0b11
    matcher.advance(1)
    matcher.fill_mask(row)
    assert row[0] == 0b111
