from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jsonschemabench.errors import InputError
from jsonschemabench.metrics import by_engine, figures, is_pass, percentile
from jsonschemabench.packing import pack
from jsonschemabench.report.section import BEGIN, END, common_figures, put_section, section
from jsonschemabench.report.tables import comparison, to_csv, to_markdown


def row(engine: str, identifier: str, **columns: Any) -> dict[str, Any]:
    usual = {
        "kind": "row", "engine": engine, "version": "1", "id": identifier, "family": "own", "status": "ok",
        "valid": [True, False], "accepted": [True, False], "all_allowed": [True, False],
        "compile_us": 100.0, "start_us": 10.0, "first_mask_us": 5.0,
        "mask_ns": pack([1000, 3000]), "advance_ns": pack([500, 500]),
        "mask_wall_ns": pack([2000, 3000]), "advance_wall_ns": pack([500, 500]), "peak_rss_kb": 1024,
    }  # fmt: skip
    return usual | columns


def refused(engine: str, identifier: str) -> dict[str, Any]:
    return {"kind": "row", "engine": engine, "id": identifier, "status": "refused", "valid": [True], "family": "own"}


def test_passing_needs_every_verdict_right() -> None:
    assert is_pass(row("e", "a"))
    assert not is_pass(row("e", "a", accepted=[False, False]))
    assert not is_pass(row("e", "a", accepted=[True, True]))
    assert not is_pass(row("e", "a", instance_errors={"0": "x"}))
    assert not is_pass(refused("e", "a"))


def test_an_invalid_instance_that_cannot_stop_counts_as_rejected_only_in_the_strict_sense() -> None:
    unfinished = row("e", "a", all_allowed=[True, True], accepted=[True, False])
    assert is_pass(unfinished)
    assert not is_pass(unfinished, strict=False)


def test_refusals_stay_in_the_denominator() -> None:
    found = figures("e", [row("e", "a"), refused("e", "b"), row("e", "c", status="timeout", accepted=None)])
    assert (found.n_schemas, found.n_pass) == (3, 1)
    assert found.coverage == pytest.approx(1 / 3)
    assert found.status["refused"] == found.status["timeout"] == 1


def test_times_add_up() -> None:
    found = figures("e", [row("e", "a")])
    assert found.ttfm.tolist() == [115.0]
    assert found.tbm.tolist() == [1.5, 3.5]
    assert found.tbm_wall.tolist() == [2.5, 3.5]


def test_percentiles_are_values_that_occurred() -> None:
    values = np.array([4.0, 1.0, 3.0, 2.0])
    assert [percentile(values, rank) for rank in (0, 50, 99, 100)] == [1.0, 3.0, 4.0, 4.0]
    assert np.isnan(percentile(np.zeros(0), 50))


def test_the_last_row_of_an_id_counts() -> None:
    rows = by_engine([refused("e", "a"), row("e", "a"), {"kind": "run"}])
    assert [found["status"] for found in rows["e"]] == ["ok"]


def test_common_figures_leave_out_what_one_engine_refused() -> None:
    rows = [row("x", "a"), row("x", "b"), row("y", "a"), refused("y", "b")]
    assert [found.n_schemas for found in common_figures(rows)] == [1, 1]


def test_tables_have_a_column_per_engine() -> None:
    table = comparison([figures("x", [row("x", "a")]), figures("y", [refused("y", "a")])])
    assert table[0] == ["", "x 1", "y"]
    assert all(len(line) == 3 for line in table)
    assert to_markdown(table).splitlines()[1] == "| --- | --: | --: |"
    assert to_csv(table).splitlines()[0] == ",x 1,y"
    assert ["passing", "1 (100.0 %)", "0 (0.0 %)"] in table


def test_the_section_replaces_what_is_between_the_marks_and_nothing_else(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"# Title\n\n{BEGIN}\nold\n{END}\n\nmore\n")
    put_section(readme, "new\n")
    assert readme.read_text() == f"# Title\n\n{BEGIN}\nnew\n{END}\n\nmore\n"
    put_section(readme, "newer\n")
    assert readme.read_text() == f"# Title\n\n{BEGIN}\nnewer\n{END}\n\nmore\n"


def test_sections_of_several_names_live_side_by_side(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    put_section(readme, "one\n")
    put_section(readme, "two\n", name="samplers")
    put_section(readme, "three\n")
    assert readme.read_text().split("\n") == [
        BEGIN, "three", END, "", "<!-- samplers: begin -->", "two", "<!-- samplers: end -->", "",
    ]  # fmt: skip


def test_rows_of_several_versions_name_them_all() -> None:
    old, new = row("x", "a"), row("x", "b") | {"version": "2"}
    assert figures("x", [old, new]).version == "1, 2"


def test_half_a_pair_of_marks_is_an_error(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"{END}\n{BEGIN}\n")
    with pytest.raises(InputError):
        put_section(readme, "new\n")
    assert readme.read_text() == f"{END}\n{BEGIN}\n"


def test_a_section_names_its_conditions() -> None:
    run = {
        "kind": "run", "date": "2031-07-01T00:00:00+00:00", "cpu": "Some CPU", "python": "3.13", "load": 0.1,
        "engines": {"x": "1"}, "n_tokens": 1000, "tokenizer": "toy.json",
    }  # fmt: skip
    text = section([run, row("x", "a")])
    for part in ("2031-07-01", "Some CPU", "1,000 tokens of toy.json", "x 1"):
        assert part in text


def test_plots_are_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from jsonschemabench.report.plots import draw_all

    paths = draw_all([figures("x", [row("x", "a")]), figures("y", [refused("y", "a")])], tmp_path)
    assert sorted(path.name for path in paths) == ["families.png", "pareto.png", "tbm.png", "ttfm.png"]
    assert all(path.stat().st_size > 2000 for path in paths)
