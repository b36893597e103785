"""The disk cache: what is saved comes back, what is damaged is rebuilt, nothing is pickled."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from structgen.vocab import Vocabulary, store
from tests.support import vocabularies

SOURCE = {
    "model": {"type": "BPE", "vocab": {"a": 0, "Ġb": 1}},
    "decoder": {"type": "ByteLevel"},
    "added_tokens": [{"id": 2, "content": "</s>", "special": True}],
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STRUCTGEN_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache" / "vocabularies"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(SOURCE))
    return path


def test_what_is_saved_comes_back() -> None:
    for make in vocabularies.ALL.values():
        vocabulary = make()
        assert store.save("key", vocabulary)
        loaded = store.load("key")
        assert loaded is not None
        assert loaded.tokens == vocabulary.tokens
        assert loaded.eos_ids == vocabulary.eos_ids
        assert loaded.special_texts == vocabulary.special_texts
        assert loaded.content_hash == vocabulary.content_hash
        for mine, theirs in zip(loaded.trie, vocabulary.trie, strict=True):
            assert mine.dtype == theirs.dtype and (mine == theirs).all() and not mine.flags.writeable


def test_a_second_load_does_not_read_the_tokenizer_again(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Vocabulary.from_tokenizer_json(source)
    monkeypatch.setattr("structgen.vocab.tokenizer_json.parse", lambda *_: pytest.fail("parsed again"))
    assert Vocabulary.from_tokenizer_json(source) == first


def test_another_content_or_other_ends_are_another_entry(source: Path, folder: Path) -> None:
    Vocabulary.from_tokenizer_json(source)
    assert Vocabulary.from_tokenizer_json(source, eos_ids=[1, 2]).eos_ids == (1, 2)
    source.write_text(json.dumps(SOURCE) + " ")
    Vocabulary.from_tokenizer_json(source)
    assert len(list(folder.glob("*.npz"))) == 3


@pytest.mark.parametrize("damage", ["empty", "cut", "flipped", "text", "other"])
def test_a_damaged_file_is_rebuilt(source: Path, folder: Path, damage: str) -> None:
    first = Vocabulary.from_tokenizer_json(source)
    (path,) = folder.glob("*.npz")
    whole = path.read_bytes()
    if damage == "other":
        np.savez(path, meta=np.zeros(3))
    else:
        middle = len(whole) // 2
        flipped = whole[:middle] + bytes([whole[middle] ^ 0xFF]) + whole[middle + 1 :]
        path.write_bytes({"empty": b"", "cut": whole[:-40], "flipped": flipped, "text": b"hello"}[damage])
    assert Vocabulary.from_tokenizer_json(source) == first
    assert path.read_bytes() != b"" and store.load(path.stem) == first


def test_no_half_written_files_stay(source: Path, folder: Path) -> None:
    Vocabulary.from_tokenizer_json(source)
    assert [path.suffix for path in folder.iterdir()] == [".npz"]


@pytest.mark.skipif(os.name == "nt", reason="needs a folder that is a file")
def test_a_folder_that_cannot_be_written_is_no_error(source: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("in the way")
    assert Vocabulary.from_tokenizer_json(source).n_tokens == 3


def test_the_environment_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert store.cache_dir() == tmp_path / "cache"
    monkeypatch.delenv("STRUCTGEN_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setattr("sys.platform", "linux")
    assert store.cache_dir() == tmp_path / "xdg" / "structgen"
