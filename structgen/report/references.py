"""Walk the subschemas of a schema: every keyword occurrence, and references that lead nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = ["KNOWN_KEYWORDS", "broken_references", "subschemas"]

_ONE = {
    "additionalItems",
    "additionalProperties",
    "contains",
    "contentSchema",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
}
_MANY = {"allOf", "anyOf", "items", "oneOf", "prefixItems"}
_NAMED = {"$defs", "definitions", "dependencies", "dependentSchemas", "patternProperties", "properties"}

KNOWN_KEYWORDS = frozenset(
    {
        *_ONE,
        *_MANY,
        *_NAMED,
        *("$anchor", "$comment", "$dynamicAnchor", "$dynamicRef", "$id", "$recursiveAnchor", "$recursiveRef", "$ref"),
        *("$schema", "$vocabulary", "const", "contentEncoding", "contentMediaType", "default", "dependentRequired"),
        *("deprecated", "description", "enum", "examples", "exclusiveMaximum", "exclusiveMinimum", "format", "id"),
        *("maxContains", "maxItems", "maxLength", "maxProperties", "maximum", "minContains", "minItems", "minLength"),
        *("minProperties", "minimum", "multipleOf", "pattern", "readOnly", "required", "title", "type"),
        *("uniqueItems", "writeOnly"),
    }
)


def subschemas(schema: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object that stands where a schema stands, with its JSON pointer, parents first."""
    waiting = [("", schema)]
    while waiting:
        pointer, current = waiting.pop()
        if not isinstance(current, dict):
            continue
        yield pointer, current
        children: list[tuple[str, Any]] = []
        for keyword, value in current.items():
            here = f"{pointer}/{_escaped(keyword)}"
            if keyword in _NAMED and isinstance(value, dict):
                children += [(f"{here}/{_escaped(name)}", sub) for name, sub in value.items()]
            elif keyword in _MANY and isinstance(value, list):
                children += [(f"{here}/{i}", sub) for i, sub in enumerate(value)]
            elif keyword in _ONE:
                children.append((here, value))
        waiting += reversed(children)


def broken_references(schema: Any) -> Iterator[tuple[str, str]]:
    """Pointer and target of each ``$ref`` and ``$dynamicRef`` that does not resolve within the schema."""
    from jsonschema_specifications import REGISTRY
    from referencing import Resource
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import DRAFT202012

    root = Resource.from_contents(schema, default_specification=DRAFT202012)
    base = root.id() or ""
    resolver = REGISTRY.with_resource(base, root).crawl().resolver(base)
    resolvers = {"": resolver}
    for pointer, current in subschemas(schema):
        here = _nearest(resolvers, pointer)
        if pointer and any(isinstance(current.get(key), str) for key in ("$id", "id")):
            here = here.in_subresource(DRAFT202012.create_resource(current))
            resolvers[pointer] = here
        for keyword in ("$ref", "$dynamicRef"):
            target = current.get(keyword)
            if isinstance(target, str):
                try:
                    here.lookup(target)
                except (Unresolvable, ValueError):
                    yield f"{pointer}/{keyword}", target


def _nearest(resolvers: dict[str, Any], pointer: str) -> Any:
    while pointer not in resolvers:
        pointer = pointer.rpartition("/")[0]
    return resolvers[pointer]


def _escaped(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")
