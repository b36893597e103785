"""Items being read, held against others: equal ones are never missed, and members that are done tell others apart."""

from __future__ import annotations

import json

import pytest

from structgen.automata.document.begun_items import NOTHING_READ, BegunItem, may_equal, read_on, strings_that_equal
from structgen.automata.document.judge import canonical, parsed


def begun_item(text: str) -> BegunItem:
    return read_on(NOTHING_READ, text.encode())


VALUES = [
    '{"a":"ab","b":[1,{"c":null}],"c":-1.5}',
    '["a",[],{},true]',
    '{"a":{"b":"\\u0061"}}',
    "[[1,2],3]",
    '{"a":12}',
]


@pytest.mark.parametrize("text", VALUES)
def test_what_is_begun_may_equal_what_it_becomes(text: str) -> None:
    whole = canonical(parsed(text))
    assert all(may_equal(begun_item(", " + text[:n]), whole) for n in range(len(text)))


@pytest.mark.parametrize(
    ("begun", "text"),
    [
        ('{"a":"b', VALUES[0]), ('{"a":"ab"', VALUES[2]), ('{"d":', VALUES[0]), ('{"b":[1,{"c":true', VALUES[0]),
        ('["b', VALUES[1]), ('["a",[],{},true,1', VALUES[1]), ("[", VALUES[0]), ('{"a":{"b":"b', VALUES[2]),
        ("[[1,3", "[[1,2]]"),        ('{"c":-1.6,', VALUES[0]), ("[[1,2],[", VALUES[3]),
    ],
)  # fmt: skip
def test_what_has_begun_otherwise_may_not(begun: str, text: str) -> None:
    assert may_equal(begun_item(begun), canonical(parsed(text))) == (begun == "[[1,3")


@pytest.mark.parametrize("text", [*VALUES, '{"a" : [ 1 , "\\"]" ] , "b":{}, "a":2}', '{"é":"😀\\n","z":{"":[[]]}}'])
def test_what_is_read_bit_by_bit_is_what_is_read_at_once(text: str) -> None:
    data = text.encode()
    for step in (1, 3):
        begun = NOTHING_READ
        for n in range(0, len(data), step):
            begun = read_on(begun, data[:n])
            assert begun == read_on(NOTHING_READ, data[:n])
    assert read_on(begun, b'["a"') == begun_item('["a"')
    inside = read_on(NOTHING_READ, b"[" + data + b",")
    assert inside.levels[-1].done == {0: canonical(parsed(text))}


def test_a_name_that_comes_again_replaces_its_value() -> None:
    whole = canonical({"a": "b", "c": "d"})
    assert not may_equal(begun_item('{"a":"x","c":"d"'), whole)
    assert may_equal(begun_item('{"a":"x","c":"d","a":"'), whole)
    assert may_equal(begun_item('{"a":"x","c":"d","a":"b"'), whole)


@pytest.mark.parametrize(
    ("begun", "strings"),
    [
        ('{"a":"', {("ab", False)}), ('{"', {("a", False), ("b", False), ("c", False)}), ('{"b":[1,{"', {("c", False)}),
        ('{"b":[1,"', set()), ('{"c":"', set()), ('{"c":1,"b":[1,{"c":null}],"a":"', {("ab", True)}),
    ],
)  # fmt: skip
def test_strings_that_lead_to_an_equal_item(begun: str, strings: set[tuple[str, bool]]) -> None:
    found = strings_that_equal(begun_item(begun), canonical(json.loads(VALUES[0].replace("-1.5", "1"))))
    assert {(text.decode(), is_last) for text, is_last in found} == strings
