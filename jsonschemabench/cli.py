"""The command line: ``python -m jsonschemabench COMMAND``. Results on stdout, progress on stderr."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import typer

from jsonschemabench.errors import BenchError

__all__ = ["app", "main"]

app = typer.Typer(
    name="jsonschemabench",
    help="Measure engines that constrain a language model's output to a JSON schema.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def repository() -> Path:
    return Path(__file__).resolve().parent.parent


def data_folder() -> Path:
    """``STRUCTGEN_DATA``, else a folder ``shared`` beside the checkout."""
    return Path(os.environ.get("STRUCTGEN_DATA") or repository().parent / "shared")


@app.callback()
def _group() -> None:
    """Measure engines that constrain a language model's output to a JSON schema."""


def main(argv: list[str] | None = None) -> int:
    """Run a command; errors are one line on stderr and an exit code."""
    import jsonschemabench.commands  # noqa: F401 - registers the commands

    try:
        result = app(args=sys.argv[1:] if argv is None else argv, standalone_mode=False)
    except BenchError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted; the same command continues where it stopped", file=sys.stderr)
        return 130
    except Exception as error:
        if hasattr(error, "exit_code") and hasattr(error, "format_message"):
            print(f"error: {error.format_message()}", file=sys.stderr)
            return 2
        raise
    return result if isinstance(result, int) else 0
