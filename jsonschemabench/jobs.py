"""The loop that all measuring commands share: jobs × engines, in turns, resumable.

A *job* is one schema or grammar with its instances. When several engines are compared
they take turns job by job and the order rotates, so that a slow minute of the machine
falls on all of them alike. A run that is killed and started again continues after the last
row it wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jsonschemabench import engines as engine_names
from jsonschemabench.conditions import conditions, file_hash
from jsonschemabench.errors import InputError
from jsonschemabench.rows import RowWriter
from jsonschemabench.supervisor import Limits, Supervisor
from jsonschemabench.tokens import Tokenizer

__all__ = ["Job", "Plan", "Progress", "measure"]

Progress = Callable[[int, int, str], None]
Prepared = tuple[dict[str, Any] | None, dict[str, Any]]


@dataclass(frozen=True)
class Job:
    """``prepare(tokenizer)`` gives the worker's request and the columns that describe the job.

    It is called only when the job's turn has come; a request of None means that there is
    nothing to run, and the columns say why.
    """

    id: str
    task: str
    prepare: Callable[[Tokenizer], Prepared]


@dataclass(frozen=True)
class Plan:
    """Which engines, with which tokenizer and limits, and where the rows go."""

    engines: Sequence[str]
    tokenizer: Path
    out: Path
    limits: Limits = field(default_factory=Limits)
    eos: tuple[str, ...] = ()


def measure(plan: Plan, jobs: Sequence[Job], progress: Progress | None = None) -> int:
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
        todo = list(_todo(plan.engines, jobs, writer.done))
        if not todo:
            return 0
        tokenizer = Tokenizer(plan.tokenizer, plan.eos)
        workers = {
            name: stack.enter_context(Supervisor([name], plan.tokenizer, plan.limits, plan.eos))
            for name in plan.engines
        }
        for worker in workers.values():
            worker.ensure_started()
        writer.write(_run_row(plan, len(jobs), tokenizer, workers))
        _measure_all(todo, tokenizer, workers, writer, progress, len(jobs) * len(plan.engines))
    return len(todo)


def _measure_all(
    todo: list[tuple[Job, str]],
    tokenizer: Tokenizer,
    workers: dict[str, Supervisor],
    writer: RowWriter,
    progress: Progress | None,
    total: int,
) -> None:
    job: Job | None = None
    prepared: Prepared = (None, {})
    n_before = total - len(todo)
    for number, (next_job, engine) in enumerate(todo, 1):
        if next_job is not job:
            job, prepared = next_job, next_job.prepare(tokenizer)
        request, columns = prepared
        row = {"status": "unreadable"} if request is None else workers[engine].run(next_job.task, request).as_row()
        version = workers[engine].versions.get(engine, "")
        writer.write({"kind": "row", "engine": engine, "version": version, "id": next_job.id} | columns | row)
        if progress is not None:
            progress(n_before + number, total, f"{engine} {next_job.id}")


def _todo(names: Sequence[str], jobs: Sequence[Job], done: set[tuple[str, str]]) -> Iterator[tuple[Job, str]]:
    """Pairs not yet measured, job by job, the engine that goes first rotating."""
    for number, job in enumerate(jobs):
        shift = number % len(names)
        for name in [*names[shift:], *names[:shift]]:
            if (name, job.id) not in done:
                yield job, name


def _run_row(plan: Plan, n_jobs: int, tokenizer: Tokenizer, workers: dict[str, Supervisor]) -> dict[str, Any]:
    return {
        "kind": "run",
        "engines": {name: worker.versions.get(name, "") for name, worker in workers.items()},
        "start_seconds": {name: round(worker.start_seconds, 3) for name, worker in workers.items()},
        "tokenizer": plan.tokenizer.name,
        "tokenizer_hash": file_hash(plan.tokenizer),
        "n_tokens": tokenizer.vocabulary.n_tokens,
        "n_jobs": n_jobs,
        "limits": vars(plan.limits),
    } | conditions()


def _check_same_tokenizer(writer: RowWriter, plan: Plan) -> None:
    wanted = file_hash(plan.tokenizer)
    for row in writer.rows:
        if row.get("kind") == "run" and row.get("tokenizer_hash") != wanted:
            raise InputError(writer.path, f"was measured with {row.get('tokenizer')}; choose another --out")
