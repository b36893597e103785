"""A tokenizer of every byte and a few longer tokens, as a tokenizer.json on disk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jsonschemabench.tokens import Tokenizer, byte_level_spelling

WORDS = ["ab", "abc", '": ', ", ", "\\/", '{"', '"}', "aa", "\t\t", "é"]


@pytest.fixture(scope="session")
def tokenizer_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("tokenizers")
    pieces = [bytes([byte]) for byte in range(256)] + [word.encode() for word in WORDS]
    document = {
        "version": "1.0",
        "added_tokens": [
            {"id": len(pieces), "content": "<|end_of_text|>", "special": True, "single_word": False}
            | {"lstrip": False, "rstrip": False, "normalized": False}
        ],
        "normalizer": None,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False},
        "post_processor": None,
        "decoder": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False},
        "model": {
            "type": "BPE",
            "vocab": {byte_level_spelling(piece): number for number, piece in enumerate(pieces)},
            "merges": [["a", "b"], ["ab", "c"], ["a", "a"]],
        },
    }
    path = tmp_path_factory.mktemp("tokenizer") / "toy.json"
    path.write_text(json.dumps(document))
    return path


@pytest.fixture(scope="session")
def tokenizer(tokenizer_path: Path) -> Tokenizer:
    return Tokenizer(tokenizer_path)
