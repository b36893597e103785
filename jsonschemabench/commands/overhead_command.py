"""``overhead``: what the harness adds to the figures it reports."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from jsonschemabench import engines as engine_names
from jsonschemabench.cases import case_paths, read_case
from jsonschemabench.cli import app, data_folder, repository
from jsonschemabench.commands.options import EngineOption, EosOption, TokenizerOption
from jsonschemabench.report.tables import Table, to_markdown
from jsonschemabench.supervisor import Limits, Supervisor
from jsonschemabench.tokens import Tokenizer, find_tokenizer


@app.command("overhead")
def overhead_command(
    engine: EngineOption = ["null", "llguidance"],  # noqa: B006 - typer copies it
    data: Annotated[Path | None, typer.Option(help="Folder of case files; default: this project's own.")] = None,
    files: Annotated[Path | None, typer.Option(help="A list of file names, one a line; default: all.")] = None,
    tokenizer: TokenizerOption = "llama3_1",
    limit: Annotated[int, typer.Option(help="How many cases that all engines compile.")] = 20,
    repeats: Annotated[int, typer.Option(help="Repetitions; the smallest time counts.")] = 7,
    eos: EosOption = [],  # noqa: B006
) -> None:
    """Compare the harness's figures with a bare loop of calls to the engine; null shows its own cost."""
    path = find_tokenizer(tokenizer, data_folder())
    encoder = Tokenizer(path, tuple(eos))
    paths = case_paths(data or repository() / "schemas", files)
    table: Table = [["engine", "tokens", "harness, µs per token", "bare loop, µs per token", "ratio"]]
    for name in engine:
        engine_names.check(name)
        with Supervisor([name], path, Limits(task_seconds=300, compile_seconds=300), tuple(eos)) as worker:
            table.append([name, *_measure(worker, encoder, paths, limit, repeats)])
    typer.echo(to_markdown(table), nl=False)


def _measure(worker: Supervisor, encoder: Tokenizer, paths: list[Path], limit: int, repeats: int) -> list[str]:
    """Sum over the first ``limit`` cases that have valid instances and do not fail."""
    sums = {"harness_ns": 0, "direct_ns": 0, "n_tokens": 0}
    n_done = 0
    for path in paths:
        case = read_case(path)
        instances = [encoder.encode(instance.text) for instance in case.instances if instance.valid]
        if not instances or n_done == limit:
            continue
        request: dict[str, Any] = {"cases": [{"schema": case.schema, "instances": instances}], "repeats": repeats}
        outcome = worker.run("jsonschemabench.overhead:compare", request)
        if outcome.status == "ok":
            n_done += 1
            for key in sums:
                sums[key] += outcome.row[key]
    n_tokens = max(sums["n_tokens"], 1)
    harness, direct = sums["harness_ns"] / n_tokens / 1000, sums["direct_ns"] / n_tokens / 1000
    return [f"{sums['n_tokens']:,}", f"{harness:.3f}", f"{direct:.3f}", f"{harness / max(direct, 1e-9):.3f}"]
