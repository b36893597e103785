"""How the strings of a value context are read.

From cheap to dear: free text (with code points counted in a register), a sorted set of
constants, one byte automaton (an intersection, with lengths in the register; a least length that
not every state can reach is multiplied in), and for verdict vectors a labelled product.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from structgen.automata.compile import compile_regex
from structgen.automata.dfa import EMPTY, Dfa
from structgen.automata.document.boolean import formula_dfa
from structgen.automata.document.formulas import all_assertions, evaluate
from structgen.automata.document.judged import Doubts, Judged, is_judged, sure_dfa, with_doubts
from structgen.automata.document.labelled import Component, Labelled, labelled_product, relabelled
from structgen.automata.document.tables import Tables
from structgen.automata.matching import matches
from structgen.automata.ops import from_strings, intersect, is_universal, universal
from structgen.errors import LimitError
from structgen.ir.beginnings import Beginnings
from structgen.ir.document import Assertion, Format, Pattern, StringIn, StringLength
from structgen.ir.formulas import And, Formula, Not, conjunction
from structgen.ir.regex import ANY, EVERYTHING, Node, repeat
from structgen.ir.sample import sample
from structgen.ir.stated_lengths import apart_from_count
from structgen.kernels import document as K
from structgen.kernels.labels import character_distance
from structgen.kernels.shortest import has_all_lengths

__all__ = ["StringSpecs", "dfa_of_assertion", "sample_of", "says"]

FAR = 1 << 29
"""The distance of what is never reached."""
MOST_HELD = 32
"""Sets of lists of constants remembered, with who holds what."""
MOST_MATCHED = 64
"""Bytes of a text up to which it is held against a pattern without the pattern's automaton."""


def _apart(parts: Iterable[Formula]) -> list[Any]:
    """The parts of a conjunction, with the lengths that counts of its patterns state as assertions of their own."""
    found: list[Formula] = []
    for part in parts:
        rest, high = apart_from_count(part.node) if type(part) is Pattern else (None, None)
        if high is None:
            found.append(part)
        else:
            assert type(part) is Pattern
            found += (Pattern(part.source, rest, part.pointer), StringLength(0, high, part.pointer))
    return found


def _bounds(parts: Iterable[Formula]) -> tuple[int, int | None]:
    """The least and the greatest length that a conjunction allows."""
    lengths = [part for part in parts if isinstance(part, StringLength)]
    high = min((part.high for part in lengths if part.high is not None), default=None)
    return max((part.low for part in lengths), default=0), high


@lru_cache(maxsize=1024)
def _pattern_dfa(node: Any) -> Dfa:
    return compile_regex(node)


@lru_cache(maxsize=256)
def _length_dfa(low: int, high: int | None) -> Dfa:
    if high is not None and high < low:
        return EMPTY
    return compile_regex(repeat(ANY, low, high))


def dfa_of_assertion(assertion: Assertion) -> Dfa:
    """The decoded texts that one string assertion allows."""
    if isinstance(assertion, Pattern):
        return _pattern_dfa(assertion.node)
    if isinstance(assertion, StringLength):
        return _length_dfa(assertion.low, assertion.high)
    assert isinstance(assertion, StringIn)
    return from_strings(assertion.values)


def sample_of(part: Pattern) -> bytes | None:
    """A text of a pattern, where one can be had without its automaton."""
    text = sample(part.node)
    return None if text is None else text.encode()


class _Prepared:
    """A conjunction of patterns under length bounds, ready to install; shared by schemas."""

    __slots__ = ("automaton", "high", "limits", "low")

    def __init__(self, dfa: Dfa, low: int, high: int | None) -> None:
        self.low, self.high = low, high
        self.limits: npt.NDArray[np.int32] | int = K.NO_LIMIT
        if not dfa.is_empty and (low or high is not None):
            dfa = self._fit_lengths(dfa)
        self.automaton = relabelled(dfa)

    def _fit_lengths(self, dfa: Dfa) -> Dfa:
        """Drop bounds the pattern implies, count in a register where exact, else multiply in."""
        distance = _character_distance(dfa)
        least, most, flexible = _lengths(dfa, distance, self.high)
        if least >= self.low:
            self.low = 0
        if most is not None and self.high is not None and most <= self.high:
            self.high = None
        if not self.low and self.high is None:
            return dfa
        if self.high is None or (self.low and not flexible):
            # A lower bound alone needs completions that are long enough, which only the product knows.
            dfa = intersect(dfa, _length_dfa(self.low, None))
            self.low = 0
            if self.high is None:
                return dfa
            distance = _character_distance(dfa)
        # With B characters behind, a state is alive while its nearest acceptance still fits.
        self.limits = np.maximum(self.high - distance, -1).astype(np.int32)
        return dfa


def _character_distance(dfa: Dfa) -> npt.NDArray[np.int64]:
    """(S,) least characters to acceptance; a character is counted at its first byte."""
    begins = np.zeros(dfa.n_classes, np.bool_)
    # Byte classes never mix lead and continuation bytes where that would matter; a mixed class counts as a start.
    begins[dfa.class_of[[*range(0x80), *range(0xC0, 0x100)]]] = True
    return character_distance(dfa.transitions, dfa.accepting, begins, FAR)  # type: ignore[no-any-return]


def _lengths(dfa: Dfa, distance: npt.NDArray[np.int64], high: int | None) -> tuple[int, int | None, bool]:
    """Least and most characters accepted, and whether every state can be completed in any greater length."""
    loops = _has_cycle(dfa)
    most = None if loops else int(_longest(dfa))
    flexible = high is not None and _any_length(dfa, high)
    return int(distance[dfa.start]), most, flexible


def _has_cycle(dfa: Dfa) -> bool:
    state = np.zeros(dfa.n_states, np.int8)
    stack = [(dfa.start, iter(set(dfa.transitions[dfa.start].tolist()) - {0}))]
    state[dfa.start] = 1
    while stack:
        node, targets = stack[-1]
        target = next(targets, None)
        if target is None:
            state[node] = 2
            stack.pop()
        elif state[target] == 1:
            return True
        elif state[target] == 0:
            state[target] = 1
            stack.append((target, iter(set(dfa.transitions[target].tolist()) - {0})))
    return False


def _longest(dfa: Dfa) -> int:
    """Most characters of an acyclic automaton."""
    starts = _class_starts(dfa)
    longest = np.where(dfa.accepting, 0, -(1 << 29)).astype(np.int64)
    for _ in range(dfa.n_states + 1):
        through = np.where(dfa.transitions > 0, longest[dfa.transitions] + starts, -(1 << 29)).max(axis=1)
        better = np.maximum(longest, through)
        if (better == longest).all():
            break
        longest = better
    return int(longest[dfa.start])


def _class_starts(dfa: Dfa) -> npt.NDArray[np.int64]:
    starts = np.zeros(dfa.n_classes, np.int64)
    for byte in range(256):
        if byte < 0x80 or byte >= 0xC0:
            starts[dfa.class_of[byte]] = 1
    return starts


def _any_length(dfa: Dfa, high: int) -> bool:
    """Whether from every state, completions exist of all lengths between the least one and ``high``."""
    if high > 4096 or dfa.n_states > 512:
        return False
    return bool(has_all_lengths(dfa.transitions, dfa.accepting, _class_starts(dfa).astype(np.bool_), high))


@lru_cache(maxsize=1024)
def _prepared(nodes: frozenset[Any], low: int, high: int | None) -> _Prepared:
    dfa: Dfa | None = None
    for node in nodes:
        other = _pattern_dfa(node)
        dfa = other if dfa is None else intersect(dfa, other)
    assert dfa is not None
    return _Prepared(dfa, low, high)


@lru_cache(maxsize=64)
def _doubtful(
    nodes: frozenset[Any], low: int, high: int | None, sure: tuple[Any, ...]
) -> tuple[Labelled, npt.NDArray[np.int32] | int, tuple[int, ...]]:
    """The automaton of ``_prepared`` told apart by what is sure, its limits, and where judges are asked."""
    prepared = _prepared(nodes, low, high)
    automaton, states, asked = with_doubts(prepared.automaton, [EMPTY if n is None else _pattern_dfa(n) for n in sure])
    limits = prepared.limits if isinstance(prepared.limits, int) else prepared.limits[states]
    return automaton, limits, tuple(asked)


class StringSpecs:
    """Builds and installs string specs; equal constraints share one."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._memo: dict[Any, int] = {}
        self._constants_held: dict[tuple[int, ...], _Held] = {}

    def free(self, label: int) -> int:
        """Any text."""
        key = ("free", label)
        if key not in self._memo:
            self._memo[key] = self._tables.add_spec(K.FREE_TEXT, label=label)
        return self._memo[key]

    def must(self, parts: Sequence[Assertion]) -> int:
        """All of ``parts`` hold; 0 where no text satisfies them."""
        sets = [part.values for part in parts if isinstance(part, StringIn)]
        parts = _apart(parts)
        nodes = frozenset(part.node for part in parts if isinstance(part, Pattern) and part.node != EVERYTHING)
        low, high = _bounds(parts)
        if sets:
            return self._constants(frozenset.intersection(*sets), parts)
        if high is not None and high < low:
            return 0
        judged = tuple(part for part in parts if isinstance(part, Format) and is_judged(part))
        key = (nodes, low, high, frozenset(part.source for part in judged))
        found = self._memo.get(key)
        if found is None:
            if judged:
                found = self._judged(nodes, low, high, judged)
            else:
                found = self._patterns(nodes, low, high) if nodes else self._counted(low, high)
            self._memo[key] = found
        return found

    def _counted(self, low: int, high: int | None) -> int:
        if not low and high is None:
            return self.free(1)
        most = K.NO_LIMIT if high is None else high
        return self._tables.add_spec(K.FREE_TEXT, least=low, most=most, label=1, counts=True)

    def _patterns(self, nodes: frozenset[Any], low: int, high: int | None) -> int:
        prepared = _prepared(nodes, low, high)
        if prepared.automaton.is_empty:
            return 0
        if len(prepared.automaton.transitions) < 16 and isinstance(prepared.limits, int) and len(nodes) == 1:
            node = next(iter(nodes))
            if not prepared.low and prepared.high is None and is_universal(_pattern_dfa(node)):
                return self._counted(low, high)
        counts = bool(prepared.low) or prepared.high is not None
        key = ("pattern", nodes, low, high)
        return self._automaton(prepared.automaton, prepared.limits, prepared.low, counts, key)

    def formula(self, formula: Formula) -> int | None:
        """The one formula that must hold; None where a judge has a say in it, or its automaton is too large."""
        if any(is_judged(part) for part in all_assertions((formula,)).values()):
            return None
        parts = formula.parts if type(formula) is And else (formula,)
        sets = [part.values for part in parts if isinstance(part, StringIn)]
        if sets:
            others = [part.part.values for part in parts if type(part) is Not and isinstance(part.part, StringIn)]
            values = [value for value in frozenset.intersection(*sets).difference(*others) if _is_utf8(value)]
            rest = [part for part in parts if not isinstance(part.part if type(part) is Not else part, StringIn)]
            if rest:
                values = [v for v in values if all(evaluate(part, lambda part: says(part, v)) for part in rest)]  # noqa: B023
            return self._closed_set(sorted(values))
        told = _apart(parts)
        low, high = _bounds(told)
        if high is not None and high < low:
            return 0
        counted = conjunction(part for part in told if not isinstance(part, StringLength))
        try:
            prepared = _Prepared(formula_dfa(counted, dfa_of_assertion), low, high)
        except LimitError:
            return None
        counts = bool(prepared.low) or prepared.high is not None
        return self._automaton(prepared.automaton, prepared.limits, prepared.low, counts)

    def _judged(self, nodes: frozenset[Any], low: int, high: int | None, formats: tuple[Format, ...]) -> int:
        """Patterns and lengths with formats that a judge decides where their automata are not sure."""
        prepared = _prepared(nodes, low, high)
        if prepared.automaton.is_empty or (not isinstance(prepared.limits, int) and prepared.limits[1] < 0):
            return 0
        automaton, limits, asked = _doubtful(nodes, low, high, tuple(part.sure for part in formats))
        checks = {part.source: part.check for part in formats}
        judge = Judged(lambda text: int(all(check(text) for check in checks.values())))  # type: ignore[misc]
        beginnings = [part.beginnings for part in formats if part.beginnings is not None]
        start = self._tables.add_content(automaton, limits, key=("judged", nodes, low, high, frozenset(checks)))
        self._tables.add_judges(start, dict.fromkeys(asked, judge), beginnings)
        counts = bool(prepared.low) or prepared.high is not None
        return self._tables.add_spec(K.AUTOMATON, start=start, least=prepared.low, label=1, counts=counts)

    def _automaton(
        self,
        automaton: Labelled,
        limits: npt.NDArray[np.int32] | int = K.NO_LIMIT,
        low: int = 0,
        counts: bool = False,
        key: Hashable = None,
    ) -> int:
        if automaton.is_empty or (not isinstance(limits, int) and limits[1] < 0):
            return 0
        start = self._tables.add_content(automaton, limits, key=key)
        return self._tables.add_spec(K.AUTOMATON, start=start, least=low, counts=counts)

    def _constants(self, values: frozenset[bytes], parts: Sequence[Assertion]) -> int:
        others = [part for part in parts if not isinstance(part, StringIn)]
        if others or not _is_utf8(b"\n".join(values)):
            values = frozenset(v for v in values if _is_utf8(v) and all(says(part, v) for part in others))
        return self._closed_set(sorted(values))

    def _closed_set(self, kept: list[bytes]) -> int:
        """One of some sorted constants."""
        if not kept:
            return 0
        low, high = self._tables.add_literals(kept, [1] * len(kept))
        return self._tables.add_spec(K.CLOSED_SET, low=low, high=high)

    def verdicts(
        self, forms: Sequence[Formula], label_of: Callable[[tuple[bool, ...]], int], needed: Sequence[Formula] = ()
    ) -> int:
        """Labels by verdict vector of ``forms`` (0: not acceptable); 0 where nothing is acceptable.

        ``needed``: formulas that hold wherever the vector is acceptable.
        """
        parts = list(all_assertions(forms).values())

        def label(truth: dict[int, bool]) -> int:
            return label_of(tuple(evaluate(form, lambda part: truth[part.uid]) for form in forms))

        if all(isinstance(part, StringIn) for part in parts):
            return self._labelled_constants(parts, label)
        if all(isinstance(part, StringLength) for part in parts):
            return self._labelled_lengths(parts, label)  # type: ignore[arg-type]

        judged = [part for part in parts if isinstance(part, Format) and is_judged(part)]
        doubts = Doubts(label)

        def of_told(told: tuple[int, ...]) -> int:
            truth = {part.uid: value != 0 for part, value in zip(parts, told, strict=False)}
            sure = told[len(parts) :]
            unsure = [part for part, flag in zip(judged, sure, strict=True) if truth[part.uid] and not flag]
            return doubts.label_of(truth, unsure) if unsure else label(truth)

        components = [
            Component.of(universal()),
            *(Component.of(dfa_of_assertion(part)) for part in parts),
            *(Component.of(sure_dfa(part)) for part in judged),
        ]
        found = labelled_product(components, of_told, ("string", *map(_key_of, parts), len(judged)))
        if not doubts.judges:
            return self._automaton(found)
        formats = [part for part in judged if any(part is other for other in needed)]
        beginnings = [part.beginnings for part in formats if part.beginnings is not None]
        return self._doubted(found, doubts, beginnings, [part.beginnings for part in judged if part.beginnings])

    def _doubted(
        self, automaton: Labelled, doubts: Doubts, beginnings: Sequence[Beginnings], ways: Sequence[Beginnings]
    ) -> int:
        """Install a product with states in which judges decide the label."""
        labels, judges = doubts.installed(automaton.labels)
        found = Labelled(automaton.class_of, automaton.transitions, labels)
        start = self._tables.add_content(found)
        self._tables.add_judges(start, judges, beginnings, ways)
        return self._tables.add_spec(K.AUTOMATON, start=start, label=1)

    def _labelled_lengths(self, parts: Sequence[StringLength], label: Callable[[dict[int, bool]], int]) -> int:
        """One row per interval of lengths, linked upwards, so that no length is a state."""
        starts = {0} | {part.low for part in parts} | {part.high + 1 for part in parts if part.high is not None}
        intervals: list[tuple[int, int]] = []
        for start in sorted(starts):
            found = label({p.uid: p.low <= start and (p.high is None or start <= p.high) for p in parts})
            if (found or intervals) and not (intervals and intervals[-1][1] == found):
                intervals.append((start, found))
        if not intervals:
            return 0
        last = K.NO_LIMIT
        if not intervals[-1][1]:
            last = intervals.pop()[0] - 1
        following, high = 0, K.NO_LIMIT
        for start, found in reversed(intervals):
            following = self._tables.add_spec(
                K.BY_LENGTH, least=intervals[0][0], most=last, high=high, start=following, label=found, counts=True
            )
            high = start - 1
        return following

    def _labelled_constants(self, parts: Sequence[Assertion], label: Callable[[dict[int, bool]], int]) -> int:
        """Constants by the parts that hold them: of hundreds of names, most are held by one part or the other alike."""
        held = self._held(parts)
        labels = tuple(label({part.uid: part.uid in holders for part in parts}) for holders in held.holders)
        other = label({part.uid: False for part in parts})
        key = ("labelled constants", held.uids, labels, other)
        if key not in self._memo:
            self._memo[key] = self._add_labelled(held, labels, other)
        return self._memo[key]

    def _held(self, parts: Sequence[Assertion]) -> _Held:
        """The constants of some parts; a list of thousands is asked about in one context after the other."""
        uids = tuple(part.uid for part in parts)
        found = self._constants_held.get(uids)
        if found is None:
            if len(self._constants_held) >= MOST_HELD:
                self._constants_held.clear()
            found = self._constants_held[uids] = _Held(uids, parts)
        return found

    def _add_labelled(self, held: _Held, labels: Sequence[int], other: int) -> int:
        told = [labels[group] for group in held.groups]
        values = held.values
        if not other and not all(labels):
            values = [value for value, found in zip(values, told, strict=True) if found]
            told = [found for found in told if found]
        if not values:
            return self.free(other) if other else 0
        low, high = self._tables.add_literals(values, told)
        if other:
            return self._tables.add_spec(K.OPEN_SET, low=low, high=high, label=other)
        return self._tables.add_spec(K.CLOSED_SET, low=low, high=high)


class _Held:
    """The constants of some parts, in order, and for each the number of its ``holders``: the parts that hold it."""

    __slots__ = ("groups", "holders", "uids", "values")

    def __init__(self, uids: tuple[int, ...], parts: Sequence[Assertion]) -> None:
        self.uids = uids
        holders: dict[bytes, tuple[int, ...]] = {}
        for part in parts:
            for value in part.values:  # type: ignore[attr-defined]
                holders[value] = (*holders.get(value, ()), part.uid)
        self.values = sorted(filter(_is_utf8, holders))
        numbers: dict[tuple[int, ...], int] = {}
        self.groups = [numbers.setdefault(holders[value], len(numbers)) for value in self.values]
        self.holders = list(numbers)


def says(part: Assertion, value: bytes) -> bool:
    """Whether a string assertion holds for a whole text, its judge included."""
    if isinstance(part, StringLength):
        n = len(value.decode("utf-8", "surrogatepass"))
        return part.low <= n and (part.high is None or n <= part.high)
    if isinstance(part, StringIn):
        return value in part.values
    if isinstance(part, Pattern) and not _is_in(part, value):
        return False
    return not (isinstance(part, Format) and part.check is not None) or part.check(value.decode())


def _is_in(part: Pattern, value: bytes) -> bool:
    """Whether a text matches a pattern; those written in schemas are not compiled for one short text."""
    if sample_of(part) == value:
        return True
    if type(part) is Pattern and len(value) <= MOST_MATCHED:
        return _matches(part.node, value)
    return dfa_of_assertion(part).accepts(value)


@lru_cache(maxsize=4096)
def _matches(node: Node, value: bytes) -> bool:
    return matches(node, value.decode("utf-8", "surrogatepass"))


def _key_of(part: Assertion) -> Hashable:
    """What an assertion says, as a hashable value."""
    if isinstance(part, Pattern):
        return part.node  # type: ignore[no-any-return]
    if isinstance(part, StringLength):
        return (part.low, part.high)
    assert isinstance(part, StringIn)
    return part.values


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True
