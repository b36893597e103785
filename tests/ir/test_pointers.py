"""Pointers in the making spell what they would have been as text."""

from __future__ import annotations

import pytest

from structgen.ir.pointers import Pointer, spelled


@pytest.mark.parametrize(
    ("pointer", "text"),
    [
        ("", ""),
        ("/a~1b", "/a~1b"),
        (("", "type"), "/type"),
        (("/items", "properties", "a/b~c"), "/items/properties/a~1b~0c"),
        (((("", "allOf", 0), "items"), "enum"), "/allOf/0/items/enum"),
        (("", ""), "/"),
    ],
    ids=repr,
)
def test_spelling(pointer: Pointer, text: str) -> None:
    assert spelled(pointer) == text


def test_deep_pointers_are_spelled() -> None:
    pointer: Pointer = ""
    for _ in range(100_000):
        pointer = (pointer, "not")
    assert spelled(pointer) == "/not" * 100_000
