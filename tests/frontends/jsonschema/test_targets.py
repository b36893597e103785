"""References to nothing but references come to one formula, so what they lead to is built once."""

from __future__ import annotations

from typing import Any

import structgen as sg
from structgen.frontends.jsonschema.build import SchemaSource
from structgen.ir.document import Properties
from structgen.ir.formulas import Ref
from structgen.masks.document_machine import DocumentMachine
from tests.masks.test_document_sharing import vocabulary

DEFINITION = {"type": "object", "properties": {"a": {"enum": [1, 2]}}, "required": ["a"]}


def targets(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    source = SchemaSource({"properties": properties, "definitions": {"d": DEFINITION, "e": {"$ref": "#/definitions/d"}}}
                          | more)  # fmt: skip
    root = source.root
    assert isinstance(root, Properties)
    return {name.decode(): source.target(formula) for name, formula in root.named.items()}


def test_references_are_followed_to_what_they_refer_to() -> None:
    found = targets({
        "direct": {"$ref": "#/definitions/d"},
        "described": {"$ref": "#/definitions/d", "description": "with a text"},
        "twice": {"$ref": "#/definitions/e"},
        "wrapped": {"allOf": [{"$ref": "#/definitions/e"}], "title": "one part"},
        "more": {"allOf": [{"$ref": "#/definitions/d"}, {"maxProperties": 1}]},
    })  # fmt: skip
    assert isinstance(found["direct"], Ref) and found["direct"].location.schema == DEFINITION
    assert found["direct"] is found["described"] is found["twice"] is found["wrapped"]
    assert found["more"] is not found["direct"]


def test_keywords_beside_a_reference_count_where_the_draft_says_so() -> None:
    beside = {"direct": {"$ref": "#/definitions/d"}, "more": {"$ref": "#/definitions/d", "maxProperties": 1}}
    old = targets(beside, **{"$schema": "http://json-schema.org/draft-07/schema#"})
    assert old["direct"] is old["more"]
    new = targets(beside, **{"$schema": "https://json-schema.org/draft/2020-12/schema"})
    assert new["direct"] is not new["more"]


def test_references_in_a_circle_end() -> None:
    circle = {"x": {"$ref": "#/definitions/y"}, "y": {"$ref": "#/definitions/x"}}
    source = SchemaSource({"properties": {"a": {"$ref": "#/definitions/x"}}, "definitions": circle})
    root = source.root
    assert isinstance(root, Properties) and isinstance(source.target(root.named[b"a"]), Ref)


def test_properties_of_one_definition_share_its_context() -> None:
    schema = {"properties": {"p": {"$ref": "#/definitions/d"}, "q": {"$ref": "#/definitions/d"}},
              "definitions": {"d": DEFINITION}}  # fmt: skip
    machine = sg.json_schema(schema).bind(vocabulary()).machine
    assert isinstance(machine, DocumentMachine)
    first, second = (machine.advance_bytes(machine.start(), b'{"%c":' % name) for name in b"pq")
    assert first is not None and second is not None and first[5] == second[5]
