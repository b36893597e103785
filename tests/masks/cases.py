"""Regular constraints and vocabularies that the mask tests run through."""

from __future__ import annotations

import structgen as sg
from structgen.constraint import RegularConstraint

__all__ = ["CONSTRAINTS", "JSON_STRING"]

JSON_STRING = r'"([^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*"'

CONSTRAINTS: dict[str, RegularConstraint] = {
    "date": sg.regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"),
    "anything": sg.regex(r"(?s:.*)"),
    "json string": sg.regex(JSON_STRING),
    "counted": sg.regex(r"(a|b|ab){2,40}"),
    "long run": sg.regex(r"a{0,600}"),
    "wide characters": sg.regex(r"[☃-☟😀x]{1,3}é?"),
    "choice": sg.choice(["a", "ab", "aba", "2024-01", "☃"]),
    "one text": sg.choice(["ab" * 50]),
    "empty text too": sg.regex(r"(ab01)?"),
    "loop on ascii": sg.regex(r'[ab01 \-"x:,]+(é|\\)?'),
    "loop on most": sg.regex(r"[^\x00-\x1f☃]*\x00?"),
    "letters": sg.regex(r"(ab)*[01]"),
}
