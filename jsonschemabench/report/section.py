"""The comparison as one Markdown section, and putting it into a README between two marks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from jsonschemabench.errors import InputError
from jsonschemabench.metrics import EngineFigures, by_engine, figures
from jsonschemabench.report.tables import comparison, families, grammar_table, suite_table, to_markdown

__all__ = ["BEGIN", "END", "all_figures", "common_figures", "put_section", "section"]

BEGIN = "<!-- jsonschemabench: begin -->"
END = "<!-- jsonschemabench: end -->"

Row = dict[str, Any]


def all_figures(rows: Sequence[Row]) -> list[EngineFigures]:
    """Figures per engine over the schemas with instances in the data (suite rows are left out)."""
    return [figures(name, its) for name, its in by_engine(row for row in rows if _is_case(row)).items()]


def common_figures(rows: Sequence[Row]) -> list[EngineFigures]:
    """The same over the schemas that every engine compiled; one that refuses the hard ones looks fast otherwise."""
    engines = by_engine(row for row in rows if _is_case(row))
    compiled = [{row["id"] for row in its if "first_mask_us" in row} for its in engines.values()]
    common = set.intersection(*compiled) if compiled else set()
    return [figures(name, [row for row in its if row["id"] in common]) for name, its in engines.items()]


def section(rows: Sequence[Row], plots: Iterable[str] = ()) -> str:
    """The whole comparison: conditions, tables, and links to plots if there are any."""
    cases = [row for row in rows if _is_case(row)]
    parts: list[str] = [_conditions(rows)]
    if cases:
        found = all_figures(rows)
        parts += [to_markdown(comparison(found)), _legend()]
        if len(found) > 1:
            common = common_figures(rows)
            parts += [
                f"Times alone, on the {common[0].n_schemas:,} schemas that every engine here compiled:\n",
                to_markdown(comparison(common, times_only=True)),
            ]
        parts += ["Schemas passing by family:\n", to_markdown(families(found))]
    suite_rows = [row for row in rows if row.get("kind") == "row" and "keyword" in row]
    if suite_rows:
        parts += ["Right verdicts in the official JSON-Schema-Test-Suite:\n", to_markdown(suite_table(suite_rows))]
    grammar_rows = [row for row in rows if row.get("kind") == "row" and "notation" in row]
    if grammar_rows:
        parts += ["Grammars:\n", to_markdown(grammar_table(grammar_rows))]
    parts += [f"![{Path(plot).stem}]({plot})" for plot in plots]
    return "\n".join(parts).rstrip() + "\n"


def put_section(readme: Path, text: str, name: str = "jsonschemabench") -> None:
    """Replace what stands between the two marks of ``name`` in a file; the marks are appended where there are none.

    Raises
    ------
    InputError : the file cannot be read or written, or has one mark without the other
    """
    try:
        old = readme.read_text(encoding="utf-8") if readme.exists() else ""
    except OSError as error:
        raise InputError(readme, error.strerror or str(error)) from error
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    if (begin in old) != (end in old) or old.find(begin) > old.find(end):
        raise InputError(readme, f"needs both marks in order: {begin} and {end}")
    block = f"{begin}\n{text}{end}"
    if begin in old:
        new = old[: old.index(begin)] + block + old[old.index(end) + len(end) :]
    else:
        new = old + ("\n" if old and not old.endswith("\n\n") else "") + block + "\n"
    try:
        readme.write_text(new, encoding="utf-8")
    except OSError as error:
        raise InputError(readme, error.strerror or str(error)) from error


def _is_case(row: Row) -> bool:
    return row.get("kind") == "row" and "keyword" not in row and "findings" not in row and "notation" not in row


def _conditions(rows: Sequence[Row]) -> str:
    runs = [row for row in rows if row.get("kind") == "run"]
    if not runs:
        return ""
    last = runs[-1]
    measured = by_engine(rows)
    engines = {name: version for run in runs for name, version in run["engines"].items() if name in measured}
    versions = ", ".join(f"{name} {version}" for name, version in engines.items())
    command = " ".join(["python -m jsonschemabench compare", *(f"-e {name}" for name in engines), "--readme README.md"])
    vocabulary = f"{last['n_tokens']:,} tokens of {last['tokenizer']}" if "n_tokens" in last else "–"
    return (
        f"Measured {last['date'][:10]} on {last['cpu']}, one thread, Python {last['python']}; vocabulary: "
        f"{vocabulary}; {versions}. Load of the machine at the start: {last['load']}. "
        f"Made by `{command}`.\n"
    )


def _legend() -> str:
    return (
        "TTFM is compiling plus the first mask, per schema; TBM is mask plus advance, per token; each is the smaller "
        "of wall and CPU time. A schema passes if it compiles, all its valid instances are accepted and all its "
        "invalid ones are not; an engine that says that nothing satisfies a schema has rejected every instance.\n"
    )
