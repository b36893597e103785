"""Masks shared between configurations are those of each configuration: token by token, on tokens that ask for much."""

from __future__ import annotations

import random
from itertools import product

import numpy as np
import pytest

import structgen as sg
from structgen.masks.mask import to_bool
from structgen.vocab.vocabulary import Vocabulary

PIECES = ['{', '}', '[', ']', ',', ':', '"', '""', '"a"', '"ab":', '"b":1', '":"",', '":"","', '","', ',"a', ',"b":',
          ',"', ' ,"b', '\\', '\\u0061', '\\u00', '61', '"\\u00', ',"\\u0', 'a', 'b', 'ab', '1', '12', 'c', ' ',
          'true', 'null', '"}', '},', '}}', '"]', '],"', '{"', '{"a', '{}', '[]', '[1,', ',2', '"c":', '":{', '":[',
          '":1', '":"']  # fmt: skip
FEW = [
    "{",
    "}",
    ",",
    ":",
    '"',
    "a",
    "b",
    "ab",
    'a"',
    'b":',
    'ab": ',
    'a": ',
    '":"',
    '":1',
    'b":1',
    "1",
    " ",
    "true",
    "[",
    "]",
]
"""Tokens most of which end a name without going on into its value."""
SCHEMAS: dict[str, object] = {
    "open": {"properties": {"a": {"type": "string"}, "ab": {"type": "string"}, "b": {"type": "integer"}}},
    "closed": {"properties": {"a": {"type": "string"}, "ab": {}, "b": {"type": "integer"}},
               "additionalProperties": False},
    "required": {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
                 "required": ["a", "b"]},
    "required and closed": {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"},
                            "ab": {"type": "string"}}, "required": ["b"], "additionalProperties": False},
    "rest": {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
             "additionalProperties": {"type": "string"}},
    "empty name": {"type": "object", "properties": {"": {"type": "string"}, "a": {"type": "string"}},
                   "additionalProperties": False},
    "empty name among others": {"type": "object", "properties": {"": {"type": "integer"}, "a": {"type": "string"}}},
    "nested": {"type": "object", "properties": {"a": {"type": "object", "properties": {"b": {"type": "string"},
               "a": {"type": "integer"}}, "required": ["b"]}, "b": {"type": "string"}}, "required": ["b"],
               "additionalProperties": False},
    "array": {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "string"}},
              "required": ["a"]}, "minItems": 2, "maxItems": 4},
    "few items": {"type": "array", "items": {"type": "integer"}, "minItems": 3, "maxItems": 5},
    "lengths": {"type": "object", "properties": {"a": {"type": "string", "maxLength": 3}, "b": {"enum": ["a", "ab", 1]},
                "c": {"type": "string", "pattern": "^a+b?$"}}, "additionalProperties": False},
    "names by pattern": {"type": "object", "patternProperties": {"^a": {"type": "string"}},
                         "additionalProperties": {"type": "integer"}},
    "counted": {"type": "object", "minProperties": 1, "maxProperties": 2, "properties": {"a": {"type": "string"}}},
    "either": {"anyOf": [{"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
                         {"type": "object", "properties": {"b": {"type": "integer"}}, "required": ["b"]}]},
    "one of calls": {"oneOf": [{"type": "object", "properties": {"a": {"type": "object", "properties": {
                     "b": {"type": "string"}}, "additionalProperties": False}}, "required": ["a"],
                     "additionalProperties": False}, {"type": "object", "properties": {"ab": {"type": "array",
                     "items": {"type": "integer"}}, "b": {}}, "required": ["ab"], "additionalProperties": False}]},
    "one of kinds": {"oneOf": [{"properties": {"a": {"enum": ["a", "ab"]}, "b": {"type": "string"}, "c": {}},
                     "required": ["a"], "additionalProperties": False},
                     {"properties": {"a": {"enum": ["b", 1]}, "b": {"type": "integer"}, "ab": {"type": "string"}},
                     "required": ["a", "b"], "additionalProperties": False}]},
    "one of open": {"type": "object", "oneOf": [{"properties": {"a": {"type": "string"}}, "required": ["b"]},
                    {"properties": {"b": {"type": "array", "items": {"type": "integer"}, "maxItems": 3}},
                    "required": ["a"]}]},
    "needed with": {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}, "ab": {}},
                    "dependentRequired": {"a": ["b"]}, "additionalProperties": False},
    "items of either": {"type": "array", "items": {"anyOf": [{"type": "array", "items": {"type": "integer"},
                        "minItems": 2}, {"type": "array", "items": {"type": "string"}, "maxItems": 2}]}},
    "contained": {"type": "array", "contains": {"type": "integer"}, "minContains": 2, "maxContains": 3},
    "array in alternatives": {"type": "object", "anyOf": [{"properties": {"a": {"type": "array",
                              "items": {"type": "integer"}, "minItems": 2, "maxItems": 4}}, "required": ["b"]},
                              {"properties": {"a": {"type": "array", "maxItems": 1}}, "required": ["ab"]}]},
    "patterns in alternatives": {"type": "object", "anyOf": [{"patternProperties": {"^a": {"type": "string"}},
                                 "required": ["a"]}, {"patternProperties": {"b$": {"type": "integer"}},
                                 "required": ["b"], "additionalProperties": False}]},
    "names by pattern, by kind": {"type": "object", "anyOf": [
        {"properties": {"b": {"const": 1}}, "patternProperties": {"^a": {"type": "array"}}, "required": ["b"]},
        {"properties": {"b": {"const": True}}, "patternProperties": {"^a": {"type": "integer"}}, "required": ["b"]}]},
    "taken names": {"type": "object", "properties": {"a": {}, "b": {}, "ab": {"properties": {"a": False, "b": {}}}}},
    "recursive": {"type": "object", "properties": {"a": {"$ref": "#"}, "b": {"type": "array", "items": {"$ref": "#"}}},
                  "additionalProperties": False},
}  # fmt: skip


def vocabulary(seed: int = 3, with_numbers: bool = False) -> Vocabulary:
    draws = random.Random(seed)
    joined = ["".join(draws.choices(PIECES, k=draws.randint(2, 3))) for _ in range(320)]
    tokens = [token for token in dict.fromkeys([*PIECES, *joined]) if with_numbers or "u0" not in token]
    return Vocabulary.from_bytes([token.encode() for token in tokens] + [b""], eos_ids=[len(tokens)])


def check_masks_along_walks(words: Vocabulary, name: str, order: str, whitespace: str = "any") -> None:
    machine = sg.json_schema(SCHEMAS[name], property_order=order, whitespace=whitespace).bind(words).machine
    draws = random.Random(f"{name} {order}")
    row = np.zeros(words.n_words, np.uint32)
    seen = set()
    for _ in range(60):
        config = machine.start()
        for _ in range(14):
            machine.fill_mask(config, row)
            mine = to_bool(row, words.n_tokens)
            if config not in seen:
                seen.add(config)
                for token, data in enumerate(words.tokens[:-1]):
                    assert mine[token] == (machine.advance_bytes(config, data) is not None), (config, data)
            allowed = [token for token in np.flatnonzero(mine).tolist() if token not in words.eos_ids]
            if not allowed:
                break
            config = machine.advance(config, draws.choice(allowed))
            assert config is not None
    assert len(seen) > 10


@pytest.mark.parametrize("with_numbers", [False, True], ids=["", "escapes by number"])
@pytest.mark.parametrize("order", ["any", "declared"])
@pytest.mark.parametrize("name", SCHEMAS)
def test_masks_after_many_others_allow_what_can_be_read(name: str, order: str, with_numbers: bool) -> None:
    check_masks_along_walks(vocabulary(with_numbers=with_numbers), name, order)


@pytest.mark.parametrize("name", SCHEMAS)
def test_masks_where_few_tokens_go_from_a_name_into_its_value(name: str) -> None:
    words = Vocabulary.from_bytes([token.encode() for token in [*FEW, ""]], eos_ids=[len(FEW)])
    check_masks_along_walks(words, name, "any")


@pytest.mark.parametrize("name", ["nested", "recursive", "array"])
def test_masks_where_blanks_are_prescribed(name: str) -> None:
    """How many blanks must come hangs on the whole stack, though no token closes a container."""
    tokens = [*FEW, "\n", "\n  ", "    ", "{\n  ", "}", ",\n", "[\n", '"a"']
    words = Vocabulary.from_bytes([token.encode() for token in [*dict.fromkeys(tokens), ""]], eos_ids=[len({*tokens})])
    check_masks_along_walks(words, name, "any", "pretty")


@pytest.mark.parametrize("name", SCHEMAS)
def test_masks_of_single_bytes(name: str) -> None:
    """Short tokens reach less far: what can be told apart is cut down to that, and no further."""
    words = Vocabulary.from_bytes([*(bytes([byte]) for byte in range(256)), b""], eos_ids=[256])
    machine = sg.json_schema(SCHEMAS[name], property_order="any", whitespace="any").bind(words).machine
    draws = random.Random(name)
    row = np.zeros(words.n_words, np.uint32)
    likely = b'{}[],:"ab1'
    for _ in range(60):
        config = machine.start()
        for _ in range(40):
            machine.fill_mask(config, row)
            mine = to_bool(row, words.n_tokens)
            for token in likely:
                assert mine[token] == (machine.advance_bytes(config, bytes([token])) is not None), (config, token)
            allowed = [token for token in likely if mine[token]] or np.flatnonzero(mine[:256]).tolist()
            if not allowed:
                break
            config = machine.advance(config, draws.choice(allowed))
            assert config is not None


def test_masks_of_other_schemas_are_those_of_this_one() -> None:
    """One vocabulary for all schemas and options: what one has left in the common cache is right for the next."""
    words = vocabulary(5)
    row = np.zeros(words.n_words, np.uint32)
    draws = random.Random(5)
    for name, whitespace in [*product(SCHEMAS, ["any", "compact"]), *product(SCHEMAS, ["bounded", "any"])]:
        machine = sg.json_schema(SCHEMAS[name], property_order="any", whitespace=whitespace).bind(words).machine
        for _ in range(12):
            config = machine.start()
            for _ in range(10):
                machine.fill_mask(config, row)
                mine = to_bool(row, words.n_tokens)
                for token in draws.sample(range(words.n_tokens - 1), 60):
                    after = machine.advance_bytes(config, words.tokens[token])
                    assert mine[token] == (after is not None), (name, config, words.tokens[token])
                allowed = [token for token in np.flatnonzero(mine).tolist() if token not in words.eos_ids]
                if not allowed:
                    break
                config = machine.advance(config, draws.choice(allowed))
                assert config is not None
