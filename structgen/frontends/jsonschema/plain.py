"""Subschemas that are satisfiable at a glance.

Before a property name is offered, its value must be known to be possible. Nearly always a
look at the keywords tells: a type with at most one kind of bound, a non-empty ``enum``, an
object whose required properties are plain themselves. What is not plain is decided exactly by the machine.
"""

from __future__ import annotations

from typing import Any

from structgen.frontends.jsonschema.patterns import read_pattern
from structgen.frontends.jsonschema.resources import Place, Resources
from structgen.ir.sample import sample

__all__ = ["is_plainly_satisfiable"]

_NUMBER_BOUNDS = frozenset(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"))
_TOLD = frozenset(("description", "title", "default", "examples"))
_UNBOUNDED = _TOLD | {"type", "properties", "required", "items"}
_LEAF = _TOLD | {"type", "format"}
"""Keywords that alone never rule everything out."""
_REFUSED = frozenset(
    [
        "not",
        "allOf",
        "anyOf",
        "oneOf",
        "if",
        "then",
        "else",
        "$dynamicRef",
        "$recursiveRef",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "minProperties",
        "propertyNames",
        "contains",
        "minContains",
        "maxContains",
        "dependentRequired",
        "dependentSchemas",
        "dependencies",
        "prefixItems",
        "additionalItems",
        "unevaluatedProperties",
        "unevaluatedItems",
    ]
)
_WEIGHED = _REFUSED | {"$ref", "enum", "const", "required", "minItems", "minLength", "maxLength", "pattern", "maximum",
                       "multipleOf"}  # fmt: skip
"""Keywords without which a schema has a value whatever else it says."""


def is_plainly_satisfiable(resources: Resources, place: Place, depth: int = 0) -> bool:
    """True where the keywords alone show that some value is valid at ``place``."""
    found = place.is_plain
    if found is None:
        found = _look(resources, place, depth)
        if found or not depth:  # further in, what is not plain may only have been too deep
            place.is_plain = found
    return found


def _look(resources: Resources, place: Place, depth: int) -> bool:
    schema = place.schema
    if not isinstance(schema, dict):
        return schema is True
    if _WEIGHED.isdisjoint(schema):
        return True
    if depth > 8 or not _REFUSED.isdisjoint(schema):
        return False
    if "$ref" in schema:
        if place.resource.draft > 7 and not schema.keys() - _TOLD <= {"$ref"}:
            return False
        return is_plainly_satisfiable(resources, resources.resolve(place, schema["$ref"]), depth + 1)
    if "enum" in schema or "const" in schema:
        return _constants(schema)
    return _scalars(schema) and _array(resources, place, schema, depth) and _object(resources, place, schema, depth)


def _is_plain_within(resources: Resources, place: Place, schema: Any, step: tuple[str, ...], depth: int) -> bool:
    if type(schema) is dict and schema.keys() <= _LEAF:
        return True
    return is_plainly_satisfiable(resources, resources.child(place, schema, (place.where, *step)), depth + 1)


def _constants(schema: dict[str, Any]) -> bool:
    if "const" in schema:
        return schema.keys() <= {"const", "description", "title", "default"}
    values = schema["enum"]
    rest = schema.keys() - {"enum", "description", "title", "default", "examples", "type"}
    if rest or not values:
        return False
    kind = schema.get("type")
    return kind is None or (kind == "string" and any(type(value) is str for value in values))


def _scalars(schema: dict[str, Any]) -> bool:
    if schema.keys() <= _UNBOUNDED:
        return True
    shortest, longest = schema.get("minLength", 0), schema.get("maxLength", 1 << 60)
    if longest < shortest:
        return False
    if "pattern" in schema:
        text = None if "format" in schema else sample(read_pattern(schema["pattern"], ""))
        if text is None or not shortest <= len(text) <= longest:
            return False
    elif "format" in schema and ("minLength" in schema or "maxLength" in schema):
        return False
    if _NUMBER_BOUNDS.isdisjoint(schema):
        return True
    n_bounds = len(_NUMBER_BOUNDS & schema.keys())
    if n_bounds <= 1:
        return True
    return n_bounds == 2 and "multipleOf" not in schema and schema.get("minimum", 0) + 1 <= schema.get("maximum", 0)


def _array(resources: Resources, place: Place, schema: dict[str, Any], depth: int) -> bool:
    least = schema.get("minItems", 0)
    if not least:
        return True
    items = schema.get("items", True)
    if schema.get("maxItems", least) < least or schema.get("uniqueItems") or isinstance(items, list):
        return False
    return _is_plain_within(resources, place, items, ("items",), depth)


def _object(resources: Resources, place: Place, schema: dict[str, Any], depth: int) -> bool:
    required = schema.get("required")
    if not required:
        return True
    named = schema.get("properties", {})
    if "maxProperties" in schema or "patternProperties" in schema:
        return False
    for name in required:
        if name not in named:
            if schema.get("additionalProperties", True) is not True:
                return False
        elif not _is_plain_within(resources, place, named[name], ("properties", name), depth):
            return False
    return True
