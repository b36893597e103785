"""Types to schemas: every document the schema allows, the validator accepts."""

# ruff: noqa: UP007, UP045 -- types made at run time, and the spellings that users still write
from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import json
import re
from collections.abc import Callable, Iterable
from typing import Annotated, Any, Generic, Literal, NamedTuple, Optional, TypeVar, Union

import pytest
import typing_extensions
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import AwareDatetime, BaseModel, Field, FilePath, HttpUrl, Json, PastDate, TypeAdapter

from structgen.errors import RegexSyntaxError, TypeSupportError
from structgen.frontends.pytypes import Choice, Lark, Regex, prompt_schema_of, schema_of
from structgen.frontends.pytypes.patterns import python_to_ecma, rust_to_ecma
from structgen.frontends.pytypes.spellings import between_pattern, decimal_pattern
from structgen.objects import OutputType
from tests.support.documents import documents
from tests.support.types import LEAVES, types

T = TypeVar("T")


class Node(BaseModel):
    value: int
    children: list[Node] = []


class Box(BaseModel, Generic[T]):
    content: T


class Cat(BaseModel):
    kind: Literal["cat"] = "cat"
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"] = "dog"
    name: str


class Home(BaseModel):
    pet: Annotated[Union[Cat, Dog], Field(discriminator="kind")]


class Point(NamedTuple):
    x: int
    y: float = 0.0


RICH = [Node, Box[int], Box[list[Point]], Home, Optional[Home], HttpUrl, dict[str, Node], list[Cat | Dog], Point]


def build(target: Any, text: str) -> Any:
    """The object; what stands alone as plain text is put in a list, where it is JSON."""
    is_text = OutputType[Any](target).is_text
    return OutputType[Any](list[target] if is_text else target).build(f"[{text}]" if is_text else text)


def accepts(target: Any, document: Any) -> bool:
    return Draft202012Validator(schema_of(target)).is_valid(document)


class TestEveryDocumentIsAccepted:
    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def test_of_random_types(self, data: st.DataObject) -> None:
        target = data.draw(types(), label="type")
        text = data.draw(documents(schema_of(target)), label="document")
        build(target, text)

    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
    @pytest.mark.parametrize("target", [*LEAVES, *RICH], ids=str)
    @given(data=st.data())
    def test_of(self, target: Any, data: st.DataObject) -> None:
        build(target, data.draw(documents(schema_of(target))))


@pytest.mark.parametrize("target", [*LEAVES, *RICH], ids=str)
def test_schema_is_valid_and_the_prompt_has_one_too(target: Any) -> None:
    for schema in (schema_of(target), prompt_schema_of(target)):
        Draft202012Validator.check_schema(schema, format_checker=None)
        json.dumps(schema)


@pytest.mark.parametrize(
    ("target", "document", "allowed"),
    [
        (dt.date, "2024-02-29", True),
        (dt.date, "2023-02-29", False),
        (dt.date, "1900-02-29", False),
        (dt.date, "2000-02-29", True),
        (dt.date, "0000-01-01", False),
        (dt.datetime, "2024-01-01T10:20:30", True),
        (dt.datetime, "2024-01-01T10:20:30.25+02:00", True),
        (dt.datetime, "2024-01-01T10:20:60Z", False),
        (AwareDatetime, "2024-01-01T10:20:30", False),
        (dt.time, "23:59:59Z", True),
        (dt.time, "24:00:00", False),
        (dt.timedelta, "P1DT2H", True),
        (dt.timedelta, "PT1.5S", True),
        (dt.timedelta, "P", False),
        (dt.timedelta, "P1DT", False),
        (set[int], [1, 1], False),
        (tuple[int, str], [1], False),
        (tuple[int, str], [1, "a", 2], False),
        (dict[int, str], {"x": "a"}, False),
        (dict[int, str], {"-7": "a"}, True),
        (Home, {"pet": {"lives": 9}}, False),
        (Home, {"pet": {"kind": "cat", "lives": 9}}, True),
        (Node, {"value": 1, "other": 2}, False),
    ],
    ids=str,
)
def test_schema_decides(target: Any, document: Any, allowed: bool) -> None:
    assert accepts(target, document) is allowed


def test_open_models_stay_open() -> None:
    class Open(BaseModel, extra="allow"):
        a: int

    assert accepts(Open, {"a": 1, "b": 2})


def test_optional_fields_may_be_left_out_or_null() -> None:
    class Mood(BaseModel):
        mood: Literal["calm", "cross"] | None = None

    assert accepts(Mood, {}) and accepts(Mood, {"mood": None}) and not accepts(Mood, {"mood": "glad"})


def test_aliases_name_the_properties() -> None:
    class Aliased(BaseModel):
        inner: int = Field(alias="outer")

    assert accepts(Aliased, {"outer": 1}) and not accepts(Aliased, {"inner": 1})


def test_stdlib_dataclass_is_closed() -> None:
    @dataclasses.dataclass
    class Data:
        a: int
        b: list[str] = dataclasses.field(default_factory=list)

    assert accepts(Data, {"a": 1}) and not accepts(Data, {"a": 1, "c": 0})


def test_typed_dict_with_optional_keys() -> None:
    class Typed(typing_extensions.TypedDict, total=False):
        a: typing_extensions.Required[int]
        b: str

    assert accepts(Typed, {"a": 1}) and not accepts(Typed, {"b": "x"})


class Unordered(enum.Enum):
    pair = (1, 2)


@pytest.mark.parametrize(
    ("target", "type_name"),
    [
        (Callable[[int], int], "Callable"),
        (Json[int], "Json"),
        (FilePath, "FilePath"),
        (complex, "complex"),
        (set[list[int]], "set"),
        (Iterable[int], "Iterable or Generator"),
        (PastDate, "PastDate"),
        (Literal[b"x"], "Literal"),
        (Literal[Unordered.pair], "Literal"),
        (Unordered, "Unordered"),
        (re.Pattern, "Pattern"),
        (dict[tuple[int, int], str], "dict"),
        (Annotated[dt.datetime, Field(ge=dt.datetime(2020, 1, 1))], "datetime"),
        (Annotated[dt.timedelta, Field(le=dt.timedelta(1))], "timedelta"),
        (object(), None),
        ("Undefined", None),
    ],
    ids=str,
)
def test_what_cannot_be_promised_is_refused_by_name(target: Any, type_name: str | None) -> None:
    with pytest.raises(TypeSupportError) as caught:
        schema_of(target)
    assert caught.value.hint
    assert type_name is None or type_name in caught.value.type_name


def test_refusal_names_the_place_of_a_format() -> None:
    class Config(BaseModel):
        path: list[FilePath]

    with pytest.raises(TypeSupportError) as caught:
        schema_of(Config)
    assert caught.value.pointer == "/properties/path/items"


@pytest.mark.skipif("__import__('sys').version_info >= (3, 12)", reason="typing.TypedDict is fine from Python 3.12")
def test_old_typed_dict_gets_a_hint() -> None:
    from typing import TypedDict

    class Old(TypedDict):
        a: int

    with pytest.raises(TypeSupportError) as caught:
        schema_of(Old)
    assert caught.value.hint and "typing_extensions" in caught.value.hint


class TestMarkers:
    def test_regex_matches_whole_texts(self) -> None:
        assert Regex("a+").matches("aa") and not Regex("a+").matches("aab")

    def test_regex_in_a_string_field_narrows_schema_and_validator(self) -> None:
        adapter = TypeAdapter(Annotated[str, Regex("[a-c]+")])
        assert accepts(Annotated[str, Regex("[a-c]+")], "abc")
        assert not accepts(Annotated[str, Regex("[a-c]+")], "abcd")
        with pytest.raises(ValueError, match="must match"):
            adapter.validate_python("abcd")

    def test_bad_regex_says_where(self) -> None:
        with pytest.raises(RegexSyntaxError) as caught:
            Regex("ab(")
        assert caught.value.span == (2, 3)

    def test_choice_is_an_enum(self) -> None:
        assert accepts(Annotated[str, Choice(["a", "b"])], "a")
        assert not accepts(Annotated[str, Choice(["a", "b"])], "c")

    @pytest.mark.parametrize("options", [[], [1, 2]], ids=str)
    def test_choice_needs_texts(self, options: list[Any]) -> None:
        with pytest.raises(TypeSupportError):
            Choice(options)

    def test_marker_narrows_only_str(self) -> None:
        with pytest.raises(TypeSupportError) as caught:
            schema_of(Annotated[int, Regex("a")])
        assert caught.value.type_name == "int"

    def test_grammar_inside_json_is_refused(self) -> None:
        with pytest.raises(TypeSupportError) as caught:
            schema_of(list[Annotated[str, Lark('start: "a"')]])
        assert caught.value.type_name == "Lark"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (r"\d+", r"[\p{Nd}]+"),
        (r"[\d-]", r"[\p{Nd}-]"),
        (r"(?P<year>\d)", r"(?<year>[\p{Nd}])"),
        (r"\Aab\Z", "^ab$"),
        (r"(?i)ab", "(?i:ab)"),
        (r"\"\-", '"-'),
        (r"[\-a]", r"[\-a]"),
        (r"\.\(", r"\.\("),
        (r"[]a]", r"[\]a]"),
        (r"[[a]", r"[\[a]"),
    ],
)
def test_python_patterns_become_ecma(source: str, expected: str) -> None:
    assert python_to_ecma(source) == expected


def test_rust_class_arithmetic_is_refused() -> None:
    with pytest.raises(TypeSupportError):
        rust_to_ecma("[a-z&&[^b]]")


@settings(max_examples=200)
@given(st.integers(0, 9999), st.integers(0, 9999), st.integers(0, 9999))
def test_between_is_order_of_texts(low: int, high: int, value: int) -> None:
    sides = between_pattern(f"{low:04d}", f"{high:04d}")
    assert all(re.search(side, f"{value:04d}") for side in sides) is (low <= value <= high)


@settings(max_examples=200)
@given(st.integers(1, 6), st.integers(0, 6), st.from_regex(r"\A-?[0-9]{1,4}(\.[0-9]{1,4})?\Z"))
def test_decimal_pattern_keeps_within_pydantics_limits(digits: int, places: int, text: str) -> None:
    if places > digits:
        return
    if re.search(decimal_pattern(digits, places), text):
        from decimal import Decimal

        TypeAdapter(Annotated[Decimal, Field(max_digits=digits, decimal_places=places)]).validate_json(json.dumps(text))
