"""What of JSON Schema is enforced, and how: one table, and its reading of one schema.

The table has a row for every keyword of the five drafts. ``enforcement`` walks a schema and
says for every keyword *occurrence* what becomes of it there, which can be less than the
table promises: another draft's keyword, ``then`` without ``if``, a keyword beside ``$ref``
in the drafts that ignore it, a definition that nothing refers to. A keyword that constrains
nothing is an annotation, with the reason; nothing is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from structgen.frontends.formats import FORMATS, format_is_exact
from structgen.frontends.jsonschema.build import VALIDATION, SchemaSource
from structgen.frontends.jsonschema.resources import Place, subschemas
from structgen.ir.pointers import escaped

__all__ = ["KEYWORDS", "How", "Keyword", "Occurrence", "enforcement"]

How = Literal["automaton", "monitor", "annotation", "relaxed"]
LAST = 2020


@dataclass(frozen=True, slots=True)
class Keyword:
    """One keyword of JSON Schema: its first and last draft, how it is enforced, and what to know."""

    name: str
    since: int
    until: int
    how: How
    note: str = ""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """What becomes of one keyword at one place of a schema."""

    pointer: str
    keyword: str
    how: How
    note: str


_NAMES = "names the schema for references"
_TELLS = "tells about the value, constrains nothing"

_TABLE: list[Keyword] = [
    Keyword("$schema", 4, LAST, "annotation", "chooses the draft"),
    Keyword("id", 4, 4, "annotation", _NAMES),
    Keyword("$id", 6, LAST, "annotation", _NAMES),
    Keyword("$anchor", 2019, LAST, "annotation", _NAMES),
    Keyword("$dynamicAnchor", 2020, LAST, "annotation", _NAMES),
    Keyword("$recursiveAnchor", 2019, 2019, "annotation", _NAMES),
    Keyword("$vocabulary", 2019, LAST, "annotation", "read where a metaschema leaves out validation"),
    Keyword("$defs", 2019, LAST, "annotation", "definitions count where they are referred to"),
    Keyword("definitions", 4, 7, "annotation", "definitions count where they are referred to; read in every draft"),
    Keyword("$ref", 4, LAST, "automaton", "remote documents come from the registry; nothing is fetched"),
    Keyword("$dynamicRef", 2020, LAST, "automaton"),
    Keyword("$recursiveRef", 2019, 2019, "automaton"),
    Keyword("$comment", 7, LAST, "annotation", _TELLS),
    Keyword("type", 4, LAST, "automaton", "1.0 is an integer, except in draft 4"),
    Keyword("enum", 4, LAST, "automaton", "by value: 1.0 equals 1"),
    Keyword("const", 6, LAST, "automaton", "by value: 1.0 equals 1"),
    Keyword("minLength", 4, LAST, "automaton", "in code points"),
    Keyword("maxLength", 4, LAST, "automaton", "in code points"),
    Keyword("pattern", 4, LAST, "automaton", "ECMA-262 with the u flag; a back reference is refused by name"),
    Keyword("format", 4, LAST, "automaton", "asserted unless formats='annotate'; see the list of formats"),
    Keyword("minimum", 4, LAST, "automaton"),
    Keyword("maximum", 4, LAST, "automaton"),
    Keyword("exclusiveMinimum", 4, LAST, "automaton", "true or false in draft 4, a number since"),
    Keyword("exclusiveMaximum", 4, LAST, "automaton", "true or false in draft 4, a number since"),
    Keyword("multipleOf", 4, LAST, "automaton", "exact, in plain decimals; large divisors by arithmetic"),
    Keyword("properties", 4, LAST, "automaton"),
    Keyword("patternProperties", 4, LAST, "automaton"),
    Keyword("additionalProperties", 4, LAST, "automaton"),
    Keyword("propertyNames", 6, LAST, "automaton"),
    Keyword("required", 4, LAST, "automaton"),
    Keyword(
        "minProperties",
        4,
        LAST,
        "automaton",
        "from 2 on, undeclared names are kept, and none may come twice, until enough have come",
    ),
    Keyword("maxProperties", 4, LAST, "automaton"),
    Keyword("dependencies", 4, 7, "automaton"),
    Keyword("dependentRequired", 2019, LAST, "automaton"),
    Keyword("dependentSchemas", 2019, LAST, "automaton"),
    Keyword("unevaluatedProperties", 2019, LAST, "automaton"),
    Keyword("items", 4, LAST, "automaton", "a list of schemas up to 2019-09"),
    Keyword("prefixItems", 2020, LAST, "automaton"),
    Keyword("additionalItems", 4, 2019, "automaton", "after a list of schemas"),
    Keyword("contains", 6, LAST, "automaton"),
    Keyword("minContains", 2019, LAST, "automaton"),
    Keyword("maxContains", 2019, LAST, "automaton"),
    Keyword("minItems", 4, LAST, "automaton"),
    Keyword("maxItems", 4, LAST, "automaton"),
    Keyword("uniqueItems", 4, LAST, "monitor", "judged on the values of finished items"),
    Keyword("unevaluatedItems", 2019, LAST, "automaton"),
    Keyword("allOf", 4, LAST, "automaton"),
    Keyword("anyOf", 4, LAST, "automaton"),
    Keyword("oneOf", 4, LAST, "automaton", "exactly one, not the first"),
    Keyword("not", 4, LAST, "automaton"),
    Keyword("if", 7, LAST, "automaton"),
    Keyword("then", 7, LAST, "automaton"),
    Keyword("else", 7, LAST, "automaton"),
    Keyword("title", 4, LAST, "annotation", _TELLS),
    Keyword("description", 4, LAST, "annotation", _TELLS),
    Keyword("default", 4, LAST, "annotation", _TELLS),
    Keyword("examples", 6, LAST, "annotation", _TELLS),
    Keyword("readOnly", 7, LAST, "annotation", _TELLS),
    Keyword("writeOnly", 7, LAST, "annotation", _TELLS),
    Keyword("deprecated", 2019, LAST, "annotation", _TELLS),
    Keyword("contentEncoding", 7, LAST, "annotation", "content is not judged, as the drafts want it"),
    Keyword("contentMediaType", 7, LAST, "annotation", "content is not judged, as the drafts want it"),
    Keyword("contentSchema", 2019, LAST, "annotation", "content is not judged, as the drafts want it"),
]
KEYWORDS: dict[str, Keyword] = {row.name: row for row in _TABLE}
"""One row per keyword of drafts 4 to 2020-12."""

_PARTNERS = {"then": "if", "else": "if", "minContains": "contains", "maxContains": "contains"}
_BOUNDS = {"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}
_NOTHING = "constrains nothing here: "


def enforcement(source: SchemaSource) -> Iterator[Occurrence]:
    """What becomes of every keyword occurrence of the schema, parents first.

    Remote documents of the registry are not walked: the ``$ref`` that leads to them is
    reported. Time is linear in the size of the schema. A dictionary that holds itself, which Python can make, is
    walked once on each way to it.
    """
    resources = source.resources
    reached = resources.reached
    waiting: list[Place | int] = [resources.start()]
    around: set[int] = set()
    while waiting:
        place = waiting.pop()
        if isinstance(place, int):
            around.discard(place)
            continue
        schema = place.schema
        if not isinstance(schema, dict) or id(schema) in around:
            continue
        used = id(schema) in reached
        for keyword, value in schema.items():
            how, note = _verdict(source, place, keyword, value)
            if how != "annotation" and not used:
                how, note = "annotation", _NOTHING + "no reference leads to this definition"
            yield Occurrence(f"{place.pointer}/{escaped(keyword)}", keyword, how, note)
        inner = [resources.glance(place, child, pointer) for child, pointer in subschemas(schema, place.pointer)]
        around.add(id(schema))
        waiting.append(id(schema))  # behind all that is inside
        waiting += reversed(inner)


def _verdict(source: SchemaSource, place: Place, keyword: str, value: Any) -> tuple[How, str]:
    row = KEYWORDS.get(keyword)
    if row is None:
        return "annotation", "unknown keyword"
    if not _is_known(row, place):
        return "annotation", "unknown keyword: this draft does not define it"
    reason = _idle(place, keyword, value)
    if reason is not None and row.how != "annotation":
        return "annotation", _NOTHING + reason
    if keyword == "format":
        return _format(source, place, value)
    if keyword == "minProperties" and value >= 2:
        return "monitor", row.note
    return row.how, row.note


def _is_known(row: Keyword, place: Place) -> bool:
    draft, legacy = place.resource.draft, place.resource.legacy
    return row.since <= draft and (draft <= row.until or row.name == "definitions" or (legacy and row.name != "id"))


def _idle(place: Place, keyword: str, value: Any) -> str | None:
    """Why a keyword that is otherwise enforced constrains nothing at this place."""
    schema = place.schema
    if keyword != "$ref" and "$ref" in schema and place.resource.draft <= 7:
        return "drafts up to 7 ignore what stands beside $ref"
    if keyword in VALIDATION and not place.resource.validates:
        return "the metaschema leaves out the validation vocabulary"
    partner = _PARTNERS.get(keyword)
    if partner is not None and partner not in schema:
        return f"there is no {partner} beside it"
    if type(value) is bool and keyword in _BOUNDS and _BOUNDS[keyword] not in schema:
        return f"there is no {_BOUNDS[keyword]} beside it"
    if keyword == "additionalItems" and not isinstance(schema.get("items"), list):
        return "there is no list of items beside it"
    return None


def _format(source: SchemaSource, place: Place, name: str) -> tuple[How, str]:
    if not source.assert_formats:
        return "annotation", "formats='annotate'"
    if name not in FORMATS:
        return "annotation", f"no draft defines the format {name!r}"
    if format_is_exact(name):
        return "automaton", ""
    return "monitor", "by an automaton where it is sure, else by a judge of the text before the quote that ends it"
