"""Schema resources, where references lead, and the dynamic scope.

A *place* is one subschema: its value, the resource (embedded document with a base URI) it
stands in, its JSON pointer and its dynamic scope. Places reached by different references
but equal in value and scope are the same object, so recursion ends in a table look-up.
Identifiers are indexed on the first reference that is more than a local JSON pointer;
most schemas never pay for it. Nothing is ever fetched: remote documents come from the
registry that the caller passed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin

from structgen.errors import SchemaError
from structgen.frontends.jsonschema.drafts import draft_of, known_metaschema, normal_uri
from structgen.ir.pointers import Pointer, escaped, spelled

__all__ = [
    "LEAF_KEYWORDS",
    "LIST_KEYWORDS",
    "MAP_KEYWORDS",
    "ONE_KEYWORDS",
    "Dialect",
    "Place",
    "Resource",
    "Resources",
]

MAP_KEYWORDS = ("$defs", "definitions", "properties", "patternProperties", "dependentSchemas", "dependencies")
LIST_KEYWORDS = ("allOf", "anyOf", "oneOf", "prefixItems", "items")
ONE_KEYWORDS = (
    "not",
    "if",
    "then",
    "else",
    "items",
    "additionalItems",
    "additionalProperties",
    "contains",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
    "contentSchema",
)
LEAF_KEYWORDS = frozenset(["type", "format", "title", "description", "default", "examples", "$comment", "deprecated",
                           "readOnly", "writeOnly"])  # fmt: skip
"""A type, a format, and what only tells about a value, whatever the draft."""


class Resource:
    """A schema document or an embedded one: base URI, root value, draft, enabled vocabularies."""

    __slots__ = ("anchors", "dialect", "draft", "dynamic_anchors", "legacy", "local", "places", "pointer", "roles",
                 "root", "uri", "validates")  # fmt: skip

    def __init__(self, uri: str, root: Any, draft: int, legacy: bool, validates: bool, pointer: str = "") -> None:
        self.uri = uri
        self.root = root
        self.draft = draft
        self.legacy = legacy
        self.validates = validates
        self.dialect: Dialect = (draft, legacy, validates)
        self.pointer = pointer
        self.anchors: dict[str, tuple[Any, str]] = {}
        self.dynamic_anchors: dict[str, tuple[Any, str]] = {}
        self.local: dict[str, Found] = {}
        """Where references within the document lead, by their text."""
        self.roles: Any = None
        """What a scan looks at in the values of its keywords."""
        self.places: dict[int, Place] = {}
        """Places without a dynamic scope, by the identities of their schemas."""


class Place:
    """One subschema at one place, under one dynamic scope."""

    __slots__ = ("formula", "is_plain", "reference", "resource", "schema", "scope", "target", "where")

    def __init__(self, schema: Any, resource: Resource, where: Pointer, scope: tuple[Resource, ...]) -> None:
        self.schema = schema
        self.resource = resource
        self.where = where
        self.scope = scope
        self.formula: Any = None
        self.reference: Any = None
        self.target: Any = None
        self.is_plain: bool | None = None
        """Whether a glance shows that some value is valid here, once somebody has asked."""

    @property
    def pointer(self) -> str:
        """Where the schema has it."""
        return spelled(self.where)


Dialect = tuple[int, bool, bool]
"""A draft, whether earlier spellings count, and whether the validation vocabulary does."""
Found = tuple[Any, Resource, Pointer]
"""What a reference leads to: the schema, the resource that holds it, and its pointer."""


class Resources:
    """All documents that one schema can reach."""

    def __init__(self, schema: Any, *, draft: int, legacy: bool, registry: Mapping[str, Any]) -> None:
        self.registry = {urldefrag(uri)[0]: document for uri, document in registry.items()}
        self._by_uri: dict[str, Resource] = {}
        self._indexed: set[int] = set()
        self._scoped: dict[tuple[int, int, tuple[int, ...]], Place] = {}
        self._identified: dict[int, Resource] = {}
        self.scanned: set[int] = set()
        """Identities of the schemas that a scan has visited."""
        self.dynamic = False
        """Whether some reference asks for the dynamic scope; known after a scan, before which there are no places."""
        own = self._own_identifier(schema, draft)
        self.root = self._resource(urljoin("", own) if own else "", schema, draft, legacy)
        self._identified[id(schema)] = self.root

    # -- places ---------------------------------------------------------------------------

    def start(self) -> Place:
        """The root schema."""
        return self.place(self.root.root, self.root, self.root.pointer, ())

    def place(self, schema: Any, resource: Resource, where: Pointer, scope: tuple[Resource, ...]) -> Place:
        """The one place of these coordinates, entering an embedded resource where ``schema`` has an identifier."""
        if type(schema) is dict and ("$id" in schema or "id" in schema):
            resource = self.entered(schema, resource, where)
        if self.dynamic:
            return self._scoped_place(schema, resource, where, scope)
        found = resource.places.get(id(schema))
        if found is None:
            found = resource.places[id(schema)] = Place(schema, resource, where, ())
        return found

    def _scoped_place(self, schema: Any, resource: Resource, where: Pointer, scope: tuple[Resource, ...]) -> Place:
        if (not scope or scope[-1] is not resource) and resource not in scope:
            scope = (*scope, resource)
        key = (id(schema), id(resource), tuple(map(id, scope)))
        found = self._scoped.get(key)
        if found is None:
            found = self._scoped[key] = Place(schema, resource, where, scope)
        return found

    def child(self, parent: Place, schema: Any, where: Pointer) -> Place:
        """The place of a subschema of ``parent``."""
        resource = parent.resource
        if self.dynamic or (type(schema) is dict and ("$id" in schema or "id" in schema)):
            return self.place(schema, resource, where, parent.scope)
        found = resource.places.get(id(schema))
        if found is None:
            found = resource.places[id(schema)] = Place(schema, resource, where, ())
        return found

    @property
    def reached(self) -> frozenset[int]:
        """Identities of the objects that have been visited as schemas so far; after a scan, all that count."""
        return frozenset((*self.scanned, *(schema for schema, _, _ in self._scoped)))

    def glance(self, parent: Place, schema: Any, pointer: str) -> Place:
        """Like ``child``, for a look that does not count as a visit."""
        resource = parent.resource
        if type(schema) is dict and ("$id" in schema or "id" in schema):
            resource = self._embedded(schema, resource, pointer)
        return Place(schema, resource, pointer, ())

    # -- references -----------------------------------------------------------------------

    def resolve(self, place: Place, reference: str, keyword: str = "$ref") -> Place:
        """The place that ``reference``, written at ``place``, leads to."""
        schema, resource, where = self.look_up(place.resource, reference, (place.where, keyword))
        return self.place(schema, resource, where, place.scope)

    def resolve_dynamic(self, place: Place, reference: str) -> Place:
        """``$dynamicRef``: the outermost scope that bears the same dynamic anchor."""
        static = self.resolve(place, reference, "$dynamicRef")
        name = urldefrag(reference)[1]
        if not name or name.startswith("/"):
            return static
        self._index(static.resource)
        if name not in static.resource.dynamic_anchors:
            return static
        for resource in place.scope:
            self._index(resource)
            if name in resource.dynamic_anchors:
                schema, pointer = resource.dynamic_anchors[name]
                return self.place(schema, resource, pointer, place.scope)
        return static

    def resolve_recursive(self, place: Place) -> Place:
        """``$recursiveRef``: outward through resources that say ``$recursiveAnchor``."""
        found = place.resource
        if _recursive_anchor(found):
            for resource in reversed(place.scope):
                if not _recursive_anchor(resource):
                    break
                found = resource
        return self.place(found.root, found, found.pointer, place.scope)

    def look_up(self, resource: Resource, reference: str, where: Pointer) -> Found:
        """What ``reference`` leads to, written in ``resource`` at ``where``."""
        found = resource.local.get(reference)
        if found is not None:
            return found
        base = _split(reference)[0]
        if base:
            return self._within(self._document(_joined(resource.uri, base), reference, where), reference, where)
        found = resource.local[reference] = self._within(resource, reference, where)
        return found

    def _within(self, resource: Resource, reference: str, where: Pointer) -> Found:
        base, fragment = _split(reference)
        if not fragment:
            return resource.root, resource, resource.pointer
        if fragment.startswith("/"):
            try:
                return self._at_pointer(resource, fragment, reference, where)
            except SchemaError:
                if base or resource is self.root or resource.draft > 7:
                    raise
                # An ``id`` below the root changes what "#" means, which authors of old drafts often did not
                # know; where the reference leads nowhere as the drafts read it, it is read as they meant it.
                return self._at_pointer(self.root, fragment, reference, where)
        self._index(resource)
        found = resource.anchors.get(fragment)
        if found is None:
            raise SchemaError(f"no anchor {fragment!r} for the reference {reference!r}", pointer=spelled(where))
        return found[0], resource, found[1]

    def _at_pointer(self, resource: Resource, fragment: str, reference: str, where: Pointer) -> Found:
        value, pointer = resource.root, resource.pointer
        for step in fragment[1:].split("/"):
            name = step.replace("~1", "/").replace("~0", "~") if "~" in step else step
            if isinstance(value, dict) and name in value:
                value = value[name]
            elif isinstance(value, list) and name.isdigit() and int(name) < len(value):
                value = value[int(name)]
            else:
                raise SchemaError(
                    f"the reference {reference!r} leads nowhere: no {name!r} at {pointer or '(root)'}",
                    pointer=spelled(where),
                )
            pointer = f"{pointer}/{step}"
            if type(value) is dict and ("$id" in value or "id" in value):
                resource = self._embedded(value, resource, pointer)
        return value, resource, pointer

    def _document(self, uri: str, reference: str, where: Pointer) -> Resource:
        found = self._by_uri.get(uri)
        if found is None:
            self._index(self.root)
            found = self._by_uri.get(uri)
        if found is None:
            document = self.registry.get(uri)
            if document is None:
                document = _metaschema(uri)
            if document is None:
                raise SchemaError(
                    f"the reference {reference!r} needs the document {uri!r}, which is not in the registry",
                    pointer=spelled(where),
                    hint="pass it: registry={uri: schema}; nothing is ever fetched",
                )
            draft = draft_of(document, self.root.draft)
            found = self._resource(uri, document, draft, self.root.legacy, pointer=f"{uri}#")
            own = self._own_identifier(document, draft)
            if own:
                found.uri = urljoin(uri, own)
                self._by_uri.setdefault(urldefrag(found.uri)[0], found)
            self._identified[id(document)] = found
            self._index(found)
        return found

    # -- resources and identifiers ---------------------------------------------------------

    def _resource(self, uri: str, root: Any, draft: int, legacy: bool, pointer: str = "") -> Resource:
        if "#" in uri:
            uri = urldefrag(uri)[0]
        resource = Resource(uri, root, draft, legacy, self._validates(root), pointer)
        self._by_uri.setdefault(uri, resource)
        return resource

    def _validates(self, root: Any) -> bool:
        """False where a custom metaschema leaves the validation vocabulary out."""
        uri = root.get("$schema") if isinstance(root, dict) else None
        if not isinstance(uri, str) or known_metaschema(uri):
            return True
        metaschema = self.registry.get(urldefrag(uri)[0])
        vocabulary = metaschema.get("$vocabulary") if isinstance(metaschema, dict) else None
        return not isinstance(vocabulary, dict) or any("/vocab/validation" in name for name in vocabulary)

    def _own_identifier(self, schema: Any, draft: int) -> str | None:
        if not isinstance(schema, dict):
            return None
        value = schema.get("id" if draft == 4 else "$id")
        if not isinstance(value, str) or (draft <= 7 and "$ref" in schema):
            return None
        return value

    def entered(self, schema: dict[str, Any], resource: Resource, where: Pointer) -> Resource:
        """The resource in which a schema stands that may name one itself."""
        return resource if schema is resource.root else self._embedded(schema, resource, spelled(where))

    def _embedded(self, schema: dict[str, Any], outer: Resource, pointer: str) -> Resource:
        found = self._identified.get(id(schema))
        if found is not None:
            return found
        draft = draft_of(schema, outer.draft, pointer) if isinstance(schema.get("$schema"), str) else outer.draft
        own = self._own_identifier(schema, draft)
        if own is None or own.startswith("#"):
            return outer
        uri = urljoin(outer.uri, own)
        found = self._resource(uri, schema, draft, outer.legacy, pointer)
        if self._by_uri.get(found.uri) is not found and self._by_uri[found.uri].root is not schema:
            self._by_uri[found.uri] = found
        self._identified[id(schema)] = found
        return found

    def _index(self, resource: Resource) -> None:
        """Find identifiers and anchors below ``resource``'s root, once."""
        if id(resource) in self._indexed:
            return
        self._indexed.add(id(resource))
        todo = [(resource.root, resource, resource.pointer)]
        while todo:
            schema, owner, pointer = todo.pop()
            if not isinstance(schema, dict):
                continue
            if schema is not owner.root:
                inner = self._embedded(schema, owner, pointer)
                if inner is not owner:
                    self._indexed.add(id(inner))
                    owner = inner
            self._note_anchors(schema, owner, pointer)
            todo.extend((value, owner, where) for value, where in subschemas(schema, pointer))

    def _note_anchors(self, schema: dict[str, Any], owner: Resource, pointer: str) -> None:
        if owner.draft <= 7:
            name = schema.get("id" if owner.draft == 4 else "$id")
            if isinstance(name, str) and "#" in name and "$ref" not in schema:
                owner.anchors.setdefault(urldefrag(name)[1], (schema, pointer))
            return
        for keyword, table in (("$anchor", owner.anchors), ("$dynamicAnchor", owner.anchors)):
            if isinstance(schema.get(keyword), str):
                table.setdefault(schema[keyword], (schema, pointer))
        if isinstance(schema.get("$dynamicAnchor"), str):
            owner.dynamic_anchors.setdefault(schema["$dynamicAnchor"], (schema, pointer))


@lru_cache(maxsize=4096)
def _split(reference: str) -> tuple[str, str]:
    """A reference without its fragment, and the fragment, decoded."""
    if reference[:1] == "#" and reference.isprintable():
        return "", unquote(reference[1:]) if "%" in reference else reference[1:]
    base, fragment = urldefrag(reference)
    return base, unquote(fragment)


@lru_cache(maxsize=4096)
def _joined(base: str, reference: str) -> str:
    return urljoin(base, reference)


def subschemas(schema: dict[str, Any], pointer: str) -> Iterator[tuple[Any, str]]:
    """The values and pointers of all direct subschemas, whatever the draft."""
    for keyword in MAP_KEYWORDS:
        value = schema.get(keyword)
        if isinstance(value, dict):
            for name, inner in value.items():
                if isinstance(inner, dict | bool):
                    yield inner, f"{pointer}/{keyword}/{escaped(name)}"
    for keyword in LIST_KEYWORDS:
        value = schema.get(keyword)
        if isinstance(value, list):
            for number, inner in enumerate(value):
                yield inner, f"{pointer}/{keyword}/{number}"
    for keyword in ONE_KEYWORDS:
        value = schema.get(keyword)
        if isinstance(value, dict | bool):
            yield value, f"{pointer}/{keyword}"


def _recursive_anchor(resource: Resource) -> bool:
    return isinstance(resource.root, dict) and resource.root.get("$recursiveAnchor") is True


def _metaschema(uri: str) -> Any:
    """A metaschema of the drafts, from the ``jsonschema`` library's copies; None for other URIs."""
    if "json-schema.org/" not in uri:
        return None
    from jsonschema_specifications import REGISTRY

    for name in (uri, uri + "#", normal_uri(uri), normal_uri(uri) + "#"):
        if name in REGISTRY:
            return REGISTRY.contents(name)
    return None
