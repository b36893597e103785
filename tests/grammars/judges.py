"""Lark's own verdict on texts of the grammars that come with the package."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import lark.lexer
from lark import Lark
from lark.exceptions import LarkError
from lark.indenter import DedentError, PythonIndenter

import structgen.grammars as grammars
from structgen.grammar_constraint import GrammarConstraint

__all__ = ["constraint", "lark_accepts"]


@cache
def constraint(name: str) -> GrammarConstraint:
    """The package's own reader of the grammar."""
    return grammars.load(name)


@cache
def _lark(name: str) -> Lark:
    options: dict[str, Any] = {"parser": "earley"}
    if constraint(name).parser == "lalr":
        options = {"parser": "lalr", "lexer": "contextual"}
    if constraint(name).grammar.indentation is not None:
        options["postlex"] = PythonIndenter()
    # With this helper installed, Lark compares all terminals pairwise and only warns: half a minute for XML.
    lark.lexer.has_interegular = False
    path = str(files("structgen").joinpath("grammars_data", f"{name}.lark"))
    return Lark(grammars.text(name), source_path=path, **options)


def lark_accepts(name: str, data: bytes) -> bool:
    """Whether Lark parses ``data``; bytes that are not UTF-8 are no text."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return False
    parser = _lark(name)
    try:
        parser.parse(text)
    except (LarkError, DedentError, IndexError, AssertionError):
        # the indenter's own slips: a newline terminal without a line feed, a bracket too many
        return False
    return True
