"""Figures as tables of text: Markdown and CSV are made from the same cells."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from typing import Any

from jsonschemabench.metrics import EngineFigures, by_engine, figures, percentile
from jsonschemabench.suite import tally

__all__ = ["Table", "comparison", "families", "grammar_table", "suite_table", "to_csv", "to_markdown"]

Table = list[list[str]]


def comparison(engines: Sequence[EngineFigures], times_only: bool = False) -> Table:
    """Rows are measures, columns engines."""
    table: Table = [["", *[f"{found.engine} {found.version}".strip() for found in engines]]]
    if not times_only:
        table += _coverage_lines(engines)
    return table + _time_lines(engines, brief=times_only)


def _coverage_lines(engines: Sequence[EngineFigures]) -> Table:
    return [
        ["schemas", *[f"{found.n_schemas:,}" for found in engines]],
        ["passing", *[f"{found.n_pass:,} ({100 * found.coverage:.1f} %)" for found in engines]],
        [
            "passing of those with instances",
            *[f"{f.n_pass_with_instances:,} of {f.n_with_instances:,}" for f in engines],
        ],
        ["passing, MaskBench's definition", *[f"{found.n_pass_maskbench:,}" for found in engines]],
        ["refused to compile", *[f"{found.status['refused']:,}" for found in engines]],
        ["timeout / crash or error / out of memory", *[_ended_badly(found) for found in engines]],
        ["schemas with a valid instance rejected", *[f"{found.n_schemas_valid_rejected:,}" for found in engines]],
        ["schemas with an invalid instance accepted", *[f"{found.n_schemas_invalid_accepted:,}" for found in engines]],
    ]


_RANKS = ((50.0, "p50"), (75.0, "p75"), (99.0, "p99"), (99.9, "p99.9"), (100.0, "max"))


def _time_lines(engines: Sequence[EngineFigures], brief: bool) -> Table:
    lines: Table = []
    for rank, label in _RANKS:
        if rank != 99.9:
            lines.append([f"TTFM {label}, µs", *[_number(percentile(found.ttfm, rank)) for found in engines]])
    lines.append(
        ["TBM average, µs", *[_number(float(found.tbm.mean())) if found.tbm.size else "–" for found in engines]]
    )
    for rank, label in _RANKS:
        lines.append([f"TBM {label}, µs", *[_number(percentile(found.tbm, rank)) for found in engines]])
    if not brief:
        lines.append(["TBM wall p50 / p99, µs", *[_pair(found) for found in engines]])
        lines.append(["masks", *[f"{found.tbm.size:,}" for found in engines]])
        lines.append(["peak memory, MiB", *[f"{found.peak_rss_kb / 1024:,.0f}" for found in engines]])
    return lines


def families(engines: Sequence[EngineFigures]) -> Table:
    """Schemas passing per family."""
    names = sorted({name for found in engines for name in found.families})
    table: Table = [["family", "schemas", *[found.engine for found in engines]]]
    for name in names:
        total = max(found.families.get(name, (0, 0))[1] for found in engines)
        table.append([name, str(total), *[str(found.families.get(name, (0, 0))[0]) for found in engines]])
    return table


def suite_table(rows: Sequence[dict[str, Any]], by_keyword: bool = False) -> Table:
    """Right verdicts of the official suite; in brackets tests whose schema did not compile."""
    tallies = {name: tally(its, by_keyword) for name, its in by_engine(rows).items()}
    lines = list(dict.fromkeys(line for counts in tallies.values() for line in counts))
    table: Table = [["", "tests", *[f"{name}: right (not compiled)" for name in tallies]]]
    sums = {name: [0, 0] for name in tallies}
    total = 0
    for line in lines:
        n_tests = max(counts.get(line, (0, 0, 0))[1] for counts in tallies.values())
        total += n_tests
        cells: list[str] = []
        for name, counts in tallies.items():
            right, _, lost = counts.get(line, (0, 0, 0))
            sums[name][0] += right
            sums[name][1] += lost
            cells.append(f"{right:,} ({lost:,})")
        table.append([line, f"{n_tests:,}", *cells])
    table.append(["all", f"{total:,}", *[f"{right:,} ({lost:,})" for right, lost in sums.values()]])
    return table


def grammar_table(rows: Sequence[dict[str, Any]]) -> Table:
    """One line per grammar and engine: TTFM, TBM and right verdicts on the examples."""
    table: Table = [["grammar", "engine", "TTFM, µs", "TBM average / p50 / p99, µs", "right verdicts", "masks"]]
    for row in sorted(rows, key=lambda row: str(row["id"])):
        found = figures(row["engine"], [row])
        if "first_mask_us" not in row:
            error = " ".join(str(row.get("error", "")).split())[:80].replace("|", "\\|")
            table.append([row["id"], row["engine"], row["status"], error, "–", "–"])
            continue
        times = (float(found.tbm.mean()) if found.tbm.size else float("nan"), *map(_rank(found), (50.0, 99.0)))
        accepted = row.get("accepted") or []
        n_right = sum(got == valid for got, valid in zip(accepted, row["valid"], strict=False))
        verdicts = f"{n_right} of {len(row['valid'])}"
        ttfm, tbm = _number(float(found.ttfm[0])), " / ".join(map(_number, times))
        table.append([row["id"], row["engine"], ttfm, tbm, verdicts, f"{found.tbm.size:,}"])
    return table


def _rank(found: EngineFigures) -> Callable[[float], float]:
    return lambda rank: percentile(found.tbm, rank)


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
