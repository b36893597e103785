"""From ranges of code points to ranges of bytes.

A set of code points becomes a small automaton over UTF-8 bytes: state 0 is the entry, 1 the
exit. It is deterministic and shares suffixes, because a state is the pair (continuation bytes to
come, ranges of the remaining bits) and equal pairs are one state; so even ``\\w`` with its 700
ranges stays in the hundreds of edges. Ranges cut by length and by 6-bit block are the method of
Thompson's ``grep`` port to UTF-8 and of RE2's ``utf8-ranges``; keeping whole sequences and
merging their tails afterwards gave the same automaton more slowly.
"""

from __future__ import annotations

from functools import lru_cache

from structgen.ir.regex import Ranges

__all__ = ["utf8_fragment"]

Fragment = tuple[int, ...]
_LENGTHS = ((0x00, 0x7F, 0, 0x00), (0x80, 0x7FF, 1, 0xC0), (0x800, 0xFFFF, 2, 0xE0), (0x10000, 0x10FFFF, 3, 0xF0))


@lru_cache(maxsize=4096)
def utf8_fragment(ranges: Ranges) -> Fragment:
    """Flat ``(n_states, n_edges, src, lo, hi, dst, src, ...)`` reading one code point of ``ranges``."""
    if ranges[-1][1] < 0x80:
        edges = [x for lo, hi in ranges for x in (0, lo, hi, 1)]
        return (2, len(ranges), *edges)
    builder = _Builder()
    for first, last, more, lead in _LENGTHS:
        part = tuple((max(lo, first), min(hi, last)) for lo, hi in ranges if lo <= last and hi >= first)
        builder.add_edges(0, part, more, lead)
    return (builder.n_states, len(builder.edges) // 4, *builder.edges)


class _Builder:
    """Interns states by what remains to be read."""

    def __init__(self) -> None:
        self.n_states = 2
        self.edges: list[int] = []
        self._states: dict[tuple[int, Ranges], int] = {}

    def add_edges(self, source: int, ranges: Ranges, more: int, lead: int) -> None:
        """Edges of ``source``, whose byte carries the bits above the lowest ``6 * more``."""
        for lo, hi, rest in _blocks(ranges, 6 * more):
            target = 1 if more == 0 else self._state(more - 1, rest)
            self.edges += (source, lead + lo, lead + hi, target)

    def _state(self, more: int, ranges: Ranges) -> int:
        key = (more, ranges)
        known = self._states.get(key)
        if known is None:
            known = self._states[key] = self.n_states
            self.n_states += 1
            self.add_edges(known, ranges, more, 0x80)
        return known


def _blocks(ranges: Ranges, shift: int) -> list[tuple[int, int, Ranges]]:
    """Split ``ranges`` by their upper bits: (first block, last block, what remains below)."""
    if shift == 0:
        return [(lo, hi, ()) for lo, hi in ranges]
    low_bits = (1 << shift) - 1
    full: Ranges = ((0, low_bits),)
    blocks: list[tuple[int, int, list[tuple[int, int]]]] = []

    def add(block: int, lo: int, hi: int) -> None:
        if blocks and blocks[-1][0] == blocks[-1][1] == block:
            blocks[-1][2].append((lo, hi))
        else:
            blocks.append((block, block, [(lo, hi)]))

    for lo, hi in ranges:
        first, last = lo >> shift, hi >> shift
        if first == last:
            add(first, lo & low_bits, hi & low_bits)
            continue
        if lo & low_bits:
            add(first, lo & low_bits, low_bits)
            first += 1
        tail = hi & low_bits != low_bits
        if first <= last - tail:
            blocks.append((first, last - tail, list(full)))
        if tail:
            add(last, 0, hi & low_bits)
    out: list[tuple[int, int, Ranges]] = []
    for first, last, rest in blocks:
        below = tuple(rest)
        if out and out[-1][2] == below and out[-1][1] == first - 1:
            out[-1] = (out[-1][0], last, below)
        else:
            out.append((first, last, below))
    return out
