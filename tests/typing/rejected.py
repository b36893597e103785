"""Programs that every type checker must reject: each line that ends in ``# reject`` is an error."""

from __future__ import annotations

import structgen as sg


@sg.generate
def count(text: str) -> int:
    """Count the words of {text}"""
    raise NotImplementedError


@sg.generate(max_tokens=10)
async def later(text: str) -> int:
    return sg.prompt(text)


count(3)  # reject
count(txt="a")  # reject
count.bind(3)  # reject
count.raw(3)  # reject
length: str = count("a")  # reject
flag: str = sg.batch([count.bind("a")])[0]  # reject


async def caller() -> None:
    await later(3)  # reject
    answer: str = await later("a")  # reject
    print(answer)


sg.generate(max_tokens="many")  # reject
sg.generate(constraint="[a-z]+")  # reject
sg.generate(monitors="python")  # reject
sg.monitors.python(on_failure="shrug")  # reject
