"""The repetition penalty: blocks found, the golden distribution, and proper weights."""

import math

import numpy as np
import pytest

from structgen.models.table import Table
from structgen.potentials import product
from structgen.potentials.repetition import LarkRules, Repetition, first_bytes, repeated_block
from structgen.samplers import AWRS
from structgen.testing import check_potential, check_sampler_exactly
from structgen.vocab.vocabulary import Vocabulary


@pytest.mark.parametrize(
    ("symbols", "expected"),
    [
        (["def", "A", "B", "A", "B"], (2, 2)),
        (["A", "A", "A"], (3, 1)),
        (["A", "B", "C"], (1, 0)),
        ([], (1, 0)),
        (["A", "A", "B"], (1, 0)),
        (["A", "B", "B", "A", "B", "B"], (2, 1)),
    ],
)
def test_blocks(symbols, expected):
    assert repeated_block(symbols) == expected


def test_blocks_equal_the_slow_way():
    rng = np.random.default_rng(0)
    for _ in range(300):
        symbols = list(rng.integers(0, 2, int(rng.integers(0, 12))))
        best = (1, 0)
        for length in range(1, len(symbols) + 1):
            n = 1
            while symbols[-length * (n + 1) : len(symbols) - length * n] == symbols[-length:]:
                n += 1
            if n > best[0]:
                best = (n, length)
        assert repeated_block(symbols) == best


class TwoRepeats:
    """Token 0 has repeated twice, whatever the text."""

    skipped = b""

    def rules(self, data):
        return [("r", frozenset(b"x"))] * 2


def test_golden_distribution():
    vocabulary = Vocabulary.from_bytes([b"x", b"y", b"</s>"], eos_ids=[2])
    penalty = Repetition(TwoRepeats(), alpha=0.9).bind(vocabulary)
    weighed = np.array([0.6, 0.3, 0.1]) * np.exp(penalty.logw_next([]))
    assert weighed[0] == pytest.approx(0.486)
    assert weighed[0] / weighed.sum() == pytest.approx(0.486 / (0.486 + 0.4))


GRAMMAR = """
start: (assign | call)+
assign: NAME "=" NUMBER ";"
call: NAME "(" ")" ";"
NAME: /[a-z]+/
NUMBER: /[0-9]+/
%ignore " "
"""
TOKENS = [b"x=1;", b" y", b"=", b"2", b";", b"f();", b"("]


def bound():
    vocabulary = Vocabulary.from_bytes([*TOKENS, b"</s>"], eos_ids=[len(TOKENS)])
    return Repetition(LarkRules(GRAMMAR, skipped=b" "), alpha=0.5).bind(vocabulary)


def test_statements_of_the_same_shape_repeat():
    penalty = bound()
    once, twice, thrice = (penalty.logw_next([0] * n) for n in (1, 2, 3))
    assert not once.any()
    names = [0, 1, 5]
    assert twice[names] == pytest.approx([2 * math.log(0.5)] * 3)
    assert thrice[names] == pytest.approx([3 * math.log(0.5)] * 3)
    assert not np.delete(thrice, names).any()


def test_another_statement_ends_the_repetition():
    assert not bound().logw_next([0, 0, 5]).any()


def test_within_a_statement_nothing_is_penalised():
    assert not bound().logw_next([0, 0, 1]).any()


def test_laws_of_a_potential():
    penalty = bound()
    check_potential(penalty, penalty.vocabulary, max_tokens=3)


def test_weights_stay_proper_under_the_penalty():
    penalty = bound()
    model = Table.random(3, vocabulary=penalty.vocabulary)
    target = product(penalty)
    exact = {ids: p * math.exp(penalty.complete(ids)) for ids, p in model.enumerate(2)}
    check_sampler_exactly(AWRS(), model, exact, constraint=target, max_tokens=3)


@pytest.mark.parametrize(
    ("pattern", "starts"), [("[a-c]x", b"abc"), ("ab|cd", b"ac"), ("(?:x?)y", b"xy"), ("[0-9]+", b"0123456789")]
)
def test_first_bytes(pattern, starts):
    assert first_bytes(pattern) == frozenset(starts)


def test_alpha_is_a_factor():
    with pytest.raises(ValueError, match="alpha"):
        Repetition(TwoRepeats(), alpha=1.5)
