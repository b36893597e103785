"""Lengths that a pattern states about the whole text, told apart from the rest of it.

``^(?=.{1,255}$)...`` bounds the length, and host names, passwords and identifiers are written so.
Multiplied into the automaton, a bound on the length multiplies its states by 255; beside it, a register
counts. And what may repeat 127 times, two characters at least each, may as well repeat without end in 255
characters: every count that the length implies is dropped.
"""

from __future__ import annotations

from structgen.ir.regex import (
    ANY,
    END,
    EVERYTHING,
    START,
    Alternate,
    CharSet,
    Complement,
    Concat,
    Intersect,
    Look,
    Node,
    Repeat,
    concat,
    least_length,
    star,
)

__all__ = ["apart_from_lengths"]


def apart_from_lengths(node: Node) -> tuple[Node, int, int | None]:
    """``(rest, low, high)``: the texts of ``node`` are those of ``rest`` with ``low`` to ``high`` code points.

    ``rest`` means what ``node`` does only together with the bounds. Costs O(size of ``node``).
    """
    if type(node) is not Concat or START not in node.parts[:2]:
        return node, 0, None
    begin = node.parts.index(START)
    if node.parts[:begin] not in ((), (EVERYTHING,)):
        return node, 0, None
    low: int = 0
    high: int | None = None
    kept = list(node.parts[: begin + 1])
    for k, part in enumerate(node.parts[begin + 1 :], begin + 1):
        if type(part) is not Look or part.behind:
            kept += node.parts[k:]
            break
        counted = None if part.negative else _counted(part.node)
        if counted is None:
            kept.append(part)
            continue
        low = max(low, counted.min)
        if counted.max is not None:
            high = counted.max if high is None else min(high, counted.max)
        if counted.node != ANY:
            kept.append(Look(Concat((star(counted.node), END))))
    if not low and high is None:
        return node, 0, None
    rest = concat(*kept)
    return (rest if high is None else _without_implied(rest, high)), low, high


def _counted(node: Node) -> Repeat | None:
    """The repetition of a set that is all of ``node`` up to the end of the text."""
    if type(node) is not Concat or len(node.parts) != 2 or node.parts[1] != END:
        return None
    counted = node.parts[0]
    return counted if type(counted) is Repeat and type(counted.node) is CharSet else None


def _without_implied(node: Node, high: int) -> Node:
    """``node`` without upper counts that no text of ``high`` characters exceeds."""
    if isinstance(node, Concat):
        return Concat(tuple(_without_implied(part, high) for part in node.parts))
    if isinstance(node, Intersect):
        return Intersect(tuple(_without_implied(part, high) for part in node.parts))
    if isinstance(node, Alternate):
        return Alternate(tuple(_without_implied(option, high) for option in node.options))
    if isinstance(node, Look):
        return Look(_without_implied(node.node, high), node.behind, node.negative)
    if isinstance(node, Complement):
        return Complement(_without_implied(node.node, high))
    if isinstance(node, Repeat):
        most = node.max
        if most is not None and (most + 1) * least_length(node.node) > high:
            most = None
        return Repeat(_without_implied(node.node, high), node.min, most)
    return node
