"""Frames of general objects: counts, dependencies, alternatives of objects, unevaluated properties.

A frame is the interned pair of residual formulas and names seen; its steps are computed once and hashed for the kernel
(``object_states`` says what names and verdicts do to such a pair). What is left of alternatives is mostly a conjunction
once a name or two have told them apart: from there on the object is plain, and the kernel steps it by itself.

Values under names are asked for verdicts only where something hangs on them, and contexts that ask the same and take
the same verdicts are one (``contexts``): states that differ in the names seen lead to the same values.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import TYPE_CHECKING

from structgen.automata.document.contexts import MUST, Context
from structgen.automata.document.formulas import all_assertions, evaluate, negative_uids
from structgen.automata.document.keys import MOST_SAMPLES, KeyClass, KeyClasses
from structgen.automata.document.object_states import (
    Asked,
    Conjunction,
    ObjectState,
    Shape,
    after_key,
    after_verdict,
    asked_of_value,
    conjunction_of,
    counts_names,
    is_unmoved,
    must_assertions,
    required_names,
    settled,
    settles_some,
    truth,
)
from structgen.automata.document.objects import MOST_PLAIN
from structgen.ir.document import Assertion, CountIs, Properties, PropertyNames, Required, UnevaluatedProperties
from structgen.ir.formulas import FALSE, TRUE, Formula, conjunction
from structgen.kernels import document as K

if TYPE_CHECKING:
    from structgen.automata.document.automaton import DocumentAutomaton

__all__ = ["KEY_EVENT", "GeneralObjects"]

KEY_EVENT = 1 << 23
MOST_STEADY = 1 << 10
"""Residual formulas of an object of which it is remembered which names change nothing."""
MOST_OPEN = 3
"""Goals still open up to which it is asked whether one verdict alone is taken."""


class GeneralObjects:
    """Builds and steps the general object frames of one automaton."""

    def __init__(self, automaton: DocumentAutomaton) -> None:
        self.automaton = automaton
        self._frames: dict[tuple[object, ...], int] = {}
        self._steps: dict[tuple[object, ...], tuple[int, int]] = {}
        self.states: dict[int, ObjectState] = {}
        self.pending: dict[int, tuple[Asked, int]] = {}
        """Of frames with a value due: what is asked of it, and its context."""
        self._children: dict[tuple[int, ...], int] = {}
        """Value contexts under the names of a shape, as some properties ask."""
        self._negatives: dict[int, frozenset[int]] = {}
        self.keeps_some = False
        """Whether some frame keeps names."""

    def state_of(self, frame: int) -> ObjectState:
        """The state of a general frame, whether a name or a value is due."""
        pending = self.pending.get(frame)
        return self.states[frame] if pending is None else pending[0].state

    # -- opening ---------------------------------------------------------------------------

    def open(self, context: Context, forms: tuple[Formula, ...]) -> int:
        """The frame after ``{``; 0 where no object is acceptable."""
        parts = list(all_assertions(forms).values())
        conditions: list[Formula] = []
        tables: dict[int, tuple[tuple[int, Assertion], ...]] = {}
        evaluators: list[Properties] = []
        for part in parts:
            if isinstance(part, UnevaluatedProperties):
                rows = []
                for condition, assertion in part.evaluators:
                    reduced = self.automaton.reduce(condition, "object")
                    rows.append((len(forms) + len(conditions), assertion))
                    conditions.append(reduced)
                    if isinstance(assertion, Properties):
                        evaluators.append(assertion)
                tables[part.uid] = tuple(rows)
        parts += all_assertions(conditions).values()
        names: set[bytes] = set()
        for part in parts:
            if isinstance(part, Required):
                names |= part.names
        properties = [part for part in parts if isinstance(part, Properties)] + evaluators
        rules = [part for part in parts if isinstance(part, PropertyNames)]
        caps = [(part.high + 1 if part.high is not None else part.low) for part in parts if isinstance(part, CountIs)]
        musts = must_assertions(context, forms)

        def is_dead(key_class: KeyClass) -> bool:
            return any(
                (isinstance(part, Properties) and self.automaton.objects.is_dead(key_class, [part]))
                or part.uid in key_class.bad_for
                for part in musts.values()
            )

        cap = max(caps, default=0)
        keys, usable = self._counted_classes(names, properties, list({r.uid: r for r in rules}.values()), cap, is_dead)
        shape = Shape(context, keys, len(forms), cap)
        shape.conditions = tables
        shape.usable = usable
        state = ObjectState(shape, (*forms, *conditions), 0, 0)
        shape.sensitive = self._is_sensitive(state)
        if context.accepts is None and self.automaton.guesser.has_value_of("object", forms[0]):
            self.automaton.witness.note_viable(state)
        return self.frame(state) if self.is_viable(state) or not self.automaton.witness.is_decided(state) else 0

    def _counted_classes(
        self,
        names: set[bytes],
        properties: list[Properties],
        rules: list[PropertyNames],
        cap: int,
        is_dead: Callable[[KeyClass], bool],
    ) -> tuple[KeyClasses, list[bool]]:
        """Classes of names, and which may occur; where names are counted, classes of few names are spelled out."""
        while True:
            keys = self.automaton.objects.classes_of(names, properties, rules)
            usable = self.automaton.objects.install(keys, is_dead)
            if cap <= 1 or not any(usable[keys.n_named :]):
                return keys, usable
            few = keys.provide_samples(max(cap, MOST_SAMPLES), usable)
            if not few:
                return keys, usable
            names |= few

    def _harmful(self, state: ObjectState) -> frozenset[int]:
        """Uids of the assertions whose failure may bring about an acceptable verdict."""
        if not state.shape.context.monotone:
            return frozenset(all_assertions(state.forms))
        return frozenset().union(*map(self._negative, state.forms))

    def _negative(self, form: Formula) -> frozenset[int]:
        found = self._negatives.get(form.uid)
        if found is None:
            found = self._negatives[form.uid] = negative_uids(form)
        return found

    def keeps_names(self, state: ObjectState) -> bool:
        """Whether the undeclared names that have come must be known, since none of them may come again.

        A reader keeps the last of the values under one name. So where it matters how many names there are, or that some
        value under such a name breaks an assertion, a name that comes again would undo what has been counted on.
        """
        return state.shape.sensitive or counts_names(state)

    def _is_sensitive(self, state: ObjectState) -> bool:
        """Whether a value under an undeclared name may break an assertion to good effect."""
        if not any(state.shape.usable[state.shape.keys.n_named :]):
            return False
        harmful = self._harmful(state)
        parts = [part for uid, part in all_assertions(state.forms).items() if uid in harmful]
        for part in parts:
            if isinstance(part, Properties):
                goals = {part.additional, *(goal for _, goal in part.patterns)}
            elif isinstance(part, UnevaluatedProperties):
                goals = {part.formula}
            else:
                continue
            if not goals <= {None, TRUE, FALSE}:
                return True
        return False

    # -- frames ----------------------------------------------------------------------------

    def frame(self, state: ObjectState) -> int:
        """The frame of a state, with its steps, and what may follow, still to be filled."""
        found = self._frames.get(state.key)
        if found is None:
            found = self._plain(state)
            if not found:
                found = self._general(state)
            self._frames[state.key] = found
        return found

    def _general(self, state: ObjectState) -> int:
        label = self.close_label(state)
        keeps = self.keeps_names(state)
        self.keeps_some = self.keeps_some or keeps
        n_named = state.shape.keys.n_named
        frame = self.automaton.tables.add_frame(K.GENERAL_OBJECT, 0, 0, label != 0, -1, label, keeps, 0, n_named, -1)
        self.states[frame] = state
        return frame

    def _plain(self, state: ObjectState) -> int:
        """The plain frame of a state that has become a conjunction; 0 where it has not.

        The register knows which names come from here on; those that have come are neither needed nor allowed.
        """
        shape = state.shape
        keys = shape.keys
        if len(keys.classes) > MOST_PLAIN or self.keeps_names(state):
            return 0
        goal, label = self._one_goal(state)
        left = conjunction_of(state, goal)
        if left is None:
            return 0
        allowed = self._may_come(state, left)
        if left.needed & ~allowed:
            return 0
        asked = (shape.serial, *(part.uid for part in left.properties))
        if asked not in self._children:
            self._children[asked] = self.automaton.tables.add_children(len(keys.classes))
        return self.automaton.objects.narrowed(
            shape.context, keys, left.properties, self._children[asked], label, left.needed, allowed
        )

    def _may_come(self, state: ObjectState, left: Conjunction) -> int:
        """The classes of names, a bit each, that may still come, where nothing ties one name to another."""
        shape = state.shape
        key = left.rules, tuple(part.uid for part in left.properties)
        found = shape.allowed.get(key)
        if found is None:
            found = 0
            for number, key_class in enumerate(shape.keys.classes):
                if shape.usable[number] and left.rules.isdisjoint(key_class.bad_for):
                    found |= (not self._is_lost(shape, number, left.properties)) << number
            if not self.automaton.witness.is_searching:
                shape.allowed[key] = found
        return found & ~(state.seen | left.forbidden)

    def _one_goal(self, state: ObjectState) -> tuple[Formula, int]:
        """What must hold at the end, and the verdict then, where only one verdict is taken; else FALSE."""
        shape = state.shape
        if shape.context.accepts is None:
            return state.forms[0], MUST
        goals = state.forms[: shape.n_goals]
        open_goals = [goal for goal in goals if goal is not TRUE and goal is not FALSE]
        if len(open_goals) > MOST_OPEN or self.automaton.witness.is_searching:
            return FALSE, 0
        taken = []
        for verdicts in product((True, False), repeat=len(open_goals)):
            told = iter(verdicts)
            vector = tuple(next(told) if goal in open_goals else goal is TRUE for goal in goals)
            label = self.automaton.contexts._acceptable(shape.context, vector)
            if label:
                taken.append((verdicts, label))
        if len(taken) != 1 or not all(taken[0][0]):
            return FALSE, 0
        return conjunction(open_goals), taken[0][1]

    def finish(self, frame: int) -> None:
        """Fill in which names may follow in a general frame.

        Not when the frame is made: finding out asks the frames of possible values, which in a
        recursive schema would never end.
        """
        state = self.states[frame]
        keys = state.shape.keys
        tables = self.automaton.tables
        flags = self._open_classes(state)
        spec = keys.spec_for(flags[-1])
        if len(flags) > MOST_PLAIN:
            tables.frames[frame, K.F_AVAILABLE] = tables.add_available(flags)
        else:
            tables.frames[frame, K.F_HIGH] = sum(1 << bit for bit, flag in enumerate(flags) if flag)
        tables.frames[frame, K.F_KEYS] = spec
        tables.frames[frame, K.F_MAY_GO_ON] = any(flags)

    def close_label(self, state: ObjectState) -> int:
        """The verdict if the object ended here; 0 where the parent would not take it."""
        holds = truth(state)
        vector = tuple(evaluate(form, holds) for form in state.forms[: state.shape.n_goals])
        return self.automaton.contexts._acceptable(state.shape.context, vector)

    def _open_classes(self, state: ObjectState) -> list[bool]:
        """Which classes of names may be begun: those that can be ended, for else a name would be a dead end."""
        shape = state.shape
        keys = shape.keys
        last = len(keys.classes) - 1
        unused = [flag and not (state.seen >> bit) & 1 for bit, flag in enumerate(shape.usable)]
        is_open = unused[last] and not keys.patterns and not keys.rules
        left = conjunction_of(state, state.forms[0]) if shape.context.accepts is None else None
        if left is not None and not self.automaton.witness.is_searching and self._can_be_completed(state, left):
            if is_open and not self._is_lost(shape, last, left.properties):
                return unused
            allowed = self._may_come(state, left)
            return [allowed >> number & 1 != 0 for number in range(last + 1)]
        if is_open and self.key_step(state, last)[0]:
            return unused  # any name that was begun can still become an undeclared one
        steady = self._steady(state, sum(1 << number for number, flag in enumerate(unused) if flag))
        return [
            flag and (steady >> number & 1 == 1 or self.key_step(state, number)[0] != 0)
            for number, flag in enumerate(unused)
        ]

    def _steady(self, state: ObjectState, asked: int) -> int:
        """Of some classes of names, a bit each, those that may come and leave open all that ``state`` can become.

        Of names of which the formulas do not say if they come it hangs on these alone, and is found out once for all
        states that differ in the names seen.
        """
        shape = state.shape
        if shape.cap or self.automaton.witness.is_searching or settles_some(state) or not self.is_viable(state):
            return 0
        key = tuple(form.uid for form in state.forms)
        known, found = shape.steady.get(key, (0, 0))
        needed = required_names(state)
        left = asked & ~(known & ~needed)
        while left:
            number = left.bit_length() - 1
            left ^= 1 << number
            found = found & ~(1 << number) | self._is_steady(state, number) << number
        if len(shape.steady) >= MOST_STEADY:
            shape.steady.clear()
        shape.steady[key] = known | asked, found
        return found & asked

    def _is_steady(self, state: ObjectState, number: int) -> bool:
        key_class = state.shape.keys.classes[number]
        after = after_key(state, number, key_class)
        if after is None:
            return False
        asked = asked_of_value(after, key_class, self.automaton.source.target)
        if asked.flagged or not self._is_unmoved(state, after, asked.state, number):
            return False
        in_order = asked.is_certain and state.shape.context.in_order
        value = self.automaton.contexts.must(asked.must, in_order=in_order)
        return bool(value) and self.automaton.is_alive(value)

    def _is_unmoved(self, state: ObjectState, named: ObjectState, after: ObjectState, number: int) -> bool:
        """Whether what completes ``state`` completes the one ``after`` a name, if no verdict hangs on its value.

        ``named``: the state after the name alone. Beside names of which nothing is said, those do that the one goal
        asks for, and nowhere asks to be missing.
        """
        if is_unmoved(state, after, number):
            return True
        shape = state.shape
        if shape.cap or shape.context.accepts is not None or len(state.forms) > 1 or number >= shape.keys.n_named:
            return False
        if shape.keys.classes[number].bad_for or after.forms[0] is not named.forms[0] or settles_some(state):
            return False
        negative = self._negative(state.forms[0])
        told = shape.told_by(state.forms[0]).required
        return not any(names >> number & 1 and uid in negative for uid, names in told)

    # -- steps -----------------------------------------------------------------------------

    def key_step(self, state: ObjectState, number: int) -> tuple[int, int]:
        """(frame, value context) after a name of class ``number``; (0, 0) where it may not come."""
        key = (*state.key, number)
        found = self._steps.get(key)
        if found is None:
            found = self._steps[key] = self._key_step(state, number)
        return found

    def _key_step(self, state: ObjectState, number: int) -> tuple[int, int]:
        shape = state.shape
        if not shape.usable[number] or (number < shape.keys.n_named and (state.seen >> number) & 1):
            return 0, 0
        key_class = shape.keys.classes[number]
        after = after_key(state, number, key_class)
        if after is None:
            return 0, 0
        asked = asked_of_value(after, key_class, self.automaton.source.target)
        contexts = self.automaton.contexts
        if not asked.flagged:
            value = contexts.must(asked.must, in_order=asked.is_certain and shape.context.in_order)
            if not value or not self.automaton.is_alive(value):
                return 0, 0
            unmoved = self._is_unmoved(state, after, asked.state, number) and self.is_viable(state)
            if not unmoved and not self.is_viable(settled(asked.state)):
                return 0, 0
        else:

            def accepts(label: int) -> bool:
                return self._after_value(asked, label) is not None

            harmful = self._harmful(asked.state)
            monotone = not any(part.uid in harmful for part, _, _ in asked.flagged)
            value = contexts.told(asked.goals, accepts, monotone)
            if not value or not self.automaton.is_alive(value):
                return 0, 0
        keeps = self.keeps_names(asked.state)
        frame = self.automaton.tables.add_frame(K.GENERAL_OBJECT, shape.keys.spec, 0, 0, 0, 0, keeps, 0, 0, -1)
        self.pending[frame] = asked, value
        return frame, value

    def _after_value(self, asked: Asked, label: int) -> ObjectState | None:
        """The state after a value with verdict ``label``; None where nothing can become of it."""
        if label == MUST:
            state = settled(asked.state)
        else:
            vector = self.automaton.contexts.vectors[label]
            if not vector[0]:
                return None
            state = after_verdict(asked, vector)
        return state if self.is_viable(state) else None

    def is_viable(self, state: ObjectState) -> bool:
        """Whether some completion of the object is acceptable."""
        if state.shape.context.accepts is None:
            if state.forms[0] is FALSE:
                return False
            left = conjunction_of(state, state.forms[0])
            if left is not None:
                return self._can_be_completed(state, left)
        return self.automaton.witness.object_is_viable(state)

    def _can_be_completed(self, state: ObjectState, left: Conjunction) -> bool:
        """Whether each name that a conjunction still requires may come; nothing ties one name to another."""
        missing = left.needed
        if missing & left.forbidden:
            return False
        shape = state.shape
        key = left.rules, tuple(part.uid for part in left.properties)
        missing &= ~shape.possible.get(key, 0)
        possible = 0
        while missing:
            number = missing.bit_length() - 1
            missing ^= 1 << number
            if not shape.usable[number] or not left.rules.isdisjoint(shape.keys.classes[number].bad_for):
                return False
            if self._is_lost(shape, number, left.properties):
                return False
            possible |= 1 << number
        if possible and not self.automaton.witness.is_searching:
            # While a search is open, what hangs on it is not known to have no value.
            shape.possible[key] = shape.possible.get(key, 0) | possible
        return True

    def _is_lost(self, shape: Shape, bit: int, properties: tuple[Properties, ...]) -> bool:
        """Whether ``properties`` leave no value under the declared name ``bit``; remembered once it is known."""
        key = (bit, *(part.uid for part in properties))
        found = shape.dead.get(key)
        if found is None:
            found = self.automaton.objects.is_dead(shape.keys.classes[bit], list(properties))
            if not self.automaton.witness.is_searching:
                shape.dead[key] = found
        return found

    def event(self, frame: int, event: int) -> tuple[int, int]:
        """(frame, value context) after ``event`` in a general frame; (0, 0) where forbidden."""
        if event & KEY_EVENT:
            return self.key_step(self.states[frame], (event & ~KEY_EVENT) - 1)
        after = self._after_value(self.pending[frame][0], event)
        return (0, 0) if after is None else (self.frame(after), 0)
