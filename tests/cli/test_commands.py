"""The other commands, and what all of them share."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import structgen as sg
from structgen.cli import main
from structgen.models.table import Table


@pytest.fixture
def toy_model() -> Iterator[None]:
    vocabulary = sg.Vocabulary.from_bytes([*(bytes([i]) for i in range(256)), b"</s>"], eos_ids=[256])
    with sg.configure(model=Table.from_function(lambda prefix: [1.0] * 257, vocabulary=vocabulary)):
        yield


@pytest.mark.usefixtures("toy_model")
class TestGenerate:
    def test_text_on_stdout_progress_on_stderr(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["generate", "say", "--choice", "yes", "--choice", "no"]) == 0
        captured = capsys.readouterr()
        assert captured.out.strip() in ("yes", "no")
        assert "loading" in captured.err

    def test_regex_n_and_seed(self, capsys: pytest.CaptureFixture[str]) -> None:
        command = ["generate", "x", "-r", "[a-z]{9}", "-n", "3", "--seed", "1", "--sampler", "masking"]
        assert main(command) == 0
        first = capsys.readouterr().out.split()
        assert main(command) == 0
        assert capsys.readouterr().out.split() == first
        assert len(set(first)) == 3

    def test_json_lines_carry_weights(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["generate", "x", "-r", "[ab]", "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert told["prompt"] == "x" and told["text"] in "ab" and told["log_weight"] < 0

    def test_prompts_from_a_file(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        path = tmp_path / "p.jsonl"
        path.write_text('{"prompt": "a", "id": 1}\n\n{"prompt": "b", "id": 2}\n', encoding="utf-8")
        assert main(["generate", "--jsonl", str(path), "-c", "x"]) == 0
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert [(line["id"], line["text"]) for line in lines] == [(1, "x"), (2, "x")]

    def test_bad_line_is_3(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        path = tmp_path / "p.jsonl"
        path.write_text('{"prompt": "a"}\n{"promt": "b"}\n', encoding="utf-8")
        assert main(["generate", "--jsonl", str(path), "-c", "x"]) == 3
        assert f"{path}:2" in capsys.readouterr().err

    def test_stream(self, monkeypatch: pytest.MonkeyPatch) -> None:
        buffer = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(buffer, encoding="utf-8", write_through=True))
        assert main(["generate", "x", "-c", "hello", "--stream"]) == 0
        assert buffer.getvalue() == b"hello\n"

    @pytest.mark.parametrize(
        "arguments",
        [[], ["x", "--regex", "a", "--choice", "b"], ["x", "--jsonl", "y"], ["x", "--max-tokens", "0"]],
        ids=str,
    )
    def test_wrong_usage_is_2(self, arguments: list[str]) -> None:
        assert main(["generate", *arguments]) == 2

    def test_bad_regex_is_1_and_says_where(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["generate", "x", "--regex", "a("]) == 1
        assert "RegexSyntaxError" in capsys.readouterr().err

    def test_missing_schema_file_is_3(self) -> None:
        assert main(["generate", "x", "--schema", "/no/such.json"]) == 3

    def test_budget_too_small_is_1(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["generate", "x", "-r", "a{9}", "--max-tokens", "3"]) == 1
        assert "IncompleteError" in capsys.readouterr().err

    def test_schema_file(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        path = tmp_path / "s.json"
        path.write_text('{"type": "boolean"}', encoding="utf-8")
        assert main(["generate", "x", "--schema", str(path)]) == 0
        assert json.loads(capsys.readouterr().out) in (True, False)


def test_compile_tells_costs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", "--regex", "[0-9]{4}", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["allowed_first"], told["first_bytes"], told["may_be_empty"]) == (10, "0-9", False)


def test_doctor_finds_itself_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert found["ok"] and found["kernels"] == "work"


def test_cache_lists_and_clears(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STRUCTGEN_CACHE_DIR", str(tmp_path))
    (tmp_path / "vocabularies").mkdir()
    (tmp_path / "vocabularies" / "x.npz").write_bytes(b"123")
    assert main(["cache", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["parts"] == {"vocabularies": {"files": 1, "bytes": 3}}
    assert main(["cache", "--clear"]) == 0
    assert list(tmp_path.iterdir()) == []


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == f"structgen {sg.__version__}"
    for command in ([], ["generate"], ["check"], ["compile"], ["cache"], ["doctor"]):
        assert main([*command, "--help"]) == 0


def test_module_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "structgen", "check", "--no-such"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2 and done.stdout == "" and "no-such" in done.stderr


def test_a_defect_is_70(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def broken() -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("structgen.cli.doctor.findings", broken)
    assert main(["doctor"]) == 70
    assert "boom" in capsys.readouterr().err
