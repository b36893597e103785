"""Runs of required names say what a search step by step says."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest

from structgen.automata.document.automaton import DocumentAutomaton
from structgen.automata.document.required_runs import RequiredRuns
from structgen.frontends.jsonschema.build import SchemaSource

NAMES = [f"n{number}" for number in range(14)]
VALUES = {name: {"type": ["integer", "string", "null"][n % 3]} for n, name in enumerate(NAMES)}
SCHEMAS: dict[str, Any] = {
    "required": {"properties": VALUES, "required": NAMES, "not": {"required": ["n1", "x"]}},
    "counted": {"properties": VALUES, "required": NAMES, "minProperties": 16},
    "exclusive": {
        "properties": VALUES,
        "oneOf": [{"required": NAMES[:9]}, {"required": NAMES[5:], "properties": {"n5": {"const": "five"}}}],
    },
    "refused": {"properties": VALUES, "required": NAMES, "not": {"properties": {"n3": {"const": 0}}}},
    "dependent": {
        "properties": VALUES,
        "required": NAMES[::2],
        "dependencies": {n: [m] for n, m in itertools.pairwise(NAMES)},
    },
}


def texts_along_a_path(schema: dict[str, Any], seed: int, runs: bool, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Shortest completions after names in some order, and how often a run was taken."""
    if not runs:
        monkeypatch.setattr(RequiredRuns, "follow", lambda self, state, most: ([], state))
    automaton = DocumentAutomaton(SchemaSource({"type": "object"} | schema))
    choose = random.Random(seed)
    found, text = [], b"{"
    for name in choose.sample(NAMES, len(NAMES)):
        value = {"integer": b"0", "string": b'""', "null": b"null"}[str(VALUES[name]["type"])]
        member = b'"' + name.encode() + b'":' + value
        for more in (b'"', member[: choose.randrange(1, len(member))], member + b","):
            config = automaton.read(automaton.start, text + more)
            if config is not None:
                found.append(automaton.completion(config))
        if automaton.read(automaton.start, text + member + b",") is not None:
            text += member + b","
    return found


@pytest.mark.parametrize("name", SCHEMAS)
def test_completions_are_those_of_the_search_without_runs(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(4):
        with monkeypatch.context() as patch:
            slow = texts_along_a_path(SCHEMAS[name], seed, False, patch)
        assert len(slow) > len(NAMES)
        assert texts_along_a_path(SCHEMAS[name], seed, True, monkeypatch) == slow


def test_many_required_names_are_added_in_one_run(monkeypatch: pytest.MonkeyPatch) -> None:
    longest = 0
    follow = RequiredRuns.follow

    def noted(self: RequiredRuns, state: Any, most: int) -> Any:
        nonlocal longest
        found = follow(self, state, most)
        longest = max(longest, len(found[0]))
        return found

    monkeypatch.setattr(RequiredRuns, "follow", noted)
    texts_along_a_path(SCHEMAS["required"], 0, True, monkeypatch)
    assert longest > len(NAMES) // 2
