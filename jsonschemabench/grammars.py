"""Grammars with example documents: the same measures as for schemas, on Lark and GBNF.

A grammar is ``NAME.lark`` or ``NAME.gbnf`` with ``NAME.examples.json`` beside it:
``{"purpose": ..., "accepts": [text, ...], "rejects": [text, ...]}``.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

from jsonschemabench.errors import InputError
from jsonschemabench.jobs import Job, Prepared
from jsonschemabench.tokens import Tokenizer

__all__ = ["NOTATIONS", "grammar_jobs", "grammar_paths", "read_examples"]

NOTATIONS = {".lark": "lark", ".gbnf": "gbnf"}


def grammar_paths(folder: Path) -> list[Path]:
    """The grammars of a folder, by name.

    Raises
    ------
    InputError : no such folder, or no grammars in it
    """
    paths = sorted(path for path in folder.glob("*") if path.suffix in NOTATIONS) if folder.is_dir() else []
    if not paths:
        raise InputError(folder, "no .lark or .gbnf files")
    return paths


def read_examples(path: Path) -> dict[str, Any]:
    """The examples beside a grammar.

    Raises
    ------
    InputError : missing or malformed
    """
    beside = path.with_suffix(".examples.json")
    try:
        examples = json.loads(beside.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(beside, f"unreadable examples: {error}") from error
    if not isinstance(examples, dict) or not {"accepts", "rejects"} <= set(examples):
        raise InputError(beside, "examples are an object with 'accepts' and 'rejects'")
    return examples


def grammar_jobs(paths: list[Path]) -> list[Job]:
    return [Job(path.name, "jsonschemabench.tasks:measure_grammar", partial(_prepare, path)) for path in paths]


def _prepare(path: Path, tokenizer: Tokenizer) -> Prepared:
    notation = NOTATIONS[path.suffix]
    columns: dict[str, Any] = {"family": "grammar", "notation": notation}
    try:
        text = path.read_text(encoding="utf-8")
        examples = read_examples(path)
    except (OSError, ValueError, InputError) as error:
        return None, columns | {"error": str(error), "valid": []}
    texts = [*examples["accepts"], *examples["rejects"]]
    instances = [tokenizer.encode(document) for document in texts]
    columns |= {
        "schema_bytes": len(text.encode()),
        "instance_bytes": sum(len(document.encode()) for document in texts),
        "instance_tokens": sum(map(len, instances)),
        "valid": [True] * len(examples["accepts"]) + [False] * len(examples["rejects"]),
    }
    return {"grammar": text, "notation": notation, "instances": instances}, columns
