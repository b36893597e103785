"""``structgen generate``: a prompt and a constraint in, text that fits out."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from structgen.cli import options
from structgen.cli.answering import answer, prompts_in
from structgen.cli.drawing import Drawing, SamplerName, sampler_of
from structgen.cli.fill import fill
from structgen.cli.inputs import output_of, read
from structgen.cli.watching import OnFailure, Watching, cursor

__all__ = ["generate"]


class Until(StrEnum):
    """Where filling in stops."""

    line = "line"
    budget = "budget"


def generate(
    prompt: options.Prompt = None,
    schema: options.Schema = None,
    grammar: options.Grammar = None,
    regex: options.Regex = None,
    choice: options.Choices = None,
    type_name: options.TypeName = None,
    model: options.Model = None,
    sampler: Annotated[SamplerName, typer.Option(help="How tokens are drawn.")] = SamplerName.greedy,
    temperature: Annotated[float, typer.Option(min=0.0, help="For masking; 0 is greedy.")] = 1.0,
    n: Annotated[int, typer.Option("--n", "-n", min=1, help="How many outputs.")] = 1,
    max_tokens: Annotated[int, typer.Option(min=1, help="Budget of tokens per output.")] = 512,
    seed: options.Seed = None,
    system: options.System = None,
    schema_in_prompt: options.SchemaInPrompt = True,
    stream: Annotated[bool, typer.Option("--stream", help="Print the text while it grows.")] = False,
    jsonl: Annotated[
        str | None, typer.Option(help='Read prompts from a file of {"prompt": ...} lines; - is stdin.')
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON line per output, with weights and timings.")
    ] = False,
    monitor: options.Monitor = None,
    project: options.Project = ".",
    file: options.File = None,
    at: options.At = None,
    until: Annotated[Until, typer.Option(help="Where filling in stops, unless a constraint says it.")] = Until.line,
    database: options.Database = None,
    engine: options.Engine = None,
    rule: options.Rules = None,
    time_limit: options.TimeLimit = 1.0,
    on_monitor_failure: options.OnMonitorFailure = OnFailure.error,
) -> int:
    """Generate text that fits a schema, grammar, regex, choice or type; or fill in at a cursor of a file."""
    watching = Watching(monitor, project, database, engine, tuple(rule or ()), time_limit, on_monitor_failure.value)
    output = output_of(schema=schema, grammar=grammar, regex=regex, choice=choice, type_name=type_name)
    drawing = Drawing(model, sampler_of(sampler, temperature), n, max_tokens, seed)
    if file is not None or at is not None:
        if file is None or at is None or prompt is not None or jsonl is not None or stream:
            raise typer.BadParameter("--file and --at go together, without a prompt, --jsonl or --stream")
        constraint = output.constraint()
        return fill(file, cursor(at), constraint, watching, drawing, until=until.value, as_json=as_json)
    if (prompt is None) == (jsonl is None):
        raise typer.BadParameter("give either a prompt or --jsonl")
    return answer(
        [{"prompt": read("-") if prompt == "-" else prompt}] if jsonl is None else list(prompts_in(jsonl)),
        output,
        watching,
        drawing,
        system=system,
        schema_in_prompt=schema_in_prompt,
        stream=stream,
        as_lines=as_json or jsonl is not None,
    )
