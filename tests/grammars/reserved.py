"""The pattern of names that are not reserved words, as the grammars write it.

``(?!(if|in)\\b)[a-z]+`` would say it shortly. But then ``if`` stays alive as a name in the
hope of more letters, under a condition that must be watched over the text to come. Spelled
out letter by letter, the automaton knows by itself where a name may end; one lookahead is
left, for names that are the beginning of a reserved word, so that no part of such a word is
taken for a name.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = ["name_pattern"]


def name_pattern(reserved: Iterable[str], *, width: int = 110) -> str:
    """A verbose pattern, a line or more for each first letter; flags ``a`` or ``i`` are the caller's."""
    root: dict[str, Any] = {}
    for word in sorted(reserved):
        node = root
        for letter in word:
            node = node.setdefault(letter, {})
        node["."] = {}
    lines = [rf"[^\W\d{''.join(sorted(root))}]\w*"]
    lines += ["|" + letter + _after(root[letter]) for letter in sorted(root)]
    return "\n".join(piece for line in lines for piece in _wrap(line, width))


def _after(node: dict[str, Any]) -> str:
    letters = sorted(letter for letter in node if letter != ".")
    if not letters:
        return r"\w+"
    branches = [rf"[^\W{''.join(letters)}]\w*", *(letter + _after(node[letter]) for letter in letters)]
    if "." not in node:
        branches.append(r"(?!\w)")
    return f"({'|'.join(branches)})"


def _wrap(line: str, width: int) -> list[str]:
    """Cut before a ``|``."""
    found = []
    while len(line) > width:
        at = line.rfind("|", 1, width)
        found.append(line[:at])
        line = line[at:]
    return [*found, line]
