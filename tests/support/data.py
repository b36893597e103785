"""Data that is not part of the project: the MaskBench schemas, the official suite, tokenizers."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

__all__ = ["data_path", "data_root"]


def data_root() -> Path:
    """The folder ``STRUCTGEN_DATA`` names; by default ``shared`` beside the checkout."""
    named = os.environ.get("STRUCTGEN_DATA")
    return Path(named) if named else Path(__file__).resolve().parents[3] / "shared"


def data_path(*parts: str) -> Path:
    """A file or folder of the data; skips the test, and says why, where it is absent."""
    path = data_root().joinpath(*parts)
    if not path.exists():
        pytest.skip(f"{'/'.join(parts)} is not in {data_root()} (set STRUCTGEN_DATA)")
    return path
