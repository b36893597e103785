"""Guessed values satisfy what they were guessed for; jsonschema agrees."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from structgen.automata.document.automaton import DocumentAutomaton
from structgen.automata.document.formulas import Reducer
from structgen.automata.document.guess import NO_GUESS, Guesser, text_of
from structgen.frontends.jsonschema.build import SchemaSource

GUESSED: list[dict[str, Any]] = [
    {"type": "object", "required": ["a", "b"], "properties": {"a": {"minimum": 5}, "b": {"enum": ["x"]}}},
    {"oneOf": [{"type": "object", "required": ["kind"], "properties": {"kind": {"const": n}}} for n in range(4)]},
    {"anyOf": [{"minItems": 2, "type": "array", "items": {"pattern": "^a+b$", "type": "string"}}, False]},
    {"type": "array", "contains": {"const": 7}, "minContains": 2, "prefixItems": [True, True]},
    {"type": "number", "exclusiveMinimum": 2, "multipleOf": 1.5},
    {"type": "object", "minProperties": 3, "patternProperties": {"^a": {"type": "null"}}},
    {"$ref": "#/$defs/tree", "$defs": {"tree": {"type": "object", "required": ["l"], "properties": {
        "l": {"anyOf": [{"$ref": "#/$defs/tree"}, {"type": "null"}]}}}}},
]  # fmt: skip
NOT_GUESSED: list[dict[str, Any]] = [
    {"type": "object", "required": ["a"], "properties": {"a": {"$ref": "#"}}},
    {"allOf": [{"type": "string"}, {"type": "number"}]},
    {"type": "array", "minItems": 2, "uniqueItems": True, "items": {"const": 1}},
]


def _guess(schema: dict[str, Any]) -> Any:
    source = SchemaSource(schema)
    return Guesser(Reducer(source.resolve)).value(source.root)


@pytest.mark.parametrize("schema", GUESSED, ids=json.dumps)
def test_a_guess_is_valid(schema: dict[str, Any]) -> None:
    value = _guess(schema)
    assert value is not NO_GUESS
    text = text_of(value)
    Draft202012Validator(schema).validate(json.loads(text))
    automaton = DocumentAutomaton(SchemaSource(schema))
    config = automaton.read(automaton.start, text)
    assert config is not None and automaton.is_accepting(config)


@pytest.mark.parametrize("schema", NOT_GUESSED, ids=json.dumps)
def test_what_cannot_be_satisfied_is_not_guessed(schema: dict[str, Any]) -> None:
    assert _guess(schema) is NO_GUESS


def test_an_impossible_length_among_alternatives_allows_nothing() -> None:
    schema = {"anyOf": [{"type": "string", "minLength": 3, "maxLength": 2}, {"const": "ok"}]}
    automaton = DocumentAutomaton(SchemaSource(schema))
    verdicts = [automaton.read(automaton.start, text) is not None for text in (b'"ok"', b'"abc"', b'"ab"')]
    assert verdicts == [True, False, False]
