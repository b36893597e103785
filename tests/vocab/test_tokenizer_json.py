"""Reading tokenizer.json: decoders, ends of sequence, refusals; and the real tokenizers against their own decode."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import pytest

from structgen.errors import ModelError, VocabularyError
from structgen.vocab import Vocabulary
from structgen.vocab.pieces import byte_alphabet, piece_decoder
from structgen.vocab.tokenizer_json import parse
from tests.support.data import data_path
from tests.support.vocabularies import tokenizer

SENTENCEPIECE = {
    "type": "Sequence",
    "decoders": [
        {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
        {"type": "ByteFallback"},
        {"type": "Fuse"},
        {"type": "Strip", "content": " ", "start": 1, "stop": 0},
    ],
}


def description(vocab: dict[str, int], decoder: Any, added: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    return {"model": {"type": "BPE", "vocab": vocab}, "decoder": decoder, "added_tokens": added or []}


def special(token_id: int, content: str) -> dict[str, Any]:
    return {"id": token_id, "content": content, "special": True}


END = special(90, "</s>")


def test_byte_alphabet_is_a_bijection_onto_printing_characters() -> None:
    alphabet = byte_alphabet()
    assert len(set(alphabet.values())) == 256
    assert alphabet[ord("a")] == "a" and alphabet[0x20] == "Ġ" and alphabet[0x0A] == "Ċ"
    assert all(char.isprintable() and not char.isspace() for char in alphabet.values())


def test_byte_level_pieces() -> None:
    vocabulary = parse(description({"Ġhi": 0, "Ċ": 1, "Ã©": 2, "Ã": 3}, {"type": "ByteLevel"}, [END]))
    assert vocabulary.tokens[:4] == [b" hi", b"\n", "é".encode(), b"\xc3"]
    assert vocabulary.n_tokens == 91 and vocabulary.eos_ids == (90,)


def test_byte_level_added_text_keeps_its_blanks() -> None:
    added = [END, {"id": 5, "content": "  é", "special": False}]
    vocabulary = parse(description({"a": 0}, {"type": "ByteLevel"}, added))
    assert vocabulary.token_bytes(5) == "  é".encode()


def test_byte_level_piece_outside_the_alphabet_is_text() -> None:
    assert piece_decoder(description({}, {"type": "ByteLevel"}))("a b€") == "a b€".encode()


def test_sentencepiece_pieces() -> None:
    pieces = {"▁hi": 0, "<0xE2>": 1, "<0x0A>": 2, "▁▁": 3, "é": 4, "<0xZZ>": 5}
    vocabulary = parse(description(pieces, SENTENCEPIECE, [END]))
    assert vocabulary.tokens[:6] == [b" hi", b"\xe2", b"\n", b"  ", "é".encode(), b"<0xZZ>"]


def test_metaspace_and_unigram() -> None:
    read = {
        "model": {"type": "Unigram", "vocab": [["<unk>", 0.0], ["▁a", -1.0], ["b", -2.0]]},
        "decoder": {"type": "Metaspace", "replacement": "▁"},
        "added_tokens": [END, special(0, "<unk>")],
    }
    vocabulary = parse(read)
    assert vocabulary.tokens[:3] == [b"", b" a", b"b"] and 0 in vocabulary.special_ids


def test_strip_before_fuse_acts_on_the_piece() -> None:
    steps = [{"type": "Strip", "content": "_", "start": 1, "stop": 1}, {"type": "Fuse"}]
    assert piece_decoder(description({}, {"type": "Sequence", "decoders": steps}))("__a_") == b"_a"


def test_word_suffix_becomes_a_blank() -> None:
    decode = piece_decoder(description({}, {"type": "BPEDecoder", "suffix": "</w>"}))
    assert (decode("hi</w>"), decode("hi")) == (b"hi ", b"hi")


@pytest.mark.parametrize(
    "decoder",
    [None, {"type": "WordPiece", "prefix": "##"}, {"type": "CTC"}, {"type": "Replace", "pattern": {"Regex": "a+"}}],
    ids=["none", "wordpiece", "ctc", "regex"],
)
def test_decoders_without_bytes_per_piece_are_refused(decoder: Any) -> None:
    with pytest.raises(VocabularyError) as caught:
        parse(description({"a": 0}, decoder, [END]))
    assert caught.value.hint is not None


@pytest.mark.parametrize("source", ["[1]", "{}", "not json", '{"model": {"type": "BPE"}}'])
def test_files_that_are_no_tokenizer_are_refused(tmp_path: Path, source: str) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text(source)
    with pytest.raises(VocabularyError):
        Vocabulary.from_tokenizer_json(path, cache=False)


def test_a_missing_file_is_a_vocabulary_error(tmp_path: Path) -> None:
    with pytest.raises(VocabularyError):
        Vocabulary.from_tokenizer_json(tmp_path / "none.json")


def test_no_known_end_is_refused() -> None:
    with pytest.raises(VocabularyError) as caught:
        parse(description({"a": 0}, {"type": "ByteLevel"}))
    assert caught.value.hint == "pass eos_ids"


def test_an_ordinary_piece_that_looks_like_an_end_is_none() -> None:
    with pytest.raises(VocabularyError):
        parse(description({"a": 0, "</s>": 1}, {"type": "ByteLevel"}))


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("generation_config.json", {"eos_token_id": [7, 8]}, (7, 8)),
        ("config.json", {"eos_token_id": 8}, (8,)),
        ("tokenizer_config.json", {"eos_token": "<b>"}, (8,)),
        ("tokenizer_config.json", {"eos_token": {"content": "<a>"}}, (7,)),
    ],
)
def test_ends_come_from_files_beside(tmp_path: Path, name: str, content: Any, expected: tuple[int, ...]) -> None:
    read = description({"a": 0}, {"type": "ByteLevel"}, [special(7, "<a>"), special(8, "<b>"), END])
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(read))
    (tmp_path / name).write_text(json.dumps(content))
    assert Vocabulary.from_tokenizer_json(path, cache=False).eos_ids == expected
    assert Vocabulary.from_tokenizer_json(path, eos_ids=[90], cache=False).eos_ids == (90,)


class _Tokenizer:
    """What ``from_transformers`` reads of a transformers tokenizer."""

    def __init__(self, read: dict[str, Any], eos: int | None) -> None:
        self.backend_tokenizer = self
        self.eos_token_id = eos
        self.all_special_ids = [7]
        self._source = json.dumps(read)

    def to_str(self) -> str:
        return self._source


def test_from_transformers_reads_the_backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRUCTGEN_CACHE_DIR", str(tmp_path))
    read = description({"a": 0, "<a>": 7}, {"type": "ByteLevel"}, [special(8, "<b>")])
    vocabulary = Vocabulary.from_transformers(_Tokenizer(read, 8), eos_ids=[7])
    assert vocabulary.eos_ids == (8, 7) and vocabulary.token_bytes(7) == b""


def test_from_transformers_without_a_backend_is_refused() -> None:
    with pytest.raises(VocabularyError) as caught:
        Vocabulary.from_transformers(object())
    assert caught.value.hint is not None


# --- real tokenizers, against their own decode

TEXTS = [
    'The quick brown fox, 42 times: {"a": [1, 2.5e-3]}\n\tindented\r\n   spaces   ',
    "Grüße aus Zürich — naïve café; Ω≈ç√∫˜µ≤≥÷",
    "Привет, мир! Это проверка. Ще не вмерла.",
    "你好，世界。这是一个测试。日本語のテキストと、한국어 문장입니다.",
    "مرحبا بالعالم، هذا اختبار. שלום עולם. नमस्ते दुनिया। สวัสดีชาวโลก",
    "😀😃👩‍👩‍👧‍👦🏳️‍🌈 🇩🇪🧑🏽‍🚀 ☃️ 𝒳𝓎𝓏 𐍈",
    "def f(x):\n    return x ** 2  # comment\n\n\nclass A: pass",
    "zero\u200bwidth\u00a0nbsp\ufeffbom \u0000\u0001\u001f\u007f end",
]


def random_texts(rng: random.Random, n: int) -> list[str]:
    ranges = [(0x20, 0x7E), (0xA0, 0x2FF), (0x400, 0x4FF), (0x4E00, 0x9FFF), (0x1F300, 0x1FAFF), (0x0, 0x10FFFF)]
    texts = []
    for _ in range(n):
        low, high = rng.choice(ranges)
        codes = [rng.randint(low, high) for _ in range(rng.randint(1, 40))]
        texts.append("".join(chr(c) for c in codes if not 0xD800 <= c < 0xE000))
    return texts


REAL = [
    *(pytest.param(name, marks=pytest.mark.data) for name in ("llama3_1", "gpt4o", "gemma3")),
    pytest.param("smollm2", marks=[pytest.mark.torch, pytest.mark.slow]),
]


def real_path(name: str) -> Path:
    """The tokenizer.json; that of the default model is made from its package where that is installed."""
    if name != "smollm2":
        return data_path("tokenizers", f"{name}.json")
    smollm2 = pytest.importorskip("structgen.models.smollm2")
    try:
        return Path(smollm2.ensure_converted()) / "tokenizer.json"
    except ModelError as error:
        pytest.skip(f"the default model is not at hand: {error.message}")


@pytest.mark.parametrize("name", REAL)
def test_bytes_equal_the_tokenizers_own_decode(name: str) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    real = tokenizers.Tokenizer.from_file(str(real_path(name)))
    vocabulary = Vocabulary.from_tokenizer_json(real_path(name))
    missing = set(vocabulary.missing_bytes())
    for text in [*TEXTS, *random_texts(random.Random(1), 300)]:
        token_ids = real.encode(text, add_special_tokens=False).ids
        own = vocabulary.decode(token_ids)
        assert own.decode("utf-8", "replace") == real.decode(token_ids, skip_special_tokens=True)
        if not missing & set(text.encode()) and not any(i in vocabulary.special_ids for i in token_ids):
            assert own == text.encode()


@pytest.mark.parametrize("name", REAL)
def test_random_token_sequences_equal_the_tokenizers_own_decode(name: str) -> None:
    """Random ids make invalid UTF-8; how many replacement characters that gives differs, so a run counts as one."""
    tokenizers = pytest.importorskip("tokenizers")
    real = tokenizers.Tokenizer.from_file(str(real_path(name)))
    vocabulary = Vocabulary.from_tokenizer_json(real_path(name))
    rng = random.Random(2)
    ordinary = [i for i, token in enumerate(vocabulary.tokens) if token]
    for _ in range(300):
        token_ids = rng.choices(ordinary, k=rng.randint(1, 12))
        own = vocabulary.decode(token_ids).decode("utf-8", "replace")
        assert squeeze(own) == squeeze(real.decode(token_ids, skip_special_tokens=True))


@pytest.mark.data
@pytest.mark.parametrize("name", ["llama3_1", "gpt4o", "gemma3"])
def test_random_bytes_can_be_spelled(name: str) -> None:
    vocabulary = tokenizer(name)
    rng = random.Random(4)
    for n in (1, 10, 100, 1000):
        data = rng.randbytes(n)
        assert vocabulary.decode(vocabulary.encode_bytes(data)) == data


def squeeze(text: str) -> str:
    return re.sub("\ufffd+", "\ufffd", text)
