"""The file of results: JSON lines, appended one whole row at a time, resumable.

A row that was written is never lost: rows are flushed one by one, a write that fails (a
full disk) is cut back to the last whole row, and a line torn by a kill is dropped when the
file is opened again. Rows of kind ``run`` say under which conditions the rows after them
were measured; rows of kind ``row`` are results, unique by engine and id.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from jsonschemabench.errors import InputError, OutputError

__all__ = ["RowWriter", "read_rows"]

Key = tuple[str, str]


class RowWriter:
    """Append rows to a file; ``done`` are the (engine, id) pairs it already holds.

    Raises
    ------
    OutputError : the file cannot be opened or written; ``written`` rows are safe
    InputError : the file exists and is not a file of rows
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[dict[str, Any]] = []
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Unbuffered: a row that could not be written must not be retried by a later close.
            self._file = open(path, "ab+", buffering=0)  # noqa: SIM115 - closed by close()
        except OSError as error:
            raise OutputError(path, 0, error.strerror or str(error)) from error
        self._end = self._recover()
        self.done: set[Key] = {(row["engine"], row["id"]) for row in self.rows if row.get("kind") == "row"}
        self.written = len(self.done)

    def _recover(self) -> int:
        """Read what is there and cut off a torn last line; returns the end of the last whole row."""
        self._file.seek(0)
        end = 0
        for line in self._file.read().splitlines(keepends=True):
            if not line.endswith(b"\n"):
                break
            try:
                row = json.loads(line)
            except ValueError as error:
                raise InputError(
                    self.path, f"line {len(self.rows) + 1} is not JSON, so this is no file of rows"
                ) from error
            self.rows.append(row)
            end += len(line)
        self._file.truncate(end)
        return end

    def write(self, row: dict[str, Any]) -> None:
        """Append one row; it is on its way to the disk when this returns."""
        data = json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace") + b"\n"
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._file.fileno(), rest) :]
        except OSError as error:
            self._cut_back()
            raise OutputError(self.path, self.written, error.strerror or str(error)) from error
        self._end += len(data)
        if row.get("kind") == "row":
            self.done.add((row["engine"], row["id"]))
            self.written += 1

    def _cut_back(self) -> None:
        try:
            os.ftruncate(self._file.fileno(), self._end)
        except OSError:
            return  # the torn line is dropped when the file is opened again

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> RowWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """All rows of a file, of every kind, in order; a torn last line is skipped.

    Raises
    ------
    InputError : unreadable, or a line that is not JSON
    """
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except OSError as error:
        raise InputError(path, error.strerror or str(error)) from error
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
        except ValueError as error:
            if number == len(lines) and not line.endswith(b"\n"):
                return
            raise InputError(path, f"line {number} is not JSON") from error
        yield row
