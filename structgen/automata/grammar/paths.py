"""Terminals run along texts of which each letter is a set of characters."""

from __future__ import annotations

from structgen.automata.grammar.shapes import BEYOND_ASCII, bits
from structgen.automata.ordered import OrderedNfa
from structgen.ir.grammar import Grammar
from structgen.ir.pattern import Characters, Look, Pattern, Sequence
from structgen.kernels.lexer import AHEAD, EDGES, MATCH, SPLIT

__all__ = ["Paths"]


class Paths:
    """Terminals run along texts, of which each letter is a set of characters."""

    def __init__(self, grammar: Grammar) -> None:
        self.grammar = grammar
        self._nfa = OrderedNfa()
        self._starts: dict[int, int] = {}
        self._words: dict[int, list[int] | None] = {}

    def word(self, terminal: int) -> list[int] | None:
        """The letters of a terminal that is one word (in any case, with a lookahead behind it); None of all else."""
        if terminal not in self._words:
            found = self.grammar.terminals[terminal]
            self._words[terminal] = _word(found.pattern)
        return self._words[terminal]

    def after(self, terminal: int, word: list[int], following: int) -> tuple[int, bool]:
        """Characters that ``terminal`` may go on with behind ``word``, and whether it may end before ``following``.

        Lookbehinds and positive lookaheads are taken to hold, negative ones unless all of
        the next characters fail them.
        """
        own = self.word(terminal)
        if own is not None:
            if len(word) > len(own) or not all(map(int.__and__, own, word)):
                return 0, False
            return (own[len(word)], False) if len(word) < len(own) else (0, True)
        nfa = self._nfa
        if terminal not in self._starts:
            pattern = self.grammar.terminals[terminal].pattern
            assert pattern is not None
            self._starts[terminal] = nfa.add_pattern(pattern, terminal, self.grammar.terminals[terminal].name)
        nodes = [self._starts[terminal]]
        for letters in word:
            if letters & BEYOND_ASCII:
                return -1, True
            reached = self._closed(nodes, letters)
            nodes = [to for node in reached for low, high, to in nfa.edges[node] if bits(((low, high),)) & letters]
            if not nodes:
                return 0, False
        reached = self._closed(nodes, following)
        more = 0
        for node in self._closed(nodes, -1):
            for low, high, _ in nfa.edges[node]:
                more |= bits(((low, high),))
        return more, any(nfa.kind[node] == MATCH for node in reached)

    def _closed(self, nodes: list[int], following: int) -> list[int]:
        """Nodes that read or match, where one of ``following`` comes next."""
        nfa = self._nfa
        found, seen, todo = [], set(nodes), list(nodes)
        while todo:
            node = todo.pop()
            kind = nfa.kind[node]
            if kind in (EDGES, MATCH):
                found.append(node)
                continue
            after = nfa.targets[node] if kind == SPLIT else nfa.targets[node][1:]
            is_negative = kind == AHEAD and node in nfa.negative
            if is_negative and following > 0 and not following & ~self._single(nfa.targets[node][0]):
                continue
            for each in after:
                if each not in seen:
                    seen.add(each)
                    todo.append(each)
        return found

    def _single(self, look: int) -> int:
        """ASCII characters that alone are a match of a lookahead."""
        nfa = self._nfa
        found = 0
        for node in nfa.closures_all([look]):
            for low, high, to in nfa.edges[node]:
                if any(nfa.kind[end] == MATCH for end in nfa.closures_all([to])):
                    found |= bits(((low, high),)) & ~BEYOND_ASCII
        return found


def _word(pattern: Pattern | None) -> list[int] | None:
    if isinstance(pattern, Characters):
        return [bits(pattern.ranges)]
    if isinstance(pattern, Look):
        return [] if pattern.negative and not pattern.behind else None
    if not isinstance(pattern, Sequence):
        return None
    found: list[int] = []
    for part in pattern.parts:
        letters = _word(part)
        if letters is None:
            return None
        found += letters
    return found
