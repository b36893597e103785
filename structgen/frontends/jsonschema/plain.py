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
_ASSERTING = _WEIGHED | {"type", "format", "properties", "patternProperties", "additionalProperties", "maxProperties",
                         "items", "maxItems", "uniqueItems", "minimum"}  # fmt: skip
"""All keywords that assert something in some draft."""
MOST_DEPTH = 8
MOST_BRANCHES = 4
"""Alternatives that are looked at."""


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
    if depth > MOST_DEPTH:
        return False
    if "$ref" in schema:
        if place.resource.draft > 7 and not _is_alone("$ref", schema):
            return False
        return is_plainly_satisfiable(resources, resources.resolve(place, schema["$ref"]), depth + 1)
    if not _REFUSED.isdisjoint(schema):
        return _combined(resources, place, schema, depth + 3)  # deeper at once: what fails is not remembered
    if "enum" in schema or "const" in schema:
        return _constants(schema)
    if not _scalars(schema) or ("minItems" in schema and not _array(resources, place, schema, depth)):
        return False
    return "required" not in schema or _object(resources, place, schema, depth)


def _is_alone(keyword: str, schema: dict[str, Any]) -> bool:
    """Whether nothing but ``keyword`` asserts anything."""
    return not any(other in _ASSERTING and other != keyword for other in schema)


def _is_plain_within(resources: Resources, place: Place, schema: Any, step: tuple[str, ...], depth: int) -> bool:
    if type(schema) is dict and schema.keys() <= _LEAF:
        return True
    return is_plainly_satisfiable(resources, resources.child(place, schema, (place.where, *step)), depth + 1)


def _combined(resources: Resources, place: Place, schema: dict[str, Any], depth: int) -> bool:
    """Alternatives alone: some must have a value, and those of which one alone may hold must differ in their types."""
    keyword = next((keyword for keyword in ("anyOf", "oneOf", "allOf") if keyword in schema), None)
    if keyword is None or not _is_alone(keyword, schema):
        return False
    branches = schema[keyword]
    if len(branches) > 1 and (keyword == "allOf" or (keyword == "oneOf" and not _exclude(resources, place, branches))):
        return False
    return any(
        _is_plain_within(resources, place, branch, (keyword, str(number)), depth)
        for number, branch in enumerate(branches[:MOST_BRANCHES])
    )


def _exclude(resources: Resources, place: Place, branches: list[Any]) -> bool:
    """Whether the types that subschemas name show that no value satisfies two of them."""
    taken: set[str] = set()
    for number, branch in enumerate(branches):
        types = _types_named(resources, resources.child(place, branch, (place.where, "oneOf", str(number))))
        if types is None or not taken.isdisjoint(types):
            return False
        taken |= types
    return True


def _types_named(resources: Resources, place: Place) -> set[str] | None:
    """Types outside of which a glance shows that nothing is valid at ``place``; None where it does not."""
    schema = place.schema
    for _ in range(MOST_DEPTH):
        if type(schema) is not dict or "$ref" not in schema:
            break
        place = resources.resolve(place, schema["$ref"])
        schema = place.schema
    if type(schema) is not dict or "$ref" in schema or not place.resource.validates:
        return None
    kind = schema.get("type")
    if kind is not None:
        return {"number" if name == "integer" else name for name in ([kind] if type(kind) is str else kind)}
    return {_type_of(value) for value in schema["enum"]} if "enum" in schema else None


def _type_of(value: Any) -> str:
    """What ``type`` calls the type of a value, integers being numbers."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "string"
    if isinstance(value, dict):
        return "object"
    return "array" if isinstance(value, list | tuple) else "number"


def _constants(schema: dict[str, Any]) -> bool:
    if "const" in schema:
        return _is_alone("const", schema)
    values, kind = schema["enum"], schema.get("type")
    if not values or any(keyword in _ASSERTING and keyword not in ("enum", "type") for keyword in schema):
        return False
    if kind is None:
        return True
    kinds = (kind,) if type(kind) is str else kind
    return any(_type_of(value) in kinds for value in values)


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
    least = schema["minItems"]
    if not least:
        return True
    items = schema.get("items", True)
    if schema.get("maxItems", least) < least or (least > 1 and schema.get("uniqueItems")) or isinstance(items, list):
        return False
    return _is_plain_within(resources, place, items, ("items",), depth)


def _object(resources: Resources, place: Place, schema: dict[str, Any], depth: int) -> bool:
    required = schema["required"]
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
