"""Blanks between lexemes: compact, bounded, any, and pretty as ``json.dumps(indent=2)`` writes them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import structgen as sg
from structgen.masks.mask import empty_mask
from tests.masks.test_document_machine import pieces

SCHEMA = {
    "type": "object",
    "properties": {
        "a": {"type": "array", "items": {"type": ["object", "integer", "array"]}},
        "b": {"type": "object"},
        "c": {"enum": ["x", 1, None, 1.5]},
    },
    "required": ["a"],
    "anyOf": [{"maxProperties": 2}, {"required": ["c"]}],
}
VALUES: list[Any] = [
    {"a": []},
    {"a": [1, {"x": []}, [2, [{}]]], "b": {"y": {"z": 1}}, "c": 1.5},
    {"a": [[]], "c": None},
    {"a": [{}], "b": {}},
]
IS_VALID = Draft202012Validator(SCHEMA).is_valid


def is_pretty(text: str) -> bool:
    try:
        value = json.loads(text)
    except ValueError:
        return False
    return json.dumps(value, indent=2, ensure_ascii=False) == text and IS_VALID(value)


@pytest.mark.parametrize("value", VALUES, ids=str)
def test_pretty_is_what_json_dumps_writes(value: Any) -> None:
    constraint = sg.json_schema(SCHEMA, whitespace="pretty", property_order="any")
    text = json.dumps(value, indent=2)
    assert constraint.accepts(text)
    for at in range(len(text)):
        for blank in (" ", "\n"):
            longer = text[:at] + blank + text[at:]
            assert constraint.accepts(longer) == is_pretty(longer), longer
        shorter = text[:at] + text[at + 1 :]
        assert constraint.accepts(shorter) == is_pretty(shorter), shorter


@pytest.mark.parametrize("value", VALUES, ids=str)
def test_pretty_prefixes_end_pretty(value: Any) -> None:
    automaton = sg.json_schema(SCHEMA, whitespace="pretty", property_order="any").automaton
    text = json.dumps(value, indent=2).encode()
    for at in range(len(text) + 1):
        config = automaton.read(automaton.start, text[:at])
        assert config is not None
        whole = text[:at] + automaton.completion(config)
        assert is_pretty(whole.decode()), whole


@pytest.mark.parametrize("whitespace", ["pretty", "compact", "bounded", "any"])
def test_masks_allow_what_can_be_read(whitespace: Any) -> None:
    vocabulary = pieces()
    constraint = sg.json_schema(SCHEMA, whitespace=whitespace, property_order="any").bind(vocabulary)
    indent, separators = (2, None) if whitespace != "compact" else (None, (",", ":"))
    row = empty_mask(vocabulary.n_tokens)
    for value in VALUES:
        matcher = constraint.start()
        for byte in json.dumps(value, indent=indent, separators=separators).encode():
            matcher.fill_mask(row)
            for token in range(256, vocabulary.n_tokens - 1):
                allowed = bool(row[token >> 5] >> (token & 31) & 1)
                assert allowed == matcher.fork().try_advance(token), (matcher.text, vocabulary.token_bytes(token))
            matcher.advance(byte)
        assert matcher.is_accepting


def test_runs_of_blanks() -> None:
    text = '{"a":%s[]}'
    for whitespace, most in [("compact", 0), ("bounded", 24)]:
        constraint = sg.json_schema(SCHEMA, whitespace=whitespace)  # type: ignore[arg-type]
        assert constraint.accepts(text % (" " * most))
        assert not constraint.accepts(text % (" " * (most + 1)))
    assert sg.json_schema(SCHEMA, whitespace="any").accepts(text % (" \n\r\t" * 1000))


def test_unknown_whitespace() -> None:
    with pytest.raises(ValueError, match="whitespace"):
        sg.json_schema({}, whitespace="wide")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("schema", "numbers", "accepted", "refused"),
    [
        ({"type": "number"}, "any", ["10e-1", "1E+2", "-0.5", "12.30"], ["01", "+1", ".5"]),
        ({"type": "number"}, "plain", ["-0.5", "12.30", "100"], ["10e-1", "1E2", "1e2"]),
        ({"type": "number", "minimum": 1}, "any", ["1e2", "1.5e+1", "15"], ["0.5", "15e0"]),
        ({"type": "number", "minimum": 1}, "plain", ["15", "1.50"], ["1e2", "0.5"]),
        ({"anyOf": [{"maximum": 1}, {"multipleOf": 3}], "type": "number"}, "plain", ["0.5", "9"], ["1e0", "2"]),
        ({}, "plain", ["[1.5]", '{"a":0}'], ["[1e5]", '{"a":1E1}']),
    ],
    ids=str,
)
def test_notation_of_numbers(schema: Any, numbers: Any, accepted: list[str], refused: list[str]) -> None:
    constraint = sg.json_schema(schema, numbers=numbers)
    assert all(map(constraint.accepts, accepted))
    assert not any(map(constraint.accepts, refused))
