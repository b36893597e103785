"""Python regular expressions -> ordered patterns, read by ``re``'s own parser.

Kept apart from the regex front end, whose nodes are sets of strings: the lexer of a Lark
grammar needs the order in which ``re`` would try things (see ``structgen.ir.pattern``).
"""

from __future__ import annotations

import re
import sys
from array import array
from bisect import bisect_left
from functools import lru_cache
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

from structgen.errors import RegexSyntaxError, UnsupportedError
from structgen.ir.pattern import Alternatives, Characters, Look, Pattern, Repeat, Sequence

__all__ = ["exactly", "parsed", "read_pattern"]

_RANGES = {op.LITERAL, op.RANGE}
_CLASS_FLAGS = re.IGNORECASE | re.ASCII
_SURROGATES = (0xD800, 0xDFFF)
_LAST = sys.maxunicode
_UTF32 = f"utf-32-{sys.byteorder[:1]}e"
_ASCII_CLASSES = {
    "DIGIT": ((48, 57),),
    "SPACE": ((9, 13), (32, 32)),
    "WORD": ((48, 57), (65, 90), (95, 95), (97, 122)),
}
Ranges = tuple[tuple[int, int], ...]


@lru_cache(maxsize=1024)
def parsed(source: str, flags: int = 0) -> Any:
    """The parse tree of ``re``, which is not to be changed; errors as ``re`` raises them."""
    return _parser.parse(source, flags)


def exactly(text: str) -> Pattern:
    """The pattern that matches ``text``."""
    parts = tuple([_ASCII.get(character) or _character(ord(character)) for character in text])
    return parts[0] if len(parts) == 1 else Sequence(parts)


@lru_cache(maxsize=1024)
def _character(code: int) -> Characters:
    return Characters(_without_surrogates(((code, code),)))


_ASCII = {chr(code): Characters(((code, code),)) for code in range(128)}


def read_pattern(source: str, *, name: str, flags: int = 0) -> Pattern:
    """Read ``source`` as ``re`` does; ``name`` is the terminal's, for messages.

    Raises
    ------
    RegexSyntaxError : ``re`` cannot read it
    UnsupportedError : back references, conditionals, anchors, atomic groups
    """
    try:
        tree = parsed(source, flags)
    except (re.error, OverflowError, RecursionError) as error:
        at = getattr(error, "pos", None)
        span = (at, at + 1) if at is not None else None
        raise RegexSyntaxError(f"terminal {name}: {error}", source=source, span=span) from None
    return _Reader(source, name).sequence(tree.data, tree.state.flags)


class _Reader:
    """Walks the parse tree of ``re._parser``; flags are passed down, since groups change them."""

    def __init__(self, source: str, name: str) -> None:
        self.source = source
        self.name = name
        self.classes: dict[Any, Characters] = {}

    def refuse(self, what: str, hint: str | None = None) -> UnsupportedError:
        return UnsupportedError(
            f"terminal {self.name}: {what} is not supported", keyword=what, source=self.source, hint=hint
        )

    def sequence(self, items: list[tuple[Any, Any]], flags: int) -> Pattern:
        parts: list[Pattern] = []
        for code, value in items:
            last = _last_characters(parts[-1]) if parts and code is op.AT else None
            parts.append(self.item(code, value, flags) if last is None else self.anchor(value, flags, last))
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def item(self, code: Any, value: Any, flags: int) -> Pattern:
        if code is op.LITERAL and not flags & re.IGNORECASE and not 0xD800 <= value <= 0xDFFF:
            return Characters(((value, value),))
        if code in (op.LITERAL, op.NOT_LITERAL):
            return Characters(self.characters([(op.LITERAL, value)], flags, negate=code is op.NOT_LITERAL))
        if code is op.ANY:
            return Characters(_without_surrogates(((0, _LAST),) if flags & re.DOTALL else ((0, 9), (11, _LAST))))
        if code is op.IN:
            negate = value[0][0] is op.NEGATE
            return self.characters_in(tuple(value[1:] if negate else value), flags, negate)
        if code is op.BRANCH:
            return Alternatives(tuple(self.sequence(branch.data, flags) for branch in value[1]))
        if code is op.SUBPATTERN:
            _group, added, removed, body = value
            return self.sequence(body.data, (flags | added) & ~removed)
        if code in (op.MAX_REPEAT, op.MIN_REPEAT):
            low, high, body = value
            bound = None if high is op.MAXREPEAT else int(high)
            return Repeat(self.sequence(body.data, flags), int(low), bound, lazy=code is op.MIN_REPEAT)
        if code in (op.ASSERT, op.ASSERT_NOT):
            direction, body = value
            return Look(self.sequence(body.data, flags), behind=direction < 0, negative=code is op.ASSERT_NOT)
        if code is op.AT:
            return self.anchor(value, flags)
        raise self.refuse(_describe(code), "write the terminal without it, or as grammar rules")

    def characters_in(self, items: tuple[tuple[Any, Any], ...], flags: int, negate: bool) -> Pattern:
        """One object for all occurrences of the same class, which are many where words are spelled out."""
        if not negate and not flags & re.IGNORECASE and _RANGES.issuperset([code for code, _ in items]):
            ranges = sorted([value if code is op.RANGE else (value, value) for code, value in items])
            if ranges[-1][1] < 128:
                return Characters(_merged(ranges))
        key = (items, flags & _CLASS_FLAGS, negate)
        found = self.classes.get(key)
        if found is None:
            found = self.classes[key] = Characters(self.characters(list(items), flags, negate=negate))
        return found

    def anchor(self, value: Any, flags: int, last: Ranges | None = None) -> Pattern:
        """A place; a word's boundary is a lookahead alone where the characters before it are known to be ``last``."""
        word = Characters(_category("WORD", bool(flags & re.ASCII)))
        if value in (op.AT_BOUNDARY, op.AT_NON_BOUNDARY):
            inside = value is op.AT_NON_BOUNDARY
            if last is not None:
                if _merge([*last, *word.ranges]) == word.ranges:
                    return Look(word, False, not inside)
                if not _overlap(last, word.ranges):
                    return Look(word, False, inside)
            return Alternatives(
                (
                    Sequence((Look(word, True, False), Look(word, False, not inside))),
                    Sequence((Look(word, True, True), Look(word, False, inside))),
                )
            )
        raise self.refuse(_describe(value), "a lexeme's place in the text cannot be tested; use a newline terminal")

    def characters(self, items: list[tuple[Any, Any]], flags: int, *, negate: bool) -> Ranges:
        if negate and not flags & re.IGNORECASE:
            quick = _category_without(items, bool(flags & re.ASCII))
            if quick is not None:
                return quick
        ranges: list[tuple[int, int]] = []
        for code, value in items:
            if code is op.LITERAL:
                ranges.append((value, value))
            elif code is op.RANGE:
                ranges.append(tuple(value))
            elif code is op.CATEGORY:
                name = str(value).removeprefix("CATEGORY_")
                kind = name.removeprefix("NOT_")
                found = _category(kind, bool(flags & re.ASCII))
                ranges += _complement(found) if name.startswith("NOT_") else found
            else:
                raise self.refuse(_describe(code))
        merged = _merge(ranges)
        if flags & re.IGNORECASE:
            merged = _ignore_case(merged, bool(flags & re.ASCII))
        return _without_surrogates(_complement(merged) if negate else merged)


def _last_characters(pattern: Pattern) -> Ranges | None:
    """The characters that each match ends with; None where it may be empty, or ends with an assertion."""
    if isinstance(pattern, Characters):
        return pattern.ranges
    if isinstance(pattern, Sequence):
        return _last_characters(pattern.parts[-1]) if pattern.parts else None
    if isinstance(pattern, Alternatives):
        found = [_last_characters(part) for part in pattern.parts]
        known = [ranges for ranges in found if ranges is not None]
        return _merge([pair for ranges in known for pair in ranges]) if len(known) == len(found) else None
    if isinstance(pattern, Repeat) and pattern.low:
        return _last_characters(pattern.part)
    return None


def _overlap(one: Ranges, other: Ranges) -> bool:
    return any(low <= end and start <= high for low, high in one for start, end in other)


def _category_without(items: list[tuple[Any, Any]], ascii_only: bool) -> Ranges | None:
    """``[^\\Wab]`` and the like, a category without some characters; None for all else.

    Grammars spell out words that are not keywords with thousands of these, and to complement
    seven hundred ranges twice for each takes half a second.
    """
    outside = [str(value) for code, value in items if code is op.CATEGORY]
    if len(outside) != 1 or "_NOT_" not in outside[0]:
        return None
    found = list(_category(outside[0].removeprefix("CATEGORY_NOT_"), ascii_only))
    for code, value in items:
        if code is op.CATEGORY:
            continue
        if code not in (op.LITERAL, op.RANGE):
            return None
        low, high = (value, value) if code is op.LITERAL else value
        first = bisect_left(found, (low,))
        if first and found[first - 1][1] >= low:
            first -= 1
        last = bisect_left(found, (high + 1,))
        cut = found[first:last]
        if cut:
            kept = [(cut[0][0], low - 1), (high + 1, cut[-1][1])]
            found[first:last] = [(start, end) for start, end in kept if start <= end]
    return tuple(found)


def _describe(code: Any) -> str:
    return str(code).lower().replace("_", " ")


def _merge(ranges: list[tuple[int, int]] | Ranges) -> Ranges:
    return _merged(sorted(ranges))


def _merged(ranges: list[tuple[int, int]]) -> Ranges:
    """Sorted ranges without overlaps."""
    merged: list[tuple[int, int]] = []
    for low, high in ranges:
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], high))
        else:
            merged.append((low, high))
    return tuple(merged)


def _complement(ranges: Ranges) -> Ranges:
    holes, start = [], 0
    for low, high in _merge(ranges):
        if low > start:
            holes.append((start, low - 1))
        start = high + 1
    if start <= _LAST:
        holes.append((start, _LAST))
    return tuple(holes)


def _without_surrogates(ranges: Ranges) -> Ranges:
    """Drop what UTF-8 cannot spell."""
    low, high = _SURROGATES
    kept: list[tuple[int, int]] = []
    for start, end in ranges:
        if start < low:
            kept.append((start, min(end, low - 1)))
        if end > high:
            kept.append((max(start, high + 1), end))
    return tuple(kept)


@lru_cache(maxsize=8)
def _category(kind: str, ascii_only: bool) -> Ranges:
    """Code points of ``\\d``, ``\\s`` or ``\\w``; for Unicode, as this Python's ``re`` sees them."""
    if ascii_only:
        return _ASCII_CLASSES[kind]
    expression = re.compile({"DIGIT": r"\d+", "SPACE": r"\s+", "WORD": r"\w+"}[kind])
    found = []
    for base in range(0, _LAST + 1, 0x10000):
        if base in range(0x40000, 0xE0000, 0x10000) or base >= 0xF0000:
            continue  # planes without assigned characters, or private use: none is a digit, space or letter
        text = array("I", range(base, base + 0x10000)).tobytes().decode(_UTF32, "surrogatepass")
        found += [(base + match.start(), base + match.end() - 1) for match in expression.finditer(text)]
    return _merge(found)


@lru_cache(maxsize=1)
def _case_partners() -> dict[int, tuple[int, ...]]:
    """For each character with case, those that ``re.IGNORECASE`` holds equal to it."""
    import _sre  # type: ignore[import-not-found]
    from re import _casefix  # type: ignore[attr-defined]

    groups: dict[int, set[int]] = {}
    for code in range(0x20000):
        lower = _sre.unicode_tolower(code)
        if lower != code:
            groups.setdefault(lower, {lower}).add(code)
    for code, others in _casefix._EXTRA_CASES.items():
        merged = set(groups.get(code, {code}))
        for other in others:
            merged |= groups.get(other, {other})
        for member in merged & (set(others) | {code}):
            groups[member] = merged
    return {member: tuple(group) for group in list(groups.values()) for member in group}


def _ignore_case(ranges: Ranges, ascii_only: bool) -> Ranges:
    added = list(ranges)
    if ascii_only or all(high < 128 for _, high in ranges):
        for low, high in ranges:
            for code in range(low, min(high, 127) + 1):
                swapped = chr(code).swapcase()
                added.append((ord(swapped), ord(swapped)))
        if not ascii_only:
            extra = {"s": 0x17F, "S": 0x17F, "k": 0x212A, "K": 0x212A, "i": 0x131, "I": 0x130}
            for low, high in ranges:
                for letter, code in extra.items():
                    if low <= ord(letter) <= high and re.fullmatch(letter, chr(code), re.IGNORECASE):
                        added.append((code, code))
        return _merge(added)
    partners = _case_partners()
    for low, high in ranges:
        for code in range(low, min(high, 0x1FFFF) + 1):
            added += [(other, other) for other in partners.get(code, ())]
    return _merge(added)
