"""``structgen check``: findings, positions, formats, exit codes."""

from __future__ import annotations

import io
import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from structgen.cli import main
from structgen.report.findings import RULES
from structgen.report.locate import locate

SOUND = {"type": "object", "properties": {"a": {"type": "integer", "minimum": 3}}, "required": ["a"]}


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def put(content: Any, name: str = "s.json") -> str:
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return str(path)

    return put


def findings(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    """Exit code and findings of one run."""
    capsys.readouterr()
    code = main(["check", "--format", "jsonl", *arguments])
    out = capsys.readouterr().out
    return code, [json.loads(line) for line in out.splitlines()]


def test_sound_schema_is_clean(write: Any, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = findings(capsys, write(SOUND))
    assert code == 0
    assert [f for f in found if f["severity"] != "note"] == []


@pytest.mark.parametrize(
    ("text", "rule", "line", "column"),
    [
        ('{"type":\n "object",}', "SG101", 2, 11),
        ("", "SG101", 1, 1),
        ('{"type": "object",\n "type": "array"}', "SG102", 2, 2),
        ('{\n  "minimum": "3"\n}', "SG103", 2, 3),
        ('{"properties": {"a":\n {"$ref": "#/nowhere"}}}', "SG104", 2, 3),
        ('{"type": "string",\n "maxLenght": 3}', "SG303", 2, 2),
        ('{"pattern":\n "("}', "SG105", 1, 2),
        ("[]", "SG103", 1, 1),
        ('{"not": {}}', "SG202", None, None),
    ],
    ids=lambda value: str(value)[:24],
)
def test_finding_has_rule_and_position(
    text: str, rule: str, line: int | None, column: int | None, write: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = findings(capsys, "--fail-on", "warning", write(text))
    assert code == 1
    graver = [f for f in found if f["severity"] != "note"]
    assert graver[0]["rule"] == rule
    assert line is None or (graver[0]["line"], graver[0]["column"]) == (line, column)


def test_misspelling_suggests_the_keyword(write: Any, capsys: pytest.CaptureFixture[str]) -> None:
    _, found = findings(capsys, write({"maxLenght": 3}))
    assert found[0]["keyword"] == "maxLenght" and "maxLength" in found[0]["hint"]


def test_warnings_fail_only_on_demand(write: Any) -> None:
    path = write({"type": "string", "maxLenght": 3})
    assert main(["check", path]) == 0
    assert main(["check", "--fail-on", "warning", path]) == 1


def test_several_files_and_a_glob(write: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(SOUND, "a.json")
    write({"type": "strin"}, "b.json")
    assert main(["check", str(tmp_path / "*.json")]) == 1
    out = capsys.readouterr().out
    assert "a.json: ok" in out and "b.json:1:2: error SG103" in out


def test_stdin(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"type": "strin"}'), encoding="utf-8"))
    assert main(["check", "-"]) == 1
    assert "SG103" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["/no/such/file.json"], ["/no/such/*.json"], ["no.such.module:Name"]], ids=str)
def test_unreadable_input_is_3(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", *arguments]) == 3
    captured = capsys.readouterr()
    assert captured.out == "" or "findings" not in captured.out
    assert arguments[0].split(":")[0] in captured.err


def test_binary_file_is_3(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(b"\xff\xfe\x00")
    assert main(["check", str(path)]) == 3


@pytest.mark.parametrize("arguments", [[], ["--no-such-option"], ["--format", "xml", "x"]], ids=str)
def test_wrong_usage_is_2(arguments: list[str]) -> None:
    assert main(["check", *arguments]) == 2


def test_python_type(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "structgen.demo.records:Receipt"]) == 0
    code, found = findings(capsys, "builtins:complex")
    assert (code, found[-1]["rule"]) == (1, "SG110")


def test_grammar(write: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", write('start: "a" start | "b"', "g.lark")]) == 0
    code, found = findings(capsys, write('start: "a" start | missing', "h.lark"))
    assert (code, found[0]["rule"]) == (1, "SG120")


def test_samples_validate(write: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--samples", "5", "--format", "json", write(SOUND)]) == 0
    (report,) = json.loads(capsys.readouterr().out)
    assert len(report["samples"]) == 5
    assert all(json.loads(sample)["a"] >= 3 for sample in report["samples"])


def test_explain_shows_the_first_refused_byte(write: Any, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = findings(capsys, "--explain", '{"a": 2}', write(SOUND))
    assert code == 1
    (explained,) = [f for f in found if f["rule"] == "SG503"]
    assert "expected" in explained["message"]
    assert main(["check", "--explain", '{"a": 5}', write(SOUND)]) == 0


@pytest.mark.parametrize(("document", "code"), [('{"a": 3}', 0), ('{"a": 2}', 1), ("{", 1), ('{"b": 1, "a": 7}', 0)])
def test_instance(document: str, code: int, write: Any) -> None:
    assert main(["check", "--instance", write(document, "d.json"), write(SOUND)]) == code


def test_sarif_points_at_lines(write: Any, capsys: pytest.CaptureFixture[str]) -> None:
    main(["check", "--format", "sarif", write('{\n"type": "strin"}')])
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    (result,) = run["results"]
    assert result["ruleId"] == "SG103"
    assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": 2, "startColumn": 1}
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == "SG103"


def test_github_annotations(write: Any, capsys: pytest.CaptureFixture[str]) -> None:
    main(["check", "--format", "github", write('{\n"type": "strin"}')])
    line = capsys.readouterr().out.strip()
    assert line.startswith("::error file=") and ",line=2,col=1,title=SG103" in line


def test_rule_ids_are_stable() -> None:
    names = {rule.id: rule.name for rule in RULES.values()}
    assert (names["SG101"], names["SG201"]) == ("malformed-json", "unsupported")
    assert len({rule.name for rule in RULES.values()}) == len(RULES)


@pytest.mark.parametrize(
    ("pointer", "place"),
    [("", (1, 1)), ("/a", (1, 2)), ("/a/1", (2, 2)), ("/b~1c", (3, 2)), ("/b~1c/d", (3, 11)), ("/a/1/none", (2, 2))],
)
def test_locate(pointer: str, place: tuple[int, int]) -> None:
    assert locate('{"a": [1,\n 2],\n "b\\/c": {"d": "}"}}').line_column(pointer) == place


def test_nothing_but_results_on_stdout(write: Any, capsys: pytest.CaptureFixture[str]) -> None:
    main(["check", "--format", "json", write(SOUND), "/no/such"])
    captured = capsys.readouterr()
    json.loads(captured.out)
    assert "/no/such" in captured.err


def test_a_limit_is_4(write: Any) -> None:
    assert main(["check", write("[" * 100_000)]) in (1, 4)
    assert main(["check", write({"type": "string", "pattern": "(a|aa){1,5000}b"})]) in (0, 4)


def test_targets_are_warned_about(write: Any, capsys: pytest.CaptureFixture[str]) -> None:
    path = write({"type": "array", "items": {"type": "integer"}, "uniqueItems": True})
    code, found = findings(capsys, path, "--target", "xgrammar", "--target", "llguidance")
    told = [(f["rule"], f["pointer"], f["keyword"]) for f in found if f["rule"].startswith("SG6")]
    assert told == [("SG602", "/uniqueItems", "uniqueItems"), ("SG601", "/uniqueItems", "uniqueItems")]
    assert code == 0
    assert findings(capsys, path, "--target", "openai", "--fail-on", "warning")[0] == 1
    assert findings(capsys, path)[1] == [f for f in found if not f["rule"].startswith("SG6")]


def byte_level_tokenizer(*, without: str = "") -> str:
    """A ``tokenizer.json`` with one token per byte, spelled as byte-level tokenizers do, and an end."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [byte for byte in range(256) if byte not in plain]
    names = {byte: chr(byte) for byte in plain} | {byte: chr(256 + n) for n, byte in enumerate(rest)}
    words = {name: byte for byte, name in names.items() if name not in without}
    special = {"id": 256, "content": "</s>", "special": True}
    model = {"type": "BPE", "vocab": words, "merges": []}
    return json.dumps({"model": model, "decoder": {"type": "ByteLevel"}, "added_tokens": [special]})


def test_a_tokenizer_that_lacks_bytes_is_a_finding(
    write: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tokenizer = tmp_path / "tokenizer.json"
    tokenizer.write_text(byte_level_tokenizer(without="{"), encoding="utf-8")
    code, found = findings(capsys, write(SOUND), "--tokenizer", str(tokenizer))
    assert code == 1 and [f["rule"] for f in found if f["severity"] == "error"] == ["SG403"]


def test_costs_and_masks_are_told(write: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(SOUND)
    assert main(["check", path, "--format", "json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert told["cost"]["states"] > 0 and told["cost"]["bytes"] > 0 and told["masks"] == {}
    tokenizer = tmp_path / "tokenizer.json"
    tokenizer.write_text(byte_level_tokenizer(), encoding="utf-8")
    code = main(["check", path, "--format", "json", "--tokenizer", str(tokenizer)])
    captured = capsys.readouterr()
    assert code == 0, captured.err
    masks = json.loads(captured.out)[0]["masks"]
    assert masks["tokens"] > 3 and 1 <= masks["allowed_min"] <= masks["allowed_median"] <= masks["allowed_max"] <= 257
    assert main(["check", path, "--tokenizer", str(tmp_path / "none.json")]) == 3


def test_too_many_states_are_a_limit(write: Any, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = findings(capsys, write(SOUND), "--max-states", "1")
    assert code == 4 and [f["rule"] for f in found if f["severity"] == "error"] == ["SG401"]
    assert findings(capsys, write(SOUND), "--max-states", "100000")[0] == 0


def test_time_that_runs_out_is_a_limit_of_that_source_alone(
    write: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from structgen.report import checker as module

    def slow(constraint: object) -> None:
        time.sleep(30)

    monkeypatch.setattr(module, "first_mask", slow)
    begun = time.monotonic()
    code, found = findings(capsys, write(SOUND), write("{", "broken.json"), "--timeout", "0.2")
    assert time.monotonic() - begun < 10
    assert code == 4
    assert [f["rule"] for f in found if f["severity"] == "error"] == ["SG402", "SG101"]
