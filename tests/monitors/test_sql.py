"""SQL under a live schema: walks that must prepare, and places with their names."""

from __future__ import annotations

import random
import sqlite3

import numpy as np
import pytest

import structgen as sg
from structgen.errors import MonitorError
from structgen.masks.mask import allowed_ids
from structgen.monitored_constraint import MonitoredConstraint
from structgen.monitors.sql_monitor import SqlMonitor, sql
from structgen.vocab.vocabulary import Vocabulary

SCHEMA = """
create table customers(id integer, name text, city text);
create table orders(order_id integer, customer integer, total real, placed text);
create table items(item_id integer, order_no integer, price real, label text, city text);
create view big as select order_id, total from orders where total > 100;
"""
FUNCTIONS = ("count", "sum", "avg", "min", "max", "upper", "length")
NAME, COLUMN = "[a-z_]+", r"[a-z_]+(\.[a-z_]+)?"
ITEM = rf"(\*|{COLUMN}|{NAME}\({COLUMN}\))"
TEST = rf"{COLUMN} (=|<|>|<>) ([0-9]{{1,3}}|'[a-z]{{0,4}}'|{COLUMN})"
QUERY = (
    rf"SELECT {ITEM}(, {ITEM}){{0,2}} FROM {NAME}( JOIN {NAME} ON {COLUMN} = {COLUMN})?"
    rf"( WHERE {TEST}( (AND|OR) {TEST})?)?( GROUP BY {COLUMN})?( ORDER BY {COLUMN}( DESC)?)?( LIMIT [0-9]{{1,2}})?;"
)


@pytest.fixture
def database() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.executescript(SCHEMA)
    return connection


def words() -> Vocabulary:
    longer = [" FROM ", "SELECT ", ", ", " WHERE ", "customers", "name", "total", " = ", ".id", "id", "or", " t"]
    longer += ["orders.t", ");", "count(", " JOIN items", "ty", "s.p"]
    tokens = [bytes((b,)) for b in range(32, 127)] + [token.encode() for token in longer]
    return Vocabulary.from_bytes([*tokens, b"</s>"], eos_ids=[len(tokens)])


def walk(database: sqlite3.Connection, n_walks: int, seed: int) -> set[str]:
    vocabulary = words()
    monitor = sql(database, max_tables=2, functions=FUNCTIONS, keywords="upper")
    bound = MonitoredConstraint(sg.regex(QUERY), (monitor,)).bind(vocabulary)
    rng = random.Random(seed)
    row = np.zeros(vocabulary.n_words, dtype=np.uint32)
    queries: set[str] = set()
    for _ in range(n_walks):
        matcher = bound.start()
        while True:
            matcher.fill_mask(row)
            ids = allowed_ids(row, vocabulary.n_tokens).tolist()
            assert ids, f"dead end after {matcher.text!r}"
            token_id = rng.choice(ids)
            if token_id in vocabulary.eos_ids:
                break
            matcher.advance(token_id)
        database.execute("EXPLAIN " + matcher.text)
        queries.add(matcher.text)
    return queries


def test_every_query_of_a_random_walk_prepares(database: sqlite3.Connection) -> None:
    assert len(walk(database, 25, seed=0)) > 20


@pytest.mark.slow
def test_two_hundred_queries_prepare(database: sqlite3.Connection) -> None:
    assert len(walk(database, 200, seed=1)) > 180


# text, names that must be offered next, names that must not
PLACES = [
    ("SELECT ", ("name", "total", "orders.", "count("), ("totl", "orders ")),
    ("SELECT total FROM ", ("orders", "big"), ("zz",)),
    ("SELECT orders.", ("total", "placed"), ("name",)),
    ("SELECT orders.total FROM ", ("orders", "customers"), ("zz",)),
    ("SELECT name FROM customers WHERE ", ("city", "customers.", "id"), ("total", "orders.")),
    ("SELECT total FROM orders AS o WHERE o.", ("placed",), ("name",)),
    ("SELECT name FROM customers JOIN orders ON customers.", ("id",), ("total",)),
    ("SELECT name FROM customers c JOIN orders o ON c.id = o.", ("customer",), ("city",)),
    ("SELECT name FROM customers JOIN items ON ", ("price", "label"), ("city",)),
    ("SELECT name FROM customers WHERE id IN (SELECT ", ("customer",), ("zz",)),
    ("SELECT name FROM customers WHERE id IN (SELECT customer FROM orders WHERE ", ("total", "city"), ("price",)),
    ("INSERT INTO ", ("orders",), ("zz",)),
    ("INSERT INTO orders (", ("total",), ("name",)),
    ("UPDATE orders SET ", ("total",), ("name",)),
    ("DELETE FROM orders WHERE ", ("total",), ("name",)),
    ("SELECT name FROM customers ORDER BY ", ("city",), ("total",)),
    ("SELECT name AS who FROM customers ORDER BY ", ("who",), ("total",)),
    ("SELECT name FROM customers GROUP BY ", ("city",), ("count(",)),
]


@pytest.mark.parametrize(("text", "offered", "refused"), PLACES, ids=[text for text, _, _ in PLACES])
def test_names_by_place(
    database: sqlite3.Connection, text: str, offered: tuple[str, ...], refused: tuple[str, ...]
) -> None:
    monitor = sql(database, max_tables=3)
    state = monitor.advance(monitor.start(), text.encode())
    assert state is not None
    for name in offered:
        assert monitor.advance(state, name.encode()) is not None, name
    for name in refused:
        assert monitor.advance(state, name.encode() + b" ") is None, name


UNKNOWN = ["SELECT 'orders.", 'SELECT "x', "SELECT name -- from ", "WITH t AS (SELECT 1) SELECT ", "SELECT name AS "]


@pytest.mark.parametrize("text", UNKNOWN)
def test_what_is_not_followed_is_free(database: sqlite3.Connection, text: str) -> None:
    monitor = sql(database)
    assert monitor.advance(text.encode(), b"anything") is not None


def test_an_end_that_does_not_prepare_is_refused(database: sqlite3.Connection) -> None:
    monitor: SqlMonitor = sql(database)
    assert monitor.advance(b"SELECT name FROM customers", b";") is not None
    assert monitor.advance(b"SELECT name FROM", b";") is None
    assert all(gate.may_end for gate in monitor.gates(b"SELECT name FROM customers"))
    assert not all(gate.may_end for gate in monitor.gates(b"SELECT name FROM"))


def test_something_else_than_a_connection_is_an_error(database: sqlite3.Connection) -> None:
    with pytest.raises(MonitorError) as caught:
        sql("orders.db")  # type: ignore[arg-type]
    assert caught.value.engine == "sqlite" and caught.value.hint
    database.close()
    with pytest.raises(MonitorError):
        sql(database)
