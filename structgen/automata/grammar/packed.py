"""A compiled grammar as bytes, and back.

One header in JSON and one run of int32 after it. Terminals share most of their character
classes, so patterns are a table of nodes that name each other by number. A digest in front
finds damage; nothing is pickled.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np

from structgen.automata.grammar.choose import ChosenParser
from structgen.automata.grammar.lalr import LalrTables
from structgen.dtypes import IntArray
from structgen.ir.grammar import Grammar, IndentRules, Production, Terminal
from structgen.ir.pattern import Alternatives, Characters, Look, Pattern, Repeat, Sequence

__all__ = ["FORMAT", "pack", "unpack"]

FORMAT = 7
_MAGIC = b"structgen grammar\n"
_ARRAYS = ("action", "goto", "length", "left", "kernel_start", "kernel_items")


def pack(chosen: ChosenParser) -> bytes:
    """``chosen`` as bytes."""
    nodes: list[Any] = []
    numbers: dict[Any, int] = {}
    seen: dict[int, int] = {}
    grammar, tables = chosen.grammar, chosen.tables
    terminals = [
        [t.name, -1 if t.pattern is None else _add(t.pattern, nodes, numbers, seen), t.literal, sorted(t.flags),
         t.priority, t.rank, t.source]
        for t in grammar.terminals
    ]  # fmt: skip
    rules = grammar.indentation
    header: dict[str, Any] = {
        "name": chosen.name,
        "warnings": chosen.warnings,
        "collides": chosen.collides,
        "nodes": nodes,
        "terminals": terminals,
        "nonterminals": grammar.nonterminals,
        "productions": [[p.lhs, p.rhs, p.priority] for p in grammar.productions],
        "start": grammar.start,
        "ignore": sorted(grammar.ignore),
        "keywords": [[t, words] for t, words in grammar.keywords.items()],
        "shadowed": [[t, sorted(words)] for t, words in grammar.shadowed.items()],
        "schemas": list(grammar.schemas.items()),
        "unused": grammar.unused,
        "scannerless": grammar.scannerless,
        "specials": list(grammar.specials.items()),
        "indentation": None if rules is None else [
            rules.newline, rules.indent, rules.dedent, sorted(rules.opening), sorted(rules.closing), rules.tab_length,
        ],
    }  # fmt: skip
    arrays: list[IntArray] = []
    if tables is not None:
        arrays = [getattr(tables, name) for name in _ARRAYS]
    header["shapes"] = [array.shape for array in arrays]
    text = json.dumps(header, separators=(",", ":")).encode()
    numbers_ = b"".join(np.ascontiguousarray(array, dtype="<i4").tobytes() for array in arrays)
    body = len(text).to_bytes(8, "little") + text + numbers_
    return _MAGIC + hashlib.sha256(body).digest() + body


def unpack(data: bytes) -> ChosenParser:
    """What ``pack`` has written; the parts of the tables that only their building needs are left out.

    Raises
    ------
    ValueError : ``data`` is damaged
    """
    body = data[len(_MAGIC) + 32 :]
    if not data.startswith(_MAGIC) or hashlib.sha256(body).digest() != data[len(_MAGIC) : len(_MAGIC) + 32]:
        raise ValueError("not a packed grammar, or a damaged one")
    size = int.from_bytes(body[:8], "little")
    header = json.loads(body[8 : 8 + size])
    patterns = _patterns(header["nodes"])
    indentation = header["indentation"]
    grammar = Grammar(
        terminals=tuple(
            Terminal(name, patterns[at] if at >= 0 else None, literal, frozenset(flags), priority, rank, source)
            for name, at, literal, flags, priority, rank, source in header["terminals"]
        ),
        nonterminals=tuple(header["nonterminals"]),
        productions=tuple(Production(lhs, tuple(rhs), priority) for lhs, rhs, priority in header["productions"]),
        start=header["start"],
        ignore=frozenset(header["ignore"]),
        keywords={t: tuple(words) for t, words in header["keywords"]},
        shadowed={t: frozenset(words) for t, words in header["shadowed"]},
        indentation=None if indentation is None else IndentRules(
            newline=indentation[0], indent=indentation[1], dedent=indentation[2],
            opening=frozenset(indentation[3]), closing=frozenset(indentation[4]), tab_length=indentation[5],
        ),
        schemas=dict(map(tuple, header["schemas"])),
        specials=dict(map(tuple, header["specials"])),
        unused=tuple(header["unused"]),
        scannerless=header["scannerless"],
    )  # fmt: skip
    tables = _tables(header, grammar, np.frombuffer(body, dtype="<i4", offset=8 + size)) if header["shapes"] else None
    return ChosenParser(grammar, header["name"], tables, tuple(header["warnings"]), header["collides"])


def _tables(header: dict[str, Any], grammar: Grammar, flat: IntArray) -> LalrTables:
    arrays, at = [], 0
    for shape in header["shapes"]:
        n = int(np.prod(shape))
        arrays.append(flat[at : at + n].reshape(shape).astype(np.int32))
        at += n
    root = grammar.n_terminals + len(grammar.nonterminals)
    productions = (Production(root, (grammar.start,)), *grammar.productions)
    action, goto, length, left, kernel_start, kernel_items = arrays
    return LalrTables(action, goto, length, left, productions, kernel_start, kernel_items)


def _add(pattern: Pattern, nodes: list[Any], numbers: dict[Any, int], seen: dict[int, int]) -> int:
    """Enter ``pattern`` into the table; returns its number."""
    known = seen.get(id(pattern))
    if known is not None:
        return known
    entry: tuple[Any, ...]
    if isinstance(pattern, Characters):
        entry = ("c", tuple(bound for pair in pattern.ranges for bound in pair))
    elif isinstance(pattern, Sequence | Alternatives):
        parts = tuple(_add(part, nodes, numbers, seen) for part in pattern.parts)
        entry = ("s" if isinstance(pattern, Sequence) else "a", parts)
    elif isinstance(pattern, Repeat):
        entry = ("r", _add(pattern.part, nodes, numbers, seen), pattern.low, pattern.high, pattern.lazy)
    else:
        entry = ("l", _add(pattern.part, nodes, numbers, seen), pattern.behind, pattern.negative)
    number = numbers.get(entry)
    if number is None:
        number = numbers[entry] = len(nodes)
        nodes.append(entry)
    seen[id(pattern)] = number
    return number


def _patterns(nodes: list[Any]) -> list[Pattern]:
    found: list[Pattern] = []
    for kind, *rest in nodes:
        if kind == "c":
            bounds = iter(rest[0])
            found.append(Characters(tuple(zip(bounds, bounds, strict=True))))
        elif kind == "s":
            found.append(Sequence(tuple(found[i] for i in rest[0])))
        elif kind == "a":
            found.append(Alternatives(tuple(found[i] for i in rest[0])))
        elif kind == "r":
            found.append(Repeat(found[rest[0]], rest[1], rest[2], rest[3]))
        else:
            found.append(Look(found[rest[0]], rest[1], rest[2]))
    return found
