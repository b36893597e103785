"""What monitors did during one generation, for the caller to see.

A monitor that finds nothing out is silent: UNKNOWN constrains nothing, and a server that
died looks the same from outside. So every result carries a record per monitor, and a
generation that went on without one says so there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from structgen.monitors.engines.protocol import EngineStats

__all__ = ["MonitorRecord", "engine_stats"]


@dataclass(frozen=True, slots=True)
class MonitorRecord:
    """One monitor's part in a generation.

    Counts of the engine are differences between the start and the end of the generation: a
    monitor that serves several at once counts the queries of all of them.

    Parameters
    ----------
    name : the monitor's
    engine : the engine behind it; empty where it has none
    masks : masks it was asked for
    constrained : of these, masks in which it held tokens back
    queries : analyses the engine ran
    overruns : of these, over the time limit, so UNKNOWN
    failures : answers that were errors or nonsense, so UNKNOWN
    restarts : of a server that hung or died
    seconds : spent waiting for the engine
    gave_up : why the monitor constrains nothing any more; empty while it works
    """

    name: str
    engine: str = ""
    masks: int = 0
    constrained: int = 0
    queries: int = 0
    overruns: int = 0
    failures: int = 0
    restarts: int = 0
    seconds: float = 0.0
    gave_up: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether every question got an answer in time."""
        return not (self.gave_up or self.overruns or self.failures)


def engine_stats(monitor: Any) -> EngineStats:
    """A copy of the counts of the engine behind ``monitor``; zeros for a monitor without one."""
    stats = getattr(getattr(monitor, "engine", None), "stats", None)
    return replace(stats) if isinstance(stats, EngineStats) else EngineStats()


def record_between(monitor: Any, before: EngineStats, *, masks: int, constrained: int) -> MonitorRecord:
    """What ``monitor`` did since its engine's counts were ``before``."""
    now = engine_stats(monitor)
    return MonitorRecord(
        name=monitor.name,
        engine=getattr(getattr(monitor, "engine", None), "name", ""),
        masks=masks,
        constrained=constrained,
        queries=now.queries - before.queries,
        overruns=now.overruns - before.overruns,
        failures=now.failures - before.failures,
        restarts=now.restarts - before.restarts,
        seconds=now.seconds - before.seconds,
        gave_up=getattr(monitor, "idle_because", "") or now.disabled,
    )
