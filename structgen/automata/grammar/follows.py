"""Which bytes may come right behind each terminal, whatever the stack.

What the parser does next behind a terminal is in its tables: every state is entered by one
symbol, so a terminal may be followed by whatever some state entered by it has an action for. A
superset is enough: it spares looking at places where the next lexeme could not begin.
"""

from __future__ import annotations

from array import array
from itertools import chain

import numpy as np

from structgen.dtypes import ByteArray, IntArray
from structgen.ir.grammar import Grammar, Terminal
from structgen.ir.pattern import Pattern, first_characters
from structgen.kernels import grammar_facts
from structgen.kernels.jit import direct

__all__ = ["first_bytes", "following_bytes"]

_WORD = (1 << 64) - 1
BEYOND = 128
"""In sets of first bytes, all that is not ASCII."""


def following_bytes(grammar: Grammar, action: IntArray) -> ByteArray:
    """(T, 256) uint8: the bytes that may come right behind each terminal, or more; ``action`` as in ``LalrTables``."""
    n = grammar.n_terminals
    words = array("Q", chain.from_iterable(map(_first_words, grammar.terminals)))
    firsts = np.frombuffer(words, dtype=np.uint64).reshape(n, 4) if n else np.zeros((0, 4), dtype=np.uint64)
    ignored = np.zeros(n, dtype=np.uint8)
    ignored[list(grammar.ignore)] = 1
    pairs = np.zeros((n, n), dtype=np.uint8)
    if grammar.indentation is not None:  # some terminals are fed without text between others
        pairs[:] = 1
    followed = np.empty((n, 256), dtype=np.uint8)
    direct(grammar_facts.follow)(action, ignored, firsts, np.zeros(len(action), dtype=np.uint8), pairs, followed)
    return followed


def _first_words(terminal: Terminal) -> tuple[int, ...]:
    """The bytes that lexemes begin with, as four words of bits."""
    literal = terminal.literal
    if literal and not terminal.flags:
        return _ONE_BYTE[literal[0].encode("utf-8", "surrogatepass")[0] if literal[0] > "\x7f" else ord(literal[0])]
    bits = 0
    if terminal.pattern is not None:
        for low, high in first_bytes(terminal.pattern):
            bits |= (1 << (high + 1)) - (1 << low)
    return _words(bits)


def _words(bits: int) -> tuple[int, ...]:
    return bits & _WORD, (bits >> 64) & _WORD, (bits >> 128) & _WORD, bits >> 192


_ONE_BYTE = [_words(1 << byte) for byte in range(256)]


def first_bytes(pattern: Pattern) -> set[tuple[int, int]]:
    """Ranges of the bytes with which a match begins, or more."""
    ranges, _ = first_characters(pattern)
    found = {(low, min(high, BEYOND - 1)) for low, high in ranges if low < BEYOND}
    return found | ({(BEYOND, 255)} if any(high >= BEYOND for _, high in ranges) else set())
