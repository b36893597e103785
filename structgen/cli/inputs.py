"""Reading what commands are given: files, globs, stdin, types by name, constraints by option."""

from __future__ import annotations

import glob
import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from structgen.cli.exits import UnreadableError

if TYPE_CHECKING:
    from structgen.objects import OutputType

__all__ = ["expand", "is_type_name", "load_model", "messages_of", "output_of", "read"]

_TYPE_NAME = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")


def is_type_name(path: str) -> bool:
    """Whether ``path`` is written like ``package.module:Type`` and names no file."""
    return bool(_TYPE_NAME.fullmatch(path)) and not Path(path).exists()


def expand(paths: Iterable[str]) -> Iterator[str]:
    """Each path, with globs expanded and folders replaced by the schemas in them.

    Raises
    ------
    UnreadableError : a glob or folder holds nothing to check
    """
    for path in paths:
        if path == "-" or is_type_name(path):
            yield path
        elif Path(path).is_dir():
            yield from _some(sorted(str(p) for s in ("*.json", "*.lark") for p in Path(path).rglob(s)), path)
        elif glob.has_magic(path) and not Path(path).exists():
            yield from _some(sorted(glob.glob(path, recursive=True)), path)
        else:
            yield path


def _some(found: list[str], path: str) -> list[str]:
    if not found:
        raise UnreadableError(f"{path}: nothing to read there")
    return found


def read(path: str) -> str:
    """The text of a file, or of stdin for "-".

    Raises
    ------
    UnreadableError : it does not exist, or is no UTF-8 text
    """
    try:
        if path == "-":
            return sys.stdin.buffer.read().decode("utf-8-sig")
        return Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UnreadableError(f"{path}: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise UnreadableError(f"{path}: not UTF-8 text (byte {error.start})") from None


def output_of(
    *,
    schema: str | None,
    grammar: str | None,
    regex: str | None,
    choice: list[str] | None,
    type_name: str | None,
) -> OutputType[Any]:
    """The one output that the options describe; free text where they describe none."""
    from structgen.frontends.pytypes import Choice, Lark, Regex
    from structgen.objects import OutputType
    from structgen.report.checker import load_type

    if sum(bool(given) for given in (schema, grammar, regex, choice, type_name)) > 1:
        raise typer.BadParameter("give one of --schema, --grammar, --regex, --choice and --type, not several")
    if schema:
        return OutputType(_json(schema))
    if grammar:
        return OutputType(Lark(_grammar(grammar)))
    if regex:
        return OutputType(Regex(regex))
    if choice:
        return OutputType(Choice(choice))
    return OutputType(load_type(type_name) if type_name else str)


def load_model(name: str | None) -> Any:
    """The model of that name, or the configured one, or the embedded one."""
    from structgen.config import resolve_model

    print("loading the model ...", file=sys.stderr)
    return resolve_model(name)


def messages_of(output: OutputType[Any], text: str, system: str | None, schema_in_prompt: bool) -> Any:
    """What the model is asked: ``text``, and the form of the answer unless it is left out."""
    from structgen.prompts import Prompt, prompt

    asked: Prompt = prompt(text, system=system)
    return asked.with_instruction(output.instruction() if schema_in_prompt else "")


def _grammar(path: str) -> str:
    """The text of a grammar file, or of the grammar that comes with the package under that name."""
    from structgen import grammars

    if path in grammars.names() and not Path(path).exists():
        return grammars.text(path)
    return read(path)


def _json(path: str) -> Any:
    try:
        return json.loads(read(path))
    except json.JSONDecodeError as error:
        raise UnreadableError(f"{path}:{error.lineno}:{error.colno}: not well-formed JSON: {error.msg}") from None
