"""Object frames: plain ones that the kernel steps by itself, and general ones stepped here.

A *plain* object is a conjunction of ``Properties``, ``PropertyNames`` and ``Required`` over at most 62
classes of names: the set of names seen is a register, and a name leads to a value context
by one table. Everything else (counts, dependencies, ``anyOf`` over objects, unevaluated
properties) is *general*: a frame is the interned pair of residual formulas and names seen;
its steps are computed once and hashed for the kernel (``object_states`` says what names and
verdicts do to such a pair).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from structgen.automata.document.contexts import Context
from structgen.automata.document.formulas import all_assertions, evaluate, negative_uids
from structgen.automata.document.keys import MOST_SAMPLES, KeyClass, KeyClasses
from structgen.automata.document.object_states import (
    ObjectState,
    Shape,
    after_key,
    after_verdict,
    child_goals,
    counts_names,
    must_assertions,
    settled,
    truth,
)
from structgen.automata.document.strings import must_parts
from structgen.ir.document import (
    FALSE,
    TRUE,
    Assertion,
    CountIs,
    Formula,
    Properties,
    PropertyNames,
    Required,
    UnevaluatedProperties,
    conjunction,
)
from structgen.kernels import document as K

if TYPE_CHECKING:
    from structgen.automata.document.automaton import DocumentAutomaton

__all__ = ["KEY_EVENT", "Objects"]

KEY_EVENT = 1 << 23
MOST_PLAIN = 62
_PLAIN = (Properties, PropertyNames, Required)


@dataclass(frozen=True, slots=True)
class _Pending:
    """A general frame with a value due: where it leads, verdict by verdict."""

    state: ObjectState
    flagged: tuple[tuple[Assertion, Formula], ...]
    """Per goal after the first: the assertion that falls with it, and what excuses that."""


class Objects:
    """Builds object frames and steps the general ones."""

    def __init__(self, automaton: DocumentAutomaton) -> None:
        self.automaton = automaton
        self._frames: dict[tuple[object, ...], int] = {}
        self.states: dict[int, ObjectState] = {}
        self.plain: dict[int, tuple[KeyClasses, tuple[Properties, ...], Context]] = {}
        self._pending: dict[int, _Pending] = {}
        self.any_frame = 0
        self._negatives: dict[int, frozenset[int]] = {}
        self.keeps_some = False
        """Whether some frame keeps names."""

    def state_of(self, frame: int) -> ObjectState:
        """The state of a general frame, whether a name or a value is due."""
        pending = self._pending.get(frame)
        return self.states[frame] if pending is None else pending.state

    # -- opening ---------------------------------------------------------------------------

    def open(self, context: Context, forms: tuple[Formula, ...]) -> int:
        """The frame after ``{``; 0 where no object is acceptable."""
        if context.accepts is None:
            parts = [] if forms[0] is TRUE else must_parts(forms[0])
            if parts is not None and all(isinstance(part, _PLAIN) for part in parts):
                if not parts:
                    return self._any_object(context)
                found = self._plain(context, parts)
                if found is not None:
                    return found
        return self._general(context, forms)

    def _any_object(self, context: Context) -> int:
        if not self.any_frame:
            self.any_frame = self._plain(context, []) or 0
        return self.any_frame

    def _classes(self, names: set[bytes], properties: list[Properties], rules: list[PropertyNames]) -> KeyClasses:
        for item in properties:
            names.update(item.named)
        automaton = self.automaton
        return KeyClasses(automaton.tables, automaton.reduce, sorted(names), properties, rules)

    def _plain(self, context: Context, parts: list[Assertion]) -> int | None:
        properties = [part for part in parts if isinstance(part, Properties)]
        rules = [part for part in parts if isinstance(part, PropertyNames)]
        required: set[bytes] = set()
        for part in parts:
            if isinstance(part, Required):
                required |= part.names
        keys = self._classes(set(required), properties, rules)
        if len(keys.names) >= MOST_PLAIN:
            return None
        usable = self._install(keys, lambda key_class: bool(key_class.bad_for) or self._is_dead(key_class, properties))
        n = len(keys.classes)
        if n > MOST_PLAIN:
            return None
        allowed = sum(1 << bit for bit, flag in enumerate(usable) if flag)
        need = sum(1 << keys.names.index(name) for name in required)
        if need & ~allowed:
            return 0
        tables = self.automaton.tables
        children = tables.add_children(n)
        if self.automaton.in_order and keys.n_named > 1:
            return self._ordered(context, keys, properties, children, need, allowed)
        frame = tables.add_frame(K.PLAIN_OBJECT, keys.spec, children, 0, 0, 1, need, allowed, keys.n_named, -1)
        self.plain[frame] = (keys, tuple(properties), context)
        return frame

    def _ordered(
        self, context: Context, keys: KeyClasses, properties: list[Properties], children: int, need: int, allowed: int
    ) -> int:
        """One frame per place in the declared order; a name leads to the place after it.

        From a place, the names up to and including the next required one may come; names that
        the schema does not declare come last.
        """
        tables = self.automaton.tables
        declared = list(dict.fromkeys(name for item in properties for name in item.named))
        rest = [name for name in keys.names if name not in set(declared)]
        order = [keys.names.index(name) for name in (*declared, *rest)]
        n, n_classes = len(order), len(keys.classes)
        window = sum(1 << free for free in range(n, n_classes))
        windows = [window] * (n + 1)
        for place in range(n - 1, -1, -1):
            bit = 1 << order[place]
            window = bit if need & bit else window | bit
            windows[place] = window
        following = tables.add_children(n_classes)
        frames = []
        for place in range(n + 1):
            high = allowed & windows[place]
            spec = keys.spec_for(bool(high >> n))  # no name is begun that only an undeclared one could end
            frames.append(tables.add_frame(K.PLAIN_OBJECT, spec, children, 0, following, 1, need, high, n, -1))
            self.plain[frames[-1]] = (keys, tuple(properties), context)
        tables.children[following : following + n_classes] = frames[n]
        for place, number in enumerate(order):
            tables.children[following + number] = frames[place + 1]
        return frames[0]

    def _install(self, keys: KeyClasses, is_dead: object) -> list[bool]:
        """Install the names' spec; which classes may occur at all."""
        dead = [is_dead(key_class) for key_class in keys.classes]  # type: ignore[operator]
        if keys.patterns or keys.rules:
            keys.install_automaton(dead, is_dead)  # type: ignore[arg-type]
            return [not flag for flag in dead] + [True] * (len(keys.classes) - len(dead))
        keys.install(not dead[-1])
        return [not flag for flag in dead]

    def _is_dead(self, key_class: KeyClass, properties: list[Properties]) -> bool:
        """``properties`` let no value stand under names of this class, as far as can be told now."""
        parts = [key_class.child(item) for item in properties]
        return self.automaton.is_unsatisfiable(conjunction(parts))

    # -- plain frames ------------------------------------------------------------------------

    def fill_child(self, frame: int, number: int) -> int:
        """The value context under class ``number`` of a plain frame."""
        keys, properties, _ = self.plain[frame]
        goal = conjunction(keys.classes[number].child(item) for item in properties)
        tables = self.automaton.tables
        value = self.automaton.contexts.must(goal)
        tables.children[int(tables.frames[frame, K.F_CHILDREN]) + number] = value
        return value

    # -- general frames ----------------------------------------------------------------------

    def _general(self, context: Context, forms: tuple[Formula, ...]) -> int:
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
                (isinstance(part, Properties) and self._is_dead(key_class, [part])) or part.uid in key_class.bad_for
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
            keys = self._classes(names, properties, rules)
            usable = self._install(keys, is_dead)
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

    def frame(self, state: ObjectState) -> int:
        """The frame of a state, with its steps, and what may follow, still to be filled."""
        found = self._frames.get(state.key)
        if found is None:
            label = self.close_label(state)
            keeps = self.keeps_names(state)
            self.keeps_some = self.keeps_some or keeps
            found = self.automaton.tables.add_frame(K.GENERAL_OBJECT, 0, 0, label != 0, -1, label, keeps, 0, 0, -1)
            self._frames[state.key] = found
            self.states[found] = state
        return found

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
        tables.frames[frame, K.F_MAY_GO_ON] = self._may_go_on(state)

    def close_label(self, state: ObjectState) -> int:
        """The verdict if the object ended here; 0 where the parent would not take it."""
        holds = truth(state)
        vector = tuple(evaluate(form, holds) for form in state.forms[: state.shape.n_goals])
        return self.automaton.contexts._acceptable(state.shape.context, vector)

    def _open_classes(self, state: ObjectState) -> list[bool]:
        """Which classes of names may be begun: those that can be ended, for else a name would be a dead end."""
        shape = state.shape
        keys = shape.keys
        unused = [flag and not (state.seen >> bit) & 1 for bit, flag in enumerate(shape.usable)]
        if unused[-1] and not keys.patterns and not keys.rules and self.key_step(state, len(unused) - 1)[0]:
            return unused  # any name that was begun can still become an undeclared one
        return [flag and self.key_step(state, number)[0] != 0 for number, flag in enumerate(unused)]

    def _may_go_on(self, state: ObjectState) -> bool:
        order = sorted(range(len(state.shape.keys.classes)), key=lambda n: state.shape.keys.classes[n].name is not None)
        return any(self.key_step(state, number)[0] != 0 for number in order)

    def key_step(self, state: ObjectState, number: int) -> tuple[int, int]:
        """(frame, value context) after a name of class ``number``; (0, 0) where it may not come."""
        key = (*state.key, "key", number)
        found = self._frames.get(key)
        if found is None:
            step = self._key_step(state, number)
            self._frames[key] = step  # type: ignore[assignment]
            return step
        return found  # type: ignore[return-value]

    def _key_step(self, state: ObjectState, number: int) -> tuple[int, int]:
        shape = state.shape
        if not shape.usable[number] or (number < shape.keys.n_named and (state.seen >> number) & 1):
            return 0, 0
        key_class = shape.keys.classes[number]
        after = after_key(state, number, key_class)
        if after is None:
            return 0, 0
        must, flagged = child_goals(after, key_class)
        contexts = self.automaton.contexts
        pending = _Pending(after, tuple((part, cover) for part, cover, _ in flagged))
        if not flagged:
            value = contexts.must(must)
            if not value or not self.automaton.is_alive(value) or not self.is_viable(settled(after)):
                return 0, 0
        else:

            def accepts(label: int) -> bool:
                return self._after_value(pending, label) is not None

            harmful = self._harmful(after)
            monotone = not any(part.uid in harmful for part, _, _ in flagged)
            value = contexts.asked((must, *(goal for _, _, goal in flagged)), accepts, monotone)
            if not self.automaton.is_alive(value):
                return 0, 0
        keeps = self.keeps_names(after)
        frame = self.automaton.tables.add_frame(K.GENERAL_OBJECT, shape.keys.spec, 0, 0, 0, 0, keeps, 0, 0, -1)
        self._pending[frame] = pending
        return frame, value

    def _after_value(self, pending: _Pending, label: int) -> ObjectState | None:
        """The state after a value with verdict ``label``; None where nothing can become of it."""
        state = pending.state
        if pending.flagged:
            vector = self.automaton.contexts.vectors[label]
            if not vector[0]:
                return None
            state = after_verdict(state, pending.flagged, vector[1:])
        else:
            state = settled(state)
        return state if self.is_viable(state) else None

    def is_viable(self, state: ObjectState) -> bool:
        """Whether some completion of the object is acceptable."""
        if state.shape.context.accepts is None:
            if state.forms[0] is FALSE:
                return False
            parts = [] if state.forms[0] is TRUE else must_parts(state.forms[0])
            if parts is not None and all(isinstance(part, _PLAIN) for part in parts):
                return self._can_be_completed(state, parts)
        return self.automaton.witness.object_is_viable(state)

    def _can_be_completed(self, state: ObjectState, parts: list[Assertion]) -> bool:
        """Whether each name that a conjunction still requires may come; nothing ties one name to another."""
        missing = 0
        for part in parts:
            if isinstance(part, Required):
                missing |= state.shape.bits_of(part) & ~state.seen
        properties = [part for part in parts if isinstance(part, Properties)]
        rules = {part.uid for part in parts if isinstance(part, PropertyNames)}
        while missing:
            bit = missing.bit_length() - 1
            missing ^= 1 << bit
            key_class = state.shape.keys.classes[bit]
            if not state.shape.usable[bit] or not rules.isdisjoint(key_class.bad_for):
                return False
            if self._is_lost(state.shape, bit, properties):
                return False
        return True

    def _is_lost(self, shape: Shape, bit: int, properties: list[Properties]) -> bool:
        """Whether ``properties`` leave no value under the declared name ``bit``; remembered once it is known."""
        key = (bit, *(part.uid for part in properties))
        found = shape.dead.get(key)
        if found is None:
            found = self._is_dead(shape.keys.classes[bit], properties)
            if not self.automaton.witness.is_searching:
                shape.dead[key] = found
        return found

    # -- events for the kernel -----------------------------------------------------------------

    def event(self, frame: int, event: int) -> tuple[int, int]:
        """(frame, value context) after ``event`` in a general frame; (0, 0) where forbidden."""
        if event & KEY_EVENT:
            return self.key_step(self.states[frame], (event & ~KEY_EVENT) - 1)
        after = self._after_value(self._pending[frame], event)
        return (0, 0) if after is None else (self.frame(after), 0)
