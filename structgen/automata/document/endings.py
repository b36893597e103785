"""All texts that end a string from the middle of its automaton, nearly in order of length.

Shortest texts, one per label, are a matter of breadth-first search (``shortest``). Where the text itself
is judged (names that must be new, formats that are not regular) the shortest may be refused, and the next
one is asked for. A* with the exact distance to acceptance comes to each text in as many steps as it has bytes,
where a breadth-first enumeration would visit all texts up to that length.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from structgen.automata.document.arena import Arena
from structgen.kernels import document as K

__all__ = ["PREFERRED", "endings", "farthest", "has_loop"]

_LETTERS = (*range(97, 123), *range(49, 58), 48, *range(65, 91), 32, 45, 95, 46)
PREFERRED = np.array([*_LETTERS, *(byte for byte in range(256) if byte not in _LETTERS)], np.uint8)
"""Bytes that need no escape first."""

MOST_STEPS = 20_000
MOST_KNOWN = 256
MOST_MEASURED = 1000
"""Rows of an automaton up to which distances are worked out where a bound will do."""
_FAR = 1 << 28
Ways = list[tuple[int, int, int, int]]
_Waiting = tuple[int, int, int, int, bytes, Ways, int, int]
"""Bytes in all at least, minus those read, turn, row, text, ways like it, the next of these, their first turn."""


def endings(arena: Arena, row: int, allowed: int = -1, only: int = 0) -> Iterator[bytes]:
    """Decoded contents that lead from ``row`` to a label of ``allowed`` (bit ``label - 1``), or to ``only``.

    Shorter ones come first. Ends when there are no more, or after ``MOST_STEPS`` steps.
    """
    first, distance = _distances(arena, row, allowed, only)
    known: dict[int, Ways] = {}
    # Of the ways on from a text only the best one not yet taken waits in the heap, with the list of all.
    turn = 1
    heap: list[_Waiting] = [(int(distance[row - first]), 0, 0, row, b"", [], 0, 0)]
    for _ in range(MOST_STEPS):
        if not heap:
            return
        estimate, less, _, state, text, ways, taken, began = heapq.heappop(heap)
        if estimate >= _FAR:
            return
        if taken < len(ways):
            steps, place, following, byte = ways[taken]
            beside = text[:-1] + bytes([byte])
            heapq.heappush(heap, (steps - less, less, place + began, following, beside, ways, taken + 1, began))
        if _accepts(int(arena.content[state, K.C_LABEL]), allowed, only):
            yield text
        found = known.get(state)
        if found is None:
            found = known[state] = _ways_on(arena, state, first, distance)
        if found:
            steps, place, following, byte = found[0]
            less -= 1
            after = text + bytes([byte])
            heapq.heappush(heap, (steps - less, less, place + turn, following, after, found, 1, turn))
            turn += 256


def _ways_on(arena: Arena, state: int, first: int, distance: npt.NDArray[np.int64]) -> Ways:
    """The bytes that lead on from ``state``, the nearest to an end first: (bytes to the end, place, row, byte)."""
    classes = arena.class_maps[arena.content[state, K.C_MAP]][PREFERRED]
    targets = arena.trans[int(arena.content[state, K.C_START]) + classes.astype(np.int64)]
    steps = np.where(targets > 0, distance[np.maximum(targets - first, 0)], _FAR)
    near = np.argsort(steps, kind="stable")[: int((steps < _FAR).sum())]
    return list(zip(steps[near].tolist(), near.tolist(), targets[near].tolist(), PREFERRED[near].tolist(), strict=True))


def has_loop(arena: Arena, row: int, only: int) -> bool:
    """Whether texts without end come to a label, in an automaton that begins in ``row``.

    So they do if a way to the label leads through some row twice. Mostly that row leads to itself, which is seen at
    once; otherwise rows from which nothing more leads on are taken away until none is left, or none goes.
    """
    first, n_rows, _ = arena.extent(row)
    _, distance = _distances(arena, row, -1, only)
    live = distance < _FAR
    targets = _targets(arena, first, n_rows)
    begin = np.repeat(np.arange(n_rows), targets.shape[1])
    end = targets.ravel()
    inside = (end >= 0) & live[begin] & live[np.maximum(end, 0)]
    begin, end = begin[inside], end[inside]
    if (begin == end).any():
        return True
    begin, end = np.unique(np.stack([begin, end]), axis=1)
    while len(begin):  # in as many rounds as the longest way has steps
        leads_on = np.zeros(n_rows, np.bool_)
        leads_on[begin] = True
        stays = leads_on[end]
        if stays.all():
            return True
        begin, end = begin[stays], end[stays]
    return False


def farthest(arena: Arena, row: int) -> int:
    """The most bytes by which a text that the automaton of ``row`` reads is away from an end; large ones: a bound."""
    _, n_rows, _ = arena.extent(row)
    if n_rows > MOST_MEASURED:
        return n_rows
    _, distance = _distances(arena, row, -1, 0)
    return int(distance[distance < _FAR].max(initial=0))


def _accepts(label: int, allowed: int, only: int) -> bool:
    if only:
        return label == only
    return label != 0 and (label > 63 or (allowed >> (label - 1)) & 1 == 1)


def _targets(arena: Arena, first: int, n_rows: int) -> npt.NDArray[np.int64]:
    """Where the rows of an automaton lead, counted from its first one: (rows, classes of bytes); below 0 is dead."""
    rows = arena.content[first : first + n_rows]
    widths = arena.class_maps[rows[:, K.C_MAP]].max(axis=1).astype(np.int64) + 1
    places = rows[:, K.C_START, None] + np.minimum(np.arange(int(widths.max())), widths[:, None] - 1)
    return arena.trans[places] - first  # type: ignore[no-any-return]


def _distances(arena: Arena, row: int, allowed: int, only: int) -> tuple[int, npt.NDArray[np.int64]]:
    """First row of the automaton, and per row the fewest bytes to a label that is allowed."""
    first, n_rows, _ = arena.extent(row)
    known = arena.distances.get((first, allowed, only))
    if known is not None:
        return first, known
    rows = arena.content[first : first + n_rows]
    targets = _targets(arena, first, n_rows)
    accepts = {label: _accepts(label, allowed, only) for label in set(rows[:, K.C_LABEL].tolist())}
    distance = np.array([0 if accepts[label] else _FAR for label in rows[:, K.C_LABEL].tolist()])
    while True:
        through = np.where(targets >= 0, distance[np.maximum(targets, 0)] + 1, _FAR).min(axis=1)
        nearer = np.minimum(distance, through)
        if (nearer == distance).all():
            if len(arena.distances) >= MOST_KNOWN:
                arena.distances.clear()
            arena.distances[first, allowed, only] = distance
            return first, distance
        distance = nearer
