"""Kernels compile to one version each, and say the same interpreted."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from structgen.masks.mask import empty_mask
from tests.masks.cases import CONSTRAINTS
from tests.masks.exercise import digest
from tests.support import vocabularies

PRINT_DIGEST = "from tests.masks.exercise import digest; print(digest())"


def digest_in_a_process(**environment: str) -> str:
    root = Path(__file__).resolve().parents[2]
    run = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-W", "ignore:overflow:RuntimeWarning", "-c", PRINT_DIGEST],
        env={**os.environ, "PYTHONPATH": str(root), **environment},
        cwd=root,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    return run.stdout.strip()


@pytest.mark.slow
def test_interpreted_kernels_say_the_same() -> None:
    assert digest_in_a_process(NUMBA_DISABLE_JIT="1") == digest()


@pytest.mark.slow
def test_kernels_stay_within_their_arrays(tmp_path: Path) -> None:
    assert digest_in_a_process(NUMBA_BOUNDSCHECK="1", NUMBA_CACHE_DIR=str(tmp_path)) == digest()


@pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="nothing is compiled")
def test_each_kernel_has_one_version() -> None:
    from structgen.kernels import completion, horizon, text_run, trie, walk

    digest()
    for vocabulary in (vocabularies.letters(), vocabularies.hostile()):
        matcher = CONSTRAINTS["letters"].bind(vocabulary).start()
        matcher.fill_mask(empty_mask(vocabulary.n_tokens))
        matcher.fill_mask(empty_mask(vocabulary.n_tokens), 50)
        assert matcher.advance_bytes(b"ab")
        vocabulary.encode_bytes(b"ab01")
        vocabulary.encode_fewest(b"ab01")
    kernels = [
        walk.fill_dfa_mask,
        walk.fill_dfa_mask_within,
        walk.mark_landings,
        completion.path_costs,
        completion.max_landing_cost,
        horizon.horizon_classes,
        text_run.build_run,
        text_run.fill_from_exits,
        text_run.loop_of,
        trie.build_trie,
        trie.longest_match,
        trie.fewest_tokens,
    ]
    counts = {kernel.__name__: len(kernel.signatures) for kernel in kernels}
    assert max(counts.values()) == 1, counts
