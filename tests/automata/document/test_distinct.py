"""Arrays that compare their items where it is not simply asked that all differ."""

from __future__ import annotations

import itertools
import json
import random
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from structgen.automata.document.automaton import DocumentAutomaton
from structgen.automata.document.contexts import MUST
from structgen.automata.document.distinct import canonical_of
from structgen.errors import UnsatisfiableError
from structgen.frontends.jsonschema.build import SchemaSource
from structgen.ir.formulas import TRUE
from structgen.masks.document_machine import DocumentMachine
from structgen.masks.mask import allowed_ids, empty_mask
from structgen.masks.matcher import Matcher
from tests.automata.document.test_oracle import Schemas, accepts
from tests.masks.test_document_machine import masked, pieces, tried

SOME_EQUAL = {"type": "array", "not": {"uniqueItems": True}}
CASES: dict[str, Any] = {
    "some equal": SOME_EQUAL,
    "two equal": {**SOME_EQUAL, "maxItems": 2},
    "the last two": {**SOME_EQUAL, "prefixItems": [{"type": "number"}, {"type": "string"}, {"type": "string"}],
                     "maxItems": 3},
    "equal or many": {"oneOf": [{"uniqueItems": True, "maxItems": 3}, True]},
    "different and many": {"uniqueItems": True, "minItems": 2, "items": {"enum": [1, "a", True]}},
    "equal or a null": {"type": "array", "anyOf": [{"not": {"uniqueItems": True}}, {"contains": {"type": "null"}}]},
    "equal if short": {"if": {"maxItems": 2}, "then": {"uniqueItems": True}, "else": {"not": {"uniqueItems": True}}},
    "inside": {"uniqueItems": True, "items": {"type": "array", "not": {"uniqueItems": True}, "items": {"enum": [1, 2]},
                                              "maxItems": 2}},
}  # fmt: skip
VALUES = ["1", "1.0", "2", '"a"', '"b"', "true", "null", "[]", "[1,1]", "[2,2]", "[1,2]"]


@pytest.mark.parametrize("name", CASES)
def test_accepted_exactly_when_valid(name: str) -> None:
    automaton = DocumentAutomaton(SchemaSource(CASES[name]), whitespace="compact")
    is_valid = Draft202012Validator(CASES[name]).is_valid
    texts = [f"[{','.join(items)}]" for n in range(4) for items in itertools.product(VALUES, repeat=n)]
    texts = random.Random(name).sample(texts, 400) + [text for text in texts if text.count(",") < 2]
    wrong = [text for text in texts if accepts(automaton, text) != is_valid(json.loads(text))]
    assert wrong == []


@pytest.mark.parametrize("seed", range(40))
def test_random_schemas_over_arrays(seed: int) -> None:
    source = Schemas(seed)
    pick = source.random.choice
    kinds: list[Any] = [{"uniqueItems": True, "maxItems": pick([2, 3])}, {"not": {"uniqueItems": True}}]
    schema = {"type": "array", pick(["allOf", "anyOf", "oneOf"]): [pick(kinds), source.array(1), source.logic(1)]}
    is_valid = Draft202012Validator(schema).is_valid
    texts = [f"[{','.join(items)}]" for n in range(4) for items in itertools.product(VALUES[:8], repeat=n)]
    try:
        automaton = DocumentAutomaton(SchemaSource(schema), whitespace="compact")
    except UnsatisfiableError:
        assert not any(is_valid(json.loads(text)) for text in texts)
        return
    wrong = [text for text in texts if accepts(automaton, text) != is_valid(json.loads(text))]
    assert wrong == [], schema


@pytest.mark.parametrize("name", CASES)
def test_masks_equal_every_token_tried(name: str) -> None:
    machine = DocumentMachine(DocumentAutomaton(SchemaSource(CASES[name]), whitespace="compact"), pieces())
    for text in ["[", "[1", "[1,", '["a', '[1,"a', '[1,"a",', "[[1,1],[2"]:
        config = machine.advance_bytes(machine.start(), text.encode())
        if config is not None:
            assert masked(machine, config) == tried(machine, config), text


def test_numbers_of_very_many_digits_are_compared_by_value() -> None:
    automaton = DocumentAutomaton(SchemaSource({"uniqueItems": True, "items": {"type": "number"}}))
    for text, is_unique in (
        ("[1e4714,10e4713]", False),
        ("[1e4714,1e-99999]", True),
        (f"[1{'0' * 5000},1e5000]", False),
    ):
        assert accepts(automaton, text) == is_unique, text[:40]
    config = automaton.read(automaton.start, b"[1e4714, 1")
    assert config is not None and automaton.completion(config)


def test_chains_give_the_shortest_value_that_has_not_come() -> None:
    automaton = DocumentAutomaton(SchemaSource({"uniqueItems": True}))
    distinct = automaton.distinct
    come: tuple[str, ...] = ()
    found = []
    for _ in range(40):
        text = distinct.other((TRUE,), 1, come)
        assert text is not None
        found.append(text)
        come = (*come, canonical_of(text))
    assert len({canonical_of(text) for text in found}) == 40
    assert [len(text) for text in found] == sorted(map(len, found))


def test_budget_masks_make_few_contexts() -> None:
    """Each token that ends an item makes another value to compare with, but no contexts of its own."""
    vocabulary = pieces()
    automaton = DocumentAutomaton(SchemaSource(CASES["equal or many"]))
    matcher, tables = Matcher(DocumentMachine(automaton, vocabulary)), automaton.tables
    row = empty_mask(vocabulary.n_tokens)
    choose = random.Random(3)
    assert matcher.advance_bytes(b'["')
    for left in range(60, 50, -1):
        values, frames = tables.n_values, tables.n_frames
        matcher.fill_mask(row, left)
        assert tables.n_values - values < 50
        assert tables.n_frames - frames < 150
        inside = [t for t in allowed_ids(row, vocabulary.n_tokens).tolist() if vocabulary.tokens[t].isalnum()]
        matcher.advance(choose.choice(inside))


@pytest.mark.parametrize(
    ("item", "kept", "n", "told"),
    [
        ({"type": "string"}, ('"a"', '"b"'), 3, True),
        ({"type": "object", "properties": {"a": {"enum": [1, 2]}, "b": {"type": "integer"}}, "required": ["a", "b"]},
         (), 4, True),
        ({"type": "array", "items": {"type": "boolean"}, "maxItems": 1}, (), 4, False),
        ({"enum": ["a", "b"]}, ('"a"',), 2, False),
        ({"enum": ["a", "b", "c"]}, ('"a"',), 2, True),
        ({"type": "null"}, (), 2, False),
        ({"type": "integer", "minimum": 4, "maximum": 6}, ("4",), 3, False),
    ],
)  # fmt: skip
def test_variants_tell_of_several_values_only_where_there_are(
    item: Any, kept: tuple[str, ...], n: int, told: bool
) -> None:
    source = SchemaSource(item)
    automaton = DocumentAutomaton(source, whitespace="compact")
    assert automaton.distinct.are_several(source.root, kept, n) is told


@pytest.mark.parametrize("seed", range(120))
def test_variants_never_tell_of_values_that_are_not_there(seed: int) -> None:
    """Against the exact search, which finds one value after the other."""
    source = SchemaSource(Schemas(seed).array(1).get("items", {"enum": [1, "a"]}))
    try:
        automaton = DocumentAutomaton(source, whitespace="compact")
    except UnsatisfiableError:
        return
    distinct = automaton.distinct
    for n in (1, 2, 3):
        if distinct.are_several(source.root, ('"a"', "1"), n):
            assert len(list(distinct.some((source.root,), MUST, ('"a"', "1"), n))) == n
