"""Programs that every type checker must accept; never run. README's decorator example is checked besides."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal, assert_type

from pydantic import BaseModel, Field

import structgen as sg


class Person(BaseModel):
    name: Annotated[str, Field(max_length=40)]
    age: Annotated[int, Field(ge=0, le=130)]
    mood: Literal["calm", "cross"] | None = None


@sg.generate
def extract(text: str) -> Person:
    """Extract the person in this note: {text}"""
    raise NotImplementedError


@sg.generate(sampler=sg.samplers.Masking(temperature=0), seed=0, max_tokens=400, retries=1)
async def people(text: str, tone: str = "dry") -> list[Person]:
    return sg.prompt(f"List everyone in {text}.", system=f"Be {tone}.")


assert_type(extract("Ann, 41, is calm"), Person)
assert_type(extract(text="Ann").mood, Literal["calm", "cross"] | None)
assert_type(extract.raw("Ann").value, Person)
assert_type(extract.using(max_tokens=3)("Ann"), Person)
assert_type(sg.batch([extract.bind("Ann"), extract.bind("Bo")]), list[Person])
assert_type(extract.messages("Ann"), list[dict[str, str]])
assert_type(sg.Function("Name a colour: {x}", returns=Person)("x"), Person)
any_value: Any = sg.Function("Name a colour: {x}", returns=Literal["red", "blue"])("x")


@sg.generate(constraint=sg.regex("[a-z.]+"), monitors=[sg.monitors.python(project=".", on_failure="continue")])
def line(task: str) -> str:
    """Write a line that does {task}"""
    raise NotImplementedError


assert_type(line("x"), str)
assert_type(line.using(monitors=[]).raw("x").monitors[0].gave_up, str)
monitored: sg.Constraint = sg.monitored(None, [sg.monitors.python()])


async def caller() -> list[Person]:
    stream: AsyncIterator[Any] = people.stream("x")
    async for part in stream:
        print(part)
    assert_type((await people.raw("x")).value, list[Person])
    return await people("Ann and Bo", tone="warm")


constraint: sg.Constraint = sg.regex("[0-9]+") | sg.choice(["none"])
