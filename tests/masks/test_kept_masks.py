"""Masks where names, strings or numbers are judged: exactly the tokens that can be read."""

from __future__ import annotations

from typing import Any

import pytest

import structgen as sg
from structgen.masks.mask import empty_mask, to_bool

TOKENS = [
    *(bytes([b]) for b in b'{}[]":,.-\\/0123456789abcdefghijklmnopqrstuvwxyz()*+?<>='),
    *(b"xn--", b"n--", b"--", b'a"', b'":', b'",', b'","', b'"a":', b'{"a":', b'{"a":1,"a', b'":1,"', b'b":', b"null"),
    *(b".com", b'.com"', b"ab.cd", b"a-z", b"z-a", b"-a]", b'-a]"', b"{3,2", b'{3,2}"', b"]", b'])"', b"\\u00", b"61"),
    *(
        "é".encode(),
        "·".encode(),
        "l·l".encode(),
        "Aé".encode(),
        "א".encode(),
        b"\xd7",
        b"\x90",
        b"\\\\",
        b'\\"',
        b"\\\\p{",
    ),
    *(b'":1,"":2,"":3', b'":1,"a":1,"a":', b',"b":1,"b":', b'":1,"ab":', b'":1,"b":1,"c"', b',"c":1,"d":1'),
    *(b"11", b"111", b"1.1", b"30011", b"60022]", b"0]", b"00", b"11,"),
    b"</s>",
]
CASES: list[tuple[Any, list[str]]] = [
    (
        {"type": "object", "minProperties": 2},
        ['{"a":1,', '{"a":1,"', '{"a":1,"a', '{"ab":1,"a', '{"a":1,"\\u006', '{"a":[', '{"', '{"a', '{"a":1'],
    ),
    (
        {
            "oneOf": [
                {"patternProperties": {"^a": {"type": "integer"}}, "additionalProperties": {"type": "null"}},
                {"minProperties": 1},
            ],
            "type": "object",
        },
        ["{", '{"', '{"b', '{"a', '{"b":1,"', '{"b":1', '{"ab":1,"a'],
    ),
    (
        {"type": "object", "propertyNames": {"pattern": "^(foo|fob|a)$"}, "minProperties": 2},
        ['{"foo":1,"', '{"foo":1,"fo', '{"a":1,'],
    ),
    (
        {"oneOf": [{"additionalProperties": {"type": "null"}}, {"minProperties": 1}], "type": "object"},
        ["{", '{"a":1', '{"a":1,"', '{"a":null,"b'],
    ),
    ({"type": "string", "format": "hostname"}, ['"', '"x', '"xn', '"xn--', '"xn--ab', '"xn--nxasmq6b', '"a.xn--abc']),
    ({"type": "string", "format": "idn-hostname"}, ['"', '"A', '"é', '"l', '"l·', '"א', '"xn--', '"e']),
    ({"type": "string", "format": "regex"}, ['"', '"[z', '"[a-', '"a{3', '"(?<n>a)', '"\\\\', '"\\\\p{']),
    ({"items": {"format": "hostname"}, "uniqueItems": True}, ["[", '["a","', '["a","xn--ab']),
    (
        {"type": "object", "propertyNames": {"format": "hostname"}},
        ["{", '{"', '{"a', '{"xn--a', '{"xn--nxasmq6b', '{"\\', '{"\\u006', '{"a":', '{"a":1,', '{"a":1,"x'],
    ),
    (
        {"type": "object", "propertyNames": {"format": "hostname", "maxLength": 9}, "minProperties": 2},
        ['{"a":1,"', '{"xn--tda":1,"xn--td', '{"xn--tda":1,"xn--'],
    ),
    (
        {"type": "object", "propertyNames": {"anyOf": [{"format": "regex"}, {"const": "[z"}]}, "maxProperties": 2},
        ['{"[', '{"[z', '{"[z-', '{"a', '{"a":1,"[z'],
    ),
    (
        {"type": "object", "oneOf": [{"propertyNames": {"format": "hostname"}}, {"minProperties": 2}]},
        ["{", '{"xn--a', '{"xn--a":1', '{"a":1', '{"a":1,"xn--'],
    ),
    (
        {"anyOf": [{"format": "hostname", "pattern": "^x"}, {"type": "integer"}], "type": ["string", "integer"]},
        ['"xn--a'],
    ),
    ({"multipleOf": 0.123456789, "minimum": 1, "maximum": 2, "type": "number"}, ["", "1", "1.", "1.1", "1.111111101"]),
    ({"type": "array", "items": {"multipleOf": 30011}, "uniqueItems": True}, ["[", "[3", "[30011", "[30011,", "[-"]),
]


@pytest.mark.parametrize(("schema", "prefixes"), CASES, ids=lambda value: str(value)[:40])
def test_masks_are_what_can_be_read(schema: Any, prefixes: list[str]) -> None:
    vocabulary = sg.Vocabulary.from_bytes(TOKENS, eos_ids=[len(TOKENS) - 1])
    bound = sg.json_schema(schema).bind(vocabulary)
    row = empty_mask(vocabulary.n_tokens)
    for prefix in prefixes:
        matcher = bound.start()
        assert matcher.advance_bytes(prefix.encode()), prefix
        matcher.fill_mask(row)
        allowed = to_bool(row, vocabulary.n_tokens)
        for token in range(vocabulary.n_tokens):
            fork = matcher.fork()
            assert fork.try_advance(token) == allowed[token], (prefix, TOKENS[token])
        fork = matcher.fork()
        assert fork.advance_bytes(fork.shortest_completion()) or fork.is_accepting
        assert fork.is_accepting, prefix
