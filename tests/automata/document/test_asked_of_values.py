"""What is remembered of what is asked of values is what is found without remembering."""

from __future__ import annotations

import random
from typing import Any

import pytest

from structgen.automata.document import object_states
from structgen.automata.document.automaton import DocumentAutomaton
from structgen.frontends.jsonschema.build import SchemaSource

SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "integer"}, "b": {"enum": [1, 2, "x"]}},
    "oneOf": [
        {"properties": {"a": {"minimum": 3}, "b": {"const": 1}}, "required": ["a"]},
        {"properties": {"c": {"type": "null"}}, "required": ["c"]},
        {"patternProperties": {"^b": {"type": "integer"}}, "required": ["b"]},
    ],
    "unevaluatedProperties": {"type": "string"},
}
MEMBERS = [b'"a":1', b'"a":5', b'"b":1', b'"b":2', b'"b":"x"', b'"c":null', b'"c":0', b'"d":""', b'"bb":3', b'"e":"e"']


def ends_of(texts: list[bytes]) -> list[bytes | None]:
    automaton = DocumentAutomaton(SchemaSource(SCHEMA))
    configs = [automaton.read(automaton.start, text) for text in texts]
    return [None if config is None else automaton.completion(config) for config in configs]


def test_objects_read_and_end_as_without_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    choose = random.Random(0)
    orders = [choose.sample(MEMBERS, choose.randrange(1, 5)) for _ in range(150)]
    texts = [b"{" + b",".join(order) + choose.choice([b"", b",", b"}", b',"']) for order in orders]
    remembered = ends_of(texts)
    asked: Any = object_states._asked_of_value
    for module in ("guided", "witness", "general_objects"):
        monkeypatch.setattr(f"structgen.automata.document.{module}.asked_of_value", asked)
    assert ends_of(texts) == remembered
    assert 20 < remembered.count(None) < 130
