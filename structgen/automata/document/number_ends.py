"""Shortest ends of numbers, from every row of an automaton at once.

Budgets ask for the end of a number after each of its digits. A search from each row costs as much as the automaton is
large, and divisors in alternatives make fifty thousand rows of remainders; so distances are worked out
backwards, once per automaton and label, and an end is read off them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from structgen.automata.document.arena import Arena
from structgen.kernels import document as K

__all__ = ["number_ends"]

MOST_KNOWN = 64
"""Automata whose distances are remembered before starting over."""
_FAR = 1 << 28
_BYTES = {int(K.NUMBER_CLASS[b]): bytes([b]) for b in (*range(57, 47, -1), 45, 43, 46, 101)}

Distances = dict[int, npt.NDArray[np.int32]]


def number_ends(arena: Arena, row: int) -> dict[int, bytes]:
    """Shortest text per label from a row of the number table, shorter ones first."""
    first, n_rows = arena.number_extent(row)
    ends: dict[int, bytes] = {}
    near = [(int(distance[row - first]), label) for label, distance in _distances(arena, first, n_rows).items()]
    for n_bytes, label in sorted(near):
        if n_bytes < _FAR:
            ends[label] = _read_off(arena, first, row, _distances(arena, first, n_rows)[label])
    return ends


def _read_off(arena: Arena, first: int, row: int, distance: npt.NDArray[np.int32]) -> bytes:
    """The way from ``row`` on which every byte brings the end nearer, the first such byte each time."""
    text = b""
    left = int(distance[row - first])
    while left:
        left -= 1
        for column, target in enumerate(arena.numbers[row, : K.NUMBER_JUDGED].tolist()):
            if target and distance[target - first] == left:
                text += _BYTES[column]
                row = target
                break
    return text


def _distances(arena: Arena, first: int, n_rows: int) -> Distances:
    """Per label, the fewest bytes to it from each row of the automaton that begins at ``first``."""
    known = arena.number_distances.get(first)
    if known is None:
        if len(arena.number_distances) >= MOST_KNOWN:
            arena.number_distances.clear()
        targets = arena.numbers[first : first + n_rows, : K.NUMBER_JUDGED] - first
        targets = np.where(targets >= 0, targets, n_rows)
        labels = arena.number_label[first : first + n_rows]
        known = {int(label): _to_label(targets, labels == label) for label in np.unique(labels[labels != 0])}
        arena.number_distances[first] = known
    return known


def _to_label(targets: npt.NDArray[np.int32], ends: npt.NDArray[np.bool_]) -> npt.NDArray[np.int32]:
    """Breadth-first search backwards, all rows a round: numbers are short, so the rounds are few."""
    distance = np.append(np.where(ends, 0, _FAR), _FAR).astype(np.int32)
    while True:
        through = distance[targets].min(axis=1) + 1
        nearer = through < distance[:-1]
        if not nearer.any():
            return distance
        distance[:-1][nearer] = through[nearer]
