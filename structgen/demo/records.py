"""The types of the four records, and the functions that extract them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import Enum
from importlib import resources
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from structgen.decorator import generate
from structgen.functions import Function

__all__ = ["TASKS", "BugReport", "JobAdvert", "LabNote", "Receipt", "Task"]

ShortText = Annotated[str, Field(min_length=1, max_length=60)]
LongText = Annotated[str, Field(min_length=1, max_length=160)]
Money = Annotated[float, Field(ge=0, le=100_000, multiple_of=0.01)]


class Line(BaseModel):
    quantity: Annotated[int, Field(ge=1, le=99)]
    article: ShortText
    amount: Money


class Receipt(BaseModel):
    shop: ShortText
    day: date
    lines: Annotated[list[Line], Field(min_length=1, max_length=8)]
    total: Money
    currency: Literal["CHF", "EUR", "USD"]
    paid_by: Literal["card", "cash", "unknown"]


class Contract(Enum):
    permanent = "permanent"
    temporary = "temporary"
    freelance = "freelance"


class Salary(BaseModel):
    minimum: Annotated[int, Field(ge=0, le=500_000)]
    maximum: Annotated[int, Field(ge=0, le=500_000)]
    currency: Literal["CHF", "EUR", "USD"]


class JobAdvert(BaseModel):
    title: ShortText
    company: ShortText
    cities: Annotated[list[ShortText], Field(min_length=1, max_length=3)]
    remote: bool
    contract: Contract
    skills: Annotated[list[ShortText], Field(min_length=1, max_length=5)]
    years_of_experience: Annotated[int, Field(ge=0, le=40)] | None
    salary: Salary | None
    apply_by: date | None


class Severity(Enum):
    low = "low"
    medium = "medium"
    high = "high"
    critical = "critical"


class BugReport(BaseModel):
    title: LongText
    version: Annotated[str, Field(pattern=r"^[0-9]+\.[0-9]+(\.[0-9]+)?$", max_length=12)]
    systems: Annotated[list[ShortText], Field(min_length=1, max_length=4)]
    steps: Annotated[list[LongText], Field(min_length=1, max_length=6)]
    expected: LongText
    actual: LongText
    severity: Severity
    workaround: LongText | None


class Series(BaseModel):
    substrate_mm: Annotated[float, Field(gt=0, le=100)]
    rates: Annotated[list[Annotated[float, Field(ge=0, le=1000)]], Field(min_length=1, max_length=3)]


class LabNote(BaseModel):
    day: date
    author: ShortText
    temperature_celsius: Annotated[int, Field(ge=-80, le=120)]
    ph: Annotated[float, Field(ge=0, le=14)]
    series: Annotated[list[Series], Field(min_length=1, max_length=4)]
    excluded_reason: LongText | None
    next_steps: Annotated[list[LongText], Field(max_length=3)]


@generate(max_tokens=400, whitespace="compact")
def read_receipt(text: str) -> Receipt:
    """Copy the facts of this receipt into a record.

    {text}
    """
    raise NotImplementedError


@generate(max_tokens=400, whitespace="compact")
def read_job_advert(text: str) -> JobAdvert:
    """Copy the facts of this job advert into a record.

    {text}
    """
    raise NotImplementedError


@generate(max_tokens=400, whitespace="compact")
def read_bug_report(text: str) -> BugReport:
    """Copy the facts of this bug report into a record.

    {text}
    """
    raise NotImplementedError


@generate(max_tokens=400, whitespace="compact")
def read_lab_note(text: str) -> LabNote:
    """Copy the facts of this lab note into a record.

    {text}
    """
    raise NotImplementedError


@dataclass(frozen=True)
class Task:
    """One text, its function and its type."""

    name: str
    function: Function[[str], Any]
    returns: type[BaseModel]

    @property
    def text(self) -> str:
        """The text as shipped."""
        path = resources.files("structgen.demo") / "texts" / f"{self.name}.txt"
        return path.read_text(encoding="utf-8")


TASKS = [
    Task("receipt", read_receipt, Receipt),
    Task("job_advert", read_job_advert, JobAdvert),
    Task("bug_report", read_bug_report, BugReport),
    Task("lab_note", read_lab_note, LabNote),
]
