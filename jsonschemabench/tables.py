"""Figures as text: the one comparison table, Markdown and CSV from the same cells."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from jsonschemabench.metrics import EngineFigures, percentile

__all__ = ["comparison", "families", "to_csv", "to_markdown"]

Table = list[list[str]]


def comparison(engines: Sequence[EngineFigures]) -> Table:
    """Rows are measures, columns engines."""
    table: Table = [["", *[f"{found.engine} {found.version}".strip() for found in engines]]]

    def add(label: str, cells: Sequence[str]) -> None:
        table.append([label, *cells])

    add("schemas", [f"{found.n_schemas:,}" for found in engines])
    add("passing", [f"{found.n_pass:,} ({100 * found.coverage:.1f} %)" for found in engines])
    add("passing, MaskBench's definition", [f"{found.n_pass_maskbench:,}" for found in engines])
    add("refused to compile", [f"{found.status['refused']:,}" for found in engines])
    add("timeout / crash / out of memory", [_ended_badly(found) for found in engines])
    add("schemas with a valid instance rejected", [f"{found.n_schemas_valid_rejected:,}" for found in engines])
    add("schemas with an invalid instance accepted", [f"{found.n_schemas_invalid_accepted:,}" for found in engines])
    for rank, label in ((50.0, "p50"), (75.0, "p75"), (99.0, "p99"), (100.0, "max")):
        add(f"TTFM {label}, µs", [_number(percentile(found.ttfm, rank)) for found in engines])
    add("TBM average, µs", [_number(float(found.tbm.mean())) if found.tbm.size else "–" for found in engines])
    for rank, label in ((50, "p50"), (75, "p75"), (99, "p99"), (99.9, "p99.9"), (100, "max")):
        add(f"TBM {label}, µs", [_number(percentile(found.tbm, rank)) for found in engines])
    add("TBM wall p50 / p99, µs", [_pair(found) for found in engines])
    add("masks", [f"{found.tbm.size:,}" for found in engines])
    add("peak memory, MiB", [f"{found.peak_rss_kb / 1024:,.0f}" for found in engines])
    return table


def families(engines: Sequence[EngineFigures]) -> Table:
    """Schemas passing per family."""
    names = sorted({name for found in engines for name in found.families})
    table: Table = [["family", "schemas", *[found.engine for found in engines]]]
    for name in names:
        total = max(found.families.get(name, (0, 0))[1] for found in engines)
        table.append([name, str(total), *[str(found.families.get(name, (0, 0))[0]) for found in engines]])
    return table


def to_markdown(table: Table) -> str:
    """A Markdown table, first column left, the others right."""
    head, *body = table
    lines = [_line(head), "|" + "|".join([" --- ", *[" --: "] * (len(head) - 1)]) + "|", *map(_line, body)]
    return "\n".join(lines) + "\n"


def to_csv(table: Table) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(table)
    return stream.getvalue()


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _number(value: float) -> str:
    if value != value:
        return "–"
    return f"{value:,.1f}" if value < 100 else f"{value:,.0f}"


def _pair(found: EngineFigures) -> str:
    return f"{_number(percentile(found.tbm_wall, 50))} / {_number(percentile(found.tbm_wall, 99))}"


def _ended_badly(found: EngineFigures) -> str:
    errors = found.status["error"] + found.status["crash"]
    return f"{found.status['timeout']} / {errors} / {found.status['memory']}"
