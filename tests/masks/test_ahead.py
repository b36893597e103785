"""Values looked at ahead: the same masks, within budgets, and errors where they were."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import structgen as sg
from structgen.errors import LimitError
from structgen.masks import ahead
from structgen.masks.document_machine import DocumentMachine
from structgen.masks.matcher import Matcher
from structgen.vocab.vocabulary import Vocabulary
from tests.support.vocabularies import random_tokens

LEAF: list[dict[str, Any]] = [
    {"type": "string"}, {"type": "integer", "minimum": 3}, {"enum": ["red", "green"]},
    {"type": "string", "pattern": "^[a-z]{2,5}$"}, {"type": "array", "items": {"type": "number"}},
]  # fmt: skip
VALUES = ["text", 12, "green", "abc", [1, 2.5]]
LARGE: dict[str, Any] = {
    "type": "object",
    "properties": {
        **{f"name{n}": dict(LEAF[n % 5]) for n in range(10)},
        "inner": {"type": "object", "properties": {f"inner{n}": dict(leaf) for n, leaf in enumerate(LEAF)}},
        "list": {"type": "array", "items": {"type": "object", "required": ["a"], "properties": {"a": LEAF[2]}}},
        "either": {"anyOf": [{"type": "object", "required": ["x"]}, {"type": "object", "properties": {"y": LEAF[0]}}]},
    },
    "additionalProperties": False,
}
TEXTS = [
    {f"name{n}": VALUES[n % 5] for n in range(10)},
    {"inner": {f"inner{n}": value for n, value in enumerate(VALUES)}, "list": [{"a": "red"}, {"a": "green", "b": 1}]},
    {"either": {"y": "z"}, "name3": "xyz"},
]  # fmt: skip
WORDS = random_tokens()
HARD = "^.*x.{0,50}y.{0,50}z.{0,50}$"
"""A pattern with too many states."""


def _machine(schema: dict[str, Any], vocabulary: Vocabulary, monkeypatch: pytest.MonkeyPatch, least: int) -> Any:
    monkeypatch.setattr(ahead, "LEAST_SUBSCHEMAS", least)
    return sg.json_schema(schema, property_order="any").build_machine(vocabulary)


def _n_known(machine: DocumentMachine) -> int:
    return len(machine.automaton.contexts.by_index)


@pytest.mark.parametrize("text", TEXTS, ids=json.dumps)
def test_masks_are_the_same(monkeypatch: pytest.MonkeyPatch, text: Any) -> None:
    matchers = [Matcher(_machine(LARGE, WORDS, monkeypatch, least)) for least in (1, 1 << 30)]
    rows = [np.empty(WORDS.n_words, np.uint32) for _ in matchers]
    for byte in json.dumps(text).encode():
        for matcher, row in zip(matchers, rows, strict=True):
            matcher.fill_mask(row)
        assert (rows[0] == rows[1]).all()
        for matcher in matchers:
            assert matcher.advance_bytes(bytes([byte]))


def test_a_large_schema_is_looked_at_and_a_small_one_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "MOST_SECONDS", 60.0)
    monkeypatch.setattr(ahead, "LATEST", 60.0)
    known = [_n_known(_machine(LARGE, WORDS, monkeypatch, least)) for least in (1, 16, 1 << 30)]
    assert known[0] == known[1] > known[2] + 10


def test_budgets_of_values_and_of_time_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = _machine(LARGE, WORDS, monkeypatch, 1 << 30)
    monkeypatch.setattr(ahead, "LEAST_SUBSCHEMAS", 1)
    monkeypatch.setattr(ahead, "MOST_SECONDS", 0.0)
    assert ahead.look_ahead(machine, 20) == 0
    monkeypatch.setattr(ahead, "MOST_SECONDS", 60.0)
    monkeypatch.setattr(ahead, "LATEST", 60.0)
    monkeypatch.setattr(ahead, "MOST_VALUES", 3)
    assert ahead.look_ahead(machine, 20, 61.0) == 0
    assert ahead.look_ahead(machine, 20) == 3


@pytest.mark.parametrize(
    "value", [{"type": "array", "items": False}, {"type": "object", "additionalProperties": False}, False, {"not": {}}]
)
def test_values_that_hold_nothing(monkeypatch: pytest.MonkeyPatch, value: Any) -> None:
    monkeypatch.setattr(ahead, "MOST_SECONDS", 60.0)
    monkeypatch.setattr(ahead, "LATEST", 60.0)
    machine = _machine({"type": "object", "properties": {"a": value, "b": LEAF[0]}}, WORDS, monkeypatch, 1)
    assert Matcher(machine).advance_bytes(b'{"b": "", "a"') == (value is not False and "not" not in value)


def test_a_refused_value_is_refused_where_a_token_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    schema = {"type": "object", "properties": {"fine": LEAF[0], "hard": {"type": "string", "pattern": HARD}}}
    matcher = Matcher(_machine(schema, WORDS, monkeypatch, 1))
    assert matcher.advance_bytes(b'{"fine": "a", ')
    with pytest.raises(LimitError) as caught:
        matcher.advance_bytes(b'"hard": "x')
        matcher.fill_mask(np.empty(WORDS.n_words, np.uint32))
    assert caught.value.pointer == "/properties/hard/pattern"
