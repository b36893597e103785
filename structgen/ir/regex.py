"""Regular expressions over code points, with intersection, complement and looks.

Nodes are frozen and compare by value. Build them with the lower-case constructors,
which simplify; the classes themselves keep what they are given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import Any, TypeAlias

__all__ = [
    "ANY",
    "END",
    "EPSILON",
    "EVERYTHING",
    "NOTHING",
    "START",
    "Alternate",
    "CharSet",
    "Complement",
    "Concat",
    "Epsilon",
    "Intersect",
    "Look",
    "Node",
    "Repeat",
    "alternate",
    "char",
    "char_set",
    "complement",
    "concat",
    "has_look",
    "intersect",
    "least_length",
    "literal",
    "look",
    "negate_set",
    "optional",
    "plus",
    "repeat",
    "set_difference",
    "set_intersection",
    "set_union",
    "star",
]

MAX_CODE_POINT = 0x10FFFF
Ranges: TypeAlias = tuple[tuple[int, int], ...]


class _Hashed:
    """Remembers its hash, and if there is a look in it: a date-time has thousands of nodes below it."""

    __slots__ = ("_has_look", "_hash")
    _hash: int
    _has_look: bool

    def __hash__(self) -> int:
        try:
            return self._hash
        except AttributeError:
            kind = type(self)
            found = hash((kind.__name__, _FIELDS[kind](self)))
            object.__setattr__(self, "_hash", found)
            return found


@dataclass(frozen=True, slots=True)
class Epsilon:
    """The empty text."""


@dataclass(frozen=True, slots=True)
class CharSet(_Hashed):
    """One code point out of ``ranges``: inclusive, sorted, apart, without surrogates.

    The empty set is the empty language (:data:`NOTHING`).
    """

    ranges: Ranges

    __hash__ = _Hashed.__hash__

    def __contains__(self, code_point: int) -> bool:
        return any(lo <= code_point <= hi for lo, hi in self.ranges)


@dataclass(frozen=True, slots=True)
class Concat(_Hashed):
    """One after the other; two parts or more."""

    parts: tuple[Node, ...]

    __hash__ = _Hashed.__hash__


@dataclass(frozen=True, slots=True)
class Alternate(_Hashed):
    """Any one of ``options``; two or more."""

    options: tuple[Node, ...]

    __hash__ = _Hashed.__hash__


@dataclass(frozen=True, slots=True)
class Repeat(_Hashed):
    """``min`` to ``max`` times ``node``; ``max`` None is without bound."""

    node: Node
    min: int
    max: int | None

    __hash__ = _Hashed.__hash__


@dataclass(frozen=True, slots=True)
class Intersect(_Hashed):
    """Texts that are in every one of ``parts``; two or more."""

    parts: tuple[Node, ...]

    __hash__ = _Hashed.__hash__


@dataclass(frozen=True, slots=True)
class Complement(_Hashed):
    """Texts (of any code points) that are not in ``node``."""

    node: Node

    __hash__ = _Hashed.__hash__


@dataclass(frozen=True, slots=True)
class Look(_Hashed):
    """Match nothing, where the text after (or before) begins (or ends) with ``node``."""

    node: Node
    behind: bool = False
    negative: bool = False

    __hash__ = _Hashed.__hash__


Node: TypeAlias = Epsilon | CharSet | Concat | Alternate | Repeat | Intersect | Complement | Look
_FIELDS: dict[type, Callable[[Any], Any]] = {
    kind: attrgetter(*kind.__match_args__) for kind in (CharSet, Concat, Alternate, Repeat, Intersect, Complement, Look)
}
"""What the hash of a node is made of."""


# --------------------------------------------------------------------------- character sets


def _normal(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Sort, merge, and cut the surrogates out."""
    merged: list[tuple[int, int]] = []
    last = -2
    for lo, hi in sorted(ranges):
        if lo <= last + 1:
            if hi > last:
                merged[-1] = (merged[-1][0], hi)
                last = hi
        elif lo <= hi:
            merged.append((lo, hi))
            last = hi
    if last < 0xD800:
        return tuple(merged)
    cut: list[tuple[int, int]] = []
    for lo, hi in merged:
        if hi < 0xD800 or lo > 0xDFFF:
            cut.append((lo, hi))
            continue
        if lo < 0xD800:
            cut.append((lo, 0xD7FF))
        if hi > 0xDFFF:
            cut.append((0xE000, hi))
    return tuple(cut)


def char_set(ranges: Iterable[tuple[int, int]]) -> CharSet:
    """The set of inclusive ``ranges``, in any order, overlapping or not."""
    return CharSet(_normal(ranges))


def set_union(*sets: CharSet) -> CharSet:
    """Code points that are in any of ``sets``."""
    return CharSet(_normal([r for s in sets for r in s.ranges]))


def negate_set(node: CharSet) -> CharSet:
    """All code points (surrogates are none) outside ``node``."""
    gaps: list[tuple[int, int]] = []
    at = 0
    for lo, hi in node.ranges:
        if lo > at:
            gaps.append((at, lo - 1))
        at = hi + 1
    if at <= MAX_CODE_POINT:
        gaps.append((at, MAX_CODE_POINT))
    return CharSet(_normal(gaps))


def set_intersection(left: CharSet, right: CharSet) -> CharSet:
    """Code points that are in both."""
    out: list[tuple[int, int]] = []
    i = j = 0
    a, b = left.ranges, right.ranges
    while i < len(a) and j < len(b):
        lo, hi = max(a[i][0], b[j][0]), min(a[i][1], b[j][1])
        if lo <= hi:
            out.append((lo, hi))
        if a[i][1] < b[j][1]:
            i += 1
        else:
            j += 1
    return CharSet(tuple(out))


def set_difference(left: CharSet, right: CharSet) -> CharSet:
    """Code points of ``left`` that are not in ``right``."""
    return set_intersection(left, negate_set(right))


@lru_cache(maxsize=1024)
def char(code_point: int) -> CharSet:
    """One code point; a lone surrogate is no text and gives :data:`NOTHING`. Remembered: patterns are full of them."""
    if 0xD800 <= code_point <= 0xDFFF:
        return NOTHING
    return CharSet(((code_point, code_point),))


NOTHING = CharSet(())
"""The empty language."""
EPSILON = Epsilon()
"""The empty text alone."""
ANY = char_set([(0, MAX_CODE_POINT)])
"""Any one code point."""
EVERYTHING = Repeat(ANY, 0, None)
"""Every text."""
START = Look(ANY, behind=True, negative=True)
"""Only at the start of the text."""
END = Look(ANY, negative=True)
"""Only at the end of the text."""


# --------------------------------------------------------------------------- constructors


def literal(text: str) -> Node:
    """Exactly ``text``."""
    return concat(*[char(ord(c)) for c in text])


def concat(*parts: Node) -> Node:
    """The concatenation, flattened, without empty parts; NOTHING if any part is."""
    flat: list[Node] = []
    for part in parts:
        if type(part) is Concat:
            flat += part.parts
        elif type(part) is CharSet:
            if not part.ranges:
                return NOTHING
            flat.append(part)
        elif type(part) is not Epsilon:
            flat.append(part)
    if len(flat) == 1:
        return flat[0]
    return Concat(tuple(flat)) if flat else EPSILON


def alternate(*options: Node) -> Node:
    """The union, flattened, without repeats; character sets among the options merge."""
    flat: dict[Node, None] = {}
    sets: list[CharSet] = []
    for option in options:
        if type(option) is Alternate:
            for inner in option.options:
                if type(inner) is CharSet:
                    sets.append(inner)
                else:
                    flat[inner] = None
        elif type(option) is CharSet:
            sets.append(option)
        else:
            flat[option] = None
    if EVERYTHING in flat:
        return EVERYTHING
    merged = set_union(*sets) if len(sets) > 1 else (sets[0] if sets else NOTHING)
    found = tuple(flat) if merged == NOTHING else (merged, *flat)
    if not found:
        return NOTHING
    return found[0] if len(found) == 1 else Alternate(found)


def repeat(node: Node, min: int = 0, max: int | None = None) -> Node:
    """``min`` to ``max`` copies of ``node``, with the trivial cases folded."""
    if max == 0 or type(node) is Epsilon:
        return EPSILON
    if node == NOTHING:
        return EPSILON if min == 0 else NOTHING
    if min == 1 and max == 1:
        return node
    if type(node) is Repeat and node.max is None and node.min <= 1 and min <= 1:
        if max is None or node.min == 0 or min == 1:
            return Repeat(node.node, node.min * min, None)
        return Repeat(node.node, 0, None)
    return Repeat(node, min, max)


def star(node: Node) -> Node:
    """Any number of ``node``."""
    return repeat(node, 0, None)


def plus(node: Node) -> Node:
    """One or more of ``node``."""
    return repeat(node, 1, None)


def optional(node: Node) -> Node:
    """``node`` or the empty text."""
    return repeat(node, 0, 1)


def intersect(*parts: Node) -> Node:
    """Texts in all of ``parts``; of no parts, every text."""
    flat: dict[Node, None] = {}
    for part in parts:
        if type(part) is Intersect:
            flat.update(dict.fromkeys(part.parts))
        elif part != EVERYTHING:
            flat[part] = None
    if NOTHING in flat:
        return NOTHING
    sets = [p for p in flat if type(p) is CharSet]
    if len(sets) > 1:
        merged = sets[0]
        for other in sets[1:]:
            merged = set_intersection(merged, other)
        return intersect(merged, *[p for p in flat if type(p) is not CharSet])
    found = tuple(flat)
    if not found:
        return EVERYTHING
    return found[0] if len(found) == 1 else Intersect(found)


def complement(node: Node) -> Node:
    """Every text that is not in ``node``."""
    if type(node) is Complement:
        return node.node
    if node == NOTHING:
        return EVERYTHING
    return NOTHING if node == EVERYTHING else Complement(node)


def look(node: Node, *, behind: bool = False, negative: bool = False) -> Node:
    """An assertion about the text after (or before) the position; trivial ones fold."""
    if node == NOTHING:
        return EPSILON if negative else NOTHING
    if type(node) is Epsilon or node == EVERYTHING:
        return NOTHING if negative else EPSILON
    return Look(node, behind, negative)


def has_look(node: Node) -> bool:
    """Whether an assertion occurs anywhere in ``node``."""
    kind = type(node)
    if kind is CharSet or kind is Epsilon:
        return False
    if kind is Look:
        return True
    try:
        return node._has_look  # type: ignore[union-attr]
    except AttributeError:
        if isinstance(node, Repeat | Complement):
            found = has_look(node.node)
        elif isinstance(node, Alternate):
            found = any(map(has_look, node.options))
        else:
            assert isinstance(node, Concat | Intersect)
            found = any(map(has_look, node.parts))
        object.__setattr__(node, "_has_look", found)
        return found


def least_length(node: Node) -> int:
    """A lower bound, in code points, on what ``node`` consumes."""
    if isinstance(node, CharSet):
        return 1
    if isinstance(node, Concat):
        return sum(map(least_length, node.parts))
    if isinstance(node, Alternate):
        return min(map(least_length, node.options))
    if isinstance(node, Intersect):
        return max(map(least_length, node.parts))
    return least_length(node.node) * node.min if isinstance(node, Repeat) else 0
