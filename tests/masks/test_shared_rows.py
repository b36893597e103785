"""Rows by configuration stay within their bound, and what falls out is found again or computed anew."""

from __future__ import annotations

import random

import numpy as np

import structgen as sg
from structgen.masks.document_machine import DocumentMachine
from structgen.masks.shared_rows import SharedRows
from tests.masks.test_document_sharing import SCHEMAS, vocabulary


def test_rows_known_by_configuration_are_bounded() -> None:
    words = vocabulary(7)
    row = np.zeros(words.n_words, np.uint32)
    draws = random.Random(7)
    for name in ("nested", "either", "lengths", "names by pattern"):
        wide = sg.json_schema(SCHEMAS[name], whitespace="any").bind(words).machine
        narrow = sg.json_schema(SCHEMAS[name], whitespace="any").bind(words).machine
        assert isinstance(narrow, DocumentMachine) and isinstance(wide, DocumentMachine)
        narrow._rows = SharedRows(narrow.sharing, 12 * row.nbytes, words, name)
        other = row.copy()
        for _ in range(30):
            config, place = wide.start(), narrow.start()
            for _ in range(12):
                wide.fill_mask(config, row)
                narrow.fill_mask(place, other)
                assert (row == other).all()
                known = {id(kept): kept.nbytes for kept, _ in narrow._rows.known.values()}
                assert sum(known.values()) <= 7 * row.nbytes
                allowed = [token for token in range(words.n_tokens - 1) if row[token >> 5] >> (token & 31) & 1]
                if not allowed:
                    break
                token = draws.choice(allowed)
                config, place = wide.advance(config, token), narrow.advance(place, token)
                assert config is not None and place is not None
