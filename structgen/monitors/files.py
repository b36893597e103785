"""The file under the cursor: read it, cut it at ``LINE:COL``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from structgen.errors import MonitorError

__all__ = ["Hole", "hole_in"]


@dataclass(frozen=True, slots=True)
class Hole:
    """A place in a file: its path in the project, the text before and the text after."""

    file: str
    prefix: str
    suffix: str


def hole_in(file: str | Path, line: int, column: int, *, project: str | Path = ".") -> Hole:
    """Cut a file at a cursor; both numbers from 1, columns in code points.

    Raises
    ------
    MonitorError : no such project or file, the file is not UTF-8 text, or the cursor is outside it
    """
    root = Path(project)
    if not root.is_dir():
        raise MonitorError(f"no project at {project}", engine="file", hint="pass the folder of the project")
    path = Path(file) if Path(file).exists() else root / file
    try:
        with open(path, encoding="utf-8", newline="") as stream:
            text = stream.read()
    except FileNotFoundError as error:
        raise MonitorError(f"no file at {file}", engine="file", hint=f"looked in {root.resolve()} too") from error
    except (OSError, UnicodeDecodeError) as error:
        raise MonitorError(f"cannot read {file}: {error}", engine="file", hint="it must be UTF-8 text") from error
    lines = text.split("\n")
    if not 1 <= line <= len(lines) or not 1 <= column <= len(lines[line - 1]) + 1:
        width = len(lines[line - 1]) + 1 if 1 <= line <= len(lines) else 0
        where = f"line {line} has columns 1 to {width}" if width else f"it has lines 1 to {len(lines)}"
        raise MonitorError(f"the cursor {line}:{column} is outside {file}", engine="cursor", hint=where)
    offset = sum(len(text_line) + 1 for text_line in lines[: line - 1]) + column - 1
    resolved, base = path.resolve(), root.resolve()
    inside = str(resolved.relative_to(base)) if resolved.is_relative_to(base) else str(resolved)
    return Hole(inside, text[:offset], text[offset:])
