"""After ``warm_up`` nothing is compiled or read from the disk any more, whatever is constrained."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

CHECK = """
import importlib, json, pkgutil, sys
from pathlib import Path
import numpy as np
import structgen, structgen.kernels

def variants():
    found = {}
    for module in pkgutil.iter_modules(structgen.kernels.__path__):
        members = vars(importlib.import_module(f"structgen.kernels.{module.name}")).items()
        found |= {f"{module.name}.{name}": len(k.signatures) for name, k in members if hasattr(k, "signatures")}
    return found

structgen.warm_up()
before = variants()
tokens = [*(bytes([byte]) for byte in range(256)), b'{"', b'": ', b'", "', b"ab", b"the ", b"12", b"</s>"]
vocabulary = structgen.Vocabulary.from_bytes(tokens, eos_ids=[len(tokens) - 1])
row = np.zeros(vocabulary.n_words, dtype=np.uint32)
n_cases = 0
for path in sorted(Path("schemas").glob("[a-z]*.json")):
    case = json.loads(path.read_text())
    constraint = structgen.json_schema(case["schema"], property_order="any", whitespace="any").bind(vocabulary)
    for test in case["tests"]:
        matcher = constraint.start()
        for token in vocabulary.encode_bytes(json.dumps(test["data"]).encode()):
            matcher.fill_mask(row)
            if not matcher.try_advance(token):
                break
        n_cases += 1
new = {name: number for name, number in variants().items() if number != before[name]}
print(json.dumps([n_cases, sum(before.values()), new]))
"""


@pytest.mark.slow
@pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="nothing is compiled")
def test_no_schema_of_ours_needs_a_kernel_that_is_not_warm() -> None:
    import json

    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [sys.executable, "-c", CHECK],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=280,
        check=True,
    )
    n_cases, n_warm, new = json.loads(run.stdout)
    assert n_cases > 300
    assert n_warm > 40
    assert new == {}
