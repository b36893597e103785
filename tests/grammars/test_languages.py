"""The shipped grammars against the programs whose languages they describe.

What a grammar accepts, its program must read: sentences made from the grammar, the
examples, and single-byte mutations that are still accepted. Where the program reads just
this language, the other direction is compared too.
"""

from __future__ import annotations

import ast
import csv
import datetime
import io
import json
import random
import re
import sqlite3
import warnings
from collections.abc import Callable, Iterator
from xml.parsers import expat

import pytest

from structgen import grammars
from tests.grammars.judges import constraint
from tests.grammars.lexemes import LEXEMES
from tests.grammars.sentences import Sentences, mutations
from tests.grammars.smiles_rules import reads_smiles

sizes = pytest.mark.parametrize("n", [40, pytest.param(1000, marks=pytest.mark.slow)], ids=["few", "many"])


def texts(name: str, n: int, *, budget: int = 60) -> Iterator[tuple[str, bool]]:
    """Texts and whether the grammar accepts them."""
    found = constraint(name)
    source = Sentences(found.grammar, 3, lexemes=LEXEMES.get(name), budget=budget)
    sentences = [text for text in (source.one() for _ in range(n)) if found.accepts(text)]
    assert len(sentences) > n // 2
    assert n < 1000 or not source.unused
    sentences += grammars.examples(name).accepted
    for data in [text.encode() for text in sentences] + mutations(sentences, 2 * n, random.Random(4)):
        try:
            yield data.decode(), found.accepts(data)
        except UnicodeDecodeError:
            assert not found.accepts(data)


def disagreements(name: str, n: int, reads: Callable[[str], bool], *, both: bool = False) -> list[str]:
    """Texts that the grammar accepts and the program cannot read; with ``both``, the other way round as well."""
    return [
        text for text, accepted in texts(name, n) if (accepted and not reads(text)) or (both and reads(text) > accepted)
    ]


@sizes
def test_python_can_parse_what_its_grammar_accepts(n: int) -> None:
    assert disagreements("python", n, _reads_python) == []


def _reads_python(text: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ast.parse(text.encode())
        except (SyntaxError, ValueError):
            return False
    return True


@sizes
def test_sqlite_finds_no_syntax_error_in_what_its_grammar_accepts(n: int) -> None:
    database = sqlite3.connect(":memory:")

    def reads(text: str) -> bool:
        try:
            database.execute("EXPLAIN " + text)
        except sqlite3.Error as error:  # a missing table, a wrong number of columns: read, but without meaning
            return not re.search("syntax error|unrecognized token|incomplete input", str(error))
        return True

    assert reads("SELECT x FROM t") and not reads("SELECT x FROM FROM") and not reads("SELECT 1a")
    assert disagreements("sql", n, reads) == []


@sizes
def test_json_texts_are_those_that_json_reads(n: int) -> None:
    def refuse(name: str) -> None:
        raise ValueError(f"{name} is Python's own")

    def reads(text: str) -> bool:
        try:
            json.loads(text, parse_constant=refuse)
        except ValueError:
            return False
        return True

    assert disagreements("json", n, reads, both=True) == []


@sizes
def test_csv_can_read_what_its_grammar_accepts(n: int) -> None:
    def reads(text: str) -> bool:
        try:
            list(csv.reader(io.StringIO(text, newline=""), strict=True))
        except csv.Error:
            return False
        return True

    assert disagreements("csv", n, reads) == []


@sizes
def test_regular_expressions_compile(n: int) -> None:
    def reads(text: str) -> bool:
        try:
            re.compile(text)
        except (re.error, OverflowError):
            return False
        return True

    assert disagreements("regex", n, reads) == []


ISO = re.compile(r"(?P<date>\d{4}-\d\d-\d\d|\d{8}|\d{4}-?W\d\d(-?\d)?)(T(?P<time>[\d:,.]+)(?P<zone>Z|[+-][\d:]+)?)?")


@sizes
def test_datetime_reads_dates_and_times(n: int) -> None:
    """Of calendar and week dates with or without a time; week 53 and year 0 are left to ``datetime``.

    Not the other way round: ``datetime`` also reads mixed forms, and ``T233Z``.
    """
    seen = set()
    for text, accepted in texts("iso8601", n):
        found = ISO.fullmatch(text)
        if not found or not text.isascii():
            continue
        reads = _reads_iso(text)
        if accepted and not reads:
            assert text.startswith("0000") or "W53" in text
        seen.add(accepted)
    assert True in seen


def _reads_iso(text: str) -> bool:
    try:
        datetime.datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("year", [1900, 2000, 2023, 2024])
def test_days_fit_their_months(year: int) -> None:
    found = constraint("iso8601")
    for month in range(14):
        for day in range(33):
            for text in (f"{year}-{month:02}-{day:02}", f"{year}{month:02}{day:02}"):
                assert found.accepts(text) == _reads_iso(text), text


@sizes
def test_xml_is_well_formed_but_for_names(n: int) -> None:
    allowed = {"mismatched tag", "duplicate attribute"}

    def reads(text: str) -> bool:
        try:
            expat.ParserCreate().Parse(text.encode(), True)
        except expat.ExpatError as error:
            return expat.ErrorString(error.code) in allowed
        return True

    assert reads("<a></b>") and not reads("<a")
    assert disagreements("xml", n, reads) == []


@sizes
def test_smiles_follow_the_rules_written_out(n: int) -> None:
    assert disagreements("smiles", n, reads_smiles, both=True) == []


@sizes
def test_graphql_is_read_by_graphql_core(n: int) -> None:
    graphql = pytest.importorskip("graphql", reason="graphql-core is not installed")

    def reads(text: str) -> bool:
        try:
            graphql.parse(text)
        except graphql.GraphQLError:
            return False
        return True

    assert disagreements("graphql", n, reads) == []
