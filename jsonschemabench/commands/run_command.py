"""``run``: measure engines on schemas with instances."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jsonschemabench.cases import case_paths
from jsonschemabench.cli import app, repository
from jsonschemabench.commands.options import (
    CompileTimeoutOption,
    EngineOption,
    EosOption,
    MemoryOption,
    OutOption,
    TimeoutOption,
    TokenizerOption,
    make_plan,
)
from jsonschemabench.commands.progress import ProgressBar
from jsonschemabench.jobs import measure
from jsonschemabench.metrics import by_engine, figures
from jsonschemabench.report.tables import comparison, to_markdown
from jsonschemabench.rows import read_rows
from jsonschemabench.run import case_jobs


@app.command("run")
def run_command(
    engine: EngineOption = ["structgen"],  # noqa: B006 - typer copies it
    data: Annotated[
        Path | None, typer.Option(help="Folder of case files; default: this project's own schemas.")
    ] = None,
    files: Annotated[Path | None, typer.Option(help="A list of file names, one a line; default: all.")] = None,
    tokenizer: TokenizerOption = "llama3_1",
    out: OutOption = Path("jsonschemabench.jsonl"),
    limit: Annotated[int | None, typer.Option(help="Only the first so many cases.")] = None,
    compile_timeout: CompileTimeoutOption = 60.0,
    timeout: TimeoutOption = 120.0,
    memory: MemoryOption = 8.0,
    eos: EosOption = [],  # noqa: B006
) -> None:
    """Measure engines on schemas: coverage, verdicts, time to first mask, time between masks."""
    paths = case_paths(data or repository() / "schemas", files)[:limit]
    plan = make_plan(engine, tokenizer, eos, out, compile_timeout=compile_timeout, timeout=timeout, memory=memory)
    with ProgressBar("run") as progress:
        measure(plan, case_jobs(paths), progress)
    wanted = {path.name for path in paths}
    rows = [row for row in read_rows(out) if row.get("kind") == "row" and row["id"] in wanted]
    found = [figures(name, its) for name, its in by_engine(rows).items() if name in engine]
    typer.echo(to_markdown(comparison(found)), nl=False)
