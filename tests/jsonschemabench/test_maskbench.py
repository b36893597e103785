"""The harness against a plain rewriting of MaskBench's definitions, and against bare loops."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jsonschemabench.jobs import Plan, measure
from jsonschemabench.metrics import is_pass
from jsonschemabench.rows import read_rows
from jsonschemabench.run import case_jobs
from jsonschemabench.tokens import Tokenizer
from tests.support.data import data_path

pytestmark = [pytest.mark.data, pytest.mark.slow]
N_SCHEMAS = 60


def sample_paths() -> list[Path]:
    folder = data_path("maskbench", "data")
    return [folder / name for name in data_path("maskbench", "sample.txt").read_text().split()[:N_SCHEMAS]]


def passes_in_maskbench(matcher: Any, tokenizer: Tokenizer, tests: list[dict[str, Any]]) -> bool:
    """Every valid instance has all its tokens in the masks, every invalid one has a token that is not."""
    for test in tests:
        running = matcher.deep_copy()
        text = json.dumps(test["data"], indent=None, ensure_ascii=False)
        accepted = True
        for token in tokenizer.encode(text):
            mask = running.compute_bitmask()
            accepted = bool(mask[token // 8] >> (token % 8) & 1)
            if not accepted:
                break
            running.consume_token(token)
        if accepted != test["valid"]:
            return False
    return True


def test_passing_schemas_are_those_of_maskbenchs_definition(tmp_path: Path) -> None:
    llguidance = pytest.importorskip("llguidance")
    path = data_path("tokenizers", "llama3_1.json")
    tokenizer = Tokenizer(path)
    engine = llguidance.LLTokenizer(path.read_text(), eos_token=list(tokenizer.vocabulary.eos_ids))
    wanted: dict[str, bool] = {}
    for case in sample_paths():
        document = json.loads(case.read_text())
        grammar = llguidance.LLMatcher.grammar_from_json_schema(json.dumps(document["schema"]))
        matcher = llguidance.LLMatcher(engine, grammar, log_level=0)
        wanted[case.name] = not matcher.is_error() and passes_in_maskbench(matcher, tokenizer, document["tests"])
    out = tmp_path / "r.jsonl"
    measure(Plan(["llguidance"], path, out), case_jobs(sample_paths()))
    found = {row["id"]: is_pass(row, strict=False) for row in read_rows(out) if row["kind"] == "row"}
    assert found == wanted
    assert 0.7 * N_SCHEMAS < sum(wanted.values()) < N_SCHEMAS


def test_overhead_is_below_half_a_microsecond_a_call_and_sums_agree_with_a_bare_loop(
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("llguidance")
    from jsonschemabench import main

    data, files = data_path("maskbench", "data"), data_path("maskbench", "sample.txt")
    tokenizer = data_path("tokenizers", "llama3_1.json")
    common = ["--data", str(data), "--files", str(files), "--tokenizer", str(tokenizer), "--limit", "8"]
    assert main(["overhead", "-e", "null", "-e", "llguidance", *common]) == 0
    null, real = ([cell.strip() for cell in line.split("|")] for line in capsys.readouterr().out.splitlines()[-2:])
    assert float(null[3]) - float(null[4]) < 2 * 0.5
    assert 0.85 < float(real[5]) < 1.15
