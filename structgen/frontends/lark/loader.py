"""A Lark grammar as terminals and productions.

Plain grammars are read quickly (``notation``, ``expand``); all others, and all with errors, by
Lark's own loader, so imports, templates, ``%extend``, ``%override``, ranges and EBNF mean what
they mean there. What is taken from either is a list of terminals and of plain productions.
What Lark's lexer decides while it is built (the order of terminals, which strings are
keywords of which pattern) is computed here, by the rules of ``lark.lexer``.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from functools import lru_cache
from itertools import compress
from typing import Any

from structgen.errors import ConstraintError, GrammarSyntaxError, LimitError, UnsupportedError
from structgen.frontends.lark.expand import Loaded, PlainRule, load_plain
from structgen.frontends.lark.islands import take_islands
from structgen.frontends.lark.matching import whole_matches
from structgen.frontends.lark.messages import located, syntax_error
from structgen.frontends.lark.notation import NotPlainError
from structgen.frontends.lark.patterns import exactly, read_pattern
from structgen.frontends.lark.terminals import PlainTerminal, TerminalPattern
from structgen.ir.grammar import Grammar, IndentRules, Production, Terminal
from structgen.ir.pattern import Pattern, first_characters, matches_nothing, min_width

__all__ = ["read_lark"]

_OPENING = ("LPAR", "LSQB", "LBRACE")
_CLOSING = ("RPAR", "RSQB", "RBRACE")
_NONE: frozenset[str] = frozenset()
_SHORT = 200
"""Characters of an expression up to which its pattern is kept."""
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
    terminals, declared = loaded.terminals, loaded.declared
    names = {terminal.name: i for i, terminal in enumerate(terminals)}
    found = [_terminal(text, terminal, rank) for terminal, rank in zip(terminals, _ranks(terminals), strict=True)]
    indentation = _indentation(text, names, [name for name in declared if name not in islands.names], loaded.indented)
    for name in declared:
        names[name] = len(found)
        found.append(Terminal(name, None))
    if indentation:
        indentation = IndentRules(
            names[_NEWLINE], names[_INDENT], names[_DEDENT], _ids(names, _OPENING), _ids(names, _CLOSING)
        )
    nonterminals = tuple(dict.fromkeys([start, *[rule.origin for rule in loaded.rules]]))
    keywords, shadowed = _keywords(terminals, found, frozenset(loaded.ignored))
    return Grammar(
        terminals=tuple(found),
        nonterminals=nonterminals,
        productions=_productions(loaded.rules, [*names, *nonterminals]),
        start=len(found),
        ignore=frozenset([names[name] for name in loaded.ignored]),
        keywords=keywords,
        shadowed=shadowed,
        indentation=indentation or None,
        schemas={names[name]: schema for name, schema in islands.schemas.items() if name in names},
        unused=() if loaded.all_mentioned else _unused(text, start),
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
    found = tuple(
        PlainTerminal(
            t.name, TerminalPattern(t.pattern.type, t.pattern.value, tuple(sorted(t.pattern.flags))), int(t.priority)
        )
        for t in terminals
    )
    used = {symbol.name for rule in rules for symbol in rule.expansion if symbol.is_term}
    productions = dict.fromkeys(
        (
            rule.origin.name,
            tuple(symbol.name for symbol in rule.expansion),
            (rule.options.priority or 0) if rule.options else 0,
        )
        for rule in rules
    )
    return Loaded(
        found,
        tuple(PlainRule(origin, [symbols], priority) for origin, symbols, priority in productions),
        tuple(ignored),
        tuple(sorted(used - {terminal.name for terminal in found})),
        indented,
    )


def _unused(text: str, start: str) -> tuple[str, ...]:
    """Names that the text defines and mentions nowhere else; what Lark reads itself for indentation is used."""
    defined = re.findall(r"^[ \t]*[?!]*([A-Za-z_]\w*)(?:\{[^}\n]*\})?(?:\.-?\d+)?[ \t]*:", text, re.MULTILINE)
    mentions = Counter(re.findall(r"[A-Za-z_]\w*", text))
    spared = {start, _NEWLINE, *_OPENING, *_CLOSING}
    return tuple(name for name in dict.fromkeys(defined) if mentions[name] == 1 and name not in spared)


def _ranks(terminals: tuple[PlainTerminal, ...]) -> list[int]:
    """Rank of each terminal: the order in which Lark's lexer tries them."""
    keys = [
        (-priority, -(len(pattern.value) if pattern.kind == "str" else _width(pattern)), -len(pattern.value), name)
        for name, pattern, priority in terminals
    ]
    ranks = [0] * len(keys)
    for rank, (_, at) in enumerate(sorted(zip(keys, range(len(keys)), strict=True))):
        ranks[at] = rank
    return ranks


def _width(pattern: TerminalPattern) -> int:
    try:
        return pattern.widths[1]
    except NotPlainError:  # a pattern that cannot be read; reading it will say why
        return 0


def _terminal(text: str, terminal: PlainTerminal, rank: int) -> Terminal:
    name, written, priority = terminal
    kind, value, flags, _ = written
    if kind == "str" and not flags and value and value.isascii():
        return Terminal(name, exactly(value), value, _NONE, priority, rank)
    expression = written.regexp()
    try:
        if kind == "str" and not flags:
            pattern = exactly(value)
            fault = _fault(pattern)
        else:
            pattern, fault = _pattern(expression, name)
    except ConstraintError as error:
        raise located(error, text, name) from None
    if fault:
        hint = "make it match a character" if fault == _MATCHES_EMPTY else None
        raise located(GrammarSyntaxError(f"terminal {name} {fault}", hint=hint), text, name)
    literal = value if kind == "str" else None
    return Terminal(name, pattern, literal, frozenset(flags), priority, rank, expression)


def _pattern(expression: str, name: str) -> tuple[Pattern, str]:
    """The pattern of an expression, and what is wrong with it; short ones are kept, since many grammars share them."""
    if len(expression) > _SHORT:
        pattern = read_pattern(expression, name=name)
        return pattern, _fault(pattern)
    try:
        return _usual_pattern(expression)
    except ConstraintError:
        pattern = read_pattern(expression, name=name)  # raises the error with its name
        return pattern, _fault(pattern)


@lru_cache(maxsize=512)
def _usual_pattern(expression: str) -> tuple[Pattern, str]:
    pattern = read_pattern(expression, name="")
    return pattern, _fault(pattern)


_MATCHES_EMPTY = "matches the empty string"


def _fault(pattern: Pattern) -> str:
    """What makes a pattern no terminal's, if anything does."""
    if min_width(pattern) == 0:
        return _MATCHES_EMPTY
    return "matches no text" if matches_nothing(pattern) else ""


def _keywords(
    terminals: tuple[PlainTerminal, ...], patterns: list[Terminal], ignored: frozenset[str]
) -> tuple[dict[int, tuple[int, ...]], dict[int, frozenset[int]]]:
    """For each pattern the strings it also matches, as ``lark.lexer._create_unless`` finds them."""
    strings = sorted([(patterns[i].rank, i) for i, t in enumerate(terminals) if t.pattern.kind == "str"])
    begun: dict[int, list[int]] = {}
    for _, i in strings:
        begun.setdefault(ord(terminals[i].pattern.value[:1] or "\0"), []).append(i)
    begins = sorted(begun)
    keywords: dict[int, tuple[int, ...]] = {}
    shadowed: dict[int, frozenset[int]] = {}
    for i, terminal in enumerate(terminals):
        pattern = patterns[i].pattern
        if terminal.pattern.kind != "re" or pattern is None:
            continue
        words = _words_of(pattern, terminal.priority, terminals, begun, begins)
        if words:
            words.sort(key=lambda word: patterns[word].rank)
            if terminal.name not in ignored:  # Lark throws ignored lexemes away before it renames them
                keywords[i] = tuple(words)
            flags = set(terminal.pattern.flags)
            shadowed[i] = frozenset([j for j in words if flags.issuperset(terminals[j].pattern.flags)])
    return keywords, shadowed


def _words_of(
    pattern: Pattern,
    priority: int,
    terminals: tuple[PlainTerminal, ...],
    begun: dict[int, list[int]],
    begins: list[int],
) -> list[int]:
    """The strings, by what they begin with, that are matches of ``pattern`` and have its priority."""
    first, is_empty = first_characters(pattern)
    if not is_empty:
        begins = [code for low, high in first for code in begins[bisect_left(begins, low) : bisect_right(begins, high)]]
    candidates = [j for code in dict.fromkeys(begins) for j in begun[code] if terminals[j].priority == priority]
    matched = whole_matches(pattern, [terminals[j].pattern.value for j in candidates]) if candidates else []
    return [*compress(candidates, matched)]


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


def _productions(rules: tuple[PlainRule, ...], symbols: list[str]) -> tuple[Production, ...]:
    """The productions of rules over ``symbols``, which are numbered in this order."""
    number = {name: i for i, name in enumerate(symbols)}.__getitem__
    made = Production._make
    return tuple(
        [
            made((left, tuple(map(number, symbols)), priority))
            for origin, alternatives, priority in rules
            for left in (number(origin),)
            for symbols in alternatives
        ]
    )
