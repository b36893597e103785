"""Names that are said to end alike do so, as reading the text after each of them shows."""

from __future__ import annotations

from typing import Any

import pytest

from structgen.automata.document.alike_names import EndedName
from structgen.automata.document.automaton import DocumentAutomaton
from structgen.frontends.jsonschema.build import SchemaSource

SCHEMA = {
    "type": "object",
    "properties": {"class": {"type": "string"}},
    "patternProperties": {'^[a-z\\\\"]+$': {"type": "integer"}},
    "additionalProperties": False,
    "minProperties": 4,
}
BEGUN = [
    b'{"a":1,"' + name for name in (b"", b"a", b"b", b"c", b"bc", b"\\u0061", b"\\\\", b'\\"', b"clas", b"as", b"\\")
]
TEXTS = [
    b'":0,"x":1,"y":2}',
    b's":0,"x":1,"y":2}',
    b's":"","x":1,"y":2}',
    b'":0,"b":1,"\\u0063":2}',
    b'":0,"b":1,"a":2}',
    b'z":0,"bz":1,"q":2}',
    b'\\u0062":0,"ab":1,"q":2}',
    b'":0}',
    b"x",
    b'\\":0}',
]


@pytest.mark.parametrize("text", TEXTS, ids=repr)
def test_names_that_are_alike_end_alike(text: bytes) -> None:
    automaton = DocumentAutomaton(SchemaSource(SCHEMA))
    name = EndedName(automaton, text)
    ends: dict[Any, bool] = {}
    for begun in BEGUN:
        config = automaton.read(automaton.start, begun)
        assert config is not None, begun
        after = automaton.read(config, text)
        ended = after is not None and automaton.is_accepting(after)
        assert ends.setdefault(name.alike(config), ended) == ended, begun


def test_new_names_are_alike() -> None:
    automaton = DocumentAutomaton(SchemaSource(SCHEMA))
    name = EndedName(automaton, TEXTS[0])
    configs = [automaton.read(automaton.start, b'{"a":1,"' + begun) for begun in (b"b", b"d", b"bd")]
    assert len(set(configs)) == 3
    assert len(set(map(name.alike, configs))) == 1
