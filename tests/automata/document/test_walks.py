"""Random walks: uniform over the allowed tokens within a budget, every walk ends, and in a valid document."""

from __future__ import annotations

import json
import random
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator

import structgen as sg
from structgen.masks.mask import allowed_ids, empty_mask
from tests.automata.document.test_oracle import Schemas
from tests.masks.test_document_machine import pieces


def call(name: str, *arguments: str) -> dict[str, Any]:
    inner = {
        "type": "object",
        "properties": {argument: {"type": ["string", "integer"]} for argument in arguments},
        "required": list(arguments),
        "additionalProperties": False,
    }
    return {"type": "object", "properties": {name: inner}, "required": [name], "additionalProperties": False}


CASES: dict[str, Any] = {
    "calls": {
        "anyOf": [call("id", "name", "a", "ab"), call("name", "id"), call("a", "ab", "e", "true", "f", "g", "h")]
    },
    "required after optional": {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "name": {"type": "string"}, "id": {"type": "integer"}},
        "required": ["name", "id"],
    },
    "contains": {
        "type": "array",
        "contains": {"const": "name"},
        "maxContains": 1,
        "items": {"type": ["string", "number"]},
    },
    "unique": {"type": "array", "items": {"enum": ["a", "ab", "name", 1]}, "uniqueItems": True, "minItems": 2},
    "conditions": {
        "type": "object",
        "properties": {"a": {"type": "boolean"}},
        "required": ["a"],
        "if": {"properties": {"a": {"const": True}}},
        "then": {"required": ["name"], "properties": {"name": {"pattern": "^(ab)+$"}}},
        "else": {"maxProperties": 1},
    },
    "recursive": {
        "$ref": "#/$defs/tree",
        "$defs": {
            "tree": {
                "type": "object",
                "properties": {"a": {"$ref": "#/$defs/tree"}, "id": {"type": "integer"}},
                "oneOf": [{"required": ["a"]}, {"required": ["id"]}],
                "additionalProperties": False,
            }
        },
    },
    "unevaluated": {
        "type": "object",
        "anyOf": [
            {"properties": {"a": {"type": "integer"}}, "required": ["a"]},
            {"properties": {"id": {"type": "null"}}},
        ],
        "unevaluatedProperties": False,
    },
}
CASES |= {f"random {seed}": Schemas(seed).schema(3) for seed in range(100, 130)}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("order", ["declared", "any"])
@pytest.mark.parametrize("name", CASES)
def test_walks_end_in_valid_documents(name: str, order: Any) -> None:
    vocabulary = pieces()
    end = vocabulary.eos_ids[0]
    is_valid = Draft202012Validator(CASES[name]).is_valid
    try:
        constraint = sg.json_schema(CASES[name], property_order=order).bind(vocabulary)
    except sg.UnsatisfiableError:
        return
    row = empty_mask(vocabulary.n_tokens)
    for seed in range(8):
        choose = random.Random(f"{name} {seed}")
        matcher = constraint.start()
        budget = len(matcher.shortest_completion_tokens()) + choose.choice([0, 3, 20, 60])
        for left in range(budget, 0, -1):
            matcher.fill_mask(row, left)
            tokens = allowed_ids(row, vocabulary.n_tokens)
            assert len(tokens), matcher.text
            token = int(choose.choice(np.asarray(tokens).tolist()))
            matcher.advance(token)
            if token == end:
                break
        assert matcher.is_finished, matcher.text
        text = vocabulary.decode([t for t in matcher.token_ids if t != end]).decode()
        value = json.loads(text, object_pairs_hook=lambda pairs: dict(pairs))
        assert is_valid(value), text
