"""Strings that must differ: how far they are read, and whether one that has not come goes on from there."""

from __future__ import annotations

import itertools
import json

import pytest

from structgen.automata.document.automaton import DocumentAutomaton
from structgen.automata.document.comparing import Begun, begun_of, strings_of
from structgen.frontends.jsonschema.build import SchemaSource


@pytest.mark.parametrize("text", ["", "ab", "é\n", 'q"\\', "\\u0061", "😀x", "\\ud83d\\ude00", "a\\/b", "\\ud7ff"])
def test_what_is_begun_is_what_is_read_without_what_is_not_done(text: str) -> None:
    """At every byte: the characters and bytes that are done, then an escape that is not."""
    raw = text.encode() if "\\" in text and '"' not in text else json.dumps(text, ensure_ascii=False).encode()[1:-1]
    whole = json.loads(b'"' + raw + b'"').encode()
    for n in range(len(raw) + 1):
        begun = begun_of(raw[:n])
        assert begun is not None
        assert whole.startswith(begun.content)
        assert raw[:n].endswith(begun.escape)
        assert (b"\\" in begun.escape) == (begun.escape != b"")
    assert begun_of(raw) == Begun(whole, b"")


def test_what_is_no_string_is_not_begun() -> None:
    assert begun_of(b"\\x") is None


def words_of(alphabet: str, *lengths: int) -> list[str]:
    return ["".join(word) for n in lengths for word in itertools.product(alphabet, repeat=n)]


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ({"pattern": "^[a-c]{4}$"}, words_of("abc", 4)),
        ({"pattern": "^([a-c]{4}|ab?)$"}, ["a", "ab", *words_of("abc", 4)]),
        ({"pattern": "^[ab]*$", "maxLength": 6}, words_of("ab", *range(7))),
        ({"pattern": "^[ab]*$", "minLength": 5, "maxLength": 6}, words_of("ab", 5, 6)),
    ],
)
def test_may_differ_if_a_word_is_left(items: dict[str, object], words: list[str]) -> None:
    schema = {"type": "array", "items": {"type": "string", **items}, "uniqueItems": True}
    automaton = DocumentAutomaton(SchemaSource(schema), whitespace="compact")
    come = [word for word in words if word.startswith(("ab", "b"))][:8]
    config = automaton.read(automaton.start, json.dumps([*come, ""])[:-2].replace(", ", ",").encode())
    assert config is not None
    left = set(words) - set(come)
    for text in {word[:n] for word in words for n in range(len(word) + 1)}:
        assert (automaton.read(config, text.encode()) is not None) == any(word.startswith(text) for word in left), text


def test_strings_among_what_has_come() -> None:
    assert strings_of(('"a"', '"\\u00e9"', '["a"]', "true")) == (b"a", "é".encode())
