"""The deterministic byte automaton: three arrays, and questions about them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from structgen.dtypes import DEAD, ByteArray, IntArray, freeze

__all__ = ["EMPTY", "Dfa"]

_MOST_CELLS = 1 << 14
"""Transitions that are turned to lists as a whole; larger tables are read as they are."""


@dataclass(frozen=True, eq=False)
class Dfa:
    """A trimmed deterministic automaton over the bytes of UTF-8 text.

    State 0 is ``DEAD``; every other state can be reached from ``start`` and can reach acceptance, so
    a byte is viable exactly when it does not lead to 0. ``start`` is 0 for the empty language, else 1.
    Automata made by this package are minimal and numbered breadth first: equal languages have equal arrays.
    """

    class_of: ByteArray
    """(256,) uint8: the byte class of each byte."""
    transitions: IntArray
    """(S, C) int32: the next state by state and byte class."""
    accepting: npt.NDArray[np.bool_]
    """(S,) bool."""
    start: int

    @classmethod
    def from_arrays(cls, class_of: npt.ArrayLike, transitions: npt.ArrayLike, accepting: npt.ArrayLike) -> Dfa:
        """Freeze the arrays of a trimmed automaton whose start is state 1 (or that has only ``DEAD``)."""
        table = freeze(transitions, np.int32)
        return cls(freeze(class_of, np.uint8), table, freeze(accepting, np.bool_), 1 if table.shape[0] > 1 else DEAD)

    @property
    def n_states(self) -> int:
        """States, ``DEAD`` included."""
        return int(self.transitions.shape[0])

    @property
    def n_classes(self) -> int:
        """Byte classes."""
        return int(self.transitions.shape[1])

    @property
    def is_empty(self) -> bool:
        """No text is accepted."""
        return self.start == DEAD

    @property
    def is_universal(self) -> bool:
        """Every valid UTF-8 text is accepted (whether or not invalid bytes are)."""
        from structgen.automata.ops import is_universal

        return is_universal(self)

    def step(self, state: int, byte: int) -> int:
        """The state after ``byte``; ``DEAD`` stays dead."""
        return int(self.transitions[state, self.class_of[byte]])

    def run(self, data: bytes | bytearray | Iterable[int], state: int | None = None) -> int:
        """The state after ``data``, from ``start`` or from ``state``."""
        at = self.start if state is None else state
        if self.transitions.size > _MOST_CELLS and "_rows" not in self.__dict__:
            for byte in data:
                at = int(self.transitions[at, self.class_of[byte]])
            return at
        table, class_of = self._rows
        for byte in data:
            at = table[at][class_of[byte]]
            if at == DEAD:
                return DEAD
        return at

    def accepts(self, data: bytes | str) -> bool:
        """Whether ``data`` as a whole is in the language."""
        raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
        return bool(self.accepting[self.run(raw)])

    @cached_property
    def _rows(self) -> tuple[list[list[int]], list[int]]:
        """Python lists: several times faster to step through one at a time than arrays."""
        return self.transitions.tolist(), self.class_of.tolist()

    @cached_property
    def distance(self) -> IntArray:
        """(S,) int32: least bytes from each state to acceptance; -1 for ``DEAD``.

        Breadth first over the reversed edges, computed at the first use: O(S C).
        """
        from structgen.kernels.labels import distances

        return freeze(distances(self.transitions, self.accepting), np.int32)

    @cached_property
    def class_bytes(self) -> bytes:
        """One byte of each class: printable ASCII where the class has some."""
        best: dict[int, int] = {}
        class_of = self.class_of.tolist()
        for byte in (*range(0x61, 0x7B), *range(0x30, 0x3A), *range(0x20, 0x7F), *range(256)):
            best.setdefault(class_of[byte], byte)
        return bytes(best.get(c, 0) for c in range(self.n_classes))

    def shortest(self, state: int | None = None) -> bytes:
        """A shortest text that leads from ``state`` (``start`` by default) to acceptance.

        Raises
        ------
        ValueError : ``state`` is ``DEAD``, from which there is none
        """
        at = self.start if state is None else state
        distance = self.distance
        if at == DEAD:
            raise ValueError("no text leads from the dead state to acceptance")
        out = bytearray()
        while distance[at] > 0:
            row = self.transitions[at]
            c = int(np.flatnonzero((row != DEAD) & (distance[row] == distance[at] - 1))[0])
            out.append(self.class_bytes[c])
            at = int(row[c])
        return bytes(out)

    def viable_bytes(self, state: int) -> npt.NDArray[np.bool_]:
        """(256,) bool: the bytes after which acceptance can still be reached."""
        viable: npt.NDArray[np.bool_] = self.transitions[state][self.class_of] != DEAD
        return viable

    def to_dot(self) -> str:
        """The automaton in Graphviz's language, for looking at small ones."""
        lines = ["digraph dfa {", "  rankdir=LR; node [shape=circle];", f'  "" [shape=point]; "" -> {self.start};']
        lines += [f"  {s} [shape=doublecircle];" for s in np.flatnonzero(self.accepting).tolist()]
        for s in range(1, self.n_states):
            labels: dict[int, list[int]] = {}
            row = self.transitions[s][self.class_of]
            for byte in np.flatnonzero(row != DEAD).tolist():
                labels.setdefault(int(row[byte]), []).append(byte)
            lines += [f'  {s} -> {t} [label="{_byte_label(found)}"];' for t, found in labels.items()]
        return "\n".join([*lines, "}"])

    def __repr__(self) -> str:
        return f"Dfa({self.n_states} states, {self.n_classes} byte classes, {int(self.accepting.sum())} accepting)"


def _byte_label(found: list[int]) -> str:
    """Bytes as ranges, printable ones as themselves."""
    parts: list[str] = []
    at = 0
    while at < len(found):
        end = at
        while end + 1 < len(found) and found[end + 1] == found[end] + 1:
            end += 1
        names = [chr(b) if 0x20 < b < 0x7F and chr(b) not in '"\\-' else f"x{b:02X}" for b in (found[at], found[end])]
        parts.append(names[0] if end == at else f"{names[0]}-{names[1]}")
        at = end + 1
    return " ".join(parts)


EMPTY = Dfa.from_arrays(np.zeros(256, np.uint8), np.zeros((1, 1), np.int32), np.zeros(1, np.bool_))
"""The automaton of no text at all."""
