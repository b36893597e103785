"""What other engines make of a schema: keywords that they refuse, and keywords that they ignore.

For schemas that are written here and enforced elsewhere. The tables of llguidance and
xgrammar were measured: for each keyword a schema, and a document that it forbids, were
put to the version named (``tests/report/test_targets.py`` does so again where they are
installed). vLLM's follows from them, since it chooses between the two by the schema's
keywords. OpenAI's is its documentation of strict structured outputs. "ignores" is the
worse of the two: nobody is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from structgen.report.references import subschemas

__all__ = ["TARGETS", "Complaint", "complaints"]

Verdict = Literal["refuses", "ignores"]


@dataclass(frozen=True, slots=True)
class Complaint:
    """One keyword occurrence that a target does not enforce."""

    pointer: str
    keyword: str
    verdict: Verdict
    note: str = ""


def complaints(schema: Any, target: str) -> Iterator[Complaint]:
    """Everything in ``schema`` that ``target`` (one of ``TARGETS``) refuses or ignores.

    Raises
    ------
    KeyError : no such target
    """
    yield from TARGETS[target][1](schema)


def _occurrences(schema: Any) -> Iterator[tuple[str, dict[str, Any], str]]:
    for pointer, current in subschemas(schema):
        for keyword in current:
            yield pointer, current, keyword


def _at(pointer: str, keyword: str) -> str:
    return f"{pointer}/{keyword.replace('~', '~0').replace('/', '~1')}"


# --- llguidance

_LLGUIDANCE_REFUSES = frozenset(
    {
        *("$dynamicRef", "$recursiveRef", "contains", "dependencies", "dependentRequired", "dependentSchemas", "if"),
        *("maxContains", "minContains", "not", "propertyNames", "unevaluatedItems", "unevaluatedProperties"),
        "uniqueItems",
    }
)
_LLGUIDANCE_FORMATS = frozenset(
    {"date", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "time", "unknown", "uri", "uuid"}
)


def _llguidance(schema: Any) -> Iterator[Complaint]:
    for pointer, current, keyword in _occurrences(schema):
        where = _at(pointer, keyword)
        if keyword in _LLGUIDANCE_REFUSES:
            yield Complaint(where, keyword, "refuses")
        elif keyword == "oneOf" and len(current["oneOf"]) > 1:
            yield Complaint(where, keyword, "refuses", "unless it can prove the branches exclusive")
        elif keyword == "format" and current["format"] not in _LLGUIDANCE_FORMATS:
            yield Complaint(where, keyword, "refuses", f"the format {current['format']!r}")


# --- xgrammar

_XGRAMMAR_IGNORES = frozenset(
    {
        *("$dynamicRef", "$recursiveRef", "contains", "dependencies", "dependentRequired", "dependentSchemas", "if"),
        *("maxContains", "minContains", "not", "unevaluatedProperties", "uniqueItems"),
    }
)
_XGRAMMAR_FORMATS = frozenset(
    {
        *("date", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "json-pointer"),
        *("relative-json-pointer", "time", "uri", "uri-reference", "uri-template", "uuid"),
    }
)
_ASSERTIONS = frozenset(
    {
        *("additionalProperties", "allOf", "anyOf", "const", "enum", "exclusiveMaximum", "exclusiveMinimum", "format"),
        *("items", "maxItems", "maxLength", "maxProperties", "maximum", "minItems", "minLength", "minProperties"),
        *("minimum", "multipleOf", "oneOf", "pattern", "patternProperties", "prefixItems", "properties", "required"),
    }
)


def _xgrammar(schema: Any) -> Iterator[Complaint]:
    for pointer, current, keyword in _occurrences(schema):
        where = _at(pointer, keyword)
        beside = sorted(_ASSERTIONS & set(current) - {keyword})
        if keyword in _XGRAMMAR_IGNORES:
            yield Complaint(where, keyword, "ignores")
        elif keyword == "oneOf" and len(current["oneOf"]) > 1:
            yield Complaint(where, keyword, "ignores", "it is read as anyOf")
        elif keyword == "allOf" and len(current["allOf"]) > 1:
            yield Complaint(where, keyword, "ignores", "where it has several branches")
        elif keyword in ("$ref", "anyOf") and beside:
            yield Complaint(where, keyword, "ignores", f"what stands beside it: {', '.join(beside)}")
        elif keyword == "items" and isinstance(current["items"], list):
            yield Complaint(where, keyword, "refuses", "a list of schemas; prefixItems says the same")
        elif keyword == "format" and current["format"] not in _XGRAMMAR_FORMATS:
            yield Complaint(where, keyword, "ignores", f"the format {current['format']!r}")


# --- vLLM: xgrammar, or where a schema has one of these, llguidance

_VLLM_LEAVES_XGRAMMAR = frozenset(
    {"contains", "maxContains", "minContains", "multipleOf", "patternProperties", "propertyNames", "uniqueItems"}
)


def _vllm(schema: Any) -> Iterator[Complaint]:
    leaves = any(
        keyword in _VLLM_LEAVES_XGRAMMAR or (keyword == "format" and current["format"] not in _XGRAMMAR_FORMATS)
        for _, current, keyword in _occurrences(schema)
    )
    yield from (_llguidance if leaves else _xgrammar)(schema)


# --- OpenAI's strict mode

_OPENAI_ALLOWS = frozenset(
    {
        *("$anchor", "$comment", "$defs", "$id", "$ref", "$schema", "additionalProperties", "anyOf", "const"),
        *("default", "definitions", "deprecated", "description", "enum", "examples", "exclusiveMaximum"),
        *("exclusiveMinimum", "format", "items", "maxItems", "maximum", "minItems", "minimum", "multipleOf"),
        *("pattern", "properties", "readOnly", "required", "title", "type", "writeOnly"),
    }
)
_OPENAI_FORMATS = frozenset({"date", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "time", "uuid"})
_OPENAI_PROPERTIES, _OPENAI_ENUM = 5000, 1000


def _openai(schema: Any) -> Iterator[Complaint]:
    if not isinstance(schema, dict) or schema.get("type") != "object" or "anyOf" in schema:
        yield Complaint("", "type", "refuses", "the root is to be an object, and no anyOf")
    for pointer, current, keyword in _occurrences(schema):
        if keyword not in _OPENAI_ALLOWS:
            yield Complaint(_at(pointer, keyword), keyword, "refuses", "it is not among the documented keywords")
        elif keyword == "format" and current["format"] not in _OPENAI_FORMATS:
            yield Complaint(_at(pointer, keyword), keyword, "refuses", f"the format {current['format']!r}")
    n_properties = n_enum = 0
    for pointer, current in subschemas(schema):
        n_properties += len(current.get("properties", ()))
        n_enum += len(current.get("enum", ()))
        yield from _openai_object(pointer, current)
    for name, count, limit in (("properties", n_properties, _OPENAI_PROPERTIES), ("enum", n_enum, _OPENAI_ENUM)):
        if count > limit:
            yield Complaint("", name, "refuses", f"{count} in all; the limit is {limit}")


def _openai_object(pointer: str, current: dict[str, Any]) -> Iterator[Complaint]:
    if current.get("type") != "object" and "properties" not in current:
        return
    if current.get("additionalProperties") is not False:
        yield Complaint(pointer, "additionalProperties", "refuses", "every object needs additionalProperties: false")
    optional = [name for name in current.get("properties", {}) if name not in current.get("required", ())]
    if optional:
        told = ", ".join(optional[:5])
        yield Complaint(pointer, "required", "refuses", f"every property is to be required; not so {told}")


TARGETS: dict[str, tuple[str, Callable[[Any], Iterator[Complaint]]]] = {
    "openai": ("strict structured outputs, as documented in 2026", _openai),
    "vllm": ("its automatic choice of backend", _vllm),
    "xgrammar": ("0.2.8", _xgrammar),
    "llguidance": ("1.9.1", _llguidance),
}
"""By name: the version that is described, and its judge."""
