"""Tables of a nondeterministic LR parser, for grammars that are not LALR(1).

The grammar is freed of empty rules and unit cycles first (``ir.passes``), which settles what
makes Tomita's algorithm (1986) loop or miss parses: with every symbol spanning text, what lies
below a new cell is always older than it, reductions within one step form no cycle,
and hidden left recursion is gone. Right-nulled tables (Scott and Johnstone 2006) keep the
empty rules instead, at the price of a larger automaton; only acceptance is asked here.

Of the moves that tables allow, those are left out of which ``exchanges`` proves that no text
needs them: in practice most conflicts are operators without precedence, and each that is left makes stacks fork.
How stacks move is said in ``kernels.forked_stacks``: they fork where a terminal leads to several tops, and below
a top where it was reached in several ways. What most texts visit are stacks that do not fork at all, and
share their masks with all that agree as far down as these read. (Cells that stood for sets of stacks as a
whole, worked out in Python, had masks of their own each: four times as slow on a grammar like Lua's.)
"""

from __future__ import annotations

from functools import cached_property

from structgen.automata.grammar.exchanges import Exchanges
from structgen.automata.grammar.lalr import LalrTables, build_tables
from structgen.dtypes import IntArray
from structgen.ir.grammar import Grammar
from structgen.ir.passes import without_empty_rules
from structgen.kernels import grammar_heap

__all__ = ["NondeterministicTables"]

Choices = dict[tuple[int, int], list[int]]
"""By state and terminal, the productions that may be reduced, where that is not the only move."""


class NondeterministicTables:
    """``tables`` of a grammar without empty rules, with all that may be done in states where there is a choice."""

    def __init__(self, grammar: Grammar) -> None:
        productions, start, self.accepts_empty = without_empty_rules(grammar)
        offset = grammar.n_terminals
        symbols = sorted({start} | {s for p in productions for s in (p.lhs, *p.rhs) if s >= offset})
        rename = {symbol: offset + i for i, symbol in enumerate(symbols)}
        renamed = tuple(type(p)(rename[p.lhs], tuple(rename.get(s, s) for s in p.rhs), p.priority) for p in productions)
        plain = Grammar(grammar.terminals, tuple(map(str, symbols)), renamed, rename[start], grammar.ignore)
        self.tables: LalrTables = build_tables(plain)
        self.choices = _choices(plain, self.tables)

    @cached_property
    def action(self) -> IntArray:
        """The action table in which states with a choice name it (see ``kernels.forked_stacks``)."""
        return self._coded[0]

    @cached_property
    def lists(self) -> list[int]:
        """The choices that ``action`` names."""
        return self._coded[1]

    @cached_property
    def _coded(self) -> tuple[IntArray, list[int]]:
        action, lists = self.tables.action.copy(), [0]
        for (state, terminal), productions in self.choices.items():
            shifted = max(0, int(action[state, terminal]))
            if shifted and not productions:
                continue
            if not shifted and len(productions) == 1:
                action[state, terminal] = -1 - productions[0]
                continue
            action[state, terminal] = grammar_heap.CHOICE - len(lists)
            lists += [len(productions), shifted, *productions]
        return action, lists

    def reductions(self, state: int, terminal: int) -> list[int]:
        """The productions that may be reduced in ``state`` before ``terminal``."""
        found = self.choices.get((state, terminal))
        if found is not None:
            return found
        action = int(self.tables.action[state, terminal])
        return [-1 - action] if action < 0 else []


def _choices(grammar: Grammar, tables: LalrTables) -> Choices:
    """What may be reduced where tables are in conflict, but what ``exchanges`` proves to be needless.

    To accept at the text's end is as good as anything.
    """
    exchanges = Exchanges(grammar)
    found: Choices = {}
    for state, terminal in {(conflict.state, conflict.terminal) for conflict in tables.conflicts}:
        if tables.action[state, terminal] == -1:
            continue
        reduced = [production for production, bits in tables.reduces[state] if bits >> terminal & 1]
        if tables.action[state, terminal] > 0:
            reduced = [p for p in reduced if not exchanges.permit(tables.productions[p], terminal)]
        found[state, terminal] = reduced
    return found
