"""Random walks through masks under a token budget end in sentences, by Lark's verdict."""

from __future__ import annotations

import random

import pytest

from structgen import grammars
from structgen.masks.matcher import Matcher
from tests.grammars.judges import constraint, lark_accepts
from tests.grammars.test_shipped import NAMES
from tests.grammars.walks import piece_vocabulary, walk
from tests.support import vocabularies


def check_walks(name: str, matcher: Matcher, n_walks: int, budgets: tuple[int, ...]) -> None:
    rng = random.Random(5)
    for _ in range(n_walks):
        text = walk(matcher.fork(), rng.choice(budgets), rng)
        assert lark_accepts(name, text), text


@pytest.mark.parametrize("name", ["arithmetic", "csv", "iso8601", "json", "mermaid", "smiles", "xml"])
def test_walks_with_a_small_vocabulary_finish_in_sentences(name: str) -> None:
    check_walks(name, constraint(name).bind(piece_vocabulary(name)).start(), 4, (8, 16, 30))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_three_hundred_walks_finish_in_sentences(name: str) -> None:
    check_walks(name, constraint(name).bind(piece_vocabulary(name)).start(), 300, (8, 12, 20, 40))


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.parametrize("name", NAMES)
def test_walks_with_a_large_vocabulary_finish_in_sentences(name: str) -> None:
    check_walks(name, constraint(name).bind(vocabularies.tokenizer("llama3_1")).start(), 10, (10, 25))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("xml", "<?xml"),
        ("xml", "<a>]]"),
        ("python", "\n "),
        ("python", "x = (1 #"),
        ("python", 'f"{if'),
        ("python", "x = (\t"),
        ("python", "match"),
        ("python", "class A:\t"),
        ("python", "if x:\n"),
        ("python", "if x:\n    y\n  "),
        ("mermaid", "%"),
        ("mermaid", "graph LR\n %%"),
        ("c", "#include <a>"),
        ("sql", "select selec"),
    ],
)
def test_what_must_not_end_where_it_could_is_completed(name: str, text: str) -> None:
    found = constraint(name)
    machine = found.bind(vocabularies.all_bytes()).machine
    config = machine.advance_bytes(machine.start(), text.encode())
    assert config is not None
    assert found.accepts(text.encode() + machine.shortest_completion(config))


def test_examples_can_be_walked() -> None:
    """Every accepted example is a path through the masks, token by token."""
    for name in ("json", "sql", "python"):
        vocabulary = piece_vocabulary(name)
        machine = constraint(name).bind(vocabulary).machine
        for text in grammars.examples(name).accepted:
            matcher = Matcher(machine)
            for token_id in vocabulary.encode_bytes(text.encode()):
                matcher.advance(token_id)
            assert matcher.is_accepting
