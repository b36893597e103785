"""The quick reader of plain grammars against Lark's own loader, terminal by terminal and production by production."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from structgen.errors import LimitError
from structgen.frontends.lark.expand import Loaded, load_plain
from structgen.frontends.lark.loader import load_with_lark
from structgen.frontends.lark.notation import NotPlainError
from structgen.grammars import names, text

BENCH = Path(__file__).parents[1] / "bench" / "grammar_cases"
NEWLINE = frozenset({"_NEWLINE"})


def shape(loaded: Loaded) -> object:
    """What a loaded grammar says, with the names of generated rules replaced by what they derive."""
    by_origin: dict[str, list[tuple[str, ...]]] = {}
    for rule in loaded.rules:
        by_origin.setdefault(rule.origin, []).extend(rule.alternatives)

    def named(symbol: str, within: tuple[str, ...]) -> object:
        if not symbol.startswith("__") or symbol not in by_origin:
            return symbol
        if symbol in within:
            return ("self", len(within) - within.index(symbol))
        return frozenset(tuple(named(part, (*within, symbol)) for part in rhs) for rhs in by_origin[symbol])

    rules = [(named(r.origin, ()), tuple(named(s, (r.origin,)) for s in rhs), r.priority)
             for r in loaded.rules for rhs in r.alternatives]  # fmt: skip
    terminals = {(t.name, t.pattern.kind, t.pattern.value, t.pattern.flags, t.priority) for t in loaded.terminals}
    return set(rules), terminals, loaded.ignored, loaded.declared, loaded.indented, len(rules)


def both(grammar: str, start: str = "start") -> tuple[object, object]:
    return shape(load_plain(grammar, start, (), NEWLINE)), shape(load_with_lark(grammar, start, "<string>", ()))


PLAIN = {
    "operators": 'start: a* b+ c? [d] (a b|c)* (a b|c)+\na: "a"\nb: "b"\nc: "c"\nd: "d"',
    "groups multiplied out": 'start: "x" ("a" | "b" ("c" | "d") | ) [("e" | "f")] "y"',
    "repeats": 'start: "a"~3 ("b" "c")~1..3 x~0..2\nx: "x"',
    "anonymous names": 'start: "if" "if"i "==" /a+/ /b+/ "(" ("=" ["*"])* "\\n" "é" "class"\nCLASS: "k"',
    "terminals of terminals": 'start: A B C D\nA: "a" ("b"|"cc")*\nB.2: A "x"~2..3\nC: "a".."f" | A\nD: [A] /x.y/i "q"',
    "ignore": 'start: A\nA: "a"\nWS: " "\n%ignore WS\n%ignore /#.*/\n%ignore "x" | "y"',
    "common": "start: NUM ESCAPED_STRING [CNAME] Z\n%import common.NUMBER -> NUM\n"
    "%import common (ESCAPED_STRING, CNAME)\n"
    '%import common.WS\n%ignore WS\nZ: "z"',
    "modifiers, aliases, priorities": "?start: a -> one\n    | _b   // remark\n    # remark\n    | c -> two\n"
    '!a: "a"\n_b: "b"\nc.-2: "c" | a "c"',
    "unused parts": 'start: a\na: "a"\nb: c\nc: b "x"\nX: "q"',
    "templates": 'start: sep{a, ","} sep{"b", ";"} sep{a, ","}\nsep{x, y}: x (y x)*\na: "a"',
    "indentation": 'start: (_NEWLINE | s)*\ns: "p" _NEWLINE _INDENT s+ _DEDENT\n'
    + "_NEWLINE: /\\n[ ]*/\n%declare _INDENT _DEDENT",
    "spread patterns": "start: A B\nA: /a  # one\n  b/x\nB: /[x-z]\n/ix",
    "escapes": r'start: "\n\t\\ \"q\"" /\d\/[\/"]\\x\u0041/ "\x41" /[^\\"]/ "a\/b"',
    "left out in several ways": 'start: "(" a b ")"\na: [[X] [Y]]\nb: [X*]\nX: "x"\nY: "y"',
    "left in place": 'start: (("a"))* ("a")* "b"\n',
}


@pytest.mark.parametrize("name", PLAIN)
def test_a_plain_grammar_loads_as_with_lark(name: str) -> None:
    quick, slow = both(PLAIN[name])
    assert quick == slow


@pytest.mark.parametrize("name", names())
def test_shipped_grammars_load_as_with_lark(name: str) -> None:
    quick, slow = both(text(name))
    assert quick == slow


@pytest.mark.parametrize("case", sorted(path.stem for path in BENCH.glob("*.lark")))
def test_grammars_of_the_benchmark_load_as_with_lark(case: str) -> None:
    quick, slow = both((BENCH / f"{case}.lark").read_text())
    assert quick == slow


def random_expression(rng: random.Random, depth: int) -> str:
    kind = rng.random()
    if depth == 0 or kind < 0.45:
        return rng.choice(["a", "b", "X", "Y", '"x"', '"if"', '"=="', '"+"', "/z+/", '"k"i'])
    inner = " | ".join(
        " ".join(random_expression(rng, depth - 1) for _ in range(rng.randint(1, 3))) for _ in range(rng.randint(1, 2))
    )
    if kind < 0.6:
        return f"[{inner}]"
    return f"({inner})" + rng.choice(["", "*", "+", "?", "~2", "~1..2"])


@pytest.mark.parametrize("seed", range(150))
def test_random_grammars_load_as_with_lark(seed: int) -> None:
    rng = random.Random(seed)
    lines = [
        f"{name}: " + " | ".join(" ".join(random_expression(rng, 2) for _ in range(rng.randint(1, 3))) for _ in "xy")
        for name in ("start", "a", "b")
    ]
    grammar = "\n".join([*lines, 'X: "x" | "q"', "Y: X [X]", "%ignore / +/"])
    try:
        quick = shape(load_plain(grammar, "start", (), NEWLINE))
    except (NotPlainError, LimitError):
        return  # Lark's loader decides, or it is too much
    assert quick == shape(load_with_lark(grammar, "start", "<string>", ()))


@pytest.mark.parametrize(
    "grammar",
    ["start: b", "start: a\na: (", 'start: "a"\nstart: "b"', "start: A\nA: B\nB: A", 'start: ""', "a: b??", 'start: "a',
     "start: x\n%import nowhere.x", 'start: A\nA: "a"\n%extend A: "b"'],
)  # fmt: skip
def test_what_is_not_plain_is_left_to_lark(grammar: str) -> None:
    with pytest.raises(NotPlainError):
        load_plain(grammar, "start", (), NEWLINE)
