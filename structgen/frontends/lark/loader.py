"""A Lark grammar as terminals and productions.

Plain grammars are read quickly (``notation``, ``expand``); all others, and all with errors, by
Lark's own loader, so imports, templates, ``%extend``, ``%override``, ranges and EBNF mean what
they mean there. What is taken from either is a list of terminals and of plain productions.
What Lark's lexer decides while it is built (the order of terminals, which strings are
keywords of which pattern) is computed here, by the rules of ``lark.lexer``.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from structgen.errors import ConstraintError, GrammarSyntaxError, LimitError, UnsupportedError
from structgen.frontends.lark.expand import Loaded, PlainRule, PlainTerminal, TerminalPattern, load_plain
from structgen.frontends.lark.islands import take_islands
from structgen.frontends.lark.matching import matches_whole
from structgen.frontends.lark.messages import located, syntax_error
from structgen.frontends.lark.notation import NotPlainError
from structgen.frontends.lark.patterns import exactly, read_pattern
from structgen.ir.grammar import Grammar, IndentRules, Production, Terminal
from structgen.ir.pattern import first_characters, matches_nothing, min_width

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
    LimitError : it nests too deeply, or its templates have no end
    UnsupportedError : ``%declare`` of a terminal that is neither indentation's nor known,
        or a pattern that no automaton over the lexeme can decide
    """
    islands = take_islands(text)
    text = islands.text
    loaded = _load(text, start, source_path, import_paths)
    terminals = loaded.terminals
    names = {terminal.name: i for i, terminal in enumerate(terminals)}
    order = _order(terminals)
    found = [_terminal(text, terminal, order[terminal.name]) for terminal in terminals]
    used = {name for rule in loaded.rules for name, is_terminal in rule.expansion if is_terminal}
    declared = sorted(used - names.keys())
    indentation = _indentation(text, names, [name for name in declared if name not in islands.names], loaded.indented)
    for name in declared:
        names[name] = len(found)
        found.append(Terminal(name, None))
    if indentation:
        indentation = IndentRules(
            names[_NEWLINE], names[_INDENT], names[_DEDENT], _ids(names, _OPENING), _ids(names, _CLOSING)
        )
    nonterminals = list(dict.fromkeys([start, *(rule.origin for rule in loaded.rules)]))
    keywords, shadowed = _keywords(terminals, found, frozenset(loaded.ignored))
    return Grammar(
        terminals=tuple(found),
        nonterminals=tuple(nonterminals),
        productions=_productions(loaded.rules, names, nonterminals),
        start=len(found),
        ignore=frozenset(names[name] for name in loaded.ignored),
        keywords=keywords,
        shadowed=shadowed,
        indentation=indentation or None,
        schemas={names[name]: schema for name, schema in islands.schemas.items() if name in names},
        unused=_unused(text, start),
        specials={names[name]: token for name, token in islands.specials.items() if name in names},
    )


def _load(text: str, start: str, source_path: str, import_paths: tuple[str, ...]) -> Loaded:
    """Terminals and productions, by the quick way where the grammar is plain."""
    try:
        return load_plain(text, start, import_paths, frozenset({_NEWLINE}))
    except NotPlainError:
        return load_with_lark(text, start, source_path, import_paths)


def load_with_lark(text: str, start: str, source_path: str, import_paths: tuple[str, ...]) -> Loaded:
    """The same by Lark's own loader, whatever the grammar."""
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
        indented = {_INDENT, _DEDENT} <= declares
        terminals, rules, ignored = loaded.compile([start], {_NEWLINE} if indented else set())
    except ConstraintError:
        raise
    except RecursionError:
        raise LimitError("the grammar nests too deeply to be read", what="nesting of the grammar") from None
    except (LarkError, OSError, AssertionError, ValueError, KeyError) as error:
        raise syntax_error(error, text) from None
    return Loaded(
        tuple(
            PlainTerminal(
                t.name,
                TerminalPattern(t.pattern.type, t.pattern.value, tuple(sorted(t.pattern.flags))),
                int(t.priority),
            )
            for t in terminals
        ),
        tuple(
            PlainRule(
                rule.origin.name,
                tuple((symbol.name, bool(symbol.is_term)) for symbol in rule.expansion),
                (rule.options.priority or 0) if rule.options else 0,
            )
            for rule in rules
        ),
        tuple(ignored),
        indented,
    )


def _unused(text: str, start: str) -> tuple[str, ...]:
    """Names that the text defines and mentions nowhere else; what Lark reads itself for indentation is used."""
    defined = re.findall(r"^[ \t]*[?!]*([A-Za-z_]\w*)(?:\{[^}\n]*\})?(?:\.-?\d+)?[ \t]*:", text, re.MULTILINE)
    mentions = Counter(re.findall(r"[A-Za-z_]\w*", text))
    spared = {start, _NEWLINE, *_OPENING, *_CLOSING}
    return tuple(name for name in dict.fromkeys(defined) if mentions[name] == 1 and name not in spared)


def _order(terminals: tuple[PlainTerminal, ...]) -> dict[str, int]:
    """Rank of each terminal: the order in which Lark's lexer tries them."""

    def key(terminal: PlainTerminal) -> tuple[int, int, int, str]:
        try:
            width = terminal.pattern.widths[1]
        except NotPlainError:  # a pattern that cannot be read; reading it will say why
            width = 0
        return -terminal.priority, -width, -len(terminal.pattern.value), terminal.name

    ordered = sorted(terminals, key=key)
    return {terminal.name: rank for rank, terminal in enumerate(ordered)}


def _terminal(text: str, terminal: PlainTerminal, rank: int) -> Terminal:
    written = terminal.pattern
    expression = written.regexp()
    if written.kind == "str" and not written.flags and written.value and written.value.isascii():
        pattern = exactly(written.value)
        return Terminal(terminal.name, pattern, written.value, frozenset(), terminal.priority, rank, expression)
    try:
        if written.kind == "str" and not written.flags:
            pattern = exactly(written.value)
        else:
            pattern = read_pattern(expression, name=terminal.name)
    except ConstraintError as error:
        raise located(error, text, terminal.name) from None
    if min_width(pattern) == 0:
        raise located(
            GrammarSyntaxError(f"terminal {terminal.name} matches the empty string", hint="make it match a character"),
            text,
            terminal.name,
        )
    if matches_nothing(pattern):
        raise located(GrammarSyntaxError(f"terminal {terminal.name} matches no text"), text, terminal.name)
    literal = written.value if written.kind == "str" else None
    return Terminal(terminal.name, pattern, literal, frozenset(written.flags), terminal.priority, rank, expression)


def _keywords(
    terminals: tuple[PlainTerminal, ...], patterns: list[Terminal], ignored: frozenset[str]
) -> tuple[dict[int, tuple[int, ...]], dict[int, frozenset[int]]]:
    """For each pattern the strings it also matches, as ``lark.lexer._create_unless`` finds them."""
    strings = [i for i, terminal in enumerate(terminals) if terminal.pattern.kind == "str"]
    strings.sort(key=lambda i: patterns[i].rank)
    begins = {i: ord(terminals[i].pattern.value[:1] or "\0") for i in strings}
    keywords: dict[int, tuple[int, ...]] = {}
    shadowed: dict[int, frozenset[int]] = {}
    for i, terminal in enumerate(terminals):
        pattern = patterns[i].pattern
        if terminal.pattern.kind != "re" or pattern is None:
            continue
        first, is_empty = first_characters(pattern)
        words = [
            j
            for j in strings
            if terminals[j].priority == terminal.priority
            and (is_empty or any(low <= begins[j] <= high for low, high in first))
            and matches_whole(pattern, terminals[j].pattern.value)
        ]
        if words:
            if terminal.name not in ignored:  # Lark throws ignored lexemes away before it renames them
                keywords[i] = tuple(words)
            flags = set(terminal.pattern.flags)
            shadowed[i] = frozenset(j for j in words if set(terminals[j].pattern.flags) <= flags)
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
            hint="declared terminals with a meaning are _INDENT and _DEDENT beside a _NEWLINE terminal, "
            "special tokens <|name|>, and terminals defined as %json { schema }",
        )
        raise located(error, text, unknown[0])
    return indented


def _ids(names: dict[str, int], group: tuple[str, ...]) -> frozenset[int]:
    return frozenset(names[name] for name in group if name in names)


def _productions(
    rules: tuple[PlainRule, ...], names: dict[str, int], nonterminals: list[str]
) -> tuple[Production, ...]:
    offset = len(names)
    ids = {name: offset + i for i, name in enumerate(nonterminals)}
    found = []
    for origin, expansion, priority in rules:
        rhs = tuple([names[name] if is_terminal else ids[name] for name, is_terminal in expansion])
        found.append(Production(ids[origin], rhs, priority))
    return tuple(dict.fromkeys(found))
