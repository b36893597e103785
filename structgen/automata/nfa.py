"""From an expression without looks to an NFA in flat arrays, and on to its DFA.

Python writes a short postfix program (an instruction per node, a fragment per distinct
character set); the kernel executes it. So the cost in Python is per node of the
expression, never per state: ``.{1,10000}`` is one fragment and one instruction.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from structgen.automata.dfa import EMPTY, Dfa
from structgen.automata.limits import DEFAULT_LIMITS, Limits
from structgen.automata.utf8 import utf8_fragment
from structgen.errors import LimitError
from structgen.ir.regex import (
    ANY,
    EVERYTHING,
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
    literal,
)

__all__ = ["Clock", "Program", "determinize", "minimized", "warm_up", "write_program"]

_FRAGMENT, _CONCAT, _ALTERNATE, _REPEAT, _EPSILON, _NOTHING, _TAIL = range(7)
_STEPS_PER_CALL = 2_000_000


class Clock:
    """The time budget of one compilation."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._began = time.perf_counter()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Time inside does not count: a kernel's first call may compile it."""
        stopped = time.perf_counter()
        yield
        self._began += time.perf_counter() - stopped

    def check(self) -> None:
        """Raise ``LimitError`` when the time is spent."""
        spent = time.perf_counter() - self._began
        if spent > self.limits.max_seconds:
            raise LimitError(
                f"the pattern's automaton is not finished after {spent:.2f} s",
                what="max_seconds",
                given=spent,
                limit=self.limits.max_seconds,
                hint="an automaton this large comes from nested repetition; simplify the pattern or raise the limit",
            )


class Size(NamedTuple):
    """What a node will occupy: states, edges, and slots on the kernel's stack."""

    states: int
    edges: int
    depth: int


class Program:
    """The code of one expression: fragments first, instructions after."""

    def __init__(self, embed: Callable[[Node], Dfa]) -> None:
        self.fragments: list[int] = []
        self.code: list[int] = []
        self._offsets: dict[object, tuple[int, Size]] = {}
        self._embed = embed
        self.n_tails = 0

    def write(self, node: Node, tail: bool = False) -> Size:
        """Append the instructions of ``node`` and tell its size; ``tail`` if nothing follows it."""
        kind = type(node)
        if kind is CharSet:
            return self._char_set(node)  # type: ignore[arg-type]
        if kind is Concat:
            return self._concat(node.parts, tail)  # type: ignore[union-attr]
        if kind is Repeat:
            if tail and node == EVERYTHING:
                inner = self._char_set(ANY, _TAIL)
                self.n_tails += 1
                return Size(inner.states, inner.edges + 2, 1)
            return self._repeat(node)  # type: ignore[arg-type]
        if kind is Alternate:
            options = node.options  # type: ignore[union-attr]
            return self._gather([self.write(p, tail) for p in options], _ALTERNATE, 2, 2 * len(options))
        if kind is Epsilon:
            self.code.append(_EPSILON)
            return Size(2, 1, 1)
        if kind is Intersect or kind is Complement:
            return self._automaton(node)
        assert kind is not Look, "looks are resolved before an automaton is built"
        raise TypeError(f"not a regular expression: {node!r}")

    def _concat(self, parts: tuple[Node, ...], tail: bool) -> Size:
        """Parts in a row; runs of ASCII sets become one fragment, with a state per character and no empty edges."""
        sizes: list[Size] = []
        run: list[Ranges] = []
        for part in parts[:-1]:
            if type(part) is CharSet and part.ranges and part.ranges[-1][1] < 0x80:
                run.append(part.ranges)
                continue
            if run:
                sizes.append(self._chain(run))
                run = []
            sizes.append(self.write(part))
        last = parts[-1]
        if run and type(last) is CharSet and last.ranges and last.ranges[-1][1] < 0x80:
            sizes.append(self._chain([*run, last.ranges]))
        else:
            if run:
                sizes.append(self._chain(run))
            sizes.append(self.write(last, tail))
        return sizes[0] if len(sizes) == 1 else self._gather(sizes, _CONCAT, 0, len(sizes) - 1)

    def _chain(self, run: list[Ranges]) -> Size:
        key = tuple(run)
        known = self._offsets.get(key)
        if known is None:
            edges: list[int] = []
            at = 0
            for k, ranges in enumerate(run):
                target = 1 if k == len(run) - 1 else k + 2
                for lo, hi in ranges:
                    edges += (at, lo, hi, target)
                at = target
            known = self._fragment(key, [len(run) + 1, len(edges) // 4, *edges])
        self.code += (_FRAGMENT, known[0])
        return known[1]

    def _gather(self, sizes: list[Size], op: int, states: int, edges: int) -> Size:
        self.code += (op, len(sizes))
        depth = 0
        for k, size in enumerate(sizes):
            states += size.states
            edges += size.edges
            depth = max(depth, k + size.depth)
        return Size(states, edges, depth)

    def _char_set(self, node: CharSet, op: int = _FRAGMENT) -> Size:
        ranges = node.ranges
        if not ranges:
            self.code.append(_NOTHING)
            return Size(2, 0, 1)
        known = self._offsets.get(ranges)
        if known is None:
            known = self._fragment(ranges, utf8_fragment(ranges))
        self.code += (op, known[0])
        return known[1]

    def _fragment(self, key: object, fragment: tuple[int, ...] | list[int]) -> tuple[int, Size]:
        known = self._offsets[key] = (len(self.fragments), Size(fragment[0], fragment[1], 1))
        self.fragments += fragment
        return known

    def _repeat(self, node: Repeat) -> Size:
        inner = self.write(node.node)
        most = -1 if node.max is None else node.max
        copies = max(most, node.min, 1)
        self.code += (_REPEAT, node.min, most)
        skips = max(copies - node.min, 0) + 1
        edges = copies * inner.edges + copies + skips + (most < 0)
        return Size(copies * inner.states + 2, edges, inner.depth)

    def _automaton(self, node: Node) -> Size:
        """A node that is only known as a DFA, as a fragment."""
        known = self._offsets.get(node)
        if known is None:
            known = self._fragment(node, dfa_fragment(self._embed(node)))
        self.code += (_FRAGMENT, known[0])
        return known[1]


def dfa_fragment(dfa: Dfa) -> list[int]:
    """A DFA's edges as a fragment: its states shifted by one, an empty edge from each accepting to the exit."""
    rename = [0] * dfa.n_states
    for s in range(1, dfa.n_states):
        rename[s] = s + 1
    rename[dfa.start] = 0
    edges: list[int] = []
    rows = dfa.transitions[:, dfa.class_of]
    cuts = np.flatnonzero(np.any(rows[:, 1:] != rows[:, :-1], axis=0)) + 1
    starts = [0, *cuts.tolist()]
    ends = [*(cuts - 1).tolist(), 255]
    for s in range(1, dfa.n_states):
        row = rows[s].tolist()
        previous = -1
        for lo, hi in zip(starts, ends, strict=True):
            t = row[lo]
            if t and t == previous and edges[-2] == lo - 1:
                edges[-2] = hi
            elif t:
                edges += (rename[s], lo, hi, rename[t])
            previous = t
        if dfa.accepting[s]:
            edges += (rename[s], -1, -1, 1)
    return [dfa.n_states + 1, len(edges) // 4, *edges]


def write_program(node: Node, embed: Callable[[Node], Dfa], limits: Limits) -> tuple[Any, ...]:
    """The NFA of ``node``, which holds no looks, as ``build_nfa`` returns it.

    ``embed`` builds the automata of intersections and complements inside it.
    """
    from structgen.kernels.nfa import build_nfa

    program = Program(embed)
    size = program.write(node, tail=True)
    if max(size.states, size.edges // 2) > limits.max_nfa_states:
        raise LimitError(
            f"the pattern unrolls to {size.states} automaton states",
            what="max_nfa_states",
            given=max(size.states, size.edges // 2),
            limit=limits.max_nfa_states,
            hint="lower the counts of nested repetitions",
        )
    code = np.array(program.fragments + program.code, np.int32)
    nfa: tuple[Any, ...] = build_nfa(
        code, len(program.fragments), size.states, size.edges, max(size.depth, program.n_tails)
    )
    return nfa


def determinize(nfa: tuple[Any, ...], clock: Clock) -> Dfa:
    """The minimal DFA of an NFA ``(start, final, edge_start, lo, hi, dst, eps_start, eps_dst, absorbing)``."""
    from structgen.kernels import determinize as k

    limits = clock.limits
    class_of, n_classes = k.byte_classes(nfa[3], nfa[4])
    n_nfa = nfa[2].shape[0] - 1
    progress = np.zeros(5, np.int64)
    memory: tuple[Any, ...] = (
        np.empty(256, np.int32),
        np.zeros(64, np.int64),
        np.zeros(64, np.int64),
        np.zeros(64, np.bool_),
        np.zeros((64, n_classes), np.int32),
        np.zeros(256, np.int32),
    )
    single = np.full(n_nfa, -1, np.int32)
    max_states = min(limits.max_states, limits.max_table // n_classes) + 1
    while True:
        code, *memory = k.determinize(
            *nfa, class_of, n_classes, progress, *memory, single, _STEPS_PER_CALL, max_states, limits.max_arena
        )
        if code == k.DONE:
            break
        if code == k.STATES_FULL:
            raise LimitError(
                f"the pattern's automaton has more than {max_states - 1} states",
                what="max_states",
                given=max_states,
                limit=max_states - 1,
                hint="bounded repetition of overlapping choices multiplies states; simplify it or raise the limit",
            )
        if code == k.ARENA_FULL:
            raise LimitError(
                "the pattern's state sets outgrow the memory limit",
                what="max_arena",
                given=int(progress[2]),
                limit=limits.max_arena,
                hint="bounded repetition of overlapping choices multiplies states; simplify it or raise the limit",
            )
        clock.check()
    return minimized(class_of, memory[4], memory[3], int(progress[0]), 1 if progress[0] > 1 else 0)


@lru_cache(maxsize=1)
def warm_up() -> None:
    """Compile, or load, the kernels that every expression needs."""
    node = literal("ab")
    determinize(write_program(node, lambda _: EMPTY, DEFAULT_LIMITS), Clock(DEFAULT_LIMITS))


def minimized(class_of: Any, transitions: Any, accepting: Any, n: int, start: int) -> Dfa:
    """Trim, minimise and number the first ``n`` rows."""
    from structgen.kernels.minimize import minimize

    if start == 0:
        return EMPTY
    return Dfa.from_arrays(*minimize(class_of, transitions, accepting, n, start))
