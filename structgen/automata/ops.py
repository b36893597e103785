"""Boolean algebra of automata, and automata of plain strings.

Complement is relative to valid UTF-8 text: JSON, grammars and patterns speak of text, and a
constraint that could be met by a stray continuation byte would let a model write garbage.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from structgen.automata.dfa import EMPTY, Dfa
from structgen.automata.limits import DEFAULT_LIMITS, Limits
from structgen.automata.nfa import Clock, determinize, dfa_fragment, minimized
from structgen.dtypes import ByteArray, IntArray, freeze
from structgen.errors import LimitError

__all__ = [
    "Table",
    "complement",
    "concat",
    "difference",
    "equivalent",
    "from_strings",
    "intersect",
    "intersect_all",
    "is_subset",
    "is_universal",
    "symmetric_difference",
    "union",
    "universal",
    "warm_up",
]


class Table(NamedTuple):
    """The arrays of an automaton that need be neither trimmed nor minimal: 0 is dead, as in a ``Dfa``."""

    class_of: ByteArray
    transitions: IntArray
    accepting: npt.NDArray[np.bool_]
    start: int

    @classmethod
    def frozen(cls, class_of: ByteArray, transitions: IntArray, accepting: npt.NDArray[np.bool_], start: int) -> Table:
        """As operands of products are: those of a ``Dfa`` cannot be written to, and a kernel has one signature."""
        return cls(freeze(class_of, np.uint8), freeze(transitions, np.int32), freeze(accepting, np.bool_), start)


def _product(left: Dfa, right: Dfa, mode: int, limits: Limits | None) -> Dfa:
    return _minimized(_pairs(left, right, mode, limits))


def _minimized(table: Table) -> Dfa:
    return minimized(table.class_of, table.transitions, table.accepting, len(table.accepting), table.start)


def _pairs(left: Dfa | Table, right: Dfa | Table, mode: int, limits: Limits | None) -> Table:
    from structgen.kernels.product import product

    limits = limits or DEFAULT_LIMITS
    code, class_of, rows, accepting, n, start = product(
        left.class_of, left.transitions, left.accepting, left.start,
        right.class_of, right.transitions, right.accepting, right.start, mode, limits.max_states + 1,
    )  # fmt: skip
    if code:
        raise LimitError(
            f"a combination of automata has more than {limits.max_states} states",
            what="max_states",
            given=limits.max_states + 1,
            limit=limits.max_states,
        )
    return Table(class_of, rows[:n], accepting, int(start))


@lru_cache(maxsize=1)
def warm_up() -> None:
    """Compile, or load, the kernel behind the Boolean operations."""
    one = from_strings([b"a"])
    _product(one, one, 0, None)


def intersect(left: Dfa, right: Dfa, limits: Limits | None = None) -> Dfa:
    """Texts in both. Costs at most the product of the states."""
    return EMPTY if left.is_empty or right.is_empty else _product(left, right, 0, limits)


def intersect_all(parts: Sequence[Dfa | Table], limits: Limits | None = None) -> Dfa:
    """Texts in all of two or more parts; minimised once, at the end."""
    found = _pairs(parts[0], parts[1], 0, limits)
    for part in parts[2:]:
        found = _pairs(Table.frozen(*found), part, 0, limits)
    return _minimized(found)


def union(left: Dfa, right: Dfa, limits: Limits | None = None) -> Dfa:
    """Texts in either."""
    if left.is_empty:
        return right
    return left if right.is_empty else _product(left, right, 1, limits)


def difference(left: Dfa, right: Dfa, limits: Limits | None = None) -> Dfa:
    """Texts in ``left`` but not in ``right``."""
    return left if left.is_empty or right.is_empty else _product(left, right, 2, limits)


def symmetric_difference(left: Dfa, right: Dfa, limits: Limits | None = None) -> Dfa:
    """Texts in exactly one of the two."""
    return _product(left, right, 3, limits)


@lru_cache(maxsize=1)
def universal() -> Dfa:
    """Every valid UTF-8 text."""
    from structgen.automata.compile import compile_regex
    from structgen.ir.regex import EVERYTHING

    return compile_regex(EVERYTHING)


def complement(dfa: Dfa, limits: Limits | None = None) -> Dfa:
    """Valid UTF-8 texts that are not in ``dfa``."""
    return difference(universal(), dfa, limits)


def is_subset(inner: Dfa, outer: Dfa) -> bool:
    """Whether ``outer`` accepts everything that ``inner`` does."""
    return difference(inner, outer).is_empty


def is_universal(dfa: Dfa) -> bool:
    """Whether every valid UTF-8 text is accepted."""
    short = dfa.transitions[dfa.start, dfa.class_of[:128]]
    if not dfa.accepting[dfa.start] or not dfa.accepting[short].all():
        return False  # the empty text, or a character, is refused: nearly always, and without a product
    return is_subset(universal(), dfa)


def equivalent(left: Dfa, right: Dfa) -> bool:
    """Whether both accept the same texts."""
    return symmetric_difference(left, right).is_empty


def concat(left: Dfa, right: Dfa, limits: Limits | None = None) -> Dfa:
    """A text of ``left`` followed by one of ``right``."""
    from structgen.kernels.nfa import build_nfa

    if left.is_empty or right.is_empty:
        return EMPTY
    first, second = dfa_fragment(left), dfa_fragment(right)
    code = np.array([*first, *second, 0, 0, 0, len(first), 1, 2], np.int32)
    pc = len(first) + len(second)
    nfa = build_nfa(code, pc, first[0] + second[0], first[1] + second[1] + 1, 2)
    return determinize(nfa, Clock(limits or DEFAULT_LIMITS))


def from_strings(strings: Iterable[bytes]) -> Dfa:
    """Exactly the given byte strings, as a minimised trie. Costs O(total length)."""
    trie: list[dict[int, int]] = [{}, {}]
    final = [False, False]
    for text in set(strings):
        at = 1
        for byte in text:
            following = trie[at].get(byte)
            if following is None:
                following = trie[at][byte] = len(trie)
                trie.append({})
                final.append(False)
            at = following
        final[at] = True
    used = sorted({byte for row in trie for byte in row})
    class_of = np.zeros(256, np.uint8)
    # Class 0 is "no string has this byte"; with all 256 in use there is no such class.
    base = 0 if len(used) == 256 else 1
    class_of[used] = np.arange(base, base + len(used))
    table = np.zeros((len(trie), base + len(used)), np.int32)
    for s, row in enumerate(trie):
        for byte, target in row.items():
            table[s, class_of[byte]] = target
    return minimized(class_of, table, np.array(final), len(trie), 1)
