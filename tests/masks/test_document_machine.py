"""Masks of the JSON machine against every token tried one by one, along valid documents."""

from __future__ import annotations

import json
import random
from functools import cache
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from structgen.automata.document.automaton import DocumentAutomaton
from structgen.frontends.jsonschema.build import SchemaSource
from structgen.masks.document_machine import DocumentMachine
from structgen.masks.mask import empty_mask
from structgen.vocab import Vocabulary

_WORDS = (
    b'{" {"a": "a":" ":" ", "," "}," "}] }] }} ]] [[ [{ {} [] [" "] ", " ", " : , \n  true tru e} false null 10 1.5 .0 '
    b'-1 e+ 0, 1] 2} ab aab \\" \\u \\n u00 name id ame i" 01'
)
_BLANKS = [b": ", b", ", b'": "', b'", "', b"\n  ", b"  ", b" }", b"a b"]


@cache
def pieces() -> Vocabulary:
    """Every byte, and tokens that straddle lexemes, strings, escapes and characters."""
    tokens = [*(bytes([b]) for b in range(256)), *_WORDS.split(), *_BLANKS, "é".encode(), "é".encode()[:1]]
    return Vocabulary.from_bytes([*tokens, b"</s>"], eos_ids=[len(tokens)])


CASES: list[tuple[str, Any, list[Any]]] = [
    ("anything", True, [{"a": [1, "x", None]}, "é\n", -1.5]),
    ("string", {"type": "string"}, ["", "ab é", 'q"\\']),
    ("length", {"type": "string", "minLength": 2, "maxLength": 4}, ["ab", "abéa"]),
    (
        "length or not",
        {"anyOf": [{"minLength": 2, "maxLength": 3}, {"maxLength": 0}, {"type": "null"}]},
        ["", "abé", None],
    ),
    ("lengths apart", {"not": {"minLength": 1, "maxLength": 40}, "maxLength": 41}, ["", "ab" * 20 + "é"]),
    ("pattern", {"type": "string", "pattern": "^a+(b|é)$"}, ["aab", "aé"]),
    ("enum", {"enum": ["a", "ab", "name", 1, 1.5, None, [1], {"a": "b"}]}, ["ab", 1, 1.5, [1], {"a": "b"}]),
    ("integer", {"type": "integer", "minimum": -1, "maximum": 120}, [-1, 10, 101]),
    ("number", {"type": "number", "exclusiveMinimum": 0, "multipleOf": 0.5}, [1.5, 10]),
    ("items", {"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 3}, [[1], [1, 10, 2]]),
    ("prefix", {"prefixItems": [{"type": "string"}, {"type": "null"}], "items": False}, [[], ["a", None]]),
    ("contains", {"type": "array", "contains": {"const": "a"}, "maxContains": 1}, [["a"], [1, "a", [2]]]),
    ("unique", {"type": "array", "items": {"enum": [1, 10, "a"]}, "uniqueItems": True}, [[], [1, 10, "a"]]),
    (
        "unique strings",
        {"type": "array", "items": {"enum": ["a", "ab", "name", "e"]}, "uniqueItems": True},
        [["a", "ab", "name"], ["name", "e", "ab", "a"]],
    ),
    (
        "object",
        {
            "type": "object",
            "properties": {"name": {"type": "string"}, "id": {"type": "integer"}},
            "required": ["name"],
            "additionalProperties": False,
        },
        [{"name": "a"}, {"id": 10, "name": "ab"}],
    ),
    ("open object", {"type": "object", "properties": {"a": {"type": "null"}}}, [{}, {"a": None, "ab": [1]}]),
    (
        "pattern properties",
        {"type": "object", "patternProperties": {"^a": {"type": "integer"}}, "additionalProperties": {"type": "null"}},
        [{"a": 1, "b": None, "ab": 10}],
    ),
    ("property names", {"propertyNames": {"maxLength": 2}, "type": "object", "minProperties": 1}, [{"a": 1, "id": 2}]),
    ("dependent", {"type": "object", "dependentRequired": {"a": ["id"]}, "maxProperties": 2}, [{"a": 1, "id": 0}]),
    ("any of", {"anyOf": [{"type": "integer"}, {"type": "array", "items": {"type": "boolean"}}]}, [10, [True, False]]),
    ("one of", {"oneOf": [{"minimum": 5, "type": "number"}, {"type": "integer"}]}, [1, 5.5]),
    ("not", {"not": {"type": ["array", "object"]}}, ["a", 1.5, None]),
    (
        "if",
        {
            "type": "object",
            "properties": {"id": {"enum": [1, 10]}},
            "required": ["id"],
            "if": {"properties": {"id": {"const": 1}}},
            "then": {"required": ["name"]},
        },
        [{"id": 10}, {"id": 1, "name": "a"}],
    ),
    ("recursive", {"type": "object", "properties": {"a": {"$ref": "#"}}, "additionalProperties": False}, [{"a": {}}]),
    ("date", {"type": "string", "format": "date"}, ["2024-02-29"]),
]


def tokens_of(data: bytes, source: random.Random) -> list[int]:
    """A random split into the vocabulary's tokens."""
    vocabulary = pieces()
    found, at = [], 0
    while at < len(data):
        fits = [t for t in range(vocabulary.n_tokens - 1) if data.startswith(vocabulary.token_bytes(t), at)]
        found.append(source.choice(fits))
        at += len(vocabulary.token_bytes(found[-1]))
    return found


def tried(machine: DocumentMachine, config: Any) -> set[int]:
    """Tokens allowed, found out by trying each; the end of sequence where the document is complete."""
    end = pieces().n_tokens - 1
    allowed = {t for t in range(end) if machine.advance(config, t) is not None}
    return allowed | {end} if machine.is_accepting(config) else allowed


def masked(machine: DocumentMachine, config: Any) -> set[int]:
    row = empty_mask(pieces().n_tokens)
    machine.fill_mask(config, row)
    return {t for t in range(pieces().n_tokens) if int(row[t >> 5]) >> (t & 31) & 1}


NAMED = {"open object", "dependent", "if"}
"""Declared names beside free ones: masks of these are not compared here yet."""
MASKED = [case for case in CASES if case[0] not in NAMED]


@pytest.mark.parametrize("whitespace", ["compact", pytest.param("bounded", marks=pytest.mark.slow)])
@pytest.mark.parametrize(("schema", "values"), [case[1:] for case in MASKED], ids=[case[0] for case in MASKED])
def test_mask_equals_every_token_tried(schema: Any, values: list[Any], whitespace: str) -> None:
    automaton = DocumentAutomaton(SchemaSource(schema), whitespace=whitespace)
    machine = DocumentMachine(automaton, pieces())
    fresh = DocumentMachine(DocumentAutomaton(SchemaSource(schema), whitespace=whitespace), pieces())
    source = random.Random(0)
    for value in values:
        assert Draft202012Validator(schema).is_valid(value)
        separators = (",", ":") if whitespace == "compact" else (", ", ": ")
        data = json.dumps(value, ensure_ascii=source.random() < 0.5, separators=separators).encode()
        config: Any = machine.start()
        other: Any = fresh.start()
        for token in [*tokens_of(data, source), None]:
            allowed = tried(machine, config)
            assert masked(machine, config) == allowed, config
            assert masked(fresh, other) == allowed  # no step was tried before: masks fill the tables themselves
            if token is not None:
                assert token in allowed
                config, other = machine.advance(config, token), fresh.advance(other, token)
        assert machine.is_accepting(config)
