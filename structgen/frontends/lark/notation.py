"""Lark's notation read without Lark, for the grammars that use its common part.

Lark's loader is written for every corner of the notation and builds a parser for it first:
0.2 s in a fresh process, and again 0.1 s for a grammar of Python. What most grammars use is
quickly read: rules, terminals, EBNF, ``%ignore``, ``%declare``, templates, imports from Lark's
``common``. This module reads that into statements, and ``expand`` works them out. Whatever is
not surely plain (an error included) raises ``NotPlainError``, and the grammar goes to Lark's own
loader, which stays the authority: tests compare both, production by production.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Definition", "NotPlainError", "Statements", "read_statements"]

Node = tuple[Any, ...]
"""``("expansions", alternatives)``, ``("expansion", items)``, ``("alias", expansion)``, ``("maybe", expansions)``,
``("expr", item, operator, numbers)``, ``("symbol", name)``, ``("literal", text)``, ``("range", text, text)``,
``("use", template, arguments)``."""

_TOKEN = re.compile(
    r"""
    [ \t]*+(?:
    (?P<SKIP>\s*//[^\n]*|\s*\#[^\n]*|\\[ ]*\n|\Z)
  | (?P<NL_OR>(?:\r?\n)+\s*\|)
  | (?P<NL>(?:\r?\n)+\s*)
  | (?P<STRING>"(?:\\"|\\\\|[^"\n])*?"i?)
  | (?P<REGEXP>/(?!/)(?:\\/|\\\\|[^/])*?/[imslux]*)
  | (?P<DIRECTIVE>%(?:ignore|declare|import)\b)
  | (?P<MODIFIERS>(?:!|![?]?|[?]!?)(?=[_a-z]))
  | (?P<RULE>_?[a-z][_a-z0-9]*)
  | (?P<TERMINAL>_?[A-Z][_A-Z0-9]*)
  | (?P<TO>->)
  | (?P<NUMBER>[+-]?\d+)
  | (?P<OP>[+*]|[?](?![a-z_]))
  | (?P<DOTDOT>\.\.)
  | (?P<MARK>[()\[\]{}:,|.~])
    )
    """,
    re.VERBOSE,
)
_KINDS = {number: kind for kind, number in _TOKEN.groupindex.items()}
"""Names by group, of which each token has just one."""
_MOST_ITEMS = 100_000


class NotPlainError(Exception):
    """The grammar uses something that is left to Lark's loader, or has an error."""


@dataclass(frozen=True)
class Definition:
    """One rule or terminal: ``body`` is an ``expansions`` node."""

    name: str
    body: Node
    priority: int = 0
    parameters: tuple[str, ...] = ()
    modifiers: str = ""


@dataclass
class Statements:
    """A grammar as written."""

    rules: dict[str, Definition] = field(default_factory=dict)
    terminals: dict[str, Definition] = field(default_factory=dict)
    ignores: list[Node] = field(default_factory=list)
    declared: list[str] = field(default_factory=list)
    imports: list[tuple[tuple[str, ...], dict[str, str]]] = field(default_factory=list)
    """(dotted path of the file, {name there: name here})."""


def read_statements(text: str) -> Statements:
    """Read the grammar ``text``.

    Raises
    ------
    NotPlainError : see above
    """
    return _Reader(_tokens(text)).statements()


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    text += "\n"
    read = _TOKEN.scanner(text).match  # type: ignore[attr-defined]
    token = last = read()
    while token is not None:
        number: int = token.lastindex
        kind = _KINDS[number]
        if kind == "MARK":
            value = token[number]
            found.append((value, value))
        elif kind != "SKIP":
            found.append((kind, token[number]))
        elif token.end() == len(text):
            break
        last = token
        token = read()
    if last is None or last.end() < len(text) or len(found) > _MOST_ITEMS:
        raise NotPlainError
    return found


class _Reader:
    """Recursive descent over tokens."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.tokens = [*tokens, ("END", "")]
        self.at = 0

    def next(self, *kinds: str) -> str:
        kind, value = self.tokens[self.at]
        if kind not in kinds:
            raise NotPlainError
        self.at += 1
        return value

    def skip(self, kind: str) -> bool:
        if self.tokens[self.at][0] != kind:
            return False
        self.at += 1
        return True

    @property
    def kind(self) -> str:
        return self.tokens[self.at][0]

    def statements(self) -> Statements:
        found = Statements()
        while not self.skip("END"):
            if self.skip("NL"):
                continue
            if self.kind == "DIRECTIVE":
                self.directive(found)
            elif self.kind == "TERMINAL":
                self.define(found.terminals, self.terminal(), found)
            else:
                self.define(found.rules, self.rule(), found)
        return found

    def define(self, where: dict[str, Definition], definition: Definition, found: Statements) -> None:
        if definition.name in where or definition.name.startswith("__"):
            raise NotPlainError
        where[definition.name] = definition

    def directive(self, found: Statements) -> None:
        word = self.next("DIRECTIVE")
        if word == "%ignore":
            found.ignores.append(self.expansions())
        elif word == "%declare":
            while self.kind == "TERMINAL":
                found.declared.append(self.next("TERMINAL"))
        else:
            found.imports.append(self.import_statement())
        self.next("NL")

    def import_statement(self) -> tuple[tuple[str, ...], dict[str, str]]:
        path = [self.next("RULE", "TERMINAL")]
        while self.skip("."):
            path.append(self.next("RULE", "TERMINAL"))
        if self.skip("("):
            names = [self.next("TERMINAL")]
            while self.skip(","):
                names.append(self.next("TERMINAL"))
            self.next(")")
            return tuple(path), {name: name for name in names}
        name = path.pop()
        alias = self.next("TERMINAL") if self.skip("TO") else name
        if not path or not name.isupper():
            raise NotPlainError
        return tuple(path), {name: alias}

    def terminal(self) -> Definition:
        name = self.next("TERMINAL")
        priority = int(self.next("NUMBER")) if self.skip(".") else 0
        self.next(":")
        body = self.expansions()
        self.next("NL")
        return Definition(name, body, priority)

    def rule(self) -> Definition:
        modifiers = self.next("MODIFIERS") if self.kind == "MODIFIERS" else ""
        name = self.next("RULE")
        if "?" in modifiers and name.startswith("_"):
            raise NotPlainError
        parameters: list[str] = []
        if self.skip("{"):
            parameters.append(self.next("RULE"))
            while self.skip(","):
                parameters.append(self.next("RULE"))
            self.next("}")
        priority = int(self.next("NUMBER")) if self.skip(".") else 0
        self.next(":")
        body = self.expansions()
        self.next("NL")
        return Definition(name, body, priority, tuple(parameters), modifiers)

    def expansions(self) -> Node:
        found = [self.alternative()]
        while self.skip("|") or self.skip("NL_OR"):
            found.append(self.alternative())
        return ("expansions", tuple(found))

    def alternative(self) -> Node:
        items: list[Node] = []
        tokens = self.tokens
        while True:
            kind, text = tokens[self.at]
            if kind in _VALUES and tokens[self.at + 1][0] not in _CONTINUES:  # most items are this simple
                self.at += 1
                items.append(("symbol" if kind in _SYMBOLS else "literal", text))
            elif kind in _STARTS:
                items.append(self.item())
            else:
                break
        expansion = ("expansion", tuple(items))
        if self.skip("TO"):
            self.next("RULE")
            return ("alias", expansion)
        return expansion

    def item(self) -> Node:
        atom = self.atom()
        if self.kind == "OP":
            return ("expr", atom, self.next("OP"), ())
        if self.skip("~"):
            numbers = [int(self.next("NUMBER"))]
            if self.skip("DOTDOT"):
                numbers.append(int(self.next("NUMBER")))
            return ("expr", atom, "~", tuple(numbers))
        return atom

    def atom(self) -> Node:
        if self.skip("("):
            body = self.expansions()
            self.next(")")
            return body
        if self.skip("["):
            body = self.expansions()
            self.next("]")
            return ("maybe", body)
        return self.value()

    def value(self) -> Node:
        kind, text = self.tokens[self.at]
        self.next("RULE", "TERMINAL", "STRING", "REGEXP")
        if kind == "STRING" and self.skip("DOTDOT"):
            return ("range", text, self.next("STRING"))
        if kind in ("STRING", "REGEXP"):
            return ("literal", text)
        if kind == "RULE" and self.skip("{"):
            arguments = [self.value()]
            while self.skip(","):
                arguments.append(self.value())
            self.next("}")
            return ("use", text, tuple(arguments))
        return ("symbol", text)


_SYMBOLS = frozenset({"RULE", "TERMINAL"})
_VALUES = frozenset({*_SYMBOLS, "STRING", "REGEXP"})
_STARTS = frozenset({*_VALUES, "(", "["})
_CONTINUES = frozenset({"OP", "~", "DOTDOT", "{"})
"""What makes more of a value than that."""
