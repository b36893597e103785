"""``walks``: random walks within budgets, and the memory of compiled schemas."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Annotated, Any

import typer

from jsonschemabench.cases import case_paths
from jsonschemabench.cli import app, data_folder, repository
from jsonschemabench.commands.options import EosOption, OutOption, TokenizerOption
from jsonschemabench.commands.progress import ProgressBar
from jsonschemabench.rows import RowWriter, read_rows
from jsonschemabench.tokens import Tokenizer, find_tokenizer
from jsonschemabench.walks import Walking, walk_all

_QUANTILES = (0.5, 0.9, 0.99)


@app.command("walks")
def walks_command(
    data: Annotated[Path | None, typer.Option(help="Folder of case files; default: this project's own.")] = None,
    files: Annotated[Path | None, typer.Option(help="A list of file names, one a line; default: all.")] = None,
    tokenizer: TokenizerOption = "llama3_1",
    out: OutOption = Path("jsonschemabench-walks.jsonl"),
    limit: Annotated[int | None, typer.Option(help="So many cases, drawn by the seed.")] = None,
    walks: Annotated[int, typer.Option(help="Walks per schema.")] = 20,
    seconds: Annotated[float, typer.Option(help="By the clock, per schema.")] = 120.0,
    seed: Annotated[int, typer.Option(help="Another seed draws other schemas and walks.")] = 0,
    eos: EosOption = [],  # noqa: B006
) -> None:
    """Random walks of structgen within token budgets, judged by jsonschema; memory of compiled schemas."""
    paths = case_paths(data or repository() / "schemas", files)
    random.Random(seed).shuffle(paths)
    paths = paths[:limit]
    with RowWriter(out) as writer, ProgressBar("walks") as progress:
        todo = [path for path in paths if ("structgen", path.name) not in writer.done]
        reader = Tokenizer(find_tokenizer(tokenizer, data_folder()), tuple(eos))
        for number, row in enumerate(walk_all(todo, reader, Walking(walks, seed, seconds)), 1):
            writer.write(row)
            progress(len(paths) - len(todo) + number, len(paths), row["id"])
    wanted = {path.name for path in paths}
    _show([row for row in read_rows(out) if row.get("id") in wanted])


def _show(rows: list[dict[str, Any]]) -> None:
    """What came of the walks, what went wrong, and the memory."""
    total = {name: sum(row.get(name, 0) for row in rows) for name in ("walks", "valid", "undecided", "rolled_back")}
    found = [(row["id"], finding) for row in rows for finding in row.get("findings", [])]
    typer.echo(
        f"{len(rows)} schemas, {total['walks']} walks: {total['valid']} valid, {total['undecided']} undecided, "
        f"{len(found)} faults; {total['rolled_back']} steps back"
    )
    for identifier, finding in found:
        typer.echo(f"  {identifier}: {finding['fault']}: {finding['text'][:200]!r} {finding.get('judged', '')}")
    for row in rows:
        if row["status"] != "ok":
            typer.echo(f"  {row['id']}: {row['status']} {' '.join(str(row.get('error', '')).split())[:160]}")
    slowest = sorted((row["slowest_mask"], row["id"]) for row in rows if "slowest_mask" in row)[-3:]
    if slowest:
        texts = [f"{1000 * seconds:.0f} ({identifier})" for seconds, identifier in reversed(slowest)]
        typer.echo(f"slowest masks within a budget, ms: {', '.join(texts)}")
    memory = sorted(row["memory_kb"] for row in rows if "memory_kb" in row)
    if memory:
        texts = [f"p{100 * q:g} {memory[min(int(q * len(memory)), len(memory) - 1)] / 1024:.1f}" for q in _QUANTILES]
        typer.echo(f"memory of a compiled schema and its masks, MiB: {', '.join(texts)}, most {memory[-1] / 1024:.1f}")
