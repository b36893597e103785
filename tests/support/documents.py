"""Random documents of a JSON Schema, for the keywords that generated schemas use: slow and obvious.

Strings of a pattern come from Hypothesis. What the walk gets wrong (bounds it does not look
at) an independent validator filters out, so a document that is returned is a valid one.
"""

from __future__ import annotations

import json
import random
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from jsonschema import Draft202012Validator

__all__ = ["documents"]

_TEXT = 'abcXYZ 019éß漢😀"\\\n\x7f'
_FORMATS = {
    "ipv4": ["0.0.0.0", "255.255.255.255", "10.1.2.3"],
    "ipv6": ["::", "::1", "2001:db8::ff00:42:8329", "::ffff:1.2.3.4"],
}


def documents(schema: Any) -> st.SearchStrategy[str]:
    """JSON texts that an independent validator accepts."""
    schema = _for_python(schema)
    validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)

    @st.composite
    def draw_one(draw: st.DrawFn) -> str:
        walk = _Walk(schema, random.Random(draw(st.integers(0, 2**32))), draw)
        return json.dumps(walk.value(schema, 0), ensure_ascii=draw(st.booleans()))

    return draw_one().filter(lambda text: validator.is_valid(json.loads(text)))


def _for_python(schema: Any) -> Any:
    """The schema with Unicode classes, which Python's ``re`` cannot read, spelled out in part."""
    text = json.dumps(schema)
    for name, spelled in (
        ("Alphabetic", "A-Za-zéß漢"),
        ("L", "A-Za-zéß漢"),
        ("Nd", "0-9"),
        ("N", "0-9"),
        ("M", ""),
        ("Pc", "_"),
    ):
        text = text.replace(f"\\\\p{{{name}}}", spelled)
    return _with_plain_ends(json.loads(text))


def _with_plain_ends(schema: Any) -> Any:
    """Patterns that end in ``$`` say ``\\Z``: Python's ``$`` would let a newline follow."""
    if isinstance(schema, list):
        return [_with_plain_ends(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: _with_plain_ends(item) for key, item in schema.items()}
    pattern = found.get("pattern")
    if isinstance(pattern, str) and pattern.endswith("$") and not pattern.endswith("\\$"):
        found["pattern"] = pattern[:-1] + "\\Z"
    return found


class _Walk:
    def __init__(self, root: Any, source: random.Random, draw: st.DrawFn) -> None:
        self.root, self.source, self.draw = root, source, draw

    def value(self, schema: Any, depth: int) -> Any:
        if schema is True or schema == {}:
            return self.source.choice([None, True, 0, 1.5, "x", [], {}])
        if "$ref" in schema:
            return self.value(self.root["$defs"][schema["$ref"].rpartition("/")[2]], depth)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self.source.choice(schema["enum"])
        for keyword in ("anyOf", "oneOf"):
            if keyword in schema:
                branch = self.source.choice(schema[keyword])
                return self.value({**{k: v for k, v in schema.items() if k != keyword}, **branch}, depth)
        if "allOf" in schema and "type" not in schema:
            return self.value(_merged(self.root, schema["allOf"]), depth)
        kind = schema.get("type", "string")
        kind = self.source.choice(kind) if isinstance(kind, list) else kind
        return getattr(self, f"_{kind}")(schema, depth)

    def _null(self, schema: Any, depth: int) -> Any:
        return None

    def _boolean(self, schema: Any, depth: int) -> Any:
        return self.source.random() < 0.5

    def _integer(self, schema: Any, depth: int) -> Any:
        low = schema.get("minimum", schema.get("exclusiveMinimum", -1001) + 1)
        high = schema.get("maximum", schema.get("exclusiveMaximum", max(low, 1000) + 1) - 1)
        step = schema.get("multipleOf", 1)
        value = self.source.randint(-(-low // step), high // step) * step if low <= high else low
        if self.source.random() < 0.05 and not {"maximum", "exclusiveMaximum", "multipleOf"} & set(schema):
            value = 10**30
        return float(value) if self.source.random() < 0.1 else value

    def _number(self, schema: Any, depth: int) -> Any:
        low = schema.get("minimum", schema.get("exclusiveMinimum", -1e6))
        high = schema.get("maximum", schema.get("exclusiveMaximum", 1e6))
        if "multipleOf" in schema:
            step = schema["multipleOf"]
            count = self.source.randint(int(max(low, -1000) / step), int(min(high, 1000) / step))
            return float(count * Decimal(str(step)))
        return self.source.choice(
            [low, high, self.source.uniform(low, high), self.source.uniform(-10, 10), 1, 0, -0.0, 1e300]
        )

    def _string(self, schema: Any, depth: int) -> Any:
        if schema.get("format") in _FORMATS:
            return self.source.choice(_FORMATS[schema["format"]])
        if "pattern" in schema:
            return self.draw(st.from_regex(schema["pattern"])).rstrip("\n")
        low = schema.get("minLength", 0)
        high = schema.get("maxLength", low + 5)
        return "".join(self.source.choice(_TEXT) for _ in range(self.source.randint(low, min(high, low + 5))))

    def _array(self, schema: Any, depth: int) -> Any:
        fixed = [self.value(sub, depth + 1) for sub in schema.get("prefixItems", [])]
        if "items" not in schema or schema["items"] is False:
            return fixed
        low = schema.get("minItems", 0)
        high = schema.get("maxItems", low + (3 if depth < 3 else 0))
        count = max(0, self.source.randint(low, min(high, low + 3)) - len(fixed))
        return fixed + [self.value(schema["items"], depth + 1) for _ in range(count)]

    def _object(self, schema: Any, depth: int) -> Any:
        made = {}
        for name, sub in schema.get("properties", {}).items():
            if name in schema.get("required", []) or (depth < 3 and self.source.random() < 0.6):
                made[name] = self.value(sub, depth + 1)
        extra = schema.get("additionalProperties", False)
        if extra is not False:
            names = {"type": "string", **schema.get("propertyNames", {})}
            for _ in range(self.source.randint(schema.get("minProperties", 0), 2)):
                made[self.value(names, depth + 1)] = self.value(extra, depth + 1)
        return made


def _merged(root: Any, parts: list[Any]) -> Any:
    merged: dict[str, Any] = {}
    for part in parts:
        if "$ref" in part:
            part = root["$defs"][part["$ref"].rpartition("/")[2]]
        required = [*merged.get("required", []), *part.get("required", [])]
        merged |= part
        merged["required"] = required
    return merged
