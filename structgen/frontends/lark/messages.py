"""Lark's errors as structgen's, with the place in the grammar's text."""

from __future__ import annotations

import re

from structgen.errors import ConstraintError, GrammarSyntaxError, RegexSyntaxError, UnsupportedError

__all__ = ["definition_span", "located", "syntax_error"]


def definition_span(text: str, name: str) -> tuple[int, int] | None:
    """Where ``name`` is defined (or, failing that, first used)."""
    word = re.escape(name)
    for pattern in (
        rf"^[ \t]*(?:%override\s+|%extend\s+)?[!?]*({word})\b[^:\n]*:",
        rf"(?<![A-Za-z0-9_])({word})(?![A-Za-z0-9_])",
    ):
        found = re.search(pattern, text, re.MULTILINE)
        if found:
            return found.span(1)
    return None


def located(error: ConstraintError, text: str, name: str) -> ConstraintError:
    """The same error, pointing at the definition of ``name`` in the grammar's text."""
    span = definition_span(text, name)
    if isinstance(error, UnsupportedError):
        return UnsupportedError(error.message, keyword=error.keyword, source=text, span=span, hint=error.hint)
    kind = RegexSyntaxError if isinstance(error, RegexSyntaxError) else GrammarSyntaxError
    return kind(error.message, source=text, span=span, hint=error.hint)


def syntax_error(error: Exception, text: str) -> GrammarSyntaxError:
    """What Lark's loader raised, with a span found from its position or from the names it quotes."""
    message = str(error).strip() or type(error).__name__
    span = _span_of_position(error, message, text) or _span_of_name(message, text)
    first = message.split("\n\n")[0].strip()
    return GrammarSyntaxError(f"Lark cannot read the grammar: {first}", source=text, span=span)


def _span_of_position(error: Exception, message: str, text: str) -> tuple[int, int] | None:
    line, column = getattr(error, "line", None), getattr(error, "column", None)
    if not isinstance(line, int) or line < 1:
        found = re.search(r"line (\d+),? column (\d+)", message)
        if not found:
            return None
        line, column = int(found[1]), int(found[2])
    lines = text.split("\n")
    if line > len(lines):
        return (max(0, len(text) - 1), len(text))
    at = sum(len(each) + 1 for each in lines[: line - 1]) + max(0, (column or 1) - 1)
    return (at, at + 1)


def _span_of_name(message: str, text: str) -> tuple[int, int] | None:
    for pattern in (
        r"'(\w+)' used but not defined",
        r"not defined: (\w+)",
        r"[Tt]erminal '(\w+)'",
        r"'(\w+)'",
        r"\((\w+)\)",
    ):
        found = re.search(pattern, message)
        if found:
            name = re.escape(found[1])
            uses = list(re.finditer(rf"(?<![A-Za-z0-9_]){name}(?![A-Za-z0-9_])", text))
            if uses:
                return uses[-1].span() if "more than once" in message else uses[0].span()
    return None
