"""``structgen cache``: what is kept on disk, and clearing it."""

from __future__ import annotations

import json
import shutil
from typing import Annotated

import typer

from structgen.cli.exits import CLEAN

__all__ = ["cache"]


def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Delete everything; it is rebuilt when needed.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> int:
    """Show or clear the vocabularies and models that structgen keeps on disk."""
    from structgen.vocab.store import cache_dir

    folder = cache_dir()
    sizes = {}
    for part in sorted(folder.iterdir()) if folder.exists() else []:
        files = [path for path in part.rglob("*") if path.is_file()] if part.is_dir() else [part]
        sizes[part.name] = {"files": len(files), "bytes": sum(path.stat().st_size for path in files)}
    if clear:
        for name in sizes:
            path = folder / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    if as_json:
        typer.echo(json.dumps({"folder": str(folder), "parts": sizes, "cleared": clear}))
        return CLEAN
    typer.echo(str(folder))
    for name, size in sizes.items():
        typer.echo(f"  {name}: {size['files']} files, {size['bytes'] / 1e6:.1f} MB{' (deleted)' if clear else ''}")
    return CLEAN
