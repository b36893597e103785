"""Which bytes may come right behind each terminal, whatever the stack.

What the parser does next behind a terminal is in its tables: every state is entered by one
symbol, so a terminal may be followed by whatever some state entered by it has an action for. A
superset is enough: it spares looking at places where the next lexeme could not begin.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from structgen.automata.grammar.lalr import LalrTables
from structgen.dtypes import ByteArray
from structgen.ir.grammar import Grammar
from structgen.ir.pattern import Pattern, first_characters

__all__ = ["first_bytes", "following_bytes", "following_terminals"]

BEYOND = 128
"""In sets of first bytes, all that is not ASCII."""


def following_terminals(grammar: Grammar, tables: LalrTables) -> npt.NDArray[np.bool_]:
    """(T, T) bool: whether the second terminal may be the next one behind the first."""
    n = grammar.n_terminals
    if grammar.indentation is not None:  # some terminals are fed without text between others
        return np.ones((n, n), dtype=np.bool_)
    live = tables.action[:, :n] != 0
    entered = np.zeros((tables.n_states, n), dtype=np.bool_)
    states, terminals = np.nonzero(tables.action[:, :n] > 0)
    entered[tables.action[states, terminals] - 1, terminals] = True
    found: npt.NDArray[np.bool_] = (entered.T.astype(np.float32) @ live.astype(np.float32)) > 0
    ignored = sorted(grammar.ignore)
    found[:, ignored] = True
    found[ignored] = True
    return found


def following_bytes(grammar: Grammar, tables: LalrTables) -> ByteArray:
    """(T, 256) uint8: the bytes that may come right behind each terminal, or more."""
    firsts = np.zeros((grammar.n_terminals, 256), dtype=np.uint8)
    for row, terminal in zip(firsts, grammar.terminals, strict=True):
        if terminal.literal and not terminal.flags:
            row[terminal.literal[:1].encode("utf-8", "surrogatepass")[0]] = 1
        elif terminal.pattern is not None:
            for low, high in first_bytes(terminal.pattern):
                row[low : high + 1] = 1
    followed: ByteArray = (following_terminals(grammar, tables).astype(np.float32) @ firsts > 0).astype(np.uint8)
    return followed


def first_bytes(pattern: Pattern) -> set[tuple[int, int]]:
    """Ranges of the bytes with which a match begins, or more."""
    ranges, _ = first_characters(pattern)
    found = {(low, min(high, BEYOND - 1)) for low, high in ranges if low < BEYOND}
    return found | ({(BEYOND, 255)} if any(high >= BEYOND for _, high in ranges) else set())
