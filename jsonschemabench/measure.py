"""The timed loop: masks and advances of one schema, nothing else between the clocks.

Each call is enclosed by the wall clock, and that pair by the process's CPU clock, so the
harness adds to a figure one clock read and one method call. The smaller of wall and CPU
time is the figure: wall time suffers from neighbours on the machine, CPU time from the
clock's own cost and from threads an engine may hide, and neither can be too small.

Whether a token is allowed is read from the mask *and* from ``advance``; where the two
disagree the token counts as not allowed and the row says how often that happened.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from jsonschemabench.engines.base import Matcher, TokenRow

__all__ = ["InstanceResult", "Timings", "timed", "walk"]

Nanoseconds = int


@dataclass
class Timings:
    """Nanoseconds per token, in order: wall and min(wall, CPU) of masks and of advances."""

    mask_wall: list[Nanoseconds] = field(default_factory=list)
    mask: list[Nanoseconds] = field(default_factory=list)
    advance_wall: list[Nanoseconds] = field(default_factory=list)
    advance: list[Nanoseconds] = field(default_factory=list)

    def add(self, mask_wall: int, mask_cpu: int, advance_wall: int, advance_cpu: int) -> None:
        self.mask_wall.append(mask_wall)
        self.mask.append(mask_cpu if mask_cpu < mask_wall else mask_wall)
        self.advance_wall.append(advance_wall)
        self.advance.append(advance_cpu if advance_cpu < advance_wall else advance_wall)


@dataclass
class InstanceResult:
    """What became of one instance.

    ``allowed`` counts the tokens taken before the first refusal; ``may_stop`` is asked
    only after all of them.
    """

    n_tokens: int
    allowed: int = 0
    may_stop: bool = False
    disagreements: int = 0
    error: str | None = None

    @property
    def all_allowed(self) -> bool:
        return self.allowed == self.n_tokens and self.error is None

    @property
    def accepted(self) -> bool:
        return self.all_allowed and self.may_stop


def timed(function: Any, *arguments: Any) -> tuple[Any, Nanoseconds, Nanoseconds]:
    """Call once; returns the result, wall and min(wall, CPU) nanoseconds."""
    cpu = time.process_time_ns()
    wall = time.perf_counter_ns()
    result = function(*arguments)
    wall = time.perf_counter_ns() - wall
    cpu = time.process_time_ns() - cpu
    return result, wall, min(wall, cpu)


def walk(matcher: Matcher, row: TokenRow, token_ids: Sequence[int], timings: Timings) -> InstanceResult:
    """Feed an instance token by token, a mask before each, and stop at the first refusal."""
    result = InstanceResult(n_tokens=len(token_ids))
    try:
        _walk(matcher, row, token_ids, timings, result)
        if result.all_allowed:
            result.may_stop = bool(matcher.may_stop())
    except Exception as error:  # whatever a foreign engine raises is its verdict on this instance
        result.error = f"{type(error).__name__}: {error}"[:1000]
    return result


def _walk(matcher: Matcher, row: TokenRow, token_ids: Sequence[int], timings: Timings, result: InstanceResult) -> None:
    wall_clock, cpu_clock = time.perf_counter_ns, time.process_time_ns
    fill_mask, advance, add = matcher.fill_mask, matcher.advance, timings.add
    words = memoryview(row.data)
    for token in token_ids:
        cpu0 = cpu_clock()
        wall0 = wall_clock()
        fill_mask(row)
        wall1 = wall_clock()
        cpu1 = cpu_clock()
        wall2 = wall_clock()
        taken = advance(token)
        wall3 = wall_clock()
        cpu2 = cpu_clock()
        add(wall1 - wall0, cpu1 - cpu0, wall3 - wall2, cpu2 - cpu1)
        allowed = words[token >> 5] >> (token & 31) & 1
        if taken and allowed:
            result.allowed += 1
            continue
        result.disagreements += bool(taken) != bool(allowed)
        return
