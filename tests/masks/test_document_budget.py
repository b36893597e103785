"""Budgets of JSON against an adversary who takes the token after which the end is farthest."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import structgen as sg
from structgen.masks import document_budget
from structgen.masks.mask import allowed_ids, empty_mask
from tests.masks.test_document_machine import pieces

FAR = [f"long name {number}" for number in range(12)]


def tagged(tag: str, *required: str) -> dict[str, Any]:
    return {"properties": {"id": {"const": tag}}, "required": ["id", *required]}


CASES: dict[str, Any] = {
    "constants": {"enum": ["a", "b" * 300]},
    "pattern": {"type": "string", "pattern": "^(a|b{200})$"},
    "numbers": {"enum": [1, int("2" * 200)]},
    "lengths": {"type": "string", "anyOf": [{"maxLength": 2}, {"minLength": 200}]},
    "names": {"type": "object", "properties": {"a" * 200: True, "b": True}, "additionalProperties": False},
    "dependencies": {"type": "object", "dependentRequired": {"a": FAR}},
    "conditions": {"type": "object", "if": {"required": ["a"]}, "then": {"required": FAR}},
    "tags": {"type": "object", "oneOf": [tagged("a"), tagged("ab", *FAR), tagged("name", *FAR, "x")]},
    "tags of items": {"items": {"type": "object", "anyOf": [tagged("a"), tagged("b", *FAR)]}, "uniqueItems": True},
    "inner tags": {
        "type": "object",
        "properties": {"a": {"type": "object", "properties": {"id": {"enum": ["a", "b"]}}, "required": ["id"]}},
        "required": ["a"],
        "if": {"properties": {"a": {"properties": {"id": {"const": "b"}}}}},
        "then": {"required": FAR},
    },
    "counts": {"type": "array", "if": {"contains": {"const": 1}}, "then": {"minItems": 40}},
    "equal": {"type": "array", "oneOf": [{"uniqueItems": True}, {"minItems": 30}]},
    "lengths of values": {
        "type": "object",
        "properties": {"a": {"type": "string", "anyOf": [{"maxLength": 2}, {"minLength": 90}]}},
        "required": ["a"],
    },
    "length in a branch": {
        "type": "object",
        "properties": {"k": {"enum": ["x", "y"]}, "v": {"type": "string"}},
        "required": ["k", "v"],
        "if": {"properties": {"k": {"const": "y"}}},
        "then": {"properties": {"v": {"minLength": 120}}},
    },
    "names by pattern": {"type": "object", "propertyNames": {"pattern": "^(a+|b{60})$"}, "minProperties": 1},
    "far items": {
        "items": {"anyOf": [{"type": "integer"}, {"type": "array", "minItems": 30, "items": {"const": "b"}}]}
    },
}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("most_tried", [1000, 10])
@pytest.mark.parametrize("name", CASES)
def test_every_walk_ends_within_its_budget(name: str, most_tried: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """``most_tried``: with few, text is kept or dropped as a whole, as it is with large vocabularies."""
    monkeypatch.setattr(document_budget, "MOST_TRIED", most_tried)
    vocabulary = pieces()
    is_valid = Draft202012Validator(CASES[name]).is_valid
    constraint = sg.json_schema(CASES[name]).bind(vocabulary)
    row = empty_mask(vocabulary.n_tokens)
    for seed in range(6):
        choose = random.Random(f"{name} {seed}")
        matcher = constraint.start()
        budget = len(matcher.shortest_completion_tokens()) + choose.choice([0, 5, 30, 70])
        for left in range(budget, 0, -1):
            matcher.fill_mask(row, left)
            allowed = [t for t in allowed_ids(row, vocabulary.n_tokens).tolist() if t not in vocabulary.eos_ids]
            tokens = choose.sample(allowed, min(8, len(allowed)))
            tokens += [token for token in allowed if vocabulary.tokens[token] in (b'"', b"{", b"a", b"b", b"2")]
            if not tokens:
                break
            matcher.advance(max(tokens, key=lambda token: ends_in(matcher, token)))
        assert matcher.is_accepting, matcher.text
        assert is_valid(json.loads(matcher.text)), matcher.text


def ends_in(matcher: Any, token: int) -> int:
    fork = matcher.fork()
    fork.advance(token)
    return len(fork.shortest_completion())


def test_masks_are_free_where_the_budget_is_comfortable() -> None:
    vocabulary = pieces()
    matcher = sg.json_schema(CASES["tags"]).bind(vocabulary).start()
    free, within = empty_mask(vocabulary.n_tokens), empty_mask(vocabulary.n_tokens)
    for data in (b"", b'{"id', b'":"', b'ab"', b', "'):
        assert matcher.advance_bytes(data) if data else True
        matcher.fill_mask(free)
        matcher.fill_mask(within, 2000)
        assert (free == within).all()


def test_long_completions_are_spelled_right_where_they_share_their_ends() -> None:
    item = {"type": "object", "properties": {"name": {"type": "integer"}}, "required": ["name"]}
    vocabulary = pieces()
    matcher = sg.json_schema({"type": "array", "items": item, "minItems": 80}).bind(vocabulary).start()
    row = empty_mask(vocabulary.n_tokens)
    choose = random.Random(5)
    budget = len(matcher.shortest_completion_tokens()) + 6
    for left in range(budget, budget - 25, -1):
        matcher.fill_mask(row, left)
        matcher.advance(choose.choice(allowed_ids(row, vocabulary.n_tokens).tolist()))
        fork = matcher.fork()
        tokens = fork.shortest_completion_tokens()
        assert len(tokens) < left
        for token in tokens:
            fork.advance(token)
        assert fork.is_finished


def test_a_long_plan_of_a_generous_budget_does_not_hide_a_short_one() -> None:
    vocabulary = pieces()
    names: dict[str, Any] = {f"p{number}": {} for number in range(40)}
    constraint = sg.json_schema({"type": "object", "properties": names, "maxProperties": 40}).bind(vocabulary)
    matcher = constraint.start()
    row = empty_mask(vocabulary.n_tokens)
    for token in vocabulary.encode_bytes(json.dumps(dict.fromkeys(list(names)[:6], 0)).encode()):
        shortest = len(matcher.shortest_completion_tokens())
        matcher.fork().fill_mask(row, shortest + 30)
        matcher.fork().fill_mask(row, shortest)
        assert row.any()
        matcher.advance(token)


def test_an_array_is_ended_though_one_search_has_no_room_for_all_its_items() -> None:
    matcher = sg.json_schema(CASES["counts"]).bind(pieces()).start()
    for text in (b"[1 ", b"[1,-6 ", b"[2,1 ", b"[1,2, "):
        fork = matcher.fork()
        assert fork.advance_bytes(text)
        whole = json.loads(text + fork.shortest_completion())
        assert len(whole) == 40


def test_a_token_whose_end_is_not_found_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Searches are budgeted: where one gives up, no end can be promised, and the mask goes on without it."""
    vocabulary = pieces()
    matcher = sg.json_schema({"type": "object", "properties": {"a": {"minLength": 9}}}).bind(vocabulary).start()
    machine: Any = matcher.machine
    budget = len(matcher.shortest_completion_tokens())
    monkeypatch.setattr(machine, "shortest_completion", give_up)
    row = empty_mask(vocabulary.n_tokens)
    matcher.fill_mask(row, budget + 9)
    assert row.any()


def give_up(config: Any) -> bytes:
    raise sg.LimitError("no way to end the document was found", what="searches given up", given=1, limit=0)
