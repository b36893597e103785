"""Always finishing: masks under a token budget.

A token is kept if a known completion of the text after it still fits what is left. That
some token always is needs one argument: the first token of a known completion leads to a
configuration whose known completion is the rest of it. Automata keep this by
construction (``costs``). For other machines, whose shortest completions may change from
step to step, the matcher remembers the completion it counted on (its *plan*), and the
rest of it counts as known.

A machine may help, and should where it is hot:

- ``fill_mask_within(config, row, n_tokens) -> bool`` and ``completion_tokens(config)``: all
  of it, as ``DfaMachine`` has it;
- or ``completion_bound(config)``: an upper bound, in bytes, of the shortest completion
  after any one allowed token; while the budget exceeds it, nothing is checked.

Without help, the allowed tokens are tried once per configuration (``landings``).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from structgen.dtypes import TokenMask
from structgen.masks.landings import Landings, landings_of
from structgen.masks.machine import Config, TokenMachine
from structgen.masks.mask import allowed_ids, mask_of, set_ids

__all__ = ["Completions", "Plan"]

Plan = tuple[int, ...]
"""Tokens that complete a text, end of sequence left out."""

MOST_COSTS = 100_000
"""Completions remembered before starting over."""
MOST_LANDINGS = 500
"""Configurations whose tokens' costs are remembered before starting over."""


class Completions:
    """Short completions of a machine's configurations; shared by a matcher and its forks."""

    __slots__ = ("_end_row", "_known", "_landings", "_machine")

    def __init__(self, machine: TokenMachine) -> None:
        self._machine: Any = machine
        self._known: dict[Config, Plan] = {}
        self._landings: dict[Config, Landings] = {}
        self._end_row: TokenMask | None = None

    def of(self, config: Config, plan: Plan | None = None) -> Plan:
        """A completion in few tokens: the machine's own, or ``plan`` where that is shorter."""
        if hasattr(self._machine, "completion_tokens"):
            own: Plan = tuple(self._machine.completion_tokens(config))
        else:
            own = self._spelled(config)
        return plan if plan is not None and len(plan) < len(own) else own

    def fill_mask_within(self, config: Config, row: TokenMask, budget: int, plan: Plan | None) -> Plan | None:
        """Fill ``row`` with the tokens that keep the text completable in ``budget`` tokens.

        ``budget`` counts the token to be chosen and end of sequence. Returns the plan that
        was counted on (empty where the machine needs none), None where nothing fits.
        """
        machine = self._machine
        if hasattr(machine, "fill_mask_within"):
            return () if machine.fill_mask_within(config, row, budget - 2) else None
        bound = getattr(machine, "completion_bound", None)
        if bound is not None and bound(config) + 2 <= budget:
            machine.fill_mask(config, row)
            return ()
        return self._fill_by_landings(config, row, budget, plan)

    def _fill_by_landings(self, config: Config, row: TokenMask, budget: int, plan: Plan | None) -> Plan | None:
        machine = self._machine
        plan = self.of(config, plan)
        if len(plan) + 1 > budget:
            return None
        landings = self._landings_of(config)
        machine.fill_mask(config, row)
        if landings.greatest + 2 > budget:
            self._keep_within(config, landings, row, budget - 2)
            for token_id in plan[:1]:
                row[token_id >> 5] |= np.uint32(1 << (token_id & 31))
        return plan

    def _keep_within(self, config: Config, landings: Landings, row: TokenMask, limit: int) -> None:
        """Leave in ``row`` the tokens that cost at most ``limit``, and end of sequence."""
        if self._end_row is None:  # made where it is used, for most constraints are bound without a budget
            self._end_row = mask_of(self._machine.vocabulary.eos_ids, self._machine.vocabulary.n_tokens)
        row &= self._end_row
        set_ids(row, landings.token_ids[landings.costs <= limit])
        run = landings.run
        if run is None or landings.run_cost[0] > limit:
            return
        if landings.run_cost[1] <= limit:
            row |= run
            return
        vocabulary = self._machine.vocabulary
        for token_id in allowed_ids(run, vocabulary.n_tokens).tolist():  # ends within characters differ
            if len(self._spelled(self._machine.advance(config, token_id))) <= limit:
                row[token_id >> 5] |= np.uint32(1 << (token_id & 31))

    def _landings_of(self, config: Config) -> Landings:
        known = self._landings
        landings = known.get(config)
        if landings is None:
            if len(known) >= MOST_LANDINGS:
                known.clear()
            landings = known[config] = landings_of(self._machine, config, lambda after: len(self._spelled(after)))
        return landings

    def _spelled(self, config: Config) -> Plan:
        known = self._known
        plan = known.get(config)
        if plan is None:
            if len(known) >= MOST_COSTS:
                known.clear()
            machine = self._machine
            plan = known[config] = tuple(machine.vocabulary.encode_fewest(machine.shortest_completion(config)))
        return plan
