"""Schemas with instances: reading MaskBench's files and our own, which share one format.

A file is a JSON object with ``schema`` and ``tests: [{"valid": bool, "data": ...}]``; ours
add ``purpose``, one line on what the schema is for. Instances become text as MaskBench
makes them, ``json.dumps(data, indent=None, ensure_ascii=False)``: separators ``", "`` and
``": "``, no escapes beyond the necessary ones.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jsonschemabench.errors import InputError

__all__ = ["Case", "Instance", "case_paths", "family_of", "instance_text", "read_case"]


@dataclass(frozen=True)
class Instance:
    """One document with its verdict; ``text`` is what is tokenized."""

    text: str
    valid: bool
    data: Any = None


@dataclass(frozen=True)
class Case:
    """One schema with its instances; ``id`` is the file's name, unique in a run."""

    id: str
    family: str
    schema: Any
    instances: tuple[Instance, ...]
    purpose: str = ""
    meta: dict[str, Any] = field(default_factory=dict)

    @property
    def n_valid(self) -> int:
        return sum(instance.valid for instance in self.instances)


def instance_text(data: Any) -> str:
    """The text of an instance, by MaskBench's convention; lone surrogates, which no UTF-8 spells, stay escaped."""
    text = json.dumps(data, indent=None, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(data, indent=None)
    return text


_FAMILY = re.compile(r"^(Github_[a-z]+|[A-Za-z0-9]+?)(?:---|_|\.|$)")


def family_of(case_id: str) -> str:
    """The data set a MaskBench file came from, such as ``Github_hard``; ``own`` for other names."""
    if "---" in case_id:
        return case_id.split("---")[0]
    match = _FAMILY.match(case_id)
    known = {"BFCL", "JME"}
    return match.group(1) if match is not None and match.group(1) in known else "own"


def case_paths(data: Path, files: Path | None = None) -> list[Path]:
    """The case files under ``data``; with ``files``, those it lists by name, in its order.

    Raises
    ------
    InputError : no such folder or list, an empty selection, or a listed file that is not there
    """
    if not data.is_dir():
        raise InputError(data, "no such folder")
    if files is None:
        paths = sorted(path for path in data.glob("*.json") if not path.name.startswith("_"))
    else:
        paths = [data / name for name in _listed(files)]
        for path in paths:
            if not path.is_file():
                raise InputError(path, f"listed in {files} but not there")
    if not paths:
        raise InputError(data, "no .json files")
    return paths


def _listed(files: Path) -> list[str]:
    try:
        lines = files.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InputError(files, error.strerror or str(error)) from error
    return list(dict.fromkeys(line.strip() for line in lines if line.strip() and not line.startswith("#")))


def read_case(path: Path) -> Case:
    """Read one case file.

    Raises
    ------
    InputError : unreadable, not JSON, or without ``schema``
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(path, f"unreadable case: {error}") from error
    if not isinstance(document, dict) or "schema" not in document:
        raise InputError(path, "a case is a JSON object with a 'schema'")
    instances = tuple(_instances(path, document.get("tests", [])))
    return Case(
        id=path.name,
        family=family_of(path.name),
        schema=document["schema"],
        instances=instances,
        purpose=str(document.get("purpose", document.get("description", ""))),
        meta=document.get("meta") or {},
    )


def _instances(path: Path, tests: Iterable[Any]) -> Iterator[Instance]:
    for number, test in enumerate(tests):
        if not isinstance(test, dict) or "data" not in test or not isinstance(test.get("valid"), bool):
            raise InputError(path, f"test {number} needs 'valid' (true or false) and 'data'")
        yield Instance(text=instance_text(test["data"]), valid=test["valid"], data=test["data"])
