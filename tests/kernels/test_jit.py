"""Calls past the lookup of types give what calls of the kernel give."""

from __future__ import annotations

import os

import numpy as np
import numpy.typing as npt
import pytest

from structgen.kernels.jit import direct, kernel


@kernel
def _scaled_sum(values: npt.NDArray[np.int64], factor: int) -> int:
    total = 0
    for value in values:
        total += value * factor
    return total


@kernel
def _sum_or_first(values: npt.NDArray[np.int64], is_sum: int) -> int:
    return int(values.sum() if is_sum else values[0])


@kernel
def _sum_within(values: npt.NDArray[np.int64]) -> int:
    return int(_sum_or_first(values, 1))


def test_machine_code_is_called_once_there_is_some() -> None:
    values = np.arange(5, dtype=np.int64)
    kept = direct(_scaled_sum)
    assert kept(values, 3) == 30
    found = direct(_scaled_sum)
    assert found(values, 3) == 30 and found(values[1:], 2) == 20 and kept(values, 3) == 30
    if os.environ.get("NUMBA_DISABLE_JIT", "0") == "0":
        assert found is not _scaled_sum
        with pytest.raises(TypeError):
            found(values.astype(np.int32), 3)


def test_versions_that_other_kernels_call_are_not_taken() -> None:
    values = np.arange(1, 5, dtype=np.int64)
    assert _sum_within(values) == 10  # compiles what it calls, with a constant among its arguments
    for _ in range(3):
        assert direct(_sum_or_first)(values, 0) == 1
        assert direct(_sum_or_first)(values, 1) == 10
