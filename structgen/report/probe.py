"""Look into a constraint byte by byte: draw samples, find where a text is refused.

No tokenizer is needed: the vocabulary is the 256 bytes, so what is seen is the language
itself, whatever the split into tokens.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from structgen.constraint import Constraint
from structgen.dtypes import n_words
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["Refusal", "byte_vocabulary", "describe_bytes", "draw_texts", "explain", "first_mask"]

_END = 256
_PLAIN = frozenset(b' abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"{}[],:.-+_@/')


@lru_cache(maxsize=1)
def byte_vocabulary() -> Vocabulary:
    """One token per byte, and end of sequence."""
    return Vocabulary.from_bytes([*(bytes([value]) for value in range(256)), b"</s>"], eos_ids=[_END])


@dataclass(frozen=True)
class Refusal:
    """Where a text stops being acceptable.

    Parameters
    ----------
    offset : bytes accepted before the refusal
    refused : the byte refused; None where the text ends too early
    expected : bytes that could have come instead
    may_end : whether the text could have ended there
    """

    offset: int
    refused: int | None
    expected: frozenset[int]
    may_end: bool

    def __str__(self) -> str:
        found = "the text ends" if self.refused is None else f"{describe_bytes([self.refused])} is refused"
        options = [describe_bytes(self.expected)] if self.expected else []
        options += ["the end"] if self.may_end else []
        return f"at byte {self.offset} {found}; expected {' or '.join(options) or 'nothing'}"


def explain(constraint: Constraint, text: str) -> Refusal | None:
    """The first byte of ``text`` that the constraint refuses; None where it accepts all of it."""
    matcher = constraint.bind(byte_vocabulary()).start()
    data = text.encode("utf-8", errors="surrogatepass")
    for offset, byte in enumerate(data):
        if not matcher.try_advance(byte):
            return _refusal(matcher, offset, byte)
    return None if matcher.is_accepting else _refusal(matcher, len(data), None)


def first_mask(constraint: Constraint) -> None:
    """Compile as far as the first mask over bytes needs."""
    row = np.zeros(n_words(_END + 1), dtype=np.uint32)
    constraint.bind(byte_vocabulary()).start().fill_mask(row)


def draw_texts(constraint: Constraint, n: int, *, seed: int = 0, max_bytes: int = 400) -> list[str]:
    """``n`` random texts of the constraint, each complete within ``max_bytes`` where one so short exists.

    Raises
    ------
    IncompleteError : no text fits ``max_bytes``
    """
    bound = constraint.bind(byte_vocabulary())
    source = random.Random(seed)
    return [_draw(bound.start(), source, max_bytes) for _ in range(n)]


def _draw(matcher: object, source: random.Random, max_bytes: int) -> str:
    from structgen.masks.matcher import Matcher

    assert isinstance(matcher, Matcher)
    row = np.zeros(n_words(_END + 1), dtype=np.uint32)
    for budget in range(max_bytes + 1, 0, -1):
        matcher.fill_mask(row, budget)
        allowed = _allowed(row)
        plain = [token for token in allowed if token in _PLAIN]
        if _END in allowed and (len(allowed) == 1 or source.random() < 0.3):
            break
        # Mostly plain characters, so that people can read the samples.
        token = source.choice(plain if plain and source.random() < 0.97 else [t for t in allowed if t != _END])
        matcher.advance(token)
    return matcher.text


def _refusal(matcher: object, offset: int, refused: int | None) -> Refusal:
    from structgen.masks.matcher import Matcher

    assert isinstance(matcher, Matcher)
    row = np.zeros(n_words(_END + 1), dtype=np.uint32)
    matcher.fill_mask(row)
    allowed = _allowed(row)
    return Refusal(offset, refused, frozenset(t for t in allowed if t < _END), _END in allowed)


def _allowed(row: np.ndarray[tuple[int, ...], np.dtype[np.uint32]]) -> list[int]:
    return [t for t in range(_END + 1) if int(row[t >> 5]) >> (t & 31) & 1]


def describe_bytes(values: Iterable[int]) -> str:
    """Bytes for people: printable characters as they are, runs as ranges, others in hexadecimal."""
    runs: list[list[int]] = []
    for value in sorted(values):
        if runs and value == runs[-1][1] + 1:
            runs[-1][1] = value
        else:
            runs.append([value, value])
    shown = [_one(a) if a == b else f"{_one(a)}-{_one(b)}" for a, b in runs]
    return " ".join(shown[:12]) + (f" and {len(shown) - 12} more" if len(shown) > 12 else "")


def _one(value: int) -> str:
    names = {0x20: "space", 0x0A: "newline", 0x0D: "return", 0x09: "tab"}
    return names.get(value) or (chr(value) if 0x21 <= value < 0x7F else f"0x{value:02x}")
