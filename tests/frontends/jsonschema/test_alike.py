"""Subschemas that say the same have the same number, and no others."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest

from structgen.frontends.jsonschema.alike import PLAIN_KEYWORDS, UNLIKE_KEYWORDS, Likeness
from structgen.frontends.jsonschema.build import SchemaSource
from structgen.frontends.jsonschema.resources import LIST_KEYWORDS, MAP_KEYWORDS, ONE_KEYWORDS
from structgen.frontends.jsonschema.support import KEYWORDS
from structgen.ir.document import Properties

STRING = {"type": "string"}
DIFFERENT: list[Any] = [
    True,
    False,
    STRING,
    {"type": "string", "minLength": 1},
    {"type": "string", "minLength": 2},
    {"type": ["string"]},
    {"enum": [1]},
    {"enum": [True]},
    {"enum": ["1"]},
    {"const": 1},
    {"properties": {"a": STRING, "b": STRING}},
    {"properties": {"b": STRING, "a": STRING}},
    {"properties": {"a": STRING}, "required": ["a"]},
    {"patternProperties": {"a": STRING}},
    {"properties": {"title": STRING}},
    {"properties": {"title": True}},
    {"items": STRING},
    {"items": [STRING]},
    {"prefixItems": [STRING]},
    {"not": STRING},
    {"if": STRING},
    {"if": STRING, "then": False},
    {"anyOf": [STRING, {"type": "null"}]},
    {"oneOf": [STRING, {"type": "null"}]},
    {"anyOf": [{"type": "null"}, STRING]},
    {"$ref": "#/a"},
    {"$ref": "#/b"},
    {"dependencies": {"a": ["b"]}},
    {"dependencies": {"a": {"required": ["b"]}}},
    {"contains": STRING},
    {"contains": STRING, "minContains": 2},
]


def test_what_says_something_else_has_another_number() -> None:
    likeness = Likeness()
    numbers = [likeness.of(schema, ref_alone=False) for schema in DIFFERENT]
    assert 0 not in numbers
    for (one, first), (other, second) in combinations(zip(DIFFERENT, numbers, strict=True), 2):
        assert first != second, (one, other)


@pytest.mark.parametrize("schema", [schema for schema in DIFFERENT if type(schema) is dict], ids=repr)
def test_what_constrains_nothing_makes_no_difference(schema: dict[str, Any]) -> None:
    likeness = Likeness()
    told = {"title": "a", **schema, "description": "b", "x-note": {"type": "null"}, "$defs": {"c": {"$id": "d"}}}
    assert likeness.of(dict(schema), ref_alone=False) == likeness.of(told, ref_alone=False)


def test_beside_a_reference_that_stands_alone_nothing_counts() -> None:
    likeness = Likeness()
    beside = {"$ref": "#/a", "minLength": 1}
    assert likeness.of({"$ref": "#/a"}, ref_alone=True) == likeness.of(beside, ref_alone=True)
    assert Likeness().of({"$ref": "#/a"}, ref_alone=False) == 1
    assert likeness.of(dict(beside), ref_alone=False) != likeness.of({"$ref": "#/a"}, ref_alone=False)


@pytest.mark.parametrize("keyword", sorted(UNLIKE_KEYWORDS))
def test_what_is_named_is_like_nothing_else(keyword: str) -> None:
    assert Likeness().of({"items": {keyword: "#a", "type": "string"}}, ref_alone=False) == 0


def test_large_subschemas_are_not_compared_but_their_parts_are() -> None:
    likeness = Likeness()
    part = {"properties": {"a": STRING}}
    large = {"anyOf": [{"minLength": n} for n in range(100)] + [part]}
    assert likeness.of(large, ref_alone=False) == 0
    assert likeness.of(part, ref_alone=False) == likeness.of({"properties": {"a": STRING}}, ref_alone=False) != 0


def test_every_keyword_that_constrains_is_compared() -> None:
    compared = {*PLAIN_KEYWORDS, *UNLIKE_KEYWORDS, *MAP_KEYWORDS, *LIST_KEYWORDS, *ONE_KEYWORDS}
    for keyword in KEYWORDS.values():
        assert keyword.how == "annotation" or keyword.name in compared, keyword.name


def test_one_formula_stands_for_all_that_say_the_same() -> None:
    source = SchemaSource(
        {"properties": {"a": {"maxLength": 2, "title": "a"}, "b": {"maxLength": 2}, "c": {"maxLength": 3}}}
    )
    form = source.root
    assert isinstance(form, Properties)
    a, b, c = (source.target(form.named[name]) for name in (b"a", b"b", b"c"))
    assert a is b is not c


def test_the_first_that_says_the_same_stands_for_all() -> None:
    """Whatever the order in which they come: alone with their names, beside others, or compared already."""
    schemas: list[Any] = [*DIFFERENT, *({"title": "again", **s} for s in DIFFERENT if type(s) is dict), *DIFFERENT]
    copies = [dict(schema) if type(schema) is dict else schema for schema in schemas]
    numbers = Likeness()
    likeness = Likeness()
    expected: dict[int, int] = {}
    for index, schema in enumerate(copies):
        found = likeness.first(schema, index, 1, ref_alone=False)
        assert found == expected.setdefault(numbers.of(schema, ref_alone=False), index)
        assert likeness.first(schema, index + 1000, 2, ref_alone=False) >= 1000


def test_objects_with_names_of_their_own_are_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    likeness = Likeness()
    monkeypatch.setattr(Likeness, "_of", None)
    assert [likeness.first({"properties": {name: STRING}}, name, 1, ref_alone=False) for name in "abc"] == [*"abc"]
    assert likeness.first({"items": {"properties": {"a": STRING}}}, "d", 1, ref_alone=False) == "d"
