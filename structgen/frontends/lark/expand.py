"""From statements to terminals and plain productions, as Lark's loader works them out.

What decides the language, and whether a grammar is LALR, must come out as it does there:
``x*`` and ``x+`` share one left-recursive rule per rule file and expression, groups are
multiplied out, ``[x]`` differs from ``x?`` only in what a tree would hold, anonymous
terminals are named after their text (names order the lexer's ties), terminals nobody uses
are dropped.
"""

from __future__ import annotations

import re
import unicodedata
from ast import literal_eval
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.util import find_spec
from math import prod
from pathlib import Path
from re import _parser  # type: ignore[attr-defined]
from typing import Any, NamedTuple

from structgen.errors import LimitError
from structgen.frontends.lark.notation import Definition, Node, NotPlainError, Statements, read_statements
from structgen.frontends.lark.patterns import parsed

__all__ = ["Loaded", "PlainRule", "PlainTerminal", "TerminalPattern", "load_plain"]

_NAMES = {
    ".": "DOT", ",": "COMMA", ":": "COLON", ";": "SEMICOLON", "+": "PLUS", "-": "MINUS", "*": "STAR",
    "/": "SLASH", "\\": "BACKSLASH", "|": "VBAR", "?": "QMARK", "!": "BANG", "@": "AT", "#": "HASH",
    "$": "DOLLAR", "%": "PERCENT", "^": "CIRCUMFLEX", "&": "AMPERSAND", "_": "UNDERSCORE", "<": "LESSTHAN",
    ">": "MORETHAN", "=": "EQUAL", '"': "DBLQUOTE", "'": "QUOTE", "`": "BACKQUOTE", "~": "TILDE",
    "(": "LPAR", ")": "RPAR", "{": "LBRACE", "}": "RBRACE", "[": "LSQB", "]": "RSQB", "\n": "NEWLINE",
    "\r\n": "CRLF", "\t": "TAB", " ": "SPACE",
}  # fmt: skip
_FLAGS = "imslux"
_NOTHING = "\0"
"""With a number, stands in an alternative for what one ``[x]`` leaves out; it derives nothing.

Lark has as many empty symbols there as the tree would have gaps, and calls alternatives that
differ in nothing else an error. So these are all different, and two alternatives that differ
in nothing else are left to Lark.
"""
_FEW_ALTERNATIVES, MOST_ALTERNATIVES = 20_000, 60_000
MOST_TEMPLATES = 5_000
_FEW_REPEATS = 50
_ENDLESS = int(getattr(_parser, "MAXWIDTH", _parser.MAXREPEAT))


@dataclass(frozen=True)
class TerminalPattern:
    """Text (``kind`` is ``"str"``) or regular expression (``"re"``), as Lark keeps it."""

    kind: str
    value: str
    flags: tuple[str, ...] = ()
    known: tuple[int, int] | None = field(default=None, compare=False)
    """``widths`` where they follow from the parts'; to parse long patterns again and again would take long."""

    def regexp(self) -> str:
        found = re.escape(self.value) if self.kind == "str" else self.value
        for flag in self.flags:
            found = f"(?{flag}:{found})"
        return found

    @property
    def widths(self) -> tuple[int, int]:
        """Least and greatest number of characters."""
        if self.kind == "str":
            return len(self.value), len(self.value)
        if self.known is not None:
            return self.known
        return widths_of(self.regexp())


@dataclass(frozen=True)
class PlainTerminal:
    """A terminal with its pattern."""

    name: str
    pattern: TerminalPattern
    priority: int = 0


class PlainRule(NamedTuple):
    """One production; symbols are (name, whether it is a terminal)."""

    origin: str
    expansion: tuple[tuple[str, bool], ...]
    priority: int = 0


@dataclass(frozen=True)
class Loaded:
    """What a grammar comes down to; ``indented`` says that it declares indentation."""

    terminals: tuple[PlainTerminal, ...]
    rules: tuple[PlainRule, ...]
    ignored: tuple[str, ...]
    indented: bool


@lru_cache(maxsize=4096)
def widths_of(expression: str) -> tuple[int, int]:
    """Least and greatest width of a regular expression, as ``re`` sees it."""
    try:
        low, high = parsed(expression).getwidth()
    except (re.error, OverflowError, RecursionError):
        raise NotPlainError from None
    return int(low), int(high)


def load_plain(text: str, start: str, import_paths: tuple[str, ...], kept: frozenset[str]) -> Loaded:
    """Load a plain grammar; see ``notation``.

    ``kept`` are terminals to keep although no rule uses them, where indentation is declared.

    Raises
    ------
    NotPlainError : Lark's loader has to look at it
    """
    try:
        return _Expander(read_statements(text), import_paths).load(start, kept)
    except RecursionError:
        raise NotPlainError from None


class _Expander:
    """One grammar on its way to productions."""

    def __init__(self, statements: Statements, import_paths: tuple[str, ...]) -> None:
        self.statements = statements
        self.terminals: dict[str, PlainTerminal] = {}
        self.ignored: list[str] = []
        self._bodies: dict[str, Definition] = {}
        self._imports(import_paths)
        self._terminals()
        self._by_pattern = {terminal.pattern: name for name, terminal in self.terminals.items()}
        self._n_anonymous = 0
        self._n_options = 0
        self._rules: list[tuple[str, list[tuple[str, ...]], int]] = []
        self._repeats: dict[Node, str] = {}
        self._origin = ""
        self._used: dict[str, None] = {}

    def _imports(self, import_paths: tuple[str, ...]) -> None:
        """Terminals of Lark's ``common``; other files are left to Lark."""
        wanted: dict[str, str] = {}
        for path, names in self.statements.imports:
            if path != ("common",) or any((Path(folder) / "common.lark").exists() for folder in import_paths):
                raise NotPlainError
            wanted.update(names)
        if wanted:
            common = _common()
            if not wanted.keys() <= common.keys():
                raise NotPlainError
            for name, terminal in common.items():
                if name in wanted:
                    alias = wanted[name]
                    self.terminals[alias] = PlainTerminal(alias, terminal.pattern, terminal.priority)

    def _terminals(self) -> None:
        statements = self.statements
        if self.terminals.keys() & (statements.terminals.keys() | set(statements.declared)):
            raise NotPlainError
        self._bodies = dict(statements.terminals)
        for body in statements.ignores:
            name = _lone_terminal(body)
            if name is None:
                name = f"__IGNORE_{len(self.ignored)}"
                self._bodies[name] = Definition(name, body)
            self.ignored.append(name)
        for name, definition in self._bodies.items():
            if any(not alternative[1] for alternative in definition.body[1]):
                raise NotPlainError
            self.terminals[name] = PlainTerminal(name, self._pattern(definition.body, (name,)), definition.priority)
        if not self.terminals.keys() >= set(self.ignored) or self._bodies.keys() & set(statements.declared):
            raise NotPlainError

    def _pattern(self, node: Node, within: tuple[str, ...]) -> TerminalPattern:
        """The pattern of a part of a terminal."""
        kind = node[0]
        if kind == "literal":
            return _literal(node[1])
        if kind == "range":
            return _range(node[1], node[2])
        if kind == "symbol":
            name = node[1]
            if name in within:
                raise NotPlainError
            if name in self.terminals:
                return self.terminals[name].pattern
            if name not in self._bodies:
                raise NotPlainError
            return self._pattern(self._bodies[name].body, (*within, name))
        if kind == "expansion":
            parts = [self._pattern(item, within) for item in node[1]]
            if not parts:
                raise NotPlainError
            if len(parts) == 1:
                return parts[0]
            widths = _capped(*map(sum, zip(*(part.widths for part in parts), strict=True)))
            return TerminalPattern("re", "".join(part.regexp() for part in parts), (), widths)
        if kind == "expansions":
            choices = [self._pattern(alternative, within) for alternative in node[1]]
            if len(choices) == 1:
                return choices[0]
            choices.sort(key=lambda x: (-x.widths[1], -x.widths[0], -len(x.value)))
            widths = min(c.widths[0] for c in choices), max(c.widths[1] for c in choices)
            return TerminalPattern("re", f"(?:{'|'.join(choice.regexp() for choice in choices)})", (), widths)
        if kind == "maybe":
            return self._repeated(self._pattern(node[1], within), "?", ())
        if kind == "expr":
            return self._repeated(self._pattern(node[1], within), node[2], node[3])
        raise NotPlainError

    def _repeated(self, inner: TerminalPattern, operator: str, numbers: tuple[int, ...]) -> TerminalPattern:
        low, high = {"?": (0, 1), "*": (0, _ENDLESS), "+": (1, _ENDLESS)}.get(operator, (0, 0))
        quantifier = operator
        if operator == "~":
            low, high = numbers[0], numbers[-1]
            if not 0 <= low <= high:
                raise NotPlainError
            quantifier = f"{{{low}}}" if len(numbers) == 1 else f"{{{low},{high}}}"
        widths = _capped(low * inner.widths[0], high * inner.widths[1])
        return TerminalPattern("re", f"(?:{inner.regexp()}){quantifier}", inner.flags, widths)

    def load(self, start: str, kept: frozenset[str]) -> Loaded:
        """Productions that ``start`` leads to, and the terminals they use."""
        statements = self.statements
        if start not in statements.rules or statements.rules[start].parameters:
            raise NotPlainError
        todo = [definition for definition in statements.rules.values() if not definition.parameters]
        for definition in todo:
            self._rule(definition, todo)
        indented = {"_INDENT", "_DEDENT"} <= set(statements.declared)
        rules = self._productions(start)
        used = {name for rule in rules for name, is_terminal in rule.expansion if is_terminal}
        used |= set(self.ignored) | (kept if indented else frozenset())
        terminals = tuple(terminal for terminal in self.terminals.values() if terminal.name in used)
        return Loaded(terminals, rules, tuple(self.ignored), indented)

    def _rule(self, definition: Definition, todo: list[Definition]) -> None:
        self._origin = definition.name
        names: dict[int, str] = {}
        literals: list[tuple[int, Node]] = []
        _add_literals(definition.body, 0, literals)
        for _, literal in sorted(literals, key=lambda found: -found[0]):
            names[id(literal)] = self._anonymous(literal)
        node = self._bnf(definition.body, names, todo, top=True)
        self._rules.append((definition.name, self._alternatives(node), definition.priority))

    def _anonymous(self, literal: Node) -> str:
        """The name of the terminal that a literal in a rule is."""
        pattern = _literal(literal[1]) if literal[0] == "literal" else _range(literal[1], literal[2])
        known = self._by_pattern.get(pattern)
        if known is not None:
            return known
        name, value = None, pattern.value
        if pattern.kind == "str":
            name = _NAMES.get(value)
            if name is None and _is_identifier(value) and value.upper() not in self.terminals:
                name = value.upper()
            if name in self.terminals:
                name = None
        if name is None:
            name = f"__ANON_{self._n_anonymous}"
            self._n_anonymous += 1
            if name in self.terminals:
                raise NotPlainError
        self.terminals[name] = PlainTerminal(name, pattern)
        self._by_pattern[pattern] = name
        return name

    def _bnf(self, node: Node, names: dict[int, str], todo: list[Definition], *, top: bool = False) -> Node:
        """The same without repetition, options and literals."""
        kind = node[0]
        if kind == "symbol":
            return node
        if kind in ("literal", "range"):
            return ("symbol", names[id(node)])
        if kind == "use":
            return ("symbol", self._template(node, names, todo))
        if kind == "expansion":
            return (
                "expansion",
                tuple([item if item[0] == "symbol" else self._bnf(item, names, todo) for item in node[1]]),
            )
        if kind == "expansions":
            return ("expansions", tuple([self._bnf(item, names, todo, top=top) for item in node[1]]))
        if kind == "alias":
            if not top or self._origin.startswith("_"):
                raise NotPlainError
            return self._bnf(node[1], names, todo)
        inner = self._bnf(node[1], names, todo)
        if kind == "maybe":
            self._n_options += 1
            nothing = ("symbol", f"{_NOTHING}{self._n_options}")
            return ("expansions", (inner, ("expansion", (nothing,))))
        return self._expr(inner, node[2], node[3])

    def _expr(self, inner: Node, operator: str, numbers: tuple[int, ...]) -> Node:
        empty: Node = ("expansion", ())
        if operator == "?":
            return ("expansions", (inner, empty))
        if operator == "~":
            low, high = numbers[0], numbers[-1]
            if not 0 <= low <= high < _FEW_REPEATS:
                raise NotPlainError
            return ("expansions", tuple(("expansion", (inner,) * n) for n in range(low, high + 1)))
        key = _without_numbers(inner)
        name = self._repeats.get(key)
        if name is None:
            name = self._repeats[key] = f"__{self._origin}_repeat_{len(self._repeats)}"
            once = ("expansion", (inner,))
            more = ("expansion", (("symbol", name), inner))
            self._rules.append((name, self._alternatives(("expansions", (once, more))), 0))
        return ("symbol", name) if operator == "+" else ("expansions", (("symbol", name), empty))

    def _template(self, node: Node, names: dict[int, str], todo: list[Definition]) -> str:
        """The rule that a template with these arguments is."""
        template = self.statements.rules.get(node[1])
        arguments = [self._bnf(argument, names, todo) for argument in node[2]]
        if template is None or len(template.parameters) != len(arguments) or not template.parameters:
            raise NotPlainError
        name = f"{node[1]}{{{','.join(argument[1] for argument in arguments)}}}"
        if name not in self._used:
            if len(self._used) >= MOST_TEMPLATES or len(name) > MOST_TEMPLATES:
                raise LimitError("the templates have no end", what="uses of templates", limit=MOST_TEMPLATES)
            self._used[name] = None
            bound = dict(zip(template.parameters, arguments, strict=True))
            todo.append(Definition(name, _substituted(template.body, bound), template.priority))
        return name

    def _alternatives(self, node: Node) -> list[tuple[str, ...]]:
        """Multiply groups out; every alternative once, in order."""
        if node[0] == "symbol":
            return [(node[1],)]
        if node[0] == "expansions":
            if len(node[1]) == 1:
                return self._alternatives(node[1][0])
            found: list[tuple[str, ...]] = []
            for part in node[1]:
                found += self._alternatives(part)
            return list(dict.fromkeys(found))
        names = [item[1] for item in node[1] if item[0] == "symbol"]
        if len(names) == len(node[1]):
            return [tuple(names)]
        parts = [self._alternatives(item) for item in node[1]]
        total = prod(map(len, parts))
        if total > MOST_ALTERNATIVES:
            raise LimitError(
                "groups and options in one rule multiply out to too many alternatives",
                what="alternatives of a rule",
                given=total,
                limit=MOST_ALTERNATIVES,
                hint="give the groups rules of their own",
            )
        if total > _FEW_ALTERNATIVES:
            raise NotPlainError
        products: list[tuple[str, ...]] = [()]
        for choices in parts:
            if len(choices) == 1:
                more = choices[0]
                products = [left + more for left in products]
            else:
                products = [left + right for left in products for right in choices]
        return list(dict.fromkeys(products))

    def _productions(self, start: str) -> tuple[PlainRule, ...]:
        found: dict[tuple[str, tuple[str, ...]], int] = {}
        nothings = {f"{_NOTHING}{number + 1}" for number in range(self._n_options)}
        for origin, alternatives, priority in self._rules:
            for alternative in alternatives:
                if nothings and not nothings.isdisjoint(alternative):
                    alternative = tuple([symbol for symbol in alternative if symbol[0] != _NOTHING])
                key = (origin, alternative)
                if key in found and alternative:
                    raise NotPlainError  # Lark calls some of these an error
                found[key] = priority
        uses: dict[str, set[str]] = {}
        for origin, rhs in found:
            uses.setdefault(origin, set()).update(rhs)
        terminals = self.terminals.keys() | set(self.statements.declared)
        if not terminals.isdisjoint(uses) or not set().union(*uses.values()) <= terminals | uses.keys():
            raise NotPlainError
        live = _reached(uses, start)
        pairs = {name: (name, True) for name in terminals} | {name: (name, False) for name in uses}
        return tuple(
            [
                PlainRule(origin, tuple([pairs[symbol] for symbol in rhs]), priority)
                for (origin, rhs), priority in found.items()
                if origin in live
            ]
        )


def _reached(uses: dict[str, set[str]], start: str) -> set[str]:
    """Rules that another rule (or the start) still uses once those are gone that none uses, as Lark prunes."""
    live = set(uses)
    while True:
        used = {symbol for origin in live for symbol in uses[origin] if symbol != origin}
        kept = live & (used | {start})
        if kept == live:
            return live
        live = kept


def _add_literals(node: Node, depth: int, found: list[tuple[int, Node]]) -> None:
    """Add (depth, literal) for all literals, left to right; Lark names the deepest first."""
    kind = node[0]
    if kind == "symbol":
        return
    if kind in ("literal", "range"):
        found.append((depth, node))
    elif kind in ("expansions", "expansion", "use"):
        for part in node[2 if kind == "use" else 1]:
            _add_literals(part, depth + 1, found)
    else:
        _add_literals(node[1], depth + 1, found)


def _without_numbers(node: Any) -> Any:
    """``node`` with all that ``[x]`` leaves out alike."""
    if isinstance(node, tuple):
        return tuple(map(_without_numbers, node))
    return _NOTHING if isinstance(node, str) and node.startswith(_NOTHING) else node


def _substituted(node: Any, bound: dict[str, Node]) -> Any:
    """A copy of ``node`` with parameters replaced; literals stay themselves apart, so that each is named in place."""
    if not isinstance(node, tuple):
        return node
    if node[:1] == ("symbol",) and node[1] in bound:
        return bound[node[1]]
    if node[:1] == ("use",) and node[1] in bound:
        raise NotPlainError
    return tuple(_substituted(part, bound) for part in node)


def _lone_terminal(body: Node) -> str | None:
    """The terminal that ``body`` is, if it is just one."""
    if len(body[1]) == 1 and body[1][0][0] == "expansion" and len(body[1][0][1]) == 1:
        item = body[1][0][1][0]
        if item[0] == "symbol" and item[1].isupper():
            return str(item[1])
    return None


def _capped(low: int, high: int) -> tuple[int, int]:
    """Widths as ``re`` counts them: no more than what stands for endless."""
    return min(low, _ENDLESS - 1), min(high, _ENDLESS)


def _is_identifier(text: str) -> bool:
    """Whether Lark would name a terminal after ``text``."""
    if text.isascii():
        return bool(re.fullmatch(r"[A-Za-z_]\w*", text, re.ASCII))
    start = {"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Pc"}
    kinds = [unicodedata.category(character) for character in text]
    return kinds[0] in start and all(kind in start or kind in ("Nd", "Nl") for kind in kinds)


@lru_cache(maxsize=4096)
def _literal(text: str) -> TerminalPattern:
    """The pattern of a string or regular expression as written."""
    end = max(text.rfind("/"), text.rfind('"'))
    body, flags = _unescaped(text[1:end]), tuple(sorted(set(text[end + 1 :])))
    if not body or ("\n" in text and "x" not in flags):
        raise NotPlainError
    if text[0] == '"':
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
    return _Expander(statements, ()).terminals
