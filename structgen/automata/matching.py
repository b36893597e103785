"""Whether one text matches an expression, without its automaton.

To judge a guessed text takes tens of microseconds so; to compile the pattern first takes a millisecond, for an
automaton that may never be asked again. Sets of positions, as bits of one integer, go through the expression: the
positions where a part may end, from those where it may begin. Nothing is tried twice, so no pattern takes
exponential time.
"""

from __future__ import annotations

from typing import assert_never

from structgen.ir.regex import (
    Alternate,
    CharSet,
    Complement,
    Concat,
    Epsilon,
    Intersect,
    Look,
    Node,
    Repeat,
)

__all__ = ["matches"]


def matches(node: Node, text: str) -> bool:
    """Whether ``node`` matches the whole of ``text``; time grows with the square of the text's length at worst."""
    return bool(_Reader(text).ends(node, 1) >> len(text) & 1)


class _Reader:
    """One text, and where parts of expressions may end in it; positions are bits, 0 is before the first character."""

    def __init__(self, text: str) -> None:
        self._codes = [ord(character) for character in text]
        self._all = (1 << (len(text) + 1)) - 1
        self._where: dict[CharSet, int] = {}

    def ends(self, node: Node, starts: int) -> int:
        """Where ``node`` may end if it begins at one of ``starts``."""
        if not starts or isinstance(node, Epsilon):
            return starts
        if isinstance(node, CharSet):
            return (starts & self._characters(node)) << 1
        if isinstance(node, Concat):
            for part in node.parts:
                starts = self.ends(part, starts)
            return starts
        if isinstance(node, Alternate):
            found = 0
            for option in node.options:
                found |= self.ends(option, starts)
            return found
        if isinstance(node, Repeat):
            return self._repeated(node, starts)
        if isinstance(node, Look):
            return self._looked(node, starts)
        found = 0
        for start in _positions(starts):
            found |= self._combined(node, 1 << start)
        return found

    def _characters(self, node: CharSet) -> int:
        """The positions before a character of the set."""
        found = self._where.get(node)
        if found is None:
            found = sum(1 << at for at, code in enumerate(self._codes) if code in node)
            self._where[node] = found
        return found

    def _repeated(self, node: Repeat, starts: int) -> int:
        for _ in range(node.min):
            after = self.ends(node.node, starts)
            if after == starts:
                break
            starts = after
        found, left = starts, node.max - node.min if node.max is not None else -1
        # Where fewer copies lead as far, more of them may follow; so only new positions go on.
        while starts and left:
            starts = self.ends(node.node, starts) & ~found
            found |= starts
            left -= 1
        return found

    def _looked(self, node: Look, starts: int) -> int:
        if node.behind:
            found = self.ends(node.node, self._all)
        else:
            found = sum(1 << at for at in _positions(starts) if self.ends(node.node, 1 << at))
        return starts & ~found if node.negative else starts & found

    def _combined(self, node: Intersect | Complement, start: int) -> int:
        """The same of one start for what is said of whole texts."""
        if isinstance(node, Complement):
            return self._all & -start & ~self.ends(node.node, start)
        if isinstance(node, Intersect):
            found = self._all
            for part in node.parts:
                found &= self.ends(part, start)
            return found
        assert_never(node)


def _positions(bits: int) -> list[int]:
    return [at for at in range(bits.bit_length()) if bits >> at & 1]
