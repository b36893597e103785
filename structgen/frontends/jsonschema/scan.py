"""One quick pass over the reachable schema: shapes of keywords, references, dynamic scope.

A schema that breaks its metaschema must fail when it is compiled, not when generation
happens to reach the wrong part; yet validating against the metaschema costs milliseconds
and building formulas for everything would undo laziness. This pass costs well under a
microsecond per keyword: it checks the shape of each known keyword's value, follows every
reference once, and reads (memoised) every pattern. Definitions that nothing refers to are
left alone; ``structgen check`` validates those too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from structgen.errors import LimitError, SchemaError
from structgen.frontends.jsonschema.resources import Place, Resources, escaped

__all__ = ["scan"]

MAX_DEPTH = 2_000
_TYPES = {"null", "boolean", "integer", "number", "string", "array", "object"}
_NUMBERS = (int, float)


def _is_number(value: Any) -> bool:
    return type(value) is not bool and (isinstance(value, _NUMBERS) or type(value).__name__ == "Decimal")


def _is_count(value: Any) -> bool:
    return _is_number(value) and value == int(value) and value >= 0 if _finite(value) else False


def _finite(value: Any) -> bool:
    return _is_number(value) and value == value and value not in (float("inf"), float("-inf"))


def _type_shape(value: Any) -> str | None:
    if type(value) is str:
        return None if value in _TYPES else f"{value!r} is not a JSON type"
    if type(value) is list and value:
        for name in value:
            if name not in _TYPES:
                return f"{name!r} is not a JSON type"
        return None if len(set(value)) == len(value) else "type repeats a name"
    return "type is neither a name nor a non-empty list of names"


def _strings(value: Any) -> str | None:
    if type(value) is list and all(type(name) is str for name in value):
        return None
    return "is not a list of strings"


def _count(value: Any) -> str | None:
    return None if (type(value) is int and value >= 0) or _is_count(value) else "is not a non-negative integer"


def _number(value: Any) -> str | None:
    return None if _finite(value) else "is not a number"


def _bound(value: Any) -> str | None:
    return None if type(value) is bool or _finite(value) else "is not a number"


def _positive(value: Any) -> str | None:
    return None if _finite(value) and value > 0 else "is not a number greater than 0"


def _boolean(value: Any) -> str | None:
    return None if type(value) is bool else "is not true or false"


def _string(value: Any) -> str | None:
    return None if type(value) is str else "is not a string"


def _list(value: Any) -> str | None:
    return None if type(value) is list else "is not a list"


SHAPES: dict[str, Callable[[Any], str | None]] = {
    "type": _type_shape,
    "required": _strings,
    "enum": _list,
    "minLength": _count,
    "maxLength": _count,
    "minItems": _count,
    "maxItems": _count,
    "minProperties": _count,
    "maxProperties": _count,
    "minContains": _count,
    "maxContains": _count,
    "minimum": _number,
    "maximum": _number,
    "exclusiveMinimum": _bound,
    "exclusiveMaximum": _bound,
    "multipleOf": _positive,
    "pattern": _string,
    "format": _string,
    "uniqueItems": _boolean,
    "$ref": _string,
    "$dynamicRef": _string,
    "$recursiveRef": _string,
    "$anchor": _string,
    "$dynamicAnchor": _string,
    "$schema": _string,
}
MAPS = frozenset(("properties", "patternProperties", "dependentSchemas"))
LISTS = frozenset(("allOf", "anyOf", "oneOf", "prefixItems"))
SINGLES = frozenset(
    (
        "not",
        "if",
        "then",
        "else",
        "additionalItems",
        "additionalProperties",
        "contains",
        "propertyNames",
        "unevaluatedItems",
        "unevaluatedProperties",
    )
)
_DYNAMIC = frozenset(("$dynamicRef", "$recursiveRef"))
_SINCE = {
    "const": 6,
    "contains": 6,
    "propertyNames": 6,
    "if": 7,
    "then": 7,
    "else": 7,
    "dependentSchemas": 2019,
    "dependentRequired": 2019,
    "unevaluatedItems": 2019,
    "unevaluatedProperties": 2019,
    "minContains": 2019,
    "maxContains": 2019,
    "$recursiveRef": 2019,
    "prefixItems": 2020,
    "$dynamicRef": 2020,
}
_UNTIL = {"$recursiveRef": 2019}


def applies(keyword: str, place: Place) -> bool:
    """Whether the draft at ``place`` gives ``keyword`` a meaning (as far as drafts differ)."""
    since = _SINCE.get(keyword)
    if since is None:
        return True  # nothing that has an end lacks a beginning
    resource = place.resource
    return since <= resource.draft and (keyword not in _UNTIL or resource.draft <= _UNTIL[keyword] or resource.legacy)


class _Scan:
    def __init__(self, resources: Resources, read_pattern: Callable[[str, str], Any]) -> None:
        self.resources = resources
        self.read_pattern = read_pattern
        self.seen: set[int] = set()
        self.todo: list[tuple[Place, int]] = []

    def run(self) -> None:
        self.todo.append((self.resources.start(), 0))
        while self.todo:
            place, depth = self.todo.pop()
            self.visit(place, depth)

    def visit(self, place: Place, depth: int) -> None:
        schema = place.schema
        kind = type(schema)
        if kind is bool:
            return
        if kind is not dict:
            raise SchemaError(f"a schema is an object or a boolean, not {_json_type(schema)}", pointer=place.pointer)
        if id(schema) in self.seen:
            return
        self.seen.add(id(schema))
        if depth > MAX_DEPTH:
            raise LimitError("the schema is nested too deeply", what="schema depth", given=depth, limit=MAX_DEPTH)
        if "$ref" in schema and place.resource.draft <= 7:
            self.reference(place, "$ref", schema["$ref"], depth)
            return
        for keyword, value in schema.items():
            shape = SHAPES.get(keyword)
            if shape is not None:
                complaint = shape(value)
                if complaint is not None:
                    self.complain(place, keyword, complaint)
                if keyword[0] == "$":
                    self.reference(place, keyword, value, depth)
                elif keyword == "pattern":
                    self.read_pattern(value, f"{place.pointer}/pattern")
            elif keyword in SINGLES:
                self.child(place, value, f"{place.pointer}/{keyword}", depth, keyword)
            elif keyword in MAPS:
                self.mapping(place, keyword, value, depth)
            elif keyword in LISTS:
                self.listing(place, keyword, value, depth)
            elif keyword == "items":
                self.items(place, value, depth)
            elif keyword == "dependencies" or keyword == "dependentRequired":
                self.dependencies(place, keyword, value, depth)

    def complain(self, place: Place, keyword: str, complaint: str) -> None:
        raise SchemaError(f"{keyword} {complaint}", pointer=f"{place.pointer}/{keyword}")

    def reference(self, place: Place, keyword: str, value: Any, depth: int) -> None:
        if keyword not in ("$ref", "$dynamicRef", "$recursiveRef") or not applies(keyword, place):
            return
        if type(value) is not str:
            raise SchemaError(f"{keyword} is not a string", pointer=f"{place.pointer}/{keyword}")
        if keyword in _DYNAMIC:
            self.resources.dynamic = True
        if keyword == "$recursiveRef":
            value = "#"
        self.todo.append((self.resources.resolve(place, value, keyword), depth + 1))

    def child(self, place: Place, schema: Any, pointer: str, depth: int, keyword: str = "") -> None:
        if type(schema) is bool or (keyword and not applies(keyword, place)):
            return
        self.todo.append((self.resources.child(place, schema, pointer), depth + 1))

    def mapping(self, place: Place, keyword: str, value: Any, depth: int) -> None:
        if type(value) is not dict:
            self.complain(place, keyword, "is not an object")
        base = f"{place.pointer}/{keyword}/"
        for name, inner in value.items():
            if keyword == "patternProperties":
                self.read_pattern(name, base + escaped(name))
            if type(inner) is not bool:
                self.child(place, inner, base + escaped(name), depth, keyword)

    def listing(self, place: Place, keyword: str, value: Any, depth: int) -> None:
        if not applies(keyword, place):
            return
        if type(value) is not list or not value:
            self.complain(place, keyword, "is not a non-empty list")
        for number, inner in enumerate(value):
            self.child(place, inner, f"{place.pointer}/{keyword}/{number}", depth)

    def items(self, place: Place, value: Any, depth: int) -> None:
        if type(value) is list:
            if place.resource.draft >= 2020 and not place.resource.legacy:
                self.complain(place, "items", "is a list, which this draft spells prefixItems")
            for number, inner in enumerate(value):
                self.child(place, inner, f"{place.pointer}/items/{number}", depth)
        else:
            self.child(place, value, f"{place.pointer}/items", depth)

    def dependencies(self, place: Place, keyword: str, value: Any, depth: int) -> None:
        if type(value) is not dict:
            self.complain(place, keyword, "is not an object")
        for name, inner in value.items():
            where = f"{place.pointer}/{keyword}/{escaped(name)}"
            if type(inner) is list:
                if _strings(inner) is not None:
                    raise SchemaError("a dependency is not a list of strings", pointer=where)
            elif keyword == "dependencies":
                self.child(place, inner, where, depth)
            else:
                raise SchemaError("a dependency is not a list of strings", pointer=where)


def _json_type(value: Any) -> str:
    if value is None:
        return "null"
    names = {bool: "a boolean", str: "a string", list: "a list", int: "a number", float: "a number"}
    return names.get(type(value), type(value).__name__)


def scan(resources: Resources, read_pattern: Callable[[str, str], Any]) -> None:
    """Check everything that generation can reach from the root.

    Raises ``SchemaError`` with the pointer of what is wrong, ``LimitError`` for absurd
    depth, and whatever ``read_pattern(source, pointer)`` raises for a pattern.
    """
    _Scan(resources, read_pattern).run()
