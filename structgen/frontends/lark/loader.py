"""A Lark grammar, loaded by Lark's own loader, as terminals and productions.

Lark does the reading, so imports, templates, ``%extend``, ``%override``, ranges and EBNF
mean what they mean there; what is taken from it is its list of terminals and of plain
productions. What Lark's lexer decides while it is built (the order of terminals, which
strings are keywords of which pattern) is computed here, by the rules of ``lark.lexer``.
"""

from __future__ import annotations

import re
from typing import Any

from structgen.errors import ConstraintError, GrammarSyntaxError, UnsupportedError
from structgen.frontends.lark.messages import located, syntax_error
from structgen.frontends.lark.patterns import read_pattern
from structgen.ir.grammar import Grammar, IndentRules, Production, Terminal
from structgen.ir.pattern import min_width

__all__ = ["read_lark"]

_OPENING = ("LPAR", "LSQB", "LBRACE")
_CLOSING = ("RPAR", "RSQB", "RBRACE")
_NEWLINE, _INDENT, _DEDENT = "_NEWLINE", "_INDENT", "_DEDENT"


def read_lark(
    text: str, *, start: str = "start", source_path: str = "<string>", import_paths: tuple[str, ...] = ()
) -> Grammar:
    """Read the grammar ``text``.

    Raises
    ------
    GrammarSyntaxError : Lark cannot read it, a symbol is undefined, or a terminal matches
        the empty string; with the place, where it is known
    UnsupportedError : ``%declare`` of a terminal that is neither indentation's nor known,
        or a pattern that no automaton over the lexeme can decide
    """
    _refuse_extensions(text)
    terminals, rules, ignored, kept = _load(text, start, source_path, import_paths)
    names = {terminal.name: i for i, terminal in enumerate(terminals)}
    order = _order(terminals)
    found = [_terminal(text, terminal, order[terminal.name]) for terminal in terminals]
    declared = sorted({s.name for rule in rules for s in rule.expansion if s.is_term and s.name not in names})
    indentation = _indentation(text, names, declared, kept)
    for name in declared:
        names[name] = len(found)
        found.append(Terminal(name, None))
    if indentation:
        indentation = IndentRules(
            names[_NEWLINE], names[_INDENT], names[_DEDENT], _ids(names, _OPENING), _ids(names, _CLOSING)
        )
    nonterminals = list(dict.fromkeys([start, *(rule.origin.name for rule in rules)]))
    keywords, shadowed = _keywords(terminals, order)
    return Grammar(
        terminals=tuple(found),
        nonterminals=tuple(nonterminals),
        productions=_productions(text, rules, names, nonterminals),
        start=len(found),
        ignore=frozenset(names[name] for name in ignored),
        keywords=keywords,
        shadowed=shadowed,
        indentation=indentation or None,
    )


def _load(text: str, start: str, source_path: str, import_paths: tuple[str, ...]) -> tuple[Any, Any, Any, bool]:
    from lark.exceptions import LarkError
    from lark.load_grammar import load_grammar

    try:
        loaded, _files = load_grammar(text, source_path, list(import_paths), False)
        defined = {name for name, *_ in loaded.rule_defs}
        if start not in defined:
            raise GrammarSyntaxError(
                f"the grammar has no rule named {start!r}",
                source=text,
                hint=f"rules: {', '.join(sorted(defined)[:20])}",
            )
        declares = {name for name, (tree, _) in loaded.term_defs if tree is None}
        kept = {_INDENT, _DEDENT} <= declares
        terminals, rules, ignored = loaded.compile([start], {_NEWLINE} if kept else set())
    except ConstraintError:
        raise
    except (LarkError, OSError, AssertionError, ValueError, KeyError) as error:
        raise syntax_error(error, text) from None
    return terminals, rules, ignored, kept


def _refuse_extensions(text: str) -> None:
    found = re.search(r"%(json|regex|lark)\b", re.sub(r'"(\\.|[^"\\\n])*"|//[^\n]*', lambda m: " " * len(m[0]), text))
    if found:
        raise UnsupportedError(
            f"{found[0]} inside a grammar is not supported", keyword=found[0], source=text, span=found.span()
        )


def _order(terminals: list[Any]) -> dict[str, int]:
    """Rank of each terminal: the order in which Lark's lexer tries them."""

    def key(terminal: Any) -> tuple[int, int, int, str]:
        try:
            width = int(terminal.pattern.max_width)
        except Exception:  # a pattern that cannot be read, by either of two modules; reading it will say why
            width = 0
        return -terminal.priority, -width, -len(terminal.pattern.value), terminal.name

    ordered = sorted(terminals, key=key)
    return {terminal.name: rank for rank, terminal in enumerate(ordered)}


def _terminal(text: str, terminal: Any, rank: int) -> Terminal:
    literal = terminal.pattern.value if terminal.pattern.type == "str" else None
    expression = terminal.pattern.to_regexp()
    try:
        pattern = read_pattern(expression, name=terminal.name)
    except ConstraintError as error:
        raise located(error, text, terminal.name) from None
    if min_width(pattern) == 0:
        raise located(
            GrammarSyntaxError(f"terminal {terminal.name} matches the empty string", hint="make it match a character"),
            text,
            terminal.name,
        )
    return Terminal(
        terminal.name, pattern, literal, frozenset(terminal.pattern.flags), int(terminal.priority), rank, expression
    )


def _keywords(
    terminals: list[Any], order: dict[str, int]
) -> tuple[dict[int, tuple[int, ...]], dict[int, frozenset[int]]]:
    """For each pattern the strings it also matches, as ``lark.lexer._create_unless`` finds them."""
    ids = {terminal.name: i for i, terminal in enumerate(terminals)}
    strings = [t for t in terminals if t.pattern.type == "str"]
    keywords: dict[int, tuple[int, ...]] = {}
    shadowed: dict[int, frozenset[int]] = {}
    for terminal in terminals:
        if terminal.pattern.type != "re":
            continue
        expression = re.compile(terminal.pattern.to_regexp())
        words = []
        for other in strings:
            if other.priority == terminal.priority:
                match = expression.match(other.pattern.value)
                if match and match.group(0) == other.pattern.value:
                    words.append(other)
        if words:
            words.sort(key=lambda t: order[t.name])
            keywords[ids[terminal.name]] = tuple(ids[t.name] for t in words)
            inside = frozenset(ids[t.name] for t in words if set(t.pattern.flags) <= set(terminal.pattern.flags))
            shadowed[ids[terminal.name]] = inside
    return keywords, shadowed


def _indentation(text: str, names: dict[str, int], declared: list[str], kept: bool) -> Any:
    """Whether the grammar is indented; refuses declared terminals nobody feeds."""
    indented = kept and _NEWLINE in names and {_INDENT, _DEDENT} <= set(declared)
    unknown = [name for name in declared if not (indented and name in (_INDENT, _DEDENT))]
    if unknown:
        error = UnsupportedError(
            f"%declare {unknown[0]}: nothing would ever produce this terminal",
            keyword=f"%declare {unknown[0]}",
            source=text,
            hint="only _INDENT and _DEDENT, beside a _NEWLINE terminal, are declared terminals with a meaning",
        )
        raise located(error, text, unknown[0])
    return indented


def _ids(names: dict[str, int], group: tuple[str, ...]) -> frozenset[int]:
    return frozenset(names[name] for name in group if name in names)


def _productions(text: str, rules: list[Any], names: dict[str, int], nonterminals: list[str]) -> tuple[Production, ...]:
    offset = len(names)
    ids = {name: offset + i for i, name in enumerate(nonterminals)}
    found = []
    for rule in rules:
        rhs = tuple(names[s.name] if s.is_term else ids[s.name] for s in rule.expansion)
        found.append(Production(ids[rule.origin.name], rhs, rule.options.priority or 0 if rule.options else 0))
    return tuple(dict.fromkeys(found))
