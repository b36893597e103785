"""Texts read off a pattern are texts of the pattern; what cannot be read off is left to the automaton."""

from __future__ import annotations

import random
import re

import pytest

from structgen.automata.compile import compile_regex
from structgen.frontends.regex.ecma import parse_ecma
from structgen.frontends.regex.python import parse_python
from structgen.ir.sample import MOST_CHARACTERS, sample


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("", ""),
        ("abc", "abc"),
        ("[^a-z0-9]x", "!x"),
        ("(abc|de|f){3}", "fff"),
        ("a*b+c?", "b"),
        ("[é-ü]{2}", "éé"),
        ("(a|b*){4}c", "c"),
    ],
)
def test_shortest_in_characters(pattern: str, text: str) -> None:
    assert sample(parse_python(pattern)) == text


def test_what_looks_around_or_is_long_or_empty_is_not_read_off() -> None:
    assert sample(parse_python("(?=ab)a.")) is None
    assert sample(parse_python(f"(aa){{{MOST_CHARACTERS}}}")) is None
    assert sample(parse_python(r"[^\s\S]")) is None
    assert sample(parse_python(r"[^\s\S]|b")) == "b"


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("^ab$", "ab"),
        ("^$|^a+$", ""),
        ("^(?:a$|bc)", "a"),
        ("a^", None),
        ("$a", None),
        ("^(^a)b$$", "ab"),
        ("x(a$|bb)c", None),
    ],
)
def test_anchors_stand_at_the_ends(pattern: str, text: str | None) -> None:
    assert sample(parse_ecma(pattern, search=True)) == text


def _pattern(draws: random.Random, depth: int) -> str:
    if not depth or draws.random() < 0.3:
        return draws.choice(["a", "[b-d]", "[^a]", r"\d", ".", "é", r"\w"])
    inner = [_pattern(draws, depth - 1) for _ in range(draws.randint(1, 3))]
    if draws.random() < 0.4:
        return f"(?:{'|'.join(inner)})"
    return "".join(f"(?:{part}){draws.choice(['', '*', '+', '?', '{2,3}', '{3}'])}" for part in inner)


@pytest.mark.parametrize("seed", range(40))
def test_samples_match(seed: int) -> None:
    pattern = _pattern(random.Random(seed), 3)
    node = parse_python(pattern)
    text = sample(node)
    assert text is not None
    assert re.fullmatch(pattern, text)
    assert compile_regex(node).accepts(text.encode())
