"""``structgen generate --file F --at LINE:COL``: fill in at a cursor."""

from __future__ import annotations

from typing import Any

import typer

from structgen.cli.exits import CLEAN
from structgen.cli.inputs import load_model
from structgen.cli.outputs import json_line
from structgen.cli.watching import Watching, tell

__all__ = ["fill"]


def fill(
    watching: Watching,
    *,
    file: str,
    at: tuple[int, int],
    constraint: Any,
    model: str | None,
    sampler: Any,
    until: str,
    n: int,
    max_tokens: int,
    seed: int | None,
    as_json: bool,
) -> int:
    """Fill in at a cursor; the file itself is not written."""
    from structgen.filling import fill_in

    monitor = watching.for_a_hole(watching.hole(file, at))  # before a model is loaded for nothing
    filled = fill_in(
        load_model(model),
        file,
        *at,
        project=watching.project,
        monitor=monitor,
        constraint=constraint,
        until="budget" if until == "budget" else "line",
        sampler=sampler,
        n=n,
        max_tokens=max_tokens,
        seed=seed,
    )
    tell(filled.monitors)
    record = {"file": file, "at": f"{at[0]}:{at[1]}"}
    for sample in filled.samples:
        typer.echo(json_line(record, sample, filled.samples, filled.monitors) if as_json else sample.text)
    return CLEAN
