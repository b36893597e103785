"""Nondeterministic automata whose states are ordered, as a backtracking matcher tries them.

A simulation that keeps its states in the order of preference, and drops everything behind
the first one that matches, finds exactly the match that backtracking would find (Pike 1987;
Cox, "Regular Expression Matching: the Virtual Machine Approach", 2009). So ``(a|ab)`` and
``.*?`` mean here what they mean to Python's ``re``, and the lists can be determinised.

Assertions: what looks behind is answered by automata that run along from the lexeme's
start; what looks ahead stays in the list until the next byte is known, which settles most
lookaheads (a keyword's ``(?!\\w)``). The others are guessed then, and the guess is handed to
the caller to be watched. (Guessing where the lookahead stands forked the lexer at every
letter of a name spelled out beside reserved words.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from structgen.automata.utf8 import utf8_fragment
from structgen.errors import LimitError, UnsupportedError
from structgen.ir.pattern import Alternatives, Characters, Look, Pattern, Repeat, Sequence, max_width, min_width
from structgen.ir.regex import Ranges
from structgen.kernels.lexer import AHEAD, BEHIND, EDGES, MATCH, SPLIT

__all__ = ["OrderedNfa", "Variant", "check_assertions"]

Variant = tuple[tuple[int, ...], frozenset[tuple[bool, int]]]
"""Ordered nodes, and the guesses (holds, lookahead's first node) under which they stand."""

FAILS, HOLDS, OPEN = 0, -1, 1
"""What a lookahead comes to before a byte; a number from ``OPEN`` on is the state of its run behind the byte."""
MAX_NODES = 400_000
MAX_VARIANTS = 64


class _Nodes(NamedTuple):
    """The nodes of one pattern, numbered from 0."""

    kind: list[int]
    edges: list[tuple[tuple[int, int, int], ...]]
    targets: list[tuple[int, ...]]
    start: int


_MOST, _MOST_NODES = 512, 1000
_kept: dict[int, tuple[Pattern, _Nodes]] = {}
"""Nodes by their patterns' identity, without lookarounds: readers hand out one pattern for equal expressions, and
many grammars have the same names, numbers and strings."""


@dataclass
class OrderedNfa:
    """Nodes of all patterns of one lexer; a node belongs to the label of the match it leads to."""

    kind: list[int] = field(default_factory=list)
    edges: list[tuple[tuple[int, int, int], ...]] = field(default_factory=list)
    targets: list[tuple[int, ...]] = field(default_factory=list)
    label: list[int] = field(default_factory=list)
    negative: set[int] = field(default_factory=set)
    """Assertions that must not hold."""
    behind_of: dict[int, int] = field(default_factory=dict)
    """Bit set, by node, of the lookbehinds that can still be met, where there are any."""
    behind_starts: list[int] = field(default_factory=list)
    behind_ends: dict[int, int] = field(default_factory=dict)
    _memo: dict[tuple[str, Pattern], int] = field(default_factory=dict)

    def add_pattern(self, pattern: Pattern, label: int, name: str) -> int:
        """Add ``pattern``, matching as ``label``; returns its first node."""
        known = _kept.get(id(pattern))
        if known is not None:
            return self._add_copy(known[1], label)
        first = len(self.kind)
        start = _Compiler(self, label, name).compile(pattern)
        if len(self.kind) - first <= _MOST_NODES and not {BEHIND, AHEAD}.intersection(self.kind[first:]):
            if len(_kept) >= _MOST:
                _kept.clear()
            edges = [tuple([(low, high, to - first) for low, high, to in found]) for found in self.edges[first:]]
            targets = [tuple([to - first for to in found]) for found in self.targets[first:]]
            _kept[id(pattern)] = pattern, _Nodes(self.kind[first:], edges, targets, start - first)
        return start

    def _add_copy(self, nodes: _Nodes, label: int) -> int:
        """Add the nodes of a pattern that was compiled before."""
        first, n = len(self.kind), len(nodes.kind)
        if first + n >= MAX_NODES:
            raise _too_many_nodes()
        self.kind += nodes.kind
        self.edges += [tuple([(low, high, to + first) for low, high, to in found]) for found in nodes.edges]
        self.targets += [tuple([to + first for to in found]) if found else found for found in nodes.targets]
        self.label += [label] * n
        return first + nodes.start

    def add_text(self, text: bytes, label: int) -> int:
        """The same for a fixed ASCII text, whose nodes are many where a grammar has many keywords."""
        first, n = len(self.kind), len(text)
        if first + n >= MAX_NODES:
            raise _too_many_nodes()
        self.kind += [MATCH, *[EDGES] * n]
        self.edges += [(), *[((byte, byte, first + at),) for at, byte in enumerate(reversed(text))]]
        self.targets += [()] * (n + 1)
        self.label += [label] * (n + 1)
        return first + n

    def new_node(self, kind: int, label: int) -> int:
        node = len(self.kind)
        if node >= MAX_NODES:
            raise _too_many_nodes()
        self.kind.append(kind)
        self.edges.append(())
        self.targets.append(())
        self.label.append(label)
        return node

    def closure(self, starts: Iterable[int], behind: frozenset[int]) -> tuple[int, ...]:
        """Follow ``starts`` to nodes that read, match or look ahead, in order.

        ``behind`` holds the lookbehinds (by index) that end at this place.
        """
        found = self._closure(starts, behind, None)
        assert not isinstance(found, int)
        return found

    def resolved(self, nodes: Iterable[int], behind: frozenset[int], outcome: Callable[[int], int]) -> list[Variant]:
        """Follow ``nodes`` through their lookaheads to nodes that read or match; one result per set of guesses.

        ``outcome`` of a lookahead, by its first node, is ``HOLDS``, ``FAILS`` or ``OPEN``, where both are guessed.
        """
        pending: list[dict[int, tuple[bool, bool]]] = [{}]
        found: list[Variant] = []
        while pending:
            guesses = pending.pop()
            asked = self._closure(nodes, behind, guesses)
            if not isinstance(asked, int):
                if asked:
                    guessed = [(holds, look) for look, (holds, is_guess) in guesses.items() if is_guess]
                    found.append((asked, frozenset(guessed)))
                continue
            known = outcome(asked)
            if known != OPEN:
                pending.append({**guesses, asked: (known == HOLDS, False)})
                continue
            if len(pending) > MAX_VARIANTS:
                raise LimitError("too many lookaheads meet at one place", what="lookaheads", limit=MAX_VARIANTS)
            pending += [{**guesses, asked: (True, True)}, {**guesses, asked: (False, True)}]
        return found

    def _closure(
        self, starts: Iterable[int], behind: frozenset[int], guesses: dict[int, tuple[bool, bool]] | None
    ) -> tuple[int, ...] | int:
        """The ordered nodes; lookaheads go by ``guesses``, and the first without one is returned (None: they stay)."""
        reached: list[int] = []
        seen: set[int] = set()
        todo = list(starts)[::-1]
        kind, targets = self.kind, self.targets
        while todo:
            node = todo.pop()
            if node in seen:
                continue
            seen.add(node)
            what = kind[node]
            if what == EDGES or (what == AHEAD and guesses is None):
                reached.append(node)
            elif what == MATCH:
                reached.append(node)
                break
            elif what == SPLIT:
                todo.extend(reversed(targets[node]))
            elif what == BEHIND:
                look, after = targets[node]
                if (look in behind) != (node in self.negative):
                    todo.append(after)
            else:
                look, after = targets[node]
                if guesses is None or look not in guesses:
                    return look
                if guesses[look][0] != (node in self.negative):
                    todo.append(after)
        return tuple(reached)

    def looks_behind(self, nodes: Iterable[int]) -> set[int]:
        """The lookaheads, by their first nodes, that ``nodes`` may lead to by empty moves."""
        looks: set[int] = set()
        seen: set[int] = set()
        todo = list(nodes)
        while todo:
            node = todo.pop()
            if node in seen:
                continue
            seen.add(node)
            what = self.kind[node]
            if what == SPLIT:
                todo.extend(self.targets[node])
            elif what in (BEHIND, AHEAD):
                look, after = self.targets[node]
                todo.append(after)
                if what == AHEAD:
                    looks.add(look)
        return looks

    def closures_all(self, starts: Iterable[int]) -> set[int]:
        """Nodes that read or match, reached by empty moves, where order does not matter."""
        reached: set[int] = set()
        seen: set[int] = set()
        todo = list(starts)
        while todo:
            node = todo.pop()
            if node not in seen:
                seen.add(node)
                if self.kind[node] == SPLIT:
                    todo.extend(self.targets[node])
                else:
                    reached.add(node)
        return reached

    def look_of_end(self, node: int) -> int:
        """The lookbehind whose pattern ends at ``node``."""
        return self.behind_ends.get(node, -1)

    def behind_mask(self, nodes: Iterable[int]) -> int:
        """Lookbehinds, as a bit set, that some node can still meet."""
        mask = 0
        for node in nodes:
            mask |= self.behind_of.get(node, 0)
        return mask


def check_assertions(pattern: Pattern, name: str) -> None:
    """Refuse the pattern of a terminal if it holds an assertion that no automaton of the lexer decides.

    :raises UnsupportedError: naming what it is.
    """
    what = _undecided(pattern, 0)
    if what is not None:
        raise UnsupportedError(
            f"terminal {name}: {what} is not supported",
            keyword=what,
            hint="move the condition into the lexeme, or into the grammar's rules",
        )


def _undecided(pattern: Pattern, before: int) -> str | None:
    """What no automaton decides in a pattern before which ``before`` characters are surely read."""
    if isinstance(pattern, Look):
        if pattern.behind and _has_look(pattern.part):
            return "assertion within a lookbehind"
        if _looks_behind(pattern.part):
            return "lookbehind within an assertion"
        width = max_width(pattern.part) if pattern.behind else 0
        return "lookbehind before the start of a lexeme" if width is None or width > before else None
    if isinstance(pattern, Repeat):
        return _undecided(pattern.part, before) if pattern.high != 0 else None
    for part in getattr(pattern, "parts", ()):
        found = _undecided(part, before)
        if found is not None:
            return found
        if isinstance(pattern, Sequence):
            before += min_width(part)
    return None


def _too_many_nodes() -> LimitError:
    return LimitError("the terminals need too many automaton nodes", what="nodes", limit=MAX_NODES)


class _Compiler:
    """One pattern into nodes, back to front: each part is given the node that follows it."""

    def __init__(self, nfa: OrderedNfa, label: int, name: str) -> None:
        self.nfa = nfa
        self.label = label
        self.name = name
        self.first_new = len(nfa.kind)

    def compile(self, pattern: Pattern) -> int:
        looks_behind = _looks_behind(pattern)
        if looks_behind:
            check_assertions(pattern, self.name)
        end = self.nfa.new_node(MATCH, self.label)
        start = self.node(pattern, end)
        if looks_behind:
            self._spread_behind()
        return start

    def node(self, pattern: Pattern, after: int) -> int:
        """Compile so that ``after`` follows."""
        if isinstance(pattern, Characters):
            return self.characters(pattern, after)
        if isinstance(pattern, Sequence):
            for part in reversed(pattern.parts):
                after = self.node(part, after)
            return after
        if isinstance(pattern, Alternatives):
            split = self.nfa.new_node(SPLIT, self.label)
            self.nfa.targets[split] = tuple(self.node(part, after) for part in pattern.parts)
            return split
        if isinstance(pattern, Repeat):
            return self.repeat(pattern, after)
        return self.look(pattern, after)

    def characters(self, pattern: Characters, after: int) -> int:
        nfa = self.nfa
        node = nfa.new_node(EDGES, self.label)
        if not pattern.ranges:
            return node
        if pattern.ranges[-1][1] < 128:
            nfa.edges[node] = tuple([(low, high, after) for low, high in pattern.ranges])
            return node
        first, *others = _fragment_edges(pattern.ranges)
        own = [node, after, *[nfa.new_node(EDGES, self.label) for _ in others]]
        for at, found in zip((node, *own[2:]), (first, *others), strict=True):
            nfa.edges[at] = tuple([(low, high, own[target]) for low, high, target in found])
        return node

    def repeat(self, pattern: Repeat, after: int) -> int:
        if pattern.high is None:
            split = self.nfa.new_node(SPLIT, self.label)
            body = self.turn(pattern.part, after, split)
            self.nfa.targets[split] = (after, body) if pattern.lazy else (body, after)
            entry = split
        else:
            entry = after
            for _ in range(pattern.high - pattern.low):
                split = self.nfa.new_node(SPLIT, self.label)
                body = self.turn(pattern.part, after, entry)
                self.nfa.targets[split] = (after, body) if pattern.lazy else (body, after)
                entry = split
        for _ in range(pattern.low):
            entry = self.node(pattern.part, entry)
        return entry

    def turn(self, part: Pattern, after: int, again: int) -> int:
        """One turn of a loop. Where it matches nothing, ``re`` leaves the loop: ``(a*|b)*`` never reads ``b``."""
        return self.node(part, again) if after == again or min_width(part) else self.empty_or_not(part, after, again)

    def empty_or_not(self, pattern: Pattern, empty: int, full: int) -> int:
        """Compile so that ``empty`` follows where nothing was read, and ``full`` where something was."""
        if min_width(pattern):
            return self.node(pattern, full)
        if isinstance(pattern, Sequence):
            for number, part in reversed([*enumerate(pattern.parts)]):
                empty = self.empty_or_not(part, empty, full)
                full = self.node(part, full) if number else full
            return empty
        if isinstance(pattern, Alternatives):
            split = self.nfa.new_node(SPLIT, self.label)
            self.nfa.targets[split] = tuple(self.empty_or_not(part, empty, full) for part in pattern.parts)
            return split
        if isinstance(pattern, Repeat):
            return self.repeat_empty_or_not(pattern, empty, full)
        assert isinstance(pattern, Look)
        return self.look(pattern, empty)

    def repeat_empty_or_not(self, pattern: Repeat, empty: int, full: int) -> int:
        """The same for a loop: its first turns that read nothing, and the loop that is left behind one that did."""
        low, high = pattern.low, pattern.high
        if high == 0:
            return empty
        rest = Repeat(pattern.part, max(low - 1, 0), None if high is None else high - 1, pattern.lazy)
        begun = self.repeat(rest, full)
        if low:
            return self.empty_or_not(pattern.part, self.repeat_empty_or_not(rest, empty, full), begun)
        split = self.nfa.new_node(SPLIT, self.label)
        body = self.empty_or_not(pattern.part, empty, begun)
        self.nfa.targets[split] = (empty, body) if pattern.lazy else (body, empty)
        return split

    def look(self, pattern: Look, after: int) -> int:
        nfa = self.nfa
        key = ("behind" if pattern.behind else "ahead", pattern.part)
        start = nfa._memo.get(key)
        if start is None:
            inner = _Compiler(nfa, -1, self.name)
            end = nfa.new_node(MATCH, -1)
            start = inner.node(pattern.part, end)
            if pattern.behind:
                nfa.behind_ends[end] = len(nfa.behind_starts)
                nfa.behind_starts.append(start)
                start = len(nfa.behind_starts) - 1
            nfa._memo[key] = start
        here = nfa.new_node(BEHIND if pattern.behind else AHEAD, self.label)
        nfa.targets[here] = (start, after)
        if pattern.negative:
            nfa.negative.add(here)
        if pattern.behind:
            nfa.behind_of[here] = 1 << start
        return here

    def _spread_behind(self) -> None:
        """Fixpoint of ``behind_of`` over this pattern's nodes"""
        nfa, nodes = self.nfa, range(self.first_new, len(self.nfa.kind))
        changed = True
        while changed:
            changed = False
            for node in nodes:
                before = mask = nfa.behind_of.get(node, 0)
                following = [target for _, _, target in nfa.edges[node]]
                if nfa.kind[node] == SPLIT:
                    following += nfa.targets[node]
                elif nfa.kind[node] in (BEHIND, AHEAD):
                    following.append(nfa.targets[node][1])
                for target in following:
                    mask |= nfa.behind_of.get(target, 0)
                if mask != before:
                    nfa.behind_of[node] = mask
                    changed = True


@lru_cache(maxsize=1024)
def _fragment_edges(ranges: Ranges) -> list[list[tuple[int, int, int]]]:
    """The edges of each state but the exit of ``utf8_fragment``, in order."""
    flat = utf8_fragment(ranges)
    found: list[list[tuple[int, int, int]]] = [[] for _ in range(flat[0])]
    for at in range(2, len(flat), 4):
        source, low, high, target = flat[at : at + 4]
        found[source].append((low, high, target))
    return [sorted(edges) for state, edges in enumerate(found) if state != 1]


def _has_look(pattern: Pattern) -> bool:
    if isinstance(pattern, Look):
        return True
    if isinstance(pattern, Sequence | Alternatives):
        return any(map(_has_look, pattern.parts))
    return isinstance(pattern, Repeat) and _has_look(pattern.part)


def _looks_behind(pattern: Pattern) -> bool:
    if isinstance(pattern, Look):
        return pattern.behind or _looks_behind(pattern.part)
    if isinstance(pattern, Sequence | Alternatives):
        return any(map(_looks_behind, pattern.parts))
    return isinstance(pattern, Repeat) and _looks_behind(pattern.part)
