"""One value has many texts: blanks, orders of properties and escapes that are allowed are all accepted."""

from __future__ import annotations

import itertools
import json
import random
from typing import Any

import pytest

import structgen as sg

SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 3},
        "kind": {"enum": ["é", "a/b"]},
        "ids": {"type": "array"},
    },
    "required": ["name", "kind"],
}
VALUE: dict[str, Any] = {"name": "aé😀", "kind": "a/b", "ids": [1, {"x": []}]}


def escaped(text: str, source: random.Random) -> str:
    """A JSON string of ``text`` with characters escaped at random, in every way there is."""
    out = []
    for char in text:
        units = char.encode("utf-16-be")
        forms = [char] if char not in '"\\' else ["\\" + char]
        forms.append("".join(f"\\u{units[i]:02x}{units[i + 1]:02X}" for i in range(0, len(units), 2)))
        forms += ["\\/"] if char == "/" else []
        out.append(source.choice(forms))
    return f'"{"".join(out)}"'


def spelled(value: Any, source: random.Random, blanks: str) -> str:
    """A random text of ``value``, properties in its order."""

    def gap() -> str:
        return "".join(source.choices(blanks, k=source.randint(0, 6))) if blanks else ""

    if isinstance(value, str):
        return escaped(value, source)
    if isinstance(value, list):
        return f"[{gap()}{f'{gap()},{gap()}'.join(spelled(v, source, blanks) for v in value)}{gap()}]"
    if isinstance(value, dict):
        pairs = [f"{escaped(k, source)}{gap()}:{gap()}{spelled(v, source, blanks)}" for k, v in value.items()]
        return f"{{{gap()}{f'{gap()},{gap()}'.join(pairs)}{gap()}}}"
    return json.dumps(value)


@pytest.mark.parametrize("whitespace", ["bounded", "any"])
def test_every_spelling_is_accepted(whitespace: Any) -> None:
    constraint = sg.json_schema(SCHEMA, whitespace=whitespace, property_order="any")
    source = random.Random(1)
    for order in itertools.permutations(VALUE):
        for _ in range(20):
            text = spelled({name: VALUE[name] for name in order}, source, " \t\n\r")
            assert json.loads(text) == VALUE
            assert constraint.accepts(text), text


def test_declared_order_is_kept_and_escapes_are_free() -> None:
    constraint = sg.json_schema(SCHEMA, property_order="declared", whitespace="compact")
    source = random.Random(2)
    for order in itertools.permutations(VALUE):
        text = spelled({name: VALUE[name] for name in order}, source, "")
        assert constraint.accepts(text) == (list(order) == list(VALUE)), text


def test_blanks_have_their_limits() -> None:
    texts = {n: f'{{"a":{" " * n}1}}' for n in (0, 24, 25, 900)}
    accepted = {
        whitespace: {n for n, text in texts.items() if sg.json_schema(True, whitespace=whitespace).accepts(text)}
        for whitespace in ("compact", "bounded", "any")
    }
    assert accepted == {"compact": {0}, "bounded": {0, 24}, "any": {0, 24, 25, 900}}


@pytest.mark.parametrize(
    "text", ['"\\x41"', '"\\u12"', '"\t"', "01", "1.", ".5", "+1", "NaN", "[1,]", '{"a":1,}', "'a'"]
)
def test_what_is_no_json_is_refused(text: str) -> None:
    assert not sg.json_schema(True, whitespace="any").accepts(text)
