"""``generate``: a model writes documents under each engine's constraint."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jsonschemabench.cases import case_paths
from jsonschemabench.cli import app, repository
from jsonschemabench.commands.options import EngineOption, MemoryOption, OutOption
from jsonschemabench.commands.progress import ProgressBar
from jsonschemabench.errors import InputError
from jsonschemabench.generate.plan import Writing, generate_jobs, generate_table
from jsonschemabench.jobs import Plan, measure
from jsonschemabench.report.tables import to_markdown
from jsonschemabench.rows import read_rows
from jsonschemabench.supervisor import Limits


@app.command("generate")
def generate_command(
    engine: EngineOption = ["structgen", "llguidance", "null"],  # noqa: B006 - typer copies it
    data: Annotated[Path | None, typer.Option(help="Folder of case files; default: this project's own.")] = None,
    files: Annotated[Path | None, typer.Option(help="A list of file names, one a line; default: all.")] = None,
    limit: Annotated[int | None, typer.Option(help="Only the first so many cases.")] = None,
    model: Annotated[
        str | None, typer.Option(help="Folder of a transformers model with a tokenizer.json; default: SmolLM2-135M.")
    ] = None,
    n: Annotated[int, typer.Option(help="Documents per schema.")] = 1,
    max_tokens: Annotated[int, typer.Option(help="Most tokens of a document.")] = 256,
    max_prompt: Annotated[int, typer.Option(help="Schemas with longer prompts are skipped.")] = 1024,
    temperature: Annotated[float, typer.Option(help="0 is greedy.")] = 0.0,
    seed: Annotated[int, typer.Option(help="Of the first document; the others follow.")] = 0,
    out: OutOption = Path("jsonschemabench-generate.jsonl"),
    timeout: Annotated[float, typer.Option(help="Seconds for one document, the model's loading included.")] = 300.0,
    memory: MemoryOption = 8.0,
) -> None:
    """Write documents with a model under each engine: validity, speed, log-probability; null is without constraint."""
    paths = case_paths(data or repository() / "schemas", files)[:limit]
    limits = Limits(timeout, timeout, int(memory * 2**30))
    tokenizer, eos = _tokenizer_of(model)
    plan = Plan(list(dict.fromkeys(engine)), tokenizer, out, limits, eos)
    jobs = generate_jobs(paths, Writing(model, max_tokens, max_prompt, temperature, seed), n)
    with ProgressBar("generate") as progress:
        measure(plan, jobs, progress)
    wanted = {job.id for job in jobs}
    rows = [row for row in read_rows(out) if row.get("written") and row["id"] in wanted and row["engine"] in engine]
    typer.echo(to_markdown(generate_table(rows)), nl=False)


def _tokenizer_of(model: str | None) -> tuple[Path, tuple[str, ...]]:
    """The model's tokenizer.json and the names of its end-of-sequence tokens."""
    if model is None:
        from structgen.models.smollm2 import ensure_converted

        folder = ensure_converted()
    else:
        folder = Path(model)
    path = folder / "tokenizer.json"
    if not path.is_file():
        raise InputError(path, "generate needs a local folder of a model with its tokenizer.json")
    return path, _eos_names(folder)


def _eos_names(folder: Path) -> tuple[str, ...]:
    """The token that ``tokenizer_config.json`` calls the end, or none, which leaves the choice to the usual names."""
    import json

    try:
        eos = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8")).get("eos_token")
    except (OSError, ValueError):
        return ()
    name = eos.get("content") if isinstance(eos, dict) else eos
    return (name,) if isinstance(name, str) else ()
