"""All texts that end a string from the middle of its automaton, nearly in order of length.

Shortest texts, one per label, are a matter of breadth-first search (``shortest``). Where the text itself
is judged (names that must be new, formats that are not regular) the shortest may be refused, and the next
one is asked for. A* with the exact distance to acceptance comes to each text in as many steps as it has bytes,
where a breadth-first enumeration would visit all texts up to that length.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from itertools import count

import numpy as np
import numpy.typing as npt

from structgen.automata.document.arena import Arena
from structgen.kernels import document as K

__all__ = ["PREFERRED", "endings", "farthest"]

_LETTERS = (*range(97, 123), *range(49, 58), 48, *range(65, 91), 32, 45, 95, 46)
PREFERRED = np.array([*_LETTERS, *(byte for byte in range(256) if byte not in _LETTERS)], np.uint8)
"""Bytes that need no escape first."""

MOST_STEPS = 20_000
MOST_KNOWN = 256
MOST_MEASURED = 1000
"""Rows of an automaton up to which distances are worked out where a bound will do."""
_FAR = 1 << 28


def endings(arena: Arena, row: int, allowed: int = -1, only: int = 0) -> Iterator[bytes]:
    """Decoded contents that lead from ``row`` to a label of ``allowed`` (bit ``label - 1``), or to ``only``.

    Shorter ones come first. Ends when there are no more, or after ``MOST_STEPS`` steps.
    """
    first, distance = _distances(arena, row, allowed, only)
    order = count()
    heap = [(int(distance[row - first]), 0, next(order), row, b"")]
    for _ in range(MOST_STEPS):
        if not heap:
            return
        estimate, _, _, state, text = heapq.heappop(heap)
        if estimate >= _FAR:
            return
        if _accepts(arena, state, allowed, only):
            yield text
        start = int(arena.content[state, K.C_START])
        classes = arena.class_maps[arena.content[state, K.C_MAP]][PREFERRED]
        targets = arena.trans[start + classes.astype(np.int64)]
        steps = np.where(targets > 0, distance[np.maximum(targets - first, 0)], _FAR)
        for index in np.flatnonzero(steps < _FAR).tolist():
            key = len(text) + 1 + int(steps[index])
            heapq.heappush(
                heap, (key, -len(text) - 1, next(order), int(targets[index]), text + bytes([int(PREFERRED[index])]))
            )


def farthest(arena: Arena, row: int) -> int:
    """The most bytes by which a text that the automaton of ``row`` reads is away from an end; large ones: a bound."""
    _, n_rows, _ = arena.extent(row)
    if n_rows > MOST_MEASURED:
        return n_rows
    _, distance = _distances(arena, row, -1, 0)
    return int(distance[distance < _FAR].max(initial=0))


def _accepts(arena: Arena, row: int, allowed: int, only: int) -> bool:
    label = int(arena.content[row, K.C_LABEL])
    if only:
        return label == only
    return label != 0 and (label > 63 or (allowed >> (label - 1)) & 1 == 1)


def _distances(arena: Arena, row: int, allowed: int, only: int) -> tuple[int, npt.NDArray[np.int64]]:
    """First row of the automaton, and per row the fewest bytes to a label that is allowed."""
    first, n_rows, _ = arena.extent(row)
    known = arena.distances.get((first, allowed, only))
    if known is not None:
        return first, known
    rows = arena.content[first : first + n_rows]
    widths = arena.class_maps[rows[:, K.C_MAP]].max(axis=1).astype(np.int64) + 1
    places = rows[:, K.C_START, None] + np.minimum(np.arange(int(widths.max())), widths[:, None] - 1)
    targets = arena.trans[places] - first
    distance = np.array(
        [0 if _accepts(arena, state, allowed, only) else _FAR for state in range(first, first + n_rows)]
    )
    while True:
        through = np.where(targets >= 0, distance[np.maximum(targets, 0)] + 1, _FAR).min(axis=1)
        nearer = np.minimum(distance, through)
        if (nearer == distance).all():
            if len(arena.distances) >= MOST_KNOWN:
                arena.distances.clear()
            arena.distances[first, allowed, only] = distance
            return first, distance
        distance = nearer
