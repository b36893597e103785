"""Content of strings that automata read, kept by state for all schemas, lengths and names left that do not matter.

What a vocabulary does in one state of an automaton is fixed: tokens of content alone, and where others close the
string. It is found once per state, and used again under all bounds of lengths that treat the automaton's states nearly
alike. Counting patterns (up to 200 words) have a state for each count, nearly all of which no token tells apart: so
before content is walked, states walked before are asked whether this one is like them (``kernels.like_states``), by the
few dozen states that their walks have met.

Names that have come may not come again. What a state does is found for all names left when it is first met; when fewer
are left, only the ways to those that are gone are walked, and taken out: 100 nodes instead of 10,000. In the same way
what is known of one state is taken for another that nearly all of the vocabulary leads to the same states (patterns
found anywhere, of which some letters have come): both are walked at once, as far as they differ.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from structgen.automata.document.arena import Arena
from structgen.dtypes import TokenMask
from structgen.kernels import document as K
from structgen.kernels.content_walk import in_common
from structgen.kernels.like_states import MOST_PAIRS, are_alike, meet_all
from structgen.kernels.tables import TrieTables

if TYPE_CHECKING:
    from structgen.masks.string_body import StringBody

__all__ = ["Base", "Fixed", "FixedContents", "Met", "Quotes"]

MOST_FIXED = 512
"""States per arena and vocabulary that are remembered."""
MOST_LIMITS = 1 << 12
"""Automata of which lengths are remembered."""
LEAST_IN_COMMON = 0.7
"""The share of a vocabulary that has to be the same after one byte for what is known of a state to be taken."""
MOST_ASKED = 4
"""Walks of one automaton that a new state is compared with."""


class Quotes(NamedTuple):
    """Nodes of a trie where a string may be closed."""

    trie: TrieTables
    notes: npt.NDArray[np.int64]
    """As noted by ``content_walk``."""
    label_of: npt.NDArray[np.int64]
    """Per note, the index of its label."""
    labels: list[int]
    states: list[int]
    """One state with each label."""


class Met:
    """The states that walks from one state have met, that state first."""

    __slots__ = ("first", "n", "place_of", "states")

    def __init__(self, states: npt.NDArray[np.int64], n: int, first: int, place_of: npt.NDArray[np.int32]) -> None:
        self.states = states
        self.n = n
        """How many they are; -1 where they are too many, or not asked for."""
        self.first = first
        """The automaton's first state."""
        self.place_of = place_of
        """Scratch, by state of the automaton."""

    @classmethod
    def none(cls) -> Met:
        """Where nobody asks."""
        return cls(_NO_STATES, -1, 0, _NO_PLACES)

    def __bool__(self) -> bool:
        return self.n >= 0

    def put(self, states: npt.NDArray[np.int64]) -> None:
        """Add states."""
        if self:
            self.n = meet_all(states, self.states, self.first, self.place_of, self.n)


_NO_STATES, _NO_PLACES = np.empty(0, np.int64), np.empty(0, np.int32)


class Fixed(NamedTuple):
    """What a vocabulary does in one state of an automaton, whatever the schema around it."""

    row: TokenMask
    """Tokens of content alone."""
    quotes: Quotes
    window: int
    """The classes of names that could be reached."""
    met: npt.NDArray[np.int64] | None
    """The states that walks have met; None where they are not known."""


class Base(NamedTuple):
    """What is known of a state under some names, from which others may differ little."""

    fixed: Fixed
    state: int
    window: int


class FixedContents:
    """What is known of the states of an arena under one vocabulary, by the classes of names left (``window``)."""

    def __init__(self, arena: Arena) -> None:
        self._arena = weakref.proxy(arena)  # which is the key under which this is kept
        self._by_state: dict[tuple[int, int], Fixed] = {}
        self._widest: dict[int, Base] = {}
        """By state, of all windows the widest."""
        self._found: dict[int, list[Base]] = {}
        """By automaton, the last first."""
        self._walked: dict[tuple[int, int], list[Fixed]] = {}
        """By automaton and label, the last used first."""
        self._limits: dict[int, tuple[int, int]] = {}

    def find(self, state: int, window: int) -> Fixed | None:
        """What is known of ``state``."""
        return self._by_state.get((state, window & int(self._arena.reach[state])))

    def base(self, state: int, window: int) -> Base | None:
        """What is known of ``state`` for a window that holds this one, None where nothing is."""
        found = self._widest.get(state)
        return None if found is None or window & int(self._arena.reach[state]) & ~found.window else found

    def alike(self, state: int, window: int) -> Fixed | None:
        """What is known of a state that no token tells from this one; None where none is found."""
        arena = self._arena
        first, n, _ = arena.extent(state)
        walked = self._walked.get((first, int(arena.content[state, K.C_LABEL])))
        if not walked:
            return None
        place_of = np.zeros(n, np.int32)
        tables = arena.trans, arena.content, arena.class_maps, arena.reach
        for index, fixed in enumerate(walked):
            if are_alike(fixed.met, fixed.window, first, place_of, *tables, state, window):
                walked.insert(0, walked.pop(index))
                self._keep((state, window & int(arena.reach[state])), fixed)
                return fixed
        return None

    def near(self, state: int, window: int, body: StringBody) -> Base | None:
        """What is known of the state from which this one differs least, None where they do not soon meet."""
        arena = self._arena
        tables = arena.trans, arena.content, arena.class_maps, arena.reach
        best, most = None, LEAST_IN_COMMON
        for base in self._found.get(arena.extent(state)[0], ()):
            share = in_common(
                *tables, window, state, base.window, base.state, body.roots, body.vocabulary_trie.subtree_end
            )
            if share > most:
                best, most = base, share
        return best

    def met(self, state: int) -> Met:
        """For walks from ``state``."""
        first, n, _ = self._arena.extent(state)
        found = Met(np.empty(MOST_PAIRS, np.int64), 0, first, np.zeros(n, np.int32))
        found.put(np.array([state]))
        return found

    def add(self, state: int, window: int, row: TokenMask, quotes: Quotes, met: Met) -> Fixed:
        """Keep what walks from ``state`` have found."""
        row.flags.writeable = False
        window &= int(self._arena.reach[state])
        fixed = Fixed(row, quotes, window, met.states[: met.n].copy() if met else None)
        self._keep((state, window), fixed)
        found = self._found.setdefault(self._arena.extent(state)[0], [])
        found.insert(0, Base(fixed, state, window))
        del found[MOST_ASKED:]
        if met:
            label = int(self._arena.content[state, K.C_LABEL])
            walked = self._walked.setdefault((met.first, label), [])
            walked.insert(0, fixed)
            del walked[MOST_ASKED:]
        return fixed

    def _keep(self, place: tuple[int, int], fixed: Fixed) -> None:
        if len(self._by_state) >= MOST_FIXED:
            self._by_state.clear()
            self._widest.clear()
            self._found.clear()
            self._walked.clear()
        self._by_state[place] = fixed
        widest = self._widest.get(place[0])
        if widest is None or not widest.window & ~place[1]:
            self._widest[place[0]] = Base(fixed, *place)

    def limits(self, state: int) -> tuple[int, int]:
        """The characters up to which all states of an automaton can be reached, and up to which any can."""
        first, n_states, _ = self._arena.extent(state)
        found = self._limits.get(first)
        if found is None:
            if len(self._limits) >= MOST_LIMITS:
                self._limits.clear()
            limits = self._arena.content[first : first + n_states, K.C_LIMIT]
            found = self._limits[first] = int(limits.min()), int(limits.max())
        return found
