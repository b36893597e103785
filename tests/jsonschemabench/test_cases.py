from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from jsonschema.validators import validator_for

from jsonschemabench.cases import case_paths, family_of, instance_text, read_case
from jsonschemabench.cli import repository
from jsonschemabench.errors import InputError

OWN = sorted((repository() / "schemas").glob("*.json"))

KEYWORDS = """
$schema $id id $ref $anchor $dynamicRef $dynamicAnchor $recursiveRef $recursiveAnchor $defs definitions $comment
$vocabulary prefixItems items additionalItems contains properties patternProperties additionalProperties propertyNames
dependencies dependentSchemas if then else allOf anyOf oneOf not unevaluatedItems unevaluatedProperties type enum const
multipleOf maximum exclusiveMaximum minimum exclusiveMinimum maxLength minLength pattern maxItems minItems uniqueItems
maxContains minContains maxProperties minProperties required dependentRequired title description default deprecated
readOnly writeOnly examples format contentEncoding contentMediaType contentSchema
""".split()  # noqa: SIM905 - a list of seventy strings reads worse


def keys_of(value: object) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*map(keys_of, value.values()))
    if isinstance(value, list):
        return set().union(*map(keys_of, value))
    return set()


def test_instances_are_spelled_as_maskbench_spells_them() -> None:
    assert instance_text({"a": [1, "é\n"], "b": None}) == '{"a": [1, "é\\n"], "b": null}'


def test_lone_surrogates_stay_escaped() -> None:
    assert instance_text(["\ud800"]) == '["\\ud800"]'


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("Github_hard---o1.json", "Github_hard"),
        ("BFCL_sql_13.json", "BFCL"),
        ("JME_0.json", "JME"),
        ("use-person.json", "own"),
    ],
)
def test_family_is_read_from_the_name(name: str, family: str) -> None:
    assert family_of(name) == family


def test_there_are_enough_schemas_of_our_own_and_they_cover_every_keyword() -> None:
    assert len(OWN) >= 60
    used = set().union(*(keys_of(read_case(path).schema) for path in OWN))
    assert not set(KEYWORDS) - used


def test_our_schemas_cover_every_draft() -> None:
    text = " ".join(path.read_text() for path in OWN)
    for draft in ("draft-04", "draft-06", "draft-07", "2019-09", "2020-12"):
        assert f"{draft}/schema" in text


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.stem)
def test_our_labels_agree_with_jsonschema(path: Path) -> None:
    case = read_case(path)
    assert case.purpose and case.n_valid
    assert case.n_valid < len(case.instances) or case.schema == {}
    cls = validator_for(case.schema, default=jsonschema.Draft202012Validator)
    cls.check_schema(case.schema)
    validator = cls(case.schema, format_checker=cls.FORMAT_CHECKER)
    for instance in case.instances:
        if case.schema.get("format") == "duration" and "duration" not in cls.FORMAT_CHECKER.checkers:
            continue  # without the package isoduration, jsonschema takes any string for a duration
        assert validator.is_valid(instance.data) == instance.valid, instance.text


@pytest.mark.parametrize("text", ["{", "[]", '{"tests": []}', '{"schema": {}, "tests": [{"data": 1}]}'])
def test_a_malformed_case_is_an_input_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "case.json"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_case(path)
    assert caught.value.path == path


def test_listed_files_must_exist_and_keep_their_order(tmp_path: Path) -> None:
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text(json.dumps({"schema": {}}))
    listed = tmp_path / "list.txt"
    listed.write_text("b.json\na.json\nb.json\n")
    assert [path.name for path in case_paths(tmp_path, listed)] == ["b.json", "a.json"]
    listed.write_text("c.json\n")
    with pytest.raises(InputError):
        case_paths(tmp_path, listed)
    with pytest.raises(InputError):
        case_paths(tmp_path / "nowhere")
