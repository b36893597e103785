"""The lexer of a grammar: all terminals in one automaton, determinised as it is read.

A state is the ordered list of pattern nodes that ``re`` would still consider (see
``ordered``), the lookbehinds running along, and the keywords that the lexeme may yet turn
out to be. Which terminals start is the *context*: Lark's contextual lexer tries only those
that the parser's state has an action for, so each set of terminals has a start state of its
own; contexts share every later state that is equal.

Keywords are kept apart from the patterns on purpose. Lark removes a string such as ``"if"``
from the lexer where a pattern such as NAME also matches it, and renames the lexeme
afterwards. So the state without its keywords, ``base[q]``, is common to all contexts, and
with it what costs most: the mask of tokens that stay inside the lexeme.

Rows of 256 successors are filled on first use; ``UNKNOWN`` marks what is not. A successor
that depends on a lookahead is a *fork*: a list of (state, condition) alternatives, where a
condition is an entry of ``Watches``, the runs that must, or must not, match later.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import numpy as np

from structgen.automata.ordered import MATCH, OrderedNfa, Variant
from structgen.automata.table_heap import TableHeap
from structgen.automata.watches import Watches
from structgen.errors import LimitError
from structgen.ir.grammar import Grammar
from structgen.kernels import pushdown

__all__ = ["DEAD", "UNKNOWN", "Lexer"]

_COLUMNS = (
    ("accepts", pushdown.ACCEPTS, -1),
    ("base", pushdown.BASE, 0),
    ("family", pushdown.FAMILY, 0),
    ("never", pushdown.NEVER, -1),
)
_LISTS = (
    ("family_start", pushdown.FAMILY_START),
    ("family_terminals", pushdown.FAMILY_TERMINALS),
    ("fork_start", pushdown.FORK_START),
    ("fork_state", pushdown.FORK_STATE),
    ("fork_watch", pushdown.FORK_WATCH),
)

DEAD, UNKNOWN = 0, -1
Key = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]
MAX_STATES = 200_000


class Lexer:
    """Lazily determinised automaton over the terminals of ``grammar``.

    Sections it writes in ``heap`` (fetch them anew after any call that may add states):
    ``delta`` (S, 256) int32, a state, ``UNKNOWN``, or ``-2 - i`` for fork ``i``;
    ``accepts`` (S,) int32, the terminal matched here or -1; ``base`` (S,) int32;
    ``family`` (S,) int32, an id of the set of terminals the lexeme can still become,
    whose members are ``family_terminals[family_start[f]:family_start[f + 1]]``;
    ``fork_start`` (F + 1,), ``fork_state``, ``fork_watch``: alternatives of a fork.
    """

    def __init__(self, grammar: Grammar, heap: TableHeap, *, exclusive: bool) -> None:
        self.grammar = grammar
        self.exclusive = exclusive
        self.nfa = OrderedNfa()
        self._starts: dict[int, int] = {}
        self._words: dict[int, int] = {}
        self._keyword_of = {
            word: {r for r, words in grammar.keywords.items() if word in words}
            for words in grammar.keywords.values()
            for word in words
        }
        self._ids: dict[Key, int] = {}
        self._keys: list[Key] = []
        self._behind: list[frozenset[int]] = []
        self._families: dict[frozenset[int], int] = {}
        self._contexts: dict[frozenset[int], int] = {}
        self._forks: dict[tuple[tuple[int, int], ...], int] = {}
        self.heap = heap
        heap.add("delta", pushdown.DELTA, 256, 256, UNKNOWN)
        for name, section, fill in _COLUMNS:
            heap.add(name, section, 1024, 0, fill)
        for name, section in _LISTS:
            heap.add(name, section, 1024)
        self._n_members = 0
        self._n_alternatives = 0
        self.watches = Watches(self)
        self._state((), (), ())
        heap["delta"][DEAD] = DEAD

    @property
    def n_states(self) -> int:
        return len(self._keys)

    def context(self, terminals: frozenset[int]) -> int:
        """The start code (a state, or a fork) where just ``terminals`` may begin."""
        known = self._contexts.get(terminals)
        if known is None:
            known = self._contexts[terminals] = self._build_context(terminals)
        return known

    def _build_context(self, terminals: frozenset[int]) -> int:
        grammar = self.grammar
        real = [t for t in sorted(terminals, key=lambda t: grammar.terminals[t].rank) if grammar.terminals[t].pattern]
        if not self.exclusive:
            variants = [v for t in real for v in self._variants([self._start(t)], [], ())]
            return self._code(variants)
        hidden = {word for t in real for word in grammar.shadowed.get(t, ()) if word in terminals}
        words = [self._word(word) for t in real for word in grammar.keywords.get(t, ()) if word in terminals]
        starts = [self._start(t) for t in real if t not in hidden]
        return self._code(self._variants(starts, [], tuple(dict.fromkeys(words))))

    def _start(self, terminal: int) -> int:
        if terminal not in self._starts:
            found = self.grammar.terminals[terminal]
            assert found.pattern is not None
            self._starts[terminal] = self.nfa.add_pattern(found.pattern, terminal, found.name)
        return self._starts[terminal]

    def _word(self, terminal: int) -> int:
        if terminal not in self._words:
            found = self.grammar.terminals[terminal]
            assert found.pattern is not None
            self._words[terminal] = self.nfa.add_pattern(found.pattern, terminal, found.name)
        return self._words[terminal]

    def watch_start(self, look: int) -> int:
        """The state that runs a lookahead's own pattern, from its first node."""
        variants = self.nfa.closures([look], frozenset())
        return self._state(variants[0][0], (), ()) if variants else DEAD

    def expand(self, state: int) -> None:
        """Fill the row of ``state``."""
        nodes, behind, words = self._keys[state]
        nfa = self.nfa
        cuts = {0, 256}
        for node in (*nodes, *behind, *words):
            for low, high, _ in nfa.edges[node]:
                cuts.add(low)
                cuts.add(high + 1)
        row = np.zeros(256, dtype=np.int32)
        bounds = sorted(cuts)
        memo: dict[tuple[tuple[int, ...], ...], int] = {}
        for low, high in pairwise(bounds):
            after = _targets(nfa, nodes, low)
            if not after:
                continue
            key = (after, _targets(nfa, behind, low), _targets(nfa, words, low))
            code = memo.get(key)
            if code is None:
                code = memo[key] = self._code(self._variants(after, list(key[1]), key[2]))
            row[low:high] = code
        self.heap["delta"][state] = row

    def _variants(
        self, starts: Iterable[int], behind: list[int], words: tuple[int, ...]
    ) -> list[tuple[Variant, tuple[int, ...], tuple[int, ...]]]:
        """Close over empty moves; lookbehinds restart at every place of the lexeme."""
        nfa = self.nfa
        starts = list(starts)
        running: tuple[int, ...] = ()
        ended: frozenset[int] = frozenset()
        mask = nfa.behind_mask(starts) if nfa.behind_starts else 0
        if mask:
            ended = frozenset(
                i for i in range(len(nfa.behind_starts)) if mask >> i & 1 and self._behind_ends(i, behind)
            )
            fresh = [nfa.behind_starts[i] for i in range(len(nfa.behind_starts)) if mask >> i & 1]
            found = nfa.closures_all([*behind, *fresh])
            running = tuple(sorted(found))
        if words:
            words = tuple(sorted(nfa.closures_all(words)))
        return [(variant, running, words) for variant in nfa.closures(starts, ended)]

    def _behind_ends(self, look: int, behind: list[int]) -> bool:
        nfa = self.nfa
        return any(nfa.kind[node] == MATCH and nfa.look_of_end(node) == look for node in nfa.closures_all(behind))

    def _code(self, variants: list[tuple[Variant, tuple[int, ...], tuple[int, ...]]]) -> int:
        """One state, DEAD, or a fork."""
        found = []
        for (nodes, guesses), running, words in variants:
            if self.nfa.behind_starts:
                mask = self.nfa.behind_mask(nodes)
                running = running if mask else ()
            state = self._state(nodes, running, self._live_words(nodes, words))
            watch = self.watches.of_guesses(guesses)
            if watch > 0 and self._implied(nodes, guesses):
                watch = 0
            if watch >= 0:
                found.append((state, watch))
        if not found:
            return DEAD
        if len(found) == 1 and found[0][1] == 0:
            return found[0][0]
        key = tuple(found)
        fork = self._forks.get(key)
        if fork is None:
            fork = self._forks[key] = len(self._forks)
            first = self._n_alternatives
            self._n_alternatives = last = first + len(found)
            for name, values in (("fork_state", [q for q, _ in found]), ("fork_watch", [w for _, w in found])):
                self.heap.ensure(name, last)
                self.heap[name][first:last] = values
            self.heap.ensure("fork_start", fork + 2)
            self.heap["fork_start"][fork + 1] = last
        return -2 - fork

    def _implied(self, nodes: tuple[int, ...], guesses: frozenset[tuple[bool, int]]) -> bool:
        """Whether ``nodes`` can only read on with bytes that fulfil all ``guesses`` at once.

        So it is behind each letter of a name spelled out beside reserved words: either the
        name ends here, or a letter follows, and then nothing needs to be watched.
        """
        nfa = self.nfa
        if any(nfa.kind[node] == MATCH for node in nodes) or not all(holds for holds, _ in guesses):
            return False
        for _, look in guesses:
            state = self.watch_start(look)
            if self.heap["delta"][state, 0] == UNKNOWN:
                self.expand(state)
            codes = self.heap["delta"][state]
            decided = (codes > 0) & (self.heap["accepts"][np.maximum(codes, 0)] >= 0)
            if not all(decided[low : high + 1].all() for node in nodes for low, high, _ in nfa.edges[node]):
                return False
        return True

    def _live_words(self, nodes: tuple[int, ...], words: tuple[int, ...]) -> tuple[int, ...]:
        """Keywords whose pattern is still in the running."""
        if not words:
            return ()
        label = self.nfa.label
        running = {label[node] for node in nodes}
        return tuple(node for node in words if not running.isdisjoint(self._keyword_of[label[node]]))

    def _state(self, nodes: tuple[int, ...], behind: tuple[int, ...], words: tuple[int, ...]) -> int:
        key = (nodes, behind, words)
        known = self._ids.get(key)
        if known is not None:
            return known
        base = self._state(nodes, behind, ()) if words else -1
        if len(self._keys) >= MAX_STATES:
            raise LimitError("the lexer needs too many states", what="lexer states", limit=MAX_STATES)
        state = self._ids[key] = len(self._keys)
        self._keys.append(key)
        for name in ("delta", *(column for column, _, _ in _COLUMNS)):
            self.heap.ensure(name, state + 1)
        label = self.nfa.label
        last = nodes[-1] if nodes else -1
        matched = label[last] if nodes and self.nfa.kind[last] == MATCH else -1
        if matched >= 0 and words:
            matched = self._renamed(matched, words)
        # a watched lookahead carries label -1: its end is marked by a terminal id past all others
        if nodes and self.nfa.kind[last] == MATCH and label[last] < 0:
            matched = len(self.grammar.terminals)
        self.heap["accepts"][state] = matched
        self.heap["base"][state] = state if base < 0 else base
        self.heap["family"][state] = self._family(
            frozenset(label[node] for node in (*nodes, *words) if label[node] >= 0)
        )
        return state

    def _renamed(self, matched: int, words: tuple[int, ...]) -> int:
        """The keyword that a complete lexeme of ``matched`` is, by rank, or ``matched`` itself."""
        allowed = self.grammar.keywords.get(matched, ())
        ended = {self.nfa.label[node] for node in words if self.nfa.kind[node] == MATCH}
        found = [word for word in allowed if word in ended]
        return min(found, key=lambda t: self.grammar.terminals[t].rank) if found else matched

    def _family(self, members: frozenset[int]) -> int:
        known = self._families.get(members)
        if known is None:
            known = self._families[members] = len(self._families)
            first = self._n_members
            self._n_members = last = first + len(members)
            self.heap.ensure("family_terminals", last)
            self.heap["family_terminals"][first:last] = sorted(members)
            self.heap.ensure("family_start", known + 2)
            self.heap["family_start"][known + 1] = last
        return known

    def fork(self, code: int) -> list[tuple[int, int]]:
        """The (state, condition) alternatives of a code: one unless it is a fork."""
        if code >= 0:
            return [(code, 0)]
        first, last = self.heap["fork_start"][-2 - code : -code].tolist()
        states, watches = self.heap["fork_state"][first:last].tolist(), self.heap["fork_watch"][first:last].tolist()
        return list(zip(states, watches, strict=True))

    def __repr__(self) -> str:
        return f"Lexer({len(self.grammar.terminals)} terminals, {self.n_states} states so far)"


def _targets(nfa: OrderedNfa, nodes: tuple[int, ...], byte: int) -> tuple[int, ...]:
    """Where ``nodes`` go on ``byte``, in order."""
    found = []
    for node in nodes:
        for low, high, target in nfa.edges[node]:
            if low <= byte <= high:
                found.append(target)
                break
    return tuple(found)
