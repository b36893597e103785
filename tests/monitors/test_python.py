"""``python()``, ``fill_in`` and the files behind a cursor; with a real engine where one is installed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import structgen as sg
from structgen.errors import MonitorError
from structgen.filling import fill_in
from structgen.masks.mask import allowed_ids
from structgen.monitored_constraint import apply_monitors
from structgen.monitors.engines.profiles import PROFILES, find_command
from structgen.monitors.files import hole_in
from structgen.monitors.python_monitor import python
from structgen.monitors.text import TextMonitor
from structgen.vocab.vocabulary import Vocabulary
from tests.monitors.fakes import FakeEngine, server_profile

ORDERS = '''from dataclasses import dataclass
from enum import Enum


class Colour(Enum):
    RED = 1
    BLUE = 2


@dataclass
class Order:
    """An order."""

    total: float
    größe: int = 0

    @property
    def customer(self) -> str:
        return "Ann"

    def ship(self, to: str, *, fast: bool = False) -> "Order":
        return self


class Bag:
    total: int
    weight: int


class Dynamic:
    def __getattr__(self, name: str) -> int:
        return 1
'''

HEAD = """import os
from orders import Bag, Colour, Dynamic, Order


def f(order: Order, both: Order | Bag, dyn: Dynamic, any_):
"""

# engine's question, names that must pass, names that must not (None: nothing is constrained)
PLACES: list[tuple[str, tuple[str, ...], tuple[str, ...] | None]] = [
    ("    x = order.", ("total", "customer", "ship", "größe"), ("totl", "weight")),
    ("    x = order.customer.", ("upper", "strip"), ("total",)),
    ("    x = order.ship('x').", ("total",), ("totl",)),
    ("    x = both.", ("total", "weight", "customer"), ("totl",)),
    ("    x = dyn.", ("anything",), None),
    ("    x = any_.", ("anything",), None),
    ("    x = order.to", ("tal",), ("ta_",)),
    ("    x = 'order.", ("totl",), None),
    ("    # order.", ("totl",), None),
    ("    x = f'{order.", ("total",), ("totl",)),
    ("    x = os.path.", ("join", "splitext"), ("joyn",)),
    ("    from orders import ", ("Bag", "Order"), ("Bug",)),
    ("    import os.", ("path",), ("zz",)),
    ("    if order.", ("total",), ("totl",)),
    ("    for item in order.", ("customer",), ("totl",)),
    ("    order.", ("ship",), ("totl",)),
]


def installed(engine: str) -> bool:
    if engine == "jedi":
        return True
    try:
        find_command(PROFILES[engine])
    except MonitorError:
        return False
    return True


@pytest.fixture(scope="module", params=["zuban", "pyrefly"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    if not installed(request.param):
        pytest.skip(f"{request.param} is not installed")
    project = tmp_path_factory.mktemp("project")
    (project / "orders.py").write_text(ORDERS, encoding="utf-8")
    yield request.param, project


def close(monitor: TextMonitor) -> None:
    for rule in monitor.rules:
        rule.analysis.engine.close()  # type: ignore[attr-defined]


@pytest.mark.slow
def test_places_with_a_real_engine(engine: tuple[str, Path]) -> None:
    name, project = engine
    for text, passing, held_back in PLACES:
        if name == "pyrefly" and "f'" in text:
            held_back = ()  # it does not look into a string that is not closed yet: UNKNOWN
        monitor = python(project, engine=name, prefix=HEAD + text, suffix="\n\n\nend = 1\n", time_limit=20)
        start = monitor.start()
        for word in passing:
            assert monitor.advance(start, word.encode() + b" ") is not None, (text, word)
        for word in held_back or ():
            assert monitor.advance(start, word.encode() + b" ") is None, (text, word)
        if held_back is None:
            assert monitor.gates(start) == ()
        close(monitor)


@pytest.mark.slow
def test_a_model_fills_in_an_existing_name(engine: tuple[str, Path]) -> None:
    """A model that wants ``totl`` is led to ``total``."""
    name, project = engine
    main = project / "main.py"
    main.write_text(HEAD + "    return order.\n\n\nend = 1\n", encoding="utf-8")
    tokens = [bytes((b,)) for b in range(256)] + [b"</s>"]
    vocabulary = Vocabulary.from_bytes(tokens, eos_ids=[256])
    wanted = b"totl"

    def scores(prefix: object) -> np.ndarray:
        probabilities = np.full(257, 1e-6)
        done = len(list(prefix)) - len(vocabulary.encode_bytes((HEAD + "    return order.").encode()))  # type: ignore[call-overload]
        probabilities[wanted[done] if 0 <= done < len(wanted) else 256] = 1.0
        return probabilities / probabilities.sum()

    model = sg.models.Table.from_function(scores, vocabulary=vocabulary)
    line = HEAD.count("\n") + 1
    filled = fill_in(model, "main.py", line, len("    return order.") + 1, project=project, engine=name, max_tokens=40)
    assert filled.text == "total"
    assert filled.file_text.endswith("return order.total\n\n\nend = 1\n")


def test_errors_say_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MonitorError) as caught:
        python(tmp_path / "nowhere")
    assert caught.value.hint
    for options in ({"engine": "no-such"}, {"rules": ["no-such"], "engine": FakeEngine()}):
        with pytest.raises(MonitorError):
            python(tmp_path, **options)  # type: ignore[arg-type]
    with pytest.raises(MonitorError):
        python(tmp_path, engine=FakeEngine(), prefix="x = 'abc\ny = 1)\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    with pytest.raises(MonitorError) as caught:
        python(tmp_path, engine="zuban")
    assert caught.value.engine == "zuban" and "zuban" in (caught.value.hint or "")


def test_an_engine_that_does_not_come_up_is_an_error_unless_optional(tmp_path: Path) -> None:
    profile = server_profile(tmp_path, "garbage")
    monitor = python(tmp_path, engine=profile, prefix="y = x.", suffix="\nz\n")
    with pytest.raises(MonitorError):
        monitor.gates(monitor.start())
    relaxed = python(tmp_path, engine=profile, prefix="y = x.", suffix="\nz\n", on_failure="continue")
    with pytest.warns(RuntimeWarning):
        assert relaxed.gates(relaxed.start()) == ()


def test_no_process_is_started_before_the_first_question(tmp_path: Path) -> None:
    python(tmp_path, engine=server_profile(tmp_path, "works"), prefix="y = x")
    assert not (tmp_path / "starts").exists()


def test_a_server_that_dies_never_stops_a_generation(tmp_path: Path) -> None:
    vocabulary = Vocabulary.from_bytes([b"alpha", b"zz", b".", b" ", b"\n", b"x", b"</s>"], eos_ids=[6])
    monitor = python(tmp_path, engine=server_profile(tmp_path, "crashes"), prefix="y = x", suffix="\nz\n")
    matcher = apply_monitors(vocabulary, [monitor], min_group=1).start()
    row = np.zeros(1, dtype=np.uint32)
    for token in (2, 1, 4):
        matcher.fill_mask(row)
        assert token in allowed_ids(row, 7).tolist()
        matcher.advance(token)
    assert matcher.text == ".zz\n"
    close(monitor)


CURSORS = [(1, 1, "", "ab\ncdé\n"), (1, 3, "ab", "\ncdé\n"), (2, 4, "ab\ncdé", "\n"), (3, 1, "ab\ncdé\n", "")]


@pytest.mark.parametrize(("line", "column", "prefix", "suffix"), CURSORS)
def test_a_file_is_cut_at_the_cursor(tmp_path: Path, line: int, column: int, prefix: str, suffix: str) -> None:
    (tmp_path / "a.py").write_text("ab\ncdé\n", encoding="utf-8")
    hole = hole_in("a.py", line, column, project=tmp_path)
    assert (hole.file, hole.prefix, hole.suffix) == ("a.py", prefix, suffix)


@pytest.mark.parametrize(("line", "column"), [(0, 1), (4, 1), (1, 0), (1, 4), (2, 5)])
def test_a_cursor_outside_the_file_is_an_error(tmp_path: Path, line: int, column: int) -> None:
    (tmp_path / "a.py").write_text("ab\ncdé\n", encoding="utf-8")
    with pytest.raises(MonitorError) as caught:
        hole_in("a.py", line, column, project=tmp_path)
    assert caught.value.hint


def test_files_that_cannot_be_read_are_errors(tmp_path: Path) -> None:
    (tmp_path / "latin.py").write_bytes(b"x = '\xff'\n")
    for file, project in (("none.py", tmp_path), ("latin.py", tmp_path), ("a.py", tmp_path / "none"), (".", tmp_path)):
        with pytest.raises(MonitorError):
            hole_in(file, 1, 1, project=project)
