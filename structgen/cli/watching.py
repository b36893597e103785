"""The monitors of ``structgen generate``: what its options ask for, and what became of it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import typer

from structgen.cli.exits import UnreadableError

__all__ = ["MonitorName", "OnFailure", "Watching", "cursor", "tell"]


class MonitorName(StrEnum):
    """Monitors that the command line can set up."""

    python = "python"
    typescript = "typescript"
    java = "java"
    cpp = "cpp"
    sql = "sql"


class OnFailure(StrEnum):
    """What becomes of a generation whose monitor cannot work."""

    error = "error"
    proceed = "continue"


@dataclass(frozen=True)
class Watching:
    """The options about monitors, checked against each other."""

    monitor: str | None
    project: str
    database: str | None
    engine: str | None
    rules: tuple[str, ...]
    time_limit: float
    on_failure: str

    def __post_init__(self) -> None:
        if (self.monitor == "sql") != (self.database is not None):
            raise typer.BadParameter("--monitor sql and --database go together")
        if self.monitor is None and (self.engine or self.rules):
            raise typer.BadParameter("--engine and --rule need --monitor")

    def for_prompts(self) -> list[Any]:
        """Monitors of a text that stands alone."""
        if self.monitor is None:
            return []
        if self.monitor == "sql":
            return [self._sql()]
        if self.monitor != "python":
            raise typer.BadParameter(f"--monitor {self.monitor} needs --file and --at")
        from structgen.monitors.python_monitor import DEFAULT_RULES, python

        return [
            python(
                self.project,
                engine=self.engine,
                rules=self.rules or DEFAULT_RULES,
                time_limit=self.time_limit,
                on_failure=self.on_failure,  # type: ignore[arg-type]
            )
        ]

    def for_a_hole(self, hole: Any) -> Any:
        """The monitor of a place in a file; None without ``--monitor``."""
        if self.monitor is None or self.monitor == "sql":
            return self._sql() if self.monitor else None
        from structgen.filling import monitor_at

        return monitor_at(
            hole,
            self.monitor,  # type: ignore[arg-type]
            project=self.project,
            engine=self.engine,
            rules=self.rules or None,
            time_limit=self.time_limit,
            on_failure=self.on_failure,  # type: ignore[arg-type]
        )

    def hole(self, file: str, at: tuple[int, int]) -> Any:
        """The place in a file that is filled in."""
        from structgen.errors import MonitorError
        from structgen.monitors.files import hole_in

        try:
            return hole_in(file, *at, project=self.project)
        except MonitorError as error:
            if error.engine == "cursor":
                raise typer.BadParameter(str(error)) from None
            raise UnreadableError(str(error)) from None

    def around(self, constraint: Any) -> Any:
        """``constraint`` with the monitors of a text that stands alone; itself where there are none."""
        from structgen.monitored_constraint import monitored

        monitors = self.for_prompts()
        return monitored(constraint, monitors) if monitors else constraint

    def around_a_hole(self, hole: Any, constraint: Any) -> tuple[Any, bytes | None]:
        """The same for a place in a file, to the end of its line by default; and what the model sees."""
        from structgen.filling import target_at

        return target_at(hole, self.for_a_hole(hole), constraint)

    def records(self, target: Any) -> tuple[Any, ...]:
        """What the monitors did under ``target``."""
        from structgen.monitored_constraint import MonitoredConstraint

        return target.records() if isinstance(target, MonitoredConstraint) else ()

    def _sql(self) -> Any:
        import sqlite3

        from structgen.monitors.sql_monitor import sql

        path = Path(str(self.database))
        if not path.is_file():  # sqlite3 would make an empty one
            raise UnreadableError(f"{path}: no such database")
        return sql(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True))


def cursor(text: str) -> tuple[int, int]:
    """``LINE:COL``, both from 1."""
    match = re.fullmatch(r"([0-9]+):([0-9]+)", text)
    if match is None:
        raise typer.BadParameter(f"--at is LINE:COL, both from 1, not {text!r}")
    return int(match[1]), int(match[2])


def tell(records: Iterable[Any]) -> None:
    """Say on stderr where a monitor did not see everything."""
    for record in records:
        if record.gave_up:
            print(f"structgen: without the {record.name} monitor: {record.gave_up}", file=sys.stderr)
        elif not record.is_whole:
            lost = record.overruns + record.failures
            print(
                f"structgen: {record.engine} left {lost} of {record.queries} questions of the {record.name} monitor "
                "unanswered; nothing was held back there",
                file=sys.stderr,
            )
