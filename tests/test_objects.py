"""From text to object, and the path of any failure."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, field_validator

from structgen.errors import ObjectError
from structgen.frontends.pytypes import Choice, Lark, Regex
from structgen.objects import OutputType, type_constraint


class Item(BaseModel):
    name: str
    price: float

    @field_validator("price")
    @classmethod
    def not_odd(cls, value: float) -> float:
        if value == 13:
            raise ValueError("unlucky")
        return value


class Order(BaseModel):
    items: list[Item]
    extra: dict[str, Item] = {}


class Other(BaseModel):
    a: int


@pytest.mark.parametrize(
    ("target", "text", "path"),
    [
        (Order, '{"items": [{"name": "a", "price": 1}, {"name": "b", "price": 13}]}', "$.items[1].price"),
        (Order, '{"items": [], "extra": {"a b": {"name": "a", "price": 13}}}', '$.extra["a b"].price'),
        (Order, '{"items": [{"name": "a"}]}', "$.items[0].price"),
        (list[Item | Other], '[{"name": "b", "price": 13}]', "$[0].price"),
        (Item, '{"name": "b", "price": 13}', "$.price"),
        (int, '"x"', "$"),
        (Item, "not json", "$"),
    ],
    ids=str,
)
def test_object_error_says_where(target: Any, text: str, path: str) -> None:
    with pytest.raises(ObjectError) as caught:
        OutputType[Any](target).build(text)
    assert caught.value.path == path
    assert caught.value.text == text


@pytest.mark.parametrize(
    ("target", "text", "value"),
    [
        (int, "1.0", 1),
        (int, "1e2", 100),
        (int, "1e30", 10**30),
        (list[int], "[1e30, 2.0]", [10**30, 2]),
        (Literal[1, 2], "1.0", 1),
        (float, "1e400", float("inf")),
        (list[int | float], "[1, 1.0]", [1, 1.0]),
    ],
    ids=str,
)
def test_every_spelling_of_a_number_is_read(target: Any, text: str, value: Any) -> None:
    built = OutputType[Any](target).build(text)
    assert built == value
    if isinstance(value, list):
        assert [type(item) for item in built] == [type(item) for item in value]


def test_an_absurd_exponent_is_refused_and_does_not_hang() -> None:
    with pytest.raises(ObjectError):
        OutputType[Any](int).build("1e999999999")


@pytest.mark.parametrize(
    ("target", "is_text", "is_free"),
    [
        (str, True, True),
        (Regex("a"), True, False),
        (Choice(["a"]), True, False),
        (Lark('start: "a"'), True, False),
        (Annotated[str, Regex("a")], True, False),
        (Annotated[str, "a note"], False, False),
        (int, False, False),
        (list[str], False, False),
    ],
    ids=str,
)
def test_plain_text_or_json(target: Any, is_text: bool, is_free: bool) -> None:
    output = OutputType[Any](target)
    assert (output.is_text, output.is_free) == (is_text, is_free)


def test_text_is_taken_as_it_is_and_checked() -> None:
    assert OutputType[Any](str).build(' "a" ') == ' "a" '
    assert OutputType[Any](Choice(["a", "b"])).build("a") == "a"
    with pytest.raises(ObjectError):
        OutputType[Any](Regex("a+")).build("b")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("{", {}),
        ('{"items": [{"na', {"items": [{}]}),
        ('{"items": [{"name": "An', {"items": [{"name": "An"}]}),
    ],
)
def test_partial_values_are_plain_data(text: str, value: Any) -> None:
    assert OutputType[Any](Order).partial(text) == value


def test_a_schema_is_a_type_of_plain_data() -> None:
    output = OutputType[Any]({"type": "array"})
    assert output.build("[1]") == [1]
    assert output.schema == {"type": "array"}


def test_type_constraint_of_text_markers() -> None:
    assert type_constraint(Regex("a+")).accepts("aa")  # type: ignore[attr-defined]
    assert type_constraint(str).accepts("any\ntext")  # type: ignore[attr-defined]
    assert not type_constraint(Choice(["a"])).accepts("b")  # type: ignore[attr-defined]


def test_instruction_shows_formats_by_name() -> None:
    from datetime import date

    assert "date YYYY-MM-DD" in OutputType[Any](date).instruction()
    assert OutputType[Any](str).instruction() == ""
    assert "yes, no" in OutputType[Any](Choice(["yes", "no"])).instruction()
