"""The table of keywords agrees with what is built, and reports tell the truth of each occurrence."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import validators

import structgen as sg
from structgen.frontends.jsonschema.build import _BUILDERS, SchemaSource
from structgen.frontends.jsonschema.resources import Place, Resources
from structgen.frontends.jsonschema.scan import applies
from structgen.frontends.jsonschema.support import KEYWORDS, Occurrence, enforcement

DRAFTS = {"4": 4, "6": 6, "7": 7, "2019-09": 2019, "2020-12": 2020}


def report(schema: Any, **options: Any) -> dict[str, Occurrence]:
    """Every occurrence by its pointer."""
    found = list(enforcement(SchemaSource(schema, **options)))
    assert len({o.pointer for o in found}) == len(found)
    return {o.pointer: o for o in found}


def test_enforced_keywords_are_those_that_are_built() -> None:
    siblings = {"then", "else", "minContains", "maxContains", "additionalItems"}  # read by their partner's builder
    enforced = {row.name for row in KEYWORDS.values() if row.how != "annotation"}
    assert enforced == set(_BUILDERS) | siblings


@pytest.mark.parametrize("draft", DRAFTS.values())
def test_drafts_agree_with_the_builder(draft: int) -> None:
    resources = Resources({}, draft=draft, legacy=False, registry={})
    place = Place({}, resources.root, "", ())
    for keyword in _BUILDERS:
        row = KEYWORDS[keyword]
        if keyword != "dependencies":  # its builder looks at the draft itself
            assert applies(keyword, place) == (row.since <= draft <= row.until), keyword


@pytest.mark.parametrize("draft", DRAFTS)
def test_every_keyword_of_the_metaschema_has_a_row(draft: str) -> None:
    name = f"Draft{draft.replace('-', '')}Validator"
    metaschema = getattr(validators, name).META_SCHEMA
    vocabularies = [metaschema["properties"]]
    if "allOf" in metaschema:
        from jsonschema_specifications import REGISTRY

        base = metaschema["$id"].rsplit("/", 1)[0]
        vocabularies += [REGISTRY.contents(f"{base}/{part['$ref']}")["properties"] for part in metaschema["allOf"]]
    number = DRAFTS[draft]
    for properties in vocabularies:
        for keyword in properties:
            row = KEYWORDS[keyword]
            lowered = keyword in ("definitions", "dependencies", "$recursiveAnchor", "$recursiveRef", "format")
            assert lowered or row.since <= number <= row.until, keyword


def test_occurrences_with_pointers() -> None:
    found = report(
        {
            "properties": {"a/b": {"type": "string", "x~y": 1}, "u": {"uniqueItems": True}, "r": {"$ref": "#/$defs/d"}},
            "$defs": {"d": {"minimum": 3}, "idle": {"maximum": 3}},
        }
    )
    assert {pointer: o.how for pointer, o in found.items()} == {
        "/properties": "automaton",
        "/$defs": "annotation",
        "/properties/a~1b/type": "automaton",
        "/properties/a~1b/x~0y": "annotation",
        "/properties/u/uniqueItems": "monitor",
        "/properties/r/$ref": "automaton",
        "/$defs/d/minimum": "automaton",
        "/$defs/idle/maximum": "annotation",
    }
    assert found["/properties/a~1b/x~0y"].note == "unknown keyword"
    assert "no reference" in found["/$defs/idle/maximum"].note


def test_a_second_report_says_the_same() -> None:
    source = SchemaSource({"$defs": {"idle": {"properties": {"a": {"maximum": 3}}}}})
    assert list(enforcement(source)) == list(enforcement(source))


@pytest.mark.parametrize(
    ("schema", "draft", "pointer", "how", "word"),
    [
        ({"const": 1}, "draft4", "/const", "annotation", "draft"),
        ({"const": 1}, "draft6", "/const", "automaton", ""),
        ({"dependencies": {"a": ["b"]}}, "2020-12", "/dependencies", "annotation", "draft"),
        ({"dependencies": {"a": ["b"]}}, None, "/dependencies", "automaton", ""),
        ({"$ref": "#/definitions/a", "minimum": 1, "definitions": {"a": {}}}, "7", "/minimum", "annotation", "$ref"),
        ({"$ref": "#/definitions/a", "minimum": 1, "definitions": {"a": {}}}, "2019-09", "/minimum", "automaton", ""),
        ({"then": {"minimum": 1}}, None, "/then", "annotation", "no if"),
        ({"maxContains": 1}, None, "/maxContains", "annotation", "no contains"),
        ({"additionalItems": False}, "7", "/additionalItems", "annotation", "no list"),
        ({"items": [{}], "additionalItems": False}, "7", "/additionalItems", "automaton", ""),
        ({"exclusiveMinimum": True}, "draft4", "/exclusiveMinimum", "annotation", "no minimum"),
        ({"format": "hostname"}, None, "/format", "monitor", "judge"),
        ({"format": "date"}, None, "/format", "automaton", ""),
        ({"format": "colour"}, None, "/format", "annotation", "colour"),
        ({"contentEncoding": "base64"}, None, "/contentEncoding", "annotation", ""),
    ],
    ids=str,
)
def test_one_occurrence(schema: Any, draft: str | None, pointer: str, how: str, word: str) -> None:
    found = report(schema, draft=draft)[pointer]
    assert found.how == how and word in found.note


def test_formats_can_be_annotations() -> None:
    assert report({"format": "date"}, formats="annotate")["/format"].how == "annotation"


def test_a_metaschema_without_validation() -> None:
    bare = {"$vocabulary": {"https://json-schema.org/draft/2020-12/vocab/applicator": True}}
    found = report({"$schema": "http://x/bare", "minimum": 3, "not": {}}, registry={"http://x/bare": bare})
    assert (found["/minimum"].how, found["/not"].how) == ("annotation", "automaton")


def test_a_dictionary_that_holds_itself_is_walked_once() -> None:
    tree: dict[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}
    tree["properties"]["left"] = tree["properties"]["right"] = tree
    constraint = sg.json_schema(tree)
    assert constraint.accepts('{"left": {"right": {}}}') and not constraint.accepts('{"left": {"up": {}}}')
    assert [(o.pointer, o.how) for o in constraint.report().entries] == [
        ("/type", "automaton"), ("/properties", "automaton"), ("/additionalProperties", "automaton")
    ]  # fmt: skip
    assert constraint.key == ""
