"""A ``tokenizer.json`` as text → ids and id → bytes, the same for every engine.

Two spellings of bytes exist: byte-level BPE writes each byte as one printable character
(GPT-2's table), SentencePiece writes text with ``▁`` for a space and ``<0x0A>`` for a lone
byte. Text is always encoded without special tokens, and is checked to spell the same bytes
again: a tokenizer that adds a leading space would otherwise make every instance invalid.
"""

from __future__ import annotations

import json
import os
import re
from functools import cached_property
from pathlib import Path
from typing import Any

from jsonschemabench.engines.base import EngineVocabulary
from jsonschemabench.errors import InputError

__all__ = ["Tokenizer", "byte_level_spelling", "find_tokenizer"]

_EOS_NAMES = (
    "<|eot_id|>",
    "<|end_of_text|>",
    "<|im_end|>",
    "<|endoftext|>",
    "<eos>",
    "</s>",
    "<end_of_turn>",
    "<|end|>",
)
_BYTE_TOKEN = re.compile(r"^<0x([0-9A-Fa-f]{2})>$")


def find_tokenizer(name: str, data: Path | None = None) -> Path:
    """The file that ``name`` means: a path, or a name in ``tokenizers/`` of the data folder.

    Raises
    ------
    InputError : neither exists
    """
    path = Path(name)
    if path.is_file():
        return path
    folders = [data / "tokenizers"] if data is not None else []
    for folder in folders:
        candidate = folder / f"{name}.json"
        if candidate.is_file():
            return candidate
    looked = "".join(f", nor is there {folder / name}.json" for folder in folders)
    raise InputError(name, f"no such tokenizer file{looked}; pass the path of a tokenizer.json")


class Tokenizer:
    """Encodes text and knows the bytes of every id; ``vocabulary`` is what engines get."""

    def __init__(self, path: Path, eos: tuple[str, ...] = ()) -> None:
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        from tokenizers import Tokenizer as HfTokenizer

        self.path = path
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            self._encoder = HfTokenizer.from_file(str(path))
        except Exception as error:  # the tokenizers package raises bare Exception
            raise InputError(path, f"not a tokenizer.json: {error}") from error
        self._encoder.encode_special_tokens = True
        self._document = document
        self.vocabulary = _vocabulary(path, document, eos)

    def encode(self, text: str) -> list[int]:
        """Token ids that spell exactly ``text``; greedy longest match where the tokenizer adds or drops something."""
        ids: list[int] = self._encoder.encode(text, add_special_tokens=False).ids
        token_bytes = self.vocabulary.token_bytes
        wanted = text.encode("utf-8", "surrogatepass")
        if b"".join([token_bytes[token] for token in ids]) == wanted:
            return ids
        return self.encode_greedy(wanted)

    def encode_greedy(self, data: bytes) -> list[int]:
        """Longest token first; ``InputError`` where a byte has no token."""
        ids: list[int] = []
        position = 0
        while position < len(data):
            for length in range(min(self._longest, len(data) - position), 0, -1):
                token = self._id_of.get(data[position : position + length])
                if token is not None:
                    ids.append(token)
                    position += length
                    break
            else:
                raise InputError(self.path, f"no token spells byte 0x{data[position]:02x}")
        return ids

    def encode_bytewise(self, data: bytes) -> list[int]:
        """One token per byte; empty where some byte has no token of its own."""
        ids = [self._id_of.get(data[position : position + 1], -1) for position in range(len(data))]
        return ids if -1 not in ids else []

    @cached_property
    def _id_of(self) -> dict[bytes, int]:
        return {spelling: token for token, spelling in enumerate(self.vocabulary.token_bytes) if spelling}

    @cached_property
    def _longest(self) -> int:
        return max(map(len, self._id_of))

    def decode(self, ids: list[int]) -> bytes:
        return b"".join(self.vocabulary.token_bytes[token] for token in ids)


def _vocabulary(path: Path, document: dict[str, Any], eos: tuple[str, ...]) -> EngineVocabulary:
    entries = _entries(document)
    added = {item["id"]: item for item in document.get("added_tokens", [])}
    n_tokens = max([*entries.values(), *added]) + 1
    token_bytes = [b""] * n_tokens
    byte_level = _is_byte_level(document)
    for spelling, token in entries.items():
        token_bytes[token] = _byte_level_bytes(spelling) if byte_level else _sentencepiece_bytes(spelling)
    special: set[int] = set()
    for token, item in added.items():
        if item.get("special"):
            special.add(token)
            token_bytes[token] = b""
        else:
            token_bytes[token] = item["content"].encode()
    by_content = {item["content"]: token for token, item in added.items()} | entries
    wanted = eos or tuple(name for name in _EOS_NAMES if name in by_content)
    missing = [name for name in wanted if name not in by_content]
    if missing or not wanted:
        raise InputError(
            path, f"no end-of-sequence token ({', '.join(missing) or 'none of the usual names'}); use --eos"
        )
    eos_ids = tuple(by_content[name] for name in wanted)
    for token in eos_ids:
        special.add(token)
        token_bytes[token] = b""
    return EngineVocabulary(path, tuple(token_bytes), eos_ids, frozenset(special))


def _entries(document: dict[str, Any]) -> dict[str, int]:
    vocabulary = document["model"]["vocab"]
    if isinstance(vocabulary, list):  # Unigram: [[piece, score], ...]
        return {piece: token for token, (piece, _score) in enumerate(vocabulary)}
    return dict(vocabulary)


def _is_byte_level(document: dict[str, Any]) -> bool:
    return '"type": "ByteLevel"' in json.dumps([document.get("pre_tokenizer"), document.get("decoder")])


def _byte_level_table() -> dict[str, int]:
    """GPT-2's printable character for each byte: itself where printable, else 256 and up in order."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    table = {chr(byte): byte for byte in printable}
    return table | {chr(256 + offset): byte for offset, byte in enumerate(others)}


_BYTE_LEVEL = _byte_level_table()
_BYTE_LEVEL_CHARACTER = {byte: character for character, byte in _BYTE_LEVEL.items()}


def byte_level_spelling(data: bytes) -> str:
    """How a byte-level tokenizer writes some bytes."""
    return "".join(_BYTE_LEVEL_CHARACTER[byte] for byte in data)


def _byte_level_bytes(spelling: str) -> bytes:
    try:
        return bytes([_BYTE_LEVEL[character] for character in spelling])
    except KeyError:
        return spelling.encode()


def _sentencepiece_bytes(spelling: str) -> bytes:
    match = _BYTE_TOKEN.match(spelling)
    if match is not None:
        return bytes([int(match.group(1), 16)])
    return spelling.replace("▁", " ").encode()
