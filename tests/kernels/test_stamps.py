"""Stamps change with every file that compiled code was made from, and with no other."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from structgen.kernels import stamps
from structgen.kernels.stamps import imported_files, stamp

_PACKAGE = Path(stamps.__file__).parents[1]
_KERNELS = sorted((_PACKAGE / "kernels").glob("*.py"))


def imports_of_a_parser(file: Path) -> set[str]:
    """The slow twin: files of the package that a module imports, from its syntax tree."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    paths = {_PACKAGE.parent.joinpath(*name.split(".")).with_suffix(".py") for name in names}
    return {str(path) for path in paths if path.is_relative_to(_PACKAGE) and path.exists()}


@pytest.mark.parametrize("file", _KERNELS, ids=lambda file: file.stem)
def test_imports_are_those_of_the_syntax_tree(file: Path) -> None:
    assert imported_files(str(file)) == imports_of_a_parser(file)


def write_package(root: Path, factor: int) -> Path:
    """Two modules below a package of this name: one imports the other, a third is on its own."""
    package = root / "structgen"
    package.mkdir(exist_ok=True)
    (package / "lowest.py").write_text(f"FACTOR = {factor}\n")
    (package / "middle.py").write_text("from structgen.lowest import (\n    FACTOR,\n)\n")
    (package / "highest.py").write_text("from structgen import middle as m\n")
    (package / "other.py").write_text("import os\n")
    return package


def test_a_stamp_changes_with_what_is_imported_however_far_down(tmp_path: Path) -> None:
    def stamps_of(name: str, factor: int) -> bytes:
        stamps._read.cache_clear()
        return stamp(str(write_package(tmp_path, factor) / f"{name}.py"), tmp_path)

    for name in ("lowest", "middle", "highest"):
        assert stamps_of(name, 2) == stamps_of(name, 2) != stamps_of(name, 3)
    assert stamps_of("other", 2) == stamps_of("other", 3)


_CALLER = """
from structgen.kernels.jit import kernel
from structgen.kernels import a_callee as C

@kernel
def tripled(value):
    return C.scaled(value)
"""
_CALLEE = """
from structgen.kernels.jit import kernel

@kernel
def scaled(value):
    return {factor} * value
"""


@pytest.mark.slow
def test_code_is_made_anew_where_a_callee_of_another_file_has_changed(tmp_path: Path) -> None:
    """What Numba alone would get wrong: the caller's own file is the same in both runs."""
    kernels = tmp_path / "structgen" / "kernels"
    kernels.mkdir(parents=True)
    (kernels.parent / "__init__.py").touch()
    for name in ("__init__", "jit", "stamps"):
        (kernels / f"{name}.py").write_text((_PACKAGE / "kernels" / f"{name}.py").read_text())
    (kernels / "a_caller.py").write_text(_CALLER)
    settings = {"PYTHONPATH": str(tmp_path), "NUMBA_CACHE_DIR": str(tmp_path / "cache"), "NUMBA_DISABLE_JIT": "0"}
    code = "from structgen.kernels.a_caller import tripled; print(tripled(5), len(tripled.stats.cache_hits))"
    seen = []
    for factor in (3, 4, 4):
        (kernels / "a_callee.py").write_text(_CALLEE.format(factor=factor))
        command = [sys.executable, "-c", code]
        run = subprocess.run(command, env=os.environ | settings, cwd=tmp_path, check=True, capture_output=True)
        seen.append(run.stdout)
    assert seen == [b"15 0\n", b"20 0\n", b"20 1\n"]
