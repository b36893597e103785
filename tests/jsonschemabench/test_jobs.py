from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jsonschemabench.errors import EngineMissingError, EngineUnknownError, InputError, WorkerStartError
from jsonschemabench.jobs import Plan, measure
from jsonschemabench.metrics import is_pass
from jsonschemabench.packing import unpack
from jsonschemabench.rows import read_rows
from jsonschemabench.run import case_jobs
from jsonschemabench.suite import right_tests
from jsonschemabench.supervisor import Limits

TEXTS = "tests.jsonschemabench.toy_engines:TextsEngine"
OTHER = "tests.jsonschemabench.toy_engines:OtherTextsEngine"
MISBEHAVING = "tests.jsonschemabench.toy_engines:MisbehavingEngine"


def write_case(folder: Path, name: str, schema: object, valid: list[object] = [], invalid: list[object] = []) -> Path:  # noqa: B006
    tests = [{"valid": True, "data": data} for data in valid] + [{"valid": False, "data": data} for data in invalid]
    path = folder / f"{name}.json"
    path.write_text(json.dumps({"schema": schema, "tests": tests}))
    return path


def results(path: Path) -> list[dict[str, Any]]:
    return [row for row in read_rows(path) if row["kind"] == "row"]


def test_a_row_says_what_happened_to_each_instance(tmp_path: Path, tokenizer_path: Path) -> None:
    schema = {"x-texts": ['["abc", 1]', '["abc", 12]', "2"]}
    case = write_case(tmp_path, "a", schema, valid=[["abc", 1], ["abc", 12]], invalid=[["abc", 3], ["abc"], 2])
    out = tmp_path / "r.jsonl"
    assert measure(Plan([TEXTS], tokenizer_path, out), case_jobs([case])) == 1
    (row,) = results(out)
    assert row["status"] == "ok"
    assert row["accepted"] == [True, True, False, False, True]
    assert row["valid"] == [True, True, False, False, False]
    assert row["may_stop"] == [True, True, False, False, True]
    assert row["all_allowed"] == [True, True, False, False, True]
    assert row["tokens"][0] == row["allowed"][0] > row["allowed"][3]
    assert len(unpack(row["mask_ns"])) == len(unpack(row["advance_wall_ns"])) == row["n_masks"]
    assert (unpack(row["mask_ns"]) <= unpack(row["mask_wall_ns"])).all()
    assert row["compile_us"] <= row["compile_wall_us"]
    assert row["peak_rss_kb"] > 0


def test_an_engine_that_eats_memory_is_stopped(tmp_path: Path, tokenizer_path: Path) -> None:
    path = write_case(tmp_path, "a", {"do": "eat"})
    out = tmp_path / "r.jsonl"
    measure(Plan([MISBEHAVING], tokenizer_path, out, Limits(60.0, 60.0, memory_bytes=3 * 2**27)), case_jobs([path]))
    (row,) = results(out)
    assert row["status"] == "memory"
    assert row["error"] == "memory during compile: over 0.375 GiB"


def test_an_engine_that_hangs_crashes_or_raises_gives_rows_and_the_run_goes_on(
    tmp_path: Path, tokenizer_path: Path
) -> None:
    kinds = ["hang", "fine", "crash", "refuse", "raise later", "fine"]
    paths = [write_case(tmp_path, f"{number}-{kind}", {"do": kind}, valid=[1]) for number, kind in enumerate(kinds)]
    (tmp_path / "unreadable.json").write_text("{")
    out = tmp_path / "r.jsonl"
    limits = Limits(compile_seconds=1.0, task_seconds=2.0)
    measure(Plan([MISBEHAVING], tokenizer_path, out, limits), case_jobs([*paths, tmp_path / "unreadable.json"]))
    rows = results(out)
    assert [row["status"] for row in rows] == [
        "timeout", "ok", "crash", "refused", "ok", "ok", "unreadable",
    ]  # fmt: skip
    assert rows[0]["phase"] == "compile"
    assert "code 11" in str(rows[2]["error"])
    assert rows[3]["error"] == "ValueError: not this one"
    assert rows[4]["instance_errors"] == {"0": "RuntimeError: out of fuel"}
    assert rows[4]["accepted"] == [False]


def test_nothing_fits_is_an_answer(tmp_path: Path, tokenizer_path: Path) -> None:
    paths = [
        write_case(tmp_path, "a", {"do": "nothing"}, invalid=[1, 2]),
        write_case(tmp_path, "b", {"do": "nothing"}, [1]),
    ]
    out = tmp_path / "r.jsonl"
    measure(Plan([MISBEHAVING], tokenizer_path, out), case_jobs(paths))
    right, wrong = results(out)
    assert right["status"] == wrong["status"] == "unsatisfiable"
    assert right["accepted"] == [False, False]
    assert [is_pass(right), is_pass(wrong), is_pass(right, strict=False)] == [True, False, False]
    assert right_tests(right) == [True, True]


def test_limits_are_of_the_processor_and_patience_of_the_clock(tmp_path: Path, tokenizer_path: Path) -> None:
    """A worker that sleeps past its limit lives, one that computes past it does not."""
    schemas = {"a-asleep": {"asleep": 1.5}, "b-busy": {"busy": 30.0}, "c-asleep for long": {"asleep": 60.0}}
    paths = [write_case(tmp_path, name, schema, valid=[1]) for name, schema in schemas.items()]
    out = tmp_path / "r.jsonl"
    engine = "tests.jsonschemabench.toy_engines:BusyEngine"
    measure(Plan([engine], tokenizer_path, out, Limits(0.5, 0.5)), case_jobs(paths))
    assert [row["status"] for row in results(out)] == ["ok", "timeout", "timeout"]


def test_a_run_that_was_cut_off_continues_without_repeating(tmp_path: Path, tokenizer_path: Path) -> None:
    paths = [write_case(tmp_path, str(number), {"x-texts": ["1"], "x-other-texts": ["2"]}, [1]) for number in range(5)]
    out = tmp_path / "r.jsonl"
    plan = Plan([TEXTS, OTHER], tokenizer_path, out)

    def interrupt(done: int, total: int, what: str) -> None:
        assert total == 10
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure(plan, case_jobs(paths), interrupt)
    before = results(out)
    assert len(before) == 4
    assert measure(plan, case_jobs(paths)) == 6
    after = results(out)
    assert after[:4] == before
    assert len({(row["engine"], row["id"]) for row in after}) == len(after) == 10
    assert measure(plan, case_jobs(paths)) == 0


def test_engines_take_turns_in_rotating_order(tmp_path: Path, tokenizer_path: Path) -> None:
    paths = [write_case(tmp_path, str(number), {"x-texts": ["1"], "x-other-texts": ["2"]}) for number in range(3)]
    out = tmp_path / "r.jsonl"
    measure(Plan([TEXTS, OTHER], tokenizer_path, out), case_jobs(paths))
    assert [row["engine"] for row in results(out)] == [TEXTS, OTHER, OTHER, TEXTS, TEXTS, OTHER]


def test_another_tokenizer_needs_another_file(tmp_path: Path, tokenizer_path: Path) -> None:
    path = write_case(tmp_path, "a", {"x-texts": ["1"]})
    out = tmp_path / "r.jsonl"
    measure(Plan([TEXTS], tokenizer_path, out), case_jobs([path]))
    other = tmp_path / "other.json"
    other.write_text(tokenizer_path.read_text() + " ")
    with pytest.raises(InputError) as caught:
        measure(Plan([TEXTS], other, out), case_jobs([path]))
    assert caught.value.path == out


def test_unknown_and_missing_engines_are_named(
    tmp_path: Path, tokenizer_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "r.jsonl"
    with pytest.raises(EngineUnknownError) as unknown:
        measure(Plan(["lllguidance"], tokenizer_path, out), [])
    assert "llguidance" in unknown.value.known
    with pytest.raises(EngineUnknownError):
        measure(Plan(["no.such.module:Engine"], tokenizer_path, out), [])
    monkeypatch.setitem(__import__("sys").modules, "llguidance", None)
    with pytest.raises(EngineMissingError) as missing:
        measure(Plan(["llguidance"], tokenizer_path, out), [])
    assert missing.value.extra == "structgen[bench]"
    assert not out.exists()


def test_an_engine_that_cannot_start_is_an_error_with_its_reason(tmp_path: Path, tokenizer_path: Path) -> None:
    path = write_case(tmp_path, "a", {})
    with pytest.raises(WorkerStartError) as caught:
        measure(Plan(["json:JSONDecoder"], tokenizer_path, tmp_path / "r.jsonl"), case_jobs([path]))
    assert "TypeError" in caught.value.detail or "AttributeError" in caught.value.detail
