"""A text of a regular expression, put together from its parts without building an automaton.

Whether a pattern has any text at all is asked for each property before its name is offered, and an automaton with
counts takes tens of milliseconds to determinize. Where nothing is intersected or complemented, and nothing looks
around but for the ends of the text, a text can mostly be read off the expression: choose the shortest option, repeat
as seldom as allowed, and see that the anchors stand at the ends of what came out.
"""

from __future__ import annotations

from functools import lru_cache

from structgen.ir.regex import ANY, Alternate, CharSet, Concat, Epsilon, Look, Node, Repeat

__all__ = ["sample"]

MOST_CHARACTERS = 4096
_BEGINS, _ENDS = "\ud800", "\ud801"
"""Stand for the anchors; no expression has surrogates."""


@lru_cache(maxsize=1024)
def sample(node: Node) -> str | None:
    """A text of ``node``, as short as a glance can tell; None where there is none, or none that can be read off."""
    found = _sample(node)
    if found is None or len(found) > MOST_CHARACTERS:
        return None
    text = _bare(found)
    if text and (_BEGINS in found[found.index(text[0]) :] or _ENDS in found[: found.rindex(text[-1])]):
        return None  # something is read before the beginning or behind the end
    return text


def _bare(found: str) -> str:
    return found.replace(_BEGINS, "").replace(_ENDS, "")


def _sample(node: Node) -> str | None:
    kind = type(node)
    if kind is Epsilon:
        return ""
    if kind is CharSet:
        return _character(node)
    if kind is Concat:
        return _joined(node)  # type: ignore[arg-type]
    if kind is Alternate:
        # An option that cannot be read off could be shorter, but any text will do.
        found = [text for text in map(_sample, node.options) if text is not None]  # type: ignore[union-attr]
        return min(found, key=lambda text: len(_bare(text)), default=None)
    if kind is Repeat:
        return _repeated(node)  # type: ignore[arg-type]
    if kind is Look and node.negative and node.node == ANY:  # type: ignore[union-attr]
        return _BEGINS if node.behind else _ENDS  # type: ignore[union-attr]
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


@lru_cache(maxsize=1024)
def _character(node: CharSet) -> str | None:
    """A character of a set, a printable one where there is one."""
    for low, high in node.ranges:
        for first, last in ((97, 122), (48, 57), (33, 126)):
            if max(low, first) <= min(high, last):
                return chr(max(low, first))
    return chr(node.ranges[0][0]) if node.ranges else None
