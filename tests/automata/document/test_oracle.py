"""Small random schemas: every small document is accepted exactly when jsonschema accepts it.

Documents are all those of at most seven lexemes (brackets, commas, colons, scalars) over a
few scalars and names, and all objects of two scalar members. Prefixes: what was read so far is live
only if it can be ended, and its shortest ending is judged by jsonschema again.
"""

from __future__ import annotations

import json
import random
from functools import cache
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from structgen.automata.document.automaton import DocumentAutomaton
from structgen.errors import UnsatisfiableError
from structgen.frontends.jsonschema.build import SchemaSource

SCALARS = ["null", "true", "0", "1", "1.5", "-2", '""', '"a"', '"ab"']
NAMES = ['"a"', '"b"', '"ab"']
N_SCHEMAS = 60


@cache
def values(n: int) -> tuple[str, ...]:
    """All JSON texts of exactly ``n`` lexemes."""
    if n == 1:
        return tuple(SCALARS)
    if n == 2:
        return ("[]", "{}")
    found = [f"[{inner}]" for inner in sequences(n - 2)]
    return (*found, *(f"{{{inner}}}" for inner in members(n - 2, tuple(NAMES))))


@cache
def sequences(n: int) -> tuple[str, ...]:
    """Comma-separated values of ``n`` lexemes in all."""
    found = list(values(n)) if n > 0 else []
    for first in range(1, n - 1):
        found += [f"{a},{b}" for a in values(first) for b in sequences(n - first - 1)]
    return tuple(found)


@cache
def members(n: int, names: tuple[str, ...]) -> tuple[str, ...]:
    """Members of ``n`` lexemes in all, no name twice."""
    found = [f"{name}:{value}" for name in names for value in (values(n - 2) if n > 2 else ())]
    for name in names:
        rest = tuple(other for other in names if other != name)
        for first in range(1, n - 5):
            found += [f"{name}:{a},{b}" for a in values(first) for b in members(n - first - 3, rest)]
    return tuple(found)


@cache
def documents() -> tuple[tuple[str, Any], ...]:
    texts = [text for n in range(1, 8) for text in values(n)]
    texts += [f"{{{a}:{v},{b}:{w}}}" for a in NAMES for b in NAMES if a != b for v in SCALARS[:6] for w in SCALARS[1:8]]
    return tuple((text, json.loads(text)) for text in texts)


class Schemas:
    """Random schemas out of a seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def schema(self, depth: int) -> Any:
        pick = self.random.choice
        if depth == 0 or self.random.random() < 0.15:
            return pick([True, {"type": "null"}, {"type": "string"}, {"type": "integer"}, {"enum": [1, "a", []]}])
        found: dict[str, Any] = {}
        for make in self.random.sample([self.scalar, self.array, self.object, self.logic], k=pick([1, 1, 2])):
            found.update(make(depth - 1))
        if self.random.random() < 0.3:
            found["type"] = pick(["object", "array", ["array", "number"], ["object", "string", "null"]])
        return found

    def scalar(self, depth: int) -> dict[str, Any]:
        pick = self.random.choice
        options: list[Any] = [
            {"minimum": pick([0, 1]), "maximum": pick([1, 1.5])},
            {"multipleOf": pick([1, 0.5, 2])},
            {"minLength": 1, "maxLength": pick([1, 2])},
            {"pattern": pick(["^a", "b$", "^a*$"])},
            {"exclusiveMinimum": pick([-2, 0])},
            {"const": pick([1, "a", None, [], {"a": 1}])},
        ]
        return dict(pick(options))

    def array(self, depth: int) -> dict[str, Any]:
        pick = self.random.choice
        options: list[Any] = [
            {"items": self.schema(depth), "minItems": pick([0, 1])},
            {"prefixItems": [self.schema(depth)], "items": pick([False, self.schema(depth)])},
            {"contains": self.schema(depth), "minContains": pick([0, 1, 2]), "maxContains": 2},
            {"uniqueItems": True, "maxItems": pick([2, 3])},
            {"prefixItems": [True, self.schema(depth)], "unevaluatedItems": self.schema(depth)},
        ]
        return dict(pick(options))

    def object(self, depth: int) -> dict[str, Any]:
        pick = self.random.choice
        options: list[Any] = [
            {"properties": {"a": self.schema(depth)}, "required": [pick(["a", "b"])]},
            {"properties": {"a": self.schema(depth), "b": self.schema(depth)}, "additionalProperties": False},
            {"patternProperties": {"^a": self.schema(depth)}, "additionalProperties": self.schema(depth)},
            {"propertyNames": {"maxLength": 1}, "minProperties": 1},
            {"maxProperties": 1},
            {"dependentRequired": {"a": ["b"]}},
            {"dependentSchemas": {"a": self.schema(depth)}},
            {"properties": {"a": self.schema(depth)}, "unevaluatedProperties": self.schema(depth)},
        ]
        return dict(pick(options))

    def logic(self, depth: int) -> dict[str, Any]:
        pick = self.random.choice
        options: list[Any] = [
            {"anyOf": [self.schema(depth), self.schema(depth)]},
            {"oneOf": [self.schema(depth), self.schema(depth)]},
            {"allOf": [self.schema(depth), self.schema(depth)]},
            {"not": self.schema(depth)},
            {"if": self.schema(depth), "then": self.schema(depth), "else": self.schema(depth)},
        ]
        return dict(pick(options))


def accepts(automaton: DocumentAutomaton, text: str) -> bool:
    config = automaton.read(automaton.start, text.encode())
    return config is not None and automaton.is_accepting(config)


def test_the_documents_are_many_and_distinct() -> None:
    texts = [text for text, _ in documents()]
    assert len(texts) == len(set(texts)) > 1_400
    assert {"[[0],1]", '{"a":[0]}', "[1,1,1]", '{"b":null,"a":1}'} <= set(texts)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("seed", range(N_SCHEMAS))
def test_accepted_exactly_when_valid(seed: int) -> None:
    schema = Schemas(seed).schema(2)
    is_valid = Draft202012Validator(schema).is_valid
    try:
        automaton = DocumentAutomaton(SchemaSource(schema), whitespace="compact")
    except UnsatisfiableError:
        assert not any(is_valid(value) for _, value in documents()), schema
        return
    wrong = [text for text, value in documents() if accepts(automaton, text) != is_valid(value)]
    assert wrong == [], (schema, wrong[:10])


@pytest.mark.timeout(120)
@pytest.mark.parametrize("seed", range(N_SCHEMAS))
def test_live_prefixes_can_be_ended(seed: int) -> None:
    schema = Schemas(seed).schema(2)
    is_valid = Draft202012Validator(schema).is_valid
    try:
        automaton = DocumentAutomaton(SchemaSource(schema), whitespace="compact")
    except UnsatisfiableError:
        return
    texts = random.Random(seed).sample([text for text, _ in documents()], 120)
    prefixes = {text[:n] for text in texts for n in range(len(text))}
    for prefix in sorted(prefixes)[:400]:
        config = automaton.read(automaton.start, prefix.encode())
        if config is not None:
            whole = prefix.encode() + automaton.completion(config)
            assert accepts(automaton, whole.decode()), (schema, prefix, whole)
            assert is_valid(json.loads(whole)), (schema, prefix, whole)
