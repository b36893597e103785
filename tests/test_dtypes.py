"""Arrays as kernels take them."""

from __future__ import annotations

import os

import pytest

from structgen.dtypes import lazy_zeros


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that are forked")
def test_processes_do_not_write_into_each_others_zeros() -> None:
    array = lazy_zeros((4, 3), "int32")
    child = os.fork()
    if not child:
        array[:] = 7
        os._exit(0)
    os.waitpid(child, 0)
    assert array.sum() == 0
