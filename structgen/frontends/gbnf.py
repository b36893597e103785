"""GBNF, the grammar notation of llama.cpp, read into an ``ir.grammar.Grammar``.

Rules are ``name ::= alternatives``; elements are strings, character classes, ``.``, names,
groups, and the repetitions ``* + ? {m} {m,} {m,n}``; ``#`` starts a comment. There is no
lexer: a grammar says which *characters* may follow each other. ``gbnf_terminals`` finds
lexemes in it nevertheless.
A rule ends with its line unless a group is open, or the next line starts with ``|``.
"""

from __future__ import annotations

import re

from structgen.errors import GrammarSyntaxError, LimitError, UnsupportedError
from structgen.frontends.gbnf_terminals import Loop, Rules, Symbol, grammar_of_rules
from structgen.ir.grammar import Grammar
from structgen.ir.pattern import Characters, Pattern, Sequence

__all__ = ["read_gbnf"]

_LAST = 0x10FFFF
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", '"': '"', "[": "[", "]": "]", "-": "-", "^": "^", "/": "/"}
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_TOKEN = re.compile(r"!?<[^>\n]+>")
_BLANK = re.compile(r"(?:[ \t]|#[^\n]*)*")
_BLANK_LINES = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
MAX_REPEAT = 2_000


def read_gbnf(text: str, *, start: str = "root") -> Grammar:
    """Read a GBNF grammar.

    Raises
    ------
    GrammarSyntaxError : with the place: bad notation, an undefined or doubly defined rule
    LimitError : a repetition beyond ``MAX_REPEAT``, too deep nesting
    UnsupportedError : tokens by name, ``<think>``
    """
    try:
        return _Reader(text).read(start)
    except RecursionError:
        raise LimitError("the grammar nests too deeply to be read", what="nesting of the grammar") from None


class _Reader:
    """A recursive-descent reader; groups of alternatives become rules with reserved names."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.rules: Rules = {}
        self.uses: dict[str, tuple[int, int]] = {}
        self.fresh = 0

    def error(self, message: str, start: int | None = None, end: int | None = None) -> GrammarSyntaxError:
        first = self.at if start is None else start
        return GrammarSyntaxError(message, source=self.text, span=(first, first + 1 if end is None else end))

    def skip(self, *, lines: bool) -> None:
        found = (_BLANK_LINES if lines else _BLANK).match(self.text, self.at)
        assert found is not None
        self.at = found.end()

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def read(self, start: str) -> Grammar:
        self.skip(lines=True)
        while self.at < len(self.text):
            self.rule()
            self.skip(lines=True)
        for name, span in self.uses.items():
            if name not in self.rules:
                raise self.error(f"rule {name!r} is not defined", *span)
        if start not in self.rules:
            raise GrammarSyntaxError(f"the grammar has no rule named {start!r}", source=self.text)
        return grammar_of_rules(self.rules, start)

    def rule(self) -> None:
        begin, name = self.at, self.name()
        self.skip(lines=False)
        if not self.text.startswith("::=", self.at):
            raise self.error(f"expected ::= after {name!r}")
        if name in self.rules:
            raise self.error(f"rule {name!r} is defined twice", begin, begin + len(name))
        self.at += 3
        self.skip(lines=True)
        self.rules[name] = []
        self.rules[name] = self.alternatives(name, nested=False)
        self.skip(lines=False)
        if self.at < len(self.text) and self.peek() not in "\r\n":
            raise self.error(f"unexpected {self.peek()!r}")

    def name(self) -> str:
        found = _NAME.match(self.text, self.at)
        if found is None:
            raise self.error("expected the name of a rule")
        self.at = found.end()
        return found[0]

    def alternatives(self, name: str, *, nested: bool) -> list[tuple[Symbol, ...]]:
        found = [self.sequence(name, nested=nested)]
        while True:
            mark = self.at
            self.skip(lines=True)
            if self.peek() != "|":
                self.at = self.at if nested else mark
                return found
            self.at += 1
            self.skip(lines=True)
            found.append(self.sequence(name, nested=nested))

    def sequence(self, name: str, *, nested: bool) -> tuple[Symbol, ...]:
        found: list[Symbol] = []
        while True:
            self.skip(lines=nested)
            following = self.peek()
            if not following or following in "|)\r\n":
                return tuple(found)
            element = self.element(name)
            found += self.repeated(name, element)

    def element(self, name: str) -> tuple[Symbol, ...]:
        begin, following = self.at, self.peek()
        if following == '"':
            return self.string()
        if following == "[":
            return (self.characters(),)
        if following == ".":
            self.at += 1
            return (Characters(_plain([(0, _LAST)])),)
        if following == "(":
            self.at += 1
            inner = self.alternatives(name, nested=True)
            self.skip(lines=True)
            if self.peek() != ")":
                raise self.error("this group is not closed", begin)
            self.at += 1
            return inner[0] if len(inner) == 1 else (self.define(name, inner),)
        token = _TOKEN.match(self.text, self.at)
        if token:
            raise UnsupportedError(
                "tokens by name or number are not supported",
                keyword=token[0],
                source=self.text,
                span=token.span(),
                hint="write their text, or a Lark grammar with special tokens <|name|>",
            )
        used = self.name()
        self.uses.setdefault(used, (begin, self.at))
        return (used,)

    def string(self) -> tuple[Symbol, ...]:
        begin = self.at
        self.at += 1
        codes: list[int] = []
        while self.peek() != '"':
            if self.at >= len(self.text) or self.peek() == "\n":
                raise self.error("this string is not closed", begin)
            codes.append(self.character())
        self.at += 1
        parts = tuple(Characters(_plain([(code, code)])) for code in codes)
        return (Sequence(parts),) if len(parts) > 1 else parts

    def characters(self) -> Pattern:
        begin = self.at
        self.at += 1
        negated = self.peek() == "^"
        self.at += negated
        ranges: list[tuple[int, int]] = []
        while self.peek() != "]":
            if self.at >= len(self.text) or self.peek() == "\n":
                raise self.error("this character class is not closed", begin)
            low = high = self.character()
            if self.peek() == "-" and self.text[self.at + 1 : self.at + 2] != "]":
                self.at += 1
                high = self.character()
                if high < low:
                    raise self.error("this range is empty", begin, self.at)
            ranges.append((low, high))
        self.at += 1
        return Characters(_plain(_inverted(ranges) if negated else ranges))

    def character(self) -> int:
        if self.at >= len(self.text):
            raise self.error("the grammar ends within a string or character class", self.at - 1)
        if self.peek() != "\\":
            self.at += 1
            return ord(self.text[self.at - 1])
        kind = self.text[self.at + 1 : self.at + 2]
        if kind in _ESCAPES:
            self.at += 2
            return ord(_ESCAPES[kind])
        width = {"x": 2, "u": 4, "U": 8}.get(kind, 0)
        digits = self.text[self.at + 2 : self.at + 2 + width]
        if not width or not re.fullmatch(rf"[0-9a-fA-F]{{{width}}}", digits) or int(digits, 16) > _LAST:
            raise self.error(f"unknown escape \\{kind}", self.at, self.at + 2)
        self.at += 2 + width
        return int(digits, 16)

    def repeated(self, name: str, element: tuple[Symbol, ...]) -> tuple[Symbol, ...]:
        """``element`` with the repetitions that follow it."""
        begin = self.at
        found = re.compile(r"[*+?]|\{(\d+)(,)?(\d+)?\}").match(self.text, self.at)
        if found is None:
            if self.peek() == "{":
                raise self.error("expected {m}, {m,} or {m,n}")
            return element
        self.at = found.end()
        simple = {"*": (0, None), "+": (1, None), "?": (0, 1)}
        if found[0] in simple:
            low, high = simple[found[0]]
        else:
            low = int(found[1])
            high = (int(found[3]) if found[3] else None) if found[2] else low
        if max(low, high or 0) > MAX_REPEAT:
            raise LimitError("a repetition is too long", what="repetition", given=max(low, high or 0), limit=MAX_REPEAT)
        if high is not None and high < low:
            raise self.error("this repetition is empty", begin, self.at)
        return self.repeated(name, (Loop(element, low, high),))

    def define(self, name: str, alternatives: list[tuple[Symbol, ...]]) -> str:
        self.fresh += 1
        fresh = f"{name}:{self.fresh}"
        self.rules[fresh] = alternatives
        return fresh


def _inverted(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    found, first = [], 0
    for low, high in sorted(ranges):
        if low > first:
            found.append((first, low - 1))
        first = max(first, high + 1)
    return [*found, (first, _LAST)] if first <= _LAST else found


def _plain(ranges: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Sorted, disjoint, without surrogates."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        for start, end in ((low, min(high, 0xD7FF)), (max(low, 0xE000), high)):
            if start > end:
                continue
            if merged and start <= merged[-1][1] + 1 and not (merged[-1][1] == 0xD7FF and start == 0xE000):
                merged[-1] = (merged[-1][0], max(merged[-1][1], end))
            else:
                merged.append((start, end))
    return tuple(merged)
