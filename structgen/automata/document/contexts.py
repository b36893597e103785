"""Value contexts: what is asked of one value, and what its first byte leads to.

A context has *goals*, formulas whose truth its parent wants to know. Most contexts have
one goal that must hold; then nothing but viability is tracked and the verdict is the label
``MUST``. Under ``anyOf``, ``not`` and the like a context has several goals, the verdict is
the vector of their truth values, interned as a label, and the parent says which it accepts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from structgen.automata.dfa import Dfa
from structgen.automata.document.asserted import NO_PARTS, Asserted, asserted, must_parts
from structgen.automata.document.formulas import all_assertions, evaluate
from structgen.automata.document.judged_numbers import NumberJudge
from structgen.automata.document.labelled import Component, Labelled, labelled_product
from structgen.automata.document.numbers import (
    base_for,
    dfa_of_key,
    is_large,
    key_of,
    number_dfa,
)
from structgen.errors import LimitError
from structgen.ir.document import JSON_TYPES, Assertion, MaxValue, MinValue
from structgen.ir.formulas import FALSE, TRUE, And, Formula, conjunction
from structgen.kernels import document as K

if TYPE_CHECKING:
    from structgen.automata.document.automaton import DocumentAutomaton

__all__ = ["MUST", "Context", "Contexts"]

MUST = 1
"""The label of the verdict vector (True,)."""
MOST_TOLD = 3
"""Goals up to which it is found out beforehand which verdicts a parent takes."""


class Context:
    """Goals, and which verdicts the parent accepts (None: the single goal must hold)."""

    __slots__ = ("accepts", "alive", "asserted", "differs", "goals", "in_order", "index", "monotone", "outcomes")

    def __init__(
        self, index: int, goals: tuple[Formula, ...], accepts: Callable[[int], bool] | None, monotone: bool = True
    ) -> None:
        self.index = index
        self.goals = goals
        self.accepts = accepts
        self.monotone = monotone
        """Whether the parent takes every verdict in which more goals hold than in one that it takes."""
        self.in_order = accepts is None
        """Whether names below keep their declared order, where the automaton asks for it."""
        self.differs = False
        """Whether the value is an item that is compared with those before: like another context, but for them."""
        self.asserted: Asserted | None = None
        """What the one goal says type by type, once it has been asked."""
        self.alive: bool | None = None
        self.outcomes: dict[int, bytes] | None = None


_BYTE_OF_CLASS = [0] * 16
for _byte in (*range(48, 58), 45, 43, 46, 101):
    _BYTE_OF_CLASS[int(K.NUMBER_CLASS[_byte])] = _byte


def _narrow(automaton: Labelled) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    rows = automaton.transitions[:, automaton.class_of[_BYTE_OF_CLASS]].copy()
    rows[:, 0] = rows[:, 15] = 0
    return rows, automaton.labels


def _narrow_dfa(dfa: Dfa) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    columns = dfa.class_of[_BYTE_OF_CLASS]
    rows = dfa.transitions[:, columns].copy()
    rows[:, 0] = rows[:, 15] = 0
    return rows, dfa.accepting.astype(np.int32)


@lru_cache(maxsize=256)
def _columns(types: frozenset[str]) -> tuple[npt.NDArray[np.int32], tuple[int, ...]]:
    """A row of handles of which all types but some are ruled out and nothing else is filled, and those left open."""
    left = tuple(column for column, of in enumerate(JSON_TYPES) if of in types)
    row = np.zeros(len(JSON_TYPES), np.int32)
    row[list(left)] = -1
    return row, left


def _locate(error: LimitError, parts: Iterable[Assertion]) -> None:
    """Say where the limit was met: at some assertion of the string; which one cannot be told of a product."""
    if not error.pointer:
        error.pointer = next((part.pointer for part in parts if part.pointer), "")


class Contexts:
    """All value contexts of one automaton; fills ``tables.values`` when a first byte asks."""

    def __init__(self, automaton: DocumentAutomaton) -> None:
        self.automaton = automaton
        self.by_index: dict[int, Context] = {}
        self._must: dict[int, int] = {}
        self._in_any_order: dict[int, int] = {} if automaton.in_order else self._must
        self._told: dict[tuple[object, ...], int] = {}
        self._labels: dict[tuple[bool, ...], int] = {(True,): MUST}
        self.vectors: list[tuple[bool, ...]] = [(), (True,)]
        self._numbers: dict[object, int] = {}
        self._free: dict[frozenset[str], list[int]] = {}
        """What some types lead to of which nothing is asserted."""

    def label(self, vector: tuple[bool, ...]) -> int:
        """The label of a verdict vector."""
        found = self._labels.get(vector)
        if found is None:
            found = self._labels[vector] = len(self.vectors)
            self.vectors.append(vector)
        return found

    def must(self, goal: Formula, *, in_order: bool = True) -> int:
        """The context of values that satisfy ``goal``; 0 for FALSE."""
        if goal is FALSE:
            return 0
        known = self._must if in_order else self._in_any_order
        found = known.get(goal.uid)
        if found is None:
            # Properties that refer to one definition have one context.
            target = self.automaton.source.target(goal)
            found = known.get(target.uid)
            if found is None:
                found = known[target.uid] = self._new((target,), None)
                self.by_index[found].in_order = known is self._must
            known[goal.uid] = found
        return found

    def told(
        self, goals: tuple[Formula, ...], accepts: Callable[[int], bool], monotone: bool = False, in_order: bool = False
    ) -> int:
        """A context that reports the verdicts of all ``goals``, the first of which must hold; 0 where none is taken.

        Where the goals are few, contexts with the same goals and the same verdicts taken are one; where all goals must
        hold, it is the context of their conjunction, and the verdict ``MUST``.
        """
        if len(goals) > MOST_TOLD or self.automaton.witness.is_searching:
            return self._new(goals, accepts, monotone)
        vectors = product((True,), *[(True, False)] * (len(goals) - 1))
        taken = frozenset(label for label in map(self.label, vectors) if accepts(label))
        if not taken:
            return 0
        if taken == {self.label((True,) * len(goals))}:
            return self.must(conjunction(goals), in_order=in_order)
        key = (taken, monotone, *(goal.uid for goal in goals))
        found = self._told.get(key)
        if found is None:
            found = self._told[key] = self._new(goals, taken.__contains__, monotone)
        return found

    def asked(self, goals: tuple[Formula, ...], accepts: Callable[[int], bool], monotone: bool = False) -> int:
        """A context that reports the verdicts of all ``goals``."""
        return self._new(goals, accepts, monotone)

    def _new(self, goals: tuple[Formula, ...], accepts: Callable[[int], bool] | None, monotone: bool = True) -> int:
        index = self.automaton.tables.add_value()
        self.by_index[index] = Context(index, goals, accepts, monotone)
        return index

    # -- filling ---------------------------------------------------------------------------

    def fill_all(self, index: int) -> None:
        """Fill what is missing of what the types lead to; most types are mostly ruled out."""
        context, tables = self.by_index[index], self.automaton.tables
        if context.accepts is not None or max(tables.values[index].tolist()) >= 0:
            for column, handle in enumerate(tables.values[index].tolist()):
                if handle < 0:
                    self.fill(index, column)
            return
        found = self._asserted(context)
        if found.parts is NO_PARTS and found.types in self._free:
            tables.values[index] = self._free[found.types]
            return
        row, columns = _columns(found.types)
        tables.values[index] = row
        for column in columns:
            handle = self._must_be(context, found, column)
            tables.values[index, column] = handle
        if found.parts is NO_PARTS:
            self._free[found.types] = tables.values[index].tolist()

    def fill(self, index: int, column: int) -> int:
        """What values of type ``JSON_TYPES[column]`` lead to, written into the table and returned."""
        context = self.by_index[index]
        if context.accepts is None:
            handle = self._must_be(context, self._asserted(context), column)
        else:
            of = JSON_TYPES[column]
            handle = self._told_of(context, column, tuple(self.automaton.reduce(goal, of) for goal in context.goals))
        self.automaton.tables.values[index, column] = handle
        return handle

    def _asserted(self, context: Context) -> Asserted:
        """What the one goal of a context says type by type."""
        found = context.asserted
        if found is None:
            found = context.asserted = asserted(context.goals[0], self.automaton.reduce)
        return found

    def _must_be(self, context: Context, found: Asserted, column: int) -> int:
        """What a type leads to in a context with one goal, of which ``found`` is told."""
        of = JSON_TYPES[column]
        if of not in found.types:
            return 0
        parts = found.of(of)
        if parts is None:
            form = self.automaton.reduce(context.goals[0], of)
            if form is FALSE:
                return 0
            parts = must_parts(form)
            if parts is None:
                return self._told_of(context, column, (form,))
        return self._all_of(context, column, parts)

    def _all_of(self, context: Context, column: int, parts: list[Assertion]) -> int:
        """What a type leads to where some assertions must hold of it, and nothing else."""
        handle: int | None = MUST
        if column == K.T_STRING:
            handle = self._string_of(parts)
        elif column == K.T_OBJECT:
            handle = self.automaton.objects.open_all(context, parts)
        elif column == K.T_ARRAY:
            handle = self.automaton.arrays.open_all(context, parts)
        elif column == K.T_NUMBER:
            handle = None if any(map(is_large, parts)) else self._plain_number(parts)
        return self._told_of(context, column, (conjunction(parts),)) if handle is None else handle

    def _told_of(self, context: Context, column: int, forms: tuple[Formula, ...]) -> int:
        """What a type leads to where its formulas are more than assertions that must all hold."""
        if column < K.T_NUMBER:
            return self._acceptable(context, tuple(form is TRUE for form in forms))
        if column == K.T_NUMBER:
            return self._number(context, forms)
        if column == K.T_STRING:
            return self._string(context, forms)
        opener = self.automaton.arrays if column == K.T_ARRAY else self.automaton.general_objects
        return opener.open(context, forms)

    def _acceptable(self, context: Context, vector: tuple[bool, ...]) -> int:
        """The label of ``vector`` where the parent takes it, else 0."""
        if context.accepts is None:
            return MUST if vector[0] else 0
        label = self.label(vector)
        return label if context.accepts(label) else 0

    def _string_of(self, parts: list[Assertion]) -> int:
        """Strings of which some assertions must hold."""
        if not parts:
            return self.automaton.strings.free(MUST)
        try:
            return self.automaton.strings.must(parts)
        except LimitError as error:
            _locate(error, parts)
            raise

    def _string(self, context: Context, forms: tuple[Formula, ...]) -> int:
        """Strings of which a formula must hold that is more than a conjunction, or whose verdicts are asked."""
        specs = self.automaton.strings
        needed: tuple[Formula, ...] = ()
        try:
            if context.accepts is None:
                found = specs.formula(forms[0])
                if found is not None:
                    return found
                needed = forms[0].parts if type(forms[0]) is And else forms
            return specs.verdicts(forms, lambda vector: self._acceptable(context, vector), needed)
        except LimitError as error:
            _locate(error, all_assertions(forms).values())
            raise

    def _number(self, context: Context, forms: tuple[Formula, ...]) -> int:
        """Numbers of which more is asked than that some assertions hold, or that have large divisors."""
        if context.accepts is None and any(map(is_large, all_assertions(forms).values())):
            return self._judged_number(context, forms[0])
        try:
            return self._number_product(context, forms)
        except LimitError:
            if context.accepts is not None:
                raise
            return self._judged_number(context, forms[0])

    def _number_product(self, context: Context, forms: tuple[Formula, ...]) -> int:
        """Numbers by the verdicts of all assertions, as one automaton."""
        tables, plain = self.automaton.tables, self.automaton.plain_numbers
        parts = list(all_assertions(forms).values())

        def label_of(told: tuple[int, ...]) -> int:
            truth = {part.uid: value != 0 for part, value in zip(parts, told, strict=True)}
            return self._acceptable(context, tuple(evaluate(form, lambda part: truth[part.uid]) for form in forms))

        components = [Component.of(base_for(parts, plain)), *(Component.of(dfa_of_key(key_of(part))) for part in parts)]
        automaton = labelled_product(components, label_of, ("number", plain, *map(key_of, parts)))
        return 0 if automaton.is_empty else tables.add_numbers(*_narrow(automaton))

    def _plain_number(self, parts: list[Assertion]) -> int:
        """Numbers under some assertions that all must hold; installed once in the process."""
        tables, plain = self.automaton.tables, self.automaton.plain_numbers
        key = frozenset(map(key_of, parts))
        found = self._numbers.get(key)
        if found is None:
            found = tables.number_start(("number", key, plain))
            if found is None:
                rows, labels = _narrow_dfa(number_dfa(parts, plain))
                found = tables.add_numbers(rows, labels, ("number", key, plain)) if len(rows) > 1 else 0
            self._numbers[key] = found
        return found

    def _judged_number(self, context: Context, form: Formula) -> int:
        """Plain decimals that a judge decides about; bounds are left to an automaton."""
        automaton = self.automaton
        judge = NumberJudge(form, lambda value: automaton.witness.judge.holds(form, value))
        if judge.ending("") is None and judge.ending("-") is None:
            if judge.is_exhaustive:
                return 0
            raise LimitError(
                "no number was found that satisfies alternatives with large divisors", what="multipleOf remainders"
            )
        parts = form.parts if type(form) is And else (form,)
        kept = [part for part in parts if isinstance(part, MinValue | MaxValue)]
        rows, labels = _narrow_dfa(number_dfa(kept, True))
        if len(rows) <= 1:
            return 0
        automaton.tables.number_judges[context.index] = judge
        return automaton.tables.add_judged_numbers(rows, labels)
