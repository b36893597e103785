"""Grammars that come with the package, by name.

They are files of ``grammars_data``: ``<name>.lark``, the first comment line saying what it
describes. ``load`` reads one anew each time; a caller who keeps the constraint keeps its
masks.
"""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from structgen.grammar_constraint import GrammarConstraint

__all__ = ["load", "names", "text"]


def names() -> list[str]:
    """The names that ``load`` knows, sorted.

    Examples
    --------
    >>> "json" in names()
    True
    """
    found = files("structgen").joinpath("grammars_data").iterdir()
    return sorted(entry.name.removesuffix(".lark") for entry in found if entry.name.endswith(".lark"))


def text(name: str) -> str:
    """The grammar's text, in Lark's notation.

    Raises
    ------
    KeyError : no grammar of that name
    """
    if name not in names():
        raise KeyError(f"no grammar named {name!r}; there are {', '.join(names())}")
    return files("structgen").joinpath("grammars_data", f"{name}.lark").read_text(encoding="utf-8")


def load(name: str) -> GrammarConstraint:
    """The constraint of a grammar that comes with the package.

    Raises
    ------
    KeyError : no grammar of that name

    Examples
    --------
    >>> load("arithmetic").accepts("2 * (x + sin(0.5))")
    True
    """
    from structgen.grammar_constraint import lark

    if name not in names():
        raise KeyError(f"no grammar named {name!r}; there are {', '.join(names())}")
    with as_file(files("structgen").joinpath("grammars_data", f"{name}.lark")) as path:
        return lark(path)
