"""Terminal patterns whose alternatives are tried in order, as a backtracking engine tries them.

Lark hands terminals to Python's ``re``, which returns the *first* match in the order of
alternatives and greediness, not the longest. ``(a|ab)`` matches one letter of ``ab``, and
``.*?"`` stops at the first quote. A set-of-strings representation forgets that order, so
terminals have nodes of their own; the lexer turns them into an automaton of ordered states.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Alternatives", "Characters", "Look", "Pattern", "Repeat", "Sequence", "first_characters",
           "matches_nothing", "max_width", "min_width"]  # fmt: skip

Ranges = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Characters:
    """One character out of inclusive code point ranges, sorted and disjoint; no range matches nothing."""

    ranges: Ranges


@dataclass(frozen=True)
class Sequence:
    """One part after the other; no parts match the empty string."""

    parts: tuple[Pattern, ...]


@dataclass(frozen=True)
class Alternatives:
    """The first part that leads to a match."""

    parts: tuple[Pattern, ...]


@dataclass(frozen=True)
class Repeat:
    """``low`` to ``high`` times (None: no bound), as many as possible, or as few if ``lazy``."""

    part: Pattern
    low: int
    high: int | None
    lazy: bool = False


@dataclass(frozen=True)
class Look:
    """An assertion on the text after (or, if ``behind``, before) this place."""

    part: Pattern
    behind: bool
    negative: bool


Pattern = Characters | Sequence | Alternatives | Repeat | Look


def min_width(pattern: Pattern) -> int:
    """Characters that every match has at least."""
    if isinstance(pattern, Characters):
        return 1
    if isinstance(pattern, Sequence):
        return sum(min_width(part) for part in pattern.parts)
    if isinstance(pattern, Alternatives):
        return min((min_width(part) for part in pattern.parts), default=0)
    if isinstance(pattern, Repeat):
        return pattern.low * min_width(pattern.part)
    return 0


def max_width(pattern: Pattern) -> int | None:
    """Characters that a match has at most; None without a bound."""
    if isinstance(pattern, Characters):
        return 1
    if isinstance(pattern, Sequence | Alternatives):
        widths = [max_width(part) for part in pattern.parts]
        known = [width for width in widths if width is not None]
        if len(known) < len(widths):
            return None
        return sum(known) if isinstance(pattern, Sequence) else max(known, default=0)
    if isinstance(pattern, Repeat):
        width = max_width(pattern.part)
        return None if width is None or (pattern.high is None and width) else width * (pattern.high or 0)
    return 0


def first_characters(pattern: Pattern) -> tuple[set[tuple[int, int]], bool]:
    """Ranges of the characters that matches begin with, and whether one may be empty; assertions are taken to hold."""
    if isinstance(pattern, Characters):
        return set(pattern.ranges), False
    if isinstance(pattern, Sequence):
        found: set[tuple[int, int]] = set()
        for part in pattern.parts:
            more, is_empty = first_characters(part)
            found |= more
            if not is_empty:
                return found, False
        return found, True
    if isinstance(pattern, Alternatives):
        begun = [first_characters(part) for part in pattern.parts]
        return set().union(*(more for more, _ in begun)), any(is_empty for _, is_empty in begun)
    if isinstance(pattern, Repeat):
        more, is_empty = first_characters(pattern.part)
        return more, is_empty or not pattern.low
    return set(), True


def matches_nothing(pattern: Pattern) -> bool:
    """Whether no text matches, as far as character classes tell (assertions are taken to hold)."""
    if isinstance(pattern, Characters):
        return not pattern.ranges
    if isinstance(pattern, Sequence):
        return any(map(matches_nothing, pattern.parts))
    if isinstance(pattern, Alternatives):
        return all(map(matches_nothing, pattern.parts))
    return isinstance(pattern, Repeat) and pattern.low > 0 and matches_nothing(pattern.part)
