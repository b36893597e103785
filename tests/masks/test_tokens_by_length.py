"""Masks of tokens with at most so many characters, against a count of each."""

from __future__ import annotations

import random

import numpy as np

from structgen.masks.mask import to_bool
from structgen.masks.tokens_by_length import TokensByLength


def test_masks_hold_the_tokens_that_are_short_enough_in_whatever_order_they_are_asked_for() -> None:
    draws = random.Random(5)
    for _ in range(20):
        tokens = np.array(draws.sample(range(200), draws.randint(1, 90)))
        characters = np.array([min(draws.randint(0, 30), draws.randint(0, 30)) for _ in tokens])
        by_length = TokensByLength.of(tokens, characters)
        for most in draws.sample(range(40), 40):
            found = np.flatnonzero(to_bool(by_length.content(most, 7), 200)).tolist()
            assert found == sorted(tokens[characters <= most].tolist())


def test_no_tokens_at_all() -> None:
    none = np.zeros(0, np.int64)
    assert not TokensByLength.of(none, none).content(3, 2).any()
