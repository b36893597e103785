"""The language server client against a server that behaves, and one that does not."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from structgen.errors import MonitorError
from structgen.monitors.engines.lsp import LspEngine, common_prefix, common_suffix
from structgen.monitors.engines.protocol import UNKNOWN
from structgen.monitors.rules import member_names
from tests.monitors.fakes import n_starts, server_profile


@contextmanager
def engine(folder: Path, mode: str, *, limit: float = 1.0, max_restarts: int = 3) -> Iterator[LspEngine]:
    started = LspEngine(server_profile(folder, mode), folder, "main.py", limit=limit, max_restarts=max_restarts)
    try:
        yield started
    finally:
        started.close()


def wait_until(condition, seconds: float = 5.0) -> None:  # type: ignore[no-untyped-def]
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


@pytest.mark.parametrize("mode", ["works", "full"])
def test_the_server_sees_every_edit(tmp_path: Path, mode: str) -> None:
    """The server's answer has the length of its text in it: edits must add up, in UTF-16 positions too."""
    with engine(tmp_path, mode) as lsp:
        for text in ("x.", "xy.", "x😀é.\nz", "x😀.\nz.", "", "long\nlong\nline.", "short."):
            answer = lsp.complete(text, len(text))
            assert answer is not UNKNOWN
            assert answer.names == {"alpha", "beta", f"n{len(text)}"}


def test_keywords_and_names_to_be_imported_first_are_left_out(tmp_path: Path) -> None:
    with engine(tmp_path, "works") as lsp:
        answer = lsp.complete("x.", 2)
        assert answer is not UNKNOWN and not {"kw", "imported"} & answer.names


def test_a_list_that_was_cut_short_is_unknown(tmp_path: Path) -> None:
    with engine(tmp_path, "cut") as lsp:
        answer = lsp.complete("x.", 2)
        assert answer is not UNKNOWN and answer.incomplete
        assert member_names(answer) is UNKNOWN


def test_a_hung_server_costs_one_time_limit(tmp_path: Path) -> None:
    with engine(tmp_path, "hangs", limit=0.3) as lsp:
        begun = time.monotonic()
        answers = [lsp.complete(f"x{i}.", 3) for i in range(20)]
        assert time.monotonic() - begun < 0.3 + 0.25
        assert all(answer is UNKNOWN for answer in answers)
        assert lsp.stats.overruns == 1
        wait_until(lambda: lsp.complete("y.", 2) is not UNKNOWN)  # restarted, and it answers again
        assert lsp.stats.restarts == 1 and n_starts(tmp_path) == 2


def test_a_slow_server_is_not_restarted(tmp_path: Path) -> None:
    with engine(tmp_path, "slow", limit=0.2) as lsp:
        assert lsp.complete("x.", 2) is UNKNOWN
        wait_until(lambda: lsp.complete("y.", 2) is not UNKNOWN)
        assert n_starts(tmp_path) == 1


@pytest.mark.parametrize("mode", ["crashes", "nonsense"])
def test_a_crash_or_nonsense_is_unknown_and_recovered_from(tmp_path: Path, mode: str) -> None:
    with engine(tmp_path, mode) as lsp:
        begun = time.monotonic()
        assert lsp.complete("x.", 2) is UNKNOWN
        assert time.monotonic() - begun < 0.9
        wait_until(lambda: lsp.complete("y.", 2) is not UNKNOWN)


def test_a_server_that_keeps_hanging_is_given_up(tmp_path: Path) -> None:
    with engine(tmp_path, "hangs-always", limit=0.1, max_restarts=1) as lsp:
        for i in range(2):
            assert lsp.complete(f"x{i}.", 3) is UNKNOWN
            wait_until(lambda: lsp._ready or bool(lsp.stats.disabled))
        lsp.complete("z.", 2)
        wait_until(lambda: bool(lsp.stats.disabled))
        begun = time.monotonic()
        assert lsp.complete("w.", 2) is UNKNOWN
        assert time.monotonic() - begun < 0.05


@pytest.mark.parametrize("mode", ["garbage", "exits", "useless"])
def test_a_server_that_does_not_come_up_is_an_error_with_advice(tmp_path: Path, mode: str) -> None:
    with pytest.raises(MonitorError) as caught:
        LspEngine(server_profile(tmp_path, mode), tmp_path, "main.py")
    assert caught.value.engine == "fake" and caught.value.hint


def test_a_mute_server_is_an_error_after_its_start_limit(tmp_path: Path) -> None:
    begun = time.monotonic()
    with pytest.raises(MonitorError):
        LspEngine(server_profile(tmp_path, "mute", start_limit=0.3), tmp_path, "main.py")
    assert time.monotonic() - begun < 4


def test_a_missing_program_or_project_says_what_to_do(tmp_path: Path) -> None:
    from dataclasses import replace

    profile = server_profile(tmp_path, "works")
    with pytest.raises(MonitorError) as caught:
        LspEngine(replace(profile, command=("no-such-program-anywhere",)), tmp_path, "main.py")
    assert caught.value.engine == "fake" and caught.value.hint == profile.install
    with pytest.raises(MonitorError):
        LspEngine(profile, tmp_path / "nowhere", "main.py")


def test_a_cursor_outside_the_file_is_an_error(tmp_path: Path) -> None:
    with engine(tmp_path, "works") as lsp, pytest.raises(MonitorError):
        lsp.complete("abc", 4)


def test_closing_twice_and_asking_afterwards_is_harmless(tmp_path: Path) -> None:
    with engine(tmp_path, "works") as lsp:
        lsp.close()
        lsp.close()
        assert lsp.complete("x.", 2) is UNKNOWN


def test_a_hung_server_does_not_outlive_the_interpreter(tmp_path: Path) -> None:
    profile = server_profile(tmp_path, "hangs-always")
    code = (
        "import sys; sys.path.insert(0, '.')\n"
        "from structgen.monitors.engines.transport import Transport\n"
        f"t = Transport({list(profile.command)!r}, cwd='.', engine='fake')\n"
        "t.notify('initialize', {}, limit=1)\n"
        "print(t.pid)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    with pytest.raises(ProcessLookupError):
        for _ in range(100):
            os.kill(int(done.stdout), 0)
            time.sleep(0.02)


@pytest.mark.parametrize(
    ("a", "b"),
    [("", ""), ("abc", "abc"), ("abc", "abd"), ("aba", "a"), ("xabc", "yabc"), ("aaa", "aa"), ("", "x")],
)
def test_common_ends_agree_with_counting(a: str, b: str) -> None:
    n = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    assert common_prefix(a, b) == n
    room = min(len(a), len(b)) - n
    m = next((i for i in range(room) if a[-1 - i] != b[-1 - i]), room)
    assert common_suffix(a, b, room) == m
