"""Dated results: the tables of a comparison as files, with the conditions they were measured under."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jsonschemabench.errors import OutputError
from jsonschemabench.metrics import EngineFigures
from jsonschemabench.report.section import all_figures, common_figures
from jsonschemabench.report.tables import comparison, families, grammar_table, suite_table, to_csv

__all__ = ["write_record"]


def write_record(rows: Sequence[dict[str, Any]], folder: Path) -> list[Path]:
    """Write a CSV file per table there are rows for, and ``conditions.json``; returns their paths.

    Raises
    ------
    OutputError : the folder cannot be written
    """
    found: list[EngineFigures] = all_figures(rows)
    texts: dict[str, str] = {}
    if found:
        texts["comparison.csv"] = to_csv(comparison(found))
        texts["common.csv"] = to_csv(comparison(common_figures(rows), times_only=True))
        texts["families.csv"] = to_csv(families(found))
    suite_rows = [row for row in rows if row.get("kind") == "row" and "keyword" in row]
    if suite_rows:
        texts["suite.csv"] = to_csv(suite_table(suite_rows, by_keyword=True))
    grammar_rows = [row for row in rows if row.get("kind") == "row" and "notation" in row]
    if grammar_rows:
        texts["grammars.csv"] = to_csv(grammar_table(grammar_rows))
    runs = [row for row in rows if row.get("kind") == "run"]
    texts["conditions.json"] = json.dumps(runs, indent=2) + "\n"
    paths: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
            paths.append(folder / name)
    except OSError as error:
        raise OutputError(folder, len(paths), error.strerror or str(error)) from error
    return paths
