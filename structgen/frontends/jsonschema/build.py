"""Schema to formula, one place at a time, on demand.

``SchemaSource`` is what the document machine asks: the root formula, and what a ``Ref``
leaf stands for. Each keyword group has one small builder; a builder returns the formula
of its keywords and leaves subschemas of *children* as ``Ref`` leaves, so a schema costs
what generation visits. Subschemas of the *same* value (``allOf`` and friends) are ``Ref``
leaves too; the machine expands them when it sees the value's type.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from structgen.errors import LimitError, SchemaError
from structgen.frontends.jsonschema.alike import Likeness
from structgen.frontends.jsonschema.drafts import DEFAULT_DRAFT, draft_number, draft_of
from structgen.frontends.jsonschema.evaluated import item_evaluators, property_evaluators
from structgen.frontends.jsonschema.patterns import format_assertion, pattern_assertion, read_pattern
from structgen.frontends.jsonschema.plain import is_plainly_satisfiable
from structgen.frontends.jsonschema.resources import LEAF_KEYWORDS, Dialect, Place, Resources
from structgen.frontends.jsonschema.scan import applies_in, scan
from structgen.frontends.jsonschema.values import decimal, utf8, value_in
from structgen.ir.document import (
    Contains,
    CountIs,
    Integer,
    Items,
    MaxValue,
    MinValue,
    MultipleOf,
    Pattern,
    Properties,
    PropertyNames,
    Required,
    StringLength,
    TypeIs,
    UnevaluatedItems,
    UnevaluatedProperties,
    UniqueItems,
)
from structgen.ir.formulas import FALSE, TRUE, Formula, Not, Ref, conjunction, disjunction, exactly_one, negation
from structgen.ir.pointers import Pointer, spelled

__all__ = ["VALIDATION", "SchemaSource"]

MOST_REQUIRED = 1 << 24
"""Characters, items or properties that a schema may require."""
MOST_COUNTED = 1 << 29
_TYPE_SETS = {
    "null": frozenset(("null",)),
    "boolean": frozenset(("true", "false")),
    "number": frozenset(("number",)),
    "integer": frozenset(("number",)),
    "string": frozenset(("string",)),
    "array": frozenset(("array",)),
    "object": frozenset(("object",)),
}


_TYPED = LEAF_KEYWORDS - {"format"}
_REFERENCE = LEAF_KEYWORDS - {"type", "format"} | {"$ref", "allOf"}
"""Keywords of a place that may be nothing but a reference."""
MOST_HOPS = 32
"""References to references that are followed at once."""


def _only_refers(place: Place) -> bool:
    """Whether a place holds nothing but a reference, perhaps as the only part of ``allOf``."""
    schema = place.schema
    if type(schema) is not dict:
        return False
    if "$ref" in schema:
        return place.resource.draft <= 7 or schema.keys() <= _REFERENCE
    return "allOf" in schema and len(schema["allOf"]) == 1 and schema.keys() <= _REFERENCE


class SchemaSource:
    """One schema with its options, giving formulas on demand."""

    def __init__(
        self,
        schema: Any,
        *,
        draft: str | int | None = None,
        registry: Mapping[str, Any] | None = None,
        formats: str = "assert",
    ) -> None:
        number = draft_number(draft) if draft is not None else draft_of(schema, 0)
        legacy = draft is None and number == 0
        self.assert_formats = formats == "assert"
        self.resources = Resources(schema, draft=number or DEFAULT_DRAFT, legacy=legacy, registry=registry or {})
        self._leaves: dict[Hashable, Formula] = {}
        self._typed: dict[Dialect, dict[str, Formula]] = {}
        """Leaves that name one type alone."""
        self._leaf_uids: set[int] = set()
        self._likeness = Likeness()
        scan(self.resources, read_pattern)

    @property
    def n_subschemas(self) -> int:
        """Subschemas that generation can reach, booleans left out."""
        return len(self.resources.scanned)

    @property
    def root(self) -> Formula:
        """The formula of the whole document."""
        return self.formula(self.resources.start())

    def resolve(self, ref: Ref) -> Formula:
        """What ``ref`` stands for; the same object for the same place."""
        found: Formula | None = ref.location.formula
        return self.formula(ref.location) if found is None else found

    def target(self, formula: Formula) -> Formula:
        """What stands for all formulas that are known at a glance to say the same as ``formula``.

        References to places that hold nothing but another reference are followed; of places that say the same, the
        first one asked about stands for all.
        """
        if type(formula) is not Ref:
            return formula
        place: Place = formula.location
        found: Formula | None = place.target
        if found is None:
            found = place.target = self._target(formula)
        return found

    def _target(self, formula: Formula) -> Formula:
        for _ in range(MOST_HOPS):
            if type(formula) is not Ref or not _only_refers(formula.location):
                break
            found = self.formula(formula.location)
            if type(found) is not Ref and found.uid not in self._leaf_uids:
                break
            formula = found
        if type(formula) is not Ref or self.resources.dynamic:
            return formula
        place: Place = formula.location
        resource = place.resource
        return self._likeness.first(place.schema, formula, id(resource), ref_alone=resource.draft <= 7)

    def formula(self, place: Place) -> Formula:
        """The formula of a place, built once."""
        found: Formula | None = place.formula
        if found is None:
            found = place.formula = self._build(place)
        return found

    def constants(self, values: Sequence[Any]) -> Formula:
        """Values equal to one of some, whose numbers are decimals."""
        return value_in(list(values))

    def is_plainly_satisfiable(self, formula: Formula) -> bool:
        """Whether a glance at the schema shows that some value satisfies ``formula``."""
        if type(formula) is Ref:
            return is_plainly_satisfiable(self.resources, formula.location)
        if formula.uid in self._leaf_uids:
            return True
        start = self.resources.start()
        return formula is start.formula and is_plainly_satisfiable(self.resources, start)

    def ref(self, place: Place, schema: Any, where: Pointer) -> Formula:
        """A subschema of ``place``: constant for booleans and ``{}``, else a reference."""
        if schema is True or not schema:
            return FALSE if schema is False else TRUE
        if schema.keys() <= LEAF_KEYWORDS:
            return self._leaf(place, schema, where)
        child = self.resources.child(place, schema, where)
        found: Formula | None = child.reference
        return _ref_to(child, where) if found is None else found

    def _leaf(self, place: Place, schema: dict[str, Any], where: Pointer) -> Formula:
        """The formula of a type and a format and nothing else.

        Half of the properties of real schemas are such leaves; one formula for all that say the same means one
        context, one set of tables and one set of masks.
        """
        kind, of_format, dialect = schema.get("type"), schema.get("format"), place.resource.dialect
        key = (tuple(kind) if type(kind) is list else kind, of_format, dialect)
        found = self._leaves.get(key)
        if found is None:
            found = self._leaves[key] = self.formula(self.resources.child(place, schema, where))
            self._leaf_uids.add(found.uid)
            if type(kind) is str and of_format is None and not self.resources.dynamic:
                self._typed.setdefault(dialect, {})[kind] = found
        elif self.resources.dynamic:
            self.resources.child(place, schema, where)  # what only the dynamic scope leads to is reached by its place
        return found

    def _build(self, place: Place) -> Formula:
        schema = place.schema
        if type(schema) is bool:
            return TRUE if schema else FALSE
        if "$ref" in schema and (place.resource.draft <= 7 or len(schema) == 1):
            return self._reference(place, schema)
        builders = _builders_of(place.resource.dialect)
        done: dict[_Builder, Formula] = {}
        for keyword in schema:
            builder = builders.get(keyword)
            if builder is not None and builder not in done:
                done[builder] = builder(self, place, schema)
        return conjunction(done.values()) if len(done) != 1 else done.popitem()[1]

    # -- references ------------------------------------------------------------------------

    def _reference(self, place: Place, schema: dict[str, Any]) -> Formula:
        return _ref_to(self.resources.resolve(place, schema["$ref"]), (place.where, "$ref"))

    def _dynamic_reference(self, place: Place, schema: dict[str, Any]) -> Formula:
        return _ref_to(self.resources.resolve_dynamic(place, schema["$dynamicRef"]), (place.where, "$dynamicRef"))

    def _recursive_reference(self, place: Place, schema: dict[str, Any]) -> Formula:
        return _ref_to(self.resources.resolve_recursive(place), (place.where, "$recursiveRef"))

    # -- any type --------------------------------------------------------------------------

    def _type(self, place: Place, schema: dict[str, Any]) -> Formula:
        value = schema["type"]
        where = (place.where, "type")
        if type(value) is str:
            found = TypeIs(_TYPE_SETS[value], where)
            is_integer = value == "integer"
        else:
            found = TypeIs(frozenset().union(*(_TYPE_SETS[name] for name in value)), where)
            is_integer = "integer" in value and "number" not in value
        return conjunction([found, Integer(place.resource.draft == 4, where)]) if is_integer else found

    def _enum(self, place: Place, schema: dict[str, Any]) -> Formula:
        if not schema["enum"] and place.resource.draft <= 4:
            raise SchemaError("enum is empty", pointer=spelled((place.where, "enum")))
        return value_in(schema["enum"], (place.where, "enum"))

    def _const(self, place: Place, schema: dict[str, Any]) -> Formula:
        return value_in([schema["const"]], (place.where, "const"))

    # -- strings ---------------------------------------------------------------------------

    def _length(self, place: Place, schema: dict[str, Any]) -> Formula:
        low, high = _counts(place, schema, "minLength", "maxLength")
        where = (place.where, "minLength" if low else "maxLength")
        return StringLength(low, high, where) if low or high is not None else TRUE

    def _pattern(self, place: Place, schema: dict[str, Any]) -> Formula:
        return pattern_assertion(schema["pattern"], (place.where, "pattern"))

    def _format(self, place: Place, schema: dict[str, Any]) -> Formula:
        if not self.assert_formats:
            return TRUE
        return format_assertion(schema["format"], place.resource.draft, (place.where, "format"))

    # -- numbers ---------------------------------------------------------------------------

    def _minimum(self, place: Place, schema: dict[str, Any]) -> Formula:
        return self._bounds(place, schema, "minimum", "exclusiveMinimum", MinValue)

    def _maximum(self, place: Place, schema: dict[str, Any]) -> Formula:
        return self._bounds(place, schema, "maximum", "exclusiveMaximum", MaxValue)

    def _bounds(
        self, place: Place, schema: dict[str, Any], keyword: str, exclusive: str, make: type[MinValue] | type[MaxValue]
    ) -> Formula:
        parts: list[Formula] = []
        strict = schema.get(exclusive)
        if keyword in schema:
            parts.append(make(decimal(schema[keyword]), strict is True, (place.where, keyword)))
        if type(strict) is not bool and strict is not None:
            if place.resource.draft == 4:
                raise SchemaError(f"{exclusive} is not true or false", pointer=spelled((place.where, exclusive)))
            parts.append(make(decimal(strict), True, (place.where, exclusive)))
        elif strict is not None and place.resource.draft != 4 and not place.resource.legacy:
            raise SchemaError(f"{exclusive} is not a number", pointer=spelled((place.where, exclusive)))
        return conjunction(parts)

    def _multiple(self, place: Place, schema: dict[str, Any]) -> Formula:
        return MultipleOf(decimal(schema["multipleOf"]), (place.where, "multipleOf"))

    # -- objects ---------------------------------------------------------------------------

    def _properties(self, place: Place, schema: dict[str, Any]) -> Formula:
        base, ref = place.where, self.ref
        named = self._named(place, schema["properties"]) if "properties" in schema else {}
        patterns = []
        for source, inner in schema.get("patternProperties", {}).items():
            where = (base, "patternProperties", source)
            patterns.append((Pattern(source, read_pattern(source, where), where), ref(place, inner, where)))
        additional: Formula | None = None
        if "additionalProperties" in schema:
            additional = ref(place, schema["additionalProperties"], (base, "additionalProperties"))
        return Properties(named, tuple(patterns), additional, (base, "properties"))

    def _named(self, place: Place, properties: dict[str, Any]) -> dict[bytes, Formula]:
        base, ref, typed = place.where, self.ref, self._typed.setdefault(place.resource.dialect, {})
        found = []
        for name, schema in properties.items():
            formula = None
            if type(schema) is dict and schema.keys() <= _TYPED:
                kind = schema.get("type")
                formula = typed.get(kind) if type(kind) is str else None
            found.append(ref(place, schema, (base, "properties", name)) if formula is None else formula)
        return dict(zip(utf8(properties), found, strict=True))

    def _property_names(self, place: Place, schema: dict[str, Any]) -> Formula:
        where = (place.where, "propertyNames")
        inner = self.ref(place, schema["propertyNames"], where)
        return TRUE if inner is TRUE else PropertyNames(inner, where)

    def _required(self, place: Place, schema: dict[str, Any]) -> Formula:
        return _required(schema["required"], (place.where, "required"))

    def _property_count(self, place: Place, schema: dict[str, Any]) -> Formula:
        low, high = _counts(place, schema, "minProperties", "maxProperties")
        where = (place.where, "minProperties" if low else "maxProperties")
        return CountIs("object", low, high, where) if low or high is not None else TRUE

    def _dependent_required(self, place: Place, schema: dict[str, Any]) -> Formula:
        return self._dependencies(place, schema["dependentRequired"], "dependentRequired")

    def _dependent_schemas(self, place: Place, schema: dict[str, Any]) -> Formula:
        return self._dependencies(place, schema["dependentSchemas"], "dependentSchemas")

    def _old_dependencies(self, place: Place, schema: dict[str, Any]) -> Formula:
        if place.resource.draft >= 2019 and not place.resource.legacy:
            return TRUE
        return self._dependencies(place, schema["dependencies"], "dependencies")

    def _dependencies(self, place: Place, table: dict[str, Any], keyword: str) -> Formula:
        parts = []
        for name, needs in table.items():
            where = (place.where, keyword, name)
            present = Required(frozenset((name.encode(),)), where)
            then = _required(needs, where) if isinstance(needs, list) else self.ref(place, needs, where)
            # Only objects depend: for other types `present` holds, so the type is asked first.
            parts.append(disjunction([negation(TypeIs(_TYPE_SETS["object"])), Not(present), then]))
        return conjunction(parts)

    def _unevaluated_properties(self, place: Place, schema: dict[str, Any]) -> Formula:
        where = (place.where, "unevaluatedProperties")
        inner = self.ref(place, schema["unevaluatedProperties"], where)
        return UnevaluatedProperties(inner, property_evaluators(self, place), where)

    # -- arrays ----------------------------------------------------------------------------

    def _items(self, place: Place, schema: dict[str, Any]) -> Formula:
        base = place.where
        old_list = type(schema.get("items")) is list
        prefix_key = "items" if old_list else "prefixItems"
        rest_key = "additionalItems" if old_list else "items"
        prefix: tuple[Formula, ...] = ()
        if old_list or (place.resource.draft >= 2020 and "prefixItems" in schema):
            prefix = tuple(self.ref(place, s, (base, prefix_key, i)) for i, s in enumerate(schema[prefix_key]))
        rest: Formula | None = None
        if rest_key in schema:
            rest = self.ref(place, schema[rest_key], (base, rest_key))
        if rest is None and not prefix:
            return TRUE
        return Items(prefix, rest, (base, rest_key if rest is not None else prefix_key))

    def _item_count(self, place: Place, schema: dict[str, Any]) -> Formula:
        low, high = _counts(place, schema, "minItems", "maxItems")
        where = (place.where, "minItems" if low else "maxItems")
        return CountIs("array", low, high, where) if low or high is not None else TRUE

    def _contains(self, place: Place, schema: dict[str, Any]) -> Formula:
        where = (place.where, "contains")
        low, high = 1, None
        if place.resource.draft >= 2019:
            low, high = _counts(place, {"minContains": 1, **schema}, "minContains", "maxContains")
        evaluates = place.resource.draft >= 2020
        if low == 0 and high is None and not evaluates:
            return TRUE
        return Contains(self.ref(place, schema["contains"], where), low, high, evaluates, where)

    def _unique(self, place: Place, schema: dict[str, Any]) -> Formula:
        return UniqueItems((place.where, "uniqueItems")) if schema["uniqueItems"] else TRUE

    def _unevaluated_items(self, place: Place, schema: dict[str, Any]) -> Formula:
        where = (place.where, "unevaluatedItems")
        inner = self.ref(place, schema["unevaluatedItems"], where)
        return UnevaluatedItems(inner, item_evaluators(self, place), where)

    # -- applicators -----------------------------------------------------------------------

    def branches(self, place: Place, keyword: str) -> list[Formula]:
        """The subschemas of ``allOf``, ``anyOf`` or ``oneOf``; the same objects on every call."""
        base = place.where
        return [self.ref(place, inner, (base, keyword, number)) for number, inner in enumerate(place.schema[keyword])]

    def _all_of(self, place: Place, schema: dict[str, Any]) -> Formula:
        return conjunction(self.branches(place, "allOf"))

    def _any_of(self, place: Place, schema: dict[str, Any]) -> Formula:
        return disjunction(self.branches(place, "anyOf"))

    def _one_of(self, place: Place, schema: dict[str, Any]) -> Formula:
        return exactly_one(self.branches(place, "oneOf"))

    def _not(self, place: Place, schema: dict[str, Any]) -> Formula:
        return negation(self.ref(place, schema["not"], (place.where, "not")))

    def _if(self, place: Place, schema: dict[str, Any]) -> Formula:
        condition = self.ref(place, schema["if"], (place.where, "if"))
        then = self.ref(place, schema.get("then", True), (place.where, "then"))
        other = self.ref(place, schema.get("else", True), (place.where, "else"))
        return conjunction([disjunction([negation(condition), then]), disjunction([condition, other])])


def _ref_to(place: Place, where: Pointer) -> Ref:
    """The one ``Ref`` to a place, so that equal subformulas are one object."""
    found: Ref | None = place.reference
    if found is None:
        found = place.reference = Ref(place, where)
    return found


def _required(names: list[str], where: Pointer) -> Formula:
    return Required(frozenset(utf8(names)), where) if names else TRUE


def _counts(place: Place, schema: dict[str, Any], low: str, high: str) -> tuple[int, int | None]:
    """Least and most; what no document can exceed is no bound, what none can reach in bearable time is refused."""
    least, most = int(schema.get(low, 0)), int(schema[high]) if high in schema else None
    if least > MOST_REQUIRED:
        raise LimitError(
            f"{low} asks for more than {MOST_REQUIRED}",
            what=low,
            given=least,
            limit=MOST_REQUIRED,
            pointer=spelled((place.where, low)),
        )
    return least, None if most is not None and most > MOST_COUNTED else most


_Builder = Callable[[SchemaSource, Place, dict[str, Any]], Formula]
_S = SchemaSource
_BUILDERS: dict[str, _Builder] = {
    "$ref": _S._reference,
    "$dynamicRef": _S._dynamic_reference,
    "$recursiveRef": _S._recursive_reference,
    "type": _S._type,
    "enum": _S._enum,
    "const": _S._const,
    "minLength": _S._length,
    "maxLength": _S._length,
    "pattern": _S._pattern,
    "format": _S._format,
    "minimum": _S._minimum,
    "exclusiveMinimum": _S._minimum,
    "maximum": _S._maximum,
    "exclusiveMaximum": _S._maximum,
    "multipleOf": _S._multiple,
    "properties": _S._properties,
    "patternProperties": _S._properties,
    "additionalProperties": _S._properties,
    "propertyNames": _S._property_names,
    "required": _S._required,
    "minProperties": _S._property_count,
    "maxProperties": _S._property_count,
    "dependentRequired": _S._dependent_required,
    "dependentSchemas": _S._dependent_schemas,
    "dependencies": _S._old_dependencies,
    "unevaluatedProperties": _S._unevaluated_properties,
    "prefixItems": _S._items,
    "items": _S._items,
    "minItems": _S._item_count,
    "maxItems": _S._item_count,
    "contains": _S._contains,
    "uniqueItems": _S._unique,
    "unevaluatedItems": _S._unevaluated_items,
    "allOf": _S._all_of,
    "anyOf": _S._any_of,
    "oneOf": _S._one_of,
    "not": _S._not,
    "if": _S._if,
}


@lru_cache
def _builders_of(dialect: Dialect) -> dict[str, _Builder]:
    """The builders of the keywords that have a meaning in a dialect."""
    draft, legacy, validates = dialect
    return {
        keyword: builder
        for keyword, builder in _BUILDERS.items()
        if applies_in(keyword, draft, legacy) and (validates or keyword not in VALIDATION)
    }


VALIDATION = frozenset(
    [
        "type",
        "enum",
        "const",
        "minLength",
        "maxLength",
        "pattern",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "required",
        "minProperties",
        "maxProperties",
        "dependentRequired",
        "minItems",
        "maxItems",
        "uniqueItems",
    ]
)
