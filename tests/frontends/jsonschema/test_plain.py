"""What is satisfiable at a glance has instances; what has none is never taken for plain."""

from __future__ import annotations

import random
from typing import Any

import pytest

from structgen.automata.document.automaton import DocumentAutomaton
from structgen.automata.document.guess import NO_GUESS, Guesser
from structgen.errors import UnsatisfiableError
from structgen.frontends.jsonschema.build import _BUILDERS, SchemaSource
from structgen.frontends.jsonschema.plain import _ASSERTING, is_plainly_satisfiable
from structgen.ir.formulas import Formula
from structgen.json_constraint import json_schema
from tests.masks.test_document_machine import pieces

PLAIN: list[dict[str, Any]] = [
    {"type": "string", "pattern": "^(?:\\S+\\s+){0,99}\\S+$", "minLength": 1},
    {"type": "array", "minItems": 2, "items": {"pattern": "^a{3}$", "maxLength": 3, "type": "string"}},
    {"type": "object", "required": ["a"], "properties": {"a": {"minimum": 3}}},
    {"type": "array", "minItems": 1, "uniqueItems": True, "items": {"enum": [3]}},
    {"anyOf": [{"type": "string", "pattern": "$a"}, {"type": "null"}], "description": "a", "x-other": 1},
    {"oneOf": [{"$ref": "#/$defs/a"}, {"enum": [None, True]}, {"type": "array"}], "$defs": {"a": {"type": "integer"}}},
    {"allOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"required": ["b"], "properties": {"b": {"oneOf": [{}]}}}}},
    {"type": ["string", "null"], "enum": [3, None]},
]
EMPTY: list[dict[str, Any]] = [
    {"type": "string", "pattern": "$a"},
    {"type": "string", "pattern": "[^\\s\\S]"},
    {"type": "string", "pattern": "^a{3}$", "maxLength": 2},
    {"type": "array", "minItems": 1, "items": {"type": "string", "pattern": "(?!)"}},
    {"type": "object", "required": ["a"], "properties": {"a": {"type": "string", "pattern": "b^"}}},
    {"anyOf": [{"type": "string", "pattern": "$a"}, {"allOf": [False]}]},
    {"oneOf": [{"type": "string"}, {"type": ["string"]}]},
    {"oneOf": [{"enum": ["a"]}, {"const": "a"}]},
    {"oneOf": [{}, {}]},
    {"anyOf": [{"type": "string"}], "type": "null"},
    {"allOf": [{"type": "string"}, {"type": "null"}]},
    {"type": ["string", "null"], "enum": [3, True]},
    {"type": "array", "minItems": 2, "uniqueItems": True, "items": {"enum": [3]}},
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


class _Unglanced(SchemaSource):
    """Nothing is plain, so that all is decided by the machine."""

    def is_plainly_satisfiable(self, formula: Formula) -> bool:
        return False


def _random_schema(rng: random.Random, depth: int) -> Any:
    """A schema of few keywords, often contradictory."""
    kinds = ["string", "null", "integer", "number", "array", "object", "boolean"]
    found: dict[str, Any] = {}
    for keyword in rng.sample(
        ["type", "enum", "anyOf", "oneOf", "allOf", "required", "array", "bounds"], rng.choice([1, 1, 2])
    ):
        if keyword == "type":
            found["type"] = rng.choice([rng.choice(kinds), rng.sample(kinds, 2)])
        elif keyword == "enum":
            found["enum"] = rng.sample(["a", "b", None, True, 1, 2.5, [], {}], rng.choice([1, 2]))
        elif keyword == "bounds":
            found |= {"minimum": 2, "maximum": rng.choice([1, 3]), "minLength": 2, "maxLength": rng.choice([1, 3])}
        elif not depth:
            continue
        elif keyword in ("anyOf", "oneOf", "allOf"):
            found[keyword] = [_random_schema(rng, depth - 1) for _ in range(rng.choice([1, 2, 2]))]
        elif keyword == "required":
            found |= {"type": "object", "required": ["a"], "properties": {"a": _random_schema(rng, depth - 1)}}
        else:
            found |= {"type": "array", "minItems": rng.choice([1, 2]), "items": _random_schema(rng, depth - 1)}
            found["uniqueItems"] = rng.random() < 0.5
    return found


def test_what_is_plain_has_a_value_that_a_search_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Guesser, "value", lambda *_: NO_GUESS)
    rng = random.Random(5)
    n_plain = 0
    for _ in range(300):
        schema = _random_schema(rng, 2)
        if _is_plain(schema):
            n_plain += 1
            DocumentAutomaton(_Unglanced(schema))  # raises where there is no value
    assert n_plain > 100


def test_every_keyword_with_a_meaning_is_known() -> None:
    assert _BUILDERS.keys() <= _ASSERTING
