"""Tokens by shape, so that one witness stands for hundreds of tokens alike.

A shape is the token's bytes with letters, digits and the like folded and repeats dropped:
``"foo`` and ``"bar`` are both ``"a``. Engines that differ usually differ on shapes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from jsonschemabench.engines.base import EngineVocabulary, TokenRow

__all__ = ["Shapes", "TokenIds", "allowed_ids", "in_string", "is_allowed", "ordinary_row", "shape_of"]

TokenIds = npt.NDArray[np.int64]

_KEPT = b'"\\/{}[]:,.-+ '


def _fold(byte: int) -> str:
    if byte in _KEPT:
        return chr(byte)
    named = {0x09: "<tab>", 0x0A: "<newline>", 0x0D: "<return>", 0x7F: "<0x7f>"}
    if byte in named:
        return named[byte]
    if byte < 0x20:
        return "<control>"
    if byte >= 0x80:
        return "<high>"
    character = chr(byte)
    return "0" if character.isdigit() else "a" if character.isalpha() else "!"


_FOLDED = [_fold(byte) for byte in range(256)]


def shape_of(spelling: bytes) -> str:
    folded: list[str] = []
    for byte in spelling:
        part = _FOLDED[byte]
        if not folded or folded[-1] != part:
            folded.append(part)
    return "".join(folded[:6])


class Shapes:
    """The shape of every token, as numbers, and of each shape its tokens in order of length."""

    def __init__(self, token_bytes: Sequence[bytes]) -> None:
        numbers: dict[str, int] = {}
        self.of_token: npt.NDArray[np.int32] = np.array(
            [numbers.setdefault(shape_of(spelling), len(numbers)) for spelling in token_bytes], dtype=np.int32
        )
        self.names = list(numbers)
        self.length: npt.NDArray[np.int32] = np.array([len(spelling) for spelling in token_bytes], dtype=np.int32)

    def shortest_of_each(self, tokens: TokenIds) -> list[tuple[str, int]]:
        """(shape, shortest token of it) among ``tokens``, in no particular order."""
        order = tokens[np.argsort(self.length[tokens], kind="stable")]
        _, first = np.unique(self.of_token[order], return_index=True)
        return [(self.names[self.of_token[token]], int(token)) for token in order[first]]


def allowed_ids(row: TokenRow, n_tokens: int) -> TokenIds:
    """The token ids set in a packed mask, ascending."""
    return np.flatnonzero(np.unpackbits(row.view(np.uint8), bitorder="little")[:n_tokens])


def is_allowed(row: TokenRow, token: int) -> bool:
    return bool(int(row[token >> 5]) >> (token & 31) & 1)


def ordinary_row(vocabulary: EngineVocabulary) -> TokenRow:
    """The packed mask of all tokens that spell something."""
    bits = np.zeros(vocabulary.n_words * 32, dtype=np.uint8)
    bits[: vocabulary.n_tokens] = [bool(spelling) for spelling in vocabulary.token_bytes]
    return np.packbits(bits, bitorder="little").view(np.uint32)


def in_string(prefix: bytes) -> bool:
    """Whether JSON text ends inside a string."""
    inside = False
    escaped = False
    for byte in prefix:
        if escaped:
            escaped = False
        elif inside and byte == 0x5C:
            escaped = True
        elif byte == 0x22:
            inside = not inside
    return inside
