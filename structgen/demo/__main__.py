"""Run the demo: ``python -m structgen.demo [--model NAME] [--only receipt]``."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console

from structgen.config import resolve_model
from structgen.demo.records import TASKS, Task
from structgen.generation import Generation
from structgen.prompts import Message
from structgen.samplers.masking import Masking
from structgen.samplers.protocol import LanguageModel

console = Console(highlight=False, soft_wrap=True)
progress = Console(stderr=True, highlight=False, soft_wrap=True)


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    model: Annotated[str | None, typer.Option(help="Hub id or folder; default SmolLM2-135M-Instruct.")] = None,
    only: Annotated[list[str] | None, typer.Option(help="One of the four texts; may be repeated.")] = None,
    max_tokens: Annotated[int, typer.Option(min=80, help="Budget of tokens per record.")] = 400,
    unguided_tokens: Annotated[int, typer.Option(min=1, help="Budget of the unguided answer.")] = 160,
) -> None:
    """Extract a typed record from each text, beside what the model says unguided."""
    tasks = [task for task in TASKS if not only or task.name in only]
    if not tasks:
        raise typer.BadParameter(f"--only is one of {', '.join(task.name for task in TASKS)}")
    progress.print(f"loading {model or 'SmolLM2-135M-Instruct'} (the first time it is converted, which takes seconds)")
    loaded = resolve_model(model)
    valid = unguided_valid = 0
    for number, task in enumerate(tasks, start=1):
        progress.print(f"[{number}/{len(tasks)}] reading the {task.name.replace('_', ' ')} ...", markup=False)
        generation = task.function.using(model=loaded, max_tokens=max_tokens).raw(task.text)
        valid += _validates(task, generation.text)
        _show(task, generation)
        progress.print(f"[{number}/{len(tasks)}] the same prompt, unguided ...", markup=False)
        answer = _unguided(loaded, task.function.messages(task.text), unguided_tokens)
        problem = _problem(task, answer)
        unguided_valid += problem is None
        _show_unguided(answer, problem)
    console.rule()
    console.print(f"constrained: {valid} of {len(tasks)} validate; unguided: {unguided_valid} of {len(tasks)}")
    if valid < len(tasks):
        sys.exit(1)


def _show(task: Task, generation: Generation[Any]) -> None:
    console.rule(f"{task.name.replace('_', ' ')} -> {task.returns.__name__}")
    console.print(generation.value)
    timings = generation.timings
    console.print(
        f"\nvalid; {len(generation.tokens)} tokens, {1e3 * generation.seconds_per_token:.1f} ms per token, "
        f"{100 * timings.mask_share:.2f} % of the time in masks, finished by {generation.finish_reason!r}",
        style="green",
    )


def _show_unguided(answer: str, problem: str | None) -> None:
    console.print("\nunguided, the model says:")
    console.print(
        "\n".join(f"  | {line}" for line in _first(answer.strip().splitlines(), 12)), markup=False, style="dim"
    )
    console.print(
        "which validates" if problem is None else f"which does not validate: {problem}",
        style="green" if problem is None else "yellow",
        markup=False,
    )


def _first(lines: list[str], n: int) -> Iterable[str]:
    return lines if len(lines) <= n else [*lines[:n], "..."]


def _unguided(model: LanguageModel, messages: list[Message], max_tokens: int) -> str:
    return Masking(temperature=0).sample(model, messages, max_tokens=max_tokens).texts[0]


def _validates(task: Task, text: str) -> bool:
    return _problem(task, text) is None


def _problem(task: Task, text: str) -> str | None:
    """Why ``text`` is no record of the task's type; None where it is. Fences around JSON are forgiven."""
    body = text.strip().removeprefix("```json").removeprefix("```").removesuffix("```").strip()
    try:
        task.returns.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        return f"{where + ': ' if where else ''}{first['msg']}"
    return None


if __name__ == "__main__":
    app()
