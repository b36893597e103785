"""What is said of other engines, against those engines where they are installed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from structgen.report.targets import TARGETS, complaints

INTEGER, TEXT = {"type": "integer"}, {"type": "string"}
AB = {"type": "object", "properties": {"a": INTEGER, "b": INTEGER}}
DRAFT7 = {"$schema": "http://json-schema.org/draft-07/schema#"}

# A schema with the keyword, and a document that only the keyword forbids.
PROBES: dict[str, tuple[dict[str, Any], Any]] = {
    "minLength": ({"type": "string", "minLength": 2}, "a"),
    "maxLength": ({"type": "string", "maxLength": 2}, "abc"),
    "pattern": ({"type": "string", "pattern": "^a+$"}, "b"),
    "minimum": ({"type": "integer", "minimum": 3}, 2),
    "maximum": ({"type": "integer", "maximum": 3}, 4),
    "exclusiveMinimum": ({"type": "integer", "exclusiveMinimum": 3}, 3),
    "exclusiveMaximum": ({"type": "integer", "exclusiveMaximum": 3}, 3),
    "multipleOf": ({"type": "integer", "multipleOf": 3}, 4),
    "minItems": ({"type": "array", "items": INTEGER, "minItems": 2}, [1]),
    "maxItems": ({"type": "array", "items": INTEGER, "maxItems": 1}, [1, 2]),
    "uniqueItems": ({"type": "array", "items": INTEGER, "uniqueItems": True}, [1, 1]),
    "contains": ({"type": "array", "contains": {"const": 1}}, [2]),
    "minContains": ({"type": "array", "contains": {"const": 1}, "minContains": 2}, [1, 2]),
    "maxContains": ({"type": "array", "contains": {"const": 1}, "maxContains": 1}, [1, 1]),
    "prefixItems": ({"type": "array", "prefixItems": [INTEGER, TEXT], "items": False}, ["a", 1]),
    "items": ({"type": "array", "items": INTEGER}, ["a"]),
    "items as a list": ({**DRAFT7, "type": "array", "items": [INTEGER], "additionalItems": False}, [1, 2]),
    "unevaluatedItems": ({"type": "array", "prefixItems": [INTEGER], "unevaluatedItems": False}, [1, 2]),
    "properties": ({"type": "object", "properties": {"a": INTEGER}}, {"a": "x"}),
    "required": ({**AB, "required": ["a"]}, {}),
    "additionalProperties": ({**AB, "additionalProperties": False}, {"c": 1}),
    "patternProperties": (
        {"type": "object", "patternProperties": {"^x": INTEGER}, "additionalProperties": False},
        {"xa": "s"},
    ),
    "propertyNames": ({"type": "object", "propertyNames": {"pattern": "^x"}}, {"a": 1}),
    "minProperties": ({"type": "object", "additionalProperties": INTEGER, "minProperties": 2}, {"a": 1}),
    "maxProperties": ({"type": "object", "additionalProperties": INTEGER, "maxProperties": 1}, {"a": 1, "b": 2}),
    "dependentRequired": ({**AB, "dependentRequired": {"a": ["b"]}}, {"a": 1}),
    "dependentSchemas": ({**AB, "dependentSchemas": {"a": {"required": ["b"]}}}, {"a": 1}),
    "dependencies": ({**DRAFT7, **AB, "dependencies": {"a": ["b"]}}, {"a": 1}),
    "unevaluatedProperties": ({**AB, "unevaluatedProperties": False}, {"c": 1}),
    "enum": ({"enum": [1, "a"]}, 2),
    "const": ({"const": 1}, 2),
    "allOf": ({"allOf": [{"type": "integer", "minimum": 3}, {"maximum": 5}]}, 9),
    "anyOf": ({"anyOf": [INTEGER, TEXT]}, True),
    "oneOf": ({"oneOf": [{"type": "integer", "minimum": 3}, {"type": "integer", "maximum": 5}]}, 4),
    "not": ({"type": "integer", "not": {"const": 3}}, 3),
    "if": ({**AB, "if": {"required": ["a"]}, "then": {"required": ["b"]}}, {"a": 1}),
    "$ref": ({"$ref": "#/$defs/x", "$defs": {"x": INTEGER}}, "a"),
    "beside $ref": ({"$ref": "#/$defs/x", "$defs": {"x": INTEGER}, "maximum": 3}, 4),
    "beside anyOf": ({"type": "integer", "maximum": 3, "anyOf": [{"minimum": 1}, {"minimum": 2}]}, 4),
    "$dynamicRef": ({"$defs": {"n": {"$dynamicAnchor": "n", "type": "integer"}}, "$dynamicRef": "#n"}, "a"),
    **{
        f"format {name}": ({"type": "string", "format": name}, wrong)
        for name, wrong in {
            "date-time": "x",
            "date": "x",
            "time": "x",
            "duration": "x",
            "email": "x",
            "idn-email": "x",
            "hostname": "-",
            "ipv4": "x",
            "ipv6": "x",
            "uri": "x y",
            "uri-reference": "\\",
            "iri": "x y",
            "uuid": "x",
            "json-pointer": "x",
            "relative-json-pointer": "x",
            "regex": "(",
            "uri-template": "{",
        }.items()
    },
}


def said(schema: Any, target: str) -> str:
    """The gravest word on a schema."""
    verdicts = {complaint.verdict for complaint in complaints(schema, target)}
    return "refuses" if "refuses" in verdicts else "ignores" if verdicts else "keeps"


def llguidance_does(schema: Any, document: bytes) -> str:
    llguidance = pytest.importorskip("llguidance")
    try:
        grammar = llguidance.LLMatcher.grammar_from_json_schema(schema)
        matcher = llguidance.LLMatcher(llguidance.LLTokenizer("byte"), grammar)
    except ValueError:
        return "refuses"
    if matcher.is_error():
        return "refuses"
    taken = all(matcher.consume_token(byte) is not False and not matcher.is_error() for byte in document)
    return "ignores" if taken and matcher.is_accepting() else "keeps"


def xgrammar_does(schema: Any, document: bytes) -> str:
    xgrammar = pytest.importorskip("xgrammar")
    vocabulary = [*(bytes([i]) for i in range(256)), b"</s>"]
    information = xgrammar.TokenizerInfo(vocabulary, xgrammar.VocabType.RAW, stop_token_ids=[256])
    try:
        compiler = xgrammar.GrammarCompiler(information, max_threads=1)
        compiled = compiler.compile_json_schema(json.dumps(schema), any_whitespace=True, strict_mode=False)
    except RuntimeError:
        return "refuses"
    matcher = xgrammar.GrammarMatcher(compiled)
    taken = all(matcher.accept_token(byte) for byte in document)
    return "ignores" if taken and matcher.accept_token(256) else "keeps"


@pytest.mark.parametrize("name", PROBES)
def test_llguidance_does_what_is_said_of_it(name: str) -> None:
    schema, document = PROBES[name]
    assert llguidance_does(schema, json.dumps(document, separators=(",", ":")).encode()) == said(schema, "llguidance")


@pytest.mark.slow
@pytest.mark.parametrize("name", PROBES)
def test_xgrammar_does_what_is_said_of_it(name: str) -> None:
    schema, document = PROBES[name]
    assert xgrammar_does(schema, json.dumps(document, separators=(",", ":")).encode()) == said(schema, "xgrammar")


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string", "not": {"const": "a"}}, {("/not", "ignores")}),
        ({"type": "integer", "multipleOf": 2, "not": {"const": 4}}, {("/not", "refuses")}),
    ],
    ids=["xgrammar", "llguidance"],
)
def test_vllm_chooses_its_engine_by_the_schema(schema: Any, expected: set[tuple[str, str]]) -> None:
    assert {(c.pointer, c.verdict) for c in complaints(schema, "vllm")} == expected


STRICT = {
    "type": "object",
    "properties": {"a": {"type": ["string", "null"]}, "b": {"$ref": "#/$defs/x"}},
    "required": ["a", "b"],
    "additionalProperties": False,
    "$defs": {"x": {"anyOf": [INTEGER, TEXT]}},
}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"required": ["a"]}, [("", "required")]),
        ({"additionalProperties": True}, [("", "additionalProperties")]),
        ({"anyOf": [{}]}, [("", "type")]),
        ({"allOf": [{}]}, [("/allOf", "allOf")]),
        ({"$defs": {"x": {"enum": list(range(1001))}}}, [("", "enum")]),
        ({"$defs": {"x": {"type": "string", "format": "uri"}}}, [("/$defs/x/format", "format")]),
    ],
    ids=str,
)
def test_openai_wants_strict_objects(changes: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    found = complaints(STRICT | changes, "openai")
    assert [(c.pointer, c.keyword) for c in found] == expected


def test_every_target_takes_every_schema() -> None:
    for target in TARGETS:
        for schema in (True, {}, {"items": True}, {"enum": []}, *(schema for schema, _ in PROBES.values())):
            assert all(c.verdict in ("refuses", "ignores") for c in complaints(schema, target))
