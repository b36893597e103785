"""The device's masked draw against the CPU's kernel, and packed masks against unpacked ones."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import structgen as sg
from structgen.samplers.draw import Drawer
from structgen.samplers.masking import Masking
from structgen.samplers.protocol import DrawingState
from structgen.samplers.transforms import Transform
from tests.kernels.test_weights import TRANSFORMS, pack, random_scores

pytestmark = pytest.mark.torch


@pytest.mark.parametrize("n_tokens", [1, 31, 32, 33, 500])
def test_unpacking_equals_numpy(n_tokens: int) -> None:
    import torch

    from structgen.models import device_masks

    rng = np.random.default_rng(n_tokens)
    allowed = rng.random((4, n_tokens)) < 0.5
    words = device_masks.upload(np.stack([pack(row) for row in allowed]), torch.device("cpu"))
    assert np.array_equal(device_masks.unpack_mask(words, n_tokens).numpy(), allowed)
    scores = torch.zeros(4, n_tokens)
    applied = device_masks.apply_mask(scores, words)
    assert applied is scores
    assert np.array_equal(applied.numpy() == 0, allowed)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_device_draw_equals_cpu_draw(name: str) -> None:
    import torch

    from structgen.models import device_masks

    rng = np.random.default_rng(len(name))
    for n_tokens in (1, 33, 300):
        for density in (0.05, 0.5, 1.0):
            scores = np.stack([random_scores(rng, n_tokens) for _ in range(6)])
            allowed = rng.random((6, n_tokens)) < density
            allowed[:, rng.integers(n_tokens)] = True
            masks, uniforms = np.stack([pack(row) for row in allowed]), rng.random(6)
            expected = Drawer(n_tokens).draw(scores, masks, TRANSFORMS[name], uniforms)
            words = device_masks.upload(masks, torch.device("cpu"))
            found = device_masks.draw(torch.from_numpy(scores), words, TRANSFORMS[name], uniforms)
            assert found.token_ids.tolist() == expected.token_ids.tolist()
            assert found.log_masses == pytest.approx(expected.log_masses, abs=1e-6)
            assert found.log_probs == pytest.approx(expected.log_probs)


def test_device_draw_settles_hopeless_rows_as_the_cpu_does() -> None:
    import torch

    from structgen.models import device_masks

    scores = np.array([[0.0, -np.inf, -np.inf], [0.0, -np.inf, -np.inf], [np.nan] * 3], dtype=np.float32)
    masks = np.array([[0b110], [0], [0b111]], dtype=np.uint32)
    for transform in (Transform(), Transform(temperature=0), Transform(top_k=2)):
        expected = Drawer(3).draw(scores, masks, transform, np.full(3, 0.5))
        words = device_masks.upload(masks, torch.device("cpu"))
        found = device_masks.draw(torch.from_numpy(scores), words, transform, np.full(3, 0.5))
        assert found.token_ids.tolist() == expected.token_ids.tolist() == [1, -1, -1]
        assert found.log_masses.tolist()[:2] == expected.log_masses.tolist()[:2] == [-np.inf, -np.inf]
        assert np.isnan(found.log_masses[2])
        assert np.isnan(expected.log_masses[2])


def test_a_drawing_state_gives_the_samples_of_a_plain_one(tiny: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The GPU's path, run on the CPU."""
    from structgen.models import transformers
    from structgen.models.decode import DeviceState

    constraint = sg.regex("[a-z]{3,6}(, [0-9]+)?")
    settings = {"constraint": constraint, "n": 5, "max_tokens": 14, "seed": 3}
    for sampler in (Masking(), Masking(temperature=0.7, top_p=0.9), Masking(temperature=0)):
        plain = sampler.sample(tiny, "Go", **settings)  # type: ignore[arg-type]
        with monkeypatch.context() as patched:
            patched.setattr(transformers, "TransformersState", DeviceState)
            assert isinstance(tiny.start([[1]]), DrawingState)
            drawn = sampler.sample(tiny, "Go", **settings)  # type: ignore[arg-type]
        assert drawn.texts == plain.texts
        assert drawn.log_weights == pytest.approx(plain.log_weights, abs=1e-4)
        assert drawn.log_probs == pytest.approx(plain.log_probs, abs=1e-4)


TRITON = """
import numpy as np, torch
from structgen.models.triton_masks import apply_mask
rng = np.random.default_rng(0)
for n_tokens in (1, 33, 3000):
    allowed = rng.random((3, n_tokens)) < 0.5
    padded = np.zeros((3, -(-n_tokens // 32) * 32), dtype=np.uint8)
    padded[:, :n_tokens] = allowed
    words = torch.from_numpy(np.packbits(padded, axis=1, bitorder="little").view(np.int32).copy())
    scores = torch.from_numpy(rng.normal(size=(3, n_tokens)).astype(np.float32))
    expected = np.where(allowed, scores.numpy(), -np.inf)
    assert np.array_equal(apply_mask(scores, words).numpy(), expected)
print("equal")
"""


@pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="triton is not installed")
def test_triton_kernel_equals_numpy_in_the_interpreter() -> None:
    environment = {**os.environ, "TRITON_INTERPRET": "1"}
    done = subprocess.run([sys.executable, "-c", TRITON], capture_output=True, text=True, env=environment)
    assert done.stdout.strip() == "equal", done.stderr
