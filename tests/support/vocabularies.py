"""Vocabularies that show what real ones hide: split characters, duplicates, empty and long tokens."""

from __future__ import annotations

import random
from functools import cache

from structgen.vocab import Vocabulary
from tests.support.data import data_path

__all__ = ["ALL", "all_bytes", "hostile", "letters", "random_tokens", "tokenizer"]


@cache
def all_bytes() -> Vocabulary:
    """Every byte, and end of sequence; nothing to merge."""
    return Vocabulary.from_bytes([*(bytes([b]) for b in range(256)), b"</s>"], eos_ids=[256])


@cache
def letters() -> Vocabulary:
    """A few letters and digits only: most constraints lack bytes here."""
    return Vocabulary.from_bytes([b"a", b"b", b"ab", b"ba", b"0", b"1", b"01", b"</s>"], eos_ids=[7])


@cache
def hostile() -> Vocabulary:
    """All bytes, pieces of characters, duplicates, empty tokens, very long tokens, ids with no text in odd places."""
    tokens: list[bytes] = [b"<pad>", b"", b"a", b"a", b"ab", b"", b"<eos>"]
    tokens += [bytes([b]) for b in range(256)]
    snowman, face = "☃".encode(), "😀".encode()
    tokens += [snowman, snowman[:1], snowman[:2], snowman[1:], snowman[2:], face[:3], face[3:], b"x" + face[:2]]
    tokens += [face + snowman[:1], face, face]
    tokens += [b"a" * n for n in (2, 3, 7, 31, 32, 33, 500)] + [b"ab" * 40, b"0123456789" * 30]
    tokens += [b"<eot>", b'"', b'":', b'{"', b'"}', b"\\u", b"\\", b'\\"', b"ab", b"\x00", b"\xff\xfe", b"\n\n", b" "]
    tokens += [b"20", b"201", b"2024", b"24-", b"-0", b"-", b"a b", b" a", b"b a "]
    eos = [6, tokens.index(b"<eot>")]
    return Vocabulary.from_bytes(tokens, eos_ids=eos, special_ids=[0])


@cache
def random_tokens(seed: int = 0, n: int = 400) -> Vocabulary:
    """All bytes, and random short tokens over a handful of letters (duplicates happen)."""
    rng = random.Random(seed)
    tokens = [bytes([b]) for b in range(256)]
    alphabet = [*(bytes([b]) for b in b'ab01-" ,:{}\\'), "é".encode(), "é".encode()[:1], "é".encode()[1:]]
    tokens += [b"".join(rng.choices(alphabet, k=rng.randint(0, 6))) for _ in range(n)]
    tokens.append(b"</s>")
    return Vocabulary.from_bytes(tokens, eos_ids=[len(tokens) - 1])


@cache
def tokenizer(name: str) -> Vocabulary:
    """A real one: ``llama3_1``, ``gpt4o`` or ``gemma3``; skips where the data is absent."""
    return Vocabulary.from_tokenizer_json(data_path("tokenizers", f"{name}.json"))


ALL = {"all_bytes": all_bytes, "letters": letters, "hostile": hostile, "random": random_tokens}
