"""Reading an unfinished SQL statement: words, clauses, and which tables are in play.

The text is read anew at each question; statements are short, and a rescan of 200 bytes
costs less than keeping the parse in step with every byte.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, NamedTuple

__all__ = ["Scope", "Statement", "Word", "read_statement"]

_LEXER = re.compile(
    rb"(?P<blank>\s+|--[^\n]*\n|/\*.*?\*/)"
    rb"|(?P<string>'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\[[^\]]*\]|`[^`]*`)"
    rb"|(?P<open>['\"`\[]|--|/\*)"
    rb"|(?P<number>\d[\w.]*)"
    rb"|(?P<word>[A-Za-z_\x80-\xff][\w$\x80-\xff]*)"
    rb"|(?P<mark>.)",
    re.DOTALL,
)
_JOINS: Final = frozenset((b"join", b"inner", b"left", b"right", b"full", b"outer", b"cross", b"natural"))
_CLAUSES: Final = {
    b"select": "select",
    b"from": "from",
    b"where": "where",
    b"having": "having",
    b"limit": "limit",
    b"set": "set",
    b"values": "values",
    b"into": "into",
    b"update": "into",
    b"union": "compound",
    b"except": "compound",
    b"intersect": "compound",
    b"group": "group",
    b"order": "order",
    b"on": "on",
}


class Word(NamedTuple):
    """One token of the statement."""

    kind: str
    text: bytes

    @property
    def lower(self) -> bytes:
        return self.text.lower()


@dataclass
class Scope:
    """One SELECT (or UPDATE, DELETE, INSERT) and what it has named so far."""

    clause: str = ""
    tables: dict[str, str] = field(default_factory=dict)
    """Table by the name it goes by, both lower case."""
    bare: set[str] = field(default_factory=set)
    """Column names used without a table, lower case."""
    qualified: set[str] = field(default_factory=set)
    """Table names used before a dot while no table was named yet."""
    aliases: set[str] = field(default_factory=set)
    """Names given to result columns."""
    calls: list[str] = field(default_factory=list)
    """Function (or empty) of each open parenthesis inside the scope."""
    awaits_table: bool = False
    last_table: str = ""
    """The name of the table just given, while an alias may still follow."""
    is_odd: bool = False
    """It uses what is not followed here (NATURAL, USING, common table expressions, quoted names)."""


@dataclass
class Statement:
    """An unfinished statement."""

    words: list[Word]
    """Finished tokens, blanks left out."""
    typed: bytes
    """The identifier being typed at the end; empty if none is."""
    is_code: bool
    """Not inside a string, quoted name or comment."""
    is_adjacent: bool
    """The text ends right behind the last token, without a blank."""
    scopes: list[Scope]
    """Open scopes, outermost first."""


def read_statement(text: bytes) -> Statement:
    """Split and follow the last statement of ``text``."""
    words: list[Word] = []
    is_code, end = True, 0
    adjacent = False
    for match in _LEXER.finditer(text):
        kind = match.lastgroup or ""
        end = match.end()
        adjacent = kind != "blank"
        if kind == "blank":
            continue
        if kind == "open":
            is_code = False
            break
        if match.group() == b";":
            words = []
            continue
        words.append(Word(kind, match.group()))
    typed = b""
    if is_code and words and words[-1].kind == "word" and adjacent and end == len(text):
        typed = words.pop().text
    return Statement(words, typed, is_code, adjacent, follow(words))


def follow(words: list[Word]) -> list[Scope]:
    """The scopes open after ``words``."""
    scopes = [Scope()]
    for i, word in enumerate(words):
        scope = scopes[-1]
        before = words[i - 1] if i else Word("", b"")
        after = words[i + 1] if i + 1 < len(words) else Word("", b"")
        if word.text == b"(":
            if after.lower == b"select":
                scopes.append(Scope())
            else:
                is_call = before.kind == "word" and before.lower not in KEYWORDS and scope.clause != "into"
                scope.calls.append(before.lower.decode() if is_call else "")
        elif word.text == b")":
            if scope.calls:
                scope.calls.pop()
            elif len(scopes) > 1:
                scopes.pop()
                scopes[-1].last_table = ""
                scopes[-1].is_odd = scopes[-1].is_odd or scopes[-1].awaits_table
                scopes[-1].awaits_table = False
        elif word.text == b",":
            scope.awaits_table = scope.clause == "from"
            scope.last_table = ""
        elif word.kind == "word":
            follow_word(scope, word, before, after)
        elif word.kind == "string" and word.text[:1] != b"'":
            scope.is_odd = True
        elif word.text != b".":
            scope.last_table = ""
    return scopes


def follow_word(scope: Scope, word: Word, before: Word, after: Word) -> None:
    """Take a finished word into its scope."""
    name = word.lower
    text = name.decode("utf-8", "replace")
    if before.text == b".":
        return
    if scope.awaits_table and name not in (b"select", b"lateral"):
        scope.tables[text] = text
        scope.last_table, scope.awaits_table = text, False
        return
    if before.lower == b"as":
        name_alias(scope, text)
    elif name in (b"natural", b"using", b"with", b"recursive", b"over", b"window", b"collate", b"cast"):
        scope.is_odd = True
    elif name in _JOINS:
        scope.clause, scope.last_table = "from", ""
        scope.awaits_table = name == b"join"
    elif name in _CLAUSES:
        follow_clause(scope, name)
    elif name in KEYWORDS:
        scope.last_table = scope.last_table if name == b"as" else ""
    elif scope.last_table and scope.clause in ("from", "into"):
        name_alias(scope, text)
    elif after.text == b".":
        if not scope.tables:
            scope.qualified.add(text)
    elif after.text != b"(" and scope.clause != "into":
        scope.bare.add(text)


def follow_clause(scope: Scope, name: bytes) -> None:
    if _CLAUSES[name] == "compound":
        # The second half is a SELECT of its own; the first one's tables are out of sight.
        scope.clause, scope.tables, scope.last_table = "", {}, ""
        scope.bare, scope.qualified = set(), set()
        return
    scope.clause, scope.last_table = _CLAUSES[name], ""
    scope.awaits_table = name in (b"from", b"into", b"update")


def name_alias(scope: Scope, text: str) -> None:
    if scope.last_table and scope.clause in ("from", "into"):
        scope.tables[text] = scope.tables.pop(scope.last_table, scope.last_table)
        scope.last_table = ""
    elif scope.clause == "select":
        scope.aliases.add(text)


KEYWORDS: Final = frozenset(
    b"all and as asc between by case collate cross current_date current_time current_timestamp default delete desc "
    b"distinct else end escape except exists false filter from full glob group having if in inner insert intersect "
    b"into is isnull join left like limit natural not notnull null nulls first last offset on or order outer over "
    b"partition replace returning right select set then true union update using values when where with".split()
)
