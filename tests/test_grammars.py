"""The grammars that come with the package."""

from __future__ import annotations

import pytest

import structgen.grammars as grammars

EXAMPLES = {
    "arithmetic": (["1+2", "-x^2*(3.5e1-f(a, b))"], ["1+", "(1", ""]),
    "json": (['{"a": [1, true, null]}', " -0.5e+3 "], ["{a: 1}", "01", "[1,]"]),
    "sql": (
        ["SELECT * FROM t;", "SELECT a.b AS c FROM t LEFT JOIN u ON a = b WHERE x IN (1, 2);"],
        ["SELECT FROM t;", "SELECT * FROM t"],
    ),
    "c": (["int x = 1;", "int main() { return 0; }"], ["int;", "int main() { return 0 }"]),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples(name: str) -> None:
    accepted, rejected = EXAMPLES[name]
    constraint = grammars.load(name)
    assert [text for text in accepted if not constraint.accepts(text)] == []
    assert [text for text in rejected if constraint.accepts(text)] == []


def test_every_grammar_loads_by_name() -> None:
    assert set(EXAMPLES) <= set(grammars.names())
    for name in grammars.names():
        assert grammars.load(name).parser in ("lalr", "earley")


def test_an_unknown_name_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        grammars.load("klingon")
