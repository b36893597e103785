"""The public names: all there, all loadable, loaded late."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import structgen


def in_fresh_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    return done.stdout


@pytest.mark.parametrize("name", structgen.__all__)
def test_public_name_loads(name: str) -> None:
    assert getattr(structgen, name) is not None


def test_all_is_sorted_and_unique() -> None:
    assert structgen.__all__ == sorted(set(structgen.__all__))


def test_all_lists_exactly_what_is_loaded_late() -> None:
    assert set(structgen.__all__) == set(structgen._WHERE)


def test_type_checkers_see_the_same_names() -> None:
    text = Path(structgen.__file__).read_text(encoding="utf-8")
    block = text[text.index("if TYPE_CHECKING") : text.index("__all__ = [")]
    seen = set(re.findall(r" as (\w+)$", block, re.MULTILINE))
    assert seen == set(structgen.__all__)


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        structgen.no_such_name  # noqa: B018


def test_loading_everything_keeps_functions_functions() -> None:
    """A module of the same name as a public function would replace it in the package once imported."""
    code = """
import importlib, json, pkgutil, structgen
for name in structgen.__all__: getattr(structgen, name)
for module in pkgutil.walk_packages(structgen.__path__, "structgen."):
    if "__main__" not in module.name and "integrations" not in module.name:
        try: importlib.import_module(module.name)
        except ImportError: pass
print(json.dumps({n: type(getattr(structgen, n)).__name__ for n in structgen.__all__}))
"""
    kinds = json.loads(in_fresh_python(code))
    modules = {name for name, kind in kinds.items() if kind == "module"}
    assert modules == set(structgen._SUBPACKAGES)


def test_import_is_light() -> None:
    code = """
import sys
import structgen
heavy = {"numpy", "numba", "torch", "transformers", "pydantic", "jsonschema", "typer", "lark"}
print(sorted(heavy & set(sys.modules)))
"""
    assert in_fresh_python(code).strip() == "[]"


def test_import_is_quick() -> None:
    code = """
from time import perf_counter
began = perf_counter()
import structgen
print(perf_counter() - began)
"""
    assert min(float(in_fresh_python(code)) for _ in range(3)) < 0.3


def test_type_information_ships() -> None:
    assert (Path(structgen.__file__).parent / "py.typed").exists()
