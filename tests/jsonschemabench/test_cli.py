from __future__ import annotations

import json
from pathlib import Path

import pytest

from jsonschemabench import main

TEXTS = "tests.jsonschemabench.toy_engines:TextsEngine"


@pytest.fixture
def case_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "cases"
    folder.mkdir()
    case = {"schema": {"x-texts": ["1"]}, "tests": [{"valid": True, "data": 1}, {"valid": False, "data": 2}]}
    (folder / "a.json").write_text(json.dumps(case))
    return folder


def test_run_prints_the_table_and_report_writes_files(
    tmp_path: Path, case_folder: Path, tokenizer_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "r.jsonl"
    common = ["--tokenizer", str(tokenizer_path)]
    assert main(["run", "-e", TEXTS, "--data", str(case_folder), "--out", str(out), *common]) == 0
    assert "| passing | 1 (100.0 %) |" in capsys.readouterr().out
    folder, readme = tmp_path / "report", tmp_path / "README.md"
    assert main(["report", str(out), "--out", str(folder), "--readme", str(readme), "--no-plots"]) == 0
    assert {"comparison.csv", "families.csv", "conditions.json"} <= {path.name for path in folder.iterdir()}
    assert "| passing | 1 (100.0 %) |" in readme.read_text()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["run", "-e", "no-such-engine"], 2),
        (["run", "-e", TEXTS, "--data", "/no/such/folder"], 3),
        (["run", "--no-such-option"], 2),
        (["report", "/no/such/file"], 3),
        (["suite", "-e", TEXTS, "--suite", "/no/such/folder"], 3),
        (["no-such-command"], 2),
    ],
)
def test_mistakes_have_exit_codes_and_one_line(
    arguments: list[str], code: int, tmp_path: Path, tokenizer_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if arguments[0] in ("run", "suite"):
        arguments = [*arguments, "--tokenizer", str(tokenizer_path), "--out", str(tmp_path / "r.jsonl")]
    assert main(arguments) == code
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ")
    assert "Traceback" not in captured.err


def test_overhead_shows_what_the_harness_costs(
    case_folder: Path, tokenizer_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ["--tokenizer", str(tokenizer_path), "--data", str(case_folder)]
    assert main(["overhead", "-e", "null", "--repeats", "50", *common]) == 0
    line = capsys.readouterr().out.splitlines()[-1]
    per_token = float(line.split("|")[3])
    assert per_token < 2 * 0.5 * 4  # half a microsecond a call, and slack for a busy machine


def test_structgen_bench_passes_everything_on(
    tmp_path: Path, case_folder: Path, tokenizer_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from structgen.cli.app import run

    common = ["--data", str(case_folder), "--tokenizer", str(tokenizer_path), "--out", str(tmp_path / "r.jsonl")]
    assert run(["bench", "run", "-e", TEXTS, *common]) == 0
    assert "| passing | 1 (100.0 %) |" in capfd.readouterr().out
    assert run(["bench", "run", "-e", "no-such-engine", *common]) == 2


def test_compare_is_one_command_and_continues_where_it_stopped(
    tmp_path: Path, case_folder: Path, tokenizer_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tests = tmp_path / "suite" / "tests"
    for draft in ("draft4", "draft6", "draft7", "draft2019-09", "draft2020-12"):
        (tests / draft).mkdir(parents=True)
    group = {
        "description": "one",
        "schema": {"x-texts": ["1"]},
        "tests": [{"description": "is one", "data": 1, "valid": True}],
    }
    (tests / "draft2020-12" / "toy.json").write_text(json.dumps([group]))
    folder, readme = tmp_path / "record", tmp_path / "README.md"
    command = ["compare", "-e", TEXTS, "--data", str(case_folder), "--suite", str(tmp_path / "suite")]
    command += ["--tokenizer", str(tokenizer_path), "--out", str(folder), "--readme", str(readme), "--no-plots"]
    assert main(command) == 0
    for part in ("passing | 1 (100.0 %)", "draft2020-12/required | 1 | 1", "Grammars:", f"compare -e {TEXTS}"):
        assert part in readme.read_text(), part
    before = {path.name: path.read_bytes() for path in folder.glob("*.jsonl")}
    assert set(before) == {"rows.jsonl", "suite.jsonl", "grammars.jsonl"}
    (folder / "suite.jsonl").unlink()
    text = readme.read_text()
    assert main(command) == 0
    assert {path.name: path.read_bytes() for path in folder.glob("*.jsonl") if path.name != "suite.jsonl"} == {
        name: data for name, data in before.items() if name != "suite.jsonl"
    }
    assert "draft2020-12/required | 1 | 1" in readme.read_text()
    assert len(readme.read_text()) == len(text)
