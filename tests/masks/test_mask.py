"""Packed masks: layout, and the helpers that read them."""

from __future__ import annotations

import numpy as np
import pytest

from structgen.kernels import bits
from structgen.masks import mask


@pytest.mark.parametrize("n_tokens", [1, 31, 32, 33, 100])
def test_bit_t_and_31_of_word_t_shift_5(n_tokens: int) -> None:
    ids = [i for i in range(n_tokens) if i % 3 == 0 or i == n_tokens - 1]
    row = mask.mask_of(ids, n_tokens)
    assert row.shape == ((n_tokens + 31) // 32,) and row.dtype == np.uint32
    for token_id in range(n_tokens):
        assert bool(row[token_id >> 5] >> np.uint32(token_id & 31) & 1) == (token_id in ids)
        assert mask.is_allowed(row, token_id) == (token_id in ids)
    assert mask.allowed_ids(row, n_tokens).tolist() == ids
    assert np.flatnonzero(mask.to_bool(row, n_tokens)).tolist() == ids
    assert mask.count_allowed(row) == bits.count_bits(row) == len(ids)


def test_batches_unpack_row_by_row() -> None:
    rows = np.stack([mask.mask_of([1], 40), mask.mask_of([39], 40)])
    assert [np.flatnonzero(r).tolist() for r in mask.to_bool(rows, 40)] == [[1], [39]]


def test_set_bits_equals_mask_of() -> None:
    row = mask.empty_mask(70)
    bits.set_bits(row, np.array([0, 31, 32, 69], dtype=np.int32))
    assert (row == mask.mask_of([0, 31, 32, 69], 70)).all()


@pytest.mark.parametrize("row", [np.zeros(4, np.int64), np.zeros(8, np.uint32)[::2], [0, 0]])
def test_rows_of_another_kind_are_refused(row: object) -> None:
    with pytest.raises(TypeError):
        mask.check_row(row, 4)  # type: ignore[arg-type]


def test_rows_of_another_width_are_refused() -> None:
    with pytest.raises(ValueError):
        mask.check_row(np.zeros(3, np.uint32), 4)


def test_sums_and_equality_of_rows() -> None:
    draws = np.random.default_rng(1)
    for n in (1, 3, 8, 77):
        row = draws.integers(0, 2**32, n, dtype=np.uint32)
        assert bits.total(row) == int(row.astype(np.uint64).sum()) % 2**32
        other = row.copy()
        assert bits.are_equal(row, other)
        for at in range(n):
            other[at] ^= np.uint32(1 << int(draws.integers(32)))
            assert not bits.are_equal(row, other)
            other[at] = row[at]
