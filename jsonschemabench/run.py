"""Schemas with instances as jobs: one row per schema and engine."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from jsonschemabench.cases import Case, read_case
from jsonschemabench.errors import InputError
from jsonschemabench.jobs import Job, Prepared
from jsonschemabench.tokens import Tokenizer

__all__ = ["case_jobs", "describe"]


def case_jobs(paths: Sequence[Path]) -> list[Job]:
    """One job per case file; a file that cannot be read becomes a row of status ``unreadable``."""
    return [Job(path.name, "jsonschemabench.tasks:measure_schema", partial(_prepare, path)) for path in paths]


def _prepare(path: Path, tokenizer: Tokenizer) -> Prepared:
    try:
        case = read_case(path)
    except InputError as error:
        return None, {"family": "unreadable", "error": str(error), "valid": []}
    instances = [tokenizer.encode(instance.text) for instance in case.instances]
    return {"schema": case.schema, "instances": instances}, describe(case, [len(ids) for ids in instances])


def describe(case: Case, n_tokens: list[int]) -> dict[str, Any]:
    """The columns of a row that do not depend on the engine."""
    return {
        "family": case.family,
        "schema_bytes": len(json.dumps(case.schema).encode()),
        "instance_bytes": sum(len(instance.text.encode()) for instance in case.instances),
        "instance_tokens": sum(n_tokens),
        "valid": [instance.valid for instance in case.instances],
    }
