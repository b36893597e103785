"""Anchors, word boundaries, lookahead and lookbehind, turned into intersections and complements.

A look is an assertion about the rest of the text, or about what came before. Where that rest is one
stretch of the expression, the look becomes an intersection there::

    (?=X) S  at the end of the text      ->  S & X.*
    (?!X) S                              ->  S & ~(X.*)
    P (?<=Y) S                           ->  (P & .*Y) S
    P ^ S                                ->  S if P can be empty, else nothing

This file does so: it distributes alternatives that hold looks into *paths* (concatenations of
look-free nodes and looks) and resolves each path's looks one after the other, locally if the look's reach
is bounded by what stands beside it (``\\bfoo\\b``), else up to the end of the text. That covers nearly
every pattern people write, and leaves ordinary expressions, which the kernels compile fast.

What remains (a look inside a repetition, looks whose reaches cross) goes to
:mod:`structgen.automata.derivatives`, which is exact for everything but builds its automaton in Python.
"""

from __future__ import annotations

from itertools import product

from structgen.ir.regex import (
    END,
    EPSILON,
    EVERYTHING,
    NOTHING,
    START,
    Alternate,
    CharSet,
    Complement,
    Concat,
    Epsilon,
    Intersect,
    Look,
    Node,
    Repeat,
    alternate,
    complement,
    concat,
    has_look,
    intersect,
    least_length,
    optional,
    repeat,
    set_difference,
    set_intersection,
)

__all__ = ["CrossingError", "is_nullable", "resolve"]

_MAX_PATHS = 128
Path = list[Node]


class CrossingError(Exception):
    """Looks that rewriting cannot separate; never leaves this package."""


def resolve(node: Node) -> Node:
    """An expression of the same whole texts without looks.

    Raises
    ------
    CrossingError : rewriting does not reach; ask :mod:`structgen.automata.derivatives`
    """
    if not has_look(node):
        return node
    if isinstance(node, Intersect):
        return intersect(*map(resolve, node.parts))
    if isinstance(node, Complement):
        return complement(resolve(node.node))
    return alternate(*[_solve(path) for path in _paths(node)])


def _paths(node: Node) -> list[Path]:
    """The alternatives of ``node`` as flat concatenations; looks only at their top level."""
    if isinstance(node, Epsilon):
        return [[]]
    if not has_look(node):
        return [[node]]
    if isinstance(node, Look):
        return [[_unwrapped(node)]]
    if isinstance(node, Alternate):
        plain = [option for option in node.options if not has_look(option)]
        found = [[alternate(*plain)]] if plain else []
        return found + [path for option in node.options if has_look(option) for path in _paths(option)]
    if isinstance(node, Repeat) and node.max == 1:
        return ([[]] if node.min == 0 else []) + _paths(node.node)
    if isinstance(node, Concat):
        choices = [_paths(part) for part in node.parts]
        count = 1
        for choice in choices:
            count *= len(choice)
        if count > _MAX_PATHS:
            raise CrossingError
        return [[part for piece in pick for part in piece] for pick in product(*choices)]
    raise CrossingError


def _unwrapped(node: Look) -> Look:
    """A look at nothing but a look is that look."""
    while isinstance(node.node, Look):
        inner = node.node
        node = Look(inner.node, inner.behind, inner.negative != node.negative)
    return node


def _solve(path: Path) -> Node:
    """The texts of one path, its looks resolved until none is left."""
    anchored = _anchor(path)
    if anchored is None:
        return NOTHING
    path = _ordered(anchored)
    while any(isinstance(part, Look) for part in path):
        for k, part in enumerate(path):
            if isinstance(part, Look) and (done := _resolve_one(path, k, part)) is not None:
                path = _ordered(done)
                break
        else:
            raise CrossingError
    return concat(*path)


def _anchor(path: Path) -> Path | None:
    """Apply the last ``^`` and the first ``$``: what is outside them must be empty. None if it cannot."""
    if START in path:
        last = len(path) - 1 - path[::-1].index(START)
        before = path[:last]
        if not all(isinstance(p, Look) or is_nullable(p) for p in before):
            return None
        path = [p for p in before if isinstance(p, Look) and p != START] + path[last + 1 :]
    if END in path:
        first = path.index(END)
        after = path[first + 1 :]
        if not all(isinstance(p, Look) or is_nullable(p) for p in after):
            return None
        path = path[:first] + [p for p in after if isinstance(p, Look) and p != END]
    return path


def _ordered(path: Path) -> Path:
    """At one position, lookbehinds before lookaheads: each then stands beside what it looks at."""
    out: Path = []
    looks: list[Look] = []
    for part in [*path, EPSILON]:
        if isinstance(part, Look):
            looks.append(part)
            continue
        out += [item for item in looks if item.behind] + [item for item in looks if not item.behind]
        looks = []
        out.append(part)
    return out[:-1]


def _resolve_one(path: Path, k: int, part: Look) -> Path | None:
    """Resolve the look at ``k`` inside its own stretch of the path; None if it is not possible yet."""
    if part.behind:
        mirrored = _resolve_ahead(path[:k][::-1], path[k + 1 :], part, behind=True)
        return None if mirrored is None else mirrored[0][::-1] + path[k + 1 :]
    found = _resolve_ahead(path[k + 1 :], path[:k], part, behind=False)
    return None if found is None else path[:k] + found[0]


def _resolve_ahead(seen: Path, other: Path, part: Look, *, behind: bool) -> tuple[Path] | None:
    """``seen`` is what the look faces, nearest first; ``other`` lies behind its back."""
    if all(isinstance(p, Look) for p in seen) and least_length(part.node) > 0:
        # It faces the edge of the text (Python's `$` asks for a newline there): nothing is to be seen.
        return (seen if part.negative else [NOTHING, *seen],)
    if seen and isinstance(part.node, CharSet) and (near := _next_character(seen, part, behind)) is not None:
        return ([near, *seen[1:]],)
    at_edge = all(isinstance(p, Look) for p in other)
    text = resolve_in(part.node, behind, at_edge)
    reach = _max_length(part.node)
    covered = 0
    for count, piece in enumerate(seen):
        if isinstance(piece, Look):
            return None
        covered += least_length(piece)
        if reach is not None and covered >= reach:
            count += 1
            break
    else:
        count = len(seen)
    stretch, rest = seen[:count], seen[count:]
    body = concat(*(stretch[::-1] if behind else stretch))
    merged = intersect(body, complement(text)) if part.negative else intersect(body, text)
    return ([merged, *rest],)


def _next_character(seen: Path, part: Look, behind: bool) -> Node | None:
    """The nearest piece with its nearest character as ``part`` demands; None where that is not a matter of sets.

    Word boundaries beside plain characters, the usual case, need no automaton this way.
    """
    piece = seen[0]
    assert isinstance(part.node, CharSet)
    restrict = set_difference if part.negative else set_intersection
    if isinstance(piece, CharSet):
        return restrict(piece, part.node)
    if not isinstance(piece, Repeat) or not isinstance(piece.node, CharSet):
        return None
    if piece.min == 0 and len(seen) > 1:
        return None  # the look may face what follows instead
    nearest = restrict(piece.node, part.node)
    rest = repeat(piece.node, max(piece.min - 1, 0), None if piece.max is None else piece.max - 1)
    found = concat(rest, nearest) if behind else concat(nearest, rest)
    return optional(found) if piece.min == 0 and part.negative else found


def resolve_in(node: Node, behind: bool, at_edge: bool) -> Node:
    """The rests of text that begin (or, ``behind``, beginnings that end) with ``node``."""
    if not has_look(node):
        return concat(EVERYTHING, node) if behind else concat(node, EVERYTHING)
    if not at_edge and _looks_back(node, not behind):
        raise CrossingError
    return resolve(concat(EVERYTHING, node) if behind else concat(node, EVERYTHING))


def _looks_back(node: Node, behind: bool) -> bool:
    """Whether some look in ``node`` faces ``behind``."""
    if isinstance(node, Look):
        return node.behind == behind or _looks_back(node.node, behind)
    if isinstance(node, Repeat | Complement):
        return _looks_back(node.node, behind)
    if isinstance(node, Alternate):
        return any(_looks_back(p, behind) for p in node.options)
    if isinstance(node, Concat | Intersect):
        return any(_looks_back(p, behind) for p in node.parts)
    return False


def is_nullable(node: Node) -> bool:
    """Whether a look-free ``node`` matches the empty text."""
    if isinstance(node, Epsilon):
        return True
    if isinstance(node, Repeat):
        return node.min == 0 or is_nullable(node.node)
    if isinstance(node, Concat | Intersect):
        return all(map(is_nullable, node.parts))
    if isinstance(node, Alternate):
        return any(map(is_nullable, node.options))
    return isinstance(node, Complement) and not is_nullable(node.node)


def _max_length(node: Node) -> int | None:
    """An upper bound, in code points, on what a look at ``node`` sees; None without bound."""
    if isinstance(node, CharSet | Epsilon):
        return len(node.ranges) and 1 if isinstance(node, CharSet) else 0
    if isinstance(node, Look | Complement):
        return None
    if isinstance(node, Repeat):
        inner = _max_length(node.node)
        return None if inner is None or node.max is None else inner * node.max
    lengths = [_max_length(p) for p in (node.options if isinstance(node, Alternate) else node.parts)]
    if isinstance(node, Intersect):
        bounded = [n for n in lengths if n is not None]
        return min(bounded) if bounded else None
    known = [n for n in lengths if n is not None]
    if len(known) < len(lengths):
        return None
    return max(known) if isinstance(node, Alternate) else sum(known)
