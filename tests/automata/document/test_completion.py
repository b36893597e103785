"""Shortest endings where the verdict of a value decides what may follow."""

from __future__ import annotations

import json
from typing import Any

import pytest

import structgen as sg
from structgen.errors import UnsatisfiableError

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
        ({"type": "array", "contains": {"minimum": 5}, "minContains": 2}, '["a",9', ",5]"),
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


def test_names_that_an_ending_adds_are_distinct() -> None:
    automaton = sg.json_schema({"type": "object", "minProperties": 4, "propertyNames": {"pattern": "^x"}}).automaton
    whole = b"{" + automaton.completion(automaton.read(automaton.start, b"{"))
    assert len(json.loads(whole)) == 4


def test_alternatives_that_exclude_what_is_required() -> None:
    names = ["radius", "length", "width", "base", "height", "depth"]
    alternatives = [{"required": names[:1]}, {"required": names[1:3]}, {"required": names[3:]}]
    with pytest.raises(UnsatisfiableError):
        sg.json_schema({"type": "object", "required": names, "oneOf": alternatives})
