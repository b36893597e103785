"""Subschemas that say the same in different places.

Alternatives repeat what they share: seven kinds of one thing, each with its own ``{"type": "string", "title": …}`` for
a name. To the machine that reads documents these are seven questions about one value, with a verdict each, unless it is
told that they are one question. So a subschema gets a number by what it says: keywords that constrain nothing are left
out, the others compared as they are written, with the order of properties, which may be kept.

Only small subschemas are compared: large ones are rarely repeated but by reference, and reading a large schema through
would cost more than asking twice. Nor is an object read through before there is another whose properties have the same
names in the same order, which most have for themselves. What names itself, or refers to what the dynamic scope decides,
is like nothing else.
"""

from __future__ import annotations

from collections.abc import Hashable
from operator import itemgetter
from typing import Any, TypeVar

from structgen.frontends.jsonschema.resources import LIST_KEYWORDS, MAP_KEYWORDS, ONE_KEYWORDS

__all__ = ["PLAIN_KEYWORDS", "UNLIKE_KEYWORDS", "Likeness"]

MOST_SUBSCHEMAS = 24
"""Subschemas within one, up to which it is compared."""
UNLIKE = 0
PLAIN_KEYWORDS = frozenset(
    ["$ref", "type", "enum", "const", "minLength", "maxLength", "pattern", "format", "minimum", "maximum",
     "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "required", "minProperties", "maxProperties",
     "dependentRequired", "minItems", "maxItems", "uniqueItems", "minContains", "maxContains"]
)  # fmt: skip
"""Keywords whose values hold no subschemas."""
UNLIKE_KEYWORDS = frozenset(["$id", "id", "$anchor", "$dynamicAnchor", "$recursiveAnchor", "$dynamicRef",
                             "$recursiveRef", "$schema", "$vocabulary"])  # fmt: skip
"""Keywords that make a place unlike all others."""
_MAPS = frozenset(MAP_KEYWORDS) - {"$defs", "definitions"}
_LISTS = frozenset(LIST_KEYWORDS)
_ONES = frozenset(ONE_KEYWORDS) - {"contentSchema"}
_KINDS = {
    **dict.fromkeys(PLAIN_KEYWORDS, "plain"),
    **dict.fromkeys(_ONES, "one"),
    **dict.fromkeys(_MAPS, "map"),
    **dict.fromkeys(_LISTS, "parts"),
}
_keyword = itemgetter(0)
_T = TypeVar("_T")


class Likeness:
    """Numbers of the subschemas of one document; equal ones say the same where they have the same base and draft."""

    def __init__(self) -> None:
        self._known: dict[int, int] = {}
        self._numbers: dict[Hashable, int] = {}
        self._left = 0
        self._alone: dict[Hashable, tuple[Any, Any] | None] = {}
        """By base and names of properties: the one subschema with them and what stands for it, None for several."""
        self._first: dict[tuple[int, int], Any] = {}

    def first(self, schema: Any, it: _T, base: int, *, ref_alone: bool) -> _T:
        """What stands for the first subschema with ``base`` that says the same; ``it``, if that is this one."""
        names = _names(schema, ref_alone)
        if names is not None:
            key = (base, names)
            if key not in self._alone:
                self._alone[key] = (schema, it)
                return it
            alone = self._alone[key]
            if alone is not None:
                if alone[0] is schema:
                    return alone[1]  # type: ignore[no-any-return]
                self._alone[key] = None
                self._note(*alone, base, ref_alone)
        return self._note(schema, it, base, ref_alone)  # type: ignore[no-any-return]

    def _note(self, schema: Any, it: Any, base: int, ref_alone: bool) -> Any:
        self._left = MOST_SUBSCHEMAS
        number = self._of(schema, ref_alone)
        return self._first.setdefault((base, number), it) if number else it

    def of(self, schema: Any, *, ref_alone: bool) -> int:
        """The number of a subschema, 0 where it is not compared; ``ref_alone``: nothing counts beside ``$ref``."""
        self._left = MOST_SUBSCHEMAS
        return self._of(schema, ref_alone)

    def _of(self, schema: Any, ref_alone: bool) -> int:
        if type(schema) is not dict:
            return self._number(("constant", schema)) if type(schema) is bool else UNLIKE
        found = self._known.get(id(schema))
        if found is None:
            self._left -= 1
            if self._left < 0:
                return UNLIKE
            found = self._new(schema, ref_alone)
            if found or self._left >= 0:
                self._known[id(schema)] = found
        return found

    def _new(self, schema: dict[str, Any], ref_alone: bool) -> int:
        if not UNLIKE_KEYWORDS.isdisjoint(schema):
            return UNLIKE
        if ref_alone and "$ref" in schema:
            return self._number(("$ref", schema["$ref"]))
        said: list[tuple[Hashable, ...]] = []
        for keyword, value in schema.items():
            kind = _KINDS.get(keyword)
            if kind is None:
                continue  # constrains nothing
            if kind == "plain":
                said.append((keyword, value) if type(value) is str else (keyword, "", repr(value)))
                continue
            if kind == "map" and type(value) is dict:
                parts = [self._part(part, ref_alone) for part in value.values()]
                said.append((keyword, *value, *parts))
            elif kind == "parts" and type(value) is list:
                parts = [self._of(part, ref_alone) for part in value]
                said.append((keyword, "list", *parts))
            elif keyword in _ONES:
                parts = [self._of(value, ref_alone)]
                said.append((keyword, *parts))
            else:
                continue
            if UNLIKE in parts:
                return UNLIKE
        said.sort(key=_keyword)
        return self._number(tuple(said))

    def _part(self, part: Any, ref_alone: bool) -> int:
        """The same for a value in a map, which may be a list of names in ``dependencies``."""
        return self._number(("names", repr(part))) if type(part) is list else self._of(part, ref_alone)

    def _number(self, said: Hashable) -> int:
        return self._numbers.setdefault(said, len(self._numbers) + 1)


def _names(schema: Any, ref_alone: bool) -> tuple[Hashable, ...] | None:
    """Names of the properties of a subschema, or of its items, that are the same for all that say the same."""
    for level in range(MOST_SUBSCHEMAS):
        if type(schema) is not dict or (ref_alone and "$ref" in schema):
            break
        named = schema.get("properties")
        if named and type(named) is dict:
            return (level, *named)
        schema = schema.get("items")
    return None
