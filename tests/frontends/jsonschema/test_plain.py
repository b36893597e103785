"""What is satisfiable at a glance has instances; what has none is never taken for plain."""

from __future__ import annotations

from typing import Any

import pytest

from structgen.errors import UnsatisfiableError
from structgen.frontends.jsonschema.build import SchemaSource
from structgen.frontends.jsonschema.plain import is_plainly_satisfiable
from structgen.json_constraint import json_schema
from tests.masks.test_document_machine import pieces

PLAIN: list[dict[str, Any]] = [
    {"type": "string", "pattern": "^(?:\\S+\\s+){0,99}\\S+$", "minLength": 1},
    {"type": "array", "minItems": 2, "items": {"pattern": "^a{3}$", "maxLength": 3, "type": "string"}},
    {"type": "object", "required": ["a"], "properties": {"a": {"minimum": 3}}},
]
EMPTY: list[dict[str, Any]] = [
    {"type": "string", "pattern": "$a"},
    {"type": "string", "pattern": "[^\\s\\S]"},
    {"type": "string", "pattern": "^a{3}$", "maxLength": 2},
    {"type": "array", "minItems": 1, "items": {"type": "string", "pattern": "(?!)"}},
    {"type": "object", "required": ["a"], "properties": {"a": {"type": "string", "pattern": "b^"}}},
]


def _is_plain(schema: dict[str, Any]) -> bool:
    source = SchemaSource(schema)
    return is_plainly_satisfiable(source.resources, source.resources.start())


@pytest.mark.parametrize("schema", PLAIN, ids=str)
def test_plain_schemas(schema: dict[str, Any]) -> None:
    assert _is_plain(schema)
    json_schema(schema)


@pytest.mark.parametrize("schema", EMPTY, ids=str)
def test_schemas_without_instances_are_not_plain(schema: dict[str, Any]) -> None:
    assert not _is_plain(schema)
    with pytest.raises(UnsatisfiableError):
        json_schema(schema)


@pytest.mark.parametrize("schema", EMPTY, ids=str)
def test_a_name_without_values_is_not_begun(schema: dict[str, Any]) -> None:
    whole = {"type": "object", "properties": {"a": schema}, "additionalProperties": False}
    matcher = json_schema(whole).bind(pieces()).start()
    assert not matcher.advance_bytes(b'{"')
    assert matcher.advance_bytes(b"{}")
