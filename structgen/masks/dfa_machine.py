"""A regular constraint bound to a vocabulary.

The index of Willard and Louf (2023, arXiv:2307.09702), filled lazily and by trie: a
state's mask is one walk of the token trie at the first visit and a copy afterwards.
A configuration is an automaton state, a plain int.

States that no token can tell apart share a mask (``kernels.horizon``), once enough of
them have been met for that to pay: in ``[a-z]{1,5000}`` all but the last 128 states do.

Where the vocabulary has a token for every byte that the automaton needs, any live state
can be completed in tokens, and the mask is just what the walk can read. Bytes that occur
in no token (SmolLM2 lacks 21) are first taken out of the automaton, together with all that
cannot be completed without them. If bytes remain that occur only inside longer tokens,
states are checked for completions in tokens (``costs``), and those without any are closed.
"""

from __future__ import annotations

from typing import cast

import numpy as np
import numpy.typing as npt

from structgen.automata.dfa import Dfa
from structgen.dtypes import IntArray, TokenMask, freeze
from structgen.errors import UnsatisfiableError, VocabularyError
from structgen.masks.cache import MaskCache
from structgen.masks.costs import NEVER, costs_of, needed_bytes, path_costs
from structgen.masks.machine import Config
from structgen.masks.text_runs import text_run, utf8_table
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["DfaMachine"]


WALKS_BEFORE_SHARING = 16
LOOP_BYTES = 8
"""ASCII bytes a state loops on from which its run of text is looked up."""
MOST_REFINING = 100_000_000
"""Table cells that finding states of equal masks may read (about 0.2 s)."""


class _Rows(dict[int, list[int]]):
    """Transition rows as Python lists, made as states are met: ten times faster to step than arrays."""

    __slots__ = ("transitions",)

    def __init__(self, transitions: IntArray) -> None:
        super().__init__()
        self.transitions = transitions

    def __missing__(self, state: int) -> list[int]:
        row: list[int] = self.transitions[state].tolist()
        self[state] = row
        return row


class DfaMachine:
    """A ``TokenMachine`` over a ``Dfa``; configurations are automaton states.

    Parameters
    ----------
    dfa : the language; trimmed, state 0 dead
    vocabulary : the tokens
    cache : where masks are kept; a private one of the default size if None

    Raises
    ------
    UnsatisfiableError : the language is empty
    VocabularyError : no text of the language can be spelled in tokens; ``missing`` has the
        bytes to blame
    """

    __slots__ = (
        "__weakref__",
        "_accepting",
        "_cache",
        "_class_of",
        "_closed",
        "_costs",
        "_forced",
        "_horizon",
        "_landing",
        "_most_tokens",
        "_rows",
        "_token_bytes",
        "dfa",
        "n_walked",
        "n_walks",
        "vocabulary",
    )

    def __init__(self, dfa: Dfa, vocabulary: Vocabulary, *, cache: MaskCache | None = None) -> None:
        if dfa.is_empty:
            raise UnsatisfiableError("no text satisfies the constraint")
        lacking = needed_bytes(dfa) & ~vocabulary.single_bytes
        if lacking.any():
            dfa = _spellable(dfa, vocabulary)
        self.dfa = dfa
        self.vocabulary = vocabulary
        self._cache = cache if cache is not None else MaskCache()
        self._rows = _Rows(dfa.transitions)
        self._class_of = dfa.class_of.tobytes()
        self._accepting = dfa.accepting.tobytes()
        self._token_bytes = vocabulary.tokens
        self._forced: dict[int, int] = {}
        self._landing: dict[int, int] = {}
        self._costs: tuple[IntArray, bool] | None = None
        self._most_tokens = -1
        self._closed: frozenset[int] = frozenset()
        self.n_walked = 0
        """Trie nodes visited so far: work that does not depend on the machine it runs on."""
        self.n_walks = 0
        self._horizon: IntArray | None = None
        if (needed_bytes(dfa) & ~vocabulary.single_bytes).any():
            costs, _ = self._completion_costs()
            self._closed = frozenset(np.flatnonzero(costs >= NEVER).tolist()) - {0}
            if dfa.start in self._closed:
                raise _unspellable(lacking)

    # --- the protocol

    def start(self) -> int:
        return self.dfa.start

    def fill_mask(self, config: Config, row: TokenMask) -> None:
        cached = self._cache.young.get(config)
        if cached is None:
            cached = self.prepare_mask(config)
        row[:] = cached

    def has_mask(self, config: Config) -> bool:
        """Whether the mask is at hand, so that ``fill_mask`` only copies."""
        return config in self._cache.young

    def prepare_mask(self, config: Config) -> TokenMask:
        """The mask itself, read-only, computed unless it is at hand; the walk runs without the interpreter's lock."""
        cached = self._cache.get(config)
        if cached is None:
            state = cast(int, config)
            shared = self._shared_key(state)
            cached = self._cache.get(shared)
            if cached is None:
                cached = self._cache.put(shared, self._walk(state))
            if shared != config:
                self._cache.put(config, cached)
        return cached

    def _shared_key(self, state: int) -> Config:
        """What ``state`` has in common with all states of equal masks; itself until enough were met."""
        if self._horizon is None:
            if self.n_walks < WALKS_BEFORE_SHARING or self._closed:
                return state
            self._horizon = _horizon(self.dfa, self.vocabulary.max_token_bytes)
        return (int(self._horizon[state]), self._accepting[state])

    def advance(self, config: Config, token_id: int) -> int | None:
        state = cast(int, config)
        try:
            data = self._token_bytes[token_id]
        except IndexError:
            return None
        if not data or token_id < 0:
            return None
        rows, class_of = self._rows, self._class_of
        for byte in data:
            state = rows[state][class_of[byte]]
            if not state:
                return None
        if self._closed and state in self._closed:
            return None
        return state

    def advance_bytes(self, config: Config, data: bytes) -> int | None:
        state = cast(int, config)
        rows, class_of = self._rows, self._class_of
        for byte in data:
            state = rows[state][class_of[byte]]
            if not state:
                return None
        if self._closed and state in self._closed:
            return None
        return state

    def is_accepting(self, config: Config) -> bool:
        return self._accepting[cast(int, config)] == 1

    def forced_bytes(self, config: Config, limit: int = 256) -> bytes:
        state = cast(int, config)
        forced = bytearray()
        while len(forced) < limit:
            byte = self._forced.get(state)
            if byte is None:
                byte = self._forced[state] = self._only_byte(state)
            if byte < 0:
                break
            forced.append(byte)
            state = self._rows[state][self._class_of[byte]]
        return bytes(forced)

    def shortest_completion(self, config: Config) -> bytes:
        if self._closed:
            return self.vocabulary.decode(self.completion_tokens(config))
        return self.dfa.shortest(cast(int, config))

    # --- budgets

    def completion_tokens(self, config: Config) -> list[int]:
        """A completion in as few tokens as ``completion_cost`` says, end of sequence left out."""
        costs, exact = self._completion_costs()
        if not exact:
            return self.vocabulary.encode_fewest(self.dfa.shortest(cast(int, config)))
        state = cast(int, config)
        spelled: list[int] = []
        row = np.zeros(self.vocabulary.n_words, dtype=np.uint32)
        while costs[state] > 0:
            row[:] = 0
            self._walk_within(state, int(costs[state]) - 1, row)
            word = int(np.flatnonzero(row)[0])
            bits = int(row[word])
            token_id = word * 32 + (bits & -bits).bit_length() - 1
            spelled.append(token_id)
            after = self.advance(state, token_id)
            assert after is not None
            state = after
        return spelled

    def completion_cost(self, config: Config) -> int:
        """Tokens of the shortest completion, end of sequence left out."""
        return int(self._completion_costs()[0][cast(int, config)])

    def fill_mask_within(self, config: Config, row: TokenMask, n_tokens: int) -> bool:
        """``fill_mask`` for tokens after which ``n_tokens`` more complete the text, end of sequence left out.

        False, and ``row`` as it was, where not even the shortest completion fits. While
        ``n_tokens`` is comfortable for every state, only upper bounds are computed.
        """
        state = cast(int, config)
        if n_tokens >= self._comfort():
            self.fill_mask(config, row)
            return True
        costs, _ = self._completion_costs()
        if costs[state] > n_tokens + 1:
            return False
        if n_tokens >= self._max_landing(state, costs):
            self.fill_mask(config, row)
            return True
        row[:] = 0
        self._walk_within(state, n_tokens, row)
        self._allow_end(state, row)
        return True

    def _comfort(self) -> int:
        """Tokens that complete the text from any state."""
        if self._most_tokens < 0:
            if self._costs is not None or self._closed:
                costs, _ = self._completion_costs()
            else:
                costs = path_costs(self.dfa, self.vocabulary.trie)
            self._most_tokens = int(costs[1:][costs[1:] < NEVER].max(initial=0))
        return self._most_tokens

    def _completion_costs(self) -> tuple[IntArray, bool]:
        if self._costs is None:
            self._costs = costs_of(self.dfa, self.vocabulary.trie, self.vocabulary.single_bytes)
        return self._costs

    def _max_landing(self, state: int, costs: IntArray) -> int:
        greatest = self._landing.get(state)
        if greatest is None:
            from structgen.kernels.completion import max_landing_cost

            trie, dfa = self.vocabulary.trie, self.dfa
            greatest = int(
                max_landing_cost(
                    *trie[:4], self.vocabulary.max_token_bytes, dfa.class_of, dfa.transitions, state, costs
                )
            )
            self._landing[state] = greatest
        return greatest

    # --- walks

    def _walk(self, state: int) -> TokenMask:
        self.n_walks += 1
        if self._closed:
            row = np.zeros(self.vocabulary.n_words, dtype=np.uint32)
            self._walk_within(state, NEVER - 1, row)
        else:
            row = self._walk_free(state)
        self._allow_end(state, row)
        return row

    def _walk_free(self, state: int) -> TokenMask:
        """What can be read from ``state``: from its loop's run of text where it has one, else by a full walk."""
        from structgen.kernels import text_run as kernels
        from structgen.kernels.walk import fill_dfa_mask

        vocabulary, dfa = self.vocabulary, self.dfa
        trie, max_depth = vocabulary.trie, vocabulary.max_token_bytes
        loops = np.zeros(128, dtype=np.uint8)
        places = np.zeros(8, dtype=np.int32)
        beyond_ascii = bool(kernels.loop_of(dfa.class_of, dfa.transitions, state, utf8_table(), loops, places))
        if not beyond_ascii and np.count_nonzero(loops) < LOOP_BYTES:
            row = np.zeros(vocabulary.n_words, dtype=np.uint32)
            self.n_walked += int(fill_dfa_mask(*trie, max_depth, dfa.class_of, dfa.transitions, state, row))
            return row
        run = text_run(vocabulary, loops.tobytes(), beyond_ascii)
        row = run.row.copy()
        self.n_walked += int(
            kernels.fill_from_exits(*trie, max_depth, dfa.class_of, dfa.transitions, state, run.exits, row)
        )
        return row

    def _walk_within(self, state: int, limit: int, row: TokenMask) -> None:
        from structgen.kernels.walk import fill_dfa_mask_within

        trie, dfa = self.vocabulary.trie, self.dfa
        costs, _ = self._completion_costs()
        self.n_walked += int(
            fill_dfa_mask_within(
                *trie, self.vocabulary.max_token_bytes, dfa.class_of, dfa.transitions, state, row, costs, limit
            )
        )

    def _allow_end(self, state: int, row: TokenMask) -> None:
        if self._accepting[state]:
            for token_id in self.vocabulary.eos_ids:
                row[token_id >> 5] |= np.uint32(1 << (token_id & 31))

    def _only_byte(self, state: int) -> int:
        """The one byte that can follow ``state``; -1 where none or several can, or the text may end."""
        if self._accepting[state]:
            return -1
        viable = np.flatnonzero(self.dfa.viable_bytes(state))
        return int(viable[0]) if len(viable) == 1 else -1

    def __repr__(self) -> str:
        return f"DfaMachine({self.dfa.n_states} states, {self.vocabulary.n_tokens} tokens, {len(self._cache)} masks)"


def _spellable(dfa: Dfa, vocabulary: Vocabulary) -> Dfa:
    """The texts of ``dfa`` without bytes that occur in no token."""
    from structgen.automata.ops import intersect

    missing = np.zeros(256, dtype=np.uint8)
    missing[list(vocabulary.missing_bytes())] = 1
    without = Dfa.from_arrays(missing, [[0, 0], [1, 0]], [False, True])
    spellable = intersect(dfa, without)
    if spellable.is_empty:
        raise _unspellable(needed_bytes(dfa) & (missing == 1))
    return spellable


def _unspellable(lacking: npt.NDArray[np.bool_]) -> VocabularyError:
    missing = np.flatnonzero(lacking).astype(np.uint8).tobytes()
    return VocabularyError(
        f"the tokens of this vocabulary spell no text that satisfies the constraint; it needs {missing[:20]!r}",
        missing=missing,
    )


def _horizon(dfa: Dfa, n_bytes: int) -> IntArray:
    """(S,) int32, equal where no token of ``n_bytes`` tells states apart; all distinct where that is dear to know."""
    n_states = dfa.n_states
    if n_states * dfa.n_classes * n_bytes > MOST_REFINING:
        return freeze(np.arange(n_states), np.int32)
    from structgen.kernels.horizon import horizon_classes

    classes, refined = np.zeros(n_states, dtype=np.int32), np.zeros(n_states, dtype=np.int32)
    table = np.zeros(1 << (2 * n_states).bit_length(), dtype=np.int32)
    horizon_classes(dfa.transitions, n_bytes, classes, refined, table)
    return freeze(classes, np.int32)
