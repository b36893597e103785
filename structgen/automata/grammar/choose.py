"""Which parser enforces a grammar, after Lark's rules.

Lark leaves the choice to its caller. Here the LALR parser with contextual lexing is taken
where the grammar has no conflict, since then both of Lark's parsers read the same
sentences of terminals. A conflict that Lark's LALR parser settles by shifting can lose
strings, so such a grammar gets Earley's semantics unless its caller says ``"lalr"``, if
only by another lexer where ``exchanges`` proves that none is lost; an
indented grammar has no choice, because Lark's indenter works with LALR alone.

A terminal that is ignored and that rules ask for, too, is another reason: the contextual lexer
throws each of its lexemes away, so LALR never gets past it in a rule, whereas the dynamic lexer reads
it either way. (``start: A WS A`` with ``%ignore WS``: LALR accepts nothing, Earley ``a a``.)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock

from structgen.automata.grammar.automaton import GrammarAutomaton
from structgen.automata.grammar.collisions import lexemes_collide
from structgen.automata.grammar.exchanges import shifting_loses_nothing
from structgen.automata.grammar.lalr import Conflict, LalrTables, build_tables, flat_rules, nothing_idle
from structgen.errors import GrammarSyntaxError
from structgen.ir.grammar import Grammar
from structgen.ir.passes import check_grammar, definition_of, ignored_in_rules, with_ignored_apart

__all__ = ["ChosenParser", "choose_parser"]


@dataclass(eq=False)
class ChosenParser:
    """A checked grammar and how it is parsed; makes automata that share the tables."""

    grammar: Grammar
    name: str
    tables: LalrTables | None
    warnings: tuple[str, ...] = ()
    collides: bool = False
    """Whether lexemes can get in each other's way, so that dead ends have to be looked for."""
    lock: Lock = field(default_factory=Lock)
    """To be held while the shared automaton is used."""
    _shared: list[GrammarAutomaton] = field(default_factory=list)

    def automaton(self) -> GrammarAutomaton:
        """A new automaton, for one vocabulary."""
        if self.tables is not None:
            return GrammarAutomaton(self.grammar, self.tables, collides=self.collides, exclusive=self.name == "lalr")
        from structgen.automata.grammar.glr import NondeterministicTables

        forked = NondeterministicTables(self.grammar)
        return GrammarAutomaton(self.grammar, forked.tables, forked, collides=self.collides, exclusive=False)

    def shared_automaton(self) -> GrammarAutomaton:
        """One automaton kept for questions about whole texts."""
        if not self._shared:
            self._shared.append(self.automaton())
        return self._shared[0]


def choose_parser(grammar: Grammar, parser: str, source: str = "") -> ChosenParser:
    """Check ``grammar`` and settle on ``"lalr"`` or ``"earley"``.

    Raises
    ------
    GrammarSyntaxError : a rule derives no text; ``"lalr"`` was asked for and Lark's LALR
        parser would refuse the grammar
    """
    if parser not in ("auto", "lalr", "earley"):
        raise ValueError(f"parser is 'auto', 'lalr' or 'earley', not {parser!r}")
    flat = flat_rules(grammar)
    warnings = () if not grammar.unused and nothing_idle(grammar, flat) else check_grammar(grammar, source)
    if parser == "earley":
        if grammar.indentation is not None:
            raise GrammarSyntaxError("an indented grammar needs the LALR parser", source=source)
        return _earley(grammar, None, warnings)
    must_be_lalr = parser == "lalr" or grammar.indentation is not None
    lost = ignored_in_rules(grammar)
    if lost and not must_be_lalr:
        return _earley(grammar, None, warnings)
    tables = build_tables(grammar, flat)
    if tables.is_lalr or (must_be_lalr and tables.is_lalr_for_lark):
        warnings += tuple(
            f"terminal {grammar.name(t)} is ignored, so rules that ask for it match nothing with the LALR parser"
            for t in lost
        )
        return ChosenParser(grammar, "lalr", tables, warnings, lexemes_collide(grammar, tables))
    if must_be_lalr:
        raise _refusal(grammar, tables, source)
    return _earley(grammar, tables, warnings)


def _earley(grammar: Grammar, tables: LalrTables | None, warnings: tuple[str, ...]) -> ChosenParser:
    """Earley's semantics, by a deterministic parser where that is proved to accept the same.

    ``tables`` are the grammar's where they are built already, and no ignored terminal is one of its rules'.
    """
    if tables is None:
        grammar = with_ignored_apart(grammar)
        tables = build_tables(grammar, flat_rules(grammar))
    proved = tables if shifting_loses_nothing(grammar, tables) else None
    return ChosenParser(grammar, "earley", proved, warnings, lexemes_collide(grammar, None))


def _refusal(grammar: Grammar, tables: LalrTables, source: str) -> GrammarSyntaxError:
    worst: Conflict = next(conflict for conflict in tables.conflicts if len(conflict.reduces) > 1)
    rules = [tables.productions[p] for p in worst.reduces]
    shown = "; ".join(f"{grammar.name(r.lhs)} -> {' '.join(map(grammar.name, r.rhs)) or '(nothing)'}" for r in rules)
    at = grammar.name(worst.terminal) if worst.terminal < grammar.n_terminals else "the end"
    return GrammarSyntaxError(
        f"not an LALR(1) grammar: before {at}, these rules are in conflict: {shown}",
        source=source or None,
        span=definition_of(source, grammar.name(rules[0].lhs)),
        hint="give one rule a priority, or use parser='earley'",
    )
