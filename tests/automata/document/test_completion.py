"""Shortest endings where the verdict of a value decides what may follow."""

from __future__ import annotations

import json
from typing import Any

import pytest

import structgen as sg
from structgen.automata.document.automaton import DocumentAutomaton
from structgen.errors import UnsatisfiableError
from structgen.frontends.jsonschema.build import SchemaSource

BRANCHES = {
    "type": "object",
    "anyOf": [
        {"required": ["a"], "properties": {"a": {"minimum": 10}}},
        {"required": ["b"], "properties": {"b": {"const": "xyz"}}},
    ],
}


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("schema", "prefix", "ending"),
    [
        ({"type": "array", "contains": {"const": 7}}, "[1", ",7]"),
        ({"type": "array", "contains": {"const": 7}}, "[[1", "],7]"),
        ({"type": "array", "contains": {"const": 7}}, "[17,", "7]"),
        ({"type": "array", "contains": {"const": 7}, "uniqueItems": True}, "[1,", "7]"),
        ({"type": "array", "contains": {"minimum": 5}, "minContains": 2}, "[1,9", ",5]"),
        (BRANCHES, '{"b":1', ',"a":10}'),
        (BRANCHES, '{"b":"x', 'yz"}'),
        (BRANCHES, '{"a":1', "0}"),
    ],
    ids=str,
)
def test_ending(schema: Any, prefix: str, ending: str) -> None:
    automaton = sg.json_schema(schema, property_order="any", whitespace="compact").automaton
    config = automaton.read(automaton.start, prefix.encode())
    assert config is not None
    assert automaton.completion(config) == ending.encode()


def test_many_unique_objects() -> None:
    """Few are asked about as goals, many are compared when they end; both refuse a repetition, at any depth."""
    item = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "array"}}}
    schema = {"type": "array", "items": item, "uniqueItems": True}
    constraint = sg.json_schema(schema, property_order="any")
    values: list[Any] = [{"a": n, "b": ["x" * 9, {"c": n / 2}]} for n in range(40)]
    assert constraint.accepts(json.dumps(values))
    for n in (0, 1, 20, 39):
        again = {"b": values[n]["b"], "a": float(n)}
        for end in (1, 2, 40):
            found = values[max(0, n + 1 - end) : n + 1]
            assert not constraint.accepts(json.dumps([*found, again]))
            assert constraint.accepts(json.dumps([*found, {**again, "d": 0}]))


def test_names_that_an_ending_adds_are_distinct() -> None:
    automaton = sg.json_schema({"type": "object", "minProperties": 4, "propertyNames": {"pattern": "^x"}}).automaton
    config = automaton.read(automaton.start, b"{")
    assert config is not None
    whole = b"{" + automaton.completion(config)
    assert len(json.loads(whole)) == 4


def test_alternatives_that_exclude_what_is_required() -> None:
    names = ["radius", "length", "width", "base", "height", "depth"]
    alternatives = [{"required": names[:1]}, {"required": names[1:3]}, {"required": names[3:]}]
    with pytest.raises(UnsatisfiableError):
        sg.json_schema({"type": "object", "required": names, "oneOf": alternatives})


def test_values_in_alternatives_are_completed_in_declared_order() -> None:
    inner = {"properties": {"z": {"type": "string"}, "a": {"type": "string"}}, "required": ["a", "z"], "type": "object"}
    schema = {
        "type": "object",
        "properties": {"v": inner},
        "required": ["v"],
        "oneOf": [{"required": ["b"]}, {"required": ["c"]}],
    }
    automaton = DocumentAutomaton(SchemaSource(schema), in_order=True)
    text = automaton.completion(automaton.start)
    after = automaton.read(automaton.start, text)
    assert after is not None and automaton.is_accepting(after)
