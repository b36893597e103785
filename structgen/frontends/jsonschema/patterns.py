"""Patterns and formats of string schemas, as expressions of ``ir.regex``.

Reading is memoised process-wide by source text (bounded): schemas of one application
repeat their patterns.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from structgen.errors import ConstraintError
from structgen.frontends.regex import parse_ecma
from structgen.ir.document import Format, Pattern, StringLength
from structgen.ir.formulas import TRUE, Formula, conjunction
from structgen.ir.pointers import Pointer, spelled
from structgen.ir.stated_lengths import apart_from_looks

__all__ = ["format_assertion", "pattern_assertion", "read_pattern"]


@lru_cache(maxsize=4096)
def _read(source: str) -> Any:
    return parse_ecma(source, search=True)


def read_pattern(source: str, where: Pointer) -> Any:
    """The expression of all texts in which ``source`` is found; errors carry the pointer ``where``."""
    try:
        return _read(source)
    except ConstraintError as error:
        error.pointer = spelled(where)
        raise


def pattern_assertion(source: str, where: Pointer) -> Formula:
    """The assertion that ``source`` is found in a string; lengths it states of the whole text apart."""
    node = read_pattern(source, where)
    rest, low, high = apart_from_looks(node)
    if rest is node:
        return Pattern(source, node, where)
    return conjunction([Pattern(source, rest, where), StringLength(low, high, where)])


def format_assertion(name: str, draft: int, where: Pointer) -> Formula:
    """The assertion of a format; TRUE for names that the draft does not define (annotations)."""
    node, check, sure, beginnings = _format(name, draft)
    return TRUE if node is None else Format(name, node, where, check=check, sure=sure, beginnings=beginnings)


@lru_cache(maxsize=256)
def _format(name: str, draft: int) -> tuple[Any, Any, Any, Any]:
    """The expression of a format and what judges its texts; no expression where the name asserts nothing."""
    from structgen.frontends.formats import format_beginnings, format_check, format_node, format_sure_node

    return format_node(name, draft), format_check(name), format_sure_node(name), format_beginnings(name)
