"""``fetch``: take the public data sets where a network allows."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from jsonschemabench.cli import app, data_folder
from jsonschemabench.errors import NetworkError
from jsonschemabench.fetch import fetch


class DataSet(StrEnum):
    """What can be fetched."""

    maskbench = "maskbench"
    suite = "suite"
    jsonschemabench = "jsonschemabench"


@app.command("fetch")
def fetch_command(
    data_set: Annotated[
        list[DataSet], typer.Argument(help="Which; default: maskbench and suite, which need no package.")
    ] = [DataSet.maskbench, DataSet.suite],  # noqa: B006 - typer copies it
    out: Annotated[Path | None, typer.Option(help="Folder; default: the data folder.")] = None,
) -> None:
    """Take MaskBench, the official suite (GitHub) or JSONSchemaBench (Hugging Face Hub) into the data folder."""
    failed: NetworkError | None = None
    for name in data_set:
        try:
            fetch(name.value, out or data_folder(), lambda text: typer.echo(text, err=True))
        except NetworkError as error:
            typer.echo(f"error: {error}", err=True)
            failed = error
    if failed is not None:
        raise NetworkError(failed.url, "no network, or not from here; take it elsewhere and pass --data or --suite")
