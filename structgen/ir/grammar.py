"""Context-free grammars over terminals, as the automata want them.

Symbols are integers: terminal ``t`` is ``t``, nonterminal ``n`` is ``n_terminals + n``.
A grammar keeps what decides its language and nothing that shapes a tree: aliases, inlining
and filtered terminals are gone. Rule priorities stay, because they settle reduce/reduce
conflicts; terminal priorities stay, because they order the lexer's alternatives.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from structgen.ir.pattern import Pattern

__all__ = ["Grammar", "IndentRules", "Production", "Terminal"]


class Terminal(NamedTuple):
    """A named pattern.

    ``pattern`` is None for a declared terminal, which the lexer never matches by itself.
    ``literal`` is the text of a plain string terminal (before flags). ``rank`` orders the
    alternatives of the lexer: lower ranks are tried first. ``source`` is the regular expression
    that was read, where one was.
    """

    name: str
    pattern: Pattern | None
    literal: str | None = None
    flags: frozenset[str] = frozenset()
    priority: int = 0
    rank: int = 0
    source: str = ""


class Production(NamedTuple):
    """``lhs`` (a nonterminal's symbol) derives ``rhs``; ``priority`` settles reduce/reduce conflicts."""

    lhs: int
    rhs: tuple[int, ...]
    priority: int = 0


@dataclass(frozen=True)
class IndentRules:
    """Which terminals carry Python-style indentation; all fields but ``tab_length`` are terminal ids.

    After a ``newline`` terminal outside brackets, the columns behind its last line feed are
    compared with the enclosing blocks, and ``indent`` or ``dedent`` terminals are fed.
    """

    newline: int
    indent: int
    dedent: int
    opening: frozenset[int]
    closing: frozenset[int]
    tab_length: int = 8


@dataclass(frozen=True)
class Grammar:
    """Terminals, productions, the start nonterminal and the ignored terminals.

    ``keywords[t]`` lists the string terminals whose text terminal ``t`` also matches, in
    rank order: where both are live, a lexeme of ``t`` with exactly such a text is that
    string terminal instead. ``shadowed`` are those never matched on their own beside ``t``.
    """

    terminals: tuple[Terminal, ...]
    nonterminals: tuple[str, ...]
    productions: tuple[Production, ...]
    start: int
    ignore: frozenset[int] = frozenset()
    keywords: dict[int, tuple[int, ...]] = field(default_factory=dict)
    shadowed: dict[int, frozenset[int]] = field(default_factory=dict)
    indentation: IndentRules | None = None
    schemas: dict[int, str] = field(default_factory=dict)
    """Terminals that are JSON under a schema: the schema's text."""
    specials: dict[int, str] = field(default_factory=dict)
    """Terminals that are one special token of the vocabulary: its name."""
    scannerless: bool = False
    """Whether a lexeme may end wherever it matches, rather than where it is longest."""
    unused: tuple[str, ...] = ()
    """Names defined and used nowhere, for warnings."""

    @property
    def n_terminals(self) -> int:
        return len(self.terminals)

    def name(self, symbol: int) -> str:
        """The name of a symbol, for messages."""
        n = self.n_terminals
        return self.terminals[symbol].name if symbol < n else self.nonterminals[symbol - n]
