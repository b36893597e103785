"""Whether shifting wherever one may loses no text, proved by exchanging parts of derivations.

A grammar with shift/reduce conflicts is ambiguous as a rule: a dangling ``else``, operators without
precedence. Then shifting first usually reads the same texts, and a deterministic parser can take the
place of a nondeterministic one, whose masks cost ten times as much. That shifting loses nothing is
undecidable in general; here are two exchanges that prove it where they fit.

Say that a parser reduces a phrase of B, by B → γ, before terminal x, which it could also shift. Some
phrase further out then goes on with x: it is of A → α τ, B ends α, and x begins τ.

- *Tail*: if there are A → α and B → γ τ as well, τ can be the inner phrase's: an ``else`` that goes to the
  nearest ``if`` instead of one further out.
- *Rotation*: if α is one symbol, A itself, and γ ends with A, then A → A τ can stand in place of the A at γ's end:
  ``a + (b * c)`` instead of ``(a + b) * c``.

Both leave the text as it is, and what has been read before x; both shift x. So a derivation that reduces
at some place can be made one that shifts there and is the same before, and after finitely many such
steps shifts wherever the tables let it. Every A → α τ that x and B allow has to permit one of the two. Symbols that
stand nowhere but alone, as the whole of a rule, count as that rule.
"""

from __future__ import annotations

from collections.abc import Iterator

from structgen.automata.grammar.lalr import LalrTables
from structgen.ir.grammar import Grammar, Production
from structgen.ir.passes import nullable_symbols

__all__ = ["Exchanges", "shifting_loses_nothing"]


def shifting_loses_nothing(grammar: Grammar, tables: LalrTables) -> bool:
    """Whether ``tables``, which prefer shifts, are proved to accept all that ``grammar`` derives."""
    if tables.is_lalr:
        return True
    end = grammar.n_terminals
    if not all(conflict.shifts for conflict in tables.conflicts):
        return False
    # to accept at the end is as good as anything
    conflicts = {(conflict.state, conflict.terminal) for conflict in tables.conflicts if conflict.terminal != end}
    reduced = {
        (production, terminal)
        for state, terminal in conflicts
        for production, bits in tables.reduces[state]
        if bits >> terminal & 1
    }
    exchanges = Exchanges(grammar)
    return all(exchanges.permit(tables.productions[production], terminal) for production, terminal in reduced)


class Exchanges:
    """What the exchanges ask of a grammar."""

    def __init__(self, grammar: Grammar) -> None:
        self.productions = grammar.productions
        self._nullable = nullable_symbols(grammar.productions)
        self._lone = _lone_symbols(grammar)
        self._rules = {(self._of(p.lhs), p.rhs) for p in grammar.productions}
        firsts = [(p.lhs, symbol, at) for p in grammar.productions for at, symbol in self._at_front(p.rhs)]
        lasts = [(p.lhs, symbol, at) for p in grammar.productions for at, symbol in self._at_front(p.rhs[::-1])]
        self._first = _closure(firsts)
        self._last = _closure(lasts)
        self._behind_nothing = [(left, symbol) for left, symbol, at in firsts if at]
        """(left-hand side, symbol) where phrases begin with the symbol behind others that are empty."""

    def _of(self, symbol: int) -> int:
        return self._lone.get(symbol, symbol)

    def _at_front(self, symbols: tuple[int, ...]) -> Iterator[tuple[int, int]]:
        """(place, symbol) of those with which a phrase may begin."""
        for at, symbol in enumerate(symbols):
            yield at, symbol
            if symbol not in self._nullable:
                return

    def permit(self, reduced: Production, terminal: int) -> bool:
        """Whether ``reduced`` need not be reduced before ``terminal`` where that can be shifted."""
        if not reduced.rhs:
            return False
        inner = self._of(reduced.lhs)
        for outer, at, behind in self._ways_on(reduced.lhs, terminal):
            left, before, tail = self._of(outer.lhs), outer.rhs[:at], outer.rhs[at:]
            takes_tail = (left, before) in self._rules and (inner, reduced.rhs + tail) in self._rules
            rotates = len(before) == 1 and before[0] == left == reduced.rhs[-1] and len(reduced.rhs) > 1
            if behind != at or not (takes_tail or rotates) or self._begins_empty(tail[0], terminal):
                return False
        return True

    def _ways_on(self, left: int, terminal: int) -> Iterator[tuple[Production, int, int]]:
        """Where ``terminal`` may come behind a phrase of ``left``.

        (Production, how much of it the phrase may end, where the symbol stands that the terminal may begin).
        """
        for production in self.productions:
            rhs = production.rhs
            for at in range(1, len(rhs)):
                if left not in self._last.get(rhs[at - 1], {rhs[at - 1]}):
                    continue
                for behind, symbol in self._at_front(rhs[at:]):
                    if terminal in self._first.get(symbol, {symbol}):
                        yield production, at, at + behind

    def _begins_empty(self, symbol: int, terminal: int) -> bool:
        """Whether ``symbol`` may begin with ``terminal`` behind something empty, which would be reduced before it."""
        reached = self._first.get(symbol, {symbol})
        return any(
            left in reached and terminal in self._first.get(behind, {behind}) for left, behind in self._behind_nothing
        )


def _closure(steps: list[tuple[int, int, int]]) -> dict[int, set[int]]:
    """For each left-hand side all that its phrases can begin (or end) with, itself included."""
    following: dict[int, set[int]] = {}
    for left, symbol, _ in steps:
        following.setdefault(left, set()).add(symbol)
    found = {}
    for left in following:
        seen, todo = {left}, [left]
        while todo:
            for symbol in following.get(todo.pop(), set()) - seen:
                seen.add(symbol)
                todo.append(symbol)
        found[left] = seen
    return found


def _lone_symbols(grammar: Grammar) -> dict[int, int]:
    """Nonterminals that stand nowhere but alone, as the whole of one rule, and that rule's symbol, in the end."""
    users: dict[int, set[int]] = {grammar.start: {-1}}
    for production in grammar.productions:
        for symbol in production.rhs:
            users.setdefault(symbol, set()).add(production.lhs if len(production.rhs) == 1 else -1)
    above = {
        symbol: next(iter(lefts))
        for symbol, lefts in users.items()
        if symbol >= grammar.n_terminals and len(lefts) == 1 and lefts != {-1}
    }
    found = {}
    for symbol in above:
        top, seen = symbol, {symbol}
        while top in above and above[top] not in seen:
            top = above[top]
            seen.add(top)
        if top != symbol:
            found[symbol] = top
    return found
