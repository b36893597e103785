"""``structgen generate``: a prompt and a constraint in, text that fits out."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any

import typer

from structgen.cli.exits import CLEAN, UnreadableError
from structgen.cli.inputs import output_of, read

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


def generate(
    prompt: Annotated[str | None, typer.Argument(help="The prompt; - reads it from stdin.")] = None,
    schema: Annotated[str | None, typer.Option("--schema", "-s", help="A JSON Schema file.")] = None,
    grammar: Annotated[str | None, typer.Option("--grammar", "-g", help="A Lark grammar file.")] = None,
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
) -> int:
    """Generate text that fits a schema, grammar, regex, choice or type."""
    if (prompt is None) == (jsonl is None):
        raise typer.BadParameter("give either a prompt or --jsonl")
    output = output_of(schema=schema, grammar=grammar, regex=regex, choice=choice, type_name=type_name)
    constraint = output.constraint()
    prompts = list(_prompts(jsonl)) if jsonl else [{"prompt": read("-") if prompt == "-" else prompt}]
    if stream and (len(prompts) > 1 or n > 1):
        raise typer.BadParameter("--stream prints one output")
    from structgen.config import resolve_model
    from structgen.prompts import Prompt
    from structgen.prompts import prompt as make_prompt

    print("loading the model ...", file=sys.stderr)
    loaded = resolve_model(model)
    drawing = _sampler(sampler.value, temperature)
    for record in prompts:
        asked: Prompt = make_prompt(str(record["prompt"]), system=system)
        messages = asked.with_instruction(output.instruction() if schema_in_prompt else "")
        if stream:
            _stream(drawing, loaded, messages, constraint, max_tokens, seed)
            continue
        samples = drawing.sample(loaded, messages, constraint=constraint, n=n, max_tokens=max_tokens, seed=seed)
        for sample in samples:
            typer.echo(_line(record, sample, samples) if as_json or jsonl else sample.text)
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


def _line(record: dict[str, Any], sample: Any, samples: Any) -> str:
    told = {
        "text": sample.text,
        "finish_reason": sample.finish_reason,
        "n_tokens": len(sample.token_ids),
        "log_prob": sample.log_prob,
        "log_weight": sample.log_weight,
        "log_evidence": samples.log_evidence,
        "seconds": samples.timings.total,
        "mask_share": samples.timings.mask_share,
    }
    return json.dumps(record | told, ensure_ascii=False)
