"""Ends of numbers read off distances, against a search from each row."""

from __future__ import annotations

from typing import Any

import pytest

from structgen.automata.document.automaton import DocumentAutomaton
from structgen.automata.document.number_ends import number_ends
from structgen.frontends.jsonschema.build import SchemaSource
from structgen.kernels import document as K

_TEXTS = [*(bytes([b]) for b in b"-0123456789"), b"1.", b"-1e", b"12.5", b"-30"]


def searched(automaton: DocumentAutomaton, config: Any, longest: int) -> dict[int, int]:
    """Bytes to each label within ``longest``, level by level."""
    labels = automaton.tables.arena.number_label
    level, found = {config}, {}
    for n in range(longest + 1):
        for state in level:
            if label := int(labels[state[K.R_A]]):
                found.setdefault(label, n)
        after = {automaton.read(state, bytes([b])) for state in level for b in b"-0123456789.e+"}
        level = {state for state in after if state is not None}
    return found


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "number"},
        {"type": "integer", "minimum": -40, "maximum": 120},
        {"type": "integer", "multipleOf": 77},
        {"enum": [1, -2.5, 300, 12.5]},
        {"type": "array", "items": {"anyOf": [{"multipleOf": 12}, {"multipleOf": 0.5}]}, "contains": {"minimum": 31}},
    ],
)
def test_ends_are_shortest_and_right(schema: Any) -> None:
    automaton = DocumentAutomaton(SchemaSource(schema), whitespace="compact")
    opening = b"[" if schema.get("type") == "array" else b""
    n_compared = 0
    for text in _TEXTS:
        config = automaton.read(automaton.start, opening + text)
        if config is None or config[K.R_MODE] != K.M_NUMBER:
            continue
        ends = number_ends(automaton.tables.arena, config[K.R_A])
        expected = searched(automaton, config, 3)
        assert {label: len(end) for label, end in ends.items() if len(end) <= 3} == expected
        for label, end in ends.items():
            after = automaton.read(config, end)
            assert after is not None and automaton.tables.arena.number_label[after[K.R_A]] == label
        n_compared += 1
    assert n_compared
