"""Compiled grammars are kept, found again, and rebuilt where their files are damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from structgen import grammar_store
from structgen.grammar_constraint import GrammarConstraint, gbnf, lark
from structgen.vocab.vocabulary import Vocabulary

GRAMMAR = 'start: "a" start "b" | "c"'
VOCABULARY = Vocabulary.from_bytes([b"a", b"b", b"c", b"</s>"], eos_ids=[3])


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STRUCTGEN_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(grammar_store, "WORTH_KEEPING", -1.0)
    monkeypatch.setattr(grammar_store, "_recent", {})
    return tmp_path / "grammars"


def forget_and_read(monkeypatch: pytest.MonkeyPatch, text: str = GRAMMAR) -> GrammarConstraint:
    monkeypatch.setattr(grammar_store, "_recent", {})
    return lark(text)


def test_the_second_reading_comes_from_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lark(GRAMMAR)
    assert len(list(folder.iterdir())) == 1
    monkeypatch.setattr(grammar_store, "choose_parser", None)
    again = forget_and_read(monkeypatch)
    assert again.accepts("aacbb") and not again.accepts("aacb")


def test_a_damaged_file_is_compiled_anew_and_replaced(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lark(GRAMMAR)
    (path,) = folder.iterdir()
    whole = path.read_bytes()
    for damaged in (b"", whole[:-1], whole[:40] + b"?" + whole[41:]):
        path.write_bytes(damaged)
        assert forget_and_read(monkeypatch).accepts("acb")
        assert path.read_bytes() == whole


def test_other_sources_make_other_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lark(GRAMMAR)
    monkeypatch.setattr(grammar_store, "_sources", lambda: "of another version")
    forget_and_read(monkeypatch)
    assert len(list(folder.iterdir())) == 2


def test_old_files_go(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grammar_store, "MOST_FILES", 3)
    for word in "vwxyz":
        lark(f'start: "{word}"')
    assert len(list(folder.iterdir())) == 3


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("STRUCTGEN_CACHE_DIR", str(tmp_path / "file" / "below"))
    assert lark(GRAMMAR).accepts("c")


def test_options_and_notations_do_not_mix(monkeypatch: pytest.MonkeyPatch) -> None:
    text = 'start: "a" | other\nother: "b"'
    assert lark(text).accepts("a") and not lark(text, start="other").accepts("a")
    assert lark(text, parser="earley").parser == "earley" and lark(text, parser="lalr").parser == "lalr"
    assert gbnf('root ::= "a"').accepts("a")


def test_imported_files_are_read_each_time(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "words.lark").write_text('WORD: "one"')
    text = "start: WORD\n%import words.WORD"
    assert lark(text, import_paths=(str(tmp_path),)).accepts("one")
    (tmp_path / "words.lark").write_text('WORD: "two"')
    assert lark(text, import_paths=(str(tmp_path),)).accepts("two")
    assert not folder.exists()


def test_equal_grammars_share_their_masks_unless_told_not_to() -> None:
    first = lark(GRAMMAR)
    machine = first.bind(VOCABULARY).machine
    assert lark(GRAMMAR).bind(VOCABULARY).machine is machine
    assert lark(GRAMMAR, cache=False).bind(VOCABULARY).machine is not machine
