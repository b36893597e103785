"""The generator: pydantic's, with the core types overridden whose documentation is not a promise."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from structgen.errors import TypeSupportError
from structgen.frontends.pytypes import spellings
from structgen.frontends.pytypes.formats import settle
from structgen.frontends.pytypes.patterns import python_to_ecma, rust_to_ecma

if TYPE_CHECKING:
    from pydantic import TypeAdapter

__all__ = ["adapter_of", "prompt_schema_of", "schema_of", "type_name_of"]

Schema = dict[str, Any]


def schema_of(target: Any) -> Schema:
    """JSON Schema (2020-12) whose every document ``target``'s validator accepts.

    Parameters
    ----------
    target : anything pydantic's ``TypeAdapter`` takes

    Raises
    ------
    TypeSupportError : no schema, or none that can be kept; ``.type_name`` and a hint

    Examples
    --------
    >>> schema_of(tuple[int, bool])["maxItems"]
    2
    """
    return _generate(target, for_prompt=False)


def prompt_schema_of(target: Any) -> Schema:
    """The same for reading: formats by name in place of the patterns that spell them out."""
    return _generate(target, for_prompt=True)


def type_name_of(target: Any) -> str:
    """A short name of a type, for messages."""
    return getattr(target, "__name__", None) or repr(target).replace("typing.", "")


def adapter_of(target: Any) -> TypeAdapter[Any]:
    """Pydantic's validator for ``target``; what pydantic cannot handle is a ``TypeSupportError``."""
    from pydantic import TypeAdapter
    from pydantic.errors import PydanticSchemaGenerationError, PydanticUndefinedAnnotation, PydanticUserError

    name = type_name_of(target)
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(target)
    except PydanticUndefinedAnnotation as error:
        raise TypeSupportError(
            f"{name} mentions {error.name!r}, which is not defined",
            type_name=error.name or name,
            hint="define it before the function that returns it",
        ) from None
    except PydanticSchemaGenerationError as error:
        raise TypeSupportError(
            f"no schema can be made from {name}: {_first_line(error)}",
            type_name=name,
            hint=_user_hint(error),
        ) from None
    except PydanticUserError as error:
        raise TypeSupportError(f"{name}: {_first_line(error)}", type_name=name, hint=_user_hint(error)) from None
    return adapter


def _user_hint(error: Any) -> str:
    if getattr(error, "code", "") == "typed-dict-version":
        return "import TypedDict from typing_extensions (before Python 3.12)"
    if getattr(error, "code", "") in ("class-not-fully-defined", "undefined-annotation"):
        return "define every type it mentions first"
    return "use a pydantic model, dataclass, TypedDict, Enum, Literal or a container of these"


def _first_line(error: Exception) -> str:
    return str(getattr(error, "message", error)).split("\n", 1)[0]


def _generate(target: Any, *, for_prompt: bool) -> Schema:
    from pydantic.errors import PydanticUserError

    generator = _generator_class(for_prompt)
    adapter = adapter_of(target)
    try:
        schema = adapter.json_schema(mode="validation", by_alias=True, schema_generator=generator)
    except PydanticUserError as error:  # no schema for a part of it, or a name that is still undefined
        name = type_name_of(target)
        raise TypeSupportError(
            f"no schema can be made from {name}: {_first_line(error)}", type_name=name, hint=_user_hint(error)
        ) from None
    settled: Schema = settle(schema, for_prompt=for_prompt)
    return settled


@lru_cache(maxsize=2)
def _generator_class(for_prompt: bool) -> Any:
    """The generator, made when first used, because its base class imports pydantic."""
    from pydantic.json_schema import GenerateJsonSchema

    class Generator(_Temporal, _Scalars, _Containers, GenerateJsonSchema):
        short = for_prompt

        def field_title_should_be_set(self, schema: Any) -> bool:
            return False  # a title made from the field's name tells nobody anything

    return Generator


def _refuse(type_name: str, why: str, hint: str) -> TypeSupportError:
    return TypeSupportError(f"{type_name}: {why}", type_name=type_name, hint=hint)


class _Overrides:
    """What the overrides need of pydantic's generator, and spellings as schemas."""

    short: bool
    generate_inner: Callable[[Any], Schema]
    resolve_ref_schema: Callable[[Schema], Schema]

    def spelled(self, pattern: str, format_name: str) -> Schema:
        if self.short:
            return {"type": "string", "format": format_name}
        return {"type": "string", "pattern": pattern}

    def base(self, name: str, schema: Any) -> Schema:
        result: Schema = getattr(super(), name)(schema)
        return result


class _Temporal(_Overrides):
    def date_schema(self, schema: Any) -> Schema:
        if schema.get("now_op"):
            raise _refuse("PastDate" if schema["now_op"] == "past" else "FutureDate", "depends on today", "use date")
        low = _inclusive(schema.get("ge"), schema.get("gt"), 1)
        high = _inclusive(schema.get("le"), schema.get("lt"), -1)
        result = self.spelled(spellings.DATE, "date")
        sides = [] if self.short else spellings.between_pattern(low and low.isoformat(), high and high.isoformat())
        if sides:
            result["allOf"] = [{"pattern": side} for side in sides]
        return result

    def time_schema(self, schema: Any) -> Schema:
        _no_bounds("time", schema)
        return self.spelled(spellings.TIME, "time")

    def datetime_schema(self, schema: Any) -> Schema:
        _no_bounds("datetime", schema)
        if schema.get("now_op"):
            raise _refuse("PastDatetime or FutureDatetime", "depends on the present moment", "use datetime")
        zone = schema.get("tz_constraint")
        if isinstance(zone, int):
            raise _refuse("datetime", "a fixed offset cannot be promised", "use AwareDatetime")
        return self.spelled(spellings.datetime_pattern(zone), "date-time")

    def timedelta_schema(self, schema: Any) -> Schema:
        _no_bounds("timedelta", schema)
        return self.spelled(spellings.DURATION, "duration")


def _inclusive(closed: Any, opened: Any, step: int) -> Any:
    from datetime import timedelta

    bounds = ([] if closed is None else [closed]) + ([] if opened is None else [opened + timedelta(days=step)])
    return (max(bounds) if step > 0 else min(bounds)) if bounds else None


def _no_bounds(type_name: str, schema: Any) -> None:
    given = [name for name in ("ge", "gt", "le", "lt") if schema.get(name) is not None]
    if given:
        raise _refuse(
            type_name, f"the bound {given[0]!r} cannot be kept during generation", "check it in a validator of your own"
        )


class _Scalars(_Overrides):
    def str_schema(self, schema: Any) -> Schema:
        pattern = schema.get("pattern")
        plain = {key: value for key, value in schema.items() if key != "pattern"}
        result: Schema = super().str_schema(plain)  # type: ignore[misc]
        if pattern is not None:
            python = not isinstance(pattern, str) or schema.get("regex_engine") == "python-re"
            text = pattern if isinstance(pattern, str) else pattern.pattern
            result["pattern"] = python_to_ecma(text) if python else rust_to_ecma(text)
        if schema.get("strip_whitespace") and (pattern is not None or schema.get("min_length")) and not self.short:
            # Lengths and patterns are checked after stripping: leave nothing to strip.
            result.setdefault("allOf", []).append({"pattern": spellings.STRIPPED})
        return result

    def float_schema(self, schema: Any) -> Schema:
        result: Schema = super().float_schema(schema)  # type: ignore[misc]
        if schema.get("allow_inf_nan") is False and not self.short:
            result.setdefault("maximum", 1.7976931348623157e308)
            result.setdefault("minimum", -1.7976931348623157e308)
        return result

    def decimal_schema(self, schema: Any) -> Schema:
        places, digits = schema.get("decimal_places"), schema.get("max_digits")
        bounded = any(schema.get(name) is not None for name in ("ge", "gt", "le", "lt", "multiple_of"))
        if not bounded:
            text = {"type": "string", "pattern": spellings.decimal_pattern(digits, places)}
            if digits is not None or self.short:
                return text if digits is not None else {"type": ["number", "string"]}
            return {"anyOf": [self._decimal_number(schema), text]}
        if digits is not None:
            raise _refuse("Decimal", "max_digits and bounds cannot be kept at once", "drop max_digits")
        return self._decimal_number(schema)

    def _decimal_number(self, schema: Any) -> Schema:
        # Pydantic reads a JSON number through a float, so the number must be finite and short.
        names = {"ge": "minimum", "le": "maximum", "gt": "exclusiveMinimum", "lt": "exclusiveMaximum"}
        result: Schema = {"type": "number"}
        result |= {new: _number(schema[old]) for old, new in names.items() if schema.get(old) is not None}
        if schema.get("multiple_of") is not None:
            result["multipleOf"] = _number(schema["multiple_of"])
        elif schema.get("decimal_places") is not None:
            result["multipleOf"] = float(f"1e-{schema['decimal_places']}") if schema["decimal_places"] else 1
        if not self.short:
            if "minimum" not in result and "exclusiveMinimum" not in result:
                result["minimum"] = -1e15
            if "maximum" not in result and "exclusiveMaximum" not in result:
                result["maximum"] = 1e15
        return result

    def bytes_schema(self, schema: Any) -> Schema:
        mode = self._config.val_json_bytes  # type: ignore[attr-defined]
        lengths = {"minLength": schema.get("min_length"), "maxLength": schema.get("max_length")}
        given = {key: value for key, value in lengths.items() if value is not None}
        if mode == "utf8":
            # Lengths count bytes there and characters here, which agree on ASCII.
            return {"type": "string"} | ({"pattern": spellings.ASCII} | given if given else {})
        if given:
            raise _refuse("bytes", f"a length of {mode} text cannot be kept", "drop the length")
        return self.spelled(spellings.HEX_BYTES if mode == "hex" else spellings.BASE64_BYTES, "binary")

    def url_schema(self, schema: Any) -> Schema:
        result = self.spelled(spellings.url_pattern(schema.get("allowed_schemes") or ["https", "http"]), "uri")
        return result | ({"maxLength": schema["max_length"]} if schema.get("max_length") else {})

    def multi_host_url_schema(self, schema: Any) -> Schema:
        raise _refuse("a URL with several hosts", "no pattern for it yet", "use str")

    def complex_schema(self, schema: Any) -> Schema:
        raise _refuse("complex", "JSON has no complex numbers", "use a pair of floats")

    def json_schema(self, schema: Any) -> Schema:
        raise _refuse("Json", "JSON inside a JSON string cannot be kept", "use the inner type itself")

    def literal_schema(self, schema: Any) -> Schema:
        _scalars_only("Literal", schema["expected"])
        result: Schema = super().literal_schema(schema)  # type: ignore[misc]
        return result

    def enum_schema(self, schema: Any) -> Schema:
        _scalars_only(schema["cls"].__name__, [member.value for member in schema["members"]])
        result: Schema = super().enum_schema(schema)  # type: ignore[misc]
        return result


def _number(value: Any) -> int | float:
    return int(value) if value == int(value) else float(value)


def _scalars_only(type_name: str, values: list[Any]) -> None:
    from enum import Enum

    for value in values:
        # A Literal of an enum's member (also of a StrEnum's) accepts the member, not what JSON can spell.
        if isinstance(value, Enum) or (value is not None and not isinstance(value, str | int | float | bool)):
            raise _refuse(type_name, f"the value {value!r} is not a JSON text, number or truth value", "use strings")


class _Containers(_Overrides):
    def _common_set_schema(self, schema: Any) -> Schema:
        items = schema.get("items_schema", {"type": "any"})
        if items["type"] in ("list", "dict", "set", "any", "typed-dict", "deque"):
            raise _refuse("set", "its items cannot be hashed", "use a list, or tuples and frozensets as items")
        result: Schema = super()._common_set_schema(schema)  # type: ignore[misc]
        return result

    def generator_schema(self, schema: Any) -> Schema:
        raise _refuse("Iterable or Generator", "it is validated one item at a time, too late", "use list")

    def _common_dict_schema(self, schema: Any) -> Schema:
        keys = _resolved(schema.get("keys_schema", {"type": "any"}))
        key_schema = self._key_schema(keys)
        values = self.generate_inner(schema["values_schema"]) if "values_schema" in schema else True
        result: Schema = {"type": "object", "additionalProperties": values or True}
        if key_schema:
            result["propertyNames"] = key_schema
        for ours, theirs in (("minProperties", "min_length"), ("maxProperties", "max_length")):
            if schema.get(theirs) is not None:
                result[ours] = schema[theirs]
        return result

    def _key_schema(self, keys: Any) -> Schema:
        """What a property name must look like so that the key type reads it."""
        if keys["type"] == "any":
            return {}
        if keys["type"] == "int":
            if any(keys.get(name) is not None for name in ("ge", "gt", "le", "lt", "multiple_of")):
                raise _refuse("dict", "bounds on integer keys cannot be kept", "use a list of pairs")
            return {"pattern": spellings.INTEGER_KEY}
        if keys["type"] == "bool":
            return {"enum": ["true", "false"]}
        schema = self.generate_inner(keys)
        names = schema.get("enum", [schema["const"]] if "const" in schema else [])
        textual = (
            schema.get("type") == "string" or "$ref" in schema or (names and all(isinstance(n, str) for n in names))
        )
        if not textual or ("$ref" in schema and keys["type"] not in ("enum", "str")):
            raise _refuse("dict", f"keys of type {keys['type']} have no text of their own", "use a list of pairs")
        return {key: value for key, value in schema.items() if key not in ("type", "title", "description")}

    def tagged_union_schema(self, schema: Any) -> Schema:
        """Any branch, with its tag required: the validator looks for the tag before anything else."""
        tag = schema["discriminator"]
        if not isinstance(tag, str):
            raise _refuse("a discriminated union", "its tag is computed by a function", "use a plain union")
        branches = []
        for branch in schema["choices"].values():
            made = self.generate_inner(branch)
            if made not in branches:
                branches.append(made)
        return {"anyOf": [{"allOf": [made, {"required": [tag]}]} for made in branches]}

    def model_schema(self, schema: Any) -> Schema:
        return self._closed(super().model_schema(schema))  # type: ignore[misc]

    def dataclass_schema(self, schema: Any) -> Schema:
        return self._closed(super().dataclass_schema(schema))  # type: ignore[misc]

    def typed_dict_schema(self, schema: Any) -> Schema:
        return self._closed(super().typed_dict_schema(schema))  # type: ignore[misc]

    def _closed(self, schema: Schema) -> Schema:
        """Properties that the type does not have would be ignored: never generate them."""
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
        return schema


def _resolved(schema: Any) -> Any:
    while schema["type"] in ("default", "lax-or-strict", "json-or-python", "function-after"):
        schema = schema.get("schema") or schema.get("json_schema") or schema["lax_schema"]
    return schema
