"""Terminals of a plain grammar: from what was read to patterns, as Lark's loader makes them.

A terminal's pattern is put together as text, and ordered and measured on the way as Lark does
it, for its lexer tries longer patterns first.
"""

from __future__ import annotations

import re
from ast import literal_eval
from collections.abc import Iterable
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from re import _parser  # type: ignore[attr-defined]
from typing import Any, NamedTuple

from structgen.frontends.lark.notation import LITERAL, Definition, Node, NotPlainError, Statements, read_statements
from structgen.frontends.lark.patterns import parsed

__all__ = ["PlainTerminal", "TerminalPattern", "literal_pattern", "plain_terminals"]

_ENDLESS = int(getattr(_parser, "MAXWIDTH", _parser.MAXREPEAT))
_BOUNDS = {"?": (0, 1), "[": (0, 1), "*": (0, _ENDLESS), "+": (1, _ENDLESS)}


class TerminalPattern(NamedTuple):
    """Text (``kind`` is ``"str"``) or regular expression (``"re"``), as Lark keeps it."""

    kind: str
    value: str
    flags: tuple[str, ...] = ()
    known: tuple[int, int] | None = None
    """``widths`` where they follow from the parts'; to parse long patterns again and again would take long."""

    def regexp(self) -> str:
        found = re.escape(self.value) if self.kind == "str" else self.value
        for flag in self.flags:
            found = f"(?{flag}:{found})"
        return found

    @property
    def is_open(self) -> bool:
        """Whether it may be alternatives without brackets, which take in what is written beside them, as in Lark."""
        return self.kind == "re" and not self.flags and self.known is None and "|" in self.value

    @property
    def widths(self) -> tuple[int, int]:
        """Least and greatest number of characters."""
        if self.kind == "str":
            return len(self.value), len(self.value)
        if self.known is not None:
            return self.known
        return _widths_of(self.regexp())


class PlainTerminal(NamedTuple):
    """A terminal with its pattern."""

    name: str
    pattern: TerminalPattern
    priority: int = 0


@lru_cache(maxsize=4096)
def _widths_of(expression: str) -> tuple[int, int]:
    """Least and greatest width of a regular expression, as ``re`` sees it."""
    try:
        low, high = parsed(expression).getwidth()
    except (re.error, OverflowError, RecursionError):
        raise NotPlainError from None
    return int(low), int(high)


def plain_terminals(
    statements: Statements, import_paths: Iterable[str]
) -> tuple[dict[str, PlainTerminal], tuple[str, ...]]:
    """The terminals defined or imported, and the names of those ignored."""
    found = _imported(statements, import_paths)
    if found and found.keys() & (statements.terminals.keys() | set(statements.declared)):
        raise NotPlainError
    bodies = dict(statements.terminals)
    ignored: list[str] = []
    for body in statements.ignores:
        name = _lone_terminal(body)
        if name is None:
            name = f"__IGNORE_{len(ignored)}"
            bodies[name] = Definition(name, body)
        ignored.append(name)
    terminals = _Terminals(found, bodies)
    for name, definition in bodies.items():
        alternatives = definition.body[1]
        if () in alternatives:
            raise NotPlainError
        first = alternatives[0][0]
        if len(alternatives) == 1 == len(alternatives[0]) and first[0] in LITERAL:  # as most are; nodes have other tags
            found[name] = PlainTerminal(name, literal_pattern(first), definition.priority)
        else:
            found[name] = PlainTerminal(name, terminals.choice(alternatives, (name,)), definition.priority)
    if not found.keys() >= set(ignored) or not bodies.keys().isdisjoint(statements.declared):
        raise NotPlainError
    return found, tuple(ignored)


def _imported(statements: Statements, import_paths: Iterable[str]) -> dict[str, PlainTerminal]:
    """Terminals of Lark's ``common``; other files are left to Lark."""
    wanted: dict[str, str] = {}
    for path, names in statements.imports:
        if path != ("common",) or any((Path(folder) / "common.lark").exists() for folder in import_paths):
            raise NotPlainError
        wanted.update(names)
    if not wanted:
        return {}
    common = _common()
    if not wanted.keys() <= common.keys():
        raise NotPlainError
    return {
        wanted[name]: PlainTerminal(wanted[name], terminal.pattern, terminal.priority)
        for name, terminal in common.items()
        if name in wanted
    }


class _Terminals:
    """Patterns of the parts of terminals; ``found`` are those worked out, ``bodies`` those defined."""

    def __init__(self, found: dict[str, PlainTerminal], bodies: dict[str, Definition]) -> None:
        self.found = found
        self.bodies = bodies

    def choice(self, alternatives: tuple[tuple[Node, ...], ...], within: tuple[str, ...]) -> TerminalPattern:
        if len(alternatives) == 1:
            return self.sequence(alternatives[0], within)
        choices = [self.sequence(alternative, within) for alternative in alternatives]
        choices.sort(key=lambda x: (-x.widths[1], -x.widths[0], -len(x.value)))
        widths = min(c.widths[0] for c in choices), max(c.widths[1] for c in choices)
        return TerminalPattern("re", f"(?:{'|'.join(choice.regexp() for choice in choices)})", (), widths)

    def sequence(self, items: tuple[Node, ...], within: tuple[str, ...]) -> TerminalPattern:
        if len(items) == 1:
            return self.pattern(items[0], within)
        if not items:
            raise NotPlainError
        parts = [self.pattern(item, within) for item in items]
        if any(part.is_open for part in parts):
            return TerminalPattern("re", "".join(part.regexp() for part in parts))
        widths = _capped(*map(sum, zip(*(part.widths for part in parts), strict=True)))
        return TerminalPattern("re", "".join(part.regexp() for part in parts), (), widths)

    def pattern(self, node: Node, within: tuple[str, ...]) -> TerminalPattern:
        """The pattern of a part of a terminal; ``within`` are the terminals whose definitions it is in."""
        if isinstance(node, str):
            return literal_pattern(node) if node[0] in LITERAL else self._named(node, within)
        kind = node[0]
        if kind == "|" or kind == ",":
            return self.choice(node[1], within)
        if kind == "..":
            return literal_pattern(node)
        if kind == "{":
            raise NotPlainError
        inner = self.pattern(node[1], within)
        return _repeated(inner, node[2]) if kind == "~" else _quantified(inner, kind)

    def _named(self, name: str, within: tuple[str, ...]) -> TerminalPattern:
        if name in within:
            raise NotPlainError
        if name in self.found:
            return self.found[name].pattern
        if name not in self.bodies:
            raise NotPlainError
        return self.choice(self.bodies[name].body[1], (*within, name))


def _quantified(inner: TerminalPattern, operator: str) -> TerminalPattern:
    low, high = _BOUNDS[operator]
    widths = _capped(low * inner.widths[0], high * inner.widths[1])
    return TerminalPattern("re", f"(?:{inner.regexp()}){'?' if operator == '[' else operator}", inner.flags, widths)


def _repeated(inner: TerminalPattern, numbers: tuple[int, ...]) -> TerminalPattern:
    low, high = numbers[0], numbers[-1]
    if not 0 <= low <= high:
        raise NotPlainError
    quantifier = f"{{{low}}}" if len(numbers) == 1 else f"{{{low},{high}}}"
    widths = _capped(low * inner.widths[0], high * inner.widths[1])
    return TerminalPattern("re", f"(?:{inner.regexp()}){quantifier}", inner.flags, widths)


def _capped(low: int, high: int) -> tuple[int, int]:
    """Widths as ``re`` counts them: no more than what stands for endless."""
    return min(low, _ENDLESS - 1), min(high, _ENDLESS)


def _lone_terminal(body: tuple[Any, ...]) -> str | None:
    """The terminal that ``body`` is, if it is just one."""
    if len(body[1]) == 1 and len(body[1][0]) == 1:
        item = body[1][0][0]
        if isinstance(item, str) and item[0] not in LITERAL and item.isupper():
            return item
    return None


@lru_cache(maxsize=4096)
def literal_pattern(node: Node) -> TerminalPattern:
    """The pattern of a string or regular expression as written, or of a range of characters."""
    if not isinstance(node, str):
        return _range(node[1], node[2])
    end = max(node.rfind("/"), node.rfind('"'))
    body, flags = _unescaped(node[1:end]), tuple(sorted(set(node[end + 1 :])))
    if not body or ("\n" in node and "x" not in flags):
        raise NotPlainError
    if node[0] == '"':
        return TerminalPattern("str", body.replace("\\\\", "\\"), flags)
    return TerminalPattern("re", body, flags)


def _range(first: str, last: str) -> TerminalPattern:
    if first[-1] != '"' or last[-1] != '"':
        raise NotPlainError
    first, last = first[1:-1], last[1:-1]
    if len(_unescaped(first)) != 1 or len(_unescaped(last)) != 1:
        raise NotPlainError
    return TerminalPattern("re", f"[{first}-{last}]")


def _unescaped(body: str) -> str:
    r"""What Lark makes of backslashes: ``\n`` and its like are characters, others stay for ``re``."""
    if "\\" not in body:
        return body
    parts, rest = [], iter(body)
    for character in rest:
        parts.append(character)
        if character == "\\":
            following = next(rest, None)
            if following is None:
                raise NotPlainError
            if following == "\\":
                parts.append("\\\\")
            elif following not in "Uuxnftr":
                parts.append("\\")
            parts.append(following)
    quoted = "".join(parts).replace('\\"', '"').replace("'", "\\'")
    try:
        return str(literal_eval(f"u'''{quoted}'''"))
    except (SyntaxError, ValueError):
        raise NotPlainError from None


@lru_cache(maxsize=1)
def _common() -> dict[str, PlainTerminal]:
    """The terminals of Lark's ``common``."""
    spec = find_spec("lark")
    if spec is None or not spec.submodule_search_locations:
        raise NotPlainError
    path = Path(next(iter(spec.submodule_search_locations))) / "grammars" / "common.lark"
    try:
        statements = read_statements(path.read_text(encoding="utf-8"))
    except OSError:
        raise NotPlainError from None
    if statements.imports or statements.rules:
        raise NotPlainError
    return plain_terminals(statements, ())[0]
