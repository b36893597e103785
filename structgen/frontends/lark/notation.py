"""Lark's notation read without Lark, for the grammars that use its common part.

Lark's loader is written for every corner of the notation and builds a parser for it first:
0.2 s in a fresh process, and again 0.1 s for a grammar of Python. What most grammars use is
quickly read: rules, terminals, EBNF, ``%ignore``, ``%declare``, templates, imports from Lark's
``common``. This module reads that into statements, and ``expand`` works them out. Whatever is
not surely plain (an error included) raises ``NotPlainError``, and the grammar goes to Lark's own
loader, which stays the authority: tests compare both, production by production.

All tokens are found by one call of ``re``, which takes a quarter of the time that a match object
for each does; a token's kind is a letter, told from how it begins.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, NamedTuple

__all__ = ["LITERAL", "Definition", "Literals", "Node", "NotPlainError", "Statements", "read_statements"]

Node = str | tuple[Any, ...]
"""A symbol's name, or a literal as written, which begins with one of ``LITERAL``, or one of
``("|", alternatives)``, each a tuple of nodes, or ``(",", alternatives)`` where all of these are strings;
``("?", node)``, ``("*", node)``, ``("+", node)``, ``("[", node)``; ``("~", node, numbers)``;
``("..", literal, literal)``; ``("{", template, arguments)``."""
Literals = list[tuple[int, Node]]
"""Literals and ranges of a definition from left to right, and how deep each lies in Lark's tree of it."""

LITERAL = frozenset('"/')
_TOKEN = re.compile(
    r"""
    [ \t]*+(?:(
        [a-z][_a-z0-9]*+ | [A-Z][_A-Z0-9]*+ | _(?:[a-z][_a-z0-9]*+|[A-Z][_A-Z0-9]*+)
      | [()\[\]{}:,|~*]
      | "[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"i?
      | (?!\s*(?://|\#))(?:\r?\n)+\s*+\|?
      | /(?!/)[^/\\]*+(?:\\[\s\S][^/\\]*+)*+/[imslux]*
      | -> | [+-]?\d+ | [+] | [?](?![a-z_]) | \.\.?
      | %(?:ignore|declare|import)\b
      | (?:!\??|\?!?)_?[a-z][_a-z0-9]*
      | "(?:\\"|\\\\|[^"\n])*?"i? | /(?!/)(?:\\/|\\\\|[^/])*?/[imslux]*
      | (?!\s*//|\s*\#|\\[ ]*\n|\Z)[\s\S]+
    ) | \s*//[^\n]* | \s*\#[^\n]* | \\[ ]*\n | \Z)
    """,
    re.VERBOSE,
)
"""Tokens; strings and regular expressions as they nearly always end, and again as Lark would look for
their ends; comments. What is none of these is one token up to the end of the text."""
_RULE, _TERMINAL, _MODIFIED, _STRING, _REGEXP, _NUMBER, _DIRECTIVE, _NEWLINE, _NEWLINE_OR, _STRANGE = "RTMSX#DNO0"
_OPERATOR, _TO, _DOTS, _END = "*>dE"
_VALUES = frozenset((_RULE, _TERMINAL, _STRING, _REGEXP))
_OR = frozenset(("|", _NEWLINE_OR))
_MOST_ITEMS = 100_000


class NotPlainError(Exception):
    """The grammar uses something that is left to Lark's loader, or has an error."""


class Definition(NamedTuple):
    """One rule or terminal: ``body`` is a ``"|"`` or ``","`` node."""

    name: str
    body: tuple[Any, ...]
    priority: int = 0
    parameters: tuple[str, ...] = ()
    literals: Literals = []  # noqa: RUF012  (never written to)


@dataclass
class Statements:
    """A grammar as written."""

    tokens: list[str]
    modified: list[str] = field(default_factory=list)
    """Rules whose names stand in one token with their modifiers where they are defined."""
    rules: dict[str, Definition] = field(default_factory=dict)
    terminals: dict[str, Definition] = field(default_factory=dict)
    ignores: list[tuple[Any, ...]] = field(default_factory=list)
    declared: list[str] = field(default_factory=list)
    imports: list[tuple[tuple[str, ...], dict[str, str]]] = field(default_factory=list)
    """(dotted path of the file, {name there: name here})."""

    def all_mentioned(self, but: str) -> bool:
        """Whether all names defined here, save one, are surely mentioned elsewhere."""
        mentions = Counter(self.tokens)
        mentions.update(self.modified)
        return all(mentions[name] > 1 or name == but for name in (*self.rules, *self.terminals))


def read_statements(text: str) -> Statements:
    """Read the grammar ``text``.

    Raises
    ------
    NotPlainError : see above
    """
    tokens = [token for token in _TOKEN.findall(text + "\n") if token]
    if not tokens or len(tokens) > _MOST_ITEMS or (tokens[-1][-1] == "\n" and tokens[-1].strip()):
        raise NotPlainError
    return _Reader(tokens).statements()


_KINDS = {mark: mark for mark in "()[]{}:,|~"} | dict.fromkeys("*", _OPERATOR) | {'"': _STRING, "/": _REGEXP}
_KINDS |= dict.fromkeys("0123456789", _NUMBER) | {"%": _DIRECTIVE, "!": _MODIFIED}
_KINDS |= dict.fromkeys("abcdefghijklmnopqrstuvwxyz", _RULE) | dict.fromkeys("ABCDEFGHIJKLMNOPQRSTUVWXYZ", _TERMINAL)
"""Kinds of tokens by how they begin, where that tells."""
_WHOLE = {"\n": _NEWLINE, "->": _TO, ".": ".", "..": _DOTS, "+": _OPERATOR, "?": _OPERATOR}


def _kind(token: str) -> str:
    """The kind of a token where its first character does not tell."""
    if token in _WHOLE:
        return _WHOLE[token]
    first = token[0]
    if first == "\n" or token.startswith("\r\n"):
        return _NEWLINE_OR if token[-1] == "|" else _NEWLINE
    if first == "_":
        return _RULE if token[1].islower() else _TERMINAL
    return _NUMBER if first in "+-" else _MODIFIED if first == "?" else _STRANGE


class _Reader:
    """Recursive descent over tokens."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.kinds = "".join([_KINDS.get(token[0]) or _kind(token) for token in tokens]) + _END
        self.modified: list[str] = []
        self.at = 0
        self.literals: Literals = []
        """Of the definition that is being read."""
        self.aliases = False
        """Whether its alternatives may have names."""

    def next(self, kind: str) -> str:
        if self.kinds[self.at] != kind:
            raise NotPlainError
        self.at += 1
        return self.tokens[self.at - 1]

    def skip(self, kind: str) -> bool:
        if self.kinds[self.at] != kind:
            return False
        self.at += 1
        return True

    def statements(self) -> Statements:
        found = Statements(self.tokens, self.modified)
        tokens, kinds = self.tokens, self.kinds
        while (kind := kinds[at := self.at]) != _END:
            if kind == _NEWLINE:
                self.at = at + 1
                continue
            if kind == _DIRECTIVE:
                self.directive(found)
                continue
            if kinds[at : at + 4] in _LONE_LITERAL:  # as most terminals are
                self.at, where = at + 4, found.terminals
                definition = Definition(tokens[at], (",", ((tokens[at + 2],),)))
            else:
                where = found.terminals if kind == _TERMINAL else found.rules
                definition = self.definition(kind)
            if definition.name in where or definition.name.startswith("__"):
                raise NotPlainError
            where[definition.name] = definition
        return found

    def directive(self, found: Statements) -> None:
        word = self.next(_DIRECTIVE)
        if word == "%ignore":
            found.ignores.append(self.body(aliases=False))
        elif word == "%declare":
            while self.kinds[self.at] == _TERMINAL:
                found.declared.append(self.next(_TERMINAL))
        else:
            found.imports.append(self.import_statement())
        self.next(_NEWLINE)

    def import_statement(self) -> tuple[tuple[str, ...], dict[str, str]]:
        path = [self.name()]
        while self.skip("."):
            path.append(self.name())
        if self.skip("("):
            names = [self.next(_TERMINAL)]
            while self.skip(","):
                names.append(self.next(_TERMINAL))
            self.next(")")
            return tuple(path), {name: name for name in names}
        name = path.pop()
        alias = self.next(_TERMINAL) if self.skip(_TO) else name
        if not path or not name.isupper():
            raise NotPlainError
        return tuple(path), {name: alias}

    def name(self) -> str:
        return self.next(_TERMINAL if self.kinds[self.at] == _TERMINAL else _RULE)

    def definition(self, kind: str) -> Definition:
        """A rule or terminal, whose first token is of ``kind``."""
        at = self.at
        if kind == _RULE and self.kinds[at + 1] == ":":  # as most rules begin
            self.at = at + 2
            name = self.tokens[at]
            body = self.body(aliases=name[0] != "_")
            self.next(_NEWLINE)
            return Definition(name, body, 0, (), self.literals)
        parameters: list[str] = []
        if kind == _TERMINAL:
            name = self.next(_TERMINAL)
        elif kind == _MODIFIED:
            modified = self.next(_MODIFIED)
            name = modified.lstrip("!?")
            if name[0] == "_" and "?" in modified:
                raise NotPlainError
            self.modified.append(name)
        else:
            name = self.next(_RULE)
        if kind != _TERMINAL and self.skip("{"):
            parameters.append(self.next(_RULE))
            while self.skip(","):
                parameters.append(self.next(_RULE))
            self.next("}")
        priority = int(self.next(_NUMBER)) if self.skip(".") else 0
        self.next(":")
        body = self.body(aliases=kind != _TERMINAL and name[0] != "_")
        self.next(_NEWLINE)
        return Definition(name, body, priority, tuple(parameters), self.literals)

    def body(self, *, aliases: bool) -> tuple[Any, ...]:
        """What a definition defines its name as."""
        self.literals = []
        self.aliases = aliases
        return self.alternatives(2)

    def alternatives(self, depth: int) -> tuple[Any, ...]:
        """Alternatives, whose items lie ``depth`` deep."""
        tokens, kinds, literals = self.tokens, self.kinds, self.literals
        found: list[tuple[Node, ...]] = []
        items: list[Node] = []
        kind_of_all, first = ",", len(literals)
        while True:
            at = self.at
            kind = kinds[at]
            if kind in _VALUES and kinds[at + 1] not in _CONTINUES:  # most items are this simple
                self.at = at + 1
                items.append(tokens[at])
                if kind in _LITERALS:
                    literals.append((depth, tokens[at]))
                continue
            if kind in _STARTS:
                kind_of_all = "|"
                items.append(self.item(depth))
                continue
            if kind == _TO:
                if depth > 2 or not self.aliases:
                    raise NotPlainError
                self.at = at + 1
                self.next(_RULE)
                literals[first:] = [(deep + 1, literal) for deep, literal in literals[first:]]
            found.append(tuple(items))
            if kinds[self.at] not in _OR:
                return (kind_of_all, tuple(found))
            self.at += 1
            items, first = [], len(literals)

    def item(self, depth: int) -> Node:
        """An atom, and how often it stands there; ``depth`` is the atom's own where it stands once."""
        first = len(self.literals)
        atom = self.atom(depth)
        kind = self.kinds[self.at]
        if kind != _OPERATOR and kind != "~":
            return atom
        self.at += 1
        literals = self.literals
        literals[first:] = [(deep + 1, literal) for deep, literal in literals[first:]]
        if kind == _OPERATOR:
            return (self.tokens[self.at - 1], atom)
        numbers = [int(self.next(_NUMBER))]
        if self.skip(_DOTS):
            numbers.append(int(self.next(_NUMBER)))
        return ("~", atom, tuple(numbers))

    def atom(self, depth: int) -> Node:
        if self.skip("("):
            body = self.alternatives(depth + 2)
            self.next(")")
            return body
        if self.skip("["):
            body = self.alternatives(depth + 3)
            self.next("]")
            return ("[", body)
        return self.value(depth)

    def value(self, depth: int) -> Node:
        kind = self.kinds[self.at]
        if kind not in _VALUES:
            raise NotPlainError
        token = self.tokens[self.at]
        self.at += 1
        if kind in _LITERALS:
            value: Node = token
            if kind == _STRING and self.skip(_DOTS):
                value = ("..", token, self.next(_STRING))
            self.literals.append((depth, value))
            return value
        if kind == _RULE and self.skip("{"):
            arguments = [self.value(depth + 1)]
            while self.skip(","):
                arguments.append(self.value(depth + 1))
            self.next("}")
            return ("{", token, tuple(arguments))
        return token


_LONE_LITERAL = frozenset(f"{_TERMINAL}:{kind}{_NEWLINE}" for kind in (_STRING, _REGEXP))
_LITERALS = frozenset((_STRING, _REGEXP))
_STARTS = frozenset((*_VALUES, "(", "["))
_CONTINUES = frozenset((_OPERATOR, "~", _DOTS, "{"))
"""What makes more of a value than that."""
