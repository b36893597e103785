"""Which sibling subschemas evaluate a property or an item, and under which condition.

``unevaluatedProperties`` looks at every property that no *successful* in-place subschema
covers. Success is known only at the end of the object, so each possible evaluator is listed
with the formula under which it counts; the machine turns an uncovered property whose value
fails into an obligation on those formulas.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from structgen.frontends.jsonschema.resources import Place
from structgen.frontends.jsonschema.scan import applies
from structgen.ir.document import Assertion, Items, Required, UnevaluatedItems, UnevaluatedProperties
from structgen.ir.formulas import TRUE, Formula, conjunction, negation

if TYPE_CHECKING:
    from structgen.frontends.jsonschema.build import SchemaSource

__all__ = ["item_evaluators", "property_evaluators"]

Evaluators = tuple[tuple[Formula, Assertion], ...]
_Own = Callable[["SchemaSource", Place, bool], Iterator[Assertion]]


def property_evaluators(source: SchemaSource, place: Place) -> Evaluators:
    """(condition, assertion) pairs that may evaluate properties of the object at ``place``."""
    return tuple(_walk(source, place, TRUE, _own_properties, top=True, path=()))


def item_evaluators(source: SchemaSource, place: Place) -> Evaluators:
    """The same for the items of an array."""
    return tuple(_walk(source, place, TRUE, _own_items, top=True, path=()))


def _own_properties(source: SchemaSource, place: Place, top: bool) -> Iterator[Assertion]:
    schema = place.schema
    if "properties" in schema or "patternProperties" in schema or "additionalProperties" in schema:
        found = source._properties(place, schema)
        assert isinstance(found, Assertion)
        yield found
    if not top and "unevaluatedProperties" in schema:
        yield UnevaluatedProperties(TRUE)


def _own_items(source: SchemaSource, place: Place, top: bool) -> Iterator[Assertion]:
    schema = place.schema
    found = source._items(place, schema)
    if isinstance(found, Items):
        yield found
    if place.resource.draft >= 2020 and "contains" in schema:
        contains = source._contains(place, schema)
        if isinstance(contains, Assertion):
            yield contains
    if not top and "unevaluatedItems" in schema:
        yield UnevaluatedItems(TRUE)


def _walk(
    source: SchemaSource, place: Place, condition: Formula, own: _Own, *, top: bool, path: tuple[Place, ...]
) -> Iterator[tuple[Formula, Assertion]]:
    if not isinstance(place.schema, dict) or place in path:
        return
    if not ("$ref" in place.schema and place.resource.draft <= 7):
        for assertion in own(source, place, top):
            yield condition, assertion
    for inner, extra in _in_place(source, place):
        both = conjunction([condition, extra])
        yield from _walk(source, inner, both, own, top=False, path=(*path, place))


def _in_place(source: SchemaSource, place: Place) -> Iterator[tuple[Place, Formula]]:
    """Subschemas that see the same value, each with the condition under which its annotations count."""
    schema: dict[str, Any] = place.schema
    resources = source.resources
    if "$ref" in schema:
        yield resources.resolve(place, schema["$ref"]), TRUE
        if place.resource.draft <= 7:
            return
    if "$dynamicRef" in schema and applies("$dynamicRef", place):
        yield resources.resolve_dynamic(place, schema["$dynamicRef"]), TRUE
    if "$recursiveRef" in schema and applies("$recursiveRef", place):
        yield resources.resolve_recursive(place), TRUE
    for keyword in ("allOf", "anyOf", "oneOf"):
        for number, inner in enumerate(schema.get(keyword, ())):
            where = (place.where, keyword, number)
            condition = TRUE if keyword == "allOf" else source.ref(place, inner, where)
            yield resources.child(place, inner, where), condition
    if "if" in schema and applies("if", place):
        condition = source.ref(place, schema["if"], (place.where, "if"))
        yield resources.child(place, schema["if"], (place.where, "if")), condition
        for keyword, holds in (("then", condition), ("else", negation(condition))):
            if keyword in schema:
                yield resources.child(place, schema[keyword], (place.where, keyword)), holds
    for name, inner in schema.get("dependentSchemas", {}).items():
        where = (place.where, "dependentSchemas", name)
        yield resources.child(place, inner, where), Required(frozenset((name.encode(),)), where)
