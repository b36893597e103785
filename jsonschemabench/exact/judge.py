"""The judge: strict JSON, then jsonschema with its format checker, and knowing when it cannot tell.

A verdict is only used as a proof, so whatever this judge may get wrong is *undecided*:
formats without an exact checker, numbers that a double cannot hold, duplicate keys, and patterns
on text where Python's ``re`` and ECMA-262 may differ.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Literal

import jsonschema
from jsonschema.validators import validator_for

from jsonschemabench.exact.formats import CHECKS, DEFINED

__all__ = ["Judge", "Judgement"]

Verdict = Literal["valid", "invalid", "undecided"]


@dataclass(frozen=True)
class Judgement:
    """``reason`` names the first violation, or why the judge cannot tell."""

    verdict: Verdict
    reason: str = ""


_EXACT_FORMATS = frozenset({"date", "time", "date-time", "ipv4", "ipv6", "uuid"})
"""Formats whose checker, if there is one, is neither laxer nor stricter than the standard."""
_STRICT_BY_MISTAKE = frozenset({"regex", "idn-hostname", "idn-email"})
"""Formats whose checker may refuse what is right, such as an ECMA-262 pattern that Python cannot read."""


class _NotDecidable(Exception):
    """The document is outside of what this judge can be trusted with."""


class Judge:
    """Judges documents under one schema; ``usable`` is False where the schema itself does not work."""

    def __init__(self, schema: Any) -> None:
        cls = validator_for(schema, default=jsonschema.Draft202012Validator)
        self._schema = schema
        # The draft's own checker: only formats whose packages are installed are in it.
        self._checker = jsonschema.FormatChecker(formats=())
        self._checker.checkers = {**cls.FORMAT_CHECKER.checkers, **{name: (CHECKS[name], ()) for name in CHECKS}}
        self._validator = cls(schema, format_checker=self._checker)
        self._text = json.dumps(schema)
        self._has_patterns = '"pattern"' in self._text or '"patternProperties"' in self._text
        self.unchecked_formats = sorted((_formats(schema) & DEFINED) - (_EXACT_FORMATS & set(self._checker.checkers)))
        try:
            cls.check_schema(schema)
            self.usable = True
        except (jsonschema.SchemaError, RecursionError):
            self.usable = False

    def document(self, data: bytes) -> Judgement:
        """Judge the bytes of a whole document."""
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            return Judgement("invalid", f"not UTF-8: {error.reason}")
        try:
            value = json.loads(
                text,
                parse_constant=_refuse_constant,
                parse_float=_exact_float,
                parse_int=_small_int,
                object_pairs_hook=_unique_keys,
            )
        except _NotDecidable as error:
            return Judgement("undecided", str(error))
        except (ValueError, RecursionError) as error:
            return Judgement("invalid", f"not JSON: {error}")
        return self.value(value)

    def value(self, value: Any) -> Judgement:
        """Judge a parsed document."""
        if not self.usable:
            return Judgement("undecided", "the schema is not valid for its draft")
        if self._has_patterns and any(not _plain(text) for text in _strings(value)):
            return Judgement("undecided", "a pattern, and text beyond printable ASCII")
        try:
            error = next(self._validator.iter_errors(value), None)
        except Exception as problem:  # unresolvable references, patterns that Python cannot read
            return Judgement("undecided", f"the judge failed: {type(problem).__name__}")
        if error is not None and error.validator == "format" and error.validator_value in _STRICT_BY_MISTAKE:
            return Judgement("undecided", f"the checker of format {error.validator_value} may be too strict")
        if error is not None:
            return Judgement("invalid", f"{error.validator}: {error.message[:200]}")
        if self.unchecked_formats:
            return Judgement("undecided", f"no exact checker for format {', '.join(self.unchecked_formats)}")
        return Judgement("valid")


def _formats(schema: Any) -> set[str]:
    """Every string under a key ``format``; too many is harmless, it only makes the judge more careful."""
    if isinstance(schema, dict):
        own = {schema["format"]} if isinstance(schema.get("format"), str) else set()
        return own.union(*map(_formats, schema.values()))
    if isinstance(schema, list):
        return set().union(*map(_formats, schema))
    return set()


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for key, item in value.items() for text in (key, *_strings(item))]
    if isinstance(value, list):
        return [text for item in value for text in _strings(item)]
    return []


_PLAIN = re.compile(r"[ -~]*\Z")


def _plain(text: str) -> bool:
    return _PLAIN.match(text) is not None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _exact_float(text: str) -> float:
    digits = re.sub(r"[eE].*", "", text).replace(".", "").replace("-", "").lstrip("0")
    exponent = re.search(r"[eE]([+-]?\d+)", text)
    if len(digits) > 15 or (exponent is not None and abs(int(exponent.group(1)[:6])) > 300):
        raise _NotDecidable("a number beyond double precision")
    return float(text)


def _small_int(text: str) -> int:
    if len(text) > 300:
        raise _NotDecidable("a number beyond double precision")
    return int(text)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _NotDecidable("duplicate keys")
    return value
