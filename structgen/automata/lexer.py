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

Rows of 256 successors are filled on first use; ``UNKNOWN`` marks what is not. A lookahead
waits in the state until the next byte settles it, so how a lexeme may end there depends on
that byte. Where the byte leaves a lookahead open, its successor is a *fork*: a list of
(state, condition) alternatives, where a condition is an entry of ``Watches``, the runs that
must, or must not, match later; and so is how the lexeme may end.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from structgen.automata.lexer_states import LexerStates
from structgen.automata.ordered import FAILS, HOLDS, OPEN, OrderedNfa
from structgen.automata.table_heap import TableHeap
from structgen.automata.watches import Watches
from structgen.dtypes import IntArray
from structgen.errors import UnsupportedError
from structgen.ir.grammar import Grammar
from structgen.kernels import grammar_heap
from structgen.kernels.lexer import CONDITIONAL, EDGES, MATCH, SPLIT, LexerTables

__all__ = ["DEAD", "UNKNOWN", "Lexer"]

_COLUMNS = (
    ("accepts", grammar_heap.ACCEPTS, -1),
    ("base", grammar_heap.BASE, 0),
    ("family", grammar_heap.FAMILY, 0),
    ("never", grammar_heap.NEVER, -1),
)
_LISTS = (
    ("ending_start", grammar_heap.ENDING_START),
    ("ending_terminal", grammar_heap.ENDING_TERMINAL),
    ("ending_watch", grammar_heap.ENDING_WATCH),
    ("family_start", grammar_heap.FAMILY_START),
    ("family_terminals", grammar_heap.FAMILY_TERMINALS),
    ("fork_start", grammar_heap.FORK_START),
    ("fork_state", grammar_heap.FORK_STATE),
    ("fork_watch", grammar_heap.FORK_WATCH),
)

DEAD, UNKNOWN = 0, -1
_FEW_STATES, _MANY_TERMINALS = 1024, 64
"""States that there is room for at first, where terminals are no more than that."""
_FEW_TERMINALS = 16
"""Terminals up to which all that are plain texts are added together."""


class Lexer:
    """Lazily determinised automaton over the terminals of ``grammar``.

    Sections it writes in ``heap`` (fetch them anew after any call that may add states):
    ``delta`` (S, 256) int32, a state, ``UNKNOWN``, or ``-2 - i`` for fork ``i``;
    ``accepts`` (S,) int32, the terminal matched here or -1, or ``-2 - i`` where row i of
    ``ended`` (n, 257) says which by the next byte (256: at the text's end), see ``endings``;
    ``base`` (S,) int32, the state without its keywords;
    ``family`` (S,) int32, an id of the set of terminals the lexeme can still become,
    whose members are ``family_terminals[family_start[f]:family_start[f + 1]]``;
    ``fork_start`` (F + 1,), ``fork_state``, ``fork_watch``: alternatives of a fork.
    """

    def __init__(self, grammar: Grammar, heap: TableHeap, *, exclusive: bool) -> None:
        self.grammar = grammar
        self.exclusive = exclusive
        self.nfa = OrderedNfa()
        ranks = [(terminal.rank, t) for t, terminal in enumerate(grammar.terminals) if terminal.pattern is not None]
        self._ranked = [t for _, t in sorted(ranks)]
        """Terminals with patterns, in the order in which they are tried."""
        self._starts: dict[int, int] = {}
        self._words: dict[int, int] = {}
        self._contexts: dict[frozenset[int], int] = {}
        self._group_of: dict[int, int] = {}
        self._taken: list[int] = []
        """By group of terminals (see ``_apart``), the bytes with which they begin."""
        self._forks: dict[tuple[tuple[int, int], ...], int] = {}
        self.heap = heap
        # rows are marked as unknown when their states are made
        is_large = len(grammar.terminals) >= _MANY_TERMINALS
        room = 4 * _FEW_STATES if is_large else _FEW_STATES
        heap.add("delta", grammar_heap.DELTA, room, 256, used=lambda: len(self._states))
        heap.add("ended", grammar_heap.ENDED, 1024 if is_large else 64, 257, used=lambda: self._states.n_conditional)
        for name, section, fill in _COLUMNS:
            heap.add(name, section, room, 0, fill)
        for name, section in _LISTS:
            heap.add(name, section, 4096 if is_large else 512)
        self._cuts, self._n_cut = bytearray(257), 0
        self._n_alternatives = 0
        self._endings: dict[tuple[tuple[int, int], ...], int] = {}
        self._n_endings = 0
        self._looks: dict[int, list[int]] = {}
        self._places: dict[tuple[int, ...], dict[tuple[int, ...], npt.NDArray[np.intp]]] = {}
        self._states = LexerStates(grammar, heap, self.nfa)
        self.watches = Watches(self, 1024 if is_large else 16)
        self._states.intern((), (), ())
        heap["delta"][DEAD] = DEAD

    @property
    def n_states(self) -> int:
        return len(self._states)

    @property
    def tables(self) -> LexerTables:
        """The nodes and keys of states, for kernels; fetch it anew after anything that may add states."""
        return self._states.tables

    def context(self, terminals: frozenset[int]) -> int:
        """The start code (a state, or a fork) where just ``terminals`` may begin."""
        known = self._contexts.get(terminals)
        if known is None:
            known = self._contexts[terminals] = self._build_context(terminals)
        return known

    def _build_context(self, terminals: frozenset[int]) -> int:
        grammar = self.grammar
        real = [t for t in self._ranked if t in terminals]
        if not self._contexts and len(self._ranked) <= _FEW_TERMINALS:
            self._add_texts()
        if not self.exclusive and not grammar.scannerless:
            states = [self._after(group, (), ()) for group in self._apart(real)]
            return self._fork([(state, 0) for state in states if state])
        hidden = {word for t in real for word in grammar.shadowed.get(t, ()) if word in terminals}
        words = [self._word(word) for t in real for word in grammar.keywords.get(t, ()) if word in terminals]
        starts = [self._start(t) for t in real if t not in hidden]
        return self._after(starts, (), tuple(dict.fromkeys(words)))

    def _add_texts(self) -> None:
        """Add the terminals that are plain texts: under a small grammar they all will be asked for, and together
        they take less time.
        """
        words = set().union(*self.grammar.keywords.values())
        for terminal in self._ranked:
            if terminal not in words and self._is_text(terminal):
                self._start(terminal)

    def _apart(self, terminals: list[int]) -> list[list[int]]:
        """The first nodes of terminals that are read each by itself; one group where no two begin with the same byte.

        Behind the first byte each lexeme has a state of its own then, as it would have had alone.
        """
        groups: dict[int, list[int]] = {}
        for terminal in terminals:
            group = self._group_of.get(terminal)
            if group is None:
                first = self._first_bytes(self._start(terminal))
                group = next((i for i, taken in enumerate(self._taken) if not taken & first), len(self._taken))
                self._taken += [0] * (group + 1 - len(self._taken))
                self._taken[group] |= first
                self._group_of[terminal] = group
            groups.setdefault(group, []).append(self._start(terminal))
        return list(groups.values())

    def _first_bytes(self, node: int) -> int:
        """The bytes that can be read from ``node``, as bits; all where it looks around."""
        nfa, found = self.nfa, 0
        for reached in nfa.closures_all([node]):
            if nfa.kind[reached] not in (EDGES, SPLIT):
                return -1
            for low, high, _ in nfa.edges[reached]:
                found |= (1 << high + 1) - (1 << low)
        return found

    def key(self, state: int) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
        """The nodes of a state, those of its lookbehinds, and of its keywords."""
        return self._states.key(state)

    def first_node(self, terminal: int) -> int:
        """The node from which a terminal that is no keyword of another is read."""
        return self._start(terminal)

    def _start(self, terminal: int) -> int:
        """The first node of a terminal."""
        if terminal not in self._starts:
            self._starts[terminal] = self._add(terminal)
        return self._starts[terminal]

    def _word(self, terminal: int) -> int:
        """The same for a keyword, which is looked for beside the pattern that it is one of."""
        if terminal not in self._words:
            self._words[terminal] = self._add(terminal)
        return self._words[terminal]

    def _add(self, terminal: int) -> int:
        found = self.grammar.terminals[terminal]
        assert found.pattern is not None
        if found.literal and self._is_text(terminal):
            return self.nfa.add_text(found.literal.encode(), terminal)
        return self.nfa.add_pattern(found.pattern, terminal, found.name)

    def _is_text(self, terminal: int) -> bool:
        """Whether a terminal is a text whose letters stand for themselves."""
        found = self.grammar.terminals[terminal]
        return bool(found.literal and found.literal.isascii() and not found.flags)

    def byte_classes(self) -> npt.NDArray[np.uint8]:
        """(256,) uint8: the class of each byte; no terminal added so far tells bytes of one class apart."""
        for edges in self.nfa.edges[self._n_cut :]:
            for low, high, _ in edges:
                self._cuts[low] = self._cuts[high + 1] = 1
        self._n_cut = len(self.nfa.edges)
        begins = np.frombuffer(self._cuts, np.uint8, 256).copy()
        begins[0] = 0
        return np.cumsum(begins, dtype=np.uint8)

    def watch_start(self, look: int) -> int:
        """The state that runs a lookahead's own pattern, from its first node."""
        return self._states.closed((look,), ())

    def expand(self, state: int) -> None:
        """Fill the row of ``state``, and how lexemes end there where that depends on the next byte."""
        if self.heap["accepts"][state] <= CONDITIONAL:
            if self.grammar.scannerless:
                self._expand_ambiguous(state)
            else:
                self._expand_pending(state)
            return
        if not self.nfa.behind_starts:
            self._states.expand(state)
            return
        nodes, behind, words = self._states.key(state)
        row = np.zeros(256, dtype=np.int32)
        memo: dict[tuple[tuple[int, ...], ...], int] = {}
        for low, high in pairwise(_cuts(self.nfa, (*nodes, *behind, *words))):
            after = _targets(self.nfa, nodes, low)
            if not after:
                continue
            key = (after, _targets(self.nfa, behind, low), _targets(self.nfa, words, low))
            code = memo.get(key)
            if code is None:
                code = memo[key] = self._after(*key)
            row[low:high] = code
        self.heap["delta"][state] = row

    def expand_all(self, states: list[int], most: int) -> None:
        """Fill the rows of ``states``, and of at most ``most`` states behind each."""
        if self.nfa.behind_starts or self._states.expand_all(states, most):
            for state in states:
                if self.heap["delta"][state, 0] == UNKNOWN:
                    self.expand(state)

    def _expand_pending(self, state: int) -> None:
        """The same for a state with lookaheads: what they come to before a byte makes it a state without.

        Where a byte leaves one open, both of its outcomes are guessed and watched.
        """
        nfa, heap = self.nfa, self.heap
        nodes, behind, words = self._states.key(state)
        looks = tuple(sorted(nfa.looks_behind(nodes)))
        mask = nfa.behind_mask(nodes) if nfa.behind_starts else 0
        met = frozenset(i for i in range(len(nfa.behind_starts)) if mask >> i & 1 and self._behind_ends(i, behind))
        row = np.zeros(256, dtype=np.int32)
        ended = np.full(257, -1, dtype=np.int32)
        plain: dict[tuple[int, ...], list[tuple[int, frozenset[tuple[bool, int]]]]] = {}
        for outcomes, at in self._places_of(looks).items():
            kinds = tuple([min(outcome, OPEN) for outcome in outcomes])  # which run is open makes no difference here
            ways = plain.get(kinds)
            if ways is None:
                known = dict(zip(looks, kinds, strict=True))
                ways = plain[kinds] = [
                    (self._plain_state(found, behind, words), guesses)
                    for found, guesses in nfa.resolved(nodes, met, known.__getitem__)
                ]
            if at[-1] == 256:
                ended[256] = heap["accepts"][ways[0][0]] if ways else -1
                at = at[:-1]
                if not len(at):
                    continue
            runs = dict(zip(looks, outcomes, strict=True))
            watched = [
                (way, self.watches.of_runs([(holds, runs[look]) for holds, look in guesses])) for way, guesses in ways
            ]
            self._settle(at, watched, row, ended)
        heap["delta"][state] = row
        heap["ended"][CONDITIONAL - heap["accepts"][state]] = ended

    def _places_of(self, looks: tuple[int, ...]) -> dict[tuple[int, ...], npt.NDArray[np.intp]]:
        """The bytes (256: the text's end) before which lookaheads come to the same, by what they come to."""
        places = self._places.get(looks)
        if places is None:
            found: dict[tuple[int, ...], list[int]] = {}
            for byte, outcomes in enumerate(zip(*(self._outcomes(look) for look in looks), strict=True)):
                found.setdefault(outcomes, []).append(byte)
            places = self._places[looks] = {outcomes: np.array(at, np.intp) for outcomes, at in found.items()}
        return places

    def _expand_ambiguous(self, state: int) -> None:
        """The same for a state in which several terminals match, which all count."""
        self._states.expand(state)
        kind, label = self.nfa.kind, self.nfa.label
        matched = sorted({label[node] for node in self._states.key(state)[0] if kind[node] == MATCH})
        code = self._ending([(terminal, 0, DEAD) for terminal in matched])
        self.heap["ended"][CONDITIONAL - self.heap["accepts"][state]] = code

    def _plain_state(self, nodes: tuple[int, ...], behind: tuple[int, ...], words: tuple[int, ...]) -> int:
        """The state of nodes that do not look ahead, its row filled."""
        state = self._states.intern(nodes, behind, words)
        if self.heap["delta"][state, 0] == UNKNOWN:
            self.expand(state)
        return state

    def _settle(self, at: npt.NDArray[np.intp], ways: list[tuple[int, int]], row: IntArray, ended: IntArray) -> None:
        """Fill the places ``at`` where a state is one of ``ways``, (plain state, watch behind the byte)."""
        if not ways:
            return
        delta, accepts = self.heap["delta"], self.heap["accepts"]
        if len(ways) == 1 and ways[0][1] == 0:
            row[at] = delta[ways[0][0]][at]
            ended[at] = accepts[ways[0][0]]
            return
        memo: dict[tuple[int, ...], tuple[int, int]] = {}
        terminals = [int(accepts[plain]) for plain, _ in ways]
        after = [delta[plain][at].tolist() for plain, _ in ways]
        settled: list[tuple[int, int]] = []
        for codes in zip(*after, strict=True):
            if codes not in memo:
                found = zip(terminals, ways, codes, strict=True)
                ends = [(terminal, watch, code) for terminal, (_, watch), code in found]
                on = [(code, watch) for (_, watch), code in zip(ways, codes, strict=True) if code]
                memo[codes] = self._fork(on), self._ending(ends)
            settled.append(memo[codes])
        row[at], ended[at] = zip(*settled, strict=True)

    def _outcomes(self, look: int) -> list[int]:
        """What a lookahead comes to before each byte, and at the text's end (the last): see ``OrderedNfa.resolved``."""
        known = self._looks.get(look)
        if known is None:
            start, heap = self.watch_start(look), self.heap
            if heap["accepts"][start] >= 0:
                return self._looks.setdefault(look, [HOLDS] * 257)
            if heap["delta"][start, 0] == UNKNOWN:
                self.expand(start)
            after = heap["delta"][start]
            if (after < 0).any():
                raise UnsupportedError("a lookahead within a lookahead begins with it", keyword="nested lookahead")
            known = [*np.where((after > 0) & (heap["accepts"][after] >= 0), HOLDS, after).tolist(), FAILS]
            if heap["accepts"][start] <= CONDITIONAL:
                known = [HOLDS if self.ended(start, at) >= 0 else each for at, each in enumerate(known)]
            self._looks[look] = known
        return known

    def _ending(self, ends: list[tuple[int, int, int]]) -> int:
        """How a lexeme may end before a byte, by (terminal or -1, watch, state if it goes on) for each guess.

        A terminal, -1, or ``-2 - i`` for a list of (terminal, watch behind the byte).
        """
        if len(ends) == 1 and ends[0][1] == 0:
            return ends[0][0]
        found = []
        for terminal, watch, code in ends:
            if terminal < 0 or self.heap["accepts"][code] >= 0:
                continue
            both = self.watches.join(watch, self.watches.never(code)) if code else watch
            if both >= 0:
                found.append((terminal, both))
        if not found:
            return -1
        key = tuple(found)
        known = self._endings.get(key)
        if known is None:
            known = self._endings[key] = len(self._endings)
            first, self._n_endings = self._n_endings, self._n_endings + len(found)
            for name, values in (("ending_terminal", [t for t, _ in found]), ("ending_watch", [w for _, w in found])):
                self.heap.ensure(name, self._n_endings)
                self.heap[name][first : self._n_endings] = values
            self.heap.ensure("ending_start", known + 2)
            self.heap["ending_start"][known + 1] = self._n_endings
        return -2 - known

    def endings(self, code: int) -> list[tuple[int, int]]:
        """The (terminal, watch) alternatives of what ``_ending`` returns."""
        if code >= -1:
            return [(code, 0)] if code >= 0 else []
        first, last = self.heap["ending_start"][-2 - code : -code].tolist()
        terminals, watches = self.heap["ending_terminal"][first:last], self.heap["ending_watch"][first:last]
        return list(zip(terminals.tolist(), watches.tolist(), strict=True))

    def ended(self, state: int, byte: int = 256) -> int:
        """How a lexeme in ``state`` may end before ``byte`` (256: at the text's end); see ``endings``."""
        accepts = int(self.heap["accepts"][state])
        if accepts > CONDITIONAL:
            return accepts
        if self.heap["delta"][state, 0] == UNKNOWN:
            self.expand(state)
        return int(self.heap["ended"][CONDITIONAL - accepts, byte])

    def may_end(self, state: int) -> frozenset[int]:
        """The terminals as which a lexeme may end in ``state``, whatever comes next."""
        accepts = int(self.heap["accepts"][state])
        if accepts > CONDITIONAL:
            return frozenset({accepts} if accepts >= 0 else ())
        self.ended(state)
        codes = set(self.heap["ended"][CONDITIONAL - accepts].tolist())
        return frozenset(terminal for code in codes for terminal, _ in self.endings(code))

    def _after(self, starts: Collection[int], behind: tuple[int, ...], words: Collection[int]) -> int:
        """The state that nodes lead to by empty moves; lookbehinds restart at every place of the lexeme."""
        nfa = self.nfa
        if not nfa.behind_starts:
            return self._states.closed(starts, words)
        running: tuple[int, ...] = ()
        ended: frozenset[int] = frozenset()
        mask = nfa.behind_mask(starts)
        if mask:
            met = [i for i in range(len(nfa.behind_starts)) if mask >> i & 1]
            ended = frozenset(i for i in met if self._behind_ends(i, behind))
            running = tuple(sorted(nfa.closures_all([*behind, *(nfa.behind_starts[i] for i in met)])))
        nodes = nfa.closure(starts, ended)
        if not nodes:
            return DEAD
        if not nfa.behind_mask(nodes):
            running = ()
        return self._states.intern(nodes, running, self._live_words(nodes, sorted(nfa.closures_all(words))))

    def _behind_ends(self, look: int, behind: Iterable[int]) -> bool:
        nfa = self.nfa
        return any(nfa.kind[node] == MATCH and nfa.look_of_end(node) == look for node in nfa.closures_all(behind))

    def _fork(self, ways: list[tuple[int, int]]) -> int:
        """The code of (state, watch) alternatives: one state, DEAD, or a fork."""
        if not ways:
            return DEAD
        if len(ways) == 1 and ways[0][1] == 0:
            return ways[0][0]
        key = tuple(ways)
        fork = self._forks.get(key)
        if fork is None:
            fork = self._forks[key] = len(self._forks)
            first = self._n_alternatives
            self._n_alternatives = last = first + len(ways)
            for name, values in (("fork_state", [q for q, _ in ways]), ("fork_watch", [w for _, w in ways])):
                self.heap.ensure(name, last)
                self.heap[name][first:last] = values
            self.heap.ensure("fork_start", fork + 2)
            self.heap["fork_start"][fork + 1] = last
        return -2 - fork

    def _live_words(self, nodes: tuple[int, ...], words: list[int]) -> list[int]:
        """Keywords whose pattern is still in the running."""
        label, keywords = self.nfa.label, self.grammar.keywords
        running = {word for node in nodes for word in keywords.get(label[node], ())}
        return [node for node in words if label[node] in running]

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


def _cuts(nfa: OrderedNfa, nodes: Iterable[int]) -> list[int]:
    """Places between bytes where some of ``nodes`` tell them apart, with both ends."""
    cuts = {0, 256}
    for node in nodes:
        for low, high, _ in nfa.edges[node]:
            cuts.add(low)
            cuts.add(high + 1)
    return sorted(cuts)
