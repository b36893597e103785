"""What each draft of JSON Schema means by its keywords.

Drafts are ordered numbers: 4, 6, 7, 2019, 2020. A schema without ``$schema`` is read as
2020-12, but keeps the earlier spellings that real schemas still use (``dependencies``,
an array for ``items``, a boolean ``exclusiveMinimum``): dropping them silently would be
worse, and no 2020-12 meaning is lost, since 2020-12 gives them none.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from structgen.errors import SchemaError, UnsupportedError

__all__ = ["DEFAULT_DRAFT", "DRAFT_URIS", "draft_of", "known_metaschema"]

DEFAULT_DRAFT = 2020

DRAFT_URIS = {
    "http://json-schema.org/draft-04/schema": 4,
    "http://json-schema.org/draft-06/schema": 6,
    "http://json-schema.org/draft-07/schema": 7,
    "https://json-schema.org/draft/2019-09/schema": 2019,
    "https://json-schema.org/draft/2020-12/schema": 2020,
}

_NAMES = {
    "draft4": 4,
    "draft6": 6,
    "draft7": 7,
    "draft2019-09": 2019,
    "draft2020-12": 2020,
    "4": 4,
    "6": 6,
    "7": 7,
    "2019-09": 2019,
    "2020-12": 2020,
}


@lru_cache(maxsize=256)
def normal_uri(uri: str) -> str:
    """A metaschema's identifier without empty fragment, on the scheme the drafts use."""
    plain = uri.rstrip("#").rstrip("/")
    if plain in DRAFT_URIS:
        return plain
    for other in ("https:" + plain[5:] if plain.startswith("http:") else "", "http:" + plain[6:]):
        if other in DRAFT_URIS:
            return other
    return plain


def draft_number(name: str | int) -> int:
    """The number of a draft given as ``"draft7"``, ``"2019-09"``, ``7`` or a metaschema's URI."""
    text = str(name)
    found = _NAMES.get(text) or DRAFT_URIS.get(normal_uri(text)) or (int(text) if text in ("2019", "2020") else None)
    if found is None:
        raise SchemaError(f"unknown JSON Schema draft {text!r}", hint="one of " + ", ".join(sorted(_NAMES)))
    return found


def known_metaschema(uri: str) -> bool:
    """Whether ``uri`` names one of the five drafts."""
    return normal_uri(uri) in DRAFT_URIS


def draft_of(schema: Any, default: int, pointer: str = "") -> int:
    """The draft a schema object names in ``$schema``; ``default`` where it names none that is known."""
    if not isinstance(schema, dict):
        return default
    uri = schema.get("$schema")
    if uri is None:
        return default
    if not isinstance(uri, str):
        raise SchemaError("$schema is not a string", pointer=f"{pointer}/$schema")
    found = DRAFT_URIS.get(normal_uri(uri))
    if found is not None:
        return found
    if "json-schema.org/draft-0" in uri:
        raise UnsupportedError(
            f"JSON Schema draft {uri} is not supported", keyword="$schema", pointer=f"{pointer}/$schema"
        )
    return default
