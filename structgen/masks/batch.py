"""Masks of many matchers at once.

A warm mask is a copy, 0.4 µs, and threads would only add to it. A mask that is not at
hand is a walk of up to a millisecond outside the interpreter's lock. So the batch first
finds the distinct configurations that are cold, walks those in threads, and then copies.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

from structgen.dtypes import TokenMask
from structgen.masks.matcher import Matcher

__all__ = ["fill_masks"]


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1), thread_name_prefix="structgen-masks")


def fill_masks(
    matchers: Sequence[Matcher],
    rows: TokenMask,
    budgets: Sequence[int | None] | None = None,
    *,
    use_threads: bool = True,
) -> None:
    """Overwrite ``rows[b]`` with the mask of ``matchers[b]``; equal configurations are computed once.

    Parameters
    ----------
    matchers : B matchers, of any constraints over one vocabulary
    rows : (B, ceil(V / 32)) uint32, C-contiguous, written in place
    budgets : tokens left for each matcher, as ``Matcher.fill_mask`` takes it
    use_threads : walk cold masks in threads where there are several

    Raises
    ------
    ValueError : ``rows`` or ``budgets`` do not have B rows
    IncompleteError : a budget cannot suffice
    """
    if len(rows) != len(matchers) or (budgets is not None and len(budgets) != len(matchers)):
        raise ValueError(f"{len(matchers)} matchers, but {len(rows)} rows")
    if use_threads and len(matchers) > 1:
        _prepare_cold(matchers)
    if budgets is None:
        for matcher, row in zip(matchers, rows, strict=True):
            matcher.fill_mask(row)
    else:
        for matcher, row, budget in zip(matchers, rows, budgets, strict=True):
            matcher.fill_mask(row, budget)


def _prepare_cold(matchers: Sequence[Matcher]) -> None:
    cold: dict[Any, Any] = {}
    for matcher in matchers:
        machine: Any = matcher.machine
        if not matcher.is_finished and hasattr(machine, "has_mask") and not machine.has_mask(matcher.config):
            cold[id(machine), matcher.config] = machine.prepare_mask
    if len(cold) > 1:
        list(_pool().map(lambda item: item[1](item[0][1]), cold.items()))
