"""What must be able to follow each terminal, so that kernels can tell dead ends from the rest.

For grammars whose lexemes may get in each other's way. ``liveness`` decides such questions exactly, a
stack at a time, and in Python; here is what spares asking it nearly always.

Every text that the parser has taken has a *completion* that can be read off its rules: what is missing
of each open one, in fewest terminals (``followers``). Behind terminal t, one of few terminals u
comes next in it. If a lexeme of t ends where some byte is free with which a lexeme of u can begin (or
an ignored one before it), and ends as well, then one step of the completion is made, and what is left of
it is shorter. So it is enough that this holds for every u, in every context in which it
can come: a greatest fixed point, from all ends being good down to those that are. What is *needed* behind t is,
for each u, one of the bytes found so; ``kernels.fates`` looks for ends of lexemes at which there is one.

A terminal that cannot be read where a completion wants it (others hide it) is avoided in completions,
where rules allow.

What is left in doubt is told here: a lexeme of a comment to the end of the line, where the line's end is no
terminal that fits. Its ways to end are looked at; if all that could come next and fits is good, or nothing fits,
the stack has been read only as far as that took; else ``liveness`` reads all of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from structgen.automata.grammar.exchanges import shifting_loses_nothing
from structgen.automata.grammar.followers import Followers
from structgen.automata.grammar.liveness import Liveness
from structgen.automata.table_heap import TableHeap
from structgen.ir.passes import ignored_in_rules
from structgen.kernels import checks, fates, grammar_heap, stack_moves
from structgen.kernels.jit import direct

if TYPE_CHECKING:
    from structgen.automata.grammar.automaton import GrammarAutomaton

__all__ = ["Prospects"]

ROUNDS = 8
"""Of the fixed point, after which nothing is good that was not settled."""
MOST_AVOIDED = 4
"""Times that completions are chosen anew."""
MOST_DOUBTS = 1 << 20


class Wanted(NamedTuple):
    """What comes next in completions."""

    ways: list[tuple[int, int, int]]
    """(terminal, one that comes next, the lexer's code there); the last terminal is the beginning."""
    by_code: dict[int, set[int]]


class Prospects:
    """What kernels ask about dead ends of one automaton; not thread-safe."""

    def __init__(self, automaton: GrammarAutomaton) -> None:
        self.automaton = automaton
        self.liveness = Liveness(automaton)
        self._end = automaton.grammar.n_terminals
        self._n_doubts = 0
        self._needs: list[list[int]] = []
        """By terminal, and for the beginning, the sets of bytes of each of which one is needed behind it."""
        self._first_starts: dict[tuple[int, frozenset[int]], dict[int, int]] = {}
        self._goods: dict[tuple[int, int], bool] = {}
        self._fits: dict[tuple[int, int], tuple[bool, int]] = {}

    @staticmethod
    def add_sections(heap: TableHeap, n_terminals: int) -> None:
        """The tables that kernels read, empty."""
        heap.set_number(grammar_heap.COLLIDES, 1)
        heap.add("fates", grammar_heap.FATES, 64, fates.WIDTH)
        heap.set_number(grammar_heap.N_FATES, 0)
        heap.add("need_start", grammar_heap.NEED_START, n_terminals + 2)
        heap.add("needs", grammar_heap.NEEDS, 16, fates.NEED_WORDS)
        heap.add("doubts", grammar_heap.DOUBTS, 1 << 8, 5, -1)
        heap.set_number(grammar_heap.N_DOUBTS, 1 << 8)

    def make_room(self, state: int) -> None:
        """Room for the fates of lexer states up to ``state``; at the first call, work out what is needed."""
        heap = self.automaton.heap
        is_first = not self._needs
        heap.ensure("fates", max(state + 1, len(heap["delta"])))
        heap.set_number(grammar_heap.N_FATES, heap.rows("fates"))
        if is_first:
            self._needs = [[]]
            self._prepare()

    # --- what is needed

    def _prepare(self) -> None:
        """Settle what is needed; terminals that turn out to be hidden are avoided in another attempt.

        Where a conflict that is settled by shifting loses texts, or an ignored terminal is one of a rule's, which
        is never handed to the parser, no completion can be read off the rules.
        """
        automaton = self.automaton
        grammar, tables = automaton.grammar, automaton.tables
        loses = not tables.is_lalr and not shifting_loses_nothing(grammar, tables)
        if automaton.lexer.exclusive and (loses or ignored_in_rules(grammar)):
            self._write([[0]] * (grammar.n_terminals + 1))
            return
        avoided: frozenset[int] = frozenset()
        for _ in range(MOST_AVOIDED):
            hidden = self._settle(self._wanted(Followers(self.automaton.grammar, avoided)), avoided)
            if not hidden:
                return
            avoided |= hidden
        self._settle(self._wanted(Followers(self.automaton.grammar, avoided)), None)

    def _settle(self, wanted: Wanted, avoided: frozenset[int] | None) -> frozenset[int]:
        """Find what is needed; where terminals that could be ``avoided`` are hidden, it stops and returns them."""
        n = self.automaton.grammar.n_terminals
        self._write([[] for _ in range(n + 1)])
        for is_first in [True] + [False] * ROUNDS:
            starts = {code: self._starts(code, nexts, is_first) for code, nexts in wanted.by_code.items()}
            sets: list[dict[int, int]] = [{} for _ in range(n + 1)]
            for terminal, next_, code in wanted.ways:
                sets[terminal][next_] = sets[terminal].get(next_, -1) & starts[code][next_]
            hidden = {next_ for each in sets for next_, found in each.items() if not found}
            if avoided is not None and hidden - avoided:
                return frozenset(hidden)
            if not self._write([_least(each.values()) for each in sets]):
                return frozenset()
        self._write([[0]] * (n + 1))
        return frozenset()

    def _wanted(self, following: Followers) -> Wanted:
        automaton = self.automaton
        grammar, action = automaton.grammar, automaton.tables.action
        n = grammar.n_terminals
        one_code = None
        if not automaton.lexer.exclusive:
            real = (t for t, terminal in enumerate(grammar.terminals) if terminal.pattern is not None)
            one_code = automaton.lexer.context(frozenset(real))
        ways: dict[tuple[int, int, int], None] = {}
        entered: list[set[int]] = [set() for _ in range(n + 1)]
        entered[n].add(0)
        for state, terminal in np.argwhere(action[:, :n] > 0).tolist():
            entered[terminal].add(int(action[state, terminal]) - 1)
        for terminal, states in enumerate(entered):
            nexts = following.of(terminal) if terminal < n else {n if following.first is None else following.first}
            for state in states:
                for next_ in nexts:
                    if action[state, next_]:
                        code = automaton.start_code(state) if one_code is None else one_code
                        ways[terminal, next_, code] = None
        by_code: dict[int, set[int]] = {}
        for _, next_, code in ways:
            by_code.setdefault(code, set()).add(next_)
        return Wanted(list(ways), by_code)

    def _starts(self, code: int, nexts: set[int], is_first: bool) -> dict[int, int]:
        """For each of ``nexts`` the bytes with which it, or what is ignored before it, can begin and be gone on from.

        ``is_first`` says that nothing is needed behind lexemes yet.
        """
        key = code, frozenset(nexts)
        if is_first and key in self._first_starts:
            return self._first_starts[key]
        n = self.automaton.grammar.n_terminals
        found = np.zeros((n + 1, fates.NEED_WORDS), dtype=np.int32)
        leads, skipped = np.zeros((2, 256), dtype=np.int32), np.zeros((256, 3), dtype=np.int32)
        hits, wanted = np.zeros((256, n + 1), dtype=np.uint8), np.zeros(n + 1, dtype=np.uint8)
        wanted[list(nexts)] = 1
        self.automaton.run(
            lambda heap, work: direct(fates.find_starts)(heap, work, code, wanted, leads, hits, skipped, found)
        )
        answer = {next_: int.from_bytes(found[next_].tobytes(), "little") for next_ in nexts}
        if is_first:
            self._first_starts[key] = answer
        return answer

    def _write(self, needs: list[list[int]]) -> bool:
        """Put what is needed where kernels find it; whether that is new. Ignored lexemes need what all others need."""
        grammar, heap = self.automaton.grammar, self.automaton.heap
        all_ = _least(each for sets in needs for each in sets)
        needs = [all_ if t in grammar.ignore else sets for t, sets in enumerate(needs)]
        if needs == self._needs:
            return False
        self._needs = needs
        flat = b"".join(each.to_bytes(4 * fates.NEED_WORDS, "little") for sets in needs for each in sets)
        rows = np.frombuffer(flat, dtype=np.int32).reshape(-1, fates.NEED_WORDS)
        heap.ensure("needs", len(rows))
        heap["need_start"][:] = [0, *accumulate(map(len, needs))]
        heap["needs"][: len(rows)] = rows
        return True

    # --- doubts

    def tell(self, cell: int, state: int, watch: int) -> None:
        """Enter in the kernels' table whether a thread has a completion, and how deep the stack was read for that."""
        automaton = self.automaton
        before = int(automaton.work[grammar_heap.LOWEST])
        if not self._needs:  # of threads under conditions nobody asks for fates first
            self.make_room(0)
        answer, lowest = self._answer(cell, state, watch)
        automaton.work[grammar_heap.LOWEST] = before
        heap = automaton.heap
        if 2 * (self._n_doubts + 1) > heap.rows("doubts"):
            old = heap["doubts"]
            old = old[old[:, 0] >= 0].copy()
            heap.ensure("doubts", 2 * heap.rows("doubts"))
            heap["doubts"][:] = -1
            heap.set_number(grammar_heap.N_DOUBTS, heap.rows("doubts"))
            for row in old.tolist():
                checks.enter_doubt(heap.array, *row)
        checks.enter_doubt(heap.array, cell, state, watch, int(answer), lowest)
        self._n_doubts += 1

    def _answer(self, cell: int, state: int, watch: int) -> tuple[bool, int]:
        liveness, ignore = self.liveness, self.automaton.grammar.ignore
        lowest, in_doubt = 1 << 30, False
        lexemes = liveness.lexemes((state, watch))
        for terminal, behind, _ in lexemes:
            if terminal in ignore:
                continue
            fits, depth = self._fit(cell, terminal)
            lowest = min(lowest, depth)
            if fits and self._is_good(terminal, behind):
                return True, lowest
            in_doubt = in_doubt or fits
        for boundary in {behind for terminal, behind, _ in lexemes if terminal in ignore}:
            lowest = min(lowest, int(self.automaton.heap["cells"][cell, 2]))
            code = liveness.code(self.automaton.top(cell)[0])
            for terminal, behind, _ in liveness.follow((boundary, code)):
                fits, depth = self._fit(cell, terminal)
                lowest = min(lowest, depth)
                if fits and (terminal == self._end or self._is_good(terminal, behind)):
                    return True, lowest
                in_doubt = in_doubt or fits
        if not in_doubt:
            return False, lowest
        return liveness.completion((cell, state, watch, 0, -1)) is not None or liveness.gave_up, 0

    def _fit(self, cell: int, terminal: int) -> tuple[bool, int]:
        """Whether ``terminal`` (the end is one) fits the stack, and the lowest cell that was read for that."""
        key = (cell, terminal)
        known = self._fits.get(key)
        if known is None:
            if len(self._fits) >= MOST_DOUBTS:
                self._fits.clear()
            automaton = self.automaton
            automaton.work[grammar_heap.LOWEST] = 1 << 30
            if terminal == self._end:
                fits = automaton.can_end(cell)
            else:
                fits = bool(automaton.run(lambda heap, work: stack_moves.can_shift(heap, work, cell, terminal)))
            known = self._fits[key] = fits, int(automaton.work[grammar_heap.LOWEST])
        return known

    def _is_good(self, terminal: int, behind: int) -> bool:
        """Whether a lexeme of ``terminal`` that ends under condition ``behind`` can surely be gone on from."""
        key = (terminal, behind)
        known = self._goods.get(key)
        if known is None:
            free = np.zeros(32 * fates.NEED_WORDS, dtype=np.bool_)
            free[:256] = self.liveness.ends.rows[behind] == 0
            free[256] = self.liveness.ends.at_end[behind]
            bits = int.from_bytes(np.packbits(free, bitorder="little").tobytes(), "little")
            known = self._goods[key] = all(bits & need for need in self._needs[terminal])
        return known


def _least(sets: Iterable[int]) -> list[int]:
    """Those of the sets that hold no other one."""
    kept: list[int] = []
    for found in sorted(set(sets), key=lambda each: (each.bit_count(), each)):
        if not any(found & other == other for other in kept):
            kept.append(found)
    return kept
