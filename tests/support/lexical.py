"""Random grammars whose lexemes get in each other's way: ignored terminals, priorities, lookarounds, keywords.

Over a small alphabet, so that all short texts can be tried with Lark itself.
"""

from __future__ import annotations

import itertools
import random

__all__ = ["ALPHABET", "PIECES", "random_lexical_grammar", "short_texts"]

ALPHABET = "abc "
PIECES = [
    *"0!x",
    *("".join(letters) for n in (1, 2) for letters in itertools.product(ALPHABET, repeat=n)),
    "abc", "aab", "ab a", " b ", "caca",
]  # fmt: skip
"""Tokens: enough characters outside the alphabet for ``[^a]`` to be met by one."""


def short_texts(length: int) -> list[str]:
    """All texts over the alphabet of at most ``length`` characters."""
    return ["".join(letters) for n in range(length + 1) for letters in itertools.product(ALPHABET, repeat=n)]


def random_lexical_grammar(rng: random.Random) -> str:
    """A grammar in Lark's notation; Lark may refuse it."""
    looks = rng.random() < 0.5
    terminals = [f"T{i}" for i in range(rng.randint(2, 4))]
    names = ["start", "x", "y"][: rng.randint(1, 3)]
    symbols = [*terminals, '"a"', '"b"', '"ab"', '"c"', *names]
    lines = []
    for name in names:
        sizes = [rng.choice([0, 1, 1, 2, 2, 3]) for _ in range(rng.randint(1, 3))]
        alternatives = {" ".join(rng.choice(symbols) for _ in range(size)) for size in sizes}
        lines.append(f"{name}: " + " | ".join(sorted(alternatives)))
    lines += [f"{t}{rng.choice(['', '', '', '.1', '.-1'])}: /{_terminal(rng, looks)}/" for t in terminals]
    kind = rng.random()
    if kind < 0.25:
        lines.append("%ignore / +/")
    elif kind < 0.4:
        lines.append("%ignore / [^a]*/")
    elif kind < 0.5:
        lines.append("%ignore /c+/")
    elif kind < 0.6:
        lines.append('%ignore " "\n%ignore /c[^b]*/')
    return "\n".join(lines) + "\n"


def _terminal(rng: random.Random, looks: bool) -> str:
    found = _expression(rng, 2)
    if looks and rng.random() < 0.3:
        found += rng.choice(["(?!%s)", "(?=%s)"]) % rng.choice(["a", "b", "[bc]", "ab", " ", "c"])
    if looks and rng.random() < 0.12:
        found = rng.choice(["(?!%s)", "(?=%s)"]) % rng.choice(["ab", "b", "aa"]) + found
    if looks and rng.random() < 0.1:
        found += rng.choice([r"(?<!a)", r"(?<=b)", r"\b"])
    return found


def _expression(rng: random.Random, depth: int) -> str:
    kind = rng.random()
    if depth == 0 or kind < 0.45:
        return rng.choice(["a", "b", "c", "[ab]", "[^a]", "[bc]", "[^ ]", "ab", "a "])
    if kind < 0.6:
        return _expression(rng, depth - 1) + _expression(rng, depth - 1)
    if kind < 0.7:
        return f"({_expression(rng, depth - 1)}|{_expression(rng, depth - 1)})"
    return f"({_expression(rng, depth - 1)})" + rng.choice(["*", "+", "?", "+?", "*?", "{1,2}"])
