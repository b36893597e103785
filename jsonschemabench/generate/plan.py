"""Jobs of ``generate``, and the table made from its rows."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from jsonschemabench.cases import read_case
from jsonschemabench.errors import InputError
from jsonschemabench.jobs import Job, Prepared
from jsonschemabench.metrics import by_engine
from jsonschemabench.report.tables import Table
from jsonschemabench.tokens import Tokenizer

__all__ = ["Writing", "generate_jobs", "generate_table"]


@dataclass(frozen=True)
class Writing:
    """How documents are written; temperature 0 is greedy."""

    model: str | None = None
    max_tokens: int = 256
    max_prompt: int = 1024
    temperature: float = 0.0
    seed: int = 0


def generate_jobs(paths: Sequence[Path], writing: Writing, n: int = 1) -> list[Job]:
    """``n`` documents per case, with consecutive seeds."""
    return [
        Job(
            f"{path.name}#{number}",
            "jsonschemabench.generate.task:generate_one",
            partial(_prepare, path, writing, number),
        )
        for path in paths
        for number in range(n)
    ]


def _prepare(path: Path, writing: Writing, number: int, tokenizer: Tokenizer) -> Prepared:
    columns: dict[str, Any] = {"written": True, "temperature": writing.temperature}
    try:
        case = read_case(path)
    except InputError as error:
        return None, columns | {"family": "unreadable", "error": str(error)}
    request = asdict(writing) | {
        "seed": writing.seed + number,
        "schema": case.schema,
        "schema_text": json.dumps(case.schema, ensure_ascii=False),
    }
    return request, columns | {"family": case.family}


def generate_table(rows: Sequence[dict[str, Any]]) -> Table:
    """Validity, speed and log-probability per engine; over all prompts that were not skipped."""
    head = ["engine", "documents", "refused or failed", "finished", "valid", "invalid", "undecided"]
    table: Table = [[*head, "tokens/s, median", "first token ms, median", "log p per token"]]
    for engine, its in by_engine(rows).items():
        asked = [row for row in its if row["status"] != "skipped"]
        good = [row for row in asked if row["status"] == "ok"]
        verdicts = [row["verdict"] if row["finished"] else "unfinished" for row in good]
        cells = [engine, len(asked), len(asked) - len(good), sum(row["finished"] for row in good)]
        cells += [verdicts.count(verdict) for verdict in ("valid", "invalid", "undecided")]
        table.append(
            [*map(str, cells), _median(_speeds(good)), _median([r["first_token_ms"] for r in good]), _log_p(good)]
        )
    return table


def _speeds(rows: Sequence[dict[str, Any]]) -> list[float]:
    """Tokens per second after the first, compiling and prompt left out."""
    pairs = [(row["n_written"] - 1, row["total_ms"] - row["first_token_ms"]) for row in rows]
    return [1000 * tokens / milliseconds for tokens, milliseconds in pairs if tokens > 0 and milliseconds > 0]


def _median(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.1f}" if values else "–"


def _log_p(rows: Sequence[dict[str, Any]]) -> str:
    n_tokens = sum(row["n_written"] + row["finished"] for row in rows)
    return f"{sum(row['log_prob'] for row in rows) / n_tokens:.3f}" if n_tokens else "–"
