"""After ``warm_up`` no kernel of masks and vocabularies is compiled any more."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECK = """
from structgen.masks.warm_up import warm_up
warm_up()
from structgen.kernels import completion, horizon, text_run, trie, walk
from structgen.masks.costs import path_costs
kernels = [k for m in (completion, horizon, text_run, trie, walk) for k in vars(m).values() if hasattr(k, "signatures")]
cold = [k.__name__ for k in kernels if not k.signatures and k.targetoptions.get("inline") != "always"]
print(len(kernels), cold)
"""


@pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="nothing is compiled")
def test_warm_up_leaves_no_kernel_cold() -> None:
    root = Path(__file__).resolve().parents[2]
    run = subprocess.run(
        [sys.executable, "-c", CHECK],
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=250,
        check=True,
    )
    n_kernels, cold = run.stdout.strip().split(" ", 1)
    assert int(n_kernels) >= 12
    assert cold == "[]"
