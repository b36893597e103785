"""``suite``: the official JSON-Schema-Test-Suite through engines."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from jsonschemabench.cli import app, data_folder
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
from jsonschemabench.metrics import by_engine
from jsonschemabench.report.tables import suite_table, to_markdown
from jsonschemabench.rows import read_rows
from jsonschemabench.suite import DRAFTS, PARTS, read_groups, read_remotes, suite_jobs, wrong_tests


class Part(StrEnum):
    """Which tests of a draft."""

    required = "required"
    optional = "optional"
    formats = "format"
    all = "all"


@app.command("suite")
def suite_command(
    engine: EngineOption = ["structgen"],  # noqa: B006 - typer copies it
    suite: Annotated[
        Path | None, typer.Option(help="A copy of the suite; default: json-schema-test-suite in the data folder.")
    ] = None,
    draft: Annotated[list[str], typer.Option(help=f"Repeatable; of {', '.join(DRAFTS)}; default: all.")] = [],  # noqa: B006
    part: Annotated[Part, typer.Option(help="Which tests of a draft.")] = Part.required,
    keyword: Annotated[str | None, typer.Option(help="One keyword file, such as 'dynamicRef'.")] = None,
    tokenizer: TokenizerOption = "llama3_1",
    out: OutOption = Path("jsonschemabench-suite.jsonl"),
    by_keyword: Annotated[bool, typer.Option(help="A line per keyword file instead of per draft and part.")] = False,
    wrong: Annotated[bool, typer.Option(help="List every wrong test.")] = False,
    compile_timeout: CompileTimeoutOption = 20.0,
    timeout: TimeoutOption = 40.0,
    memory: MemoryOption = 8.0,
    eos: EosOption = [],  # noqa: B006
) -> None:
    """Run the official JSON-Schema-Test-Suite: right verdicts per draft, part and keyword."""
    folder = suite or data_folder() / "json-schema-test-suite"
    parts = PARTS if part is Part.all else (part.value,)
    groups = read_groups(folder, draft or list(DRAFTS), parts, keyword)
    plan = make_plan(engine, tokenizer, eos, out, compile_timeout=compile_timeout, timeout=timeout, memory=memory)
    with ProgressBar("suite") as progress:
        measure(plan, suite_jobs(groups, read_remotes(folder)), progress)
    wanted = {group.id for group in groups}
    rows = [row for row in read_rows(out) if row.get("kind") == "row" and row["id"] in wanted]
    rows = [row for row in rows if row["engine"] in engine]
    typer.echo(to_markdown(suite_table(rows, by_keyword)), nl=False)
    if wrong:
        for name, its in by_engine(rows).items():
            for row in its:
                for line in wrong_tests(row):
                    typer.echo(f"{name}: {line}")
