"""``structgen explain``: a generation step by step, in the terminal or as a page."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from structgen.cli.exits import CLEAN, UnreadableError
from structgen.cli.inputs import load_model, output_of, read

__all__ = ["explain"]


def explain(
    prompt: Annotated[str, typer.Argument(help="The prompt; - reads it from stdin.")],
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
) -> int:
    """Generate once and show each step: the likeliest tokens, which were masked, the mass lost, forced text."""
    if as_json and html is not None:
        raise typer.BadParameter("give --json or --html, not both")
    from structgen.prompts import Prompt
    from structgen.prompts import prompt as make_prompt
    from structgen.report.trace import trace
    from structgen.report.trace_page import summary, to_html, to_table

    output = output_of(schema=schema, grammar=grammar, regex=regex, choice=choice, type_name=type_name)
    constraint = output.constraint()
    asked: Prompt = make_prompt(read("-") if prompt == "-" else prompt, system=system)
    messages = asked.with_instruction(output.instruction() if schema_in_prompt else "")
    found = trace(
        load_model(model),
        messages,
        constraint=constraint,
        max_tokens=max_tokens,
        temperature=temperature,
        seed=seed,
        top=top,
    )
    if as_json:
        typer.echo(json.dumps(found.as_dict(), ensure_ascii=False))
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
    return CLEAN


def _write(path: str, text: str) -> None:
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UnreadableError(f"cannot write {path}: {error.strerror or error}") from None
