"""A schema as a short form for a model to read: names, types and bounds, without the notation.

Small models copy what stands in the prompt, and a JSON Schema is full of words (``properties``,
``anyOf``) that do not belong into the answer. The outline looks like the answer instead::

    {"shop": text, "day": date YYYY-MM-DD, "paid": true or false}

It is a description, not the constraint: what it leaves out (patterns, propertyNames) is
enforced all the same. Named types that contain themselves are written out once, below.
"""

from __future__ import annotations

import json
from typing import Any

__all__ = ["outline"]

_FORMATS = {
    "date": "date YYYY-MM-DD",
    "time": "time HH:MM:SS",
    "date-time": "date and time YYYY-MM-DDTHH:MM:SSZ",
    "duration": 'duration like "PT1H30M"',
    "binary": "text",
}


def outline(schema: dict[str, Any]) -> str:
    """The outline of a schema.

    Examples
    --------
    >>> outline({"type": "object", "properties": {"a": {"type": "integer", "minimum": 1}}, "required": ["a"]})
    '{"a": integer from 1}'
    """
    writer = _Writer(schema.get("$defs", {}))
    text = writer.write({key: value for key, value in schema.items() if key != "$defs"})
    below = [f"where {name} is {writer.written[name]}" for name in writer.named if name in writer.written]
    return "\n".join([text, *below])


class _Writer:
    def __init__(self, definitions: dict[str, Any]) -> None:
        self.definitions = definitions
        self.open: list[str] = []
        self.named: list[str] = []
        self.written: dict[str, str] = {}

    def write(self, schema: Any) -> str:
        if not isinstance(schema, dict) or not schema:
            return "anything"
        if "$ref" in schema:
            return self._reference(schema["$ref"].rpartition("/")[2])
        for keyword in ("anyOf", "oneOf"):
            if keyword in schema:
                return " or ".join(dict.fromkeys(self.write(branch) for branch in schema[keyword]))
        if "const" in schema or "enum" in schema:
            values = schema.get("enum", [schema.get("const")])
            return " or ".join(json.dumps(value, ensure_ascii=False) for value in values)
        if "allOf" in schema and "type" not in schema:
            return self.write(schema["allOf"][0])
        kind = schema.get("type")
        if isinstance(kind, list):
            return " or ".join(self.write({**schema, "type": one}) for one in kind)
        return str(getattr(self, f"_{kind}", self._anything)(schema))

    def _reference(self, name: str) -> str:
        if name in self.open:
            if name not in self.named:
                self.named.append(name)
            return name
        self.open.append(name)
        text = self.write(self.definitions.get(name, {}))
        self.open.remove(name)
        if name in self.named:
            self.written[name] = text
            return name
        return text

    def _anything(self, schema: Any) -> str:
        return "anything"

    def _null(self, schema: Any) -> str:
        return "null"

    def _boolean(self, schema: Any) -> str:
        return "true or false"

    def _integer(self, schema: Any) -> str:
        return "integer" + _range(schema)

    def _number(self, schema: Any) -> str:
        return "number" + _range(schema)

    def _string(self, schema: Any) -> str:
        name = schema.get("format")
        if name:
            return str(_FORMATS.get(name, name))
        return "text"  # lengths are enforced; said here, a small model copies them into the answer

    def _array(self, schema: Any) -> str:
        if "prefixItems" in schema:
            return "[" + ", ".join(self.write(item) for item in schema["prefixItems"]) + "]"
        items = self.write(schema.get("items", {}))
        low, high = schema.get("minItems"), schema.get("maxItems")
        return f"[{items}, ...]" + (f" with {_span(low, high)} items" if high is not None else "")

    def _object(self, schema: Any) -> str:
        required = schema.get("required", [])
        members = []
        for name, sub in schema.get("properties", {}).items():
            optional = "" if name in required else " (may be left out)"
            members.append(f"{json.dumps(name, ensure_ascii=False)}: {self.write(sub)}{optional}")
        extra = schema.get("additionalProperties", False)
        if extra is not False:
            members.append(f"name: {self.write(extra)}, ...")
        return "{" + ", ".join(members) + "}"


def _range(schema: Any) -> str:
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    return (f" from {low}" if low is not None else "") + (f" to {high}" if high is not None else "")


def _span(low: int | None, high: int | None) -> str:
    return f"{low} to {high}" if low else f"at most {high}"
