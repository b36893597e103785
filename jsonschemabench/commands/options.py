"""Options that several commands share, and the plan they make."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jsonschemabench.cli import data_folder
from jsonschemabench.jobs import Plan
from jsonschemabench.supervisor import Limits
from jsonschemabench.tokens import find_tokenizer

__all__ = [
    "CompileTimeoutOption",
    "EngineOption",
    "EosOption",
    "MemoryOption",
    "OutOption",
    "TimeoutOption",
    "TokenizerOption",
    "make_plan",
]

EngineOption = Annotated[list[str], typer.Option("--engine", "-e", help="Engine by name or module:Class; repeatable.")]
TokenizerOption = Annotated[
    str, typer.Option("--tokenizer", help="A tokenizer.json, or a name in tokenizers/ of the data folder.")
]
EosOption = Annotated[
    list[str], typer.Option("--eos", help="End-of-sequence token; repeatable; default: the usual names.")
]
OutOption = Annotated[Path, typer.Option("--out", help="JSON lines to append to; what it holds is not measured again.")]
CompileTimeoutOption = Annotated[float, typer.Option("--compile-timeout", help="Processor seconds to compile.")]
TimeoutOption = Annotated[float, typer.Option("--timeout", help="Processor seconds for a schema in all.")]
MemoryOption = Annotated[float, typer.Option("--memory", help="GiB of resident memory of an engine's process.")]


def make_plan(
    engines: list[str],
    tokenizer: str,
    eos: list[str],
    out: Path,
    *,
    compile_timeout: float,
    timeout: float,
    memory: float,
) -> Plan:
    limits = Limits(compile_timeout, timeout, int(memory * 2**30))
    return Plan(list(dict.fromkeys(engines)), find_tokenizer(tokenizer, data_folder()), out, limits, tuple(eos))
