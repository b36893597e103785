"""What is read off a formula at a glance equals what the reducer says of it, type by type."""

from __future__ import annotations

from typing import Any

import pytest

from structgen.automata.document.asserted import asserted, must_parts
from structgen.automata.document.automaton import DocumentAutomaton
from structgen.automata.document.formulas import Reducer
from structgen.errors import SchemaError
from structgen.frontends.jsonschema.build import SchemaSource
from structgen.ir.document import JSON_TYPES, TypeIs
from structgen.ir.formulas import FALSE, TRUE, Not, conjunction

TOLD: list[dict[str, Any]] = [
    {},
    {"type": "string"},
    {"type": ["null", "integer"], "minimum": 3},
    {"minLength": 2, "required": ["a"], "maxItems": 3},
    {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False},
    {"enum": ["a", "b", 3, None, True]},
    {"enum": ["a", "b", 3], "type": ["string", "null"], "pattern": "^a"},
    {"const": False},
    {"allOf": [{"$ref": "#/definitions/a"}, {"minLength": 2}], "definitions": {"a": {"type": ["string", "null"]}}},
    {"allOf": [{"$ref": "#/definitions/a"}, {"required": ["a"]}], "definitions": {"a": {"allOf": [{"minLength": 3}]}}},
    {"allOf": [{"$ref": "#/definitions/a"}, {"type": "null"}], "definitions": {"a": False}},
    {"anyOf": [{"enum": ["a"]}, True]},
    {"type": "string", "enum": [1, 2]},
    {"$ref": "#/definitions/a", "definitions": {"a": {"type": "array", "items": {"type": "null"}}}},
]
LEFT: list[dict[str, Any]] = [
    {"anyOf": [{"type": "string"}, {"type": "integer"}]},
    {
        "oneOf": [{"type": "object", "required": ["a"]}, {"$ref": "#/definitions/a"}],
        "definitions": {"a": {"enum": [2]}},
    },
    {"type": "object", "anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
    {"enum": [[1], {"a": 1}, "b"], "maxProperties": 2},
    {"not": {"type": "string"}},
    {
        "allOf": [{"$ref": "#/definitions/a"}, {"$ref": "#/definitions/b"}],
        "definitions": {"a": {"$ref": "#/definitions/b"}, "b": {"minLength": 3}},
    },
    {"anyOf": [{"enum": ["a"]}, {"type": "null"}], "minLength": 1},
]


@pytest.mark.parametrize("schema", [*TOLD, *LEFT])
def test_what_is_told_is_what_the_reducer_says(schema: dict[str, Any]) -> None:
    source = SchemaSource({"$schema": "http://json-schema.org/draft-07/schema#", **schema})
    reduce = Reducer(source.resolve)
    found = asserted(source.root, reduce)
    assert all(found.of(kind) is not None for kind in found.types) == (schema in TOLD)
    for kind in JSON_TYPES:
        form = reduce(source.root, kind)
        if kind not in found.types:
            assert form is FALSE
        elif found.of(kind) is not None:
            assert form is conjunction(found.of(kind) or [])


@pytest.mark.parametrize(
    ("schema", "types"),
    [
        ({"type": "object", "anyOf": [{"type": ["object", "string"]}, {"enum": [3]}]}, {"object"}),
        ({"oneOf": [{"enum": ["a", None]}, {"type": "boolean"}]}, {"string", "null", "true", "false"}),
        ({"allOf": [{"type": ["string", "null"]}, {"type": ["string", "number"]}]}, {"string"}),
    ],
)
def test_types_that_no_alternative_names_are_ruled_out(schema: dict[str, Any], types: set[str]) -> None:
    source = SchemaSource(schema)
    assert asserted(source.root, Reducer(source.resolve)).types == types


def test_references_that_lead_back_are_refused() -> None:
    source = SchemaSource({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}})
    with pytest.raises(SchemaError):
        asserted(source.root, Reducer(source.resolve))
    with pytest.raises(SchemaError):
        DocumentAutomaton(SchemaSource({"allOf": [{"$ref": "#"}, {"minLength": 3}]}))


def test_only_conjunctions_of_assertions_have_parts() -> None:
    left, right = (SchemaSource({"minLength": n}).root for n in (1, 2))
    assert must_parts(TRUE) == []
    assert must_parts(left) == [left]
    assert must_parts(conjunction([left, right])) == [left, right]
    assert must_parts(conjunction([left, Not(right)])) is None
    assert must_parts(TypeIs(frozenset(["null"]))) is None
