"""Subschemas that no value satisfies, and the fewest keywords that make it so.

Each subschema is compiled alone, inside its document, so that its references still
resolve. What is found unsatisfiable is cut down keyword by keyword, as long as nothing
satisfies what is left (delta debugging with steps of one): what remains is a smallest
cause, such as ``minimum`` and ``maximum``. A subschema is passed over where one inside it
is unsatisfiable already: that one is the cause.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from time import perf_counter
from typing import Any

from structgen.errors import StructgenError, UnsatisfiableError
from structgen.json_constraint import json_schema
from structgen.report.references import subschemas

__all__ = ["MOST_SUBSCHEMAS", "conflicts"]

MOST_SUBSCHEMAS = 500
"""Subschemas looked at in one document, the innermost first."""
_DOCUMENT = "urn:structgen:document"


def conflicts(schema: Any, *, seconds: float = 2.0) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Pointer and conflicting keywords of each innermost subschema that no value satisfies.

    Parameters
    ----------
    schema : a dict or boolean; never changed
    seconds : time after which no further subschema is looked at
    """
    ends = perf_counter() + seconds
    found: list[str] = []
    inner_first = sorted(subschemas(schema), key=lambda place: -place[0].count("/"))
    for pointer, current in inner_first[:MOST_SUBSCHEMAS]:
        if perf_counter() > ends:
            return
        if any(known.startswith(f"{pointer}/") for known in found) or not current:
            continue
        if _is_unsatisfiable(schema, pointer):
            found.append(pointer)
            keywords = _smallest(schema, pointer, current)
            if keywords != ("$ref",):  # what it refers to is the cause then, and is looked at itself
                yield pointer, keywords


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
        json_schema({"$ref": f"{_DOCUMENT}#{_quoted(pointer)}"}, registry={_DOCUMENT: document})
    except UnsatisfiableError:
        return True
    except StructgenError:
        return False  # reported apart, where it matters
    return False


def _quoted(pointer: str) -> str:
    from urllib.parse import quote

    return quote(pointer, safe="/~")


def _node(document: Any, pointer: str) -> Any:
    for part in pointer.split("/")[1:]:
        part = part.replace("~1", "/").replace("~0", "~")
        document = document[int(part)] if isinstance(document, list) else document[part]
    return document
