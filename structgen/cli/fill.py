"""``structgen generate --file F --at LINE:COL``: fill in at a cursor."""

from __future__ import annotations

from typing import Any

import typer

from structgen.cli.drawing import Drawing
from structgen.cli.exits import CLEAN
from structgen.cli.inputs import load_model
from structgen.cli.outputs import json_line
from structgen.cli.watching import Watching, tell

__all__ = ["fill"]


def fill(
    file: str,
    at: tuple[int, int],
    constraint: Any,
    watching: Watching,
    drawing: Drawing,
    *,
    until: str,
    as_json: bool,
) -> int:
    """Fill in at a cursor; the file itself is not written."""
    from structgen.filling import fill_in

    monitor = watching.for_a_hole(watching.hole(file, at))  # before a model is loaded for nothing
    filled = fill_in(
        load_model(drawing.model),
        file,
        *at,
        project=watching.project,
        monitor=monitor,
        constraint=constraint,
        until="budget" if until == "budget" else "line",
        sampler=drawing.sampler,
        n=drawing.n,
        max_tokens=drawing.max_tokens,
        seed=drawing.seed,
    )
    tell(filled.monitors)
    record = {"file": file, "at": f"{at[0]}:{at[1]}"}
    for sample in filled.samples:
        typer.echo(json_line(record, sample, filled.samples, filled.monitors) if as_json else sample.text)
    return CLEAN
