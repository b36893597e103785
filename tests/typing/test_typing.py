"""mypy --strict, pyright and ty understand decorated functions: they accept and reject what they should."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
CHECKERS = ("mypy", "pyright", "ty")


def errors_of(checker: str, path: Path) -> set[int]:
    """Lines in which a checker finds an error; skips where it is not installed."""
    if importlib.util.find_spec(checker) is None:
        pytest.skip(f"{checker} is not installed")
    return {"mypy": _mypy, "pyright": _pyright, "ty": _ty}[checker](path)


def _run(*command: str) -> str:
    environment = {**os.environ, "MYPYPATH": str(ROOT), "NO_COLOR": "1"}
    done = subprocess.run(
        [sys.executable, "-m", *command], capture_output=True, text=True, timeout=300, cwd=ROOT, env=environment
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.stdout


def _mypy(path: Path) -> set[int]:
    told = _run("mypy", "--strict", "--no-error-summary", "--follow-imports=silent", str(path))
    return {int(line) for name, line in re.findall(r"^(.+?):(\d+): error", told, re.M) if Path(name).name == path.name}


def _pyright(path: Path) -> set[int]:
    told = json.loads(_run("pyright", "--outputjson", "--pythonpath", sys.executable, str(path)))
    found = [d for d in told["generalDiagnostics"] if d["severity"] == "error" and Path(d["file"]).name == path.name]
    return {d["range"]["start"]["line"] + 1 for d in found}


def _ty(path: Path) -> set[int]:
    told = _run(
        "ty", "check", "--python", sys.prefix, "--extra-search-path", str(ROOT), "--output-format", "concise", str(path)
    )
    return {int(line) for line in re.findall(rf"{re.escape(path.name)}:(\d+):\d+: error", told)}


@pytest.mark.parametrize("checker", CHECKERS)
def test_good_programs_are_accepted(checker: str) -> None:
    assert errors_of(checker, HERE / "accepted.py") == set()


@pytest.mark.parametrize("checker", CHECKERS)
def test_wrong_types_are_rejected(checker: str) -> None:
    path = HERE / "rejected.py"
    marked = {n for n, line in enumerate(path.read_text().splitlines(), 1) if line.endswith("# reject")}
    assert errors_of(checker, path) == marked


@pytest.mark.parametrize("checker", CHECKERS)
def test_readme_decorator_example_is_accepted_and_a_wrong_argument_rejected(checker: str, tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S)
    example = next(block for block in blocks if "@sg.generate" in block)
    good = tmp_path / "readme_example.py"
    good.write_text(example, encoding="utf-8")
    assert errors_of(checker, good) == set()
    function = re.search(r"@sg\.generate.*?\ndef (\w+)", example, re.S)
    assert function is not None
    bad = tmp_path / "readme_wrong.py"
    bad.write_text(f"{example}\n{function.group(1)}(3)\n", encoding="utf-8")
    assert errors_of(checker, bad) == {len(bad.read_text().splitlines())}
