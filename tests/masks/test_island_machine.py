"""Grammars with JSON and special tokens in them: masks against every token tried, budgets, names."""

from __future__ import annotations

import json
import random

import pytest

import structgen as sg
from structgen.errors import GrammarSyntaxError, SchemaError, UnsupportedError, VocabularyError
from structgen.grammar_constraint import lark
from structgen.masks.island_machine import IslandMachine
from structgen.masks.mask import allowed_ids, empty_mask
from structgen.masks.matcher import Matcher

CALLS = """
start: call (";" call)* [END]
call: NAME "(" ARGS ")" | "say" /[a-z]+/ %json {"type": "integer", "minimum": 0} | <|tool|> NAME
ARGS: %json {
  "type": "object", "properties": {"a": {"enum": [1, 12, "x"]}}, "required": ["a"], "additionalProperties": false
}
NAME: /[a-z]+/
END: "."
%ignore " "
"""
WORDS = [bytes([b]) for b in b'abcfxye();. {}":0123+-'] + [
    b"say",
    b"f(",
    b'f({"',
    b'{"a',
    b'":1',
    b"})",
    b"});",
    b" (",
    b'{"a":1}',
    b'{"a":1})',
    b'({"a":"x"});f',
    b"12",
    b"12;",
    b" 7 ;",
    b"b7",
    b"b 7.",
    b"\xc3\xa9",
]
TOOL, EOS = len(WORDS), len(WORDS) + 1
VOCABULARY = sg.Vocabulary.from_bytes([*WORDS, b"<|tool|>", b"</s>"], eos_ids=[EOS], special_ids=[TOOL])


def machine() -> IslandMachine:
    found = lark(CALLS).bind(VOCABULARY).machine
    assert isinstance(found, IslandMachine)
    return found


@pytest.mark.parametrize("seed", range(6))
def test_masks_are_the_tokens_whose_bytes_can_be_read(seed: int) -> None:
    bound, rng, row = machine(), random.Random(seed), empty_mask(VOCABULARY.n_tokens)
    for _ in range(6):
        config = bound.start()
        for _ in range(14):
            bound.fill_mask(config, row)
            allowed = set(allowed_ids(row, VOCABULARY.n_tokens).tolist())
            wanted = {i for i, word in enumerate(WORDS) if bound.advance_bytes(config, word)}
            wanted |= {TOOL} if bound.advance(config, TOOL) else set()
            wanted |= {EOS} if bound.is_accepting(config) else set()
            assert allowed == wanted
            choices = sorted(allowed - {EOS})
            if not choices:
                break
            config = bound.advance(config, rng.choice(choices))
            assert config is not None


@pytest.mark.parametrize(
    "text",
    ['f({"a":1})', 'ab ( {"a": "x"} ); g({"a":12}).', "say hi 7", "say hi12;say x 0 .", "<|tool|>f",
     "<|tool|> f ;say b3", 'say f1; f({"a":1})'],
)  # fmt: skip
def test_accepted(text: str) -> None:
    assert lark(CALLS).accepts(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        'f({"a":2})',
        'f({"a":1}',
        "say hi -1",
        "say hi 1 2",
        "f",
        "<|tool|>",
        'f({"b":1})',
        "say hi 01",
        'say({"a":1})',
    ],
)
def test_rejected(text: str) -> None:
    assert not lark(CALLS).accepts(text)


@pytest.mark.parametrize("budget", [6, 12, 25])
def test_a_random_walk_under_a_budget_ends_in_a_sentence(budget: int) -> None:
    bound, rng, row = machine(), random.Random(budget), empty_mask(VOCABULARY.n_tokens)
    for _ in range(10):
        matcher, taken = Matcher(bound), list[bytes]()
        for left in range(budget, 0, -1):
            matcher.fill_mask(row, left)
            token = rng.choice(allowed_ids(row, VOCABULARY.n_tokens).tolist())
            if token == EOS:
                break
            matcher.advance(token)
            taken.append(b"<|tool|>" if token == TOOL else WORDS[token])
        assert token == EOS
        assert lark(CALLS).accepts(b"".join(taken))


def test_json_in_a_grammar_is_exact_about_what_grammars_cannot_say() -> None:
    schema = {"type": "array", "items": {"type": "integer"}, "uniqueItems": True, "minItems": 2, "maxItems": 3}
    constraint = lark(f'start: "<" %json {json.dumps(schema)} ">"')
    assert constraint.accepts("<[1,2]>") and not constraint.accepts("<[1]>") and not constraint.accepts("<[1,1]>")


def test_errors_name_their_place() -> None:
    with pytest.raises(GrammarSyntaxError) as caught:
        lark('start: "a" %json {"type": }')
    assert caught.value.span is not None and caught.value.span[0] >= 17
    with pytest.raises(SchemaError):
        lark('start: %json {"type": "nothing"}')
    with pytest.raises(UnsupportedError, match="%regex") as refused:
        lark('start: %regex {"pattern": "a"}')
    assert refused.value.keyword == "%regex"
    with pytest.raises(VocabularyError, match="nowhere"):
        lark("start: <|nowhere|>").bind(VOCABULARY)
    with pytest.raises(UnsupportedError, match="OTHER"):
        lark("start: OTHER\n%declare OTHER")


def test_strings_and_comments_hold_no_islands() -> None:
    constraint = lark('start: "%json" "<|x|>" /%json#/ // %json <|y|>\n')
    assert constraint.accepts("%json<|x|>%json#") and not constraint.schemas and not constraint.grammar.specials


def test_declared_special_tokens_may_be_declared() -> None:
    constraint = lark("start: <|tool|> NAME\nNAME: /[a-z]+/\n%declare <|tool|>")
    assert constraint.accepts("<|tool|>ab") and not constraint.accepts("ab")
