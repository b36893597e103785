from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from jsonschemabench.engines import check
from jsonschemabench.errors import EngineMissingError
from jsonschemabench.exact.findings import summary
from jsonschemabench.exact.judge import Judge
from jsonschemabench.exact.plan import run_exact
from jsonschemabench.exact.shapes import in_string, shape_of
from jsonschemabench.exact.spelling import broken_spellings, retokenize, valid_spellings
from jsonschemabench.exact.task import Settings
from jsonschemabench.jobs import Plan
from jsonschemabench.rows import read_rows

TOYS = "tests.jsonschemabench.toy_engines"
DATA = [{"a/b": "x\n", "é": [1, 2.5, None]}, "text", ["s", {}], [], 0]


@pytest.mark.parametrize("data", DATA, ids=repr)
def test_valid_spellings_are_the_same_value(data: Any) -> None:
    for name, text in valid_spellings(data, random.Random(0)):
        assert json.loads(text) == data, name


@pytest.mark.parametrize("data", DATA, ids=repr)
def test_broken_spellings_are_no_json(data: Any) -> None:
    for name, text in broken_spellings(data):
        with pytest.raises(ValueError):
            pytest.fail(f"{name}: {text!r} is JSON: {json.loads(text)!r}")


def test_spellings_cover_slashes_tabs_and_order() -> None:
    valid = dict(valid_spellings({"a": "/", "b": 1}, random.Random(0)))
    assert valid["escape: \\/"] == '{"a": "\\/", "b": 1}'
    assert valid["key order: reversed"] == '{"b": 1, "a": "/"}'
    assert dict(broken_spellings({"a": "xy"}))["raw tab in a string"] == '{"a": "x\ty"}'


def test_retokenizing_spells_the_same_bytes() -> None:
    ids = {b"a": 0, b"b": 1, b"ab": 2}
    seen = {tuple(retokenize(b"abab", ids, 2, random.Random(seed))) for seed in range(40)}
    assert seen == {(0, 1, 0, 1), (2, 0, 1), (0, 1, 2), (2, 2)}
    assert retokenize(b"ac", ids, 2, random.Random(0)) == []


def test_the_judge_knows_what_it_does_not_know() -> None:
    judge = Judge({"type": "object", "properties": {"n": {"type": "number", "maximum": 5}}})
    assert judge.document(b'{"n": 5}').verdict == "valid"
    assert judge.document(b'{"n": 6}').verdict == "invalid"
    assert judge.document(b'{"n": "\t"}').verdict == "invalid"
    assert judge.document(b'{"n": NaN}').verdict == "invalid"
    assert judge.document(b'{"n": 1, "n": 2}').verdict == "undecided"
    assert judge.document(b'{"n": 4.99999999999999999999}').verdict == "undecided"
    assert judge.document(b'"\xff"').verdict == "invalid"
    assert Judge({"format": "email"}).document(b'"a@"').verdict == "undecided"
    assert Judge({"format": "date"}).document(b'"2023-02-29"').verdict == "invalid"
    assert Judge({"format": "date"}).document(b'"0000-02-29"').verdict == "valid"
    assert Judge({"format": "utc-millisec"}).document(b'"a"').verdict == "valid"
    assert Judge({"pattern": "\\d"}).document('"٣"'.encode()).verdict == "undecided"
    assert Judge({"type": "nonsense"}).document(b"1").verdict == "undecided"


def test_shapes_fold_what_is_alike() -> None:
    assert shape_of(b'"foo') == shape_of(b'"x') == '"a'
    assert shape_of(b"\t") == "<tab>"
    assert shape_of(b"12") == "0"


@pytest.mark.parametrize(
    ("text", "inside"), [(b'{"a', True), (b'{"a"', False), (b'"\\"', True), (b'"\\\\"', False), (b"", False)]
)
def test_in_string(text: bytes, inside: bool) -> None:
    assert in_string(text) is inside


def examine(tmp_path: Path, tokenizer_path: Path, engines: list[str], schema: Any, valid: Any) -> list[dict[str, Any]]:
    case = tmp_path / "case.json"
    case.write_text(json.dumps({"schema": schema, "tests": [{"valid": True, "data": data} for data in valid]}))
    out = tmp_path / "e.jsonl"
    plan = Plan(engines, tokenizer_path, out)
    together = run_exact(plan, [case], Settings(walks=6))
    assert run_exact(plan, [case], Settings(walks=6)) == together  # nothing is done twice
    rows = [row for row in read_rows(out) if row["kind"] == "row"]
    assert [row["status"] for row in rows] == ["ok"]
    return rows


def faults(rows: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(engine.split(":")[-1], fault) for engine, kinds in summary(rows).items() for fault in kinds}


def test_a_valid_document_that_one_engine_forbids_proves_over_constraint(tmp_path: Path, tokenizer_path: Path) -> None:
    schema = {"type": "string", "x-texts": ['"ab"', '"ax"'], "x-other-texts": ['"ab"']}
    engines = [f"{TOYS}:TextsEngine", f"{TOYS}:OtherTextsEngine"]
    rows = examine(tmp_path, tokenizer_path, engines, schema, ["ab"])
    found = [found for row in rows for found in row["findings"] if found["text"] == '"ax"']
    assert [(item["engine"].split(":")[-1], item["fault"]) for item in found] == [("OtherTextsEngine", "over")]
    assert found[0]["judged"] == "valid"
    assert "x" in found[0]["token"]


def test_an_invalid_document_that_one_engine_finishes_proves_under_constraint(
    tmp_path: Path, tokenizer_path: Path
) -> None:
    schema = {"const": "ab", "x-texts": ['"ab"', '"a\tb"'], "x-other-texts": ['"ab"']}
    engines = [f"{TOYS}:TextsEngine", f"{TOYS}:OtherTextsEngine"]
    rows = examine(tmp_path, tokenizer_path, engines, schema, ["ab"])
    assert ("TextsEngine", "under") in faults(rows)
    assert ("OtherTextsEngine", "under") not in faults(rows)
    assert any("Invalid control character" in item["judged"] for row in rows for item in row["findings"])


def test_a_walk_into_nothing_proves_a_dead_end(tmp_path: Path, tokenizer_path: Path) -> None:
    schema = {"x-texts": ['"ab"', '"cd!"', '"ef!"', '"gh!"', '"ij!"']}
    rows = examine(tmp_path, tokenizer_path, [f"{TOYS}:DeadEndEngine"], schema, ["ab"])
    assert ("DeadEndEngine", "dead end") in faults(rows)


def test_an_engines_own_completion_ends_its_walks(tmp_path: Path, tokenizer_path: Path) -> None:
    texts = [json.dumps("x" * n) for n in range(60, 64)]
    (row,) = examine(tmp_path, tokenizer_path, [f"{TOYS}:CompletingEngine"], {"x-texts": texts}, ["x" * 60])
    assert {found["cause"].split(":")[0] for found in row["findings"]} <= {"escape"}  # the toy knows one spelling
    assert row["counts"]["walks complete"] == 6


def test_a_completion_that_the_masks_forbid_is_a_finding(tmp_path: Path, tokenizer_path: Path) -> None:
    schema = {"x-texts": [json.dumps("x" * 60 + "!"), json.dumps("x" * 60 + "c")], "x-unless": "!"}
    rows = examine(tmp_path, tokenizer_path, [f"{TOYS}:CompletingEngine"], schema, ["x" * 60 + "c"])
    assert ("CompletingEngine", "disagreement") in faults(rows)


@pytest.mark.filterwarnings("ignore")
def test_known_faults_of_the_peers_are_found(tmp_path: Path, tokenizer_path: Path) -> None:
    for name in ("llguidance", "xgrammar-compliant"):
        try:
            check(name)
        except EngineMissingError as error:
            pytest.skip(str(error))
    schema = {"type": "string", "maxLength": 20}
    rows = examine(tmp_path, tokenizer_path, ["llguidance", "xgrammar-compliant"], schema, ["a/b cd"])
    found = {(item["engine"], item["fault"], item["cause"]) for row in rows for item in row["findings"]}
    assert ("llguidance", "over", "escape: \\/") in found
    assert ("xgrammar-compliant", "under", "raw tab in a string") in found


@pytest.mark.parametrize(
    "text, is_right",
    [
        ("2024-02-29T23:59:60Z", True),
        ("0000-02-29t00:00:00.5z", True),
        ("1998-12-31T15:59:60.123-08:00", True),
        ("1998-12-31T16:59:60-08:00", False),
        ("2023-02-29T00:00:00Z", False),
        ("2023-01-01 00:00:00Z", False),
        ("2023-01-01T24:00:00Z", False),
        ("2023-01-01T00:00:00", False),
        ("2023-01-01T00:00:00+24:00", False),
        ("2023-01-01T00:00:00.Z", False),
        ("٢023-01-01T00:00:00Z", False),
    ],
)
def test_the_judge_of_dates(text: str, is_right: bool) -> None:
    verdict = Judge({"format": "date-time"}).value(text).verdict
    assert verdict == ("valid" if is_right else "invalid")
