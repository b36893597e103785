"""Broken, contradictory and hostile schemas: a typed error with its pointer, in time; never a silent drop."""

from __future__ import annotations

import json
from time import perf_counter
from typing import Any

import pytest

import structgen as sg
from structgen.errors import LimitError, RegexSyntaxError, SchemaError, UnsatisfiableError, UnsupportedError


@pytest.mark.parametrize(
    ("schema", "pointer"),
    [
        ({"type": "strin"}, "/type"),
        ({"type": []}, "/type"),
        ({"type": 3}, "/type"),
        ({"type": [{}]}, "/type"),
        ({"properties": {"a": {"type": "strin", "title": "a"}}}, "/properties/a/type"),
        ({"items": {"type": "string", "format": 3}}, "/items/format"),
        ({"anyOf": [{"type": "string"}, {"type": ["string", "string"]}]}, "/anyOf/1/type"),
        ({"properties": {"a": 3, "b": {"type": "integer", "multipleOf": {}}}}, "/properties/b/multipleOf"),
        ({"prefixItems": [{"exclusiveMinimum": "3"}]}, "/prefixItems/0/exclusiveMinimum"),
        ({"properties": {"a": {"minimum": "3"}}}, "/properties/a/minimum"),
        ({"properties": {"a/b": {"maxLength": -1}}}, "/properties/a~1b/maxLength"),
        ({"properties": []}, "/properties"),
        ({"properties": {"a": 3}}, "/properties/a"),
        ({"required": "a"}, "/required"),
        ({"enum": 3}, "/enum"),
        ({"multipleOf": 0}, "/multipleOf"),
        ({"uniqueItems": 1}, "/uniqueItems"),
        ({"allOf": []}, "/allOf"),
        ({"anyOf": {}}, "/anyOf"),
        ({"$ref": "#/$defs/none"}, "/$ref"),
        ({"items": {"$ref": "#none"}}, "/items/$ref"),
        ({"$ref": "http://example.org/other"}, "/$ref"),
        ({"$ref": 3}, "/$ref"),
        ({"dependentRequired": {"a": [1]}}, "/dependentRequired/a"),
        ([], ""),
        (3, ""),
    ],
    ids=lambda value: str(value)[:40],
)
def test_broken_schema(schema: Any, pointer: str) -> None:
    with pytest.raises(SchemaError) as caught:
        sg.json_schema(schema)
    assert caught.value.pointer == pointer


def test_pointer_of_an_embedded_resource_falls_back_to_the_document() -> None:
    schema = {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "definitions": {
            "inner": {
                "id": "inner",
                "definitions": {"own": {"type": "string"}},
                "properties": {
                    "a": {"$ref": "#/definitions/own"},
                    "b": {"$ref": "#/definitions/inner/definitions/own"},
                },
            }
        },
        "$ref": "#/definitions/inner",
    }
    constraint = sg.json_schema(schema)
    assert constraint.accepts('{"a":"x","b":"y"}')
    assert not constraint.accepts('{"a":1}') and not constraint.accepts('{"b":1}')
    with pytest.raises(SchemaError):
        sg.json_schema({**schema, "$schema": "https://json-schema.org/draft/2020-12/schema", "properties": {
            "c": {"$id": "c", "$ref": "#/definitions/inner"}}})  # fmt: skip


def test_text_that_is_no_json() -> None:
    with pytest.raises(SchemaError):
        sg.json_schema('{"type": ')


def test_empty_enum_of_draft_4() -> None:
    with pytest.raises(SchemaError) as caught:
        sg.json_schema({"enum": []}, draft="draft4")
    assert caught.value.pointer == "/enum"


@pytest.mark.parametrize(
    ("source", "kind"), [("(", RegexSyntaxError), (r"(a)\1", UnsupportedError)], ids=["syntax", "back reference"]
)
def test_pattern_that_cannot_be_read(source: str, kind: type[Exception]) -> None:
    with pytest.raises(kind) as caught:
        sg.json_schema({"properties": {"a": {"pattern": source}}})
    assert getattr(caught.value, "pointer", None) == "/properties/a/pattern"


@pytest.mark.parametrize(
    "schema",
    [
        False,
        {"enum": []},
        {"not": {}},
        {"type": "integer", "minimum": 3, "maximum": 2},
        {"type": "integer", "exclusiveMinimum": 1, "exclusiveMaximum": 2},
        {"type": "number", "minimum": 0.5, "maximum": 0.9, "multipleOf": 1},
        {"type": "string", "minLength": 3, "maxLength": 2},
        {"type": "string", "pattern": "^a$", "minLength": 2},
        {"type": "array", "minItems": 2, "maxItems": 1},
        {"type": "array", "items": False, "minItems": 1},
        {"type": "array", "items": {"enum": [1, 2]}, "uniqueItems": True, "minItems": 3},
        {"type": "object", "required": ["a"], "properties": {"a": False}},
        {"type": "object", "required": ["a", "b"], "maxProperties": 1},
        {"type": "object", "propertyNames": {"maxLength": 1}, "required": ["ab"]},
        {"allOf": [{"type": "string"}, {"type": "integer"}]},
        {"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]},
    ],
    ids=str,
)
def test_contradiction(schema: Any) -> None:
    with pytest.raises(UnsatisfiableError) as caught:
        sg.json_schema(schema)
    assert caught.value.pointer is not None


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}},
        {"allOf": [{"$ref": "#"}]},
        {"anyOf": [{"not": {"$ref": "#"}}]},
    ],
    ids=str,
)
def test_reference_cycle_without_a_base(schema: Any) -> None:
    with pytest.raises((SchemaError, UnsatisfiableError)) as caught:
        sg.json_schema(schema)
    assert caught.value.pointer is not None


def test_500_levels() -> None:
    schema: Any = {"type": "integer"}
    value = "7"
    for _ in range(500):
        schema = {"type": "object", "properties": {"a": schema}, "required": ["a"]}
        value = f'{{"a":{value}}}'
    constraint = sg.json_schema(schema)
    assert constraint.accepts(value)
    assert not constraint.accepts(value.replace("7", '"7"'))


def test_absurd_nesting_ends_in_a_typed_error() -> None:
    schema: Any = {}
    for _ in range(20_000):
        schema = {"not": schema}
    with pytest.raises(LimitError):
        sg.json_schema(schema)


def test_unknown_draft_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedError) as caught:
        sg.json_schema({"$schema": "http://json-schema.org/draft-03/schema#"})
    assert caught.value.pointer == "/$schema"


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "schema",
    [
        {"allOf": [{"oneOf": [{"minimum": n}, {"multipleOf": n + 2}]} for n in range(40)], "type": "integer"},
        {"type": "string", "allOf": [{"not": {"pattern": f"a.{{{n}}}b"}} for n in range(24)]},
        {"type": "string", "pattern": "(a|b)*a(a|b){40}$"},
    ],
    ids=["numbers", "negated patterns", "one pattern"],
)
def test_two_to_the_n(schema: Any) -> None:
    """Either it works, or a limit says so; both soon."""
    began = perf_counter()
    try:
        constraint = sg.json_schema(schema)
        for text in ("{}", "3", '"ab"', json.dumps({f"a{n}": 1 for n in range(40)})):
            constraint.accepts(text)
    except LimitError as error:
        assert error.what
    assert perf_counter() - began < 30


def names(letter: str, n: int) -> dict[str, int]:
    return {f"{letter}{i}": 1 for i in range(n)}


HOSTILE: list[tuple[str, Any, list[tuple[Any, bool]]]] = [
    (
        "pairs of required names",
        {"allOf": [{"anyOf": [{"required": [f"a{n}"]}, {"required": [f"b{n}"]}]} for n in range(20)]},
        [(names("a", 20), True), (names("b", 20), True), (names("a", 19), False)],
    ),
    (
        "pairs of properties",
        {
            "allOf": [
                {"anyOf": [{"properties": {f"a{n}": {"minimum": 5}}}, {"properties": {f"b{n}": {"minimum": 5}}}]}
                for n in range(20)
            ]
        },
        [(names("a", 20), True), ({"a0": 1, "b0": 9}, True), ({"a0": 1, "b0": 1}, False)],
    ),
    (
        "chain of conditions",
        {"allOf": [{"if": {"required": [f"a{n}"]}, "then": {"required": [f"a{n + 1}"]}} for n in range(30)]},
        [({}, True), (names("a", 31), True), ({"a3": 1}, False), ({"a30": 1}, True)],
    ),
    (
        "one of 100",
        {
            "oneOf": [
                {"properties": {"k": {"const": n}, "v": {"minimum": n}}, "required": ["k", "v"]} for n in range(100)
            ]
        },
        [({"k": 7, "v": 8}, True), ({"k": 7, "v": 6}, False), ({"v": 6}, False)],
    ),
    (
        "alternatives without end",
        {
            "$defs": {
                f"d{n}": {"oneOf": [{"required": ["x"], "properties": {"x": {"$ref": f"#/$defs/d{n + 1}"}}},
                                    {"required": ["y"], "properties": {"y": {"$ref": f"#/$defs/d{n + 1}"}}}]}
                for n in range(20)
            } | {"d20": {"type": "integer"}},
            "$ref": "#/$defs/d18",
        },
        [({"x": {"y": 1}}, True), ({"x": {"y": "1"}}, False), ({"x": {"y": 1}, "y": {"x": 2}}, False)],
    ),
]  # fmt: skip


@pytest.mark.timeout(60)
@pytest.mark.parametrize(("schema", "cases"), [case[1:] for case in HOSTILE], ids=[case[0] for case in HOSTILE])
def test_two_to_the_n_objects(schema: Any, cases: list[tuple[Any, bool]]) -> None:
    constraint = sg.json_schema({"type": "object", **schema}, property_order="any")
    for document, valid in cases:
        assert constraint.accepts(json.dumps(document)) == valid, document


@pytest.mark.timeout(60)
def test_schema_of_ten_megabytes() -> None:
    schema = {"properties": {f"name_{n}": {"type": "string", "description": "x" * 250} for n in range(36_000)}}
    text = json.dumps(schema)
    assert len(text) > 10_000_000
    constraint = sg.json_schema(text)
    assert constraint.accepts('{"name_7":"a"}') and not constraint.accepts('{"name_7":1}')


@pytest.mark.parametrize("keyword", ["allOf", "anyOf", "items", "not"])
def test_500_levels_of_one_keyword(keyword: str) -> None:
    schema: Any = {"type": "integer"}
    for _ in range(500):
        schema = {keyword: schema if keyword in ("items", "not") else [schema]}
    constraint = sg.json_schema(schema)
    assert constraint.accepts("3")
    assert constraint.accepts('"x"') == (keyword == "items")
