"""``exact``: are the masks right, proven document by document."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

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
from jsonschemabench.exact.findings import summary
from jsonschemabench.exact.plan import run_exact
from jsonschemabench.exact.task import Settings
from jsonschemabench.report.tables import Table, to_markdown
from jsonschemabench.rows import read_rows


@app.command("exact")
def exact_command(
    engine: EngineOption = ["structgen", "llguidance"],  # noqa: B006 - typer copies it
    data: Annotated[Path | None, typer.Option(help="Folder of case files; default: this project's own.")] = None,
    files: Annotated[Path | None, typer.Option(help="A list of file names, one a line; default: all.")] = None,
    tokenizer: TokenizerOption = "llama3_1",
    out: OutOption = Path("jsonschemabench-exact.jsonl"),
    limit: Annotated[int | None, typer.Option(help="Only the first so many cases.")] = None,
    witnesses: Annotated[int, typer.Option(help="Differences to settle per instance.")] = 24,
    walks: Annotated[int, typer.Option(help="Random walks per schema and engine.")] = 4,
    seconds: Annotated[float, typer.Option(help="Processor seconds per schema after compiling.")] = 30.0,
    seed: Annotated[int, typer.Option(help="Another seed makes other choices.")] = 0,
    show: Annotated[int, typer.Option(help="Print so many findings per engine and fault.")] = 0,
    compile_timeout: CompileTimeoutOption = 60.0,
    timeout: TimeoutOption = 180.0,
    memory: MemoryOption = 8.0,
    eos: EosOption = [],  # noqa: B006
) -> None:
    """Prove over- and under-constraint: differences between engines, spellings, random walks."""
    paths = case_paths(data or repository() / "schemas", files)[:limit]
    plan = make_plan(engine, tokenizer, eos, out, compile_timeout=compile_timeout, timeout=timeout, memory=memory)
    settings = Settings(witnesses=witnesses, walks=walks, seconds=seconds, seed=seed)
    with ProgressBar("exact") as progress:
        together = run_exact(plan, paths, settings, progress)
    wanted = {path.name for path in paths}
    rows = [row for row in read_rows(out) if row.get("engine") == together and row.get("id") in wanted]
    typer.echo(to_markdown(_table(rows)), nl=False)
    typer.echo(f"\n{_counts(rows)}")
    _show(rows, show)


def _table(rows: list[dict[str, Any]]) -> Table:
    table: Table = [["engine, fault, cause", "schemas"]]
    for engine, faults in sorted(summary(rows).items()):
        for fault, causes in sorted(faults.items()):
            table += [[f"{engine}: {fault}: {_code(cause)}", str(number)] for cause, number in causes.most_common()]
    return table


def _code(cause: str) -> str:
    return "`" + cause.replace("|", "\\|").replace("`", "'") + "`"


def _counts(rows: list[dict[str, Any]]) -> str:
    sums: dict[str, int] = {}
    for row in rows:
        for name, number in row.get("counts", {}).items():
            sums[name] = sums.get(name, 0) + number
    bad = [row for row in rows if row["status"] != "ok"]
    parts = [f"{len(rows)} schemas", f"{len(bad)} not examined", *(f"{name} {number}" for name, number in sums.items())]
    return "; ".join(parts)


def _show(rows: list[dict[str, Any]], limit: int) -> None:
    shown: dict[tuple[str, str], int] = {}
    for row in rows:
        for found in row["findings"]:
            kind = (found["engine"], found["fault"])
            shown[kind] = shown.get(kind, 0) + 1
            if shown[kind] <= limit:
                typer.echo(f"\n{row['id']}: {found['engine']}: {found['fault']}: {found['cause']}")
                typer.echo(f"  after {found['prefix']!r} token {found['token']!r}; judged: {found['judged']}")
                typer.echo(f"  document {found['text'][:300]!r}")
