"""``structgen bench``: engines side by side, by the benchmark that lives beside the package."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import typer

from structgen.cli.exits import UnreadableError

__all__ = ["bench"]


def bench(context: typer.Context) -> int:
    """Run jsonschemabench with the arguments given (needs a checkout of the repository)."""
    if importlib.util.find_spec("jsonschemabench") is None:
        raise UnreadableError(
            "jsonschemabench is not here: run this in a checkout of the repository, with the extra bench installed"
        )
    return subprocess.run([sys.executable, "-m", "jsonschemabench", *context.args], check=False).returncode
