"""Expressions with looks anywhere, by derivatives; exact, and built in Python.

Brzozowski's derivative of an expression by a character is what remains to be matched. With looks
two things change (compare Varatalu, Veanes, Ernits, "RE#", POPL 2025, who derive at locations):

- Whether an expression matches the empty text here is no truth value but a condition on the rest of
  the text, itself a language: ``(?=X)`` matches where the rest is in ``X.*``. So nullability is a term, and
  the derivative of ``R S`` is ``D(R) S | (rest in D(N(R))) D(S)``, with the condition derived along.
- A lookbehind is tracked from the start of the text: tracker ``i`` is the term ``.*X_i``, derived with
  each character; its nullability says (again as a condition on the rest, for ``X_i`` may look ahead) where
  ``(?<=X_i)`` holds. A state is the main term with all trackers.

There are finitely many terms up to associativity, commutativity and idempotence of the Boolean
operations, which the constructors normalise; interning makes equality an integer comparison. Characters
are taken per class of those that no set of the expression tells apart. The result goes back as edges over
code points to the NFA kernel, which makes bytes of them.

Rejected: marking positions with assertion symbols and projecting them away, which also works for all
looks but determinises over an alphabet of characters times truth vectors.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np

from structgen.automata.dfa import EMPTY, Dfa
from structgen.automata.nfa import Clock, determinize
from structgen.automata.utf8 import utf8_fragment
from structgen.errors import LimitError
from structgen.ir.regex import (
    MAX_CODE_POINT,
    Alternate,
    CharSet,
    Complement,
    Concat,
    Epsilon,
    Intersect,
    Look,
    Node,
    Ranges,
    Repeat,
    char_set,
)

__all__ = ["compile_derivatives"]

NOTHING, EMPTY_TEXT, ALL = 0, 1, 2
_SET, _CAT, _ALT, _AND, _NOT, _REP, _AHEAD, _BEHIND = range(3, 11)
Term = tuple[Any, ...]
Conditions = tuple[int, ...]


def compile_derivatives(node: Node, clock: Clock) -> Dfa:
    """The minimal byte automaton of ``node``, wherever its looks stand.

    Raises
    ------
    LimitError : ``max_states`` or ``max_seconds``
    """
    terms = _Terms(*_alphabet(node))
    root = terms.read(node)
    start = (root, *terms.trackers)
    ids: dict[tuple[int, ...], int] = {start: 0}
    queue = [start]
    rows: list[list[int]] = []
    accepting: list[bool] = []
    for state in queue:
        clock.check()
        conditions = terms.conditions(state[1:])
        accepting.append(terms.at_end(state[0], terms.ends(state[1:])))
        row = []
        for c in range(len(terms.classes)):
            following = tuple(terms.derive(t, c, conditions) for t in state)
            known = -1 if following[0] == NOTHING else ids.setdefault(following, len(ids))
            if known == len(queue):
                queue.append(following)
            row.append(known)
        rows.append(row)
        if len(queue) > clock.limits.max_states:
            raise LimitError(
                f"the pattern's automaton has more than {clock.limits.max_states} states",
                what="max_states",
                given=len(queue),
                limit=clock.limits.max_states,
            )
    return _to_bytes(rows, accepting, terms.classes, clock)


def _to_bytes(rows: list[list[int]], accepting: list[bool], classes: list[Ranges], clock: Clock) -> Dfa:
    """Expand transitions on code points into bytes, and minimise."""
    from structgen.kernels.nfa import build_nfa

    if not any(accepting):
        return EMPTY
    # States of the fragment: 0 entry, 1 exit, then the rows' states, then those inside characters.
    n_states = len(rows) + 2
    edges: list[int] = [0, -1, -1, 2]
    united: dict[tuple[int, ...], tuple[int, ...]] = {}
    for s, row in enumerate(rows):
        by_target: dict[int, list[int]] = {}
        for c, target in enumerate(row):
            if target >= 0:
                by_target.setdefault(target, []).append(c)
        for target, found in by_target.items():
            key = tuple(found)
            if key not in united:
                united[key] = utf8_fragment(char_set([r for c in found for r in classes[c]]).ranges)
            fragment = united[key]
            names = [s + 2, target + 2, *range(n_states, n_states + fragment[0] - 2)]
            n_states += fragment[0] - 2
            for k in range(2, len(fragment), 4):
                edges += (names[fragment[k]], fragment[k + 1], fragment[k + 2], names[fragment[k + 3]])
        if accepting[s]:
            edges += (s + 2, -1, -1, 1)
    n_edges = len(edges) // 4
    code = np.array([n_states, n_edges, *edges, 0, 0], np.int32)
    return determinize(build_nfa(code, 2 + len(edges), n_states, n_edges, 1), clock)


def _sets(node: Node) -> Iterable[CharSet]:
    if isinstance(node, CharSet):
        yield node
    elif isinstance(node, Repeat | Complement | Look):
        yield from _sets(node.node)
    elif isinstance(node, Alternate):
        for part in node.options:
            yield from _sets(part)
    elif isinstance(node, Concat | Intersect):
        for part in node.parts:
            yield from _sets(part)


def _alphabet(node: Node) -> tuple[dict[Ranges, int], list[Ranges]]:
    """Every set of ``node`` as a bit mask over classes of characters, and the classes."""
    found = list(dict.fromkeys(s.ranges for s in _sets(node)))
    cuts = {0, 0xD800, 0xE000, MAX_CODE_POINT + 1}
    for ranges in found:
        for lo, hi in ranges:
            cuts |= {lo, hi + 1}
    points = sorted(cuts)
    signature: dict[int, int] = dict.fromkeys(points, 0)
    for k, ranges in enumerate(found):
        inside = iter(points)
        at = next(inside)
        for lo, hi in ranges:
            while at < lo:
                at = next(inside)
            while at <= hi:
                signature[at] |= 1 << k
                at = next(inside)
    masks: dict[Ranges, int] = dict.fromkeys(found, 0)
    numbers: dict[int, int] = {}
    classes: list[list[tuple[int, int]]] = []
    for lo, past in pairwise(points):
        if lo == 0xD800:
            continue
        bits = signature[lo]
        if bits not in numbers:
            numbers[bits] = len(classes)
            classes.append([])
            for k, ranges in enumerate(found):
                if bits >> k & 1:
                    masks[ranges] |= 1 << numbers[bits]
        classes[numbers[bits]].append((lo, past - 1))
    return masks, [tuple(c) for c in classes]


class _Terms:
    """Interned terms; a term is an index, its shape a tuple."""

    def __init__(self, masks: dict[Ranges, int], classes: list[Ranges]) -> None:
        self.masks = masks
        self.classes = classes
        self.trackers: list[int] = []
        self._shapes: list[Term] = [(NOTHING,), (EMPTY_TEXT,), (ALL,)]
        self._ids: dict[Term, int] = {shape: k for k, shape in enumerate(self._shapes)}
        self._looks_behind: list[bool] = [False, False, False]
        self._derived: dict[tuple[int, int, Conditions], int] = {}

    # ------------------------------------------------------------------ constructors

    def _make(self, shape: Term, looks_behind: bool) -> int:
        known = self._ids.get(shape)
        if known is None:
            known = self._ids[shape] = len(self._shapes)
            self._shapes.append(shape)
            self._looks_behind.append(looks_behind)
        return known

    def cat(self, a: int, b: int) -> int:
        if NOTHING in (a, b):
            return NOTHING
        if a == EMPTY_TEXT:
            return b
        if b == EMPTY_TEXT or (a == ALL and b == ALL):
            return a
        shape = self._shapes[a]
        if shape[0] == _CAT:
            return self.cat(shape[1], self.cat(shape[2], b))
        if shape[0] == _AHEAD:
            # Two conditions at one place are one.
            other = self._shapes[b]
            if other[0] == _AHEAD:
                return self.ahead(self.both([shape[1], other[1]]))
            if other[0] == _CAT and self._shapes[other[1]][0] == _AHEAD:
                inner: int = self._shapes[other[1]][1]
                return self.cat(self.ahead(self.both([shape[1], inner])), other[2])
        return self._make((_CAT, a, b), self._looks_behind[a] or self._looks_behind[b])

    def either(self, terms: Iterable[int]) -> int:
        return self._combine(terms, _ALT, NOTHING, ALL)

    def both(self, terms: Iterable[int]) -> int:
        return self._combine(terms, _AND, ALL, NOTHING)

    def _combine(self, terms: Iterable[int], op: int, neutral: int, absorbing: int) -> int:
        flat: set[int] = set()
        for term in terms:
            shape = self._shapes[term]
            if shape[0] == op:
                flat.update(shape[1:])
            elif term == absorbing:
                return absorbing
            elif term != neutral:
                flat.add(term)
        if any(self._shapes[t][0] == _NOT and self._shapes[t][1] in flat for t in flat):
            return absorbing
        if not flat:
            return neutral
        if len(flat) == 1:
            return flat.pop()
        return self._make((op, *sorted(flat)), any(self._looks_behind[t] for t in flat))

    def negated(self, a: int) -> int:
        if a == NOTHING:
            return ALL
        if a == ALL:
            return NOTHING
        shape = self._shapes[a]
        return shape[1] if shape[0] == _NOT else self._make((_NOT, a), self._looks_behind[a])

    def rep(self, a: int, least: int, most: int | None) -> int:
        if most == 0 or a == EMPTY_TEXT:
            return EMPTY_TEXT
        if a == NOTHING:
            return EMPTY_TEXT if least == 0 else NOTHING
        if (least, most) == (1, 1):
            return a
        return self._make((_REP, a, least, most), self._looks_behind[a])

    def ahead(self, a: int) -> int:
        """The assertion that the rest of the text is in the language ``a``."""
        if a in (NOTHING, ALL):
            return EMPTY_TEXT if a == ALL else NOTHING
        return self._make((_AHEAD, a), self._looks_behind[a])

    def read(self, node: Node) -> int:
        """The term of an expression; lookbehinds become trackers, inner ones first."""
        if isinstance(node, CharSet):
            return self._make((_SET, self.masks[node.ranges]), False) if node.ranges else NOTHING
        if isinstance(node, Epsilon):
            return EMPTY_TEXT
        if isinstance(node, Concat):
            found = EMPTY_TEXT
            for part in reversed([self.read(p) for p in node.parts]):
                found = self.cat(part, found)
            return found
        if isinstance(node, Alternate):
            return self.either([self.read(p) for p in node.options])
        if isinstance(node, Intersect):
            return self.both([self.read(p) for p in node.parts])
        if isinstance(node, Complement):
            return self.negated(self.read(node.node))
        if isinstance(node, Repeat):
            inner = self.read(node.node)
            everything = (
                node.min == 0 and node.max is None and self._shapes[inner] == (_SET, (1 << len(self.classes)) - 1)
            )
            return ALL if everything else self.rep(inner, node.min, node.max)
        inner = self.read(node.node)
        if node.behind:
            tracker = self.cat(ALL, inner)
            if tracker not in self.trackers:
                self.trackers.append(tracker)
            return self._make((_BEHIND, self.trackers.index(tracker), node.negative), True)
        rest = self.cat(inner, ALL)
        return self.ahead(self.negated(rest) if node.negative else rest)

    # ------------------------------------------------------------------ meaning

    def conditions(self, trackers: Iterable[int]) -> Conditions:
        """For each lookbehind, the rests of the text for which it holds here."""
        found: Conditions = ()
        for tracker in trackers:
            found = (*found, self.empties(tracker, found))
        return found

    def ends(self, trackers: Iterable[int]) -> tuple[bool, ...]:
        """For each lookbehind, whether it holds at the end of the text."""
        found: tuple[bool, ...] = ()
        for tracker in trackers:
            found = (*found, self.at_end(tracker, found))
        return found

    def empties(self, term: int, conditions: Conditions) -> int:
        """The rests of the text for which ``term`` matches the empty text here."""
        op: int
        args: list[int]
        op, *args = self._shapes[term]
        if op in (EMPTY_TEXT, ALL):
            return ALL
        if op == _AHEAD:
            return args[0]
        if op in (_CAT, _AND):
            return self.both([self.empties(t, conditions) for t in args])
        if op == _ALT:
            return self.either([self.empties(t, conditions) for t in args])
        if op == _NOT:
            return self.negated(self.empties(args[0], conditions))
        if op == _REP:
            return ALL if args[1] == 0 else self.empties(args[0], conditions)
        if op == _BEHIND:
            holds = conditions[args[0]]
            return self.negated(holds) if args[1] else holds
        return NOTHING

    def at_end(self, term: int, behinds: tuple[bool, ...]) -> bool:
        """Whether ``term`` matches the empty text at the end of the text."""
        op, *args = self._shapes[term]
        if op in (EMPTY_TEXT, ALL):
            return True
        if op in (_CAT, _AND):
            return all(self.at_end(t, behinds) for t in args)
        if op == _ALT:
            return any(self.at_end(t, behinds) for t in args)
        if op == _NOT:
            return not self.at_end(args[0], behinds)
        if op == _AHEAD:
            return self.at_end(args[0], behinds)
        if op == _REP:
            return args[1] == 0 or self.at_end(args[0], behinds)
        if op == _BEHIND:
            return bool(behinds[args[0]] != args[1])
        return False

    def derive(self, term: int, c: int, conditions: Conditions) -> int:
        """What remains of ``term`` after a character of class ``c``."""
        if term <= ALL:
            return term if term == ALL else NOTHING
        key = (term, c, conditions if self._looks_behind[term] else ())
        known = self._derived.get(key)
        if known is None:
            known = self._derived[key] = self._derive(term, c, conditions)
        return known

    def _derive(self, term: int, c: int, conditions: Conditions) -> int:
        op, *args = self._shapes[term]
        if op == _SET:
            return EMPTY_TEXT if args[0] >> c & 1 else NOTHING
        if op == _CAT:
            first, second = args
            taken = self.cat(self.derive(first, c, conditions), second)
            skip = self._skip(first, c, conditions)
            if skip == NOTHING:
                return taken
            return self.either([taken, self.cat(skip, self.derive(second, c, conditions))])
        if op in (_ALT, _AND):
            parts = [self.derive(t, c, conditions) for t in args]
            return self.either(parts) if op == _ALT else self.both(parts)
        if op == _NOT:
            return self.negated(self.derive(args[0], c, conditions))
        if op == _REP:
            return self._derive_rep(args[0], args[1], args[2], c, conditions)
        return NOTHING  # an assertion consumes nothing

    def _skip(self, term: int, c: int, conditions: Conditions) -> int:
        """The assertion, one character on, that ``term`` matched the empty text before it."""
        return self.ahead(self.derive(self.empties(term, conditions), c, conditions))

    def _derive_rep(self, a: int, least: int, most: int | None, c: int, conditions: Conditions) -> int:
        """One round that takes ``c``; rounds before it were empty, and count."""
        taken = self.derive(a, c, conditions)
        options: list[int] = []
        skip = self._skip(a, c, conditions) if least > 1 else NOTHING
        for empty_rounds in range(max(least, 1)):
            rest = self.rep(a, max(least - 1 - empty_rounds, 0), None if most is None else most - 1 - empty_rounds)
            found = self.cat(taken, rest)
            options.append(found if empty_rounds == 0 else self.cat(skip, found))
            if skip == NOTHING:
                break
        return self.either(options)
