"""Whether the lexemes of a grammar can get in each other's way, told from its terminals alone.

Where they cannot, every stack that the parser can build can be completed, and masks need to ask
the stack only. Where they may, dead ends are looked for (``prospects``, ``liveness``), which costs time; so this
answers "no" for what programming languages look like. Grammars with very large tables are not
asked: in those a dead end of this kind may remain.

The argument for "no": behind each place where a lexeme may end, some *separator* (an ignored
lexeme of one character, which no other lexeme starts with) cannot be read as a part of it, or else
whatever may follow the terminal starts with a character that cannot; every terminal that
can come next starts with a character that a separator does not swallow; and no terminal
is hidden behind others that win against it. All of this is asked of sets of characters:
those that may come first, further on, and behind a place where a match may end (Glushkov's
construction). What they cannot decide (lookarounds within a pattern, patterns that overlap) is
explored in a lexer of those terminals alone.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from structgen.automata.grammar.exploration import Exploration
from structgen.automata.grammar.followers import Followers
from structgen.automata.grammar.lalr import LalrTables
from structgen.automata.grammar.paths import Paths
from structgen.automata.grammar.shapes import BEYOND_ASCII, THE_END, Shape, Shapes, bits, shape_of
from structgen.automata.lexer import Lexer
from structgen.automata.table_heap import TableHeap
from structgen.errors import LimitError, UnsupportedError
from structgen.ir.grammar import Grammar, Terminal
from structgen.ir.passes import ignored_in_rules
from structgen.ir.pattern import Alternatives, Characters, Look, Pattern, Repeat, Sequence, max_width, min_width

__all__ = ["lexemes_collide"]

MAX_ACTIONS = 10_000
"""Entries of the action table beyond which nothing is asked: the answer would be too much to act on."""
_ESCAPED_STRING = '\\".*?(?<!\\\\)(\\\\\\\\)*?\\"'
"""Lark's own ``ESCAPED_STRING``, which holds a lookbehind and is in order."""


def lexemes_collide(grammar: Grammar, tables: LalrTables | None) -> bool:
    """Whether dead ends cannot be ruled out; ``tables`` are given where Lark's contextual lexer is used."""
    if grammar.indentation is not None or grammar.schemas or grammar.specials or grammar.scannerless:
        return False
    if tables is not None and tables.action.size > MAX_ACTIONS:
        return False
    if tables is not None and (not tables.is_lalr or ignored_in_rules(grammar)):
        return True
    try:
        return _Inquiry(grammar, tables).collide()
    except (LimitError, UnsupportedError):
        return True


class _Inquiry:
    """One grammar's terminals; ``real`` are those with patterns."""

    def __init__(self, grammar: Grammar, tables: LalrTables | None) -> None:
        self.grammar = grammar
        self.tables = tables
        used = {s for p in grammar.productions for s in p.rhs if s < grammar.n_terminals} | grammar.ignore
        self.paths = Paths(grammar)
        self.shapes = {t: self._shape(grammar.terminals[t]) for t in sorted(used) if grammar.terminals[t].pattern}
        self.separators = self._separators()
        self._firsts: dict[int, int] = {}
        self._anything = {self._first(t) for t in self.shapes if t not in grammar.ignore} | {THE_END}

    def _shape(self, terminal: Terminal) -> Shape:
        if terminal.literal and not terminal.flags:
            return Shapes.of_text(terminal.literal)
        assert terminal.pattern is not None
        return shape_of(terminal.pattern)

    @cached_property
    def followers(self) -> Followers:
        return Followers(self.grammar)

    @cached_property
    def together(self) -> list[int]:
        """For each terminal, as bits, those that some state has an action for besides."""
        return _together(self.tables) if self.tables is not None else []

    def collide(self) -> bool:
        """All the questions, the cheap ones first."""
        if any(not self._ends_well(t) for t in self.shapes):
            return True
        if self.tables is not None and self._something_is_hidden():
            return True
        return any(shape.looks and not self._explored((t,)) for t, shape in self.shapes.items() if self._is_odd(t))

    def _is_odd(self, terminal: int) -> bool:
        return self.grammar.terminals[terminal].source != _ESCAPED_STRING

    # --- ends

    def _separators(self) -> list[tuple[int, int]]:
        """(character, set of those that can be read on with) of the separators before which any terminal may start."""
        found = []
        kept = {t: shape for t, shape in self.shapes.items() if t not in self.grammar.ignore}
        for character in " \n\t\r,;":
            bit = 1 << ord(character)
            owners = [t for t in self.grammar.ignore if t in self.shapes and self.shapes[t].first & bit]
            if not owners or not all(self._is_whole(self.grammar.terminals[t].pattern, bit) for t in owners):
                continue
            swallowed = 0
            for owner in owners:
                swallowed |= self.shapes[owner].beyond | self.shapes[owner].later
            for rival in kept if self.tables is not None else ():
                if kept[rival].first & bit:
                    more, ends = self.paths.after(rival, [bit], 0)
                    swallowed |= -1 if ends else more
            found.append((bit, swallowed))
        return found

    def _is_whole(self, pattern: Pattern | None, bit: int) -> bool:
        """Whether ``pattern`` is a class, or a repeated one, with the character."""
        if isinstance(pattern, Repeat) and pattern.low <= 1:
            pattern = pattern.part
        return isinstance(pattern, Characters) and bool(bits(pattern.ranges) & bit)

    def _ends_well(self, terminal: int) -> bool:
        """Whether what completes a text can follow each lexeme of ``terminal``, wherever it may end."""
        beyond = self.shapes[terminal].beyond
        more = {rival: self._read_on(terminal, rival) for rival in self._rivals(terminal)}
        total = beyond
        for characters in more.values():
            total |= characters
        if self._can_be_followed(terminal, total):
            return True
        is_free = self._can_be_followed(terminal, beyond)
        doubtful = [
            r for r, added in more.items() if not is_free or not self._can_be_followed(terminal, beyond | added)
        ]
        return (is_free or self._explored((terminal,))) and all(self._explored((terminal, r)) for r in doubtful)

    def _can_be_followed(self, terminal: int, beyond: int) -> bool:
        """The same where the lexeme would go on with ``beyond``."""
        if not beyond:
            return True
        free = [swallowed for bit, swallowed in self.separators if bit & ~beyond]
        if all(first & ~beyond or any(first & ~swallowed for swallowed in free) for first in self._anything):
            return True  # whatever follows
        followers = self.followers.of(terminal) if terminal not in self.grammar.ignore else self.followers.all
        return all(
            first & ~beyond or any(first & ~swallowed for swallowed in free) for first in map(self._first, followers)
        )

    def _rivals(self, terminal: int) -> list[int]:
        """Terminals that may begin as ``terminal`` does, and go on."""
        if self.tables is None:
            return []
        first, shapes = self.shapes[terminal].first, self.shapes
        return [t for t in shapes if t != terminal and shapes[t].later and shapes[t].first & first
                and self._meet(t, terminal)]  # fmt: skip

    def _read_on(self, terminal: int, rival: int) -> int:
        """Characters that ``rival`` may go on with behind a place where a lexeme of ``terminal`` may end."""
        word = self.paths.word(terminal)
        return self.shapes[rival].later if word is None else self.paths.after(rival, word, 0)[0]

    # --- terminals that others hide

    def _something_is_hidden(self) -> bool:
        shapes, terminals = self.shapes, self.grammar.terminals
        ordered = sorted(shapes, key=lambda t: terminals[t].rank)
        return any(
            shapes[high].first & shapes[low].first
            and self._meet(high, low)
            and not self._are_alike(high, low)
            and not self._keeps_apart(high, low)
            and not self._explored((high, low))
            for place, low in enumerate(ordered)
            for high in ordered[:place]
        )

    def _meet(self, one: int, other: int) -> bool:
        """Whether some parser state looks for both."""
        if one in self.grammar.ignore or other in self.grammar.ignore:
            return True
        return bool(self.together[one] >> other & 1)

    def _are_alike(self, one: int, other: int) -> bool:
        """Whether the parser treats both the same: where ``other`` fits, ``one`` does, and nothing needs ``other``."""
        assert self.tables is not None
        if one in self.grammar.ignore or other in self.grammar.ignore or other in self.followers.all:
            return False
        left, right = self.tables.action[:, one], self.tables.action[:, other]
        return bool(np.where(left > 0, right > 0, left == right).all())

    def _keeps_apart(self, high: int, low: int) -> bool:
        """Whether ``high`` surely leaves all places where ``low`` is possible a way to it."""
        terminals, paths = self.grammar.terminals, self.paths
        pattern = terminals[high].pattern
        assert pattern is not None
        words = self.grammar.keywords.get(high, ())
        if low in words:  # read as the pattern, renamed afterwards
            return max_width(pattern) is None or self._explored((high, *(w for w in words if self._meet(high, w))))
        if self._needs_other(pattern, self.shapes[low].characters):
            return True
        word = paths.word(low)
        if word is not None:
            ends = sum(bit for bit, _ in self.separators) or -1
            return not any(paths.after(high, word[:n], word[n] if n < len(word) else ends)[1]
                           for n in range(1, len(word) + 1))  # fmt: skip
        word = paths.word(high)
        return word is not None and self._gets_away(low, word)

    def _gets_away(self, low: int, word: list[int]) -> bool:
        """Whether ``low`` can leave ``word``, of a terminal tried before it, at each of its letters."""
        for n in range(len(word)):
            more, ends = self.paths.after(low, word[:n], -1)
            if more and not ends and not more & ~word[n]:
                return False
        more, _ = self.paths.after(low, word, -1)
        return not more or bool(more & ~(sum(bit for bit, _ in self.separators)))

    def _needs_other(self, pattern: Pattern, characters: int) -> bool:
        """Whether each match of ``pattern`` holds a character that is none of ``characters``."""
        if isinstance(pattern, Characters):
            return not bits(pattern.ranges) & characters
        if isinstance(pattern, Sequence):
            return any(self._needs_other(part, characters) for part in pattern.parts)
        if isinstance(pattern, Alternatives):
            return all(self._needs_other(part, characters) for part in pattern.parts)
        return isinstance(pattern, Repeat) and pattern.low > 0 and self._needs_other(pattern.part, characters)

    # --- small lexers

    @cached_property
    def exploration(self) -> Exploration:
        """A lexer of a few of the terminals, of which it is asked."""
        return Exploration(Lexer(self.grammar, TableHeap(), exclusive=self.tables is not None), self._may_come)

    def _explored(self, terminals: tuple[int, ...]) -> bool:
        """Whether a lexer of just these can reach each terminal that it still follows, and end there."""
        return self.exploration.is_sound(frozenset(terminals))

    def _may_come(self, terminal: int) -> list[list[int]]:
        """Lists of sets of characters: of each set of one list, one character must be possible behind ``terminal``."""
        separators = sum(bit for bit, _ in self.separators)
        followers = self.followers.of(terminal) if terminal not in self.grammar.ignore else self.followers.all
        return [[separators], [self._first(t) for t in followers]]

    def _first(self, terminal: int) -> int:
        """Characters that ``terminal`` can begin with: none that a lookahead at its front is against at once."""
        if terminal == self.grammar.n_terminals:
            return THE_END
        found = self._firsts.get(terminal)
        if found is None:
            found, pattern = self.shapes[terminal].first, self.grammar.terminals[terminal].pattern
            if self.shapes[terminal].looks and pattern is not None and _looks_first(pattern):
                found &= self.exploration.first(terminal) | BEYOND_ASCII
            self._firsts[terminal] = found
        return found


def _looks_first(pattern: Pattern) -> bool:
    """Whether some match of ``pattern`` begins with a lookahead."""
    if isinstance(pattern, Sequence):
        for part in pattern.parts:
            if _looks_first(part):
                return True
            if min_width(part):
                return False
        return False
    if isinstance(pattern, Alternatives):
        return any(map(_looks_first, pattern.parts))
    return _looks_first(pattern.part) if isinstance(pattern, Repeat) else isinstance(pattern, Look)


def _together(tables: LalrTables) -> list[int]:
    live = (tables.action[:, :-1] != 0).astype(np.float32)
    both = np.packbits(live.T @ live > 0, axis=1, bitorder="little")
    return [int.from_bytes(row.tobytes(), "little") for row in both]
