"""By how much one token can put the end of a document further off.

While the budget leaves more than that, masks need no correction. Four things count. A token opens values, each
worth the longest of the shortest values met so far. It takes the string or number at hand to another constant or
another branch of a pattern, whose end may be far; so may the end of one that it begins. And it may choose among
alternatives of the open containers, one of which requires more than the one that was nearest: what the most
demanding branch of each open container asks for is added up, whether or not it can still be chosen.

All of it is estimated from above from what has been met; where more is left than that, nobody looks closer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from structgen.automata.document.endings import farthest
from structgen.automata.document.guess import NO_GUESS, text_of
from structgen.automata.document.shortest import quoted
from structgen.ir.document import Contains, CountIs, Properties, Required
from structgen.ir.formulas import And, Formula, Not, OneOf, Or
from structgen.kernels import document as K
from structgen.vocab.vocabulary import Vocabulary

if TYPE_CHECKING:
    from structgen.automata.document.arrays import ArrayState
    from structgen.automata.document.automaton import DocumentAutomaton
    from structgen.automata.document.object_states import ObjectState

__all__ = ["Slack"]

MOST_SPELLED = 16
"""Constants of one set that are spelled to learn how many tokens they take; of others the bytes are taken."""
MOST_ROWS = 64
"""Rows of a number automaton up to which the way to a number's end is followed."""
_GENERAL = (K.GENERAL_OBJECT, K.GENERAL_ARRAY, K.KEEPING_ARRAY)


class Slack:
    """What tokens can add to the end of one automaton's documents, in tokens of one vocabulary."""

    def __init__(self, automaton: DocumentAutomaton, vocabulary: Vocabulary) -> None:
        self._automaton = automaton
        self._vocabulary = vocabulary
        self._n_values = self._n_frames = 1
        self._longest = 1
        self._most_asked = 0
        self._shapes: dict[int, Any] = {}
        self._specs: dict[int, int] = {}
        self._numbers: dict[int, int] = {}
        self._frames: dict[int, int] = {}
        self._shortest: dict[int, int] = {}

    def value(self) -> int:
        """Tokens of the longest of the shortest values met so far, or of the rest of a name or value begun."""
        automaton = self._automaton
        tables = automaton.tables
        root = automaton.start[K.R_VALUE]
        while self._n_values < tables.n_values:  # asking for one text can add contexts
            index = self._n_values
            self._n_values += 1
            context = automaton.contexts.by_index[index]
            if index != root and context.accepts is None and not context.differs:
                texts = automaton.witness.outcomes(index).values()
                self._longest = max(self._longest, *(self._n_tokens(text) for text in texts), 1)
            self._longest = max(self._longest, self._begun(tables.values[index].tolist(), context.differs))
        while self._n_frames < tables.n_frames:
            frame = self._n_frames
            self._n_frames += 1
            kind, names = tables.frames[frame, : K.F_KEYS + 1].tolist()
            if kind in (K.PLAIN_OBJECT, K.GENERAL_OBJECT):
                self._longest = max(self._longest, self._string(names) + 2)
            if kind in _GENERAL:
                self._opened(frame, root)
        return self._longest + self._most_asked

    def _opened(self, frame: int, root: int) -> None:
        """Take down what containers like a general frame may come to require; the first of them asks for most."""
        shape = self._state(frame).shape
        if id(shape) not in self._shapes:
            self._shapes[id(shape)] = shape
            if shape.context.index != root:
                self._most_asked = max(self._most_asked, self._frame(frame))

    def of(self, config: Any) -> int:
        """What hangs on the string or number at hand, and on what the open containers may come to require."""
        tables = self._automaton.tables
        frame, cell = config[K.R_FRAME], config[K.R_CELL]
        total = self._lexeme(config)
        if config[K.R_MODE] == K.M_VALUE:
            opened = tables.values[config[K.R_VALUE], K.T_ARRAY :].tolist()
            total += max(self._frame(n) if n > 0 and tables.frames[n, K.F_KIND] in _GENERAL else 0 for n in opened)
        while True:
            if tables.frames[frame, K.F_KIND] in _GENERAL:
                total += self._frame(frame)
            if not cell:
                return total
            frame, _, cell = tables.cell_list[cell]

    # -- strings and numbers -----------------------------------------------------------------------

    def _lexeme(self, config: Any) -> int:
        mode, value = config[K.R_MODE], config[K.R_VALUE]
        tables = self._automaton.tables
        if mode == K.M_NUMBER:
            return self._number(config[K.R_A])
        if not K.M_FREE <= mode <= K.M_CONTENT:
            return 0
        return self._string(int(tables.values[value, K.T_STRING] if value else tables.frames[config[K.R_FRAME], 1]))

    def _begun(self, handles: list[int], differs: bool) -> int:
        string, number = handles[K.T_STRING], 0 if differs else handles[K.T_NUMBER]
        return max(self._string(string) if string > 0 else 0, self._number(number) if number > 0 else 0)

    def _string(self, spec: int) -> int:
        found = self._specs.get(spec)
        if found is None:
            found = self._specs[spec] = self._new_string(spec)
        return found

    def _new_string(self, spec: int) -> int:
        tables, shortest = self._automaton.tables, self._automaton.witness.shortest
        row = tables.specs[spec].tolist()
        kind = row[K.SPEC_KIND]
        if kind in (K.CLOSED_SET, K.OPEN_SET):
            return self._longest_constant(row[K.SPEC_LOW], row[K.SPEC_HIGH])
        if kind == K.BY_LENGTH:
            return max(shortest.missing_lengths(spec, 0), default=0)
        return farthest(tables.arena, row[K.SPEC_START]) if kind == K.AUTOMATON else 0

    def _longest_constant(self, low: int, high: int) -> int:
        tables = self._automaton.tables
        lengths = np.diff(tables.lit_start[low : high + 1])
        order = np.argsort(lengths)[::-1]
        rest = int(lengths[order[MOST_SPELLED]]) if len(order) > MOST_SPELLED else 0
        texts = [self._automaton.witness.shortest.literal(low + int(n)) for n in order[:MOST_SPELLED]]
        return max([self._n_tokens(quoted(text)) for text in texts], default=0) + rest

    def _number(self, row: int) -> int:
        """The most bytes that end a number begun as the automaton of ``row`` reads it."""
        found = self._numbers.get(row)
        if found is None:
            arena = self._automaton.tables.arena
            after: dict[int, set[int]] = {}
            level = {row}
            while level and len(after) <= MOST_ROWS:
                after |= {state: set(arena.numbers[state, : K.NUMBER_JUDGED].tolist()) - {0} for state in level}
                level = set().union(*(after[state] for state in level)) - after.keys()
            found = len(after)  # where they are more: many remainders or constants, whose ends are seldom that far
            if not level:
                near, found = {state for state in after if arena.number_label[state]}, 0
                while len(near) < len(after):
                    near |= {state for state, following in after.items() if not following.isdisjoint(near)}
                    found += 1
            self._numbers[row] = found
        return found

    # -- containers ----------------------------------------------------------------------------------

    def _frame(self, frame: int) -> int:
        found = self._frames.get(frame)
        if found is None:
            found = self._frames[frame] = sum(self._asked(form, ()) for form in self._state(frame).forms)
        return found

    def _state(self, frame: int) -> ArrayState | ObjectState:
        automaton = self._automaton
        return automaton.arrays.states.get(frame) or automaton.general_objects.state_of(frame)

    def _asked(self, formula: Formula, declared: tuple[Properties, ...]) -> int:
        """Tokens of what the most demanding branch of a formula over a container requires."""
        if isinstance(formula, And):
            declared = (*declared, *(part for part in formula.parts if isinstance(part, Properties)))
            return sum(self._asked(part, declared) for part in formula.parts)
        if isinstance(formula, Or | OneOf):
            return max(self._asked(part, declared) for part in formula.parts)
        if isinstance(formula, Not):
            part = formula.part
            if isinstance(part, CountIs) and part.high is not None:
                return (part.high + 1) * (self._longest + 4)
            return self._asked(part, declared)
        if isinstance(formula, Required):
            return sum(self._member(name, declared) for name in formula.names)
        if isinstance(formula, CountIs):
            return formula.low * (self._longest + 4)
        return formula.low * (self._value_of(formula.formula) + 1) if isinstance(formula, Contains) else 0

    def _member(self, name: bytes, declared: tuple[Properties, ...]) -> int:
        values = [self._value_of(part.named[name]) for part in declared if name in part.named]
        return self._n_tokens(quoted(name)) + 2 + max(values, default=1)

    def _value_of(self, formula: Formula) -> int:
        """Tokens of a guessed value that satisfies a formula; where there is no guess, of the longest met so far."""
        found = self._shortest.get(formula.uid)
        if found is None:
            guess = self._automaton.guesser.value(formula)
            if guess is NO_GUESS:
                return self._longest
            found = self._shortest[formula.uid] = self._n_tokens(text_of(guess))
        return found

    def _n_tokens(self, text: bytes) -> int:
        return len(self._vocabulary.encode_fewest(text))
