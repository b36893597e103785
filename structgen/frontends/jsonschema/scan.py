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
from functools import lru_cache
from typing import Any

from structgen.errors import LimitError, SchemaError
from structgen.frontends.jsonschema.resources import LEAF_KEYWORDS, Place, Resource, Resources
from structgen.ir.pointers import Pointer, spelled

__all__ = ["scan"]

MAX_DEPTH = 2_000
_TYPES = {"null", "boolean", "integer", "number", "string", "array", "object"}
_NUMBERS = (int, float)
_ONLY_STRINGS = frozenset((str,))


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
            if type(name) is not str or name not in _TYPES:
                return f"{name!r} is not a JSON type"
        return None if len(set(value)) == len(value) else "type repeats a name"
    return "type is neither a name nor a non-empty list of names"


def _strings(value: Any) -> str | None:
    if type(value) is list and _ONLY_STRINGS.issuperset(map(type, value)):
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
    resource = place.resource
    return applies_in(keyword, resource.draft, resource.legacy)


def applies_in(keyword: str, draft: int, legacy: bool) -> bool:
    """The same for a draft, which may be ``legacy``: a default that keeps earlier spellings."""
    since = _SINCE.get(keyword)
    if since is None:
        return True  # nothing that has an end lacks a beginning
    return since <= draft and (keyword not in _UNTIL or draft <= _UNTIL[keyword] or legacy)


SHAPE, TYPE, NAMES, NUMBER, PATTERN, REFERENCE, ONE, MAP, IDLE_MAP, LIST, ITEMS, DEPENDENCIES = range(12)
"""What is looked at in a keyword's value; a ``NUMBER`` is sound where it is a natural one, else its shape tells."""
_Role = int | type
_ROLES_OF_SHAPES: dict[Callable[[Any], str | None], _Role] = {
    _type_shape: TYPE,
    _strings: NAMES,
    _count: NUMBER,
    _number: NUMBER,
    _bound: NUMBER,
    _positive: SHAPE,
    _string: str,
    _boolean: bool,
    _list: list,
}


@lru_cache
def _roles_in(draft: int, legacy: bool) -> dict[str, _Role]:
    """What is looked at, by keyword; a type where no value of that type can be wrong. Others are annotations."""
    roles = {keyword: _ROLES_OF_SHAPES[shape] for keyword, shape in SHAPES.items()}
    for keyword in (*SINGLES, *LISTS, "$ref", *_DYNAMIC):
        if applies_in(keyword, draft, legacy):
            roles[keyword] = ONE if keyword in SINGLES else LIST if keyword in LISTS else REFERENCE
    for keyword in MAPS:
        roles[keyword] = MAP if applies_in(keyword, draft, legacy) else IDLE_MAP
    for keyword in ("dependencies", "dependentRequired"):
        roles[keyword] = DEPENDENCIES
    return roles | {"pattern": PATTERN, "items": ITEMS}


class _Scan:
    def __init__(self, resources: Resources, read_pattern: Callable[[str, Pointer], Any]) -> None:
        self.resources = resources
        self.read_pattern = read_pattern
        self.seen = resources.scanned
        self.todo: list[tuple[Any, Resource, Pointer, int]] = []

    def run(self) -> None:
        root = self.resources.root
        seen, todo, visit = self.seen, self.todo, self.visit
        todo.append((root.root, root, root.pointer, 0))
        while todo:
            schema, resource, where, depth = todo.pop()
            if type(schema) is not dict:
                if type(schema) is bool:
                    continue
                text = f"a schema is an object or a boolean, not {_json_type(schema)}"
                raise SchemaError(text, pointer=spelled(where))
            if id(schema) in seen:
                continue
            seen.add(id(schema))
            if depth > MAX_DEPTH:
                text = "the schema is nested too deeply"
                raise LimitError(text, what="schema depth", given=depth, limit=MAX_DEPTH)
            visit(schema, resource, where, depth + 1)

    def visit(self, schema: dict[str, Any], resource: Resource, where: Pointer, inside: int) -> None:
        """Look at the keywords of one subschema; what is within it waits, at depth ``inside``."""
        if "$ref" in schema and resource.draft <= 7:
            self.reference(resource, "$ref", schema["$ref"], where, inside)
            return
        roles = resource.roles
        if roles is None:
            roles = resource.roles = _roles_in(resource.draft, resource.legacy)
        for keyword, value in schema.items():
            role = roles.get(keyword)
            if role is None or type(value) is role:
                continue
            if role is TYPE:
                if type(value) is not str or value not in _TYPES:
                    self.check(keyword, value, where)
            elif role is MAP:
                self.mapping(resource, keyword, value, where, inside)
            elif role is NAMES:
                if type(value) is not list or not _ONLY_STRINGS.issuperset(map(type, value)):
                    self.check(keyword, value, where)
            elif role is ONE:
                if type(value) is not bool:
                    self.wait(value, resource, (where, keyword), inside)
            elif role is ITEMS:
                self.items(resource, value, where, inside)
            elif role is REFERENCE:
                self.reference(resource, keyword, value, where, inside)
            elif role is LIST:
                self.listing(resource, keyword, value, where, inside)
            elif role is PATTERN:
                if type(value) is not str:
                    self.check(keyword, value, where)
                self.read_pattern(value, (where, keyword))
            elif role is DEPENDENCIES:
                self.dependencies(resource, keyword, value, where, inside)
            elif role is IDLE_MAP:
                if type(value) is not dict:
                    self.complain(keyword, "is not an object", where)
            elif role is not NUMBER or type(value) is not int or value < 0:
                self.check(keyword, value, where)

    def check(self, keyword: str, value: Any, where: Pointer) -> None:
        complaint = SHAPES[keyword](value)
        if complaint is not None:
            self.complain(keyword, complaint, where)

    def complain(self, keyword: str, complaint: str, where: Pointer) -> None:
        raise SchemaError(f"{keyword} {complaint}", pointer=spelled((where, keyword)))

    def reference(self, resource: Resource, keyword: str, value: Any, where: Pointer, inside: int) -> None:
        if type(value) is not str:
            self.check(keyword, value, where)
        if keyword in _DYNAMIC:
            self.resources.dynamic = True
        if keyword == "$recursiveRef":
            value = "#"
        found = resource.local.get(value)
        if found is None:
            found = self.resources.look_up(resource, value, (where, keyword))
        schema, resource, pointer = found
        if id(schema) not in self.seen:
            self.wait(schema, resource, pointer, inside)

    def wait(self, schema: Any, resource: Resource, where: Pointer, inside: int) -> None:
        """Have a subschema visited, unless a glance shows that it is sound and holds no other, as most do."""
        if type(schema) is dict:
            kind = schema.get("type")
            if type(kind) is str and kind in _TYPES and schema.keys() <= LEAF_KEYWORDS and inside <= MAX_DEPTH:
                if type(schema.get("format", "")) is str:
                    self.seen.add(id(schema))
                    return
            elif "$id" in schema or "id" in schema:
                resource = self.resources.entered(schema, resource, where)
        self.todo.append((schema, resource, where, inside))

    def mapping(self, resource: Resource, keyword: str, value: Any, where: Pointer, inside: int) -> None:
        if type(value) is not dict:
            self.complain(keyword, "is not an object", where)
        names_are_patterns = keyword == "patternProperties"
        for name, schema in value.items():
            if names_are_patterns:
                self.read_pattern(name, (where, keyword, name))
            self.wait(schema, resource, (where, keyword, name), inside)

    def listing(self, resource: Resource, keyword: str, value: Any, where: Pointer, inside: int) -> None:
        if type(value) is not list or not value:
            self.complain(keyword, "is not a non-empty list", where)
        for number, schema in enumerate(value):
            self.wait(schema, resource, (where, keyword, number), inside)

    def items(self, resource: Resource, value: Any, where: Pointer, inside: int) -> None:
        if type(value) is list:
            if resource.draft >= 2020 and not resource.legacy:
                self.complain("items", "is a list, which this draft spells prefixItems", where)
            for number, schema in enumerate(value):
                self.wait(schema, resource, (where, "items", number), inside)
        else:
            self.wait(value, resource, (where, "items"), inside)

    def dependencies(self, resource: Resource, keyword: str, value: Any, where: Pointer, inside: int) -> None:
        if type(value) is not dict:
            self.complain(keyword, "is not an object", where)
        for name, inner in value.items():
            if type(inner) is list:
                if _strings(inner) is not None:
                    raise SchemaError("a dependency is not a list of strings", pointer=spelled((where, keyword, name)))
            elif keyword == "dependencies":
                self.wait(inner, resource, (where, keyword, name), inside)
            else:
                raise SchemaError("a dependency is not a list of strings", pointer=spelled((where, keyword, name)))


def _json_type(value: Any) -> str:
    if value is None:
        return "null"
    names = {bool: "a boolean", str: "a string", list: "a list", int: "a number", float: "a number"}
    return names.get(type(value), type(value).__name__)


def scan(resources: Resources, read_pattern: Callable[[str, Pointer], Any]) -> None:
    """Check everything that generation can reach from the root.

    Raises ``SchemaError`` with the pointer of what is wrong, ``LimitError`` for absurd
    depth, and whatever ``read_pattern(source, pointer)`` raises for a pattern.
    """
    _Scan(resources, read_pattern).run()
