"""Which bytes may come right behind each terminal, whatever the stack.

From the pairs of terminals that stand next to each other in some sentence: the last terminals
of a symbol and the first of the symbol behind it, over all neighbours in productions with what
may be empty left out. A superset is enough: it spares looking at places where the next
lexeme could not begin.
"""

from __future__ import annotations

from collections.abc import Sequence

from structgen.ir.grammar import Grammar, Production
from structgen.ir.passes import nullable_symbols

__all__ = ["following_terminals"]


def following_terminals(grammar: Grammar) -> list[int]:
    """Per terminal, as a bit set, those that may be the next one."""
    n = grammar.n_terminals
    everything = (1 << n) - 1
    if grammar.indentation is not None:  # some terminals are fed without text between others
        return [everything] * n
    nullable = nullable_symbols(grammar.productions)
    firsts = _edges(grammar, nullable, reverse=False)
    lasts = _edges(grammar, nullable, reverse=True)
    found = [0] * n
    for production in grammar.productions:
        for place, symbol in enumerate(production.rhs):
            behind = 0
            for other in production.rhs[place + 1 :]:
                behind |= firsts[other]
                if other not in nullable:
                    break
            if behind:
                for terminal in _bits(lasts[symbol]):
                    found[terminal] |= behind
    ignored = sum(1 << terminal for terminal in grammar.ignore)
    return [everything if terminal in grammar.ignore else bits | ignored for terminal, bits in enumerate(found)]


def _edges(grammar: Grammar, nullable: frozenset[int], *, reverse: bool) -> list[int]:
    """Per symbol, the terminals with which what it derives may begin (or end)."""
    n = grammar.n_terminals
    found = [1 << terminal for terminal in range(n)] + [0] * len(grammar.nonterminals)
    edges = [(production.lhs, _open_part(production, nullable, reverse)) for production in grammar.productions]
    changed = True
    while changed:
        changed = False
        for left, symbols in edges:
            bits = found[left]
            for symbol in symbols:
                bits |= found[symbol]
            if bits != found[left]:
                found[left] = bits
                changed = True
    return found


def _open_part(production: Production, nullable: frozenset[int], reverse: bool) -> Sequence[int]:
    """The symbols with which the production may begin (or end)."""
    rhs = production.rhs[::-1] if reverse else production.rhs
    for place, symbol in enumerate(rhs):
        if symbol not in nullable:
            return rhs[: place + 1]
    return rhs


def _bits(value: int) -> list[int]:
    found = []
    while value:
        low = value & -value
        found.append(low.bit_length() - 1)
        value ^= low
    return found
