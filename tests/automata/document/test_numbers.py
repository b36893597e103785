"""The automata of ``multipleOf`` against exact division."""

from __future__ import annotations

import itertools
import re
from decimal import Decimal

import pytest

from structgen.automata.document.numbers import number_dfa
from structgen.ir.document import MultipleOf

TEXTS = ["".join(text) for n in range(1, 6) for text in itertools.product("-.0257", repeat=n)]
NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?\Z")


@pytest.mark.parametrize("divisor", ["1", "2", "7", "25", "0.5", "0.25", "2.5", "0.007", "1E+1"])
def test_multiples_are_told_by_their_digits(divisor: str) -> None:
    dfa = number_dfa([MultipleOf(Decimal(divisor))])
    n_multiples = 0
    for text in TEXTS:
        expected = NUMBER.match(text) is not None and Decimal(text) % Decimal(divisor) == 0
        n_multiples += expected
        assert dfa.accepts(text) == expected, text
    assert n_multiples > 20
