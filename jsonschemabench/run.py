"""Measure engines on schemas: one worker per engine, one row per schema and engine.

When several engines are compared they take turns schema by schema, and the order rotates,
so that a slow minute of the machine falls on all of them alike. A run that is killed and
started again continues after the last row it wrote.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jsonschemabench import engines as engine_names
from jsonschemabench.cases import Case, read_case
from jsonschemabench.conditions import conditions, file_hash
from jsonschemabench.errors import InputError
from jsonschemabench.rows import RowWriter
from jsonschemabench.supervisor import Limits, Supervisor
from jsonschemabench.tokens import Tokenizer

__all__ = ["RunPlan", "run"]

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class RunPlan:
    """What to measure: engines, case files, the tokenizer, and where the rows go."""

    engines: Sequence[str]
    paths: Sequence[Path]
    tokenizer: Path
    out: Path
    limits: Limits = field(default_factory=Limits)
    eos: tuple[str, ...] = ()


def run(plan: RunPlan, progress: Progress | None = None) -> int:
    """Measure what is not yet in the output; returns the number of rows added.

    Raises
    ------
    EngineMissingError, EngineUnknownError, WorkerStartError : before anything of that engine is measured
    InputError : the output was measured with another tokenizer
    OutputError : a row could not be written; those before it are safe
    """
    for name in plan.engines:
        engine_names.check(name)
    with ExitStack() as stack:
        writer = stack.enter_context(RowWriter(plan.out))
        _check_same_tokenizer(writer, plan)
        todo = list(_todo(plan, writer.done))
        total = len(plan.engines) * len(plan.paths)
        if not todo:
            return 0
        tokenizer = Tokenizer(plan.tokenizer, plan.eos)
        workers = {
            name: stack.enter_context(Supervisor([name], plan.tokenizer, plan.limits, plan.eos))
            for name in plan.engines
        }
        for worker in workers.values():
            worker.ensure_started()
        writer.write(_run_row(plan, tokenizer, workers))
        _measure_all(todo, tokenizer, workers, writer, progress, total)
    return len(todo)


def _measure_all(
    todo: list[tuple[Path, str]],
    tokenizer: Tokenizer,
    workers: dict[str, Supervisor],
    writer: RowWriter,
    progress: Progress | None,
    total: int,
) -> None:
    previous: tuple[Path, dict[str, Any], dict[str, Any]] | None = None
    n_before = total - len(todo)
    for number, (path, engine) in enumerate(todo, 1):
        if previous is None or previous[0] != path:
            previous = (path, *_request(path, tokenizer))
        _, request, described = previous
        if request:
            row = workers[engine].run("jsonschemabench.tasks:measure_schema", request).as_row()
        else:
            row = {"status": "unreadable"}
        version = workers[engine].versions.get(engine, "")
        writer.write({"kind": "row", "engine": engine, "version": version} | described | row)
        if progress is not None:
            progress(n_before + number, total, f"{engine} {path.name}")


def _todo(plan: RunPlan, done: set[tuple[str, str]]) -> Iterator[tuple[Path, str]]:
    """Pairs not yet measured, case by case, the engine that goes first rotating."""
    names = list(plan.engines)
    for number, path in enumerate(plan.paths):
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            if (name, path.name) not in done:
                yield path, name


def _request(path: Path, tokenizer: Tokenizer) -> tuple[dict[str, Any], dict[str, Any]]:
    """The worker's task and the columns that describe the case; an unreadable file has no task."""
    try:
        case = read_case(path)
    except InputError as error:
        return {}, {"id": path.name, "family": "unreadable", "error": str(error), "valid": []}
    instances = [tokenizer.encode(instance.text) for instance in case.instances]
    return {"schema": case.schema, "instances": instances}, describe(case, [len(ids) for ids in instances])


def describe(case: Case, n_tokens: list[int]) -> dict[str, Any]:
    """The columns of a row that do not depend on the engine."""
    return {
        "id": case.id,
        "family": case.family,
        "schema_bytes": len(json.dumps(case.schema).encode()),
        "instance_bytes": sum(len(instance.text.encode()) for instance in case.instances),
        "instance_tokens": sum(n_tokens),
        "valid": [instance.valid for instance in case.instances],
    }


def _run_row(plan: RunPlan, tokenizer: Tokenizer, workers: dict[str, Supervisor]) -> dict[str, Any]:
    return {
        "kind": "run",
        "engines": {name: worker.versions.get(name, "") for name, worker in workers.items()},
        "start_seconds": {name: round(worker.start_seconds, 3) for name, worker in workers.items()},
        "tokenizer": plan.tokenizer.name,
        "tokenizer_hash": file_hash(plan.tokenizer),
        "n_tokens": tokenizer.vocabulary.n_tokens,
        "n_cases": len(plan.paths),
        "limits": vars(plan.limits),
    } | conditions()


def _check_same_tokenizer(writer: RowWriter, plan: RunPlan) -> None:
    wanted = file_hash(plan.tokenizer)
    for row in writer.rows:
        if row.get("kind") == "run" and row.get("tokenizer_hash") != wanted:
            raise InputError(writer.path, f"was measured with {row.get('tokenizer')}; choose another --out")
