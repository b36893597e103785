"""Subschemas that no value satisfies, and the fewest keywords that make it so.

All subschemas are asked of one automaton of their document, which shares what it finds out:
one question takes tens of microseconds, where compiling each alone took milliseconds. Only
where the document does not compile for the sake of one part is each compiled apart, so that
the others are still looked at. What is found unsatisfiable is cut down keyword by keyword, as
long as nothing satisfies what is left (delta debugging with steps of one): what remains is a
smallest cause, such as ``minimum`` and ``maximum``. A subschema is passed over where one
inside it is unsatisfiable already: that one is the cause.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from time import perf_counter
from typing import Any, NamedTuple

from structgen.errors import StructgenError, UnsatisfiableError
from structgen.json_constraint import JsonSchemaConstraint, json_schema
from structgen.report.references import subschemas

__all__ = ["Conflicts", "conflicts"]

_DOCUMENT = "urn:structgen:document"


class Conflicts(NamedTuple):
    """What was found in the time given."""

    found: list[tuple[str, tuple[str, ...]]]
    """Pointer and conflicting keywords of each innermost subschema that no value satisfies."""
    n_left: int
    """Subschemas that were not looked at for want of time, the outermost."""


def conflicts(schema: Any, *, seconds: float = 2.0) -> Conflicts:
    """Look for subschemas that no value satisfies, the innermost first.

    Parameters
    ----------
    schema : a dict or boolean; never changed
    seconds : time after which no further subschema is looked at
    """
    ends = perf_counter() + seconds
    inner_first = sorted(subschemas(schema), key=lambda place: -place[0].count("/"))
    is_unsatisfiable = _question(schema, [pointer for pointer, _ in inner_first]) if seconds > 0 else None
    inside: set[str] = set()
    found: list[tuple[str, tuple[str, ...]]] = []
    for number, (pointer, current) in enumerate(inner_first):
        if is_unsatisfiable is None or perf_counter() > ends:
            return Conflicts(found, len(inner_first) - number)
        if pointer in inside or not current or not is_unsatisfiable(pointer):
            continue
        inside.update(_above(pointer))
        keywords = _smallest(schema, pointer, current)
        if keywords != ("$ref",):  # what it refers to is the cause then, and is looked at itself
            found.append((pointer, keywords))
    return Conflicts(found, 0)


def _above(pointer: str) -> list[str]:
    """The pointers of everything around a place."""
    parts = pointer.split("/")
    return ["/".join(parts[:n]) for n in range(1, len(parts))]


def _question(document: Any, pointers: list[str]) -> Callable[[str], bool]:
    """Tells whether no value satisfies the subschema at a pointer."""
    anything = {"anyOf": [{}, *({"$ref": _reference(pointer)} for pointer in pointers)]}
    try:
        constraint = json_schema(anything, registry={_DOCUMENT: document})
    except StructgenError:
        return lambda pointer: _is_unsatisfiable(document, pointer)
    return lambda pointer: _is_unsatisfiable_within(constraint, pointer)


def _is_unsatisfiable_within(constraint: JsonSchemaConstraint, pointer: str) -> bool:
    try:
        return not constraint.is_satisfiable(_reference(pointer))
    except StructgenError:
        return False  # reported apart, where it matters


def _smallest(schema: Any, pointer: str, current: dict[str, Any]) -> tuple[str, ...]:
    """Keywords of ``current`` of which none can be left out without values satisfying it."""
    document = copy.deepcopy(schema)
    node = _node(document, pointer)
    for keyword in list(current):
        value = node.pop(keyword)
        if not _is_unsatisfiable(document, pointer):
            node[keyword] = value
    return tuple(node)


def _is_unsatisfiable(document: Any, pointer: str) -> bool:
    try:
        json_schema({"$ref": _reference(pointer)}, registry={_DOCUMENT: document})
    except UnsatisfiableError:
        return True
    except StructgenError:
        pass  # reported apart, where it matters
    return False


def _reference(pointer: str) -> str:
    from urllib.parse import quote

    return f"{_DOCUMENT}#{quote(pointer, safe='/~')}"


def _node(document: Any, pointer: str) -> Any:
    for part in pointer.split("/")[1:]:
        part = part.replace("~1", "/").replace("~0", "~")
        document = document[int(part)] if isinstance(document, list) else document[part]
    return document
