"""Functions whose value a model writes: what ``@generate`` leaves in place of a function.

Calling a ``Function`` gives the value; its methods look at the parts (``messages``,
``check``, ``constraint``), get more than the value (``raw``, ``stream``), or make variants
(``using``, ``bind``). It is immutable, so one function serves many threads.

Sync and async functions share everything: an async one only awaits its own body, and runs
the generation in a worker thread. Type checkers see the parameters through a ``ParamSpec``,
the result through a type variable, and for async functions an awaitable.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import types
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, ParamSpec, Self, TypeVar, cast, overload

from structgen.constraint import Constraint
from structgen.errors import PromptError
from structgen.generation import (
    Call,
    Generation,
    Options,
    constraint_of,
    generate_batch,
    generate_one,
    generate_stream,
)
from structgen.monitors.protocol import Monitor
from structgen.objects import OutputType
from structgen.prompts import Message, Prompt, Template
from structgen.samplers.protocol import LanguageModel, Sampler
from structgen.signatures import docstring_of, template_signature

__all__ = ["AsyncFunction", "Bound", "Function", "batch"]

P = ParamSpec("P")
T = TypeVar("T")
U = TypeVar("U")


class _Base(Generic[P, T]):
    """What sync and async functions share: signature, output type, options, prompt."""

    def __init__(self, source: Callable[..., Any] | Template, output: OutputType[T], options: Options) -> None:
        self._source = source
        self._output = output
        self._options = options
        if isinstance(source, Template):
            self._signature = template_signature(source)
            self.__name__ = "Function"
        else:
            functools.update_wrapper(cast(Callable[..., Any], self), source)
            self._signature = inspect.signature(source)

    @property
    def options(self) -> Options:
        """The options given at decoration or by ``using``."""
        return self._options

    @property
    def output(self) -> OutputType[T]:
        """The type of the result."""
        return self._output

    def constraint(self) -> Constraint | None:
        """What the output is constrained by, monitors included; None for plain ``str`` without either."""
        return constraint_of(self._output, self._options)

    def check(self) -> Any:
        """Which constraints of the return type are enforced, and how (see ``Constraint.report``)."""
        constraint = self.constraint()
        return None if constraint is None else constraint.report()

    def using(
        self,
        *,
        model: LanguageModel | str | None = None,
        sampler: Sampler | None = None,
        max_tokens: int | None = None,
        seed: int | None = None,
        retries: int | None = None,
        schema_in_prompt: bool | None = None,
        constraint: Constraint | None = None,
        monitors: Sequence[Monitor] | None = None,
    ) -> Self:
        """The same function with some options changed; see ``Options``."""
        changed = self._options.changed(
            model=model,
            sampler=sampler,
            max_tokens=max_tokens,
            seed=seed,
            retries=retries,
            schema_in_prompt=schema_in_prompt,
            constraint=constraint,
            monitors=monitors,
        )
        return type(self)(self._source, self._output, changed)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.__name__}{self._signature})"

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """As a method: the function with ``self`` filled in."""
        if instance is None or isinstance(self._source, Template):
            return self
        method = types.MethodType(self._source, instance)
        return type(self)(method, self._output, self._options)

    def _arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        bound = self._signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return bound.arguments

    def _interpret(self, returned: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Prompt:
        """What the body returned, as a prompt: nothing at all means that the docstring is it."""
        if isinstance(returned, Prompt):
            return returned
        if returned is not None and returned is not Ellipsis:
            raise PromptError(
                f"{self.__name__} returned {type(returned).__name__} instead of a prompt",
                field=self.__name__,
                hint="return sg.prompt(...), or leave the body out and write the prompt as the docstring",
            )
        return docstring_of(self._source, self.__name__).fill(self._arguments(args, kwargs))


class Function(_Base[P, T]):
    """A generating function.

    ``Function("Name a colour: {x}", returns=Colour)`` makes one without a decorator, for
    types that are only known at run time; its arguments are the template's fields, by name
    or in order of appearance.

    Raises
    ------
    PromptError : the template mentions a field without a name
    TypeSupportError : (at the first call) no schema can be made from the type
    """

    @overload
    def __init__(
        self: Function[..., U],
        source: str,
        output: None = None,
        options: Options | None = None,
        *,
        returns: type[U],
    ) -> None: ...
    @overload
    def __init__(
        self: Function[..., Any],
        source: str,
        output: None = None,
        options: Options | None = None,
        *,
        returns: Any,
    ) -> None: ...
    @overload
    def __init__(
        self, source: Callable[..., Any] | Template, output: OutputType[T], options: Options | None = None
    ) -> None: ...
    def __init__(
        self,
        source: Any,
        output: Any = None,
        options: Options | None = None,
        *,
        returns: Any = None,
    ) -> None:
        made = output if output is not None else OutputType[Any](returns)
        super().__init__(Template(source) if isinstance(source, str) else source, made, options or Options())

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """The value."""
        return self.raw(*args, **kwargs).value

    def raw(self, *args: P.args, **kwargs: P.kwargs) -> Generation[T]:
        """The value with its text, tokens, weights and timings."""
        return generate_one(self._call(*args, **kwargs))

    def stream(self, *args: P.args, **kwargs: P.kwargs) -> Iterator[Any]:
        """The growing value as plain data, and at last the object itself."""
        return generate_stream(self._call(*args, **kwargs))

    def messages(self, *args: P.args, **kwargs: P.kwargs) -> list[Message]:
        """The chat messages a call would send."""
        return self._call(*args, **kwargs).messages()

    def bind(self, *args: P.args, **kwargs: P.kwargs) -> Bound[T]:
        """A call with its arguments, to be run later or in a ``batch``."""
        self._arguments(args, kwargs)
        return Bound(lambda: self._call(*args, **kwargs))

    def _call(self, *args: P.args, **kwargs: P.kwargs) -> Call[T]:
        try:
            returned = None if isinstance(self._source, Template) else self._source(*args, **kwargs)
        except NotImplementedError:
            returned = None
        return Call(self._interpret(returned, args, kwargs), self._output, self._options)


class AsyncFunction(_Base[P, T]):
    """A generating coroutine function; the same as ``Function``, awaited."""

    async def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """The value."""
        return (await self.raw(*args, **kwargs)).value

    async def raw(self, *args: P.args, **kwargs: P.kwargs) -> Generation[T]:
        """The value with its text, tokens, weights and timings."""
        return await asyncio.to_thread(generate_one, await self._call(*args, **kwargs))

    async def stream(self, *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[Any]:
        """The growing value as plain data, and at last the object itself."""
        parts = generate_stream(await self._call(*args, **kwargs))
        nothing = object()
        while (part := await asyncio.to_thread(next, parts, nothing)) is not nothing:
            yield part

    async def messages(self, *args: P.args, **kwargs: P.kwargs) -> list[Message]:
        """The chat messages a call would send."""
        return (await self._call(*args, **kwargs)).messages()

    def bind(self, *args: P.args, **kwargs: P.kwargs) -> Bound[T]:
        """A call with its arguments, to be run in a ``batch`` (outside an event loop)."""
        self._arguments(args, kwargs)
        return Bound(lambda: asyncio.run(self._call(*args, **kwargs)))

    async def _call(self, *args: P.args, **kwargs: P.kwargs) -> Call[T]:
        assert not isinstance(self._source, Template)
        try:
            returned = await self._source(*args, **kwargs)
        except NotImplementedError:
            returned = None
        return Call(self._interpret(returned, args, kwargs), self._output, self._options)


@dataclass(frozen=True)
class Bound(Generic[T]):
    """A call that has its arguments and waits to be run."""

    call: Callable[[], Call[T]]

    def __call__(self) -> T:
        return generate_one(self.call()).value


def batch(calls: Sequence[Bound[T]]) -> list[T]:
    """Run calls together and return their values in the same order.

    Calls that use the same model and sampler share its forward passes. The first error stops
    the batch.
    """
    return [generation.value for generation in generate_batch([bound.call() for bound in calls])]
