"""The command table."""

from __future__ import annotations

from typing import Annotated

import typer

from structgen.cli import bench, cache, check, compile_command, doctor, explain, generate
from structgen.cli.exits import guarded

__all__ = ["app", "run"]

app = typer.Typer(
    name="structgen",
    help="Language model output that is guaranteed to fit a schema, a grammar, a regex or a type.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("generate")(generate.generate)
app.command("check")(check.check)
app.command("compile")(compile_command.compile_constraint)
app.command("explain")(explain.explain)
app.command("cache")(cache.cache)
app.command("doctor")(doctor.doctor)
app.command(
    "bench", context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
)(bench.bench)


def _version(wanted: bool) -> None:
    if wanted:
        import structgen

        typer.echo(f"structgen {structgen.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Language model output that is guaranteed to fit a schema, a grammar, a regex or a type."""


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code."""

    def work() -> int:
        try:
            returned = app(arguments, standalone_mode=False)
        except typer.Exit as error:
            return error.exit_code
        except typer.Abort:
            return 130
        except Exception as error:
            # Usage errors; their class lives in click or inside typer, depending on typer's version.
            if not hasattr(error, "show") or not hasattr(error, "exit_code"):
                raise
            error.show()
            return int(error.exit_code)
        return returned if isinstance(returned, int) else 0

    return guarded(work)
