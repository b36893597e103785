"""``report``: tables, plots and the README's section from rows; ``compare``: measure first."""

from __future__ import annotations

import datetime
import importlib.util
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from jsonschemabench import engines as engine_names
from jsonschemabench.cases import case_paths
from jsonschemabench.cli import app, data_folder, repository
from jsonschemabench.commands.grammars_command import OWN_GRAMMARS
from jsonschemabench.commands.options import EosOption, MemoryOption, TokenizerOption, make_plan
from jsonschemabench.commands.progress import ProgressBar
from jsonschemabench.errors import EngineMissingError, InputError
from jsonschemabench.grammars import grammar_jobs, grammar_paths
from jsonschemabench.jobs import Job, measure
from jsonschemabench.report.plots import draw_all
from jsonschemabench.report.record import write_record
from jsonschemabench.report.section import all_figures, put_section, section
from jsonschemabench.rows import read_rows
from jsonschemabench.run import case_jobs
from jsonschemabench.suite import DRAFTS, read_groups, read_remotes, suite_jobs

FolderOption = Annotated[
    Path | None, typer.Option("--out", help="Folder for tables and plots; default: a dated one in record/.")
]
ReadmeOption = Annotated[Path | None, typer.Option("--readme", help="File whose marked section is replaced.")]
PlotsOption = Annotated[bool, typer.Option("--plots/--no-plots", help="Draw the plots (needs matplotlib).")]


@app.command("report")
def report_command(
    rows: Annotated[list[Path], typer.Argument(help="Files of rows, of run and of suite.")],
    out: FolderOption = None,
    readme: ReadmeOption = None,
    plots: PlotsOption = True,
) -> None:
    """Write tables (Markdown, CSV) and plots from rows, and the section of a README."""
    everything = [row for path in rows for row in read_rows(path)]
    if not any(row.get("kind") == "row" for row in everything):
        raise InputError(rows[0], "no results")
    write_report(everything, out or dated_folder(), readme, plots)


@app.command("compare")
def compare_command(
    engine: Annotated[
        list[str], typer.Option("--engine", "-e", help="Repeatable; default: what is installed of the fast ones.")
    ] = [],  # noqa: B006 - typer copies it
    data: Annotated[Path | None, typer.Option(help="Folder of case files; default: MaskBench, or our own.")] = None,
    files: Annotated[Path | None, typer.Option(help="A list of file names; default: the data's sample.")] = None,
    suite: Annotated[Path | None, typer.Option(help="A copy of the official suite; left out where absent.")] = None,
    tokenizer: TokenizerOption = "llama3_1",
    out: FolderOption = None,
    readme: ReadmeOption = None,
    plots: PlotsOption = True,
    memory: MemoryOption = 8.0,
    eos: EosOption = [],  # noqa: B006
) -> None:
    """Measure all installed engines on the data and the suite, then report: one command for the README's section.

    Given again with the same --out it goes on where it stopped.
    """
    folder = out or dated_folder()
    chosen = list(dict.fromkeys(engine)) or installed()
    for name in chosen:
        engine_names.check(name)
    plots = plots and _can_plot()
    data, files = default_data(data, files)
    jobs: dict[str, tuple[list[Job], float]] = {"rows": (case_jobs(case_paths(data, files)), 60.0)}
    suite = suite or data_folder() / "json-schema-test-suite"
    if suite.is_dir():
        groups = read_groups(suite, list(DRAFTS), ("required", "format"))
        jobs["suite"] = (suite_jobs(groups, read_remotes(suite)), 20.0)
    else:
        typer.echo(f"no official suite at {suite}: left out", err=True)
    jobs["grammars"] = (grammar_jobs(grammar_paths(OWN_GRAMMARS)), 60.0)
    everything: list[dict[str, Any]] = []
    for name, (its, seconds) in jobs.items():
        path = folder / f"{name}.jsonl"
        plan = make_plan(chosen, tokenizer, eos, path, compile_timeout=seconds, timeout=2 * seconds, memory=memory)
        with ProgressBar(name) as progress:
            measure(plan, its, progress)
        everything += _wanted(read_rows(path), chosen, its)
    write_report(everything, folder, readme, plots)


def _wanted(rows: Iterable[dict[str, Any]], chosen: list[str], jobs: list[Job]) -> Iterator[dict[str, Any]]:
    """Rows of this selection; a file may hold those of an earlier, wider one."""
    ids = {job.id for job in jobs}
    for row in rows:
        if row.get("kind") == "run" or (row["engine"] in chosen and row["id"] in ids):
            yield row


def _can_plot() -> bool:
    """Told before hours are spent, not after."""
    if importlib.util.find_spec("matplotlib") is None:
        typer.echo("no plots: they need matplotlib; install it with: pip install 'structgen[bench]'", err=True)
        return False
    return True


def installed() -> list[str]:
    """structgen and the peers that can be imported, without those that take minutes per schema."""
    found: list[str] = []
    for name in ("structgen", "llguidance", "xgrammar-compliant"):
        try:
            engine_names.check(name)
        except EngineMissingError as error:
            typer.echo(f"left out: {error}", err=True)
        else:
            found.append(name)
    return found


def default_data(data: Path | None, files: Path | None) -> tuple[Path, Path | None]:
    """MaskBench's sample where the data folder has it, else the schemas of this project."""
    maskbench = data_folder() / "maskbench"
    if data is not None:
        return data, files
    if not (maskbench / "data").is_dir():
        return repository() / "schemas", files
    sample = maskbench / "sample.txt"
    return maskbench / "data", files or (sample if sample.is_file() else None)


def dated_folder() -> Path:
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    return Path(__file__).resolve().parent.parent / "record" / today


def write_report(rows: list[dict[str, Any]], folder: Path, readme: Path | None, plots: bool) -> None:
    """Tables, plots, ``comparison.md``, and the section in ``readme`` if given; prints the section."""
    write_record(rows, folder)
    found = all_figures(rows)
    drawn = draw_all(found, folder) if plots and found else []
    text = section(rows, [path.name for path in drawn])
    (folder / "comparison.md").write_text(text, encoding="utf-8")
    if readme is not None:
        put_section(readme, section(rows, [_link(path, readme) for path in drawn]))
    typer.echo(text, nl=False)


def _link(path: Path, readme: Path) -> str:
    return Path(os.path.relpath(path.resolve(), readme.resolve().parent)).as_posix()
