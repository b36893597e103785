from __future__ import annotations

import json
from pathlib import Path

import pytest

from jsonschemabench.errors import InputError
from jsonschemabench.jobs import Plan, measure
from jsonschemabench.rows import read_rows
from jsonschemabench.suite import DRAFTS, Group, read_groups, read_remotes, right_tests, suite_jobs, tally, wrong_tests
from tests.support.data import data_path

GROUP = {
    "description": "some texts",
    "schema": {"x-texts": ["1", "2"]},
    "tests": [
        {"description": "one", "data": 1, "valid": True},
        {"description": "two", "data": 2, "valid": False},
        {"description": "three", "data": 3, "valid": False},
    ],
}


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    folder = tmp_path / "tests" / "draft7"
    (folder / "optional" / "format").mkdir(parents=True)
    for path in ("type.json", "optional/bignum.json", "optional/format/date.json"):
        (folder / path).write_text(json.dumps([GROUP]))
    (tmp_path / "remotes" / "draft7").mkdir(parents=True)
    (tmp_path / "remotes" / "draft7" / "a.json").write_text("true")
    return tmp_path


def test_parts_are_read_apart_and_the_draft_is_put_in(suite: Path) -> None:
    groups = read_groups(suite, ["draft7"], ["required", "format"])
    assert [group.id for group in groups] == ["draft7/required/type#0", "draft7/format/date#0"]
    assert groups[0].schema["$schema"] == DRAFTS["draft7"]
    assert [group.keyword for group in read_groups(suite, ["draft7"], ["optional"], "bignum")] == ["bignum"]


def test_an_empty_selection_is_an_input_error(suite: Path) -> None:
    with pytest.raises(InputError):
        read_groups(suite, ["draft7"], ["required"], "no-such-keyword")
    with pytest.raises(InputError):
        read_groups(suite, ["draft4"], ["required"])


def test_remotes_have_the_suites_addresses(suite: Path) -> None:
    assert read_remotes(suite) == {"http://localhost:1234/draft7/a.json": True}


def test_formats_are_asserted_only_in_their_part_and_remotes_sent_only_where_named() -> None:
    class Encoder:
        def encode(self, text: str) -> list[int]:
            return [0]

    def request(part: str, schema: object) -> dict[str, object]:
        (job,) = suite_jobs([Group("i", "draft7", part, "k", "d", schema, ())], {"u": True})
        made, _ = job.prepare(Encoder())  # type: ignore[arg-type]
        assert made is not None
        return made

    assert request("format", {})["assert_format"] is True
    assert request("optional", {})["assert_format"] is False
    assert request("required", {})["registry"] == {}
    assert request("required", {"$ref": "http://localhost:1234/x"})["registry"] == {"u": True}


def test_verdicts_are_right_where_they_agree_with_the_suite(suite: Path, tokenizer_path: Path) -> None:
    out = suite / "r.jsonl"
    groups = read_groups(suite, ["draft7"], ["required"])
    measure(Plan(["tests.jsonschemabench.toy_engines:TextsEngine"], tokenizer_path, out), suite_jobs(groups, {}))
    rows = [row for row in read_rows(out) if row["kind"] == "row"]
    assert right_tests(rows[0]) == [True, False, True]
    assert tally(rows) == {"draft7/required": (2, 3, 0)}
    assert tally(rows, by_keyword=True) == {"draft7/required/type": (2, 3, 0)}
    assert wrong_tests(rows[0]) == ["draft7/required/type#0 [some texts] two: invalid, accepted"]


def test_a_refused_schema_makes_all_its_tests_wrong() -> None:
    row = {
        "kind": "row", "id": "i", "status": "refused", "error": "no", "valid": [True, False],
        "family": "f", "keyword": "k", "description": "d", "tests": ["a", "b"],
    }  # fmt: skip
    assert right_tests(row) == [False, False]
    assert tally([row]) == {"f": (0, 2, 2)}
    assert len(wrong_tests(row)) == 2


@pytest.mark.data
def test_the_official_suite_has_its_known_size() -> None:
    folder = data_path("json-schema-test-suite")
    groups = read_groups(folder, list(DRAFTS), ["required"])
    assert sum(len(group.tests) for group in groups) == 4942
    assert len({group.id for group in groups}) == len(groups)
