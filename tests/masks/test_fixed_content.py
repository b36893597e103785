"""Content of strings by state: states that no token tells apart are found, and masks under them are right."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest

import structgen as sg
from structgen.kernels import document as K
from structgen.masks.string_body import string_body

WORDS = r"^(\S+\s+){0,60}\S+$"


def _vocabulary(*more: bytes) -> sg.Vocabulary:
    tokens = {bytes([b]) for b in range(256)} | {b"ab", b"a b", b" a", b"ab ab a", b'a"', b'b",', b'",', b"abcdefghij"}
    tokens.update(more)
    return sg.Vocabulary.from_bytes([*sorted(tokens), b"</s>"], eos_ids=[len(tokens)])


@pytest.mark.parametrize(
    ("schema", "text", "most_walked"),
    [
        ({"type": "string", "pattern": WORDS}, b"ab cd " * 28 + b"a", 12),
        ({"type": "string", "pattern": WORDS, "maxLength": 200}, b"a b " * 28 + b"a", 16),
        ({"type": "string", "pattern": "^[a-f0-9]{64}$"}, b"0123456789abcdef" * 4, 16),
    ],
)
def test_few_states_of_a_count_are_walked(schema: dict[str, object], text: bytes, most_walked: int) -> None:
    vocabulary = _vocabulary()
    machine = sg.json_schema(schema, property_order="any", whitespace="any").bind(vocabulary).machine
    config = machine.advance_bytes(machine.start(), b'"')
    n_walked = n_states = 0
    for at in range(len(text)):
        before = machine.n_walked
        fast, slow = np.zeros((2, vocabulary.n_words), np.uint32)
        assert machine.strings.fill(config, fast) is not None
        n_states += 1
        n_walked += machine.n_walked != before
        machine.walk(vocabulary.trie, config, slow)
        assert fast.tolist() == slow.tolist(), text[:at]
        config = machine.advance_bytes(config, text[at : at + 1])
    assert config[K.R_MODE] == K.M_CONTENT
    assert n_walked <= most_walked < n_states // 3


def test_names_that_end_before_a_quote_are_told_from_others() -> None:
    schema = {
        "type": "object",
        "patternProperties": {"^[a-z]*$": {"type": "number"}, "": {}},
        "properties": {"xab": {"type": "null"}},
    }
    vocabulary = _vocabulary()
    assert not string_body(vocabulary).has_late_quotes
    machine = sg.json_schema(schema, property_order="any", whitespace="any").bind(vocabulary).machine
    for text in (b'{"', b'{"x', b'{"xa', b'{"xab', b'{"-', b'{"a\xc3'):
        config = machine.advance_bytes(machine.start(), text)
        assert config[K.R_MODE] == K.M_CONTENT
        fast, slow = np.zeros((2, vocabulary.n_words), np.uint32)
        machine.fill_mask(config, fast)
        machine.walk(vocabulary.trie, config, slow)
        assert fast.tolist() == slow.tolist(), text


@pytest.mark.parametrize(
    "names", [("size", "sizes", "a", "b"), ("ab", "abc", "x\\u0061b", "\u00e9t\u00e9"), ("x", "xa", "", "a\\\\")]
)
def test_names_that_have_come_are_taken_from_what_is_known(names: tuple[str, ...]) -> None:
    """Masks where a name begins, and inside it, after more and more names: not walked anew, and right."""
    schema = {
        "type": "object",
        "properties": {json.loads(f'"{name}"'): {"type": "null"} for name in names},
        "patternProperties": {"^_[a-z][^.]*$": {"type": "null"}},
        "additionalProperties": False,
    }
    vocabulary = _vocabulary(
        b"_a", b"siz", b"sizes", b'es":', b"xab", b"ab.", b"_ab.b", b"\\u00", b"\\u0061", b"\\u0061b"
    )
    machine = sg.json_schema(schema, property_order="any", whitespace="any").bind(vocabulary).machine
    text = b"{"
    for name in ("", *names):
        text += f'"{name}":null,'.encode() if name or text != b"{" else b""
        for begun in (b"", b"s", b"siz", b"a", b"x", b"_", b"_a", b"\\", b"\\u", b"\\u00"):
            config = machine.advance_bytes(machine.start(), text + b'"' + begun)
            if config is None:
                continue
            fast, slow = np.zeros((2, vocabulary.n_words), np.uint32)
            machine.fill_mask(config, fast)
            machine.walk(vocabulary.trie, config, slow)
            assert fast.tolist() == slow.tolist(), (text, begun)


def test_states_that_soon_meet_are_walked_as_far_as_they_differ() -> None:
    """Patterns found anywhere, of which one may hold: what is known of one state is corrected for others."""
    schema = {"type": "string", "oneOf": [{"pattern": "customer"}, {"pattern": "maker"}]}
    more = [left + right for left in (b"cu", b"mak", b"st", b"er", b"\\", b"\\u00") for right in (b"t", b"ust", b"6d")]
    vocabulary = _vocabulary(*more, *(bytes(letters) for letters in itertools.product(b"acekmorstu", repeat=4)))
    machine = sg.json_schema(schema, property_order="any", whitespace="any").bind(vocabulary).machine
    walked = []
    text = b"a makecust customermak"
    for at in range(len(text)):
        config = machine.advance_bytes(machine.start(), b'"' + text[:at])
        before = machine.n_walked
        fast, slow = np.zeros((2, vocabulary.n_words), np.uint32)
        assert machine.strings.fill(config, fast) is not None
        walked.append(machine.n_walked - before)
        machine.walk(vocabulary.trie, config, slow)
        assert fast.tolist() == slow.tolist(), text[:at]
    assert walked[0] > 1000
    assert max(walked[1 : text.index(b"customer") + 7]) < walked[0] // 4
