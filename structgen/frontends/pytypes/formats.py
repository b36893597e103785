"""The last pass over a generated schema: formats only pydantic knows, and objects left open.

Pydantic hangs some formats on after the core type has been written (``uuid4``, ``path``,
``ipvanyaddress``), so they are settled here, where the JSON pointer is known too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from structgen.errors import TypeSupportError
from structgen.frontends.pytypes import spellings

__all__ = ["settle"]

Schema = dict[str, Any]

_SUBSCHEMA = ("items", "additionalProperties", "propertyNames", "contains", "not")
_SUBSCHEMA_LISTS = ("prefixItems", "anyOf", "oneOf", "allOf")
_SUBSCHEMA_MAPS = ("properties", "patternProperties", "$defs")

_DROPPED = {"path": "any text names a path", "password": "a display hint"}
_KEPT = {"date", "time", "date-time", "duration", "uuid", "binary", "base64url", "ipv4", "ipv6", "email", "uri"}
_PATTERNS: Mapping[str, str] = {
    "uuid": spellings.uuid_pattern(),
    **{f"uuid{v}": spellings.uuid_pattern(str(v)) for v in range(1, 9)},
    "email": spellings.EMAIL,
}
_REFUSED = {
    "file-path": ("FilePath", "use pathlib.Path, and look for the file afterwards"),
    "directory-path": ("DirectoryPath", "use pathlib.Path, and look for the folder afterwards"),
    "regex": ("re.Pattern", "use str, and compile it afterwards"),
    "json-string": ("Json", "use the inner type itself"),
}


def settle(schema: Any, *, for_prompt: bool) -> Any:
    """Replace pydantic's own formats everywhere in ``schema``; refuse those that cannot be promised."""
    return _settle(schema, "", for_prompt)


def _settle(schema: Any, pointer: str, for_prompt: bool) -> Any:
    if not isinstance(schema, dict):
        return schema

    def inner(sub: Any, *path: str) -> Any:
        return _settle(sub, pointer + "".join(f"/{_escaped(part)}" for part in path), for_prompt)

    result = {
        key: _walk(key, value, inner) for key, value in schema.items() if key not in ("discriminator", "writeOnly")
    }
    if "format" in result:
        _settle_format(result, pointer, for_prompt)
    if for_prompt:
        result.pop("pattern", None) if "format" in result else None
    return result


def _walk(key: str, value: Any, inner: Callable[..., Any]) -> Any:
    if key in _SUBSCHEMA:
        return inner(value, key)
    if key in _SUBSCHEMA_LISTS and isinstance(value, list):
        return [inner(sub, key, str(i)) for i, sub in enumerate(value)]
    if key in _SUBSCHEMA_MAPS and isinstance(value, dict):
        return {name: inner(sub, key, name) for name, sub in value.items()}
    return value


def _settle_format(schema: Schema, pointer: str, for_prompt: bool) -> None:
    name = schema.pop("format")
    if name in _DROPPED:
        return
    if name == "ipvanyaddress":
        schema["anyOf"] = [{"format": "ipv4"}, {"format": "ipv6"}]
    elif for_prompt or name in _KEPT - _PATTERNS.keys():
        schema["format"] = "uuid" if name.startswith("uuid") else name
    elif name in _PATTERNS:
        schema["pattern"] = _PATTERNS[name]
    else:
        type_name, hint = _REFUSED.get(name, (name, "use str with a pattern, or a validator of your own"))
        raise TypeSupportError(
            f"no text can be promised that {type_name} accepts", type_name=type_name, pointer=pointer, hint=hint
        )


def _escaped(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")
