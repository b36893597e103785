"""Lexemes that a sampler would not hit on, or would hit too rarely: what stands at line ends."""

from __future__ import annotations

import random
from collections.abc import Callable

__all__ = ["LEXEMES"]

Lexeme = Callable[[random.Random], str]


def _one_of(*texts: str) -> Lexeme:
    return lambda rng: rng.choice(texts)


LEXEMES: dict[str, dict[str, Lexeme]] = {
    "c": {
        "FIRST_DIRECTIVE": _one_of("#include <stdio.h>\n", "#define N 3 // three\n"),
        "DIRECTIVE": _one_of(
            "\n#include <a.h>\n", "\n # define F(x, y) ((x) + \\\n (y))\n", "\n#undef N\n", "\n#pragma once\n"
        ),
        "IF_DIRECTIVE": _one_of("\n#ifdef A\n", "\n# ifndef A\n", "\n#if !defined A\n"),
        "ELSE_DIRECTIVE": _one_of("\n#else\n"),
        "ENDIF_DIRECTIVE": _one_of("\n#endif\n"),
    },
    "mermaid": {"NEWLINE": _one_of("\n", "\r\n", "\n    ", "\n\n%% a comment\n")},
}
"""By grammar and terminal."""
