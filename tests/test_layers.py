"""Who may import whom. The table below is the authority; the imports are read with ``ast``."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import structgen

ROOT = Path(structgen.__file__).parent

# Each part may import what is listed. Order is from the bottom up: a part lists only parts above it.
ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "dtypes": set(),
    "lasting": set(),
    "kernels": {"dtypes"},
    "ir": {"errors"},
    "frontends": {"errors", "ir"},
    "automata": {"dtypes", "errors", "ir", "kernels", "lasting"},
    "vocab": {"dtypes", "errors", "kernels"},
    "masks": {"automata", "dtypes", "errors", "ir", "kernels", "lasting", "vocab"},
    "keys": set(),
    "constraint": {"automata", "dtypes", "errors", "frontends", "ir", "keys", "masks", "vocab"},
    "json_constraint": {"automata", "constraint", "errors", "frontends", "ir", "keys", "masks", "vocab"},
    "grammar_store": {"automata", "ir", "vocab"},
    "grammar_constraint": {
        *("automata", "constraint", "errors", "frontends", "grammar_store", "ir", "json_constraint", "keys"),
        *("masks", "vocab"),
    },
    "grammars": {"errors", "frontends", "grammar_constraint"},
    "usual_terminals": {"grammar_constraint", "masks", "vocab"},
    "potentials": {"dtypes", "errors", "kernels", "masks", "vocab"},
    "monitors": {"automata", "dtypes", "errors", "kernels", "masks", "potentials", "vocab"},
    "samplers": {"dtypes", "errors", "kernels", "potentials", "vocab"},
    "monitored_constraint": {"constraint", "masks", "monitors", "vocab"},
    "filling": {"constraint", "errors", "monitored_constraint", "monitors", "samplers"},
    "models": {"dtypes", "errors", "samplers", "vocab"},
    "integrations": {"constraint", "dtypes", "errors", "masks", "models", "samplers", "vocab"},
    "testing": {"dtypes", "errors", "potentials", "samplers", "vocab"},
    "objects": {"constraint", "errors", "frontends", "grammar_constraint", "json_constraint"},
    "prompts": {"errors"},
    "config": {"errors", "models", "samplers"},
    "generation": {
        *("config", "constraint", "errors", "monitored_constraint", "monitors", "objects", "prompts", "samplers"),
    },
    "signatures": {"errors", "prompts"},
    "functions": {
        *("constraint", "errors", "generation", "monitors", "objects", "prompts", "samplers", "signatures"),
    },
    "decorator": {"constraint", "functions", "generation", "monitors", "objects", "samplers", "signatures"},
    "report": {
        *("constraint", "dtypes", "errors", "frontends", "grammar_constraint", "masks", "json_constraint", "samplers"),
        *("vocab",),
    },
    "warming": {
        *("constraint", "frontends", "grammar_constraint", "json_constraint", "masks", "models", "potentials"),
        *("monitors", "samplers", "usual_terminals", "vocab"),
    },
    "demo": {"config", "decorator", "errors", "functions", "generation", "prompts", "samplers"},
    "cli": {
        *("__init__", "config", "constraint", "errors", "filling", "frontends", "generation", "grammars", "models"),
        *("monitored_constraint", "monitors", "objects", "prompts", "report", "samplers", "vocab"),
    },
    "__main__": {"cli"},
}

# Heavy libraries, and the only parts that may name them.
ONLY_IN: dict[str, set[str]] = {
    "numba": {"kernels", "cli"},
    "torch": {"models", "integrations", "cli"},
    "transformers": {"models", "integrations", "vocab", "cli"},
    "pydantic": {"frontends", "objects", "demo"},
    "typer": {"cli", "demo"},
}


def part_of(module: str) -> str:
    """``structgen.masks.matcher`` belongs to ``masks``."""
    pieces = module.split(".")
    return pieces[1] if len(pieces) > 1 else "__init__"


def imports_of(path: Path) -> Iterator[tuple[str, int, bool]]:
    """Imported modules, their line, and whether the import stands at module level."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    at_top = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno, id(node) in at_top
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for name in [node.module] if node.module != "structgen" else [f"structgen.{a.name}" for a in node.names]:
                yield name, node.lineno, id(node) in at_top


FILES = sorted(path for path in ROOT.rglob("*.py"))


def test_the_table_has_no_cycle() -> None:
    done: set[str] = set()
    for part, allowed in ALLOWED.items():
        assert allowed - {"__init__"} <= done, f"{part} may import {allowed - done}, which stand below it"
        done.add(part)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_follow_the_table(path: Path) -> None:
    module = ".".join(("structgen", *path.relative_to(ROOT).with_suffix("").parts))
    part = part_of(module)
    if part == "__init__":
        return
    assert part in ALLOWED, f"{part} is not in the table: say what it may import"
    for name, line, _ in imports_of(path):
        if name == "structgen" or name.startswith("structgen."):
            target = part_of(name)
            assert target == part or target in ALLOWED[part], f"{path}:{line}: {part} must not import {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_heavy_libraries_stay_where_they_belong(path: Path) -> None:
    part = part_of(".".join(("structgen", *path.relative_to(ROOT).with_suffix("").parts)))
    for name, line, _ in imports_of(path):
        owners = ONLY_IN.get(name.split(".")[0])
        assert owners is None or part in owners, f"{path}:{line}: {part} must not import {name}"


def test_intermediate_representation_needs_no_numpy() -> None:
    for path in (ROOT / "ir").rglob("*.py"):
        assert not any(name.split(".")[0] == "numpy" for name, _, _ in imports_of(path)), path
