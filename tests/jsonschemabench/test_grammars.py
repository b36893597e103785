from __future__ import annotations

from pathlib import Path

import lark
import pytest

from jsonschemabench.commands.grammars_command import OWN_GRAMMARS
from jsonschemabench.errors import InputError
from jsonschemabench.grammars import grammar_jobs, grammar_paths, read_examples
from jsonschemabench.jobs import Plan, measure
from jsonschemabench.rows import read_rows


@pytest.mark.parametrize("path", sorted(OWN_GRAMMARS.glob("*.lark")), ids=lambda path: path.name)
def test_examples_agree_with_lark(path: Path) -> None:
    parser = lark.Lark(path.read_text(), parser="lalr")
    examples = read_examples(path)
    for text in examples["accepts"]:
        parser.parse(text)
    for text in examples["rejects"]:
        with pytest.raises(lark.exceptions.LarkError):
            parser.parse(text)


def test_every_grammar_has_examples_of_both_kinds_and_a_purpose() -> None:
    for path in grammar_paths(OWN_GRAMMARS):
        examples = read_examples(path)
        assert examples["accepts"] and examples["rejects"] and examples["purpose"]


def test_a_grammar_is_measured_like_a_schema(tmp_path: Path, tokenizer_path: Path) -> None:
    (tmp_path / "toy.gbnf").write_text("ab|abab")
    (tmp_path / "toy.examples.json").write_text('{"accepts": ["ab", "abab"], "rejects": ["a", "abc"]}')
    (tmp_path / "bare.lark").write_text("x")
    out = tmp_path / "r.jsonl"
    engine = "tests.jsonschemabench.toy_engines:TextsEngine"
    measure(Plan([engine], tokenizer_path, out), grammar_jobs(grammar_paths(tmp_path)))
    bare, toy = (row for row in read_rows(out) if row["kind"] == "row")
    assert bare["status"] == "unreadable"
    assert toy["accepted"] == toy["valid"] == [True, True, False, False]


def test_a_folder_without_grammars_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        grammar_paths(tmp_path)
