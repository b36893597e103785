"""Byte automata whose accepting states carry labels: products of several assertions.

One assertion or a conjunction is a plain ``Dfa``. Where a verdict per assertion is needed
(under ``anyOf``, ``oneOf``, ``not``), the product runs all automata at once and each
accepting state is labelled with the vector of verdicts.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from structgen.automata.dfa import Dfa
from structgen.errors import LimitError
from structgen.kernels import labels as K

__all__ = ["Component", "Labelled", "labelled_product", "reachable_labels", "relabelled"]

MAX_STATES = 60_000


@dataclass(frozen=True, eq=False)
class Labelled:
    """Byte classes, transitions (S, C) with state 0 dead and 1 the start, labels (S,), 0 for not accepting."""

    class_of: npt.NDArray[np.uint8]
    transitions: npt.NDArray[np.int32]
    labels: npt.NDArray[np.int32]

    @property
    def is_empty(self) -> bool:
        return len(self.transitions) == 1


_EMPTY = Labelled(np.zeros(256, np.uint8), np.zeros((1, 1), np.int32), np.zeros(1, np.int32))


def relabelled(dfa: Dfa, label: int = 1) -> Labelled:
    """A plain automaton with one label."""
    if dfa.is_empty:
        return _EMPTY
    return Labelled(dfa.class_of, dfa.transitions, np.where(dfa.accepting, label, 0).astype(np.int32))


@dataclass(frozen=True, eq=False)
class Component:
    """One automaton of a product: byte classes, transitions, and what each state tells (0: nothing)."""

    class_of: npt.NDArray[np.uint8]
    transitions: npt.NDArray[np.int32]
    values: npt.NDArray[np.int32]
    start: int

    @classmethod
    def of(cls, dfa: Dfa) -> Component:
        """Tells 1 where ``dfa`` accepts."""
        return cls(dfa.class_of, dfa.transitions, dfa.accepting.astype(np.int32), dfa.start)

    @classmethod
    def of_names(cls, names: Sequence[bytes]) -> Component:
        """Tells which of the sorted, distinct ``names`` has been read, from 1."""
        states: dict[bytes, int] = {b"": 1}
        for name in names:
            for end in range(1, len(name) + 1):
                states.setdefault(name[:end], len(states) + 1)
        used = sorted({byte for name in names for byte in name})
        class_of = np.zeros(256, np.uint8)
        class_of[used] = np.arange(1, len(used) + 1)
        transitions = np.zeros((len(states) + 1, len(used) + 1), np.int32)
        for prefix, state in states.items():
            if prefix:
                transitions[states[prefix[:-1]], class_of[prefix[-1]]] = state
        values = np.zeros(len(states) + 1, np.int32)
        for index, name in enumerate(names):
            values[states[name]] = index + 1
        return cls(class_of, transitions, values, 1)


class _Product(NamedTuple):
    """States of a product: transitions, byte classes, and which row of ``told`` each tells: from 1, or 0 for none."""

    after: npt.NDArray[np.int32]
    class_of: npt.NDArray[np.uint8]
    which: npt.NDArray[np.int32]
    told: list[tuple[int, ...]]


_products: dict[Hashable, _Product] = {}
MOST_PRODUCTS = 256


def labelled_product(
    components: Sequence[Component], label_of: Callable[[tuple[int, ...]], int], key: Hashable = None
) -> Labelled:
    """Run all automata at once; the first one must accept, what the others tell gives the label.

    States from which no label other than 0 can be reached are cut away. Cost is product
    states times byte classes; under ``key`` the product is remembered process-wide.
    """
    if components[0].start == 0:
        return _EMPTY
    product = _products.get(key) if key is not None else None
    if product is None:
        product = _multiply(components)
        if key is not None:
            if len(_products) >= MOST_PRODUCTS:
                _products.clear()
            _products[key] = product
    found = np.array([0, *map(label_of, product.told)], np.int32)
    transitions, labels = K.trimmed(product.after, found[product.which])
    return Labelled(product.class_of, transitions, labels) if len(labels) > 1 else _EMPTY


def _multiply(components: Sequence[Component]) -> _Product:
    class_of, columns = K.joined(np.stack([c.class_of for c in components]))
    tables = [np.ascontiguousarray(c.transitions, np.int32) for c in components]
    offsets = np.cumsum([0, *(table.size for table in tables[:-1])])
    states, after = K.multiply(
        np.concatenate([table.ravel() for table in tables]), offsets, np.array([table.shape[1] for table in tables]),
        columns, np.array([c.start for c in components], np.int32), MAX_STATES,
    )  # fmt: skip
    if len(states) > MAX_STATES + 1:
        raise LimitError(
            "patterns, formats and lengths together need too many states",
            what="product states",
            given=len(states) - 1,
            limit=MAX_STATES,
        )
    values = np.concatenate([c.values for c in components])
    which, told = K.told_of(states, values, np.cumsum([0, *(len(c.values) for c in components[:-1])]))
    return _Product(after, class_of, which, list(map(tuple, told.tolist())))


def reachable_labels(automaton: Labelled) -> npt.NDArray[np.int64]:
    """(S,) int64: per state the set of labels (bit ``label - 1``) that can still be reached."""
    return K.reachable(automaton.transitions, automaton.labels)  # type: ignore[no-any-return]
