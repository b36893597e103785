"""Short completions: how a text under a grammar can be brought to an end.

Best-first search over lexemes. From a place, the moves are: finish the lexeme under way as
some terminal, or add a whole lexeme, with an ignored one before it where the two would
run together. A move's estimate is the length so far plus the least bytes that the stack
still needs, counted in terminals: for each item on top of the stack, what is missing of
it, then the same below (``StackCosts``). What is found is always checked by reading it.
"""

from __future__ import annotations

import heapq
from typing import Any

import numpy as np

from structgen.automata.grammar.automaton import GrammarAutomaton, Threads
from structgen.automata.grammar.liveness import Liveness
from structgen.automata.grammar.stack_costs import StackCosts
from structgen.automata.lexer import UNKNOWN
from structgen.errors import LimitError
from structgen.kernels import grammar_heap, grammar_walk, lasting_cells

__all__ = ["Completer"]

FEW_STEPS = 500
"""Steps after which the search starts again, thoroughly; one that succeeds takes a few dozen."""
MOST_STEPS = 20_000
MOST_LEXER_STATES = 4_000


class Completer:
    """Completions and forced bytes of one automaton; not thread-safe."""

    def __init__(self, automaton: GrammarAutomaton) -> None:
        self.automaton = automaton
        self._endings: dict[int, dict[int, bytes]] = {}
        self._words: dict[tuple[int, int], dict[int, bytes]] = {}
        self._costs: StackCosts | None = None
        self._liveness = automaton.prospects.liveness if automaton.prospects is not None else None

    @property
    def costs(self) -> StackCosts:
        if self._costs is None:
            grammar, widths = self.automaton.grammar, self.widths()
            least = []
            for terminal in range(grammar.n_terminals):
                pattern = grammar.terminals[terminal].pattern
                start = self.automaton.lexer.context(frozenset({terminal})) if pattern is not None else 0
                words = [self.endings(state).get(terminal) for state, _ in self.automaton.lexer.fork(start) if state]
                least.append(min((len(word) for word in words if word), default=widths.get(terminal, 0)))
            self._costs = StackCosts(self.automaton, least)
        return self._costs

    def widths(self) -> dict[int, int]:
        """Least bytes of terminals that the lexer does not match."""
        return {}

    @property
    def step_bound(self) -> int:
        """Bytes by which one more lexeme can lengthen what is needed, as a rule."""
        return self.costs.step_bound

    def endings(self, state: int) -> dict[int, bytes]:
        """Least bytes from a lexer state to each terminal it can match as."""
        known = self._endings.get(state)
        if known is None:
            known = self._endings[state] = self._search_endings(state)
        return known

    def _search_endings(self, state: int) -> dict[int, bytes]:
        """Breadth-first; printable bytes are tried first, so that completions look ordinary."""
        automaton = self.automaton
        found: dict[int, bytes] = {}
        seen, level = {state}, [(state, b"")]
        family = automaton.heap["family"][state]
        first, last = automaton.heap["family_start"][family : family + 2].tolist()
        wanted = set(automaton.heap["family_terminals"][first:last].tolist())
        while level and wanted and len(seen) < MOST_LEXER_STATES:
            following: list[tuple[int, bytes]] = []
            for at, word in level:
                row = automaton.expanded(at)[_ORDER]
                for terminal in automaton.lexer.may_end(at) & wanted:
                    found.setdefault(terminal, word)
                    wanted.discard(terminal)
                places = np.unique(row, return_index=True)[1]
                for place in sorted(places.tolist()):
                    for target, _ in automaton.lexer.fork(int(row[place])):
                        if target and target not in seen:
                            seen.add(target)
                            following.append((target, word + bytes([int(_ORDER[place])])))
            level = following
        return found

    def shortest(self, config: Threads) -> bytes:
        """A completion of ``config``; empty where it is accepting."""
        for thorough, limit in ((False, FEW_STEPS), (True, MOST_STEPS)):
            found = self._search(config, thorough, limit)
            if found is not None:
                return found
            known = self._known(config, thorough)
            if known is not None:
                return known
        raise LimitError("no completion was found", what="completion steps", limit=MOST_STEPS)

    def _known(self, config: Threads, thorough: bool) -> bytes | None:
        """The completion by which dead ends are told from others; where that is not asked, it is a last resort."""
        grammar = self.automaton.grammar
        if self._liveness is None and thorough and not (grammar.indentation or grammar.schemas or grammar.specials):
            self._liveness = Liveness(self.automaton)
        liveness = self._liveness
        words = [liveness.completion(thread) for thread in config] if liveness is not None else []
        return min((word for word in words if word is not None), key=len, default=None)

    def _search(self, config: Threads, thorough: bool, limit: int) -> bytes | None:
        """Best first; ``thorough`` also makes lexemes longer that could end where they are."""
        automaton = self.automaton
        queue: list[tuple[float, int, bytes, Threads]] = [(0.0, 0, b"", config)]
        seen: set[Threads] = set()
        count = 0
        while queue and len(seen) < limit:
            _, _, word, threads = heapq.heappop(queue)
            if threads in seen:
                continue
            seen.add(threads)
            if automaton.is_accepting(threads):
                return word
            for more, estimate in self._moves(threads, thorough):
                after = automaton.advance(threads, more)
                if after and after not in seen:
                    count += 1
                    heapq.heappush(queue, (len(word) + estimate, count, word + more, after))
        return None

    def _moves(self, config: Threads, thorough: bool = False) -> list[tuple[bytes, float]]:
        """Bytes to add and what is then needed in all, from here, the best few first."""
        automaton, costs = self.automaton, self.costs
        moves: dict[bytes, float] = {}
        for cell, state, watch, register, column in config:
            if thorough:
                self._longer_lexemes(cell, state, watch, register, moves)
            for terminal, word in self.endings(state).items():
                after = self._after(cell, terminal, register, -1 if word else column)
                if after is None:
                    continue
                need = costs.of(after)
                if word:
                    _offer(moves, word, need)
                else:
                    self._next_lexemes(after, state, moves)
                    words = self.words_of(automaton.stacks(after)[0], state) if thorough else {}
                    for ignored in automaton.grammar.ignore & words.keys():
                        _offer(moves, words[ignored], need)  # a lookahead may want one at the text's end
            if config == automaton.start():
                self._next_lexemes(cell, 0, moves)
        return sorted(moves.items(), key=lambda move: move[1])[: 96 if thorough else 24]

    def _after(self, cell: int, terminal: int, register: int, column: int) -> int | None:
        """``shift_of``, and what the indentation feeds after a newline that ends at ``column`` (-1: not known yet)."""
        automaton = self.automaton
        rules = automaton.grammar.indentation
        if rules is None or terminal != rules.newline:
            return self.shift_of(cell, terminal)
        if automaton.heap["feed"][register, 0] == UNKNOWN:
            automaton.registers.fill(register)
        counts = automaton.heap["feed_count"][register]
        if counts[grammar_heap.MAX_COLUMN] > 0:
            return cell  # within brackets a newline changes nothing
        fed = [rules.newline]
        if 0 <= column < grammar_heap.MAX_COLUMN:
            if automaton.heap["feed"][register, column] == grammar_heap.FITS_NONE:
                return None
            count = int(counts[column])
            fed += [rules.indent] * count if count > 0 else [rules.dedent] * -count
        after: int | None = cell
        for each in fed:
            after = self.shift_of(after, each) if after is not None else None
        return after

    def _longer_lexemes(self, cell: int, state: int, watch: int, register: int, moves: dict[bytes, float]) -> None:
        """Add the moves that read one more byte of the lexeme and then its shortest ending.

        Needed where a lexeme could end but must not: a lookahead stands against it, it is
        a newline at a column that fits no block, or it would swallow what begins the next.
        """
        automaton = self.automaton
        row = automaton.expanded(state)[_ORDER].astype(np.int64)
        steps = np.zeros(256, dtype=np.int64)
        if watch:
            if automaton.heap["watch_step"][watch, 0] == UNKNOWN:
                automaton.lexer.watches.fill(watch)
            steps = automaton.heap["watch_step"][watch][_ORDER].astype(np.int64)
        for place in np.unique(np.stack([row, steps]), axis=1, return_index=True)[1].tolist():
            if steps[place] < 0:
                continue
            byte = bytes([int(_ORDER[place])])
            for target, _ in automaton.lexer.fork(int(row[place])):
                for terminal, rest in (self.endings(target) if target else {}).items():
                    after = self._after(cell, terminal, register, -1)
                    if after is not None:
                        _offer(moves, byte + rest, self.costs.of(after))

    def _next_lexemes(self, cell: int, before: int, moves: dict[bytes, float]) -> None:
        """Add the moves that read a whole lexeme on ``cell``, after a lexeme in state ``before`` (0: none)."""
        for stack in self.automaton.stacks(cell):
            self._next_lexemes_on(stack, before, moves)

    def _next_lexemes_on(self, cell: int, before: int, moves: dict[bytes, float]) -> None:
        """The same on one stack."""
        ignore = self.automaton.grammar.ignore
        close, free = self.words_of(cell, before), self.words_of(cell, 0)
        gap = min((close[t] for t in ignore if t in close), key=len, default=None)
        for terminal in free.keys() - ignore:
            after = self.shift_of(cell, terminal)
            if after is None:
                continue
            need = self.costs.of(after)
            if terminal in close:
                _offer(moves, close[terminal], need)
            if gap is not None:
                _offer(moves, gap + free[terminal], need)

    def words_of(self, cell: int, before: int) -> dict[int, bytes]:
        """Least lexemes on ``cell`` by terminal, whose first byte ends the lexeme in state ``before``."""
        automaton = self.automaton
        code = automaton.start_code(self.state_of(cell))
        known = self._words.get((code, before))
        if known is not None:
            return known
        words = self._words[code, before] = {}
        for start, _ in automaton.lexer.fork(code):
            if not start:
                continue
            row = automaton.expanded(start)[_ORDER]
            if before:
                row = np.where(automaton.expanded(before)[_ORDER] == 0, row, 0)
                row = np.array([code if automaton.lexer.ended(before, byte) != -1 else 0
                                for byte, code in zip(_ORDER.tolist(), row.tolist(), strict=True)])  # fmt: skip
            for place in sorted(np.unique(row, return_index=True)[1].tolist()):
                for target, _ in automaton.lexer.fork(int(row[place])):
                    for terminal, rest in (self.endings(target) if target else {}).items():
                        word = bytes([int(_ORDER[place])]) + rest
                        if terminal not in words or len(word) < len(words[terminal]):
                            words[terminal] = word
        return words

    def state_of(self, cell: int) -> int:
        """The parser state on top of a stack."""
        return int(self.automaton.heap["cells"][cell, 0])

    def shift_of(self, cell: int, terminal: int) -> int | None:
        """The lasting cell after ``terminal``, which may be a fork; None where it does not fit."""
        automaton = self.automaton
        if terminal in automaton.grammar.ignore:
            return cell
        automaton.begin()
        found = int(automaton.run(lambda heap, work: grammar_walk.shift_at(heap, work, cell, terminal)))
        if found == grammar_heap.FAIL:
            return None
        automaton.reserve(int(automaton.work[grammar_heap.N_SCRATCH]) + 1)
        return int(lasting_cells.persist(automaton.heap.array, automaton.work, found))

    def forced(self, config: Threads, limit: int) -> bytes:
        """The bytes that are the only continuation, at most ``limit``."""
        automaton = self.automaton
        found = bytearray()
        while len(found) < limit and not automaton.is_accepting(config):
            live = self._live_bytes(config)
            if len(live) != 1:
                break
            found.append(live[0])
            config = automaton.advance(config, bytes(live))
        return bytes(found)

    def _live_bytes(self, config: Threads) -> bytes:
        """At most two of the bytes that may come next."""
        rows = np.array(config, dtype=np.int32).reshape(-1)

        def call(heap: Any, work: Any) -> tuple[int, int]:
            work[grammar_heap.N_SCRATCH] = 0
            first = work[grammar_heap.THREADS]
            work[first : first + len(rows)] = rows
            one, other = grammar_walk.two_live_bytes(heap, work, len(rows) // 5)
            return int(one), int(other)

        self.automaton.begin()
        return bytes(byte for byte in self.automaton.run(call) if byte >= 0)


def _offer(moves: dict[bytes, float], word: bytes, need: float) -> None:
    moves[word] = min(moves.get(word, need + len(word)), need + len(word))


_ORDER = np.array([*range(48, 58), *range(97, 123), *range(65, 91), *range(32, 48), *range(58, 65), *range(91, 97),
                   *range(123, 127), 10, 9, *range(9), *range(11, 32), *range(127, 256)])  # fmt: skip
