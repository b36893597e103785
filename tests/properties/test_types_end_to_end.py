"""Any walk through a type's masks that ends accepting parses, validates and builds the object."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from structgen.demo.records import TASKS
from structgen.objects import OutputType, type_constraint
from structgen.report.probe import draw_texts, explain
from tests.frontends.test_pytypes import RICH
from tests.support.documents import documents
from tests.support.types import LEAVES, types


def walks_build(target: Any, n: int, seed: int, max_bytes: int = 300) -> None:
    output = OutputType[Any](target)
    for text in draw_texts(type_constraint(target), n, seed=seed, max_bytes=max_bytes):
        output.build(text)


@pytest.mark.parametrize("target", [*LEAVES, *RICH, *(task.returns for task in TASKS)], ids=str)
def test_walks_of(target: Any) -> None:
    walks_build(target, 3, seed=0, max_bytes=2000)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(types(), st.integers(0, 1000))
def test_walks_of_random_types(target: Any, seed: int) -> None:
    walks_build(target, 2, seed, max_bytes=2000)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_documents_are_reachable(data: st.DataObject) -> None:
    """Nothing valid is forbidden: a random valid document, compact, is accepted (in declared order)."""
    target = data.draw(types())
    output = OutputType[Any](target)
    if output.is_text:
        return
    text = data.draw(documents(output.schema))
    refusal = explain(type_constraint(target), text)
    assert refusal is None, f"{text!r}: {refusal}"
