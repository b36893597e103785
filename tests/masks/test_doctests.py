"""Examples in docstrings of vocabularies, matchers and constraints are tests."""

from __future__ import annotations

import doctest
import importlib

import pytest


@pytest.mark.parametrize("name", ["structgen.constraint", "structgen.masks.matcher", "structgen.vocab.vocabulary"])
def test_examples_run(name: str) -> None:
    failed, tried = doctest.testmod(importlib.import_module(name))
    assert failed == 0 and tried > 0
