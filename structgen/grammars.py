"""Grammars that come with the package, by name.

They are files of ``grammars_data``: ``<name>.lark``, the first comment line saying what it
describes; beside it ``<name>.toml``, with texts that it accepts and rejects. ``load`` reads
one anew each time; a caller who keeps the constraint keeps its masks.

Each says in its head which dialect it is and what is left out. They are LALR(1) without
conflicts, so that the fast parser serves them. Reserved words are no names anywhere: names
are spelled out so that no reserved word is one, and keywords end where the word ends,
because Lark's contextual lexer by itself knows a keyword only where the parser expects it
(it would read ``x = if`` as a name, and ``x ifoo`` as ``x if oo``).
"""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from structgen.grammar_constraint import GrammarConstraint

__all__ = ["Examples", "examples", "load", "names", "text"]


class Examples(NamedTuple):
    """Texts that a grammar accepts, and texts that it rejects."""

    accepted: tuple[str, ...]
    rejected: tuple[str, ...]


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


def examples(name: str) -> Examples:
    """The texts beside the grammar.

    Raises
    ------
    KeyError : no grammar of that name

    Examples
    --------
    >>> "1 2" in examples("arithmetic").rejected
    True
    """
    import tomllib

    text(name)
    found = tomllib.loads(files("structgen").joinpath("grammars_data", f"{name}.toml").read_text(encoding="utf-8"))
    return Examples(tuple(found["accepted"]), tuple(found["rejected"]))


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
