"""Ending in time: what a grammar and monitors together leave to be written at least.

A grammar knows its shortest completion; a monitor may refuse it, where a name is due that
the grammar made up. Then the shortest name that is due, and fits the grammar, is put in
and the rest is completed anew (a *repair*). Most completions need none, and hardly any
more than one, since gates stand only where somebody wrote a dereference.

Under a budget, half of what is left, at most ``RESERVE`` tokens, is room for a name: tokens
are allowed after which the grammar completes in the rest, and names that fit the room.
Where no gate stands and the grammar can end without a trigger byte, tokens without one
need no room. With less than ``LEAST_ROOM``, no token may end with a trigger, since the names
behind it are not known yet; and where the grammar cannot end without one, or nothing else
is left, the repaired completion itself is written; a few tokens are tried one by one. Should
every name somewhere be longer than the room, the budget is spent, and ``IncompleteError`` says so.

Rejected: the exact answer, by completing after every token that is allowed. Each costs
tens of microseconds to milliseconds, and there are tens of thousands.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from structgen.dtypes import WORD, TokenMask, freeze
from structgen.errors import LimitError
from structgen.masks.machine import TokenMachine
from structgen.masks.mask import allowed_ids, set_ids
from structgen.monitors.per_vocabulary import PerVocabulary
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["RESERVE", "Endings"]

RESERVE = 64
"""Most tokens kept for a name."""
LEAST_ROOM = 12
"""Tokens that finish a name not known yet, as a rule."""
MOST_REPAIRS = 8
MOST_TRIED = 64
"""Tokens that are tried one by one, where the budget is nearly spent."""
MOST_PLANS = 10_000


class Product(Protocol):
    """What is asked of the machine that is to end."""

    inner: TokenMachine
    vocabulary: Vocabulary

    def advance(self, config: Any, token_id: int) -> Any | None: ...

    def advance_bytes(self, config: Any, data: bytes) -> Any | None: ...

    def is_accepting(self, config: Any) -> bool: ...

    def watch(self, config: Any, row: TokenMask, room: int | None = None) -> bool:
        """Cut ``row`` down to what the monitors allow, names to those that fit ``room``; whether a gate stands."""
        ...

    def due(self, config: Any) -> list[bytes]:
        """Ways to finish what the gates ask for, shortest first."""
        ...

    def live_triggers(self, config: Any) -> bytes:
        """Bytes after which a gate may stand."""
        ...


class Endings:
    """Completions of one product of a grammar and monitors."""

    def __init__(self, product: Product) -> None:
        self._product = product
        self._plans: dict[Any, tuple[int, ...]] = {}

    def shortest(self, config: Any) -> bytes:
        """A short completion that the monitors take; the inner machine's, as an estimate, where none is found."""
        found = self._repaired(config, MOST_REPAIRS)
        return self._product.inner.shortest_completion(config.inner) if found is None else found

    def _repaired(self, config: Any, repairs: int) -> bytes | None:
        product = self._product
        try:
            plain = product.inner.shortest_completion(config.inner)
        except LimitError:
            return None
        here, taken = config, 0
        while taken < len(plain):
            after = product.advance_bytes(here, plain[taken : taken + 1])
            if after is None:
                break
            here, taken = after, taken + 1
        if taken == len(plain) and product.is_accepting(here):
            return plain
        if not repairs:
            return None
        for ending in product.due(here):
            after = product.advance_bytes(here, ending)
            rest = None if after is None else self._repaired(after, repairs - 1)
            if rest is not None:
                return plain[:taken] + ending + rest
        return None

    def plan(self, config: Any) -> tuple[int, ...] | None:
        """Tokens of a completion that is sure; None where none was found."""
        known = self._plans.get(config)
        if known is not None:
            return known
        found = self._repaired(config, MOST_REPAIRS)
        return None if found is None else tuple(self._product.vocabulary.encode_fewest(found))

    def fill_mask_within(self, config: Any, row: TokenMask, n_tokens: int) -> bool:
        """``fill_mask`` for tokens after which ``n_tokens`` more complete the text; see the module.

        False where not even the completion that is known fits.
        """
        product = self._product
        inner: Any = product.inner
        room = min(RESERVE, max(0, n_tokens) // 2)
        triggers = product.live_triggers(config)
        row[:] = 0
        inner.fill_mask_within(config.inner, row, n_tokens - room)
        if room < LEAST_ROOM:
            if triggers and not self._ends_without_names(config, triggers):
                row[:] = 0
                return self._follow_plan(config, row, n_tokens)
            row &= without(product.vocabulary, triggers, at_end=True)
        stands = product.watch(config, row, room)
        if not stands and room:
            plain = np.zeros_like(row)
            inner.fill_mask_within(config.inner, plain, n_tokens)
            plain &= without(product.vocabulary, triggers)
            if (plain & ~row).any() and self._ends_without_names(config, triggers):
                row |= plain
        if room < LEAST_ROOM:
            self._try_few(config, row, n_tokens)
        return bool(row.any()) or self._follow_plan(config, row, n_tokens)

    def _try_few(self, config: Any, row: TokenMask, n_tokens: int) -> None:
        """Where few tokens are left, be exact: keep those after which a completion is known to fit."""
        if int(np.bitwise_count(row).sum()) > MOST_TRIED:
            return
        product = self._product
        for token_id in allowed_ids(row, product.vocabulary.n_tokens).tolist():
            after = product.advance(config, token_id)
            if after is not None:
                plan = self.plan(after)
                if plan is None or len(plan) > n_tokens:
                    row[token_id >> 5] &= ~np.uint32(1 << (token_id & 31))

    def _ends_without_names(self, config: Any, triggers: bytes) -> bool:
        """Whether the grammar's own completion opens no place for a name."""
        try:
            return not set(self._product.inner.shortest_completion(config.inner)).intersection(triggers)
        except LimitError:
            return False

    def _follow_plan(self, config: Any, row: TokenMask, n_tokens: int) -> bool:
        """Allow the next token of a completion that is sure, and remember the rest of it."""
        plan = self.plan(config)
        if plan is None or len(plan) > n_tokens + 1:
            return False
        if not plan:
            set_ids(row, np.asarray(self._product.vocabulary.eos_ids, dtype=np.int32))
            return True
        after = self._product.advance(config, plan[0])
        if after is None:  # planned in another generation, which knew less
            return self._plans.pop(config, None) is not None and self._follow_plan(config, row, n_tokens)
        row[plan[0] >> 5] |= np.uint32(1 << (plan[0] & 31))
        if len(self._plans) >= MOST_PLANS:
            self._plans.clear()
        self._plans[after] = plan[1:]
        return True


def without(vocabulary: Vocabulary, marks: bytes, *, at_end: bool = False) -> TokenMask:
    """Bits of all ids but those of tokens with one of ``marks`` in them, or at their end."""
    return _without(vocabulary, bytes(sorted(set(marks))), at_end)


@PerVocabulary
def _without(vocabulary: Vocabulary, marks: bytes, at_end: bool) -> TokenMask:
    wanted = set(marks)
    marked = [i for i, token in enumerate(vocabulary.tokens) if wanted.intersection(token[-1:] if at_end else token)]
    row = np.zeros(vocabulary.n_words, dtype=WORD)
    set_ids(row, np.asarray(marked, dtype=np.int32))
    return freeze(~row, WORD)
