"""Exact runs as jobs: all engines share one worker, so that masks can be compared token by token."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from jsonschemabench import engines as engine_names
from jsonschemabench.cases import read_case
from jsonschemabench.conditions import conditions
from jsonschemabench.errors import InputError
from jsonschemabench.exact.task import Settings
from jsonschemabench.jobs import Plan
from jsonschemabench.rows import RowWriter
from jsonschemabench.supervisor import Supervisor

__all__ = ["run_exact"]


def run_exact(
    plan: Plan, paths: Sequence[Path], settings: Settings, progress: Callable[[int, int, str], None] | None = None
) -> str:
    """Examine every case not yet in the output; returns the name that the engines have together.

    Raises what ``jobs.measure`` raises.
    """
    for name in plan.engines:
        engine_names.check(name)
    together = "+".join(plan.engines)
    with RowWriter(plan.out) as writer, Supervisor(list(plan.engines), plan.tokenizer, plan.limits, plan.eos) as worker:
        todo = [path for path in paths if (together, path.name) not in writer.done]
        if not todo:
            return together
        worker.ensure_started()
        writer.write({"kind": "run", "engines": worker.versions, "settings": asdict(settings)} | conditions())
        for number, path in enumerate(todo, 1):
            row = {"kind": "row", "engine": together, "id": path.name} | _examine(worker, path, settings)
            writer.write(row)
            if progress is not None:
                progress(len(paths) - len(todo) + number, len(paths), path.name)
    return together


def _examine(worker: Supervisor, path: Path, settings: Settings) -> dict[str, Any]:
    try:
        case = read_case(path)
    except InputError as error:
        return {"status": "unreadable", "error": str(error), "findings": []}
    instances = [instance.data for instance in case.instances if instance.valid]
    request = {"schema": case.schema, "instances": instances, "settings": asdict(settings)}
    outcome = worker.run("jsonschemabench.exact.task:examine", request)
    return {"findings": []} | outcome.as_row()
