"""``structgen generate --monitor``: filling in at a cursor, records, and everything that can be wrong with it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import structgen as sg
from structgen.cli import main
from structgen.models.table import Table
from structgen.monitors.engines.profiles import PROFILES, Profile
from tests.monitors.fakes import server_profile

HEAD = "def f(order):\n    return order."
BYTES = [*(bytes([i]) for i in range(256)), b"</s>"]


@pytest.fixture(autouse=True)
def model() -> Iterator[None]:
    """Writes ``alpho`` behind the file, if nothing holds it back; the fake server knows ``alpha``."""
    vocabulary = sg.Vocabulary.from_bytes(BYTES, eos_ids=[256])

    def weights(prefix: tuple[int, ...]) -> list[float]:
        done = len(prefix) - len(HEAD.encode())
        wanted = b"alpho"[done] if 0 <= done < 5 else 256
        return [1.0 if token == wanted else 1e-6 for token in range(257)]

    with sg.configure(model=Table.from_function(weights, vocabulary=vocabulary)):
        yield


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "main.py").write_text(HEAD + "\n\n\nend = 1\n", encoding="utf-8")
    serve(monkeypatch, server_profile(tmp_path, "works"))
    return tmp_path


def serve(monkeypatch: pytest.MonkeyPatch, profile: Profile) -> None:
    profiles = {**PROFILES, "fake": profile}
    monkeypatch.setattr("structgen.monitors.engines.profiles.PROFILES", profiles)


def fill(project: Path, *more: str, at: str = "2:18") -> list[str]:
    base = ["generate", "--project", str(project), "--file", "main.py", "--at", at]
    return [*base, "--monitor", "python", "--engine", "fake", *more]


def test_fills_in_at_the_cursor(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(fill(project)) == 0
    assert capsys.readouterr().out == "alpha\n"
    assert (project / "main.py").read_text(encoding="utf-8") == HEAD + "\n\n\nend = 1\n"


def test_the_model_alone_would_have_erred(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", "--project", str(project), "--file", "main.py", "--at", "2:18"]) == 0
    assert capsys.readouterr().out == "alpho\n"


def test_json_has_the_record(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(fill(project, "--json", "-n", "2", "--rule", "members")) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["file"], line["at"], line["text"]) for line in lines] == [("main.py", "2:18", "alpha")] * 2
    (record,) = lines[0]["monitors"]
    assert record["engine"] == "fake" and record["queries"] >= 1 and record["gave_up"] == ""


def test_a_prompt_may_be_monitored(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["generate", "x", "--regex", r"y\.al[a-z]{3}\n", "--monitor", "python", "--engine", "fake"]
    assert main([*command, "--project", str(project), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["text"] == "y.alpha\n" and told["monitors"][0]["queries"] >= 1


def test_sql_against_a_database(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "shop.db"
    connection = sqlite3.connect(path)
    connection.execute("create table orders (total int)")
    connection.close()
    command = ["generate", "x", "--regex", "SELECT (totl|total) FROM (order|orders)", "--monitor", "sql"]
    assert main([*command, "--database", str(path)]) == 0
    assert capsys.readouterr().out == "SELECT total FROM orders\n"
    assert main([*command, "--database", str(tmp_path / "none.db")]) == 3
    assert not (tmp_path / "none.db").exists()


WRONG: list[tuple[str, dict[str, Any], int, str]] = [
    ("no such project", {"project": "nowhere"}, 3, "no project"),
    ("no such file", {"file": "none.py"}, 3, "no file"),
    ("cursor outside the file", {"at": "2:99"}, 2, "columns 1 to 18"),
    ("cursor in no line", {"at": "99:1"}, 2, "lines 1 to"),
    ("cursor of another form", {"at": "2"}, 2, "LINE:COL"),
    ("no such engine", {"engine": "no-such"}, 1, "one of: jedi"),
    ("no such rule", {"rule": "no-such"}, 1, "one of: members"),
    ("file without cursor", {"at": None}, 2, "go together"),
    ("engine without monitor", {"monitor": None}, 2, "--monitor"),
    ("database of another monitor", {"database": "x.db"}, 2, "--database"),
]


@pytest.mark.parametrize(("changes", "code", "told"), [w[1:] for w in WRONG], ids=[w[0] for w in WRONG])
def test_wrong_options(
    project: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, Any], code: int, told: str
) -> None:
    options: dict[str, Any] = {"project": str(project), "file": "main.py", "at": "2:18", "monitor": "python"}
    options |= {"engine": "fake"} | changes
    command = ["generate"]
    for name, value in options.items():
        command += [] if value is None else [f"--{name}", str(value)]
    assert main(command) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert told in " ".join(captured.err.replace("│", " ").split())


def test_a_file_that_is_no_python(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "main.py").write_text("x = 1)\n", encoding="utf-8")
    assert main(fill(project, at="2:1")) == 1
    assert "no Python" in capsys.readouterr().err
    with pytest.warns(RuntimeWarning):
        assert main(fill(project, "--on-monitor-failure", "continue", at="2:1")) == 0
    assert "without the python monitor" in capsys.readouterr().err


@pytest.mark.parametrize("mode", ["garbage", "exits", "useless"])
def test_a_server_that_talks_nonsense(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], mode: str
) -> None:
    serve(monkeypatch, server_profile(project, mode))
    assert main(fill(project)) == 1
    assert "MonitorError" in capsys.readouterr().err
    with pytest.warns(RuntimeWarning):
        assert main(fill(project, "--on-monitor-failure", "continue")) == 0
    captured = capsys.readouterr()
    assert captured.out == "alpho\n" and "without the python monitor" in captured.err


def test_a_server_that_is_not_installed_says_how(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(monkeypatch, replace(server_profile(project, "works"), command=("no-such-program",)))
    assert main(fill(project)) == 1
    assert "write it again" in capsys.readouterr().err  # the profile's way to install it


def test_a_server_that_dies_on_the_way_is_told_of(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(monkeypatch, server_profile(project, "crashes"))
    assert main(fill(project)) == 0
    captured = capsys.readouterr()
    assert captured.out == "alpho\n" and "unanswered" in captured.err


def test_explain_shows_what_was_held_back(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = ["explain", "--project", str(project), "--monitor", "python", "--engine", "fake"]
    assert main([*base, "--file", "main.py", "--at", "2:18", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["text"] == "alpha" and told["monitors"][0]["constrained"] >= 1
    last = told["steps"][4]
    assert last["chosen"]["text"] == "a" and last["options"][0]["text"] == "o" and not last["options"][0]["is_allowed"]
    assert main([*base, "x", "--regex", r"y\.al[a-z]{3}\n"]) == 0
    assert "python monitor: held tokens back at" in capsys.readouterr().out
    for wrong in (["x", "--file", "main.py", "--at", "2:18"], ["--file", "main.py", "--at", "99:1"], []):
        assert main([*base, *wrong]) == 2
