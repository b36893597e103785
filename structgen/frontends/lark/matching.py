"""Matching a pattern against a short text, as a backtracking engine does.

To know which strings are keywords of a pattern, ``re`` would have to compile the pattern, which
takes longer than all the matching there is to do with it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator

from structgen.ir.pattern import Alternatives, Characters, Look, Pattern, Repeat, Sequence

__all__ = ["matches_whole", "whole_matches"]


def whole_matches(pattern: Pattern, texts: list[str]) -> list[bool]:
    """``matches_whole`` for each of ``texts``; quick for names, beside which a grammar has dozens of keywords."""
    parts = pattern.parts if isinstance(pattern, Sequence) else ()
    if len(parts) == 2 and isinstance(parts[0], Characters) and isinstance(parts[1], Repeat):
        rest = parts[1]
        if isinstance(rest.part, Characters) and (rest.low, rest.high, rest.lazy) == (0, None, False):
            first, others = _ascii(parts[0]), _ascii(rest.part)
            return [
                text[0] in first and others.issuperset(text[1:])
                if text and text.isascii()
                else matches_whole(pattern, text)
                for text in texts
            ]
    return [matches_whole(pattern, text) for text in texts]


def _ascii(characters: Characters) -> set[str]:
    """Its ASCII characters."""
    return {chr(code) for low, high in characters.ranges if low < 128 for code in range(low, min(high, 127) + 1)}


def matches_whole(pattern: Pattern, text: str) -> bool:
    """Whether the match that ``re.match`` would find in ``text`` is all of it."""
    return next(_ends(pattern, text, 0), -1) == len(text)


def _ends(pattern: Pattern, text: str, at: int) -> Iterator[int]:
    """Where matches that start at ``at`` end, the preferred first."""
    if isinstance(pattern, Characters):
        if at < len(text) and _holds(pattern.ranges, ord(text[at])):
            yield at + 1
    elif isinstance(pattern, Sequence):
        yield from _in_turn(pattern.parts, 0, text, at)
    elif isinstance(pattern, Alternatives):
        for part in pattern.parts:
            yield from _ends(part, text, at)
    elif isinstance(pattern, Repeat):
        if isinstance(pattern.part, Characters):
            yield from _run(pattern, pattern.part.ranges, text, at)
        else:
            yield from _repeats(pattern, 0, text, at)
    elif _looks(pattern, text, at):
        yield at


def _holds(ranges: tuple[tuple[int, int], ...], code: int) -> bool:
    place = bisect_right(ranges, (code, 0x110000)) - 1
    return place >= 0 and ranges[place][1] >= code


def _in_turn(parts: tuple[Pattern, ...], index: int, text: str, at: int) -> Iterator[int]:
    if index == len(parts):
        yield at
        return
    for end in _ends(parts[index], text, at):
        yield from _in_turn(parts, index + 1, text, end)


def _run(pattern: Repeat, ranges: tuple[tuple[int, int], ...], text: str, at: int) -> Iterable[int]:
    """The same for a repeated character."""
    end, most = at, len(text) if pattern.high is None else min(len(text), at + pattern.high)
    while end < most and _holds(ranges, ord(text[end])):
        end += 1
    ends = range(at + pattern.low, end + 1)
    return ends if pattern.lazy else reversed(ends)


def _repeats(pattern: Repeat, count: int, text: str, at: int) -> Iterator[int]:
    enough, room = count >= pattern.low, pattern.high is None or count < pattern.high
    if enough and pattern.lazy:
        yield at
    if room:
        for end in _ends(pattern.part, text, at):
            if end > at or not enough:
                yield from _repeats(pattern, count + 1, text, end)
            elif not pattern.lazy:
                yield at  # ``re`` leaves a loop of which one turn matched nothing
    if enough and not pattern.lazy:
        yield at


def _looks(pattern: Look, text: str, at: int) -> bool:
    if pattern.behind:
        found = any(at in _ends(pattern.part, text[:at], start) for start in range(at, -1, -1))
    else:
        found = any(True for _ in _ends(pattern.part, text, at))
    return found != pattern.negative
