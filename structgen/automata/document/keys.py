"""Property names of an object, told apart as far as the schema does.

A *class* of names is one declared name, or all other names that the same patterns match
(and for which ``propertyNames`` gives the same verdict). Declared names come first, sorted,
so that class ``i`` is bit ``i``; free classes, whose names may repeat the class, follow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, lru_cache, partial
from itertools import chain, count, islice

from structgen.automata.document.endings import endings, has_loop
from structgen.automata.document.formulas import Reducer, all_assertions, evaluate
from structgen.automata.document.judged import Doubts, is_judged, sure_dfa
from structgen.automata.document.labelled import Component, Labelled, labelled_product, reachable_labels
from structgen.automata.document.strings import dfa_of_assertion, says
from structgen.automata.document.tables import Tables
from structgen.automata.ops import universal
from structgen.errors import LimitError
from structgen.ir.beginnings import Beginnings
from structgen.ir.document import Assertion, Format, Pattern, Properties, PropertyNames
from structgen.ir.formulas import FALSE, TRUE, Formula, conjunction
from structgen.kernels import document as K
from structgen.kernels.labels import breadth_first
from structgen.lasting import Lasting

__all__ = ["KeyClass", "KeyClasses"]

MOST_JUDGED = 600
"""Names that are put before judges in search of one of a class."""
MOST_SAMPLES = 16
"""Texts kept per class of names."""
MOST_NUMBERED = 64
"""Numbers of names whose labels are kept at hand."""
MOST_NAMED = 1 << 13
"""Names whose class is remembered before the memory is emptied."""


class KeyClass:
    """Names that the schema does not tell apart."""

    __slots__ = ("_found", "_more", "bad_for", "matches", "name")

    def __init__(
        self,
        name: bytes | None,
        matches: frozenset[str] = frozenset(),
        bad_for: frozenset[int] = frozenset(),
        found: tuple[bytes, ...] | Callable[[], tuple[bytes, ...]] = (b"",),
        more: Callable[[], Iterator[bytes]] | None = None,
    ) -> None:
        self.name = name
        self.matches = matches
        """Sources of the patterns that match."""
        self.bad_for = bad_for
        """Uids of the ``propertyNames`` assertions that refuse the name."""
        self._found = found
        self._more = more

    @property
    def samples(self) -> tuple[bytes, ...]:
        """Names of the class, the shortest first; several only where the class is not one name."""
        found = self._found
        if not isinstance(found, tuple):
            found = self._found = found()
        return found

    def with_samples(self, found: tuple[bytes, ...] | Callable[[], tuple[bytes, ...]]) -> KeyClass:
        """The same class with names, or how to find them."""
        return KeyClass(self.name, self.matches, self.bad_for, found)

    def with_endless(self, names: Callable[[], Iterator[bytes]]) -> KeyClass:
        """The same class with names without end, enumerated as far as they are asked for."""
        return KeyClass(self.name, self.matches, self.bad_for, partial(_first, names, MOST_SAMPLES), names)

    @property
    def sample(self) -> bytes:
        """A name of the class, as short as possible."""
        return self.samples[0]

    def sample_after(self, n: int) -> bytes:
        """A name for an object that has ``n`` properties: another one than before, while samples last."""
        if self._more is not None and n >= len(self.samples):
            self._found = _first(self._more, 2 * n)
        return self.samples[n % len(self.samples)]

    def child(self, properties: Properties) -> Formula:
        """What ``properties`` asks of a value under this name."""
        named = None if self.name is None else properties.named.get(self.name)
        if properties.patterns:
            found = [formula for pattern, formula in properties.patterns if pattern.source in self.matches]
            if found:
                return conjunction(found if named is None else [named, *found])
        if named is not None:
            return named
        return TRUE if properties.additional is None else properties.additional

    def is_covered(self, properties: Properties) -> bool:
        """Whether ``properties`` evaluates this name."""
        if properties.additional is not None or (self.name is not None and self.name in properties.named):
            return True
        return any(pattern.source in self.matches for pattern, _ in properties.patterns)


def _first(names: Callable[[], Iterator[bytes]], n: int) -> tuple[bytes, ...]:
    return tuple(islice(names(), n))


_named: Lasting[bytes, KeyClass] = Lasting()


def _named_class(name: bytes) -> KeyClass:
    """The class of one name that no pattern or rule tells anything of; schemas share it."""
    found = _named.get(name)
    if found is None:
        if len(_named) >= MOST_NAMED:
            _named.clear()
        found = _named[name] = KeyClass(name, found=(name,))
    return found


@lru_cache(maxsize=MOST_NUMBERED)
def _numbers(n: int) -> tuple[int, ...]:
    """The labels of ``n`` names."""
    return tuple(range(1, n + 1))


class KeyClasses:
    """The classes of one object shape, and the spec that reads a name to its class.

    ``forbidden(key_class)`` of the caller says which classes can never be used: their names
    are dead, so that no mask opens towards them.
    """

    def __init__(
        self,
        tables: Tables,
        reduce: Reducer,
        names: Sequence[bytes],
        properties: Sequence[Properties],
        name_rules: Sequence[PropertyNames],
    ) -> None:
        self._tables = tables
        self.names = names
        self.rules = [(rule, reduce(rule.formula, "string")) for rule in name_rules]
        self.patterns: dict[str, Pattern] = {}
        for item in properties:
            for pattern, _ in item.patterns:
                self.patterns[pattern.source] = pattern
        self.classes: list[KeyClass] = []
        self.spec = 0
        self._closed_spec = 0
        self._parts: list[Assertion] = []
        self._judges: tuple[Beginnings, ...] = ()
        if self.patterns or self.rules:
            self._parts = list(all_assertions(form for _, form in self.rules).values())
            self._named_classes()
        else:
            self.classes = [_named_class(name) for name in names]
            self.classes.append(KeyClass(None, found=partial(_unused, names)))

    def provide_samples(self, n: int, usable: Sequence[bool]) -> set[bytes]:
        """Find ``n`` samples for every class of many names; returns the names of usable classes that have fewer names.

        Where names are counted, these must be told apart: a class that is used up is no way to another property.
        """
        few: set[bytes] = set()
        for number in range(self.n_named, len(self.classes)):
            found = self.classes[number]
            if self._is_endless(number):
                self.classes[number] = found.with_endless(partial(self._names_of, number))
                continue
            samples = tuple(islice(self._names_of(number), n))
            if len(samples) < n and usable[number]:
                few.update(samples)
            self.classes[number] = found.with_samples(samples or found.samples)
        return few

    def _is_endless(self, number: int) -> bool:
        """Whether a class of many names has names without end; False also where judges refuse some of them."""
        if not (self.patterns or self.rules):
            return True
        start, is_judged = self._tables.specs[self.spec, [K.SPEC_START, K.SPEC_LABEL]].tolist()
        return not is_judged and has_loop(self._tables.arena, start, number + 1)

    def _names_of(self, number: int) -> Iterator[bytes]:
        if self._tables.specs[self.spec, K.SPEC_LABEL] and (self.patterns or self.rules):
            return self._judged_names(number)
        if self.patterns or self.rules:
            arena, start = self._tables.arena, int(self._tables.specs[self.spec, K.SPEC_START])
            return endings(arena, start, only=number + 1)
        others = (str(n).encode() for n in count())
        short = _unused(self.names)
        return chain(short, (name for name in others if name not in self.names and name not in short))

    @property
    def n_named(self) -> int:
        return len(self.names)

    def install(self, is_open: bool) -> None:
        """Build the spec where names alone matter; ``is_open`` lets undeclared names through."""
        n = len(self.names)
        if not n:
            self.spec = self._tables.add_spec(K.FREE_TEXT, label=1) if is_open else 0
        else:
            low, high = self._tables.add_literals(self.names, _numbers(n))
            label = n + 1 if is_open else 0
            self.spec = self._tables.add_spec(K.OPEN_SET if is_open else K.CLOSED_SET, low=low, high=high, label=label)
        self._closed_spec = 0 if is_open and n else self.spec

    def spec_for(self, is_open: bool) -> int:
        """The spec, or its closed variant where only declared names can still be ended."""
        if is_open or self.patterns or self.rules:
            return self.spec
        if not self._closed_spec:
            low, high = self._tables.add_literals(self.names, _numbers(len(self.names)))
            self._closed_spec = self._tables.add_spec(K.CLOSED_SET, low=low, high=high)
        return self._closed_spec

    # -- names under patterns and rules ------------------------------------------------------

    def _named_classes(self) -> None:
        dfas = {source: dfa_of_assertion(pattern) for source, pattern in self.patterns.items()}
        for name in self.names:
            matches = frozenset(source for source, dfa in dfas.items() if dfa.accepts(name))
            truth = {part.uid: says(part, name) for part in self._parts}
            self.classes.append(KeyClass(name, matches, self.bad_rules(truth), (name,)))

    def bad_rules(self, truth: dict[int, bool]) -> frozenset[int]:
        """Uids of the rules that names refuse of which ``truth`` holds."""
        return frozenset(
            rule.uid for rule, form in self.rules if form is FALSE or not evaluate(form, lambda part: truth[part.uid])
        )

    def install_automaton(self, is_forbidden: Sequence[bool], forbids: Callable[[KeyClass], bool]) -> None:
        """Build the automaton over patterns and rules; ``forbids(key_class)`` tells dead classes.

        Appends the free classes it finds; labels are class numbers from 1. Formats with a judge stand beside what is
        sure of them, and where they are in doubt the judge of the whole name tells its class.
        """
        sources, parts = list(self.patterns), self._parts
        judged = [part for part in parts if isinstance(part, Format) and is_judged(part)]
        telling = _Telling(self, judged, forbids)
        doubts = Doubts(telling.label)

        def label_of(told: tuple[int, ...]) -> int:
            if told[0]:
                return 0 if is_forbidden[told[0] - 1] else told[0]
            values = told[1 + len(sources) :]
            truth = {part.uid: value != 0 for part, value in zip(parts, values, strict=False)}
            truth |= {-1 - n: told[1 + n] != 0 for n in range(len(sources))}
            sure = values[len(parts) :]
            unsure = [part for part, flag in zip(judged, sure, strict=True) if truth[part.uid] and not flag]
            return doubts.label_of(truth, unsure) if unsure else telling.label(truth)

        components = [
            Component.of(universal()),
            Component.of_names(self.names),
            *(Component.of(dfa_of_assertion(self.patterns[source])) for source in sources),
            *(Component.of(dfa_of_assertion(part)) for part in parts),
            *(Component.of(sure_dfa(part)) for part in judged),
        ]
        automaton = labelled_product(components, label_of)
        if automaton.is_empty:
            return
        if doubts.judges:
            allowed = [name for name, flag in zip(self.names, is_forbidden, strict=True) if not flag]
            ways = [part.beginnings for part in judged if part.beginnings]
            self._install_judged(automaton, doubts, telling.beginnings(allowed), ways)
            return
        samples = _Samples(automaton, len(self.names))
        for number in range(len(self.names), len(self.classes)):
            found = self.classes[number]
            self.classes[number] = found.with_samples(partial(samples.of, number + 1))
        reach = reachable_labels(automaton) if len(self.classes) <= 62 else -1
        self.spec = self._tables.add_spec(K.AUTOMATON, start=self._tables.add_content(automaton, reach=reach))

    def _install_judged(
        self, automaton: Labelled, doubts: Doubts, beginnings: Sequence[Beginnings], ways: Sequence[Beginnings]
    ) -> None:
        """The same where judges tell some names' classes."""
        tables = self._tables
        labels, judges = doubts.installed(automaton.labels)
        reach = doubts.reach(automaton) if len(self.classes) <= 62 else -1
        found = Labelled(automaton.class_of, automaton.transitions, labels)
        start = tables.add_content(found, reach=reach)
        tables.add_judges(start, judges, beginnings, ways)
        self.spec = tables.add_spec(K.AUTOMATON, start=start, label=1)
        self._judges = tuple(ways)
        for number in range(len(self.names), len(self.classes)):
            self.classes[number] = self.classes[number].with_samples(partial(self._judged_samples, number))

    def _judged_samples(self, number: int) -> tuple[bytes, ...]:
        found = tuple(islice(self._names_of(number), 1))
        if not found:
            raise LimitError("no name is found that the schema's names and formats allow together", what="names tried",
                             given=MOST_JUDGED, limit=MOST_JUDGED)  # fmt: skip
        return found

    def _judged_names(self, number: int) -> Iterator[bytes]:
        """Names of a class where judges have a say: each name counts for the class that it really has."""
        arena, start = self._tables.arena, int(self._tables.specs[self.spec, K.SPEC_START])
        seen = set()
        likely = islice(endings(arena, start, only=number + 1), MOST_JUDGED)
        for begun in chain(likely, islice(endings(arena, start), MOST_JUDGED)):
            mended = (judge.endings(begun.decode()) for judge in self._judges)
            for text in chain((begun,), (begun + end.encode() for end in chain.from_iterable(mended))):
                row = arena.follow(start, text)
                judge = self._tables.judged.get(row)
                label = int(arena.content[row, K.C_LABEL]) if judge is None else judge.label(text.decode())
                if label == number + 1 and text not in seen:
                    seen.add(text)
                    yield text


class _Telling:
    """Finds the classes of names from what holds of them, and which judges' formats all of them have."""

    def __init__(self, keys: KeyClasses, judged: Sequence[Format], forbids: Callable[[KeyClass], bool]) -> None:
        self._keys = keys
        self._forbids = forbids
        self._sources = list(keys.patterns)
        self._judged = judged
        self._free: dict[tuple[frozenset[str], frozenset[int]], int] = {}
        self._without: set[int] = set()
        """Uids of formats that some allowed name need not have."""

    def label(self, truth: dict[int, bool]) -> int:
        """The class, from 1, of names of which ``truth`` holds (patterns by -1 and downwards); 0 for a dead one."""
        matches = frozenset(source for n, source in enumerate(self._sources) if truth[-1 - n])
        key = (matches, self._keys.bad_rules(truth))
        if key not in self._free:
            found = KeyClass(None, *key)
            if self._forbids(found):
                self._free[key] = 0
            else:
                self._keys.classes.append(found)
                self._free[key] = len(self._keys.classes)
        if self._free[key]:
            self._without.update(part.uid for part in self._judged if not truth[part.uid])
        return self._free[key]

    def beginnings(self, allowed: Sequence[bytes]) -> list[Beginnings]:
        """What judges the beginnings of all names; ``allowed`` are those declared names that may come."""
        needed = [part for part in self._judged if part.uid not in self._without]
        return [part.beginnings for part in needed if part.beginnings and all(says(part, name) for name in allowed)]


class _Samples:
    """Short names by label; found when first asked for, which few schemas do."""

    def __init__(self, automaton: Labelled, n_single: int) -> None:
        self._automaton = automaton
        self._n_single = n_single

    def of(self, label: int) -> tuple[bytes, ...]:
        """Names with a label, the shortest first."""
        return tuple(self._all.get(label, [b""]))

    @cached_property
    def _all(self) -> dict[int, list[bytes]]:
        return _shortest_by_label(self._automaton, self._n_single)


def _unused(names: Sequence[bytes]) -> tuple[bytes, ...]:
    """Some short names that are not among ``names``."""
    taken = set(names)
    found = [name for name in (b"", *(bytes([c]) for c in range(122, 96, -1))) if name not in taken]
    number = 0
    while not found:
        if str(number).encode() not in taken:
            found.append(str(number).encode())
        number += 1
    return tuple(found)


def _shortest_by_label(automaton: Labelled, n_single: int) -> dict[int, list[bytes]]:
    """Shortest texts per label, breadth first, in printable bytes where possible.

    One text per state, and so one per label at least; labels up to ``n_single`` stand for one text.
    """
    byte_of = {int(automaton.class_of[b]): b for b in (*range(255, -1, -1), *range(90, 64, -1), *range(122, 96, -1))}
    order, parent, column = breadth_first(automaton.transitions)
    labels = automaton.labels[order]
    found: dict[int, list[bytes]] = {}
    for state, label in zip(order[labels != 0].tolist(), labels[labels != 0].tolist(), strict=True):
        texts = found.setdefault(label, [])
        if len(texts) >= (1 if label <= n_single else MOST_SAMPLES):
            continue
        text = bytearray()
        while parent[state] >= 0:
            text.append(byte_of[int(column[state])])
            state = int(parent[state])
        texts.append(bytes(text[::-1]))
    return {label: _more(texts, automaton, label) for label, texts in found.items()}


def _more(texts: list[bytes], automaton: Labelled, label: int) -> list[bytes]:
    """More texts of the same label: the first one prolonged, where that keeps the label."""
    for letter in b"abcdefgh0123456789":
        state, text = 1, texts[0] + bytes([letter])
        for byte in text:
            state = int(automaton.transitions[state, automaton.class_of[byte]])
        if automaton.labels[state] == label and text not in texts:
            texts.append(text)
    return texts[:MOST_SAMPLES]
