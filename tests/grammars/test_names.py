"""Names that the grammars spell out letter by letter: all but the reserved words."""

from __future__ import annotations

import keyword
import re

import pytest

from structgen import grammars
from tests.grammars.judges import constraint
from tests.grammars.reserved import name_pattern

C_WORDS = """auto break case char const continue default do double else enum extern float for goto if inline int long
register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while _Alignas
_Alignof _Atomic _Bool _Complex _Generic _Imaginary _Noreturn _Static_assert _Thread_local size_t ssize_t ptrdiff_t
wchar_t bool FILE time_t va_list intptr_t uintptr_t intmax_t uintmax_t int8_t int16_t int32_t int64_t uint8_t uint16_t
uint32_t uint64_t"""
SQL_WORDS = """add all alter and as autoincrement between case check collate commit constraint create default deferrable
delete distinct drop else escape except exists foreign from group having in index insert intersect into is isnull join
limit not nothing notnull null on or order primary references returning select set table then to transaction union
unique update using values when where asc cast cross desc end filter full glob inner left like match natural offset
outer over recursive regexp right window with rows range groups nulls"""
MERMAID_WORDS = "end graph flowchart subgraph direction classDef class style linkStyle"
CASES = {
    ("c", "NAME"): C_WORDS.split(),
    ("graphql", "NAME"): ["true", "false", "null", "on"],
    ("mermaid", "NODE"): MERMAID_WORDS.split(),
    ("python", "NAME"): keyword.kwlist,
    ("sql", "NAME"): SQL_WORDS.split(),
}


@pytest.mark.parametrize(("name", "terminal"), CASES)
def test_the_pattern_is_the_one_made_from_the_words(name: str, terminal: str) -> None:
    """So that it can be made anew when the words change."""
    lines = [line.strip() for line in grammars.text(name).splitlines()]
    for line in name_pattern(CASES[name, terminal]).splitlines():
        assert line in lines


@pytest.mark.parametrize(("name", "terminal"), CASES)
def test_names_are_all_identifiers_but_the_words(name: str, terminal: str) -> None:
    (found,) = (t for t in constraint(name).grammar.terminals if t.name == terminal)
    words = CASES[name, terminal]
    near = {w[:i] for w in words for i in range(1, len(w))} | {w + c for w in words for c in "_a0Z"}
    near |= {w[:i] + c + w[i + 1 :] for w in words for i in range(len(w)) for c in "az_9A"} | {"x", "_", "Q7"}
    fold = str.lower if name == "sql" else str
    reserved = {fold(word) for word in words}
    for text in sorted(near | set(words)):
        match = re.match(found.source, text + ")")
        assert bool(match and match[0] == text) == (text.isidentifier() and fold(text) not in reserved), text
        assert match is None or match[0] == text, text  # never a part of a word
