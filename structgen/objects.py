"""From text to a typed object, and where it went wrong if it did.

``OutputType`` is what a function returns, seen from generation: whether it is written as
plain text (``str``, ``Regex``, ``Choice``, ``Lark``) or as JSON, what constrains it, how the
prompt describes it, and how the finished text becomes the object. The object is built and
validated by pydantic, once, at the end; while text grows, ``partial`` shows it as plain data.

The constraint already guarantees what the schema says, so ``ObjectError`` means either that
the type's own validators refused, or the few things a schema cannot say.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from structgen.errors import ObjectError
from structgen.frontends.pytypes import (
    Choice,
    Lark,
    Regex,
    adapter_of,
    outline,
    prompt_schema_of,
    schema_of,
    type_name_of,
)

if TYPE_CHECKING:
    from structgen.constraint import Constraint

__all__ = ["OutputType", "type_constraint"]

T = TypeVar("T")

_NUMBER_ERRORS = {"int_parsing_size", "int_from_float", "int_type", "literal_error", "enum"}
_MAX_DIGITS = 4000  # below Python's own limit of 4300 for reading integers


@dataclass(frozen=True, eq=False)
class OutputType(Generic[T]):
    """What a generating function returns.

    Parameters
    ----------
    target : a type; or a ``Regex``, ``Choice`` or ``Lark`` that stands for plain text; or a
        JSON Schema (a dict or bool), whose values are plain data

    Raises
    ------
    TypeSupportError : (from ``constraint``, ``schema``, ``build``) no promise can be made for the type

    Examples
    --------
    >>> OutputType(list[int]).build("[1, 2.0]")
    [1, 2]
    >>> OutputType(Choice(["yes", "no"])).is_text
    True
    """

    target: Any

    @cached_property
    def marker(self) -> Regex | Choice | Lark | None:
        """The text marker, alone or as ``Annotated[str, marker]``; None for everything else."""
        if isinstance(self.target, Regex | Choice | Lark):
            return self.target
        metadata: tuple[Any, ...] = getattr(self.target, "__metadata__", ())
        if getattr(self.target, "__origin__", None) is str and len(metadata) == 1:
            only = metadata[0]
            return only if isinstance(only, Regex | Choice | Lark) else None
        return None

    @property
    def is_free(self) -> bool:
        """Whether any text will do: plain ``str`` is what the model says, unconstrained."""
        return self.target is str

    @property
    def is_text(self) -> bool:
        """Whether the output is plain text instead of JSON."""
        return self.is_free or self.marker is not None

    @property
    def is_schema(self) -> bool:
        """Whether the type is given as a JSON Schema; its values are then plain data."""
        return isinstance(self.target, dict | bool)

    @cached_property
    def name(self) -> str:
        return "the schema" if self.is_schema else type_name_of(self.target)

    @cached_property
    def adapter(self) -> Any:
        return adapter_of(self.target)

    @cached_property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema that constrains the output."""
        schema: dict[str, Any] = self.target if self.is_schema else schema_of(self.target)
        return schema

    @cached_property
    def prompt_schema(self) -> dict[str, Any]:
        """The same for a model to read."""
        return self.schema if self.is_schema else prompt_schema_of(self.target)

    def constraint(self, **options: Any) -> Constraint | None:
        """What the text must fit; None for plain ``str``. ``options`` go to ``json_schema``.

        Made once for equal options, so that masks once computed serve later calls.
        """
        key = tuple(sorted(options.items()))
        try:
            known = self._constraints.get(key)
        except TypeError:  # a registry, say, which has no hash
            return self._make_constraint(**options)
        if known is None:
            known = self._constraints[key] = self._make_constraint(**options)
        return known

    @cached_property
    def _constraints(self) -> dict[Any, Constraint | None]:
        return {}

    def _make_constraint(self, **options: Any) -> Constraint | None:
        from structgen import constraint

        if self.is_free:
            return None
        if isinstance(self.marker, Regex):
            return constraint.regex(self.marker.pattern)
        if isinstance(self.marker, Choice):
            return constraint.choice(list(self.marker.options))
        if isinstance(self.marker, Lark):
            from structgen.grammar_constraint import lark

            return lark(self.marker.grammar, start=self.marker.start)
        from structgen.json_constraint import json_schema

        return json_schema(self.schema, **options)

    def instruction(self) -> str:
        """What to tell a model about the form of its answer; empty for plain ``str``."""
        if self.is_free:
            return ""
        if isinstance(self.marker, Choice):
            return "Answer with one of: " + ", ".join(self.marker.options)
        if isinstance(self.marker, Regex):
            return f"Answer with text that matches the regular expression {self.marker.pattern}"
        if isinstance(self.marker, Lark):
            return f"Answer with text that this grammar derives:\n{self.marker.grammar}"
        if self.is_schema:
            return "Answer with JSON that fits this schema:\n" + json.dumps(self.schema, ensure_ascii=False)
        return "Answer with JSON of this form:\n" + outline(self.prompt_schema)

    def build(self, text: str) -> T:
        """The object that ``text`` spells.

        Raises
        ------
        ObjectError : a validator refused; ``.path`` such as ``$.items[2].price`` says where
        """
        if self.is_text:
            return self._checked_text(text)
        if self.is_schema:
            return cast(T, json.loads(text))
        from pydantic import ValidationError

        try:
            value: T = self.adapter.validate_json(text)
        except ValidationError as error:
            plain = _plain_numbers(text) if any(e["type"] in _NUMBER_ERRORS for e in error.errors()) else None
            if plain is None:
                raise self._object_error(error, text) from error
            try:
                value = self.adapter.validate_json(plain)
            except ValidationError as again:
                raise self._object_error(again, text) from again
        return value

    def partial(self, text: str) -> Any:
        """What ``text`` says so far, as plain data; text itself where the output is no JSON; None before it begins."""
        if self.is_text:
            return text
        from pydantic_core import from_json

        try:
            return from_json(text, allow_partial="trailing-strings")
        except ValueError:
            return None

    def _checked_text(self, text: str) -> T:
        marker = self.marker
        if isinstance(marker, Regex | Choice) and not marker.matches(text):
            raise ObjectError(f"the text does not fit {marker!r}", path="$", text=text)
        return cast(T, text)

    def _object_error(self, error: Any, text: str) -> ObjectError:
        details = error.errors(include_url=False, include_context=False)
        first = details[0]
        path = _path(first["loc"], _loaded(text), missing=first["type"] == "missing")
        more = f" (and {len(details) - 1} more)" if len(details) > 1 else ""
        return ObjectError(
            f"{self.name} refuses the value at {path}: {first['msg']}{more}",
            path=path,
            text=text,
            hint="a validator of the type asks for more than its schema says; allow retries or state it in the type",
        )


def type_constraint(target: Any, **options: Any) -> Constraint:
    """A constraint whose every text builds a ``target``.

    Plain ``str`` allows any text. ``options`` go to ``json_schema`` (``property_order``,
    ``whitespace`` and so on).

    Raises
    ------
    TypeSupportError : no promise can be made for the type
    """
    from structgen import constraint

    made = OutputType[Any](target).constraint(**options)
    return constraint.regex(r"(?s:.*)") if made is None else made


def _plain_numbers(text: str) -> str | None:
    """``text`` with integral numbers such as ``1e30`` or ``2.0`` written out; None where that is no JSON.

    JSON Schema calls these integers; pydantic reads them through a float and refuses large
    ones. Only tried after a refusal, so that ``1.0`` stays a float where floats are welcome.
    """

    def number(spelled: str) -> int | float:
        value = Decimal(spelled)
        if value.adjusted() < _MAX_DIGITS and value == value.to_integral_value():
            return int(value)
        return float(spelled)

    try:
        return json.dumps(json.loads(text, parse_float=number))
    except (ValueError, ArithmeticError, RecursionError):
        return None


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _path(location: tuple[int | str, ...], data: Any, *, missing: bool) -> str:
    """A JSONPath of pydantic's ``loc``, without the names of unions and validators that it mixes in."""
    path = "$"
    for at, step in enumerate(location):
        is_last = at == len(location) - 1
        if isinstance(step, int) and isinstance(data, list) and step < len(data):
            path, data = f"{path}[{step}]", data[step]
        elif isinstance(data, dict) and str(step) in data:
            path, data = path + _member(str(step)), data[str(step)]
        elif is_last and missing and isinstance(step, str):
            path += _member(step)
    return path


def _member(name: str) -> str:
    return f".{name}" if name.isidentifier() else f"[{json.dumps(name, ensure_ascii=False)}]"
