"""Subschemas that nothing satisfies, and their smallest causes."""

from __future__ import annotations

import copy
import itertools
import json
from typing import Any

import pytest

from structgen.errors import UnsatisfiableError
from structgen.json_constraint import json_schema
from structgen.report.checker import check
from structgen.report.conflicts import _is_unsatisfiable, _question, conflicts
from structgen.report.references import subschemas

X = {"type": "string", "minLength": 5, "maxLength": 2}
CASES: list[tuple[Any, list[tuple[str, set[str]]]]] = [
    ({"properties": {"a": {"type": "integer", "minimum": 5, "maximum": 3, "title": "x"}}},
     [("/properties/a", {"type", "minimum", "maximum"})]),
    ({"$defs": {"x": X}, "properties": {"b": {"$ref": "#/$defs/x"}}},
     [("/$defs/x", {"type", "minLength", "maxLength"})]),
    ({"items": {"allOf": [{"type": "string"}, {"type": "integer"}], "description": "d"}}, [("/items", {"allOf"})]),
    ({"type": "object", "required": ["a"], "properties": {"a": {"enum": []}}}, [("/properties/a", {"enum"})]),
    ({"not": {}}, [("", {"not"})]),
    ({"$schema": "http://json-schema.org/draft-07/schema#", "$id": "http://x/y",
      "definitions": {"a b": {"const": 1, "type": "string"}}, "properties": {"q": {"$ref": "#/definitions/a%20b"}}},
     [("/definitions/a b", {"const", "type"})]),
    ({"properties": {"a/b": {"const": 1, "enum": [2]}}}, [("/properties/a~1b", {"const", "enum"})]),
    ({"type": "object", "additionalProperties": False, "properties": {"a": {"type": "null"}}}, []),
    ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, []),
    (True, []),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "expected"), CASES, ids=[json.dumps(schema)[:40] for schema, _ in CASES])
def test_the_innermost_and_its_smallest_cause(schema: Any, expected: list[tuple[str, set[str]]]) -> None:
    before = json.dumps(schema)
    assert [(pointer, set(keywords)) for pointer, keywords in conflicts(schema).found] == expected
    assert json.dumps(schema) == before


def satisfiable(schema: Any) -> bool:
    try:
        json_schema(schema)
    except UnsatisfiableError:
        return False
    return True


def test_a_cause_is_one_and_has_no_smaller_one_within() -> None:
    schema = {
        "type": ["integer", "string"],
        "minimum": 4,
        "maximum": 9,
        "multipleOf": 20,
        "maxLength": 3,
        "minLength": 4,
    }
    ((pointer, keywords),) = conflicts(schema).found
    assert pointer == "" and not satisfiable({key: schema[key] for key in keywords})
    for fewer in itertools.combinations(keywords, len(keywords) - 1):
        assert satisfiable({key: schema[key] for key in fewer})


def test_time_is_limited_and_what_is_left_is_counted() -> None:
    assert conflicts({"properties": {str(i): X for i in range(50)}}, seconds=0.0) == ([], 51)


def test_large_documents_are_looked_at_as_a_whole() -> None:
    part = {"type": "object", "properties": {str(i): {"type": "string", "minLength": i} for i in range(20)}}
    schema = {"properties": {f"p{i}": copy.deepcopy(part) for i in range(60)}}
    schema["properties"]["p7"]["properties"]["x"] = X
    schema["properties"]["p8"]["additionalProperties"] = {"enum": []}
    found, n_left = conflicts(schema, seconds=60)
    assert n_left == 0
    assert {pointer for pointer, _ in found} == {"/properties/p7/properties/x", "/properties/p8/additionalProperties"}


def test_one_broken_part_does_not_hide_the_others() -> None:
    schema = {"properties": {"a": X, "b": {"pattern": "("}}}
    assert [pointer for pointer, _ in conflicts(schema).found] == ["/properties/a"]


def test_check_warns_at_the_place() -> None:
    report = check('{"properties": {\n "a": {"type": "integer", "minimum": 5, "maximum": 3}}}')
    (finding,) = [finding for finding in report.findings if finding.rule == "SG203"]
    assert (finding.pointer, finding.line, finding.severity) == ("/properties/a", 2, "warning")
    assert "minimum and maximum together" in finding.message


def test_one_automaton_for_all_answers_what_each_alone_does() -> None:
    for schema, _ in CASES:
        pointers = [pointer for pointer, _ in subschemas(schema)]
        is_unsatisfiable = _question(schema, pointers)
        for pointer in pointers:
            assert is_unsatisfiable(pointer) == _is_unsatisfiable(schema, pointer), (schema, pointer)
