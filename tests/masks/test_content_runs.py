"""Masks inside strings that automata read: runs, chains and exits against a walk of the whole trie."""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import pytest

import structgen as sg
from structgen.kernels import document as K
from structgen.masks.content_runs import run_of
from structgen.masks.string_body import string_body

PATTERNS = (
    "^[a-z]*$",
    "^[a-z]{2,5}$",
    "^[A-Za-z_][A-Za-z0-9_]{0,9}$",
    r"^(\S+\s+){0,3}\S+$",
    "^.{1,4}$",
    r"^[^\s]+$",
    "^(ab|é|😀)+-[a-z]{2}",
    "x$",
    r"^(\\|\"|/)*\n?$",
    "^[a-z0-9-]+(:[a-z0-9.-]+)?$",
    "^[a-f0-9]{2,30}(-[a-z])?$",
    "^([À-ÿ㐀-䶿𝒜-𝓏]|ퟟ)*$",
)
SCHEMAS = (
    *({"type": "string", "pattern": pattern} for pattern in PATTERNS),
    *({"type": "string", "pattern": pattern, "minLength": 2, "maxLength": 6} for pattern in PATTERNS),
    *({"type": "string", "anyOf": [{"pattern": one}, {"pattern": two}]} for one, two in pairwise(PATTERNS)),
    {"type": "object", "patternProperties": {"^x-": {"type": "string"}, "z$": {"type": "null"}},
     "properties": {"xa": {}, "ab": {}}},
    {"type": "object", "patternProperties": {"^[a-z]{1,3}$": {}}, "properties": {"name": {}},
     "additionalProperties": False},
    {"type": "object", "patternProperties": {"^x?[a-z]*$": {"type": "number"}}, "properties": {"xab": {}, "ab": {}}},
    {"type": "object", "patternProperties": {"^[^.]*$": {}, "^_[a-z][^.]*$": {"type": "null"}},
     "properties": {"xab": {}, "ab:": {}}, "additionalProperties": False},
    {"type": "string", "pattern": "^[a-z]+(-[a-z]+)*$", "minLength": 3, "maxLength": 12},
    {"type": "string", "pattern": "^[^x-]*(-[^x]+)*$", "minLength": 2, "maxLength": 9},
    {"type": "object", "propertyNames": {"pattern": "^[a-z-]+$"}, "minProperties": 1},
)  # fmt: skip


def _vocabulary(seed: int, has_late_quotes: bool = True) -> sg.Vocabulary:
    """Every byte and random pieces of the characters that the patterns tell apart."""
    chance = random.Random(seed)
    pieces = ['"', '":', '" ,', "\\n", "\\u00e9", "\\u", "\\", "\\\\", '\\"', "x-", "ab", " ", "  ", "null", "}"]
    pieces += "abzé😀-\n0_:.A/\ufeff\u2028\ud55c"
    tokens = {bytes([b]) for b in range(256)} | {
        "".join(chance.choices(pieces, k=chance.randint(1, 6))).encode() for _ in range(900)
    }
    tokens |= {"é😀".encode()[:n] for n in range(1, 6)} | {b"\xa9a", b"\x80 ab"}
    digits = ["".join(chance.choices("0069aAdDe8F32", k=chance.randint(1, 4))) for _ in range(150)]
    tokens |= {f"{begun}\\u{number}".encode() for begun in ("", "a", "-") for number in digits}
    if not has_late_quotes:
        tokens = {token for token in tokens if b'"' not in token or b"\\u" not in token}
    return sg.Vocabulary.from_bytes([*sorted(tokens), b"</s>"], eos_ids=[len(tokens)])


@pytest.mark.parametrize(
    ("few_nodes", "has_late_quotes"), [(0, True), (20, True), (8000, True), (20, False), (8000, False)]
)
@pytest.mark.parametrize("index", range(len(SCHEMAS)))
def test_masks_inside_strings_equal_a_walk_of_the_whole_trie(
    index: int, few_nodes: int, has_late_quotes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("structgen.masks.content_runs.MUCH", 5)
    monkeypatch.setattr("structgen.masks.content_masks.FEW_NODES", few_nodes)
    vocabulary = _vocabulary(index, has_late_quotes)
    machine = sg.json_schema(SCHEMAS[index], property_order="any", whitespace="any").bind(vocabulary).machine
    chance = random.Random(index)
    compared = 0
    for _ in range(20):
        config = machine.start()
        for _ in range(14):
            fast = np.zeros(vocabulary.n_words, np.uint32)
            slow = np.zeros(vocabulary.n_words, np.uint32)
            if machine.strings.fill(config, fast) is not None:
                compared += config[K.R_MODE] == K.M_CONTENT
                machine.walk(vocabulary.trie, config, slow)
                assert fast.tolist() == slow.tolist(), (SCHEMAS[index], config)
            machine.fill_mask(config, slow)
            ids = [t for t in range(vocabulary.n_tokens - 1) if slow[t >> 5] >> np.uint32(t & 31) & 1]
            if not ids:
                break
            config = machine.advance(config, chance.choice(ids))
    assert compared > 5


def _members(vocabulary: sg.Vocabulary, node: int, first: set[int], rest: set[int]) -> set[tuple[int, int]]:
    """(characters, token) below a trie node, read byte by byte."""
    trie = vocabulary.trie
    found = set()
    for token in trie.token_ids[trie.token_start[node + 1] : trie.token_start[trie.subtree_end[node]]].tolist():
        place, n = 0, 0
        for byte in vocabulary.tokens[token][trie.depth[node] :]:
            if place == 0:
                if byte not in (rest if n else first) or byte < 32 or byte in b'"\\':
                    break
                n += 1
            place = int(K.UTF8[place, byte])
            if place == K.UTF8_DEAD:
                break
        else:
            found.add((n, token))
    return found


@pytest.mark.parametrize("seed", range(4))
def test_runs_hold_the_tokens_of_their_set(seed: int) -> None:
    vocabulary = _vocabulary(seed)
    body, trie = string_body(vocabulary), vocabulary.trie
    chance = random.Random(seed)
    bytes_of = [*range(32, 128), *range(0xC2, 0xF5)]
    sets = [
        set(bytes_of),
        set(b"abz"),
        {b for b in bytes_of if b != 32},
        *(set(chance.sample(bytes_of, 90)) for _ in "ab"),
    ]
    nodes = [
        0,
        *(node for node in range(1, trie.n_nodes) if trie.byte[node] < 128 and trie.subtree_end[node] > node + 3),
    ]
    for first in sets:
        for rest in sets:
            for node in nodes[:12]:
                run = run_of(body, node, *(bytes(b in characters for b in range(256)) for characters in (first, rest)))
                n_of = np.searchsorted(run.tokens.ends, np.arange(len(run.tokens.tokens)), side="right").tolist()
                expected = _members(vocabulary, node, first, rest)
                assert set(zip(n_of, run.tokens.tokens.tolist(), strict=True)) == expected
