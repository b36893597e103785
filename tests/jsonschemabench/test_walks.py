"""Walks: they end, they are judged, and what goes wrong is said."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import structgen as sg
from jsonschemabench.commands.walks_command import _show
from jsonschemabench.exact.judge import Judge
from jsonschemabench.walks import _judged, _nth_allowed, _walk
from structgen.masks.mask import set_ids
from tests.masks.test_document_machine import pieces

SCHEMA: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}


@pytest.mark.parametrize("number", range(8))
def test_a_walk_ends_in_a_valid_document(number: int) -> None:
    row: dict[str, Any] = {}
    bound = sg.json_schema(SCHEMA).bind(pieces())
    assert _walk(bound, Judge(SCHEMA), random.Random(number), number, row) == []
    assert 0 < row.pop("slowest_mask") < 10
    assert row == {"walks": 1, "valid": 1} or row == {"walks": 1, "undecided": 1}


def test_a_document_that_the_judge_refuses_is_a_finding() -> None:
    row: dict[str, Any] = {}
    bound = sg.json_schema({"const": 1}).bind(pieces())
    (finding,) = _walk(bound, Judge({"const": 2}), random.Random(0), 0, row)
    assert finding["fault"] == "invalid" and finding["text"].strip() == "1"


def test_a_reader_keeps_the_last_of_two_values() -> None:
    judge = Judge({"properties": {"a": {"const": 2}}})
    assert _judged(judge, b'{"a": 1, "a": 2}').verdict == "valid"
    assert _judged(judge, b'{"a": 2, "a": 1}').verdict == "invalid"


def test_the_summary(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    rows = [
        {
            "id": "a",
            "status": "ok",
            "walks": 2,
            "valid": 1,
            "undecided": 1,
            "memory_kb": 2048,
            "slowest_mask": 0.5,
            "findings": [],
        },
        {"id": "b", "status": "refused", "error": "LimitError: x"},
        {"id": "c", "status": "ok", "walks": 1, "findings": [{"fault": "invalid", "text": "1", "judged": "type"}]},
    ]
    _show(json.loads(json.dumps(rows)))
    out = capsys.readouterr().out
    assert "3 schemas, 3 walks: 1 valid, 1 undecided, 1 faults" in out
    assert "b: refused LimitError: x" in out and "c: invalid: '1' type" in out and "p50 2.0" in out
    assert "slowest masks within a budget, ms: 500 (a)" in out


def test_the_nth_allowed_token() -> None:
    ids = [0, 5, 31, 32, 40, 95, 127]
    words = np.zeros(4, np.uint32)
    set_ids(words, np.array(ids, np.int32))
    assert [_nth_allowed(words, n) for n in range(len(ids))] == ids
