"""Structural tags read one character at a time, all possibilities kept: slow, obvious, for comparisons."""

from __future__ import annotations

import itertools
import re
from functools import cache

__all__ = ["TagOracle"]

State = tuple[int, int, str]
"""(finished tags, tag or -1 in free text, what was read since it began)."""
ALPHABET = "ab<>x/"


@cache
def _begins(expression: str, text: str) -> bool:
    """Whether a match of the expression starts with ``text`` (expressions need three more characters at most)."""
    return any(
        re.fullmatch(expression, text + "".join(rest))
        for n in range(4)
        for rest in itertools.product(ALPHABET, repeat=n)
    )


class TagOracle:
    """``tags`` are (begin, regular expression, end)."""

    def __init__(self, tags: list[tuple[str, str, str]], at_least: int, at_most: int | None) -> None:
        self.tags, self.at_least, self.at_most = tags, at_least, at_most

    def states(self, text: str) -> set[State]:
        found: set[State] = {(0, -1, "")}
        for character in text:
            found = {after for state in found for after in self._step(*state, character)}
        return found

    def _step(self, count: int, tag: int, read: str, character: str) -> list[State]:
        read += character
        if tag < 0:
            begun = [i for i, (begin, _, _) in enumerate(self.tags) if read.endswith(begin)]
            if not begun:
                return [(count, -1, read[-8:])]
            if self.at_most is not None and count >= self.at_most:
                return []
            return [(count, max(begun, key=lambda i: len(self.tags[i][0])), "")]
        _, expression, end = self.tags[tag]
        found: list[State] = []
        if self._is_open(expression, end, read):
            found.append((count, tag, read))
        if read.endswith(end) and re.fullmatch(expression, read[: -len(end)]):
            found.append((count + 1, -1, ""))
        return found

    def _is_open(self, expression: str, end: str, read: str) -> bool:
        if _begins(expression, read):
            return True
        return any(read.endswith(end[:n]) and re.fullmatch(expression, read[:-n]) for n in range(1, len(end)))

    def is_viable(self, text: str) -> bool:
        return bool(self.states(text))

    def accepts(self, text: str) -> bool:
        return any(tag < 0 and count >= self.at_least for count, tag, _ in self.states(text))
