"""The official JSON Schema test suite, required tests, byte by byte through the document automaton.

Failures that are known stand here by name: a new one fails the test, and so does one that
has gone, until it is struck off.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from structgen.automata.document.automaton import DocumentAutomaton
from structgen.errors import StructgenError, UnsatisfiableError
from structgen.frontends.jsonschema.build import SchemaSource
from tests.support.data import data_path

pytestmark = pytest.mark.data

DRAFTS = ["draft4", "draft6", "draft7", "draft2019-09", "draft2020-12"]
SLOW_GROUPS = {"dynamic evalation inside nested refs"}  # spelled as the suite spells it; half a minute each

Failure = tuple[str, str, str, str]
"""File, group, test, and what happened instead."""

KNOWN: dict[str, set[Failure]] = {draft: set() for draft in DRAFTS}


@cache
def remotes(draft: str) -> dict[str, Any]:
    """The suite's remote documents that this draft may see."""
    root = data_path("json-schema-test-suite", "remotes")
    found = {}
    for path in root.rglob("*.json"):
        name = path.relative_to(root).as_posix()
        if name.startswith(("draft", "v1/")) and not name.startswith(f"{draft}/"):
            continue
        found[f"http://localhost:1234/{name}"] = json.loads(path.read_text(encoding="utf-8"))
    return found


def groups(draft: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """File name and group of tests."""
    for path in sorted(data_path("json-schema-test-suite", "tests", draft).glob("*.json")):
        for group in json.loads(path.read_text(encoding="utf-8")):
            yield path.name, group


def automaton_of(schema: Any, draft: str) -> DocumentAutomaton | str:
    """The automaton, or what becomes of every document without one."""
    try:
        source = SchemaSource(schema, draft=draft, registry=remotes(draft), formats="annotate")
        return DocumentAutomaton(source, whitespace="any")
    except UnsatisfiableError:
        return "refused"
    except StructgenError as error:
        return type(error).__name__


def outcome(automaton: DocumentAutomaton | str, document: Any) -> str:
    """``accepted``, ``refused`` or the name of an error."""
    if isinstance(automaton, str):
        return automaton
    try:
        config = automaton.read(automaton.start, json.dumps(document, ensure_ascii=False).encode())
    except StructgenError as error:
        return type(error).__name__
    return "accepted" if config is not None and automaton.is_accepting(config) else "refused"


def run_groups(draft: str, slow: bool) -> tuple[int, set[Failure]]:
    """Tests run, and those that failed."""
    failures: set[Failure] = set()
    n = 0
    for file, group in groups(draft):
        if (group["description"] in SLOW_GROUPS) != slow:
            continue
        automaton = automaton_of(group["schema"], draft)
        for test in group["tests"]:
            n += 1
            found = outcome(automaton, test["data"])
            if found != ("accepted" if test["valid"] else "refused"):
                failures.add((file, group["description"], test["description"], found))
    return n, failures


@pytest.mark.timeout(300)
@pytest.mark.parametrize("draft", DRAFTS)
def test_required_tests(draft: str) -> None:
    n, failures = run_groups(draft, slow=False)
    assert n > 600
    assert failures == KNOWN[draft]


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("draft", ["draft2019-09", "draft2020-12"])
def test_required_tests_that_take_long(draft: str) -> None:
    n, failures = run_groups(draft, slow=True)
    assert n > 0 and not failures
