"""A batch of masks equals the masks one by one."""

from __future__ import annotations

import random

import numpy as np
import pytest

from structgen.errors import IncompleteError
from structgen.masks.batch import fill_masks
from structgen.masks.mask import allowed_ids, empty_mask
from structgen.masks.matcher import Matcher
from tests.masks.cases import CONSTRAINTS
from tests.support import vocabularies


def matchers(n: int) -> list[Matcher]:
    vocabulary, rng = vocabularies.hostile(), random.Random(2)
    made = []
    for name in rng.choices(sorted(CONSTRAINTS), k=n):
        matcher = CONSTRAINTS[name].bind(vocabulary).start()
        row = empty_mask(vocabulary.n_tokens)
        for _ in range(rng.randint(0, 6)):
            matcher.fill_mask(row)
            allowed = allowed_ids(row, vocabulary.n_tokens)
            if len(allowed):
                matcher.advance(int(rng.choice(allowed)))
        made.append(matcher)
    return made


@pytest.mark.parametrize("use_threads", [True, False])
@pytest.mark.parametrize("budget", [None, 500])
def test_a_batch_equals_the_masks_one_by_one(use_threads: bool, budget: int | None) -> None:
    batch = matchers(40)
    n_tokens = batch[0].vocabulary.n_tokens
    together, alone = empty_mask(n_tokens, 40), empty_mask(n_tokens, 40)
    together[:] = 0xFFFFFFFF
    fill_masks(batch, together, None if budget is None else [budget] * 40, use_threads=use_threads)
    for matcher, row in zip(batch, alone, strict=True):
        matcher.fill_mask(row, budget)
    assert np.array_equal(together, alone)


def test_an_empty_batch_is_fine() -> None:
    fill_masks([], np.zeros((0, 4), dtype=np.uint32))


def test_rows_and_matchers_must_agree() -> None:
    batch = matchers(3)
    with pytest.raises(ValueError):
        fill_masks(batch, empty_mask(batch[0].vocabulary.n_tokens, 2))


def test_a_budget_too_small_raises() -> None:
    batch = [CONSTRAINTS["date"].bind(vocabularies.all_bytes()).start()] * 2
    with pytest.raises(IncompleteError):
        fill_masks(batch, empty_mask(257, 2), [None, 3])
