"""Whether a text can still be completed, decided exactly, for grammars whose lexemes get in each other's way.

A parser's stack says which terminals may come next. That is not enough where a terminal that
fits can never be read: what has begun would swallow it (``x: "a" "b"`` with comments
``/#[^\\n]*/`` ignored: nothing ends the comment in ``a#``), a lookahead asks for text that the
grammar does not have there, another terminal always wins. ``collisions`` tells which grammars
are free of this; for all others, this module answers.

Lexer and stack together are a pushdown automaton. Its control between two lexemes is a
*boundary*: the conditions on the text to come (an ended lexeme must not have been able to
match more) and the context in which the next lexeme is read. Reachability is decided by
summaries, as in Bouajjani, Esparza and Maler (1997), worked out on demand: what a state on top
of the stack can lead to until it is popped, which does not depend on what lies below. A stack
is then tried from the top down, one way after the other. Reductions are taken as the tables have them, so conflicts
settled by shifting are accounted for, too.

Bytes go along as trees of pieces, so a text that is alive also has a completion.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from structgen.automata.grammar.lexeme_ends import FREE, LexemeEnds, Place
from structgen.errors import LimitError

if TYPE_CHECKING:
    from structgen.automata.grammar.automaton import GrammarAutomaton, Thread

__all__ = ["Liveness"]

Boundary = tuple[int, int]
"""(condition, start code of the lexer)."""
Control = tuple[int, int, int]
"""``(BOUNDARY, condition, code)``, or ``(PENDING, terminal, condition)`` where a terminal (``n_terminals``: the end)
has been read and is not on the stack yet."""
Key = tuple[int, Control]
Outcome = tuple[int, int, int, int]
"""(left-hand side, further symbols to pop, terminal, condition); the left-hand side is ``ACCEPTED`` at the end."""
StackPlace = tuple[int, int, Control]
"""(state on top of the stack, place below it, control)."""
Word = Any
"""Bytes, or a pair of words."""

BOUNDARY, PENDING = 0, 1
ACCEPTED = -1
ENDED: StackPlace = (-1, -1, (-1, -1, -1))
"""The text is complete."""
MAX_FACTS = 150_000
MAX_ANSWERS = 200_000


class Liveness:
    """``completion`` of threads; not thread-safe."""

    def __init__(self, automaton: GrammarAutomaton) -> None:
        self.automaton = automaton
        self.grammar = automaton.grammar
        self.tables = automaton.tables
        self.ends = LexemeEnds(automaton.lexer)
        self._lexemes: dict[Place, list[tuple[int, int, bytes]]] = {}
        self._behind: dict[tuple[bool, Place], list[tuple[int, Place]]] = {}
        self._ends: dict[Place, list[tuple[int, int]]] = {}
        self._follow: dict[Boundary, list[tuple[int, int, bytes]]] = {}
        self._outcomes: dict[Key, dict[Outcome, Word]] = {}
        self._pushes: dict[Key, dict[Key, Word]] = {}
        self._waiting: dict[Key, list[Key]] = {}
        self._todo: deque[tuple[Key, Key, Outcome]] = deque()
        self._actions: dict[tuple[int, int], list[tuple[int, int, int]]] = {}
        self._answers: dict[tuple[int, int, int], bytes | None] = {}
        self._one_code: int | None = None
        self._n_facts = 0
        self.gave_up = False
        """Whether a limit was met: from then on nothing counts as dead."""

    def completion(self, thread: Thread) -> bytes | None:
        """Bytes that complete the lexeme under way and all that is open; None where there are none, or none known."""
        key = thread[:3]
        if key not in self._answers:
            if len(self._answers) >= MAX_ANSWERS:
                self._answers.clear()
            if self.gave_up:
                return None
            try:
                self._answers[key] = self._complete(*key)
            except LimitError:
                self.gave_up = True
                return None
        return self._answers[key]

    # --- lexemes

    def lexemes(self, place: Place) -> list[tuple[int, int, bytes]]:
        """(terminal, condition behind it, bytes) for the ways in which the lexeme under way may end."""
        known = self._lexemes.get(place)
        if known is None:
            known = self._lexemes[place] = self._find_lexemes({place: b""})
        return known

    def _find_lexemes(self, words: dict[Place, bytes]) -> list[tuple[int, int, bytes]]:
        """Breadth-first from the places that ``words`` lead to."""
        todo = deque(words)
        found: dict[tuple[int, int], bytes] = {}
        while todo:
            at = todo.popleft()
            if at not in self._ends:
                self._ends[at] = self.ends.ends(at)
            for end in self._ends[at]:
                found.setdefault(end, words[at])
            for byte, place in self._places_behind(at, begun=True):
                if place not in words:
                    words[place] = words[at] + bytes([byte])
                    todo.append(place)
        return [(terminal, condition, word) for (terminal, condition), word in found.items()]

    def _places_behind(self, place: Place, *, begun: bool) -> list[tuple[int, Place]]:
        """(a byte, the place behind it), one byte for each, as lexer and conditions go on together; remembered.

        ``begun`` is whether a lexeme is under way; before one, the second of ``place`` is a condition.
        """
        found = self._behind.get((begun, place))
        if found is None:
            state, second = place
            codes, bytes_ = self.ends.delta(state), self.ends.one_of_each
            watches = self.ends.steps(second) if begun else self.ends.rows[second]
            columns: dict[tuple[int, int], int] = {}
            for code, watch, byte in zip(
                codes[bytes_].tolist(), watches[bytes_].tolist(), bytes_.tolist(), strict=True
            ):
                columns.setdefault((code, watch), byte)
            byte_of: dict[Place, int] = {}
            for column, byte in columns.items():
                for after in self.ends.behind(*column):
                    byte_of.setdefault(after, byte)
            found = self._behind[begun, place] = [(byte, after) for after, byte in byte_of.items()]
        return found

    def follow(self, boundary: Boundary) -> list[tuple[int, int, bytes]]:
        """(terminal, condition behind it, bytes) for what may be read next, ignored lexemes left out; and the end."""
        known = self._follow.get(boundary)
        if known is not None:
            return known
        found: dict[tuple[int, int], bytes] = {}
        condition, code = boundary
        seen = {condition: b""}
        todo = [condition]
        for condition in todo:
            if self.ends.at_end[condition]:
                found.setdefault((self.grammar.n_terminals, FREE), seen[condition])
            for terminal, behind, word in self._begun(condition, code):
                whole = seen[condition] + word
                if terminal not in self.grammar.ignore:
                    found.setdefault((terminal, behind), whole)
                elif behind not in seen:
                    seen[behind] = whole
                    todo.append(behind)
        answer = [(terminal, behind, word) for (terminal, behind), word in found.items()]
        self._follow[boundary] = answer
        return answer

    def _begun(self, condition: int, code: int) -> list[tuple[int, int, bytes]]:
        """The lexemes that may begin under ``condition`` in a context."""
        words: dict[Place, bytes] = {}
        for state, _ in self.automaton.lexer.fork(code):
            if state:
                for byte, place in self._places_behind((state, condition), begun=False):
                    words.setdefault(place, bytes([byte]))
        return self._find_lexemes(words)

    # --- summaries

    def code(self, state: int) -> int:
        """The lexer's start code in a parser state; one for all where stacks fork, which have many states."""
        if self.automaton.forked is None:
            return self.automaton.start_code(state)
        if self._one_code is None:
            real = (t for t, terminal in enumerate(self.grammar.terminals) if terminal.pattern is not None)
            self._one_code = self.automaton.lexer.context(frozenset(real))
        return self._one_code

    def _moves(self, state: int, terminal: int) -> list[tuple[int, int, int]]:
        """(symbols to pop, left-hand side, -1), (-1, -1, next state) or (0, ACCEPTED, -1)."""
        key = (state, terminal)
        known = self._actions.get(key)
        if known is None:
            known = self._actions[key] = list(self._find_moves(state, terminal))
        return known

    def _find_moves(self, state: int, terminal: int) -> Iterator[tuple[int, int, int]]:
        tables = self.tables
        action = int(tables.action[state, terminal])
        reduced = [-1 - action] if action < 0 else []
        if self.automaton.forked is not None:
            reduced = self.automaton.forked.reductions(state, terminal)
        if action > 0:
            yield -1, -1, action - 1
        for production in reduced:
            if production == 0:
                yield 0, ACCEPTED, -1
            else:
                yield int(tables.length[production]), int(tables.left[production]), -1

    def _outcomes_of(self, state: int, control: Control) -> dict[Outcome, Word]:
        """All outcomes of ``state`` on top of the stack, worked out to the end."""
        key = (state, control)
        if key not in self._outcomes:
            self._new(key)
            self._begin(key)
            while self._todo:
                self._resume(*self._todo.popleft())
        return self._outcomes[key]

    def _begin(self, key: Key) -> None:
        """Enter what ``key`` does by itself: pushes, and outcomes. Without recursion, for stacks grow long."""
        fresh = [key]
        while fresh:
            key = fresh.pop()
            state, control = key
            if control[0] == BOUNDARY:
                pending = [((PENDING, t, c), word) for t, c, word in self.follow(control[1:])]
            else:
                pending = [(control, b"")]
            for following, word in pending:
                _, terminal, condition = following
                for n_popped, left, target in self._moves(state, terminal):
                    if target >= 0:
                        fresh += self._push(key, (target, (BOUNDARY, condition, self.code(target))), word)
                    elif left == ACCEPTED:
                        self._outcome(key, (ACCEPTED, 0, 0, 0), word)
                    elif n_popped:
                        self._outcome(key, (left, n_popped - 1, terminal, condition), word)
                    else:
                        goto = int(self.tables.goto[state, left])
                        fresh += self._push(key, (goto, (PENDING, terminal, condition)), word)

    def _new(self, key: Key) -> None:
        self._outcomes[key] = {}
        self._pushes[key] = {}
        self._waiting[key] = []

    def _push(self, key: Key, child: Key, word: Word) -> list[Key]:
        """``child`` comes to lie on ``key``; returns it where it is new."""
        if child in self._pushes[key]:
            return []
        self._pushes[key][child] = word
        self._count()
        is_new = child not in self._outcomes
        if is_new:
            self._new(child)
        self._waiting[child].append(key)
        self._todo.extend((key, child, outcome) for outcome in self._outcomes[child])
        return [child] if is_new else []

    def _outcome(self, key: Key, outcome: Outcome, word: Word) -> None:
        known = self._outcomes[key]
        if outcome not in known:
            known[outcome] = word
            self._count()
            self._todo.extend((parent, key, outcome) for parent in self._waiting[key])

    def _count(self) -> None:
        self._n_facts += 1
        if self._n_facts > MAX_FACTS:
            raise LimitError("too much to work out about lexemes that collide", what="facts", limit=MAX_FACTS)

    def _resume(self, key: Key, child: Key, outcome: Outcome) -> None:
        """``child`` on top of ``key`` has come to ``outcome``."""
        word = (self._pushes[key][child], self._outcomes[child][outcome])
        left, n_more, terminal, condition = outcome
        if left == ACCEPTED:
            self._outcome(key, outcome, word)
        elif n_more:
            self._outcome(key, (left, n_more - 1, terminal, condition), word)
        else:
            goto = int(self.tables.goto[key[0], left])
            for fresh in self._push(key, (goto, (PENDING, terminal, condition)), word):
                self._begin(fresh)

    # --- stacks

    def _complete(self, cell: int, state: int, watch: int) -> bytes | None:
        """Try the ways in which the lexeme in ``state`` may end, then the stack from the top down.

        Depth-first: nearly every way down the stack comes to its end.
        """
        seen: set[tuple[int, int, Control]] = set()
        open_ways = [self._first_places(cell, state, watch)]
        while open_ways:
            place, word = next(open_ways[-1], (None, b""))
            if place is None:
                open_ways.pop()
            elif place == ENDED:
                return _flat(word)
            elif place not in seen:
                seen.add(place)
                open_ways.append(self._places_under(place, word))
        return None

    def _first_places(self, cell: int, state: int, watch: int) -> Iterator[tuple[StackPlace, Word]]:
        """Where the stack is once the lexeme under way has ended, and the bytes until then."""
        for terminal, behind, word in self.lexemes((state, watch)):
            top, below = self.automaton.top(cell)
            if terminal not in self.grammar.ignore:
                yield (top, below, (PENDING, terminal, behind)), word
                continue
            if cell == 0 and self.automaton.accepts_empty and self._end_of(behind, top) is not None:
                yield ENDED, word + (self._end_of(behind, top) or b"")
            yield (top, below, (BOUNDARY, behind, self.code(top))), word

    def _places_under(self, place: StackPlace, word: Word) -> Iterator[tuple[StackPlace, Word]]:
        """What the top of a stack comes to, further down."""
        top, below, control = place
        for (left, n_more, terminal, behind), more in self._outcomes_of(top, control).items():
            whole: Word = (word, more)
            if left == ACCEPTED:
                yield ENDED, whole
                return
            for base, base_state in self.automaton.bases(below, n_more):
                yield (int(self.tables.goto[base_state, left]), base, (PENDING, terminal, behind)), whole

    def _end_of(self, condition: int, state: int) -> bytes | None:
        """Ignored lexemes after which the text may end."""
        found = self.follow((condition, self.code(state)))
        return next((word for terminal, _, word in found if terminal == self.grammar.n_terminals), None)


def _flat(word: Word) -> bytes:
    parts, todo = [], [word]
    while todo:
        part = todo.pop()
        if isinstance(part, bytes):
            parts.append(part)
        else:
            todo += [part[1], part[0]]
    return b"".join(parts)
