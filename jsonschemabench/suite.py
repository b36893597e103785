"""The official JSON-Schema-Test-Suite through any engine.

A test is right when the engine compiled the group's schema and accepts the instance exactly
if the suite calls it valid. An engine that says that no document satisfies the schema has
rejected every instance. Any other refused schema makes all tests of its group wrong: for a
user, a schema that does not compile validates nothing.

Schemas of the older drafts carry no ``$schema``, so engines could not know the draft; it is
put in where the schema is an object without one. ``format`` is an annotation in the
required part and in ``optional/``, and asserted in ``optional/format/``, as the suite says.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from jsonschemabench.cases import instance_text
from jsonschemabench.errors import InputError
from jsonschemabench.jobs import Job, Prepared
from jsonschemabench.tokens import Tokenizer

__all__ = [
    "DRAFTS",
    "PARTS",
    "Group",
    "read_groups",
    "read_remotes",
    "right_tests",
    "suite_jobs",
    "tally",
    "wrong_tests",
]

DRAFTS = {
    "draft4": "http://json-schema.org/draft-04/schema#",
    "draft6": "http://json-schema.org/draft-06/schema#",
    "draft7": "http://json-schema.org/draft-07/schema#",
    "draft2019-09": "https://json-schema.org/draft/2019-09/schema",
    "draft2020-12": "https://json-schema.org/draft/2020-12/schema",
}
PARTS = ("required", "optional", "format")
_FOLDERS = {"required": ".", "optional": "optional", "format": "optional/format"}
_ANSWERED = ("ok", "unsatisfiable")
_REMOTE_BASE = "http://localhost:1234/"


@dataclass(frozen=True)
class Group:
    """One schema of the suite with its tests; ``id`` is ``draft/part/keyword#number``."""

    id: str
    draft: str
    part: str
    keyword: str
    description: str
    schema: Any
    tests: tuple[dict[str, Any], ...]


def read_groups(suite: Path, drafts: Sequence[str], parts: Sequence[str], keyword: str | None = None) -> list[Group]:
    """The groups of the chosen drafts and parts, of one keyword file if given.

    Raises
    ------
    InputError : the folder is not a copy of the suite, or the selection is empty
    """
    groups: list[Group] = []
    for draft in drafts:
        folder = suite / "tests" / draft
        if not folder.is_dir():
            raise InputError(folder, "no such folder of the JSON-Schema-Test-Suite")
        for part in parts:
            for path in sorted((folder / _FOLDERS[part]).glob("*.json")):
                if keyword is None or path.stem == keyword:
                    groups += _read_file(path, draft, part)
    if not groups:
        raise InputError(suite, "no test of that selection")
    return groups


def _read_file(path: Path, draft: str, part: str) -> Iterable[Group]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(path, f"unreadable: {error}") from error
    for number, group in enumerate(document):
        schema = group["schema"]
        if isinstance(schema, dict) and "$schema" not in schema:
            schema = {"$schema": DRAFTS.get(draft, DRAFTS["draft2020-12"]), **schema}
        identifier = f"{draft}/{part}/{path.stem}#{number}"
        yield Group(identifier, draft, part, path.stem, group["description"], schema, tuple(group["tests"]))


def read_remotes(suite: Path) -> dict[str, Any]:
    """The suite's remote schemas by the URI it serves them under."""
    folder = suite / "remotes"
    return {
        _REMOTE_BASE + path.relative_to(folder).as_posix(): json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(folder.rglob("*.json"))
    }


def suite_jobs(groups: Sequence[Group], remotes: dict[str, Any]) -> list[Job]:
    return [
        Job(group.id, "jsonschemabench.tasks:measure_schema", partial(_prepare, group, remotes)) for group in groups
    ]


def _prepare(group: Group, remotes: dict[str, Any], tokenizer: Tokenizer) -> Prepared:
    instances = [tokenizer.encode(instance_text(test["data"])) for test in group.tests]
    needs_remotes = _REMOTE_BASE in json.dumps(group.schema)
    request = {
        "schema": group.schema,
        "instances": instances,
        "registry": remotes if needs_remotes else {},
        "assert_format": group.part == "format",
    }
    columns = {
        "family": f"{group.draft}/{group.part}",
        "keyword": group.keyword,
        "description": group.description,
        "tests": [test["description"] for test in group.tests],
        "valid": [test["valid"] for test in group.tests],
    }
    return request, columns


def right_tests(row: dict[str, Any]) -> list[bool]:
    """Per test of a group, whether the engine was right."""
    accepted = row.get("accepted")
    if row["status"] not in _ANSWERED or accepted is None:
        return [False] * len(row["valid"])
    return [is_accepted == valid for is_accepted, valid in zip(accepted, row["valid"], strict=True)]


def tally(rows: Iterable[dict[str, Any]], by_keyword: bool = False) -> dict[str, tuple[int, int, int]]:
    """(right, tests, tests of groups that did not compile) by draft and part, or by keyword file within those."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for row in rows:
        if row.get("kind") != "row" or "keyword" not in row:
            continue
        name = f"{row['family']}/{row['keyword']}" if by_keyword else row["family"]
        verdicts = right_tests(row)
        counts[name][0] += sum(verdicts)
        counts[name][1] += len(verdicts)
        counts[name][2] += len(verdicts) if row["status"] not in _ANSWERED else 0
    return {name: (right, total, lost) for name, (right, total, lost) in counts.items()}


def wrong_tests(row: dict[str, Any]) -> list[str]:
    """One line per wrong test: what the suite says, what the engine did."""
    lines: list[str] = []
    for number, right in enumerate(right_tests(row)):
        if right:
            continue
        wanted = "valid" if row["valid"][number] else "invalid"
        did = "accepted" if row["status"] == "ok" and row["accepted"][number] else "rejected"
        if row["status"] not in _ANSWERED:
            did = f"{row['status']}: {' '.join(str(row.get('error', '')).split())[:160]}"
        lines.append(f"{row['id']} [{row['description']}] {row['tests'][number]}: {wanted}, {did}")
    return lines
