"""What bytes a tokenizer's piece stands for, by the tokenizer's own decoder section.

A ``tokenizer.json`` decodes in steps over the list of pieces. Those that act on one
piece at a time are followed exactly. Steps that only touch the edges of a whole text
(stripping the blank that SentencePiece puts before the first word) do not apply to text
that continues a prompt, and are left out. Steps that look at neighbouring pieces
(WordPiece's blanks) leave no meaning to a single piece, and are refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from structgen.errors import VocabularyError

__all__ = ["added_decoder", "byte_alphabet", "piece_decoder"]

PieceDecoder = Callable[[str], bytes]
TextStep = Callable[[str], str]

_BYTE_PIECE = re.compile(r"<0x([0-9A-Fa-f]{2})>")
_HINT = "give the bytes of each token to Vocabulary.from_bytes instead"


def byte_alphabet() -> dict[int, str]:
    """GPT-2's printable stand-in for each byte: itself where it prints, else from U+0100 on."""
    prints = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    alphabet = {byte: chr(byte) for byte in prints}
    for byte in range(256):
        if byte not in alphabet:
            alphabet[byte] = chr(0x100 + len(alphabet) - len(prints))
    return alphabet


def piece_decoder(description: dict[str, Any]) -> PieceDecoder:
    """The function from piece to bytes that a parsed ``tokenizer.json`` describes.

    Raises
    ------
    VocabularyError : a piece alone does not determine its bytes
    """
    steps = _steps(description)
    if not steps:
        raise VocabularyError("the tokenizer has no decoder, so its pieces stand for no certain bytes", hint=_HINT)
    return _byte_level() if _is_byte_level(steps) else _text_pieces(steps)


def added_decoder(description: dict[str, Any]) -> PieceDecoder:
    """The same for tokens added beside the model: as pieces, but plain text beside byte-level ones."""
    return str.encode if _is_byte_level(_steps(description)) else piece_decoder(description)


def _steps(description: dict[str, Any]) -> list[dict[str, Any]]:
    steps = _flatten(description.get("decoder"))
    if steps:
        return steps
    return [step for step in _flatten(description.get("pre_tokenizer")) if step.get("type") == "ByteLevel"]


def _is_byte_level(steps: list[dict[str, Any]]) -> bool:
    return any(step["type"] == "ByteLevel" for step in steps)


def _flatten(section: dict[str, Any] | None) -> list[dict[str, Any]]:
    if section is None:
        return []
    if section.get("type") == "Sequence":
        inner = section.get("decoders", section.get("pretokenizers", []))
        return [step for part in inner for step in _flatten(part)]
    return [section]


def _byte_level() -> PieceDecoder:
    table = dict.fromkeys(range(0x180), "\uffff")  # what is outside the alphabet must not pass as a byte
    table.update({ord(char): chr(byte) for byte, char in byte_alphabet().items()})

    def decode(piece: str) -> bytes:
        try:
            return piece.translate(table).encode("latin-1")
        except UnicodeEncodeError:  # a piece added as plain text
            return piece.encode("utf-8")

    return decode


def _text_pieces(steps: list[dict[str, Any]]) -> PieceDecoder:
    """SentencePiece style: replacements on text, and pieces that are one byte."""
    replace: list[TextStep] = []
    has_byte_pieces = False
    fused = False
    for step in steps:
        match step["type"]:
            case "ByteFallback":
                has_byte_pieces = True
            case "Fuse":
                fused = True
            case "Strip" if fused:
                continue  # edges of the whole text
            case _:
                replace.append(_text_step(step, fused))

    def decode(piece: str) -> bytes:
        if has_byte_pieces and (found := _BYTE_PIECE.fullmatch(piece)):
            return bytes([int(found[1], 16)])
        for change in replace:
            piece = change(piece)
        return piece.encode("utf-8")

    return decode


def _text_step(step: dict[str, Any], fused: bool) -> TextStep:
    kind = step["type"]
    if kind == "Replace" and "String" in step["pattern"]:
        old, new = step["pattern"]["String"], step["content"]
        if not fused or len(old) == 1:  # a longer one could match across pieces
            return lambda piece: piece.replace(old, new)
    if kind == "Metaspace":
        blank = step.get("replacement", "▁")
        return lambda piece: piece.replace(blank, " ")
    if kind == "BPEDecoder":
        suffix = step.get("suffix", "</w>")
        return lambda piece: piece.removesuffix(suffix) + " " if piece.endswith(suffix) else piece
    if kind == "Strip":
        char, n_left, n_right = step["content"], step["start"], step["stop"]
        return lambda piece: _strip(piece, char, n_left, n_right)
    raise VocabularyError(f"the tokenizer's decoder step {kind!r} gives a piece no bytes of its own", hint=_HINT)


def _strip(piece: str, char: str, n_left: int, n_right: int) -> str:
    while n_left > 0 and piece.startswith(char):
        piece, n_left = piece[len(char) :], n_left - 1
    while n_right > 0 and piece.endswith(char):
        piece, n_right = piece[: -len(char)], n_right - 1
    return piece
