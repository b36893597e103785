"""Numbers under divisors that stand in alternatives: what satisfies them is found, and accepted as jsonschema does."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from structgen.json_constraint import json_schema
from tests.masks.test_document_machine import pieces

SCHEMAS: list[dict[str, Any]] = [
    {
        "type": "integer",
        "allOf": [
            {"anyOf": [{"multipleOf": 33}, {"multipleOf": 12}, {"multipleOf": 77}]},
            {"anyOf": [{"not": {"anyOf": [{"multipleOf": 6}, {"multipleOf": 7}]}}, {"multipleOf": 44}]},
            {"anyOf": [{"not": {"multipleOf": 11}}, {"multipleOf": 13}]},
            {"not": {"multipleOf": 429}},
            {"exclusiveMaximum": -100000},
        ],
    },
    {"type": "number", "oneOf": [{"multipleOf": 91}, {"multipleOf": 143}], "not": {"multipleOf": 8}},
]


@pytest.mark.parametrize("schema", SCHEMAS, ids=["any of", "one of"])
def test_sparse_numbers_are_found(schema: dict[str, Any]) -> None:
    bound = json_schema(schema).bind(pieces())
    is_valid = Draft202012Validator(schema).is_valid
    assert is_valid(int(bound.start().shortest_completion()))
    for number in [*range(-1002, 1002, 13), -104104, -100100, -100101, -112112]:
        matcher = bound.start()
        accepted = matcher.advance_bytes(str(number).encode()) and matcher.is_accepting
        assert accepted == is_valid(number), number
