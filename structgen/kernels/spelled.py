"""Tokens along known texts, without walking the trie: a JSON string that must be one of some constants."""

from __future__ import annotations

import numpy as np

from structgen.kernels.bits import allow
from structgen.kernels.document_escapes import hex_value, short_escape
from structgen.kernels.jit import kernel, uncounted

__all__ = ["spell"]

NO_ROOM = -1
_DIGITS = 3
"""Digits of an escape by number that are decided here; with the fourth, text may go on behind it."""


@uncounted
def _code_point(data, place):
    """The character whose UTF-8 form begins at ``place``."""
    lead = np.int64(data[place])
    if lead < 0x80:
        return lead
    n = 1 if lead < 0xE0 else 2 if lead < 0xF0 else 3
    point = lead & (0x3F >> n)
    for index in range(1, n + 1):
        point = (point << 6) | (np.int64(data[place + index]) & 0x3F)
    return point


@uncounted
def _escaped(slash, numbered, byte, subtree_end, depth, token_start, token_ids, point, mask, nodes, n):
    """Allow what begins to spell ``point`` below a backslash; nodes that spell it out are noted, as in ``spell``.

    ``numbered`` is the node of the ``u`` below it, 0 where there is none, -1 where that is not known.
    """
    allow(token_ids, token_start[slash], token_start[slash + 1], mask)
    unit = point if point < 0x10000 else 0xD800 + ((point - 0x10000) >> 10)
    node, stop = slash + 1, np.int64(subtree_end[slash])
    if numbered >= 0 and point >= 32 and point != 34 and point != 47 and point != 92:
        # It has no short escape.
        node, stop = numbered, np.int64(subtree_end[numbered]) if numbered else np.int64(0)
    while node < stop:
        digits = np.int64(depth[node]) - np.int64(depth[slash]) - 1
        if digits == 0:
            goes = byte[node] == 117
            is_whole = not goes and short_escape(np.int64(byte[node])) == point
        else:
            goes = hex_value(np.int64(byte[node])) == (unit >> (4 * (4 - digits))) & 15
            is_whole = goes and digits > _DIGITS
        if is_whole:
            if n == nodes.shape[0]:
                return NO_ROOM
            nodes[n] = node
            n += 1
        elif goes:
            allow(token_ids, token_start[node], token_start[node + 1], mask)
            node += 1
            continue
        node = subtree_end[node]
    return n


@kernel
def spell(
    roots, pairs, byte, subtree_end, depth, token_start, token_ids, lit_start, lit_bytes, low, high, left, first, at,
    mask, nodes,
):  # fmt: skip
    """Allow the tokens that spell more of constants ``low`` to ``high``, whose first ``at`` bytes are read.

    ``roots`` (256,) are the children of the root by byte, and ``pairs`` (65536,) theirs by two, 0 where there is none:
    they lie far apart. ``left``: a bit
    per constant from ``first`` on, set where it may still come; -1: all may. Notes the trie nodes where a character has
    been spelled by an escape or a constant has ended and a quote follows, for an exact step from there; returns how
    many, or ``NO_ROOM`` where ``nodes`` is too short. Constants that end at ``at`` are left out.
    """
    n = 0
    for index in range(low, high):
        if left >= 0 and not (left >> (index - first)) & 1:
            continue
        place = lit_start[index] + at
        end = lit_start[index + 1]
        node = 0
        while node >= 0 and lit_start[index] + at < end:
            wanted = lit_bytes[place] if place < end else np.uint8(34)
            found, slash = np.int64(-1), np.int64(-1)
            if node == 0:
                found = np.int64(roots[wanted] or -1)
                slash = np.int64(roots[92] or -1)
            stop = np.int64(0)
            if node and depth[node] == 1:
                found = np.int64(pairs[(np.int64(byte[node]) << 8) | wanted] or -1)
                slash = np.int64(pairs[(np.int64(byte[node]) << 8) | 92] or -1)
            elif node:
                stop = np.int64(subtree_end[node])
            child = np.int64(node) + 1
            while child < stop and (byte[child] <= wanted or byte[child] <= 92):
                if byte[child] == wanted:
                    found = child
                if byte[child] == 92:
                    slash = child
                child = np.int64(subtree_end[child])
            if place == end:
                if found >= 0:
                    if n == nodes.shape[0]:
                        return NO_ROOM
                    nodes[n] = found
                    n += 1
                break
            if slash >= 0 and wanted & 0xC0 != 0x80:
                point = _code_point(lit_bytes, place)
                if not 0xD800 <= point <= 0xDFFF:
                    numbered = np.int64(-1) if node else np.int64(pairs[(92 << 8) | 117])
                    n = _escaped(
                        slash, numbered, byte, subtree_end, depth, token_start, token_ids, point, mask, nodes, n
                    )
                    if n < 0:
                        return NO_ROOM
            if wanted < 32 or wanted == 34 or wanted == 92:
                break
            node = int(found)
            place += 1
            if node >= 0:
                allow(token_ids, token_start[node], token_start[node + 1], mask)
    return n
