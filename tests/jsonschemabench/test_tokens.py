from __future__ import annotations

import json
from pathlib import Path

import pytest

from jsonschemabench.errors import InputError
from jsonschemabench.tokens import Tokenizer, byte_level_spelling, find_tokenizer
from tests.support.data import data_path


def test_encoding_spells_the_text_again(tokenizer: Tokenizer) -> None:
    for text in ("abcab", '{"é": "\t\u2028😀"}', "", "\x00\x7f"):
        assert tokenizer.decode(tokenizer.encode(text)) == text.encode()


def test_greedy_takes_the_longest_token(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode_greedy(b"abcab")
    assert [tokenizer.vocabulary.token_bytes[token] for token in ids] == [b"abc", b"ab"]


def test_special_tokens_have_no_bytes_and_text_never_becomes_one(tokenizer: Tokenizer) -> None:
    (eos,) = tokenizer.vocabulary.eos_ids
    assert tokenizer.vocabulary.token_bytes[eos] == b""
    assert eos in tokenizer.vocabulary.special_ids
    assert eos not in tokenizer.encode("<|end_of_text|>")


def test_byte_level_spelling_is_a_bijection() -> None:
    assert len({byte_level_spelling(bytes([byte])) for byte in range(256)}) == 256


def test_sentencepiece_spellings_become_bytes(tmp_path: Path) -> None:
    pytest.importorskip("tokenizers")
    vocab = {"<eos>": 0, "▁a": 1, "<0x0A>": 2, "é": 3}
    document = {"version": "1.0", "added_tokens": [], "model": {"type": "BPE", "vocab": vocab, "merges": []}}
    path = tmp_path / "t.json"
    path.write_text(json.dumps(document))
    assert Tokenizer(path).vocabulary.token_bytes == (b"", b" a", b"\n", "é".encode())


def test_a_tokenizer_without_end_of_sequence_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("tokenizers")
    path = tmp_path / "t.json"
    path.write_text(
        json.dumps({"version": "1.0", "added_tokens": [], "model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}})
    )
    with pytest.raises(InputError) as caught:
        Tokenizer(path)
    assert caught.value.path == path


def test_unreadable_tokenizers_are_input_errors(tmp_path: Path) -> None:
    pytest.importorskip("tokenizers")
    path = tmp_path / "t.json"
    path.write_text("{")
    with pytest.raises(InputError):
        Tokenizer(path)
    with pytest.raises(InputError):
        find_tokenizer("no-such-tokenizer", tmp_path)


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("name", ["llama3_1", "gpt4o", "gemma3"])
def test_real_tokenizers_spell_text_again(name: str) -> None:
    tokenizer = Tokenizer(data_path("tokenizers", f"{name}.json"))
    for text in ('{"a": "é日本 \\n\t x"}', " a", "😀\x7f"):
        assert tokenizer.decode(tokenizer.encode(text)) == text.encode()
        assert tokenizer.decode(tokenizer.encode_greedy(text.encode())) == text.encode()
