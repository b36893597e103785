"""Options that several commands share, written once so that they read the same everywhere."""

from __future__ import annotations

from typing import Annotated

import typer

from structgen.cli.watching import MonitorName, OnFailure

__all__ = [
    "AsJson",
    "At",
    "Choices",
    "Database",
    "Engine",
    "File",
    "Grammar",
    "Model",
    "Monitor",
    "OnMonitorFailure",
    "Project",
    "Prompt",
    "Regex",
    "Rules",
    "Schema",
    "SchemaInPrompt",
    "Seed",
    "System",
    "TimeLimit",
    "TypeName",
]

# What is asked.
Prompt = Annotated[str | None, typer.Argument(help="The prompt; - reads it from stdin.")]
System = Annotated[str | None, typer.Option(help="A system message.")]
SchemaInPrompt = Annotated[bool, typer.Option(help="End the prompt with the form of the answer.")]
File = Annotated[str | None, typer.Option(help="Fill in this file instead of answering a prompt.")]
At = Annotated[str | None, typer.Option(help="The cursor in --file, LINE:COL, both from 1.")]

# What fits; see ``inputs.output_of``.
Schema = Annotated[str | None, typer.Option("--schema", "-s", help="A JSON Schema file.")]
Grammar = Annotated[str | None, typer.Option("--grammar", "-g", help="A Lark grammar file, or a name such as sql.")]
Regex = Annotated[str | None, typer.Option("--regex", "-r", help="A regular expression (Python's syntax).")]
Choices = Annotated[list[str] | None, typer.Option("--choice", "-c", help="One of these; repeat it.")]
TypeName = Annotated[str | None, typer.Option("--type", "-t", help="A type, package.module:Name.")]

# What watches; see ``watching.Watching``.
Monitor = Annotated[MonitorName | None, typer.Option(help="Static analysis beside the constraint.")]
Project = Annotated[str, typer.Option(help="The folder that the monitor analyses.")]
Database = Annotated[str | None, typer.Option(help="The sqlite3 file of --monitor sql; only read.")]
Engine = Annotated[str | None, typer.Option(help="zuban, pyrefly, jedi, ...; default the first here.")]
Rules = Annotated[list[str] | None, typer.Option(help="members, imports, arguments, ...; repeat it.")]
TimeLimit = Annotated[float, typer.Option(min=0.001, help="Seconds an analysis may take.")]
OnMonitorFailure = Annotated[OnFailure, typer.Option(help="Fail, or go on without a monitor that cannot work.")]

# How it is drawn and told.
Model = Annotated[str | None, typer.Option("--model", "-m", help="Hub id or folder; default SmolLM2.")]
Seed = Annotated[int | None, typer.Option(help="Replays the same draws.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
