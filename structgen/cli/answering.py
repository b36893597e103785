"""``structgen generate`` with prompts: each answered under one constraint, printed or streamed."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import typer

from structgen.cli.drawing import Drawing
from structgen.cli.exits import CLEAN, UnreadableError
from structgen.cli.inputs import load_model, messages_of, read
from structgen.cli.outputs import json_line
from structgen.cli.waiting import progress
from structgen.cli.watching import Watching, tell

if TYPE_CHECKING:
    from structgen.objects import OutputType

__all__ = ["answer", "prompts_in"]


def prompts_in(path: str) -> Iterator[dict[str, Any]]:
    """The records of a file of ``{"prompt": ...}`` lines.

    Raises
    ------
    UnreadableError : the file cannot be read, or a line is no such record
    """
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


def answer(
    prompts: list[dict[str, Any]],
    output: OutputType[Any],
    watching: Watching,
    drawing: Drawing,
    *,
    system: str | None,
    schema_in_prompt: bool,
    stream: bool,
    as_lines: bool,
) -> int:
    """Answer every prompt; ``as_lines`` prints a JSON line per output instead of its text."""
    if stream and (len(prompts) > 1 or drawing.n > 1):
        raise typer.BadParameter("--stream prints one output")
    from structgen.monitored_constraint import monitored

    monitors = watching.for_prompts()
    constraint = output.constraint()
    model = load_model(drawing.model)
    for record in progress(prompts, "generating"):
        messages = messages_of(output, str(record["prompt"]), system, schema_in_prompt)
        target = monitored(constraint, monitors) if monitors else constraint
        samples = _stream(drawing, model, messages, target) if stream else _sample(drawing, model, messages, target)
        records = watching.records(target)
        tell(records)
        for sample in samples:
            typer.echo(json_line(record, sample, samples, records) if as_lines else sample.text)
    return CLEAN


def _sample(drawing: Drawing, model: Any, messages: Any, constraint: Any) -> Any:
    return drawing.sampler.sample(
        model, messages, constraint=constraint, n=drawing.n, max_tokens=drawing.max_tokens, seed=drawing.seed
    )


def _stream(drawing: Drawing, model: Any, messages: Any, constraint: Any) -> tuple[()]:
    """Print the text while it grows; no sample is left to be printed."""
    if not hasattr(drawing.sampler, "stream"):
        raise typer.BadParameter("this sampler has no text to show until it is done; use greedy or masking")
    events = drawing.sampler.stream(
        model, messages, constraint=constraint, max_tokens=drawing.max_tokens, seed=drawing.seed
    )
    for event in events:
        if hasattr(event, "token_id"):
            sys.stdout.buffer.write(event.text)
            sys.stdout.buffer.flush()
    typer.echo("")
    return ()
