"""Token budgets under a grammar.

While more tokens are left than any one token could make necessary, every allowed token is
kept. Near the limit, completions are compared: the first token of the known completion,
and the candidates with the fewest bytes whose own completions still fit. Trying all of a
hundred thousand tokens there would cost seconds a step, so near the limit the mask is
sound but not complete: long tokens may be left out.
"""

from __future__ import annotations

from threading import RLock
from typing import Any

import numpy as np

from structgen.dtypes import TokenMask
from structgen.masks.mask import allowed_ids

__all__ = ["GrammarBudget", "WithinBudget"]

MOST_TRIED = 96
MOST_KNOWN = 50_000
LONG = 24
"""Bytes of a token that may each open something; longer tokens are mostly one lexeme."""


class GrammarBudget:
    """Completions in tokens, remembered with all their ends."""

    def __init__(self, machine: Any, completer: Any) -> None:
        self._machine = machine
        self._completer = completer
        self._known: dict[Any, tuple[int, ...]] = {}

    def tokens(self, config: Any) -> tuple[int, ...]:
        """A completion of ``config`` in tokens."""
        known = self._known.get(config)
        if known is None:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            known = self.spell(config)
            self._keep(config, known)
        return known

    def spell(self, config: Any) -> tuple[int, ...]:
        """A completion in few tokens, worked out anew."""
        return tuple(self._machine.vocabulary.encode_fewest(self._completer.shortest(config)))

    def _keep(self, config: Any, plan: tuple[int, ...]) -> None:
        """Remember ``plan`` and each rest of it for the place it leads to."""
        for place in range(len(plan) + 1):
            known = self._known.get(config)
            if known is None or len(known) > len(plan) - place:
                self._known[config] = plan[place:]
            if place < len(plan):
                config = self._machine.advance(config, plan[place])

    def fill(self, config: Any, row: TokenMask, n_tokens: int) -> bool:
        """See ``GrammarMachine.fill_mask_within``."""
        machine = self._machine
        plan = self.tokens(config)
        if len(plan) > n_tokens + 1:
            return False
        machine.fill_mask(config, row)
        if n_tokens > len(plan) + LONG * self._completer.step_bound:
            return True
        vocabulary = machine.vocabulary
        allowed = [t for t in allowed_ids(row, vocabulary.n_tokens).tolist() if t not in vocabulary.eos_ids]
        allowed.sort(key=lambda t: len(vocabulary.token_bytes(t)))
        kept = set(plan[:1])
        for token in allowed[:MOST_TRIED]:
            after = machine.advance(config, token)
            if after is not None and len(self.tokens(after)) <= n_tokens:
                kept.add(token)
        ends = [t for t in vocabulary.eos_ids if row[t >> 5] >> np.uint32(t & 31) & np.uint32(1)]
        row[:] = 0
        for token in [*kept, *ends]:
            row[token >> 5] |= np.uint32(1 << (token & 31))
        return True


class WithinBudget:
    """What a machine says of completions in tokens, special ones included; one thread at a time."""

    _lock: RLock
    _budget: GrammarBudget

    def completion_tokens(self, config: Any) -> tuple[int, ...]:
        """A short completion in tokens."""
        with self._lock:
            return self._budget.tokens(config)

    def completion_cost(self, config: Any) -> int:
        """Tokens of ``completion_tokens``."""
        return len(self.completion_tokens(config))

    def fill_mask_within(self, config: Any, row: TokenMask, n_tokens: int) -> bool:
        """Overwrite ``row`` with allowed tokens after which ``n_tokens`` more surely suffice; False where none does."""
        with self._lock:
            return self._budget.fill(config, row, n_tokens)
