"""Shortest strings and numbers, from the start of a spec or from the middle of one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice

from structgen.automata.document.endings import PREFERRED, endings
from structgen.automata.document.number_ends import number_ends
from structgen.automata.document.tables import Tables
from structgen.kernels import document as K
from structgen.kernels.shortest import shortest_content

__all__ = ["Shortest", "quoted"]

_ESCAPES = {34: b'\\"', 92: b"\\\\", 8: b"\\b", 12: b"\\f", 10: b"\\n", 13: b"\\r", 9: b"\\t"}
_FILLER = b"a"
MOST_JUDGED = 400
"""Texts of a string that are put before its judge."""


def escaped(content: bytes) -> bytes:
    """Decoded UTF-8 content as it stands between quotes."""
    if content.isascii() and content.isalnum():
        return content
    return b"".join(_ESCAPES.get(b) or (b"\\u%04x" % b if b < 32 else bytes([b])) for b in content)


def quoted(content: bytes) -> bytes:
    """Decoded UTF-8 content as a JSON string."""
    return b'"' + escaped(content) + b'"'


class Shortest:
    """Breadth-first searches in the tables of strings and numbers."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._numbers: dict[int, dict[int, bytes]] = {}
        self._strings: dict[int, dict[int, bytes]] = {}

    def numbers(self, row: int) -> dict[int, bytes]:
        """Shortest text per label from a row of the number table."""
        if row not in self._numbers:
            self._numbers[row] = number_ends(self._tables.arena, row)
        return self._numbers[row]

    def strings(self, spec: int) -> dict[int, bytes]:
        """Shortest JSON string per label that a spec allows."""
        if spec not in self._strings:
            self._strings[spec] = {label: quoted(text) for label, text in self._strings_of(spec).items()}
        return self._strings[spec]

    def _strings_of(self, spec: int) -> dict[int, bytes]:
        tables = self._tables
        row = tables.specs[spec]
        kind = int(row[K.SPEC_KIND])
        if kind == K.FREE_TEXT:
            return {int(row[K.SPEC_LABEL]): _FILLER * int(row[K.SPEC_MIN])}
        if kind == K.BY_LENGTH:
            return self._by_length(spec)
        if kind == K.AUTOMATON:
            found = self.content(int(row[K.SPEC_START]), 0, spec)
            return self._judged(spec, found) if row[K.SPEC_LABEL] else found
        found = {}
        literals = [self.literal(i) for i in range(int(row[K.SPEC_LOW]), int(row[K.SPEC_HIGH]))]
        for index, text in enumerate(literals):
            label = int(tables.lit_label[int(row[K.SPEC_LOW]) + index])
            if label and (label not in found or len(text) < len(found[label])):
                found[label] = text
        if kind == K.OPEN_SET:
            other = _outside(set(literals), b"")
            label = int(row[K.SPEC_LABEL])
            if label not in found or len(other) < len(found[label]):
                found[label] = other
        return found

    def _judged(self, spec: int, shortest: dict[int, bytes]) -> dict[int, bytes]:
        """Short texts per label where judges have a say: each text counts for the label that it really gets.

        A label that none of ``MOST_JUDGED`` texts has is left out.
        """
        tables = self._tables
        start = int(tables.specs[spec, K.SPEC_START])
        least = int(tables.specs[spec, K.SPEC_MIN]) if tables.specs[spec, K.SPEC_COUNTS] else 0
        single = tables.arena.extent(start)[2] == 1 and not any(label > 1 for label in shortest)
        found: dict[int, bytes] = {}
        for text in islice(chain(shortest.values(), endings(tables.arena, start)), MOST_JUDGED):
            label = self._label(start, text) if len(text.decode()) >= least else 0
            if label and (label not in found or len(text) < len(found[label])):
                found[label] = text
                if single:
                    break
        return found

    def _label(self, row: int, text: bytes) -> int:
        """The label of a whole content that the automaton of ``row`` reads from there."""
        arena = self._tables.arena
        row = arena.follow(row, text)
        judge = self._tables.judged.get(row)
        return int(arena.content[row, K.C_LABEL]) if judge is None else judge.label(text.decode())

    def _intervals(self, spec: int) -> Iterator[tuple[int, int, int]]:
        """(least, most, label) of the lengths that a ``BY_LENGTH`` spec tells apart, those with a label."""
        specs = self._tables.specs
        low, last = int(specs[spec, K.SPEC_MIN]), int(specs[spec, K.SPEC_MAX])
        while low <= last:
            if specs[spec, K.SPEC_LABEL]:
                yield low, min(last, int(specs[spec, K.SPEC_HIGH])), int(specs[spec, K.SPEC_LABEL])
            low, spec = int(specs[spec, K.SPEC_HIGH]) + 1, int(specs[spec, K.SPEC_START])

    def _by_length(self, spec: int) -> dict[int, bytes]:
        found: dict[int, bytes] = {}
        for low, _, label in self._intervals(spec):
            found.setdefault(label, _FILLER * low)
        return found

    def missing_lengths(self, spec: int, n: int) -> list[int]:
        """Characters to add to ``n`` of them, per acceptable interval of lengths."""
        return [max(low - n, 0) for low, high, _ in self._intervals(spec) if high >= n]

    def literal(self, index: int) -> bytes:
        """The bytes of one installed constant."""
        tables = self._tables
        return tables.lit_bytes[tables.lit_start[index] : tables.lit_start[index + 1]].tobytes()

    def content(self, row: int, n: int, spec: int, allowed: int = -1) -> dict[int, bytes]:
        """Shortest decoded content per label from a row, with ``n`` characters behind.

        ``allowed`` is a set of labels (bit ``label - 1``), for property names that are used up.
        """
        arena = self._tables.arena
        least = int(self._tables.specs[spec, K.SPEC_MIN]) if self._tables.specs[spec, K.SPEC_COUNTS] else 0
        first, n_states, n_labels = arena.extent(row)
        labels, ends, text = shortest_content(
            arena.trans, arena.content, arena.class_maps, PREFERRED, first, n_states, row, min(n, least), least,
            allowed, n_labels,
        )  # fmt: skip
        texts, start = text.tobytes(), 0
        found = {}
        for label, end in zip(labels.tolist(), ends.tolist(), strict=True):
            found[label] = texts[start:end]
            start = end
        return found


def _outside(taken: set[bytes], prefix: bytes) -> bytes:
    """A short text that starts with ``prefix`` and is not taken."""
    if prefix not in taken:
        return prefix
    number = 0
    while prefix + str(number).encode() in taken:
        number += 1
    return prefix + str(number).encode()
