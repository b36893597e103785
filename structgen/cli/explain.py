"""``structgen explain``: a generation step by step, in the terminal or as a page."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from structgen.cli.exits import CLEAN, UnreadableError
from structgen.cli.inputs import load_model, output_of, read
from structgen.cli.watching import MonitorName, OnFailure, Watching, cursor, tell

__all__ = ["explain"]


def explain(
    prompt: Annotated[str | None, typer.Argument(help="The prompt; - reads it from stdin.")] = None,
    schema: Annotated[str | None, typer.Option("--schema", "-s", help="A JSON Schema file.")] = None,
    grammar: Annotated[str | None, typer.Option("--grammar", "-g", help="A Lark grammar file, or a name.")] = None,
    regex: Annotated[str | None, typer.Option("--regex", "-r", help="A regular expression (Python's syntax).")] = None,
    choice: Annotated[list[str] | None, typer.Option("--choice", "-c", help="One of these; repeat it.")] = None,
    type_name: Annotated[str | None, typer.Option("--type", "-t", help="A type, package.module:Name.")] = None,
    model: Annotated[str | None, typer.Option("--model", "-m", help="Hub id or folder; default SmolLM2.")] = None,
    temperature: Annotated[float, typer.Option(min=0.0, help="0 is greedy.")] = 0.0,
    max_tokens: Annotated[int, typer.Option(min=1, help="Budget of tokens.")] = 256,
    seed: Annotated[int | None, typer.Option(help="Replays the same draws.")] = None,
    system: Annotated[str | None, typer.Option(help="A system message.")] = None,
    schema_in_prompt: Annotated[bool, typer.Option(help="End the prompt with the form of the answer.")] = True,
    top: Annotated[int, typer.Option(min=1, max=100, help="The model's likeliest tokens to show per step.")] = 5,
    html: Annotated[str | None, typer.Option(help="Write a page to this file; - is stdout.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    monitor: Annotated[MonitorName | None, typer.Option(help="Static analysis beside the constraint.")] = None,
    project: Annotated[str, typer.Option(help="The folder that the monitor analyses.")] = ".",
    file: Annotated[str | None, typer.Option(help="Fill in this file instead of answering a prompt.")] = None,
    at: Annotated[str | None, typer.Option(help="The cursor in --file, LINE:COL, both from 1.")] = None,
    database: Annotated[str | None, typer.Option(help="The sqlite3 file of --monitor sql; only read.")] = None,
    engine: Annotated[str | None, typer.Option(help="zuban, pyrefly, jedi, ...; default the first here.")] = None,
    rule: Annotated[list[str] | None, typer.Option(help="members, imports, arguments, ...; repeat it.")] = None,
    time_limit: Annotated[float, typer.Option(min=0.001, help="Seconds an analysis may take.")] = 1.0,
    on_monitor_failure: Annotated[
        OnFailure, typer.Option(help="Fail, or go on without a monitor that cannot work.")
    ] = OnFailure.error,
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
        target, asked = watching.around(output.constraint()), _messages(output, prompt, system, schema_in_prompt)
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


def _messages(output: Any, prompt: str, system: str | None, schema_in_prompt: bool) -> Any:
    """What the model is asked."""
    from structgen.prompts import Prompt
    from structgen.prompts import prompt as make_prompt

    asked: Prompt = make_prompt(read("-") if prompt == "-" else prompt, system=system)
    return asked.with_instruction(output.instruction() if schema_in_prompt else "")


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
