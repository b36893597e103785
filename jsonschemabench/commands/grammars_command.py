"""``grammars``: the efficiency measures for Lark and GBNF grammars."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jsonschemabench.cli import app
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
from jsonschemabench.grammars import grammar_jobs, grammar_paths
from jsonschemabench.jobs import measure
from jsonschemabench.report.tables import grammar_table, to_markdown
from jsonschemabench.rows import read_rows

OWN_GRAMMARS = Path(__file__).resolve().parent.parent / "grammars"


@app.command("grammars")
def grammars_command(
    engine: EngineOption = ["structgen"],  # noqa: B006 - typer copies it
    data: Annotated[Path, typer.Option(help="Folder of grammars with examples beside them.")] = OWN_GRAMMARS,
    tokenizer: TokenizerOption = "llama3_1",
    out: OutOption = Path("jsonschemabench-grammars.jsonl"),
    compile_timeout: CompileTimeoutOption = 60.0,
    timeout: TimeoutOption = 120.0,
    memory: MemoryOption = 8.0,
    eos: EosOption = [],  # noqa: B006
) -> None:
    """Measure engines on grammars: time to first mask, time between masks, verdicts on examples."""
    paths = grammar_paths(data)
    plan = make_plan(engine, tokenizer, eos, out, compile_timeout=compile_timeout, timeout=timeout, memory=memory)
    with ProgressBar("grammars") as progress:
        measure(plan, grammar_jobs(paths), progress)
    wanted = {path.name for path in paths}
    rows = [
        row
        for row in read_rows(out)
        if row.get("kind") == "row" and row["id"] in wanted and row["engine"] in engine and "notation" in row
    ]
    typer.echo(to_markdown(grammar_table(rows)), nl=False)
