"""``run``: measure engines on schemas with instances."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jsonschemabench.cases import case_paths
from jsonschemabench.cli import EngineOption, EosOption, TokenizerOption, app, data_folder, repository
from jsonschemabench.commands.progress import ProgressBar
from jsonschemabench.metrics import by_engine, figures
from jsonschemabench.rows import read_rows
from jsonschemabench.run import RunPlan, run
from jsonschemabench.supervisor import Limits
from jsonschemabench.tables import comparison, to_markdown
from jsonschemabench.tokens import find_tokenizer


@app.command("run")
def run_command(
    engine: EngineOption = ["structgen"],  # noqa: B006 - typer copies it
    data: Annotated[
        Path | None, typer.Option(help="Folder of case files; default: this project's own schemas.")
    ] = None,
    files: Annotated[Path | None, typer.Option(help="A list of file names, one a line; default: all.")] = None,
    tokenizer: TokenizerOption = "llama3_1",
    out: Annotated[Path, typer.Option(help="JSON lines to append to; existing rows are not measured again.")] = Path(
        "jsonschemabench.jsonl"
    ),
    limit: Annotated[int | None, typer.Option(help="Only the first so many cases.")] = None,
    compile_timeout: Annotated[float, typer.Option(help="Seconds to compile one schema.")] = 60.0,
    timeout: Annotated[float, typer.Option(help="Seconds for one schema in all.")] = 120.0,
    memory: Annotated[float, typer.Option(help="GiB of resident memory of an engine's process.")] = 8.0,
    eos: EosOption = [],  # noqa: B006
) -> None:
    """Measure engines on schemas: coverage, verdicts, time to first mask, time between masks."""
    limits = Limits(compile_timeout, timeout, int(memory * 2**30))
    paths = case_paths(data or repository() / "schemas", files)[:limit]
    plan = RunPlan(engine, paths, find_tokenizer(tokenizer, data_folder()), out, limits, tuple(eos))
    with ProgressBar("run") as progress:
        run(plan, progress)
    wanted = {path.name for path in paths}
    rows = [row for row in read_rows(out) if row.get("kind") != "row" or row["id"] in wanted]
    found = [figures(name, its) for name, its in by_engine(rows).items() if name in engine]
    typer.echo(to_markdown(comparison(found)), nl=False)
