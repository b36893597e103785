"""Random Python types that structgen supports, as a Hypothesis strategy."""

# ruff: noqa: UP007, UP045 -- types made at run time, and the spellings that users still write
from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import ipaddress
import pathlib
import uuid
from typing import Annotated, Any, Literal, NamedTuple, Optional, Union

import typing_extensions
from hypothesis import strategies as st
from pydantic import UUID4, AwareDatetime, BaseModel, Field, NaiveDatetime, StringConstraints, create_model

from structgen.frontends.pytypes import Choice, Regex

__all__ = ["LEAVES", "types"]


class Colour(enum.Enum):
    red = "red"
    blue = "blue"


class Level(enum.IntEnum):
    low = 1
    high = 2


LEAVES: list[Any] = [
    *(int, float, bool, str, None, bytes, decimal.Decimal, uuid.UUID, UUID4, pathlib.Path, Colour, Level),
    *(dt.date, dt.time, dt.datetime, dt.timedelta, AwareDatetime, NaiveDatetime),
    *(ipaddress.IPv4Address, ipaddress.IPv6Address),
    *(Literal["a", "b"], Literal[1, "x", None], Literal[True]),
    Annotated[int, Field(ge=-3, lt=10)],
    Annotated[int, Field(multiple_of=7, ge=0, le=700)],
    Annotated[float, Field(gt=0, le=2.5)],
    Annotated[float, Field(allow_inf_nan=False)],
    Annotated[float, Field(ge=0, le=10, multiple_of=0.25)],
    Annotated[str, Field(min_length=1, max_length=4)],
    Annotated[str, Field(pattern=r"^\d{2}-\w+$", max_length=9)],
    Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)],
    Annotated[str, Regex(r"[A-Z]{2}\d+")],
    Annotated[str, Choice(["yes", "no"])],
    Annotated[bytes, Field(max_length=3)],
    Annotated[decimal.Decimal, Field(max_digits=5, decimal_places=2)],
    Annotated[decimal.Decimal, Field(max_digits=4)],
    Annotated[decimal.Decimal, Field(decimal_places=3)],
    Annotated[decimal.Decimal, Field(ge=0, le=9)],
    Annotated[dt.date, Field(ge=dt.date(1999, 12, 31), lt=dt.date(2024, 3, 1))],
]
_HASHABLE = [int, str, bool, Colour, Literal["a", "b"], dt.date, uuid.UUID, Annotated[int, Field(ge=0, le=5)]]
_KEYS = [str, int, Colour, Literal["a", "b"], uuid.UUID, dt.date, Annotated[str, Field(min_length=1, max_length=3)]]


def types() -> st.SearchStrategy[Any]:
    """Leaves, containers, unions, models, dataclasses, typed dicts and named tuples over them."""
    return st.recursive(st.sampled_from(LEAVES), _compound, max_leaves=6)


def _compound(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    hashable, keys = st.sampled_from(_HASHABLE), st.sampled_from(_KEYS)
    return st.one_of(
        inner.map(lambda t: list[t]),
        inner.map(lambda t: Annotated[list[t], Field(min_length=1, max_length=3)]),
        hashable.map(lambda t: set[t]),
        hashable.map(lambda t: frozenset[t]),
        inner.map(lambda t: tuple[t, ...]),
        st.tuples(inner, inner).map(lambda pair: tuple[pair[0], pair[1]]),
        st.tuples(keys, inner).map(lambda pair: dict[pair[0], pair[1]]),
        inner.map(lambda t: Optional[t]),
        st.tuples(inner, inner).map(lambda pair: Union[pair[0], pair[1]]),
        st.lists(inner, min_size=1, max_size=3).map(_model),
        st.lists(inner, min_size=1, max_size=3).map(_dataclass),
        st.lists(inner, min_size=1, max_size=3).map(_typed_dict),
        st.lists(inner, min_size=1, max_size=3).map(_named_tuple),
    )


def _model(fields: list[Any]) -> type[BaseModel]:
    named: dict[str, Any] = {f"field_{i}": (t, ...) for i, t in enumerate(fields[:-1])}
    return create_model("Model", **named, last=(Optional[fields[-1]], None))


def _dataclass(fields: list[Any]) -> type:
    return dataclasses.make_dataclass("Data", [(f"field_{i}", t) for i, t in enumerate(fields)])


def _typed_dict(fields: list[Any]) -> Any:
    return typing_extensions.TypedDict("Typed", {f"field {i}": t for i, t in enumerate(fields)})


def _named_tuple(fields: list[Any]) -> Any:
    return NamedTuple("Named", [(f"field_{i}", t) for i, t in enumerate(fields)])
