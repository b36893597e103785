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
def _first(values: npt.NDArray[np.int64]) -> int:
    return values[0]


def test_machine_code_is_called_once_there_is_some() -> None:
    values = np.arange(5, dtype=np.int64)
    assert direct(_scaled_sum) is _scaled_sum  # not compiled yet
    assert _scaled_sum(values, 3) == 30
    found = direct(_scaled_sum)
    assert found(values, 3) == 30 and found(values[1:], 2) == 20
    if os.environ.get("NUMBA_DISABLE_JIT", "0") == "0":
        assert found is not _scaled_sum
        with pytest.raises(TypeError):
            found(values.astype(np.int32), 3)


def test_kernels_of_several_types_are_called_as_ever() -> None:
    assert _first(np.array([7], np.int64)) == 7
    assert _first(np.array([8], np.int32)) == 8
    assert direct(_first) is _first
