"""A live sqlite3 database as the engine: its tables, columns and functions, and ``prepare``.

The schema is read once; ``refresh`` reads it again. ``prepares`` compiles a statement
without running it (``EXPLAIN``), which is the last word on what is valid.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Mapping
from dataclasses import dataclass

from structgen.errors import MonitorError

__all__ = ["Schema", "SqliteEngine"]


@dataclass(frozen=True, slots=True)
class Schema:
    """Names as they were declared; SQL compares them without case."""

    tables: Mapping[str, tuple[str, ...]]
    """Columns by table or view."""
    scalars: frozenset[str]
    aggregates: frozenset[str]


class SqliteEngine:
    """What a connection knows of its database.

    Raises
    ------
    MonitorError : not an open sqlite3 connection, or a schema that cannot be read
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        if not isinstance(connection, sqlite3.Connection):
            raise MonitorError(
                f"not a sqlite3 connection: {type(connection).__name__}",
                engine="sqlite",
                hint="pass sqlite3.connect(path, check_same_thread=False)",
            )
        self._connection = connection
        self._lock = threading.Lock()
        self.schema = self.refresh()

    def refresh(self) -> Schema:
        """Read the schema anew."""
        try:
            with self._lock:
                names = self._connection.execute(
                    "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'"
                ).fetchall()
                tables = {name: self._columns(name) for (name,) in names}
                functions = self._connection.execute("SELECT name, type FROM pragma_function_list").fetchall()
        except sqlite3.Error as error:
            raise MonitorError(
                f"the database cannot be read: {error}", engine="sqlite", hint="open the connection first"
            ) from error
        # A name may be both (``min`` of one column, ``max`` of two numbers): then it is an aggregate.
        aggregates = frozenset(str(name).lower() for name, kind in functions if kind in ("a", "w"))
        scalars = frozenset(str(name).lower() for name, kind in functions if kind == "s") - aggregates
        self.schema = Schema(tables, scalars, aggregates)
        return self.schema

    def _columns(self, table: str) -> tuple[str, ...]:
        rows = self._connection.execute("SELECT name FROM pragma_table_info(?)", (table,)).fetchall()
        return tuple(str(row[0]) for row in rows)

    def prepares(self, statement: str) -> bool:
        """Whether the statement compiles against the database; runs nothing."""
        try:
            with self._lock:
                self._connection.execute("EXPLAIN " + statement)
        except sqlite3.Error:
            return False
        return True
