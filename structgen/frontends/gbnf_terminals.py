"""From a GBNF grammar over characters to one over lexemes.

GBNF has no lexer, so taken literally every character is a terminal and a token of five
letters is five steps of a nondeterministic parser. But most of such a grammar is regular:
names, numbers, strings, blanks. Rules that are not recursive, or only at one end, are regular
expressions (Arden's rule turns recursion at an end into a loop); what is regular within an
alternative becomes one terminal, longest stretches first. The parser is left with what
truly nests, which is LALR(1) more often than not.

The language stays the same because a lexeme may end wherever it matches
(``Grammar.scannerless``), unlike in Lark, where it is as long as can be.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product

from structgen.ir.grammar import Grammar, Production, Terminal
from structgen.ir.pattern import Alternatives, Characters, Look, Pattern, Repeat, Sequence, min_width

__all__ = ["Loop", "Rules", "Symbol", "grammar_of_rules"]


@dataclass(frozen=True)
class Loop:
    """``low`` to ``high`` times (None: no bound) a sequence of symbols."""

    symbols: tuple[Symbol, ...]
    low: int
    high: int | None


Symbol = str | Pattern | Loop
Rules = dict[str, list[tuple[Symbol, ...]]]

MOST_CHARACTERS = 20_000
"""Character classes that one terminal may have, repetitions written out."""
MOST_EQUATIONS = 8
"""Rules that may be recursive through each other and still be solved."""
MOST_VARIANTS = 16
"""Alternatives that one with parts which may be empty is multiplied out to."""


def grammar_of_rules(rules: Rules, start: str) -> Grammar:
    """The grammar over lexemes of rules whose names are all defined."""
    return _Builder(rules, _regular_rules(rules)).grammar(start)


# --- which rules are regular, and as what


def _regular_rules(rules: Rules) -> dict[str, Pattern]:
    productive = _productive(rules)
    found: dict[str, Pattern] = {}
    for names in _components(rules):
        if not productive.issuperset(names):
            continue
        if len(names) == 1 and names[0] not in _names_in(rules[names[0]]):
            pattern = _pattern_of_alternatives(rules[names[0]], found)
            solved = {names[0]: pattern} if pattern is not None else {}
        else:
            solved = _solved(names, rules, found, at_end=True) or _solved(names, rules, found, at_end=False)
        found.update({name: pattern for name, pattern in solved.items() if _size(pattern) <= MOST_CHARACTERS})
    return found


def _names_in(alternatives: list[tuple[Symbol, ...]]) -> Iterator[str]:
    for symbols in alternatives:
        for symbol in symbols:
            if isinstance(symbol, str):
                yield symbol
            elif isinstance(symbol, Loop):
                yield from _names_in([symbol.symbols])


def _productive(rules: Rules) -> set[str]:
    """Rules that derive some text; all others are left for ``check_grammar`` to refuse."""
    found: set[str] = set()
    changed = True
    while changed:
        changed = False
        for name, alternatives in rules.items():
            if name not in found and any(all(_derives(s, found) for s in symbols) for symbols in alternatives):
                found.add(name)
                changed = True
    return found


def _derives(symbol: Symbol, productive: set[str]) -> bool:
    if isinstance(symbol, str):
        return symbol in productive
    return not isinstance(symbol, Loop) or not symbol.low or all(_derives(s, productive) for s in symbol.symbols)


def _components(rules: Rules) -> list[list[str]]:
    """Rules that are recursive through each other together, each group after those it uses (Tarjan 1972)."""
    found: list[list[str]] = []
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    for root in rules:
        if root in number:
            continue
        work = [(root, iter(list(_names_in(rules[root]))))]
        number[root] = low[root] = len(number)
        stack.append(root)
        while work:
            name, rest = work[-1]
            following = next(rest, None)
            if following is None:
                work.pop()
                if low[name] == number[name]:
                    at = stack.index(name)
                    found.append(stack[at:])
                    for member in stack[at:]:
                        low[member] = len(rules)
                    del stack[at:]
                if work:
                    above = work[-1][0]
                    low[above] = min(low[above], low[name])
            elif following not in number:
                number[following] = low[following] = len(number)
                stack.append(following)
                work.append((following, iter(list(_names_in(rules[following])))))
            else:
                low[name] = min(low[name], low[following])
    return found


def _pattern_of_alternatives(alternatives: list[tuple[Symbol, ...]], known: dict[str, Pattern]) -> Pattern | None:
    parts = [_pattern_of(symbols, known) for symbols in alternatives]
    return _either([part for part in parts if part is not None]) if None not in parts else None


def _pattern_of(symbols: tuple[Symbol, ...], known: dict[str, Pattern]) -> Pattern | None:
    parts: list[Pattern] = []
    for symbol in symbols:
        if isinstance(symbol, str):
            if symbol not in known:
                return None
            parts.append(known[symbol])
        elif isinstance(symbol, Loop):
            inner = _pattern_of(symbol.symbols, known)
            if inner is None:
                return None
            parts.append(Repeat(inner, symbol.low, symbol.high))
        else:
            parts.append(symbol)
    return parts[0] if len(parts) == 1 else Sequence(tuple(parts))


def _either(parts: list[Pattern]) -> Pattern:
    return parts[0] if len(parts) == 1 else Alternatives(tuple(parts))


def _solved(names: list[str], rules: Rules, known: dict[str, Pattern], *, at_end: bool) -> dict[str, Pattern]:
    """The rules of a group by Arden's rule, where each uses the group only at its end (or beginning); else nothing."""
    if len(names) > MOST_EQUATIONS:
        return {}
    through: dict[str, dict[str, list[Pattern]]] = {name: {} for name in names}
    ends: dict[str, list[Pattern]] = {name: [] for name in names}
    for name in names:
        for symbols in rules[name]:
            edge = symbols[-1 if at_end else 0] if symbols else ""
            recursive = isinstance(edge, str) and edge in through
            rest = _pattern_of((symbols[:-1] if at_end else symbols[1:]) if recursive else symbols, known)
            if rest is None:
                return {}
            if recursive:
                through[name].setdefault(str(edge), []).append(rest)
            else:
                ends[name].append(rest)

    def joined(first: Pattern, second: Pattern) -> Pattern:
        return Sequence((first, second) if at_end else (second, first))

    for name in names:  # eliminate: what leads through ``name`` goes straight on
        loop = through[name].pop(name, [])
        if loop:
            repeated = Repeat(_either(loop), 0, None)
            through[name] = {other: [joined(repeated, _either(parts))] for other, parts in through[name].items()}
            ends[name] = [joined(repeated, _either(ends[name]))] if ends[name] else []
        for other in names:
            passing = through[other].pop(name, None) if other != name else None
            if passing:
                for target, parts in through[name].items():
                    through[other].setdefault(target, []).append(joined(_either(passing), _either(parts)))
                if ends[name]:
                    ends[other].append(joined(_either(passing), _either(ends[name])))
    return {name: _either(ends[name]) for name in names}


def _size(pattern: Pattern) -> int:
    """Character classes with repetitions written out."""
    if isinstance(pattern, Characters):
        return 1
    if isinstance(pattern, Sequence | Alternatives):
        return 1 + sum(map(_size, pattern.parts))
    if isinstance(pattern, Repeat):
        return 1 + _size(pattern.part) * max(1, pattern.low if pattern.high is None else pattern.high)
    assert isinstance(pattern, Look)
    return 1


def _reached(rules: Rules, start: str) -> set[str]:
    found, todo = {start}, [start]
    while todo:
        fresh = set(_names_in(rules[todo.pop()])) - found
        found |= fresh
        todo += fresh
    return found


# --- what remains


@dataclass
class _Builder:
    """Productions over terminals, for the rules that are not regular."""

    rules: Rules
    regular: dict[str, Pattern]
    terminals: dict[Pattern, int] = field(default_factory=dict)
    found: dict[str, list[tuple[str | int, ...]]] = field(default_factory=dict)
    fresh: int = 0

    def grammar(self, start: str) -> Grammar:
        unused = sorted(set(self.rules) - _reached(self.rules, start))
        todo = [start]
        while todo:
            name = todo.pop()
            if name in self.found:
                continue
            found = [
                each for symbols in self.alternatives(name) for each in self.variants(self.segments(symbols, name))
            ]
            self.found[name] = list(dict.fromkeys(found))
            todo += [symbol for symbols in found for symbol in symbols if isinstance(symbol, str)]
        ids = {name: len(self.terminals) + i for i, name in enumerate(self.found)}
        productions = [
            Production(ids[name], tuple(ids[s] if isinstance(s, str) else s for s in symbols))
            for name, alternatives in self.found.items()
            for symbols in alternatives
        ]
        return Grammar(
            terminals=tuple(Terminal(f"T{i}", pattern, rank=i) for pattern, i in self.terminals.items()),
            nonterminals=tuple(ids),
            productions=tuple(dict.fromkeys(productions)),
            start=len(self.terminals),
            scannerless=True,
            unused=tuple(name for name in unused if ":" not in name),
        )

    def alternatives(self, name: str) -> list[tuple[Symbol, ...]]:
        """The alternatives of a rule, with those that are regular as one."""
        if name in self.regular:
            return [(self.regular[name],)]
        plain: list[Pattern] = []
        others: list[tuple[Symbol, ...]] = []
        for symbols in self.rules[name]:
            pattern = _pattern_of(symbols, self.regular)
            if pattern is None:
                others.append(symbols)
            else:
                plain.append(pattern)
        return [*others, *([(_either(plain),)] if plain else [])]

    def segments(self, symbols: tuple[Symbol, ...], name: str) -> list[str | Pattern]:
        """An alternative as names of rules and the patterns between them."""
        found: list[str | Pattern] = []
        run: list[Symbol] = []

        def end_run() -> None:
            pattern = _pattern_of(tuple(run), self.regular)
            assert pattern is not None
            if run and pattern != Sequence(()):
                found.append(pattern)
            run.clear()

        for symbol in symbols:
            if _pattern_of((symbol,), self.regular) is not None and _size_of(run, self.regular) < MOST_CHARACTERS:
                run.append(symbol)
                continue
            end_run()
            if isinstance(symbol, Loop):
                found += self.loop(symbol, name)
            elif isinstance(symbol, str) and symbol not in self.regular:
                found.append(symbol)
            else:
                run.append(symbol)
        end_run()
        return found

    def loop(self, loop: Loop, name: str) -> list[str | Pattern]:
        """A repetition of what is not regular, as rules of its own."""
        symbols = loop.symbols
        lone = symbols[0] if len(symbols) == 1 and isinstance(symbols[0], str) else None
        times = lone if lone is not None else self.define(name, [symbols])
        found: list[str | Pattern] = [times] * loop.low
        if loop.high is None:
            again = self.define(name, [])
            self.rules[again] = [(), (again, times)]
            found.append(again)
            return found
        rest: tuple[str, ...] = ()
        for _ in range(loop.high - loop.low):
            rest = (self.define(name, [(), (times, *rest)]),)
        return [*found, *rest]

    def define(self, name: str, alternatives: list[tuple[Symbol, ...]]) -> str:
        self.fresh += 1
        fresh = f"{name}:{self.fresh}"
        self.rules[fresh] = alternatives
        return fresh

    def variants(self, segments: list[str | Pattern]) -> list[tuple[str | int, ...]]:
        """Alternatives over terminals; what may be empty is there or not, since no lexeme is empty."""
        choices: list[list[tuple[str | int, ...]]] = []
        n_variants = 1
        for segment in segments:
            if isinstance(segment, str):
                choices.append([(segment,)])
                continue
            terminal: tuple[str | int, ...] = (self.terminals.setdefault(segment, len(self.terminals)),)
            if min_width(segment) > 0:
                choices.append([terminal])
            elif n_variants < MOST_VARIANTS:
                n_variants *= 2
                choices.append([terminal, ()])
            else:
                choices.append([(self.define("empty", [(), (segment,)]),)])
        return [tuple(symbol for part in parts for symbol in part) for parts in product(*choices)]


def _size_of(symbols: list[Symbol], known: dict[str, Pattern]) -> int:
    pattern = _pattern_of(tuple(symbols), known)
    return 0 if pattern is None else _size(pattern)
