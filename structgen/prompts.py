"""What is sent to the model: templates, computed prompts, chat messages.

A function's docstring is the user's message with ``{fields}`` filled from the arguments, in
the syntax of ``str.format``. A body that returns ``prompt(...)`` computes it instead. The
description of the output (its schema, by default) is appended to the last user message:
small models attend to what comes last, and some chat templates know no system role.

The module is not called ``prompt``, because ``structgen.prompt`` is the function.
"""

from __future__ import annotations

import inspect
import string
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from structgen.errors import PromptError

__all__ = ["Message", "Prompt", "Template", "prompt"]

T = TypeVar("T")

Message = dict[str, str]
"""``{"role": "user", "content": "..."}``"""


@dataclass(frozen=True)
class Prompt:
    """A prompt computed by a function's body; made by ``prompt``."""

    messages: tuple[Message, ...]

    def with_instruction(self, instruction: str) -> list[Message]:
        """The messages with ``instruction`` added to the last one of the user."""
        messages = [dict(message) for message in self.messages]
        if instruction:
            of_user = [m for m in messages if m["role"] == "user"]
            if of_user:
                of_user[-1]["content"] += "\n\n" + instruction
            else:
                messages.append({"role": "user", "content": instruction})
        return messages


def prompt(text: str = "", *, system: str | None = None, messages: Sequence[Mapping[str, str]] = ()) -> T:  # type: ignore[type-var]
    """The prompt that a generating function returns in place of its value.

    Type checkers see the function's own return type, so ``return sg.prompt(...)`` passes.

    Parameters
    ----------
    text : the user's message; may stay empty where ``messages`` say everything
    system : the system message, put first
    messages : earlier messages of the conversation (``role`` and ``content``), between the two

    Raises
    ------
    PromptError : no text at all, or a message without role or content

    Examples
    --------
    >>> prompt("Hi", system="Be dry.").messages[0]["role"]
    'system'
    """
    made: list[Message] = [] if system is None else [{"role": "system", "content": system}]
    for message in messages:
        if not {"role", "content"} <= set(message):
            raise PromptError(f"a message needs role and content: {dict(message)!r}", field="messages")
        made.append({"role": message["role"], "content": message["content"]})
    if text:
        made.append({"role": "user", "content": text})
    if not made:
        raise PromptError("the prompt is empty", field="text", hint="give a text or messages")
    return cast(T, Prompt(tuple(made)))


@dataclass(frozen=True)
class Template:
    """A user message with ``{fields}``.

    Parameters
    ----------
    text : in ``str.format``'s syntax; ``{{`` is a literal brace

    Raises
    ------
    PromptError : the braces do not pair up, or a field has no name; ``.field`` is the text
    """

    text: str

    def __post_init__(self) -> None:
        for field in self.fields:
            if not field.isidentifier():
                raise PromptError(
                    f"the prompt field {{{field}}} has no name", field=field, hint="write {{ and }} for literal braces"
                )

    @property
    def fields(self) -> list[str]:
        """The names at the root of each field, in order, without repeats."""
        try:
            parsed = [name for _, name, _, _ in string.Formatter().parse(self.text) if name is not None]
        except ValueError as error:
            raise PromptError(
                f"the prompt is not a template: {error}", field=self.text, hint="write {{ and }} for literal braces"
            ) from None
        roots = [name.split(".")[0].split("[")[0] for name in parsed]
        return list(dict.fromkeys(roots))

    def check(self, known: Collection[str]) -> None:
        """Raise ``PromptError`` for a field that no argument fills."""
        for field in self.fields:
            if field not in known:
                raise PromptError(
                    f"the prompt mentions {{{field}}}, but there is no such argument",
                    field=field,
                    hint=f"arguments: {', '.join(known) or 'none'}; write {{{{ and }}}} for literal braces",
                )

    def fill(self, arguments: Mapping[str, Any]) -> Prompt:
        """The prompt with its fields filled."""
        self.check(list(arguments))
        try:
            text = self.text.format_map(arguments)
        except (AttributeError, LookupError, ValueError, TypeError) as error:
            raise PromptError(f"a prompt field cannot be filled: {error}", field=self.text) from None
        made: Prompt = prompt(text)
        return made

    @classmethod
    def from_docstring(cls, docstring: str) -> Template:
        """The docstring without its indentation."""
        return cls(inspect.cleandoc(docstring))
