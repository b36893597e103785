"""``@generate``: a typed function whose body is a prompt and whose result a model writes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, ParamSpec, TypeVar, overload

from structgen.constraint import Constraint
from structgen.functions import AsyncFunction, Function
from structgen.generation import Options
from structgen.monitors.protocol import Monitor
from structgen.objects import OutputType
from structgen.samplers.protocol import LanguageModel, Sampler
from structgen.signatures import check_docstring, return_type_of

__all__ = ["generate"]

P = ParamSpec("P")
T = TypeVar("T")


class _Decorator:
    """``generate(...)`` with options: decorates a sync or an async function."""

    def __init__(self, options: Options) -> None:
        self._options = options

    @overload
    def __call__(self, function: Callable[P, Coroutine[Any, Any, T]], /) -> AsyncFunction[P, T]: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(self, function: Callable[P, T], /) -> Function[P, T]: ...
    def __call__(self, function: Callable[..., Any], /) -> Any:
        output = OutputType[Any](return_type_of(function))
        check_docstring(function)
        if inspect.iscoroutinefunction(function):
            return AsyncFunction(function, output, self._options)
        return Function(function, output, self._options)


@overload
def generate(function: Callable[P, Coroutine[Any, Any, T]], /) -> AsyncFunction[P, T]: ...  # type: ignore[overload-overlap]
@overload
def generate(function: Callable[P, T], /) -> Function[P, T]: ...
@overload
def generate(
    *,
    model: LanguageModel | str | None = None,
    sampler: Sampler | None = None,
    max_tokens: int | None = None,
    seed: int | None = None,
    retries: int | None = None,
    schema_in_prompt: bool | None = None,
    property_order: str | None = None,
    whitespace: str | None = None,
    constraint: Constraint | None = None,
    monitors: Sequence[Monitor] = (),
) -> _Decorator: ...
def generate(
    function: Callable[..., Any] | None = None,
    /,
    *,
    model: LanguageModel | str | None = None,
    sampler: Sampler | None = None,
    max_tokens: int | None = None,
    seed: int | None = None,
    retries: int | None = None,
    schema_in_prompt: bool | None = None,
    property_order: str | None = None,
    whitespace: str | None = None,
    constraint: Constraint | None = None,
    monitors: Sequence[Monitor] = (),
) -> Any:
    """Make a function whose value a language model writes, in the shape of its return type.

    Use it bare or with options. The docstring is the prompt, with ``{fields}`` filled from the
    arguments; or the body returns ``prompt(...)``.

    Parameters
    ----------
    model, sampler, max_tokens, seed, retries, schema_in_prompt : see ``Options``
    property_order, whitespace : as for ``json_schema``
    constraint : what the text must fit, in place of what the return type says: a grammar, with ``-> str``
    monitors : static analysis beside the constraint, such as ``[sg.monitors.python(project=".")]``;
        ``raw(...).monitors`` tells what they did

    Raises
    ------
    PromptError : the docstring mentions a field that is no argument, or there is no prompt
    TypeSupportError : the function has no return type, or one that is not defined

    Examples
    --------
    >>> @generate
    ... def capital(country: str) -> str:
    ...     '''What is the capital of {country}?'''
    ...     raise NotImplementedError
    >>> capital.messages("France")
    [{'role': 'user', 'content': 'What is the capital of France?'}]
    """
    given = {"property_order": property_order, "whitespace": whitespace}
    decorator = _Decorator(
        Options(
            model=model,
            sampler=sampler,
            max_tokens=max_tokens,
            seed=seed,
            retries=retries,
            schema_in_prompt=schema_in_prompt,
            schema_options={name: value for name, value in given.items() if value is not None},
            constraint=constraint,
            monitors=monitors,
        )
    )
    return decorator if function is None else decorator(function)
