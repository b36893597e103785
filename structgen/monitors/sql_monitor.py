"""SQL over a live database: only its tables, its columns, and columns of tables that are in play.

A SELECT names columns before it names tables. So until FROM, a column is allowed if some
set of at most ``max_tables`` tables makes every column used so far belong to exactly one of them; each table
named then must keep such a set possible, and what ends the list of tables (WHERE, a
semicolon, the end) waits until it is complete. Columns after that must belong to exactly
one table in play. The end itself is put to sqlite's own compiler.

Names are offered as declared, in lower case and in upper case; other mixtures, which SQL
reads as the same, are held back; so are aliases before the FROM that makes them. Quoted
names, common table expressions, NATURAL JOIN, USING and window functions are UNKNOWN:
from there on only the end is checked.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import Final, Literal

from structgen.monitors.engines.sqlite import SqliteEngine
from structgen.monitors.gates import BytesGate, Gate, NameSet, NamesGate
from structgen.monitors.sites import IDENTIFIER_BYTES
from structgen.monitors.sql_text import KEYWORDS, Scope, Statement, Word, read_statement

__all__ = ["SqlMonitor", "sql"]

_ALL: Final = frozenset(range(256))
_OPERANDS: Final = (
    "all", "case", "cast", "current_date", "current_time", "current_timestamp", "distinct", "exists", "false", "not",
    "null", "select", "true",
)  # fmt: skip
"""Keywords with which an operand can start."""
_OPERATORS: Final = (
    "and", "as", "asc", "between", "collate", "cross", "desc", "else", "end", "escape", "except", "from", "glob",
    "group", "having", "in", "inner", "intersect", "is", "isnull", "join", "left", "like", "limit", "not", "notnull",
    "nulls", "offset", "on", "or", "order", "returning", "set", "then", "union", "values", "when", "where",
)  # fmt: skip
"""Keywords that follow an operand."""
_BEFORE_OPERANDS: Final = frozenset(
    b"all and between by case collate distinct else escape glob having in is like limit not offset on or select set "
    b"then when where".split()
)
_MORE_TABLES: Final = ["join", "inner", "left", "cross", "as"]
_NOT_NAMES: Final = bytes(b for b in range(256) if b not in IDENTIFIER_BYTES) + b"0123456789"


def sql(
    connection: sqlite3.Connection,
    *,
    max_tables: int = 3,
    functions: Iterable[str] | None = None,
    keywords: Literal["upper", "lower", "both"] = "both",
) -> SqlMonitor:
    """A monitor of SQL against the database behind ``connection``.

    Parameters
    ----------
    connection : an open database
    max_tables : tables one SELECT may name, as the grammar beside allows (1 without joins),
        so that columns are not promised tables that cannot be named
    functions : functions that may be called, such as the grammar can finish; None for all the database has
    keywords : in which case the grammar beside spells keywords; the other reads as a name there

    Raises
    ------
    MonitorError : not an open sqlite3 connection
    """
    offered = None if functions is None else frozenset(name.lower() for name in functions)
    return SqlMonitor(SqliteEngine(connection), max_tables=max_tables, functions=offered, keywords=keywords)


class SqlMonitor:
    """See the module. A state is the text so far."""

    name = "sql"
    triggers = bytes(b for b in range(256) if b not in b"0123456789")
    is_dense = True

    def __init__(
        self,
        engine: SqliteEngine,
        *,
        max_tables: int = 3,
        functions: frozenset[str] | None = None,
        keywords: Literal["upper", "lower", "both"] = "both",
    ) -> None:
        self.engine = engine
        self._functions_offered = functions
        self._keyword_case = keywords
        self.max_tables = max_tables
        self._sets: dict[frozenset[str], NameSet] = {}
        self._gates: dict[bytes, tuple[Gate, ...]] = {}
        self._tables = {name.lower(): frozenset(c.lower() for c in cs) for name, cs in engine.schema.tables.items()}

    def start(self) -> bytes:
        return b""

    def feed(self, state: bytes, data: bytes) -> bytes:
        return state + data

    def advance(self, state: bytes, data: bytes) -> bytes | None:
        """See ``Monitor``."""
        for byte in data:
            if not all(gate.allows(byte) for gate in self.gates(state)):
                return None
            state += bytes((byte,))
        return state

    def live_triggers(self, state: bytes) -> bytes:
        """See ``Monitor``."""
        return self.triggers

    def may_open(self, state: bytes) -> bool:
        """See ``Monitor``."""
        return True

    def lexical_key(self, state: bytes) -> bytes:
        """See ``Monitor``."""
        return state

    def pre(self, state: bytes) -> bool:
        """See ``Monitor``."""
        return True

    def gates(self, state: bytes) -> tuple[Gate, ...]:
        """See ``Monitor``."""
        found = self._gates.get(state)
        if found is None:
            if len(self._gates) > 10_000:
                self._gates.clear()
            found = self._gates[state] = tuple(self._find(state))
        return found

    # --- what is allowed

    def _find(self, text: bytes) -> Iterator[Gate]:
        statement = read_statement(text)
        if not statement.is_code:
            return
        scope = statement.scopes[-1]
        if not self._may_end(text, statement):
            yield BytesGate(_ALL - {0x3B}, may_end=False)
        if any(scope.is_odd for scope in statement.scopes):
            return
        names = self._names(statement, scope)
        if names is None:
            return
        choice = self._set(names)
        if not choice.has_prefix(statement.typed):
            return
        if statement.typed:
            yield NamesGate(choice, statement.typed)
            refused = self._refused_after(statement.typed, choice)
            if refused:
                yield BytesGate(_ALL - refused)
        else:
            # No identifier has begun, so anything but one may come too: numbers, strings, marks.
            lifts = b" \t\n\r(*" if scope.awaits_table else _NOT_NAMES
            yield NamesGate(choice, lifts=lifts)

    def _names(self, statement: Statement, scope: Scope) -> frozenset[str] | None:
        """What the identifier at the end may be; None for anything. ``name.`` and ``name(`` need that byte."""
        words = statement.words
        last = words[-1].lower if words else b""
        if last == b".":
            return self._columns_of(scope, words[-2].lower.decode("utf-8", "replace"), statement)
        if scope.awaits_table:
            return self._cased(t for t in self.engine.schema.tables if self._fits(scope, t.lower()))
        if last == b"as":
            taken = scope.clause == "from" and scope.last_table in scope.qualified
            return self._cased([scope.last_table]) if taken else None
        if scope.clause == "from":
            return self._after_table(scope)
        if scope.clause in ("select", "where", "on", "group", "order", "having", "set"):
            if last in (b"group", b"order"):
                return self._keywords(["by"])
            if expects_operand(words):
                return self._operands(statement, scope)
            # A result column may be given any name; elsewhere an operator or the next clause follows.
            return None if scope.clause == "select" else self._keywords(_OPERATORS)
        if scope.clause == "into":
            return self._after_into(statement, scope)
        return None

    def _columns_of(self, scope: Scope, qualifier: str, statement: Statement) -> frozenset[str] | None:
        for outer in reversed(statement.scopes):
            if qualifier in outer.tables:
                return self._columns(outer.tables[qualifier])
        return self._columns(qualifier) if not scope.tables else None

    def _columns(self, table: str) -> frozenset[str] | None:
        for name, columns in self.engine.schema.tables.items():
            if name.lower() == table:
                return self._cased([*columns, "rowid"])
        return None

    def _after_table(self, scope: Scope) -> frozenset[str] | None:
        """Behind a table's name: its alias and anything, once every column used has its table."""
        if not self._settles(scope, list(scope.tables.values())):
            return self._keywords(_MORE_TABLES)
        if scope.last_table in scope.qualified:
            return self._keywords(k for k in (*_OPERATORS, *_MORE_TABLES) if k != "as")  # its own name is needed
        return None

    def _after_into(self, statement: Statement, scope: Scope) -> frozenset[str] | None:
        """INSERT's list of columns, UPDATE's SET."""
        if scope.calls and len(scope.tables) == 1:
            return self._columns(next(iter(scope.tables.values())))
        return None

    def _operands(self, statement: Statement, scope: Scope) -> frozenset[str]:
        found: set[str] = set(self._keywords(_OPERANDS))
        found |= {f"{name}(" for name in self._cased(self._functions(scope))}
        if scope.clause == "order":
            found |= self._cased(scope.aliases)
        if not scope.tables:
            found |= self._cased(c for c in self._all_columns() if self._fits(scope, column=c.lower()))
            found |= {f"{t}." for t in self._cased(self.engine.schema.tables) if self._fits(scope, qualifier=t.lower())}
        else:
            for outer in statement.scopes:
                found |= self._cased(self._unique_columns(outer))
                found |= {f"{name}." for name in self._cased(outer.tables)}
        return frozenset(found)

    def _functions(self, scope: Scope) -> frozenset[str]:
        schema = self.engine.schema
        may_aggregate = scope.clause in ("select", "having", "order") and not set(scope.calls) & schema.aggregates
        known = schema.scalars | schema.aggregates if may_aggregate else schema.scalars
        return known if self._functions_offered is None else known & self._functions_offered

    def _all_columns(self) -> frozenset[str]:
        return frozenset(column for columns in self.engine.schema.tables.values() for column in columns)

    def _unique_columns(self, scope: Scope) -> list[str]:
        """Columns that exactly one table in play has, as declared."""
        tables = [t for t in self.engine.schema.tables if t.lower() in scope.tables.values()]
        counts: dict[str, list[str]] = {}
        repeated = list(scope.tables.values())
        for table in tables:
            for column in self.engine.schema.tables[table]:
                counts.setdefault(column.lower(), []).extend([column] * repeated.count(table.lower()))
        return [columns[0] for columns in counts.values() if len(columns) == 1]

    # --- columns before their tables

    def _settles(self, scope: Scope, tables: list[str]) -> bool:
        """Whether ``tables`` give every bare column exactly one table and have every table named before."""
        if not scope.qualified <= set(tables):
            return False
        known = [self._tables.get(table, frozenset()) for table in tables]
        return all(sum(c in columns for columns in known) == 1 or c in scope.aliases for c in scope.bare)

    def _fits(self, scope: Scope, table: str = "", *, column: str = "", qualifier: str = "") -> bool:
        """Whether some set of tables settles the scope once this table, column or qualifier is in it."""
        if table in scope.tables:
            return False  # twice under one name
        wanted = Scope(
            bare=scope.bare | ({column} if column else set()),
            qualified=scope.qualified | ({qualifier} if qualifier else set()),
            aliases=scope.aliases,
        )
        chosen = [*scope.tables.values(), *([table] if table else [])]
        room = self.max_tables - len(chosen)
        return any(
            self._settles(wanted, [*chosen, *more])
            for size in range(0 if chosen else 1, room + 1)
            for more in combinations(self._tables, size)
        )

    # --- the end

    def _may_end(self, text: bytes, statement: Statement) -> bool:
        if not statement.words and not statement.typed:
            return True
        last = text.rsplit(b";", 1)[-1].decode("utf-8", "replace")
        return self.engine.prepares(last)

    def _refused_after(self, word: bytes, names: NameSet) -> frozenset[int]:
        """A keyword has no dot behind it; what is no function has no parenthesis, what is no table no dot."""
        if word not in names:
            return frozenset()
        if word.lower() in KEYWORDS:
            return frozenset(b".")
        return frozenset(b for b in b".(" if word + bytes((b,)) not in names)

    def _cased(self, names: Iterable[str]) -> frozenset[str]:
        return frozenset(form for name in names for form in (name, name.lower(), name.upper()))

    def _keywords(self, words: Iterable[str]) -> frozenset[str]:
        case = self._keyword_case
        return frozenset(
            form
            for word in words
            for form in ([word] if case != "upper" else []) + ([word.upper()] if case != "lower" else [])
        )

    def _set(self, names: frozenset[str]) -> NameSet:
        found = self._sets.get(names)
        if found is None:
            if len(self._sets) > 1000:
                self._sets.clear()
            found = self._sets[names] = NameSet(names)
        return found

    def __repr__(self) -> str:
        return f"SqlMonitor({len(self._tables)} tables)"


def expects_operand(words: list[Word]) -> bool:
    """Whether an operand comes next: after an operator, a comma, an opening parenthesis, or some keywords."""
    if not words:
        return True
    last = words[-1]
    if last.kind == "word":
        return last.lower in _BEFORE_OPERANDS
    if last.text == b"*":  # the operator, or all columns
        return not (
            len(words) < 2 or words[-2].lower in (b"select", b"distinct") or words[-2].text in (b",", b".", b"(")
        )
    return last.kind == "mark" and last.text != b")"
