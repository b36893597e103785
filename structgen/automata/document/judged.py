"""Strings whose automaton is not the whole truth.

A format such as ``hostname`` comes with two expressions and a judge: one expression holds all its texts, the other
only texts that surely are of the format. The product of both automata tells, in each state, whether a closing
quote is right, wrong, or a matter for the judge. Texts outside the sure expression are rare (a host name
with an ``xn--`` label), so what is kept for the judge is hardly ever read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from structgen.automata.compile import compile_regex
from structgen.automata.dfa import EMPTY, Dfa
from structgen.automata.document.labelled import MAX_STATES, Labelled
from structgen.errors import LimitError
from structgen.ir.document import Assertion, Format
from structgen.kernels import labels as K

__all__ = ["ASK", "Doubts", "Judged", "is_judged", "sure_dfa", "with_doubts"]

ASK = 1 << 24
"""Labels from here on stand for ``Doubts``, by index, until their automaton is installed."""


def is_judged(part: Assertion) -> bool:
    """Whether a string assertion has a judge."""
    return isinstance(part, Format) and part.check is not None


@lru_cache(maxsize=64)
def _sure(node: Any) -> Dfa:
    return compile_regex(node)


def sure_dfa(part: Format) -> Dfa:
    """The texts that surely are of the format."""
    return EMPTY if part.sure is None else _sure(part.sure)


@dataclass(frozen=True, eq=False)
class Judged:
    """What decides the label of a text that ends in a state where its automaton cannot tell."""

    label: Callable[[str], int]


class Doubts:
    """The states of one labelled product in which judges are asked."""

    def __init__(self, label: Callable[[dict[int, bool]], int]) -> None:
        self._label = label
        self.judges: list[Judged] = []
        self.generic: list[int] = []
        """Per judge, a label that it may give."""
        self.possible: list[list[int]] = []
        """Per judge, all labels that it may give, 0 left out."""

    def label_of(self, truth: dict[int, bool], unsure: Sequence[Format]) -> int:
        """The label where some formats are in doubt: ``ASK`` and more, 0 where no verdict is acceptable."""
        possible = list(dict.fromkeys(filter(None, self._outcomes(truth, unsure))))
        if not possible:
            return 0

        def decide(text: str) -> int:
            return self._label(truth | {part.uid: part.check(text) for part in unsure})  # type: ignore[misc]

        self.judges.append(Judged(decide))
        self.generic.append(possible[0])
        self.possible.append(possible)
        return ASK + len(self.judges) - 1

    def installed(self, labels: npt.NDArray[np.int32]) -> tuple[npt.NDArray[np.int32], dict[int, Judged]]:
        """``labels`` with one that is possible in each state of doubt, and the judge by state."""
        found = labels.copy()
        judges = {}
        for state in np.flatnonzero(labels >= ASK).tolist():
            index = int(labels[state]) - ASK
            found[state] = self.generic[index]
            judges[state] = self.judges[index]
        return found, judges

    def reach(self, automaton: Labelled) -> npt.NDArray[np.int64]:
        """Per state the labels that can still be reached, those that judges may give included."""
        found = np.zeros(len(automaton.labels), np.int64)
        asked = automaton.labels >= ASK
        for k in range(max(map(len, self.possible), default=1)):
            labels = automaton.labels.copy()
            labels[asked] = [self.possible[n - ASK][k % len(self.possible[n - ASK])] for n in labels[asked].tolist()]
            found |= K.reachable(automaton.transitions, labels)
        return found

    def _outcomes(self, truth: dict[int, bool], unsure: Sequence[Format]) -> Iterator[int]:
        for verdicts in product((True, False), repeat=len(unsure)):
            yield self._label(truth | {part.uid: held for part, held in zip(unsure, verdicts, strict=True)})


def with_doubts(automaton: Labelled, sure: Sequence[Dfa]) -> tuple[Labelled, npt.NDArray[np.int64], list[int]]:
    """``automaton`` told apart by what is sure: the product, which states it is made of, and where a judge is asked."""
    components = [(automaton.class_of, automaton.transitions, 1)]
    components += [(dfa.class_of, dfa.transitions, dfa.start) for dfa in sure]
    class_of, columns = K.joined(np.stack([c for c, _, _ in components]))
    tables = [np.ascontiguousarray(t, np.int32) for _, t, _ in components]
    offsets = np.cumsum([0, *(table.size for table in tables[:-1])])
    states, after = K.multiply(
        np.concatenate([table.ravel() for table in tables]), offsets, np.array([table.shape[1] for table in tables]),
        columns, np.array([start for _, _, start in components], np.int32), MAX_STATES,
    )  # fmt: skip
    if len(states) > MAX_STATES + 1:
        raise LimitError("patterns and formats together need too many states", what="product states",
                         given=len(states) - 1, limit=MAX_STATES)  # fmt: skip
    labels = automaton.labels[states[:, 0]]
    certain = np.ones(len(states), np.bool_)
    for index, dfa in enumerate(sure):
        certain &= dfa.accepting[states[:, index + 1]]
    found = Labelled(class_of, after, labels)
    return found, states[:, 0].astype(np.int64), np.flatnonzero((labels != 0) & ~certain).tolist()
