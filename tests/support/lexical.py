"""Random grammars whose lexemes get in each other's way: ignored terminals, priorities, lookarounds, keywords.

Over a small alphabet, so that all short texts can be tried with Lark itself.
"""

from __future__ import annotations

import itertools
import random

__all__ = ["ALPHABET", "PIECES", "random_lexical_grammar", "random_nested_grammar", "short_texts"]

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


_PLAIN = ["a", "b", "c", "[ab]", "[abc]", "[^a]", "ab", "ba", " "]
_BADLY_ORDERED = ["a|ab", "b|bc", "a|ab|abc", "c|ca", "aa|a|aab", "(a|ab)c?", "(b|bb)a?"]
_LAZY = ["b+?", "a*?b", "a+?", "[ab]+?", "[abc]*?c", "(ab)+?", "(a|b)??c", "a{1,2}?"]
_LOOKING = ["[abc](?=b)", "a(?=b)", "[ab](?!c)", "(?=a)[ab]+", "a(?!b)", "b(?=a|c)", "(?!ab)[abc]+", "c(?= )"]


def random_nested_grammar(rng: random.Random) -> str:
    """A grammar whose terminals are made of each other, and one of which may be ignored; Lark may refuse it."""
    terminals = [f"T{i}" for i in range(rng.randint(2, 4))]
    lines = [
        f"{t}{rng.choice(['', '', '', '.1', '.2', '.-1'])}: {_body(rng, terminals[:i])}"
        for i, t in enumerate(terminals)
    ]
    names = ["start", "x", "y"][: rng.randint(1, 3)]
    symbols = [*terminals, *terminals, '"a"', '"b"', '"c"', *names]
    rules = []
    for name in names:
        sizes = [rng.choice([0, 1, 1, 2, 2, 3]) for _ in range(rng.randint(1, 3))]
        alternatives = {" ".join(rng.choice(symbols) for _ in range(size)) for size in sizes}
        rules.append(f"{name}: " + " | ".join(sorted(alternatives)))
    kind = rng.random()
    if kind < 0.25:
        lines.append(f"%ignore {rng.choice(terminals)}")
    elif kind < 0.4:
        lines.append('%ignore " "')
    elif kind < 0.5:
        lines.append(f"%ignore /{_piece(rng, 2)}/")
    return "\n".join(rules + lines) + "\n"


def _body(rng: random.Random, others: list[str]) -> str:
    """A terminal's definition, by a regular expression or out of ``others``."""
    if not others or rng.random() > 0.35:
        return f"/{_piece(rng, 2)}/"
    alternatives = []
    for _ in range(rng.randint(1, 3)):
        parts = [rng.choice([*others, f"/{_piece(rng, 2)}/", '"a"', '"b"', '"ab"']) for _ in range(rng.randint(1, 2))]
        alternatives.append(" ".join(parts) + rng.choice(["", "", "", "+"]))
    return " | ".join(alternatives)


def _piece(rng: random.Random, depth: int) -> str:
    kind = rng.random()
    if depth == 0 or kind < 0.3:
        return rng.choice(_PLAIN)
    if kind < 0.75:
        return rng.choice(rng.choice([_BADLY_ORDERED, _LAZY, _LOOKING]))
    if kind < 0.85:
        return _piece(rng, depth - 1) + _piece(rng, depth - 1)
    if kind < 0.92:
        return f"({_piece(rng, depth - 1)})" + rng.choice("*+?")
    return f"({_piece(rng, depth - 1)}|{_piece(rng, depth - 1)})"
