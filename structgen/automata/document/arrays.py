"""Array frames, plain and general, in the manner of :mod:`structgen.automata.document.objects`.

``contains`` asks for the verdict of every item and counts; ``uniqueItems`` keeps the values of
the items so far and asks of the next one that it equals none of them, as an ordinary goal with exact
masks or, of most strings, when they end (``comparing``). Only frames that keep values need the text of an
item: the kernel stops at the end of each item there and Python steps the frame with the value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Any

from structgen.automata.document.comparing import Comparing
from structgen.automata.document.contexts import MUST, Context
from structgen.automata.document.formulas import after_failures, all_assertions, assertions_of, evaluate, substitute
from structgen.ir.document import Assertion, Contains, CountIs, Items, UnevaluatedItems, UniqueItems
from structgen.ir.formulas import FALSE, TRUE, And, Formula, conjunction, disjunction, negation
from structgen.kernels import document as K

if TYPE_CHECKING:
    from structgen.automata.document.automaton import DocumentAutomaton

__all__ = ["ArrayState", "Arrays", "Item", "compares"]

_serials = count()
MOST_SAMPLED = 2
"""Values that are tried where it hangs on the value of an item whether the array can be ended after it."""


class Shape:
    """What all frames of one array context share."""

    __slots__ = ("cap", "conditions", "context", "keeps", "n_goals", "serial")

    def __init__(self, context: Context, n_goals: int, cap: int, keeps: bool) -> None:
        self.serial = next(_serials)
        """Tells shapes apart in keys that outlive them, as ``id`` would not."""
        self.context = context
        self.n_goals = n_goals
        self.cap = cap
        self.keeps = keeps
        self.conditions: dict[int, tuple[tuple[int, Assertion], ...]] = {}


@dataclass(frozen=True, slots=True)
class ArrayState:
    """A general frame between items."""

    shape: Shape
    forms: tuple[Formula, ...]
    count: int
    """Items so far, up to the shape's cap."""
    found: tuple[tuple[int, int], ...] = ()
    """(uid of a ``Contains``, items that satisfied it, saturated)."""
    kept: tuple[str, ...] = ()
    """Canonical texts of the items so far, sorted, where values are kept."""

    @property
    def key(self) -> tuple[object, ...]:
        return (self.shape.serial, tuple(form.uid for form in self.forms), self.count, self.found, self.kept)


@dataclass(frozen=True, slots=True)
class Item:
    """What the next item is asked."""

    value: int
    flagged: tuple[tuple[Assertion, Formula], ...]
    """Assertions that fall with a goal, and what excuses that."""
    contains: tuple[Contains, ...]
    """Assertions whose verdicts come after the flagged ones."""
    excuses: tuple[tuple[int, int, Formula], ...]
    """(uid of an unevaluatedItems, index into ``contains``, condition): a match evaluates the item."""
    goals: tuple[Formula, ...]
    """What must hold, then the goals of the flagged assertions and of ``contains``."""


def compares(state: ArrayState) -> bool:
    """Whether it still matters if the items differ."""
    return state.shape.keeps and any(isinstance(part, UniqueItems) for part in all_assertions(state.forms).values())


def _forgetting(state: ArrayState) -> ArrayState:
    """``state`` without the values of items where it does not matter any more if they differ."""
    return replace(state, kept=()) if state.kept and not compares(state) else state


class Arrays:
    """Builds array frames and steps the general ones."""

    def __init__(self, automaton: DocumentAutomaton) -> None:
        self.automaton = automaton
        self.comparing = Comparing(automaton)
        self._frames: dict[tuple[object, ...], int] = {}
        self._items: dict[tuple[object, ...], Item | None] = {}
        self.states: dict[int, ArrayState] = {}
        self.plain: dict[int, tuple[tuple[Items, ...], Context]] = {}
        self.any_frame = 0

    # -- opening ---------------------------------------------------------------------------

    def open_all(self, context: Context, parts: list[Assertion]) -> int | None:
        """The frame after ``[`` where some assertions must all hold; 0 where no array is acceptable; None: general."""
        if not parts:
            if not self.any_frame:
                self.any_frame = self._plain(context, (), [])
            return self.any_frame
        items: list[Items] = []
        counts: list[CountIs] = []
        for part in parts:
            if type(part) is Items:
                items.append(part)
            elif type(part) is CountIs:
                counts.append(part)
            else:
                return None
        return self._plain(context, tuple(items), counts)

    def _plain(self, context: Context, items: tuple[Items, ...], counts: list[CountIs]) -> int:
        low = max((part.low for part in counts), default=0)
        high = min((part.high for part in counts if part.high is not None), default=K.NO_LIMIT)
        prefix = max((len(part.prefix) for part in items), default=0)
        if low > high:
            return 0
        # The first position that no value can fill bounds the count; deep positions are looked at when reached.
        for position in range(min(low, prefix + 1)):
            if not self.automaton.is_satisfiable(self._child(items, position)):
                return 0
        cap = max(low, prefix, high if high != K.NO_LIMIT else 0)
        tables = self.automaton.tables
        children = tables.add_children(prefix + 1)
        frame = tables.add_frame(K.PLAIN_ARRAY, 0, children, 0, 0, 1, low, high, prefix, cap)
        self.plain[frame] = (items, context)
        return frame

    @staticmethod
    def _child(items: tuple[Items, ...], position: int) -> Formula:
        found = []
        for part in items:
            if position < len(part.prefix):
                found.append(part.prefix[position])
            elif part.rest is not None:
                found.append(part.rest)
        return conjunction(found)

    def fill_child(self, frame: int, position: int) -> int:
        """The value context of the item at ``position`` of a plain frame."""
        items, context = self.plain[frame]
        automaton = self.automaton
        value = automaton.contexts.must(self._child(items, position), in_order=context.in_order)
        if value and not automaton.is_alive(value):
            value = 0
        automaton.tables.children[int(automaton.tables.frames[frame, K.F_CHILDREN]) + position] = value
        return value

    # -- general frames ----------------------------------------------------------------------

    def open(self, context: Context, forms: tuple[Formula, ...]) -> int:
        """The frame after ``[`` of a general array; 0 where no array is acceptable."""
        parts = list(all_assertions(forms).values())
        conditions: list[Formula] = []
        tables: dict[int, tuple[tuple[int, Assertion], ...]] = {}
        lengths = [0]
        for part in parts:
            if isinstance(part, UnevaluatedItems):
                rows = []
                for condition, assertion in part.evaluators:
                    rows.append((len(forms) + len(conditions), assertion))
                    conditions.append(self.automaton.reduce(condition, "array"))
                    if isinstance(assertion, Items):
                        lengths.append(len(assertion.prefix))
                tables[part.uid] = tuple(rows)
        parts += all_assertions(conditions).values()
        for part in parts:
            if isinstance(part, Items):
                lengths.append(len(part.prefix))
            elif isinstance(part, CountIs):
                lengths.append(part.high + 1 if part.high is not None else part.low)
        shape = Shape(context, len(forms), max(lengths), any(isinstance(part, UniqueItems) for part in parts))
        shape.conditions = tables
        state = ArrayState(shape, (*forms, *conditions), 0)
        if context.accepts is None and self.automaton.guesser.has_value_of("array", forms[0]):
            self.automaton.witness.note_viable(state)
        return self.frame(state) if self.is_viable(state) or not self.automaton.witness.is_decided(state) else 0

    def frame(self, state: ArrayState, opaque: bool = False) -> int:
        """The frame of a state. ``opaque``: an item was added whose value is not known (walks only)."""
        key = (*state.key, opaque)
        found = self._frames.get(key)
        if found is None:
            label = self.close_label(state)
            tables = self.automaton.tables
            kind = K.KEEPING_ARRAY if compares(state) else K.GENERAL_ARRAY
            found = tables.add_frame(kind, 0, 0, label != 0, 0, label, 0, 0, -1, 0)
            self._frames[key] = found
            self.states[found] = state
        return found

    def finish(self, frame: int) -> int:
        """The value context of the next item of a general frame (0: none may come), filled in when asked for."""
        tables = self.automaton.tables
        if tables.frames[frame, K.F_NEXT] < 0:
            item = self.next_item(self.states[frame])
            tables.frames[frame, K.F_NEXT] = item.value if item is not None else 0
            if item is not None and self.comparing.asked(self.states[frame]):
                self.automaton.contexts.by_index[item.value].differs = True
        return int(tables.frames[frame, K.F_NEXT])

    def close_label(self, state: ArrayState) -> int:
        """The verdict if the array ended here; 0 where the parent would not take it."""
        found = dict(state.found)

        def truth(part: Assertion) -> bool:
            if isinstance(part, CountIs):
                return part.low <= state.count and (part.high is None or state.count <= part.high)
            if isinstance(part, Contains):
                n = found.get(part.uid, 0)
                return part.low <= n and (part.high is None or n <= part.high)
            return True

        vector = tuple(evaluate(form, truth) for form in state.forms[: state.shape.n_goals])
        return self.automaton.contexts._acceptable(state.shape.context, vector)

    def next_item(self, state: ArrayState) -> Item | None:
        """What is asked of the next item; None where none may come."""
        key = state.key
        if key not in self._items:
            self._items[key] = self._next_item(state)
        return self._items[key]

    def _next_item(self, state: ArrayState) -> Item | None:
        asked = self.asked(state)
        return None if asked is None else self._item_context(*asked)

    def asked(self, state: ArrayState, *, compares: bool = True) -> tuple[ArrayState, Item] | None:
        """The state with one more item counted, and what is asked of the item; its value context is not made yet.

        ``compares``: differing from the items before is asked, too.
        """
        after = self._counted(state)
        if state.shape.context.accepts is None and after.forms[0] is FALSE:
            return None
        musts = self._musts(state)
        must: list[Formula] = []
        flagged: list[tuple[Assertion, Formula, Formula]] = []
        contains: list[Contains] = []
        excuses: list[tuple[int, Contains, Formula]] = []
        parts = all_assertions(after.forms)
        for uid, part in parts.items():
            if isinstance(part, Contains):
                contains.append(part)
                continue
            if not compares and isinstance(part, UniqueItems):
                continue
            goal, cover = self._item_goal(after, state, part)
            if goal is TRUE or cover is TRUE:
                continue
            matching = self._matching(after, part)
            if uid in musts and cover is FALSE and not matching:
                must.append(goal)
            else:
                flagged.append((part, cover, goal))
                excuses += [(uid, assertion, condition) for assertion, condition in matching]
        order = list({part.uid: part for part in [*contains, *(c for _, c, _ in excuses)]}.values())
        places = {part.uid: place for place, part in enumerate(order)}
        item = Item(
            0,
            tuple((part, cover) for part, cover, _ in flagged),
            tuple(order),
            tuple((uid, places[c.uid], condition) for uid, c, condition in excuses),
            (conjunction(must), *(goal for _, _, goal in flagged), *(part.formula for part in order)),
        )
        return after, item

    def search_steps(
        self,
        state: ArrayState,
        texts: Callable[[tuple[Formula, ...]], dict[int, bytes]],
        outcomes: Callable[[int], dict[int, bytes]],
    ) -> Iterator[tuple[bytes, ArrayState]]:
        """(text, state) for each verdict the next item can have; states are not yet judged viable."""
        step = self.asked(state)
        if step is None:
            return
        after, item = step
        if len(item.goals) == 1:
            value = self.automaton.contexts.must(item.goals[0])
            if value:
                yield from ((text, after) for text in outcomes(value).values())
            return
        for label, text in texts(item.goals).items():
            found = self.after_verdict(after, item, label)
            if found is not None:
                yield text, found

    def _item_context(self, after: ArrayState, item: Item) -> Item | None:
        contexts = self.automaton.contexts
        if len(item.goals) == 1:
            value = contexts.must(item.goals[0], in_order=after.shape.context.in_order)
            # Where values are kept, the state after depends on the value; it is judged when known.
            if not value or not self.automaton.is_alive(value):
                return None
            if not compares(after) and not self.is_viable(after):
                return None
            return replace(item, value=value)

        def accepts(label: int) -> bool:
            return self._judged(after, item, label) is not None

        # Where values are kept, what is taken depends on them.
        value = (contexts.asked if compares(after) else contexts.told)(item.goals, accepts)
        return replace(item, value=value) if value and self.automaton.is_alive(value) else None

    def _counted(self, state: ArrayState) -> ArrayState:
        """One more item: bounds that this breaks become FALSE."""
        count = min(state.count + 1, state.shape.cap)
        table: dict[int, Formula] = {}
        for form in state.forms:
            for part in assertions_of(form).values():
                if isinstance(part, CountIs) and part.high is not None and count > part.high:
                    table[part.uid] = FALSE
        forms = tuple(substitute(form, table) for form in state.forms) if table else state.forms
        return _forgetting(ArrayState(state.shape, forms, count, state.found, state.kept))

    @staticmethod
    def _musts(state: ArrayState) -> set[int]:
        if state.shape.context.accepts is not None:
            return set()
        goal = state.forms[0]
        return {part.uid for part in (goal.parts if type(goal) is And else (goal,)) if isinstance(part, Assertion)}

    def _item_goal(self, after: ArrayState, before: ArrayState, part: Assertion) -> tuple[Formula, Formula]:
        position = before.count
        if isinstance(part, Items):
            return self._child((part,), position), FALSE
        if isinstance(part, UniqueItems):
            return negation(self.automaton.constants(self.comparing.asked(before))), FALSE
        if isinstance(part, UnevaluatedItems):
            return part.formula, self._cover(after, part, position)
        return TRUE, FALSE

    @staticmethod
    def _cover(state: ArrayState, part: UnevaluatedItems, position: int) -> Formula:
        conditions = []
        for index, assertion in state.shape.conditions[part.uid]:
            if isinstance(assertion, Items):
                if assertion.rest is not None or position < len(assertion.prefix):
                    conditions.append(state.forms[index])
            elif not isinstance(assertion, Contains):
                conditions.append(state.forms[index])
        return disjunction(conditions)

    @staticmethod
    def _matching(state: ArrayState, part: Assertion) -> list[tuple[Contains, Formula]]:
        """``contains`` siblings of an unevaluatedItems, with the conditions under which a match counts."""
        if not isinstance(part, UnevaluatedItems):
            return []
        return [
            (assertion, state.forms[index])
            for index, assertion in state.shape.conditions[part.uid]
            if isinstance(assertion, Contains) and state.forms[index] is not FALSE
        ]

    # -- steps -----------------------------------------------------------------------------

    def _judged(self, after: ArrayState, item: Item, label: int) -> ArrayState | None:
        """The state after an item with verdict ``label`` if it is viable, its value left aside."""
        state = self.after_verdict(after, item, label)
        if state is None or self.is_viable(state):
            return state
        if not compares(state):
            return None
        some = self.automaton.distinct.some(item.goals, label, state.kept, MOST_SAMPLED)
        return state if any(self.is_viable(self.keeping(state, text)) for text in some) else None

    def after_verdict(self, after: ArrayState, item: Item, label: int) -> ArrayState | None:
        vector = (True,) * len(item.goals) if label == MUST else self.automaton.contexts.vectors[label]
        if not vector[0]:
            return None
        n = len(item.flagged)
        matches = vector[n + 1 :]
        failed = {
            row[0].uid: (row[0], disjunction([row[1], *self._excused(item, row[0].uid, matches)]))
            for row, held in zip(item.flagged, vector[1 : n + 1], strict=True)
            if not held
        }
        forms = after_failures(after.forms, failed)
        found = dict(after.found)
        table: dict[int, Formula] = {}
        for part, holds in zip(item.contains, matches, strict=True):
            if holds:
                cap = part.low if part.high is None else part.high + 1
                found[part.uid] = min(found.get(part.uid, 0) + 1, max(cap, 1))
            if part.high is not None and found.get(part.uid, 0) > part.high:
                table[part.uid] = FALSE
            elif part.high is None and found.get(part.uid, 0) >= part.low:
                table[part.uid] = TRUE
        if table:
            forms = tuple(substitute(form, table) for form in forms)
        live = all_assertions(forms)
        if after.shape.context.accepts is None and forms[0] is FALSE:
            return None
        counted = tuple(sorted((uid, n) for uid, n in found.items() if uid in live))
        return _forgetting(ArrayState(after.shape, forms, after.count, counted, after.kept))

    @staticmethod
    def _excused(item: Item, uid: int, matches: tuple[bool, ...]) -> list[Formula]:
        return [condition for owner, place, condition in item.excuses if owner == uid and matches[place]]

    def after_item(self, state: ArrayState, label: int) -> ArrayState | None:
        """The state after the next item ended with ``label``; values kept are those before it."""
        item = self.next_item(state)
        if item is None:
            return None
        after = self._counted(state)
        if item.flagged or item.contains:
            return self._judged(after, item, label)
        return after if compares(after) or self.is_viable(after) else None

    def with_value(self, state: ArrayState, value: Any) -> ArrayState | None:
        """The state with the last item's value among those kept; None where that leaves no completion."""
        text = self.automaton.canonical(value)
        found = self.keeping(state, text)
        return found if self.is_viable(found) else None

    @staticmethod
    def keeping(state: ArrayState, text: str) -> ArrayState:
        """The state with one more canonical text kept; if it is there already, items are not unique."""
        if not compares(state):
            return _forgetting(state)
        if text not in state.kept:
            return replace(state, kept=tuple(sorted((*state.kept, text))))
        lost: dict[int, Formula] = {
            uid: FALSE for uid, part in all_assertions(state.forms).items() if isinstance(part, UniqueItems)
        }
        forms = tuple(substitute(form, lost) for form in state.forms)
        return ArrayState(state.shape, forms, state.count, state.found)

    def is_viable(self, state: ArrayState) -> bool:
        """Whether some completion of the array is acceptable."""
        if state.shape.context.accepts is None and state.forms[0] is FALSE:
            return False
        return self.automaton.witness.array_is_viable(state)

    def event(self, frame: int, label: int) -> tuple[int, int]:
        """(frame, 0) after an item with verdict ``label`` in a general frame; (0, 0) where forbidden.

        In a frame that keeps values this is the walk's view: the item's value is left out.
        """
        after = self.after_item(self.states[frame], label)
        return (0, 0) if after is None else (self.frame(after, opaque=compares(after)), 0)
