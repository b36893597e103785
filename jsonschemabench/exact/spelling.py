"""Other spellings of a document: equally valid ones, and ones that are no JSON at all.

Each variant names itself; the name becomes the cause of a finding.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from typing import Any

from jsonschemabench.cases import instance_text

__all__ = ["broken_spellings", "retokenize", "valid_spellings"]


def valid_spellings(data: Any, rng: random.Random) -> Iterator[tuple[str, str]]:
    """(name, text) of documents equal to ``data`` as JSON values."""
    text = instance_text(data)
    variants = {
        "whitespace: none": json.dumps(data, ensure_ascii=False, separators=(",", ":")),
        "whitespace: pretty": json.dumps(data, ensure_ascii=False, indent=2),
        "whitespace: tabs": json.dumps(data, ensure_ascii=False, indent="\t"),
        "whitespace: before separators": json.dumps(data, ensure_ascii=False, separators=(" , ", " : ")),
        "whitespace: carriage returns": json.dumps(data, ensure_ascii=False, indent=1).replace("\n", "\r\n"),
        "key order: reversed": instance_text(_reorder(data, lambda keys: keys[::-1])),
        "key order: random": instance_text(_reorder(data, lambda keys: rng.sample(keys, len(keys)))),
        "escape: all as \\uXXXX": _respell(data, _escape_all),
        "escape: upper-case hexadecimal": _respell(
            data, lambda character: _escape_all(character).upper().replace("U", "u")
        ),
        "escape: \\/": _respell(data, lambda character: "\\/" if character == "/" else None),
        "escape: non-ASCII": json.dumps(data, ensure_ascii=True),
    }
    for name, variant in variants.items():
        if variant != text and json.loads(variant) == data:
            yield name, variant


def broken_spellings(data: Any) -> Iterator[tuple[str, str]]:
    """(name, text) of texts that are no JSON, made from a document that is."""
    text = instance_text(data)
    head = text[:-1]
    if text[-1] in "}]" and len(data) > 0:
        yield "trailing comma", head + "," + text[-1]
    if text.startswith("{") and len(data) > 0:
        yield "unquoted key", "{" + text[2:].replace('"', "", 1)
        yield "single quotes", text.replace('"', "'")
        yield "missing comma", text.replace(", ", " ", 1) if ", " in text else "{,}"
    if text[-1] in '"}]':
        yield "unclosed", head
    for name, raw in (
        ("raw tab", "\t"),
        ("raw newline", "\n"),
        ("raw 0x1f", "\x1f"),
        ("raw NUL", "\0"),
        ("bad escape", "\\x"),
    ):
        variant = _into_first_value(data, raw)
        if variant is not None:
            yield f"{name} in a string", variant
    yield "two documents", text + " " + text


def retokenize(data: bytes, ids: dict[bytes, int], longest: int, rng: random.Random) -> list[int]:
    """A random split of the bytes into tokens; needs every byte to be a token."""
    tokens: list[int] = []
    position = 0
    while position < len(data):
        lengths = [
            length
            for length in range(1, min(longest, len(data) - position) + 1)
            if data[position : position + length] in ids
        ]
        if not lengths:
            return []
        length = rng.choice(lengths)
        tokens.append(ids[data[position : position + length]])
        position += length
    return tokens


def _reorder(value: Any, order: Any) -> Any:
    if isinstance(value, dict):
        return {key: _reorder(value[key], order) for key in order(list(value))}
    if isinstance(value, list):
        return [_reorder(item, order) for item in value]
    return value


def _escape_all(character: str) -> str:
    """The character as one or two ``\\uXXXX``."""
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def _respell(value: Any, spell: Any) -> str:
    """The document's text with each character of each string spelled anew, where ``spell`` has a spelling."""
    if isinstance(value, str):
        return '"' + "".join(spell(c) or json.dumps(c, ensure_ascii=False)[1:-1] for c in value) + '"'
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_respell(k, spell)}: {_respell(v, spell)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_respell(item, spell) for item in value) + "]"
    return instance_text(value)


_MARK = "\ue000mark\ue000"


def _into_first_value(data: Any, raw: str) -> str | None:
    """The text with ``raw`` put, unescaped, into the middle of the first string value; None if there is none."""
    marked, found = _mark(data)
    if not found:
        return None
    return instance_text(marked).replace(_MARK, raw)


def _mark(value: Any) -> tuple[Any, bool]:
    if isinstance(value, str):
        middle = len(value) // 2
        return value[:middle] + _MARK + value[middle:], True
    items: Sequence[tuple[Any, Any]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    for key, item in items:
        marked, found = _mark(item)
        if found:
            copy = dict(value) if isinstance(value, dict) else list(value)
            copy[key] = marked
            return copy, True
    return value, False
