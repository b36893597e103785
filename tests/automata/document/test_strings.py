"""Patterns under bounds of lengths, against all short texts."""

from __future__ import annotations

import itertools
import re

import pytest

from structgen.automata.document.automaton import DocumentAutomaton
from structgen.errors import UnsatisfiableError
from structgen.frontends.jsonschema.build import SchemaSource

LETTERS = "abé"
TEXTS = ["".join(letters) for n in range(8) for letters in itertools.product(LETTERS, repeat=n)]
PATTERNS = ["^(aab|bb)*$", "ab", "^a|bbb$", "^(aaaa)*é?$", "^(a|bbé)+$", "^b{2,3}(éé)*$"]


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize(("low", "high"), [(0, 3), (1, 1), (2, 5), (3, 3), (4, 6), (5, 5)])
def test_texts_of_patterns_between_two_lengths(pattern: str, low: int, high: int) -> None:
    """Where not every length is to be had, a text is dead as soon as none can be reached."""
    allowed = [text for text in TEXTS if low <= len(text) <= high and re.search(pattern, text)]
    begun = {text[:end] for text in allowed for end in range(len(text) + 1)}
    schema = {"type": "string", "pattern": pattern, "minLength": low, "maxLength": high}
    try:
        automaton = DocumentAutomaton(SchemaSource(schema), whitespace="compact")
    except UnsatisfiableError:
        assert allowed == []
        return
    for text in TEXTS:
        config = automaton.read(automaton.start, b'"' + text.encode())
        assert (config is not None) == (text in begun), text
        closed = None if config is None else automaton.read(config, b'"')
        assert (closed is not None and automaton.is_accepting(closed)) == (text in allowed), text
