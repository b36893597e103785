"""The grammars that come with the package: examples, and the same verdicts as Lark's own."""

from __future__ import annotations

import random

import pytest

import structgen as sg
from structgen import grammars
from tests.grammars.judges import constraint, lark_accepts
from tests.grammars.lexemes import LEXEMES
from tests.grammars.sentences import Sentences, mutations

NAMES = [
    "arithmetic", "c", "csv", "graphql", "iso8601", "json", "lisp", "ltl", "mermaid", "pddl", "python", "regex",
    "smiles", "sql", "xml",
]  # fmt: skip


def test_all_grammars_are_listed() -> None:
    assert grammars.names() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_grammar_is_lalr_without_conflicts_and_says_what_it_leaves_out(name: str) -> None:
    found = constraint(name)
    assert found.parser == "lalr"
    assert found.chosen.tables is not None and found.chosen.tables.is_lalr
    assert found.warnings == ()
    head = grammars.text(name).split("\n\n")[0]
    assert all(line.startswith("//") for line in head.splitlines())
    assert "left out" in head.lower() or "Complete" in head


@pytest.mark.parametrize("name", NAMES)
def test_examples_get_their_verdicts_here_and_from_lark(name: str) -> None:
    accepted, rejected = sg.grammars.examples(name)
    found = constraint(name)
    assert [text for text in accepted if not found.accepts(text)] == []
    assert [text for text in rejected if found.accepts(text)] == []
    assert [text for text in accepted if not lark_accepts(name, text.encode())] == []
    assert [text for text in rejected if lark_accepts(name, text.encode())] == []


def test_an_unknown_name_is_a_key_error() -> None:
    for call in (grammars.load, grammars.text, grammars.examples):
        with pytest.raises(KeyError):
            call("klingon")


@pytest.mark.parametrize(
    ("n_sentences", "n_mutations"), [(15, 40), pytest.param(250, 600, marks=pytest.mark.slow)], ids=["few", "many"]
)
@pytest.mark.parametrize("name", NAMES)
def test_verdicts_are_larks_on_sentences_and_on_single_byte_mutations(
    name: str, n_sentences: int, n_mutations: int
) -> None:
    found = constraint(name)
    source = Sentences(found.grammar, 1, lexemes=LEXEMES.get(name))
    texts = [source.one() for _ in range(n_sentences)]
    sentences = [text for text in texts if lark_accepts(name, text.encode())]
    assert len(sentences) > n_sentences // 2  # the others: lexemes that ran together
    if n_sentences > 200:
        assert len(sentences) >= 200
        assert not source.unused
    data = [text.encode() for text in texts]
    data += mutations([*sentences, *grammars.examples(name).accepted], n_mutations, random.Random(2))
    verdicts = [lark_accepts(name, each) for each in data]
    assert [each for each, verdict in zip(data, verdicts, strict=True) if found.accepts(each) != verdict] == []
    assert n_sentences < 200 or verdicts.count(False) >= 50
