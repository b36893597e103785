"""``structgen generate``: a prompt and a constraint in, text that fits out."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any

import typer

from structgen.cli.exits import CLEAN, UnreadableError
from structgen.cli.fill import fill
from structgen.cli.inputs import load_model, output_of, read
from structgen.cli.outputs import json_line
from structgen.cli.waiting import progress
from structgen.cli.watching import MonitorName, OnFailure, Watching, cursor, tell

__all__ = ["generate"]


class SamplerName(StrEnum):
    """Samplers that need no further parts."""

    greedy = "greedy"
    masking = "masking"
    asap = "asap"
    cars = "cars"
    awrs = "awrs"
    smc = "smc"
    mcmc = "mcmc"


class Until(StrEnum):
    """Where filling in stops."""

    line = "line"
    budget = "budget"


def generate(
    prompt: Annotated[str | None, typer.Argument(help="The prompt; - reads it from stdin.")] = None,
    schema: Annotated[str | None, typer.Option("--schema", "-s", help="A JSON Schema file.")] = None,
    grammar: Annotated[
        str | None, typer.Option("--grammar", "-g", help="A Lark grammar file, or a name such as sql.")
    ] = None,
    regex: Annotated[str | None, typer.Option("--regex", "-r", help="A regular expression (Python's syntax).")] = None,
    choice: Annotated[list[str] | None, typer.Option("--choice", "-c", help="One of these; repeat it.")] = None,
    type_name: Annotated[str | None, typer.Option("--type", "-t", help="A type, package.module:Name.")] = None,
    model: Annotated[str | None, typer.Option("--model", "-m", help="Hub id or folder; default SmolLM2.")] = None,
    sampler: Annotated[SamplerName, typer.Option(help="How tokens are drawn.")] = SamplerName.greedy,
    temperature: Annotated[float, typer.Option(min=0.0, help="For masking; 0 is greedy.")] = 1.0,
    n: Annotated[int, typer.Option("--n", "-n", min=1, help="How many outputs.")] = 1,
    max_tokens: Annotated[int, typer.Option(min=1, help="Budget of tokens per output.")] = 512,
    seed: Annotated[int | None, typer.Option(help="Replays the same draws.")] = None,
    system: Annotated[str | None, typer.Option(help="A system message.")] = None,
    schema_in_prompt: Annotated[bool, typer.Option(help="End the prompt with the form of the answer.")] = True,
    stream: Annotated[bool, typer.Option("--stream", help="Print the text while it grows.")] = False,
    jsonl: Annotated[
        str | None, typer.Option(help='Read prompts from a file of {"prompt": ...} lines; - is stdin.')
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON line per output, with weights and timings.")
    ] = False,
    monitor: Annotated[MonitorName | None, typer.Option(help="Static analysis beside the constraint.")] = None,
    project: Annotated[str, typer.Option(help="The folder that the monitor analyses.")] = ".",
    file: Annotated[str | None, typer.Option(help="Fill in this file instead of answering a prompt.")] = None,
    at: Annotated[str | None, typer.Option(help="The cursor in --file, LINE:COL, both from 1.")] = None,
    until: Annotated[Until, typer.Option(help="Where filling in stops, unless a constraint says it.")] = Until.line,
    database: Annotated[str | None, typer.Option(help="The sqlite3 file of --monitor sql; only read.")] = None,
    engine: Annotated[str | None, typer.Option(help="zuban, pyrefly, jedi, ...; default the first here.")] = None,
    rule: Annotated[list[str] | None, typer.Option(help="members, imports, arguments, ...; repeat it.")] = None,
    time_limit: Annotated[float, typer.Option(min=0.001, help="Seconds an analysis may take.")] = 1.0,
    on_monitor_failure: Annotated[
        OnFailure, typer.Option(help="Fail, or go on without a monitor that cannot work.")
    ] = OnFailure.error,
) -> int:
    """Generate text that fits a schema, grammar, regex, choice or type; or fill in at a cursor of a file."""
    watching = Watching(monitor, project, database, engine, tuple(rule or ()), time_limit, on_monitor_failure.value)
    output = output_of(schema=schema, grammar=grammar, regex=regex, choice=choice, type_name=type_name)
    drawing = _sampler(sampler.value, temperature)
    if file is not None or at is not None:
        if file is None or at is None or prompt is not None or jsonl is not None or stream:
            raise typer.BadParameter("--file and --at go together, without a prompt, --jsonl or --stream")
        return fill(
            watching,
            file=file,
            at=cursor(at),
            constraint=output.constraint(),
            model=model,
            sampler=drawing,
            until=until.value,
            n=n,
            max_tokens=max_tokens,
            seed=seed,
            as_json=as_json,
        )
    if (prompt is None) == (jsonl is None):
        raise typer.BadParameter("give either a prompt or --jsonl")
    prompts = list(_prompts(jsonl)) if jsonl else [{"prompt": read("-") if prompt == "-" else prompt}]
    if stream and (len(prompts) > 1 or n > 1):
        raise typer.BadParameter("--stream prints one output")
    from structgen.monitored_constraint import MonitoredConstraint, monitored
    from structgen.prompts import Prompt
    from structgen.prompts import prompt as make_prompt

    monitors = watching.for_prompts()
    constraint = output.constraint()
    loaded = load_model(model)
    for record in progress(prompts, "generating"):
        asked: Prompt = make_prompt(str(record["prompt"]), system=system)
        messages = asked.with_instruction(output.instruction() if schema_in_prompt else "")
        target = monitored(constraint, monitors) if monitors else constraint
        if stream:
            _stream(drawing, loaded, messages, target, max_tokens, seed)
        else:
            samples = drawing.sample(loaded, messages, constraint=target, n=n, max_tokens=max_tokens, seed=seed)
        records = target.records() if isinstance(target, MonitoredConstraint) else ()
        tell(records)
        for sample in () if stream else samples:
            typer.echo(json_line(record, sample, samples, records) if as_json or jsonl else sample.text)
    return CLEAN


def _prompts(path: str) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(read(path).splitlines(), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            raise UnreadableError(f"{path}:{number}: not JSON: {error.msg}") from None
        if not isinstance(record, dict) or not isinstance(record.get("prompt"), str):
            raise UnreadableError(f'{path}:{number}: a line is {{"prompt": "..."}}')
        yield record


def _sampler(name: str, temperature: float) -> Any:
    from structgen import samplers
    from structgen.samplers.masking import Masking

    if name in ("greedy", "masking"):
        return Masking(temperature=0 if name == "greedy" else temperature)
    return getattr(samplers, {"asap": "ASAp", "mcmc": "MCMC"}.get(name, name.upper()))()


def _stream(sampler: Any, model: Any, messages: Any, constraint: Any, max_tokens: int, seed: int | None) -> None:
    if not hasattr(sampler, "stream"):
        raise typer.BadParameter("this sampler has no text to show until it is done; use greedy or masking")
    for event in sampler.stream(model, messages, constraint=constraint, max_tokens=max_tokens, seed=seed):
        if hasattr(event, "token_id"):
            sys.stdout.buffer.write(event.text)
            sys.stdout.buffer.flush()
    typer.echo("")
