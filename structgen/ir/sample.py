"""A text of a regular expression, put together from its parts without building an automaton.

Whether a pattern has any text at all is asked for each property before its name is offered, and an automaton with
counts takes tens of milliseconds to determinize. Where nothing looks around, and nothing is intersected or
complemented, a text can be read off the expression: choose the shortest option, repeat as seldom as allowed.
"""

from __future__ import annotations

from structgen.ir.regex import Alternate, CharSet, Concat, Epsilon, Node, Repeat

__all__ = ["sample"]

MOST_CHARACTERS = 4096


def sample(node: Node) -> str | None:
    """A text of ``node``, the shortest in characters; None where there is none, or none that can be read off."""
    found = _sample(node)
    return found if found is None or len(found) <= MOST_CHARACTERS else None


def _sample(node: Node) -> str | None:
    kind = type(node)
    if kind is Epsilon:
        return ""
    if kind is CharSet:
        return _character(node)  # type: ignore[arg-type]
    if kind is Concat:
        return _joined(node)  # type: ignore[arg-type]
    if kind is Alternate:
        # An option that cannot be read off could be shorter, but any text will do.
        found = [text for text in map(_sample, node.options) if text is not None]  # type: ignore[union-attr]
        return min(found, key=len, default=None)
    if kind is Repeat:
        return _repeated(node)  # type: ignore[arg-type]
    return None


def _joined(node: Concat) -> str | None:
    texts = []
    for part in node.parts:
        text = _sample(part)
        if text is None:
            return None
        texts.append(text)
    return "".join(texts)


def _repeated(node: Repeat) -> str | None:
    if not node.min:
        return ""
    text = _sample(node.node)
    if text is None or len(text) * node.min > MOST_CHARACTERS:
        return None
    return text * node.min


def _character(node: CharSet) -> str | None:
    """A character of a set, a printable one where there is one."""
    for low, high in node.ranges:
        for first, last in ((97, 122), (48, 57), (33, 126)):
            if max(low, first) <= min(high, last):
                return chr(max(low, first))
    return chr(node.ranges[0][0]) if node.ranges else None
