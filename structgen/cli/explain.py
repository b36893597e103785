"""``structgen explain``: a generation step by step, in the terminal or as a page."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from structgen.cli import options
from structgen.cli.exits import CLEAN, UnreadableError
from structgen.cli.inputs import load_model, messages_of, output_of, read
from structgen.cli.watching import OnFailure, Watching, cursor, tell

__all__ = ["explain"]


def explain(
    prompt: options.Prompt = None,
    schema: options.Schema = None,
    grammar: options.Grammar = None,
    regex: options.Regex = None,
    choice: options.Choices = None,
    type_name: options.TypeName = None,
    model: options.Model = None,
    temperature: Annotated[float, typer.Option(min=0.0, help="0 is greedy.")] = 0.0,
    max_tokens: Annotated[int, typer.Option(min=1, help="Budget of tokens.")] = 256,
    seed: options.Seed = None,
    system: options.System = None,
    schema_in_prompt: options.SchemaInPrompt = True,
    top: Annotated[int, typer.Option(min=1, max=100, help="The model's likeliest tokens to show per step.")] = 5,
    html: Annotated[str | None, typer.Option(help="Write a page to this file; - is stdout.")] = None,
    as_json: options.AsJson = False,
    monitor: options.Monitor = None,
    project: options.Project = ".",
    file: options.File = None,
    at: options.At = None,
    database: options.Database = None,
    engine: options.Engine = None,
    rule: options.Rules = None,
    time_limit: options.TimeLimit = 1.0,
    on_monitor_failure: options.OnMonitorFailure = OnFailure.error,
) -> int:
    """Generate once and show each step: the likeliest tokens, which were masked, the mass lost, forced text."""
    if as_json and html is not None:
        raise typer.BadParameter("give --json or --html, not both")
    watching = Watching(monitor, project, database, engine, tuple(rule or ()), time_limit, on_monitor_failure.value)
    output = output_of(schema=schema, grammar=grammar, regex=regex, choice=choice, type_name=type_name)
    asked: Any = None
    target: Any = None
    if file is not None or at is not None:
        if file is None or at is None or prompt is not None:
            raise typer.BadParameter("--file and --at go together, without a prompt")
        hole = watching.hole(file, cursor(at))
        target, asked = watching.around_a_hole(hole, output.constraint())
    elif prompt is None:
        raise typer.BadParameter("give a prompt, or --file and --at")
    else:
        target = watching.around(output.constraint())
        asked = messages_of(output, read("-") if prompt == "-" else prompt, system, schema_in_prompt)
    from structgen.report.trace import trace

    found = trace(
        load_model(model),
        asked,
        constraint=target,
        max_tokens=max_tokens,
        temperature=temperature,
        seed=seed,
        top=top,
    )
    records = watching.records(target)
    tell(records)
    _show(found, records, as_json=as_json, html=html)
    return CLEAN


def _show(found: Any, records: Sequence[Any], *, as_json: bool, html: str | None) -> None:
    """The trace as JSON, a page or a table, with what the monitors did."""
    from structgen.report.trace_page import summary, to_html, to_table

    if as_json:
        told = {"monitors": [asdict(record) for record in records]} if records else {}
        typer.echo(json.dumps(found.as_dict() | told, ensure_ascii=False))
    elif html == "-":
        typer.echo(to_html(found))
    elif html is not None:
        _write(html, to_html(found))
        print(f"structgen: wrote {html}", file=sys.stderr)
    else:
        from rich.console import Console

        typer.echo(found.text)
        typer.echo("")
        Console(file=sys.stdout).print(to_table(found))
        for name, value in summary(found):
            typer.echo(f"{name}: {value}")
        for record in records:
            held = f"held tokens back at {record.constrained} of {record.masks} masks, asked {record.queries} times"
            typer.echo(f"{record.name} monitor: {held}")


def _write(path: str, text: str) -> None:
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UnreadableError(f"cannot write {path}: {error.strerror or error}") from None
