"""``Regex``, ``Choice`` and ``Lark``: text types that Python's own type system lacks.

Standing alone they describe the whole output as plain text, without JSON quotes; inside
``Annotated[str, ...]`` within a larger type, ``Regex`` and ``Choice`` narrow a JSON string.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from structgen.errors import RegexSyntaxError, TypeSupportError
from structgen.frontends.pytypes.patterns import python_to_ecma

__all__ = ["Choice", "Lark", "Regex", "TextMarker"]


@dataclass(frozen=True)
class Regex:
    """Text that matches ``pattern`` (Python's ``re`` syntax) from its first to its last character.

    Raises
    ------
    RegexSyntaxError : the pattern does not compile; ``.span`` says where

    Examples
    --------
    >>> Regex("[0-9]{3}").matches("123"), Regex("[0-9]{3}").matches("1234")
    (True, False)
    """

    pattern: str

    def __post_init__(self) -> None:
        try:
            re.compile(self.pattern)
        except re.error as error:
            at = error.pos or 0
            raise RegexSyntaxError(
                f"not a regular expression: {error.msg}", source=self.pattern, span=(at, at + 1)
            ) from None

    def matches(self, text: str) -> bool:
        """Whether all of ``text`` matches."""
        return re.fullmatch(self.pattern, text) is not None

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        return _checked_string(self, source, handler, f"must match {self.pattern!r}")

    def __get_pydantic_json_schema__(self, core: Any, handler: Any) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^(?:{python_to_ecma(self.pattern)})$"}


@dataclass(frozen=True, init=False)
class Choice:
    """One of a few texts.

    Parameters
    ----------
    options : the texts; at least one, all strings, repeats are dropped
    """

    options: tuple[str, ...]

    def __init__(self, options: Iterable[str]) -> None:
        unique = tuple(dict.fromkeys(options))
        if not unique or not all(isinstance(option, str) for option in unique):
            raise TypeSupportError(
                "a choice needs at least one text, and only texts", type_name="Choice", hint='write Choice(["a", "b"])'
            )
        object.__setattr__(self, "options", unique)

    def matches(self, text: str) -> bool:
        """Whether ``text`` is one of the options."""
        return text in self.options

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        return _checked_string(self, source, handler, f"must be one of {list(self.options)!r}")

    def __get_pydantic_json_schema__(self, core: Any, handler: Any) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.options)}


@dataclass(frozen=True)
class Lark:
    """Text that a Lark grammar derives from ``start``; stands alone, never inside JSON."""

    grammar: str
    start: str = "start"

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        raise TypeSupportError(
            "a grammar describes a whole text, not a string inside JSON",
            type_name="Lark",
            hint="return sg.Lark(...) alone, or use sg.Regex for the string",
        )


TextMarker = Regex | Choice | Lark
"""What describes plain text instead of JSON."""


def _checked_string(marker: Regex | Choice, source: Any, handler: Any, complaint: str) -> Any:
    from pydantic_core import PydanticCustomError, core_schema

    if source is not str:
        raise TypeSupportError(
            f"{type(marker).__name__} narrows str, not {source!r}",
            type_name=getattr(source, "__name__", repr(source)),
            hint=f"write Annotated[str, {type(marker).__name__}(...)]",
        )

    def check(text: str) -> str:
        if not marker.matches(text):
            raise PydanticCustomError("structgen_text", "{complaint}", {"complaint": complaint})
        return text

    return core_schema.no_info_after_validator_function(check, handler(source))
