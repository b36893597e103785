"""What each allowed token costs: tokens to acceptance from where it lands.

For machines that know nothing of costs, every allowed token is tried once per
configuration. Inside free text that would be a hundred thousand steps that all lead back
to the same configuration; so a configuration is first probed byte by byte for a loop, and
the tokens of its run of text (``text_runs``) are not tried. Configurations that are equal
have equal futures, which is all this relies on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from structgen.dtypes import IntArray, TokenMask, freeze
from structgen.masks.machine import Config, TokenMachine
from structgen.masks.mask import allowed_ids
from structgen.masks.text_runs import text_run, utf8_table

__all__ = ["Landings", "landings_of"]

WORTH_PROBING = 2000
"""Allowed tokens from which a loop is looked for; probing takes some 2,000 steps of one byte."""
INVALID = 255


@dataclass(frozen=True, slots=True)
class Landings:
    """Costs after one token: of the tokens tried, and of the places where a run of text can end."""

    token_ids: IntArray
    costs: IntArray
    run: TokenMask | None
    run_cost: tuple[int, int]
    """Least and greatest cost where a token of the run ends; (0, 0) without one."""

    @property
    def greatest(self) -> int:
        """The cost of the worst allowed token."""
        return max(int(self.costs.max(initial=0)), self.run_cost[1])


def landings_of(machine: TokenMachine, config: Config, cost: Callable[[Config], int]) -> Landings:
    """Try the tokens allowed in ``config``; end of sequence is left out."""
    vocabulary = machine.vocabulary
    row = np.zeros(vocabulary.n_words, dtype=np.uint32)
    machine.fill_mask(config, row)
    run: TokenMask | None = None
    run_cost = (0, 0)
    if int(np.bitwise_count(row).sum()) >= WORTH_PROBING:
        found = _loop_of(machine, config)
        if found is not None:
            loops, places = found
            run = text_run(vocabulary, loops, len(places) > 1).row
            costs = [cost(place) for place in places]
            run_cost = min(costs), max(costs)
            row &= ~run
    ends = set(vocabulary.eos_ids)
    token_ids = [i for i in allowed_ids(row, vocabulary.n_tokens).tolist() if i not in ends]
    landed = [machine.advance(config, token_id) for token_id in token_ids]
    kept = [(i, cost(after)) for i, after in zip(token_ids, landed, strict=True) if after is not None]
    return Landings(freeze([i for i, _ in kept], np.int32), freeze([c for _, c in kept], np.int32), run, run_cost)


def _loop_of(machine: TokenMachine, config: Config) -> tuple[bytes, list[Config]] | None:
    """The ASCII bytes that lead back to ``config`` (128 flags), and the places within a run; None without a loop.

    The places are ``config`` alone, or, if all characters beyond ASCII lead back too, one
    for each row of the UTF-8 table.
    """
    singles = [bytes([byte]) for byte in range(256)]
    loops = bytes(machine.advance_bytes(config, singles[byte]) == config for byte in range(128))
    if not any(loops):
        return None
    steps = utf8_table()
    places: dict[int, Config] = {0: config}
    for row in (0, 3, 6, 7, 2, 4, 5, 1):  # each after those that lead to it
        if row not in places:
            return loops, [config]
        for byte in range(0 if row else 128, 256):
            after = machine.advance_bytes(places[row], singles[byte])
            to = int(steps[row, byte])
            if (to == INVALID) != (after is None):
                return loops, [config]
            if after is not None and places.setdefault(to, after) != after:
                return loops, [config]
    return loops, list(places.values())
