"""The length that a pattern gives the whole text, told apart from the rest of it.

``^(?=.{1,255}$)...`` bounds the length, and so does ``^[a-z][a-z0-9-]{0,61}$``: but for one counted repetition
each part of it has one length. In the automaton such a bound is a state for each count, or multiplies all
states by 255; beside it, a register counts. So the count becomes a bound on the length, and the repetition goes
without end. What may repeat 127 times, two characters at least each, may do so without end in 255
characters, too: every count that the length implies is dropped.

What a count states, the automaton must know from below, too: only its upper bound becomes a length.
"""

from __future__ import annotations

from functools import lru_cache

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
    repeat,
    star,
)

__all__ = ["apart_from_count", "apart_from_looks"]

LEAST_WORTH = 16
"""Fewer counts to choose from are states: they cost less than a register."""
Parts = tuple[Node, ...]


def apart_from_looks(node: Node) -> tuple[Node, int, int | None]:
    """``(rest, low, high)``: the texts of ``node`` are those of ``rest`` with ``low`` to ``high`` code points.

    Of lengths that lookaheads state. ``rest`` means what ``node`` does only together with the bounds; it is
    ``node`` itself where no length is stated. Costs O(size of ``node``).
    """
    begin, end = _ends_of_looks(node)
    if begin == end:
        return node, 0, None
    assert isinstance(node, Concat)
    looks, low, high = _looked_at(node.parts[begin:end])
    if not low and high is None:
        return node, 0, None
    rest = concat(*node.parts[:begin], *looks, *node.parts[end:])
    return (rest if high is None else _without_implied(rest, high)), low, high


@lru_cache(maxsize=1024)
def apart_from_count(node: Node) -> tuple[Node, int | None]:
    """``(rest, high)``: the texts of ``node`` are those of ``rest`` with at most ``high`` code points.

    Of the length that the only count states, of parts that else have one length each; None, and ``node`` itself,
    where there is none.
    """
    _, end = _ends_of_looks(node)
    counted = _without_count(node.parts[end:]) if isinstance(node, Concat) and end else None
    if counted is None:
        return node, None
    body, high = counted
    rest = concat(*node.parts[:end], *body)  # type: ignore[union-attr]
    return _without_implied(rest, high), high


def _ends_of_looks(node: Node) -> tuple[int, int]:
    """Where the lookaheads at the start of the text begin and end among the parts; ``(0, 0)``: nowhere."""
    if type(node) is not Concat or START not in node.parts[:2]:
        return 0, 0
    begin = node.parts.index(START) + 1
    if node.parts[: begin - 1] not in ((), (EVERYTHING,)):
        return 0, 0
    end = begin
    for part in node.parts[begin:]:
        if type(part) is not Look or part.behind:
            break
        end += 1
    return begin, end


def _looked_at(looks: Parts) -> tuple[list[Node], int, int | None]:
    """Lookaheads at the start of the text, without lengths; and those."""
    kept: list[Node] = []
    low: int = 0
    high: int | None = None
    for part in looks:
        assert type(part) is Look
        counted = None if part.negative else _counted(part.node)
        if counted is None:
            kept.append(part)
            continue
        low = max(low, counted.min)
        if counted.max is not None:
            high = counted.max if high is None else min(high, counted.max)
        if counted.node != ANY:
            kept.append(Look(Concat((star(counted.node), END))))
    return kept, low, high


def _counted(node: Node) -> Repeat | None:
    """The repetition of a set that is all of ``node`` up to the end of the text."""
    if type(node) is not Concat or len(node.parts) != 2 or node.parts[1] != END:
        return None
    counted = node.parts[0]
    return counted if type(counted) is Repeat and type(counted.node) is CharSet else None


def _without_count(body: Parts) -> tuple[Parts, int] | None:
    """A body up to the end of the text without the one count that it has, and its greatest length."""
    if END not in body:
        return None
    end = body.index(END)
    if body[end + 1 :] not in ((), (EVERYTHING,)):
        return None
    found = _uncounted(body[:end])
    return None if found is None else (found[0] + body[end:], found[1])


def _uncounted(parts: Parts) -> tuple[Parts, int] | None:
    """The same of parts in a row, of which all but one have one length each."""
    at, total = -1, 0
    for k, part in enumerate(parts):
        length = _length(part)
        if length is not None:
            total += length
        elif at >= 0:
            return None
        else:
            at = k
    counted = parts[at] if at >= 0 else None
    if type(counted) is not Repeat or counted.max is None:
        return None
    if type(counted.node) is CharSet:
        if counted.max - counted.min < LEAST_WORTH:
            return None
        endless, longest = repeat(counted.node, counted.min, None), counted.max
    elif counted.max == 1 and type(counted.node) is Concat:  # as in ``a(?:b{0,61}c)?``
        inner = _uncounted(counted.node.parts)
        if inner is None:
            return None
        endless, longest = repeat(concat(*inner[0]), counted.min, 1), inner[1]
    else:
        return None
    return (*parts[:at], endless, *parts[at + 1 :]), total + longest


def _length(node: Node) -> int | None:
    """The one length of the texts of ``node``; None if they have several, or looks have a say in it."""
    if type(node) is CharSet:
        return 1
    if type(node) is Repeat:
        inner = _length(node.node) if node.min == node.max else None
        return None if inner is None else inner * node.min
    if type(node) is Concat:
        lengths = [_length(part) for part in node.parts]
        return None if None in lengths else sum(lengths)  # type: ignore[arg-type]
    if type(node) is Alternate:
        lengths = list({_length(option) for option in node.options})
        return lengths[0] if len(lengths) == 1 else None
    return None


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
        return repeat(_without_implied(node.node, high), node.min, most)
    return node
