"""Frames of plain objects, which the kernel steps by itself.

A *plain* object is a conjunction of ``Properties``, ``PropertyNames`` and ``Required`` over at most 62
classes of names: the set of names seen is a register, and a name leads to a value context
by one table. Everything else is *general* (``general_objects``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from structgen.automata.document.contexts import Context
from structgen.automata.document.keys import KeyClass, KeyClasses
from structgen.ir.document import Assertion, Properties, PropertyNames, Required
from structgen.ir.formulas import FALSE, TRUE, conjunction
from structgen.kernels import document as K

if TYPE_CHECKING:
    from structgen.automata.document.automaton import DocumentAutomaton

__all__ = ["MOST_PLAIN", "Objects"]

MOST_PLAIN = 62


class Objects:
    """Builds frames of plain objects."""

    def __init__(self, automaton: DocumentAutomaton) -> None:
        self.automaton = automaton
        self.plain: dict[int, tuple[KeyClasses, tuple[Properties, ...], Context]] = {}
        self.any_frame = 0

    # -- opening ---------------------------------------------------------------------------

    def open_all(self, context: Context, parts: list[Assertion]) -> int | None:
        """The frame after ``{`` where some assertions must all hold; 0 where no object is acceptable; None: general."""
        if not parts:
            if not self.any_frame:
                self.any_frame = self._plain(context, [], [], frozenset()) or 0
            return self.any_frame
        properties: list[Properties] = []
        rules: list[PropertyNames] = []
        required: frozenset[bytes] = frozenset()
        for part in parts:
            if type(part) is Properties:
                properties.append(part)
            elif type(part) is Required:
                required = required | part.names if required else part.names
            elif type(part) is PropertyNames:
                rules.append(part)
            else:
                return None
        return self._plain(context, properties, rules, required)

    def classes_of(self, names: set[bytes], properties: list[Properties], rules: list[PropertyNames]) -> KeyClasses:
        """Classes of names for some properties and rules about names; ``names`` receives those declared."""
        for item in properties:
            names.update(item.named)
        automaton = self.automaton
        return KeyClasses(automaton.tables, automaton.reduce, sorted(names), properties, rules)

    def _plain(
        self,
        context: Context,
        properties: list[Properties],
        rules: list[PropertyNames],
        required: frozenset[bytes],
    ) -> int | None:
        keys = self.classes_of(set(required), properties, rules)
        if len(keys.names) >= MOST_PLAIN:
            return None
        if keys.patterns or rules or len(properties) > 1:
            usable = self.install(keys, lambda names: bool(names.bad_for) or self.is_dead(names, properties))
            allowed = sum(1 << bit for bit, flag in enumerate(usable) if flag)
        else:
            allowed = self._install_names(keys, properties[0] if properties else None)
        n = len(keys.classes)
        if n > MOST_PLAIN:
            return None
        need = sum([1 << bit for bit, name in enumerate(keys.names) if name in required]) if required else 0
        if need & ~allowed:
            return 0
        tables = self.automaton.tables
        children = tables.add_children(n)
        if self.automaton.in_order and context.in_order and keys.n_named > 1:
            return self._ordered(context, keys, properties, children, need, allowed)
        frame = tables.add_frame(K.PLAIN_OBJECT, keys.spec, children, 0, 0, 1, need, allowed, keys.n_named, -1)
        self.plain[frame] = (keys, tuple(properties), context)
        return frame

    def _install_names(self, keys: KeyClasses, properties: Properties | None) -> int:
        """Install the spec of names that nothing but being declared tells apart; which may come, a bit each."""
        may_be, plain = self.automaton.may_be, self.automaton.plain
        allowed, bit = 0, 1
        named, others = ({}, TRUE) if properties is None else (properties.named, properties.additional or TRUE)
        for name in keys.names:
            formula = named.get(name, others)
            if formula.uid in plain or may_be(formula):
                allowed |= bit
            bit <<= 1
        is_open = others is not FALSE and may_be(others)
        keys.install(is_open)
        return allowed | bit if is_open else allowed

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

    def install(self, keys: KeyClasses, is_dead: object) -> list[bool]:
        """Install the names' spec; which classes may occur at all."""
        dead = [is_dead(key_class) for key_class in keys.classes]  # type: ignore[operator]
        if keys.patterns or keys.rules:
            keys.install_automaton(dead, is_dead)  # type: ignore[arg-type]
            return [not flag for flag in dead] + [True] * (len(keys.classes) - len(dead))
        keys.install(not dead[-1])
        return [not flag for flag in dead]

    def is_dead(self, key_class: KeyClass, properties: list[Properties]) -> bool:
        """``properties`` let no value stand under names of this class, as far as can be told now."""
        if len(properties) == 1:
            return not self.automaton.may_be(key_class.child(properties[0]))
        return not self.automaton.may_be(conjunction([key_class.child(item) for item in properties]))

    # -- plain frames ------------------------------------------------------------------------

    def fill_child(self, frame: int, number: int) -> int:
        """The value context under class ``number`` of a plain frame."""
        keys, properties, context = self.plain[frame]
        goals = [keys.classes[number].child(item) for item in properties]
        goal = goals[0] if len(goals) == 1 else conjunction(goals)
        tables = self.automaton.tables
        value = self.automaton.contexts.must(goal, in_order=context.in_order)
        tables.children[int(tables.frames[frame, K.F_CHILDREN]) + number] = value
        return value

    def narrowed(
        self,
        context: Context,
        keys: KeyClasses,
        properties: tuple[Properties, ...],
        children: int,
        label: int,
        need: int,
        allowed: int,
    ) -> int:
        """A frame over classes of names that are there already: its verdict, names needed and allowed, a bit each."""
        spec, add = keys.spec_for(bool(allowed >> keys.n_named)), self.automaton.tables.add_frame
        frame = add(K.PLAIN_OBJECT, spec, children, 0, 0, label, need, allowed, keys.n_named, -1)
        self.plain[frame] = (keys, properties, context)
        return frame
