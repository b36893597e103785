"""What grammars may hold beyond Lark's notation: ``%json { schema }`` and special tokens ``<|name|>``.

Both become declared terminals before the grammar is read, so Lark's notation stays Lark's.
``%json`` stands in a rule, or is all of a terminal's definition; ``<|name|>`` stands in a
rule, with or without ``%declare <|name|>``.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

from structgen.errors import GrammarSyntaxError, UnsupportedError

__all__ = ["Islands", "take_islands"]

_FOUND = re.compile(
    r"""
    (?P<SKIP>//[^\n]*|(?<!\S)\#[^\n]*|"(?:\\.|[^"\\\n])*"|/(?!/)(?:\\.|[^/\\])*/)
  | (?P<NAMED>^[ \t]*(?P<TERMINAL>_?[A-Z][_A-Z0-9]*)[ \t]*:[ \t]*%json\b)
  | (?P<JSON>%json\b)
  | (?P<SPECIAL><\|[^|\s]+\|>)
  | (?P<REFUSED>%(?:regex|lark)\b)
    """,
    re.VERBOSE | re.MULTILINE,
)


@dataclass
class Islands:
    """The grammar's text in Lark's notation, and what its extra declared terminals stand for."""

    text: str
    schemas: dict[str, str] = field(default_factory=dict)
    """Terminal -> a schema, as JSON text."""
    specials: dict[str, str] = field(default_factory=dict)
    """Terminal -> a special token's name."""

    @property
    def names(self) -> set[str]:
        return self.schemas.keys() | self.specials.keys()


def take_islands(text: str) -> Islands:
    """Replace islands in ``text`` by declared terminals.

    Raises
    ------
    GrammarSyntaxError : ``%json`` without a JSON value behind it; with its place
    UnsupportedError : ``%regex`` and ``%lark``, which other engines know
    """
    if "%json" not in text and "<|" not in text and "%regex" not in text and "%lark" not in text:
        return Islands(text)
    parts: list[str] = []
    found = Islands(text)
    declared: list[str] = []
    at = 0
    while match := _FOUND.search(text, at):
        parts.append(text[at : match.start()])
        at = match.end()
        kind = match.lastgroup
        if kind == "SKIP":
            parts.append(match.group())
        elif kind == "SPECIAL":
            parts.append(_special(match.group(), text, found, declared, "".join(parts)))
        elif kind == "REFUSED":
            raise UnsupportedError(
                f"{match.group()} inside a grammar is not supported",
                keyword=match.group(),
                source=text,
                span=match.span(),
            )
        else:
            schema, at = _schema(text, at)
            name = match.group("TERMINAL") if match.group("NAMED") else _fresh("JSON", text, found)
            found.schemas[name] = schema
            declared.append(name)
            parts.append("" if match.group("NAMED") else name)
    parts.append(text[at:])
    if declared:
        parts.append(f"\n%declare {' '.join(declared)}\n")
    found.text = "".join(parts)
    return found


def _schema(text: str, at: int) -> tuple[str, int]:
    """The JSON value at ``at`` or behind blanks, and where it ends."""
    first = re.compile(r"\s*").match(text, at)
    assert first is not None
    try:
        value, end = json.JSONDecoder().raw_decode(text, first.end())
    except ValueError as error:
        place = getattr(error, "pos", first.end())
        message = getattr(error, "msg", str(error))
        raise GrammarSyntaxError(
            f"%json needs a schema in JSON: {message}", source=text, span=(place, min(place + 1, len(text)))
        ) from None
    return json.dumps(value), end


def _special(token: str, text: str, found: Islands, declared: list[str], before: str) -> str:
    for name, known in found.specials.items():
        if known == token:
            return name
    name = _fresh("SPECIAL", text, found)
    found.specials[name] = token
    if not re.search(r"^[ \t]*%declare\b[^\n]*\Z", before, re.MULTILINE):
        declared.append(name)
    return name


def _fresh(stem: str, text: str, found: Islands) -> str:
    number = 0
    while f"{stem}_{number}" in found.names or re.search(rf"\b{stem}_{number}\b", text):
        number += 1
    return f"{stem}_{number}"
