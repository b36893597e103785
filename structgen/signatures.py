"""What a generating function says about itself: its return type, its docstring, its parameters."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from typing import Any

from structgen.errors import PromptError, TypeSupportError
from structgen.prompts import Template

__all__ = ["check_docstring", "docstring_of", "return_type_of", "template_signature"]


def return_type_of(function: Callable[..., Any]) -> Any:
    name = getattr(function, "__qualname__", repr(function))
    try:
        hints = typing.get_type_hints(function, include_extras=True)
    except NameError as error:
        missing = error.name or str(error)
        raise TypeSupportError(
            f"{name} mentions {missing!r}, which is not defined",
            type_name=missing,
            hint="define the type at module level, before the function",
        ) from None
    if hints.get("return", type(None)) is type(None):
        raise TypeSupportError(
            f"{name} does not say what it returns", type_name="None", hint="annotate the return type: -> list[str]"
        )
    return hints["return"]


def docstring_of(source: Callable[..., Any] | Template, name: str) -> Template:
    if isinstance(source, Template):
        return source
    if not source.__doc__:
        raise PromptError(f"{name} has no prompt", field=name, hint="write a docstring, or return sg.prompt(...)")
    return Template.from_docstring(source.__doc__)


def check_docstring(function: Callable[..., Any]) -> None:
    """Refuse a bad template at once where the body computes no prompt: it names nothing but NotImplementedError."""
    code = getattr(function, "__code__", None)
    if code is not None and set(code.co_names) <= {"NotImplementedError"}:
        template = docstring_of(function, getattr(function, "__qualname__", "the function"))
        template.check(list(inspect.signature(function).parameters))


def template_signature(template: Template) -> inspect.Signature:
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    return inspect.Signature([inspect.Parameter(name, kind) for name in template.fields])
