"""Masks between lexemes and inside numbers, against each token tried."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

import structgen as sg
from structgen.kernels import document as K

SCHEMAS: list[Any] = [
    {},
    {"properties": {"a": {"type": "integer", "minimum": -20, "maximum": 300}, "b": {"enum": [1.5, None, "x"]}}},
    {"type": "array", "items": {"multipleOf": 0.5}, "contains": {"const": 7}, "maxItems": 6},
    {"type": "array", "uniqueItems": True, "items": {"type": ["integer", "boolean"]}},
    {"type": "array", "prefixItems": [{"type": "number", "exclusiveMaximum": 1e3}, {"type": "null"}], "items": False},
    {"properties": {"a": {"type": "number"}}, "required": ["a"], "additionalProperties": {"type": "array"}},
    {"type": "number", "minimum": 10},
    {"oneOf": [{"items": {"type": "number"}}, {"properties": {"a": {"type": "integer"}}, "maxProperties": 2}]},
]


def _vocabulary(seed: int) -> sg.Vocabulary:
    """Every byte and random pieces of JSON, many of them behind blanks."""
    chance = random.Random(seed)
    pieces = [" ", "\n", "\t", "  ", '"', '"a', '"a":', "{", "}", "[", "]", ",", ":", "true", "tr", "null", "nul", "fa"]
    pieces += ["1", "25", "0", ".5", "e", "-", "+1", "7,", "12]", "E-3", "--", "x", "{x", "then", "\x0b", "\xa0"]
    tokens = {bytes([b]) for b in range(256)} | {
        "".join(chance.choices(pieces, k=chance.randint(1, 5))).encode() for _ in range(1500)
    }
    return sg.Vocabulary.from_bytes([*sorted(tokens), b"</s>"], eos_ids=[len(tokens)])


@pytest.mark.parametrize("whitespace", ["any", "bounded"])
@pytest.mark.parametrize("index", range(len(SCHEMAS)))
def test_masks_between_lexemes_hold_the_tokens_that_can_be_read(index: int, whitespace: str) -> None:
    vocabulary = _vocabulary(index)
    machine = sg.json_schema(SCHEMAS[index], property_order="any", whitespace=whitespace).bind(vocabulary).machine
    chance = random.Random(index)
    compared = {True: 0, False: 0}
    for _ in range(6):
        config = machine.start()
        for _ in range(9):
            row = np.zeros(vocabulary.n_words, np.uint32)
            machine.fill_mask(config, row)
            allowed = [t for t in range(vocabulary.n_tokens - 1) if row[t >> 5] >> np.uint32(t & 31) & 1]
            if config[K.R_MODE] < K.FIRST_LEXICAL or config[K.R_MODE] == K.M_NUMBER:
                compared[config[K.R_MODE] == K.M_NUMBER] += 1
                tried = [t for t in range(vocabulary.n_tokens - 1) if machine.advance(config, t) is not None]
                assert allowed == tried, (SCHEMAS[index], config)
            if not allowed:
                break
            config = machine.advance(config, chance.choice(allowed))
    assert compared[True] and compared[False]
