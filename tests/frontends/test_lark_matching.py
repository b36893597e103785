"""Matching short texts against Python's own ``re``."""

from __future__ import annotations

import itertools
import re

import pytest

from structgen.frontends.lark.matching import matches_whole, whole_matches
from structgen.frontends.lark.patterns import read_pattern

EXPRESSIONS = [
    "a", "a|ab", "ab|a", "(a|ab)(c|bc)", "a*", "a*?b", "(a|b)*c?", "(ab?){1,2}", "a(?=b)b", "a(?!b).*", "(?<=a)b|a",
    "[^a]+", "[ab]{2,3}?", "(?:a|)+b", "(?i:A)b", r"\w+", r"a\b.", "(?<!a)b|ab", ".*?c", "(a*)*b", r"[^\Wab]c",
    r"[^\W\da-b]+", r"[^\W_]", "[ab][a-c]*", r"[^\W\d]\w*",
]  # fmt: skip
TEXTS = ["".join(letters) for n in range(5) for letters in itertools.product("abc", repeat=n)] + ["é", "_", "1c", "cé"]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_whole_matches_are_those_of_re(expression: str) -> None:
    pattern, compiled = read_pattern(expression, name="X"), re.compile(expression)
    for text in TEXTS:
        match = compiled.match(text)
        assert matches_whole(pattern, text) == (match is not None and match.end() == len(text)), text
    assert whole_matches(pattern, TEXTS) == [matches_whole(pattern, text) for text in TEXTS]
