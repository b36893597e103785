"""From statements to terminals and plain productions, as Lark's loader works them out.

What decides the language, and whether a grammar is LALR, must come out as it does there:
``x*`` and ``x+`` share one left-recursive rule per rule file and expression, groups are
multiplied out, ``[x]`` differs from ``x?`` only in what a tree would hold, anonymous
terminals are named after their text (names order the lexer's ties), terminals nobody uses
are dropped.

Lark has as many empty symbols in place of an ``[x]`` left out as the tree would have gaps, and calls
alternatives that differ in nothing else an error. So where two alternatives turn out the same
behind an ``[x]``, the rule is worked out again with a mark for each of these, and two that differ
in marks alone are left to Lark.
"""

from __future__ import annotations

import unicodedata
from itertools import chain
from math import prod
from typing import Any, NamedTuple

from structgen.errors import LimitError
from structgen.frontends.lark.notation import Definition, Literals, Node, NotPlainError, Statements, read_statements
from structgen.frontends.lark.terminals import PlainTerminal, TerminalPattern, literal_pattern, plain_terminals

__all__ = ["Loaded", "PlainRule", "load_plain"]

_NAMES = {
    ".": "DOT", ",": "COMMA", ":": "COLON", ";": "SEMICOLON", "+": "PLUS", "-": "MINUS", "*": "STAR",
    "/": "SLASH", "\\": "BACKSLASH", "|": "VBAR", "?": "QMARK", "!": "BANG", "@": "AT", "#": "HASH",
    "$": "DOLLAR", "%": "PERCENT", "^": "CIRCUMFLEX", "&": "AMPERSAND", "_": "UNDERSCORE", "<": "LESSTHAN",
    ">": "MORETHAN", "=": "EQUAL", '"': "DBLQUOTE", "'": "QUOTE", "`": "BACKQUOTE", "~": "TILDE",
    "(": "LPAR", ")": "RPAR", "{": "LBRACE", "}": "RBRACE", "[": "LSQB", "]": "RSQB", "\n": "NEWLINE",
    "\r\n": "CRLF", "\t": "TAB", " ": "SPACE",
}  # fmt: skip
_FEW_ALTERNATIVES, MOST_ALTERNATIVES = 20_000, 60_000
MOST_TEMPLATES = 5_000
_FEW_REPEATS = 50
_NOTHING = "\0"
"""With a number, the mark of an ``[x]`` left out."""

Alternatives = list[tuple[str, ...]]
"""Sequences of symbols' names."""


class _DoubleError(Exception):
    """Two alternatives are the same, perhaps by an ``[x]`` left out."""


class PlainRule(NamedTuple):
    """A rule without options, groups and repetitions."""

    origin: str
    alternatives: Alternatives
    priority: int = 0


class Loaded(NamedTuple):
    """What a grammar comes down to."""

    terminals: tuple[PlainTerminal, ...]
    rules: tuple[PlainRule, ...]
    ignored: tuple[str, ...]
    declared: tuple[str, ...]
    """Terminals without a pattern that rules use, in the order of their names."""
    indented: bool
    """Whether it declares indentation."""
    all_mentioned: bool = False
    """Whether each name defined is surely mentioned once more."""


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
        self.terminals, self.ignored = plain_terminals(statements, import_paths)
        self._by_pattern = {terminal.pattern[:3]: name for name, terminal in self.terminals.items()}
        self._names: dict[Node, str] = {}
        """Of the terminals that literals in rules are."""
        self._n_anonymous = 0
        self._rules: list[PlainRule] = []
        self._todo: list[Definition] = []
        self._repeats: dict[Node, str] = {}
        self._origin = ""
        self._options: dict[int, str] = {}
        """Marks of the ``[x]`` of this rule, by their nodes' identities."""
        self._marks_options = False
        self._is_doubtful = False
        self._used: set[str] = set()

    def load(self, start: str, kept: frozenset[str]) -> Loaded:
        """Productions that ``start`` leads to, and the terminals they use."""
        statements = self.statements
        if start not in statements.rules or statements.rules[start].parameters:
            raise NotPlainError
        self._todo = [definition for definition in statements.rules.values() if not definition.parameters]
        for definition in self._todo:
            self._rule(definition)
        rules, symbols = self._live_rules(start)
        declared = symbols & set(statements.declared)
        indented = {"_INDENT", "_DEDENT"} <= set(statements.declared)
        used = symbols.union(self.ignored, kept if indented else ())
        by_name = used.difference(self._names.values()) | {start}  # literals do not mention what they are
        return Loaded(
            tuple([terminal for name, terminal in self.terminals.items() if name in used]),
            rules,
            self.ignored,
            tuple(sorted(declared)),
            indented,
            by_name.issuperset(chain(statements.rules, statements.terminals)) or statements.all_mentioned(start),
        )

    def _rule(self, definition: Definition) -> None:
        self._origin = definition.name
        names = self._names
        fresh = [pair for pair in definition.literals if pair[1] not in names]
        if fresh:
            self._name(fresh)
        self._options, self._marks_options = {}, False
        try:
            found = self._choices(definition.body)
        except _DoubleError:
            self._marks_options = True
            found = self._choices(definition.body)
        self._add(definition.name, found, definition.priority)

    def _add(self, name: str, found: Alternatives, priority: int) -> None:
        if self._marks_options:
            found = [tuple([symbol for symbol in each if symbol[0] != _NOTHING]) for each in found]
            once = list(dict.fromkeys(found))
            if len(found) - len(once) > max(0, found.count(()) - 1):  # Lark calls some of these an error
                self._is_doubtful = True
            found = once
        self._rules.append(PlainRule(name, found, priority))

    def _name(self, literals: Literals) -> None:
        """Name the terminals that literals are, the deepest first, as Lark does."""
        for _, literal in sorted(literals, key=lambda pair: -pair[0]):
            if literal not in self._names:
                self._names[literal] = self._anonymous(literal_pattern(literal))

    def _anonymous(self, pattern: TerminalPattern) -> str:
        """The name of the terminal with this pattern."""
        known = self._by_pattern.get(pattern[:3])
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
        self._by_pattern[pattern[:3]] = name
        return name

    # --- alternatives

    def _choices(self, node: Node) -> Alternatives:
        """What ``node`` may be: groups multiplied out, every alternative once, in order."""
        names = self._names
        if isinstance(node, str):
            return [(names.get(node, node),)]
        kind = node[0]
        if kind == ",":
            found: Alternatives = [tuple(map(names.get, items, items)) for items in node[1]]
            return found if len(found) == 1 else self._each_once(found)
        if kind == "*":
            return [(self._repeat(node[1]),), ()]
        if kind == "[" or kind == "?":
            found, nothing = self._choices(node[1]), self._nothing(node) if kind == "[" else ()
            return self._each_once([*found, nothing]) if nothing in found else [*found, nothing]
        if kind == "|":
            found = []
            for items in node[1]:
                found += self._sequences(items)
            return found if len(found) == 1 else self._each_once(found)
        if kind == "+":
            return [(self._repeat(node[1]),)]
        if kind == "~":
            return self._choices(self._spread(node[1], node[2]))
        return [(self._template(node[1], node[2]) if kind == "{" else names[node],)]

    def _nothing(self, option: Node) -> tuple[str, ...]:
        """What stands for an ``[x]`` left out."""
        mark = self._options.setdefault(id(option), f"{_NOTHING}{len(self._options)}")
        return (mark,) if self._marks_options else ()

    def _each_once(self, found: Alternatives) -> Alternatives:
        once = list(dict.fromkeys(found))
        if len(once) < len(found) and self._options and not self._marks_options:
            raise _DoubleError
        return once

    def _sequences(self, items: tuple[Node, ...]) -> Alternatives:
        """What one alternative may be."""
        names = self._names
        parts: list[Alternatives] = []
        run: list[str] = []
        for item in items:
            if isinstance(item, str):
                run.append(names.get(item, item))
                continue
            if run:
                parts.append([tuple(run)])
                run = []
            parts.append(self._choices(item))
        if run:
            parts.append([tuple(run)])
        if len(parts) < 2:
            return parts[0] if parts else [()]
        n_choices = [n for n in map(len, parts) if n > 1]
        if len(n_choices) > 1:
            _check_product(n_choices)
        products = parts[0]
        for choices in parts[1:]:
            products = [left + right for left in products for right in choices]
        return products if len(n_choices) < 2 else self._each_once(products)

    def _spread(self, inner: Node, numbers: tuple[int, ...]) -> Node:
        """``x~2..3`` as ``(x x | x x x)``."""
        low, high = numbers[0], numbers[-1]
        if not 0 <= low <= high < _FEW_REPEATS:
            raise NotPlainError
        return ("," if isinstance(inner, str) else "|", tuple([(inner,) * n for n in range(low, high + 1)]))

    def _repeat(self, node: Node) -> str:
        """The rule for one or more of ``node``: one for all that are alike."""
        inner = self._resolved(node)
        name = self._repeats.get(inner)
        if name is None:
            once = self._choices(inner)
            name = self._repeats[inner] = f"__{self._origin}_repeat_{len(self._repeats)}"
            self._add(name, self._each_once([*once, *[(name, *symbols) for symbols in once]]), 0)
        return name

    def _resolved(self, node: Node) -> Node:
        """``node`` with names for literals, repetitions and templates, by which alike ones are known."""
        if isinstance(node, str):
            return self._names.get(node, node)
        kind = node[0]
        if kind == ",":
            return (",", tuple([tuple(map(self._names.get, items, items)) for items in node[1]]))
        if kind == "|":
            found = tuple([tuple([self._resolved(item) for item in items]) for items in node[1]])
            return ("," if all(isinstance(item, str) for items in found for item in items) else "|", found)
        if kind == "*":
            return ("?", self._repeat(node[1]))
        if kind == "+":
            return self._repeat(node[1])
        if kind == "~":
            return self._spread(self._resolved(node[1]), node[2])
        if kind == "?" or kind == "[":
            return (kind, self._resolved(node[1]))
        return self._template(node[1], node[2]) if kind == "{" else self._names[node]

    def _template(self, of: str, given: tuple[Node, ...]) -> str:
        """The rule that a template with these arguments is."""
        template = self.statements.rules.get(of)
        arguments = [self._resolved(argument) for argument in given]
        if template is None or len(template.parameters) != len(arguments) or not template.parameters:
            raise NotPlainError
        name = f"{of}{{{','.join(map(str, arguments))}}}"
        if name not in self._used:
            if len(self._used) >= MOST_TEMPLATES or len(name) > MOST_TEMPLATES:
                raise LimitError("the templates have no end", what="uses of templates", limit=MOST_TEMPLATES)
            self._used.add(name)
            bound = dict(zip(template.parameters, arguments, strict=True))
            body = _substituted(template.body, bound)
            self._todo.append(Definition(name, body, template.priority, (), template.literals))
        return name

    def _live_rules(self, start: str) -> tuple[tuple[PlainRule, ...], set[str]]:
        """The rules that are used, and the symbols they use."""
        uses = {rule.origin: set().union(*rule.alternatives) for rule in self._rules}
        terminals = self.terminals.keys() | set(self.statements.declared)
        symbols = set().union(*uses.values())
        if self._is_doubtful or not terminals.isdisjoint(uses) or not symbols <= terminals | uses.keys():
            raise NotPlainError
        live = _reached(uses, start)
        rules = self._rules if len(live) == len(uses) else [rule for rule in self._rules if rule.origin in live]
        return tuple(rules), set().union(*(uses[origin] for origin in live))


def _check_product(n_choices: list[int]) -> None:
    total = prod(n_choices)
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


def _reached(uses: dict[str, set[str]], start: str) -> set[str]:
    """Rules that another rule (or the start) still uses once those are gone that none uses, as Lark prunes."""
    live = set(uses)
    while True:
        used = {start}.union(*[uses[at] - {at} if at in uses[at] else uses[at] for at in live])
        kept = live & used
        if kept == live:
            return live
        live = kept


def _substituted(node: Any, bound: dict[str, Node]) -> Any:
    """A copy of ``node`` with parameters replaced."""
    if isinstance(node, str):
        return bound.get(node, node)
    if not isinstance(node, tuple):
        return node
    if node[:1] == ("{",) and node[1] in bound:
        raise NotPlainError
    return tuple([_substituted(part, bound) for part in node])


def _is_identifier(text: str) -> bool:
    """Whether Lark would name a terminal after ``text``."""
    if text.isascii():
        return text.isidentifier()
    start = {"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Pc"}
    kinds = [unicodedata.category(character) for character in text]
    return kinds[0] in start and all(kind in start or kind in ("Nd", "Nl") for kind in kinds)
