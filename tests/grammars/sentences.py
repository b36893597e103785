"""Random sentences of a grammar, made from its productions: no automaton takes part.

Each sentence heads for a production that was not used so far, so that a few hundred of them
visit all of a grammar; when the budget of a sentence is spent, each nonterminal
takes its shortest way.
Terminals are sampled from their patterns and checked with ``re``.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable

from structgen.ir.grammar import Grammar, Production
from structgen.ir.pattern import Alternatives, Characters, Look, Pattern, Repeat, Sequence

__all__ = ["Sentences", "mutations", "sample"]

INFINITE = float("inf")


class Sentences:
    """``one()`` makes a text; it may not be a sentence, where lexemes run together or lookaheads fail."""

    def __init__(
        self,
        grammar: Grammar,
        seed: int,
        *,
        budget: int = 60,
        lexemes: dict[str, Callable[[random.Random], str]] | None = None,
        spacing: float = 0.9,
    ) -> None:
        self.grammar = grammar
        self.rng = random.Random(seed)
        self.budget = budget
        self.lexemes = lexemes or {}
        self.unused = set(grammar.productions)
        self.of: dict[int, list[Production]] = {}
        for production in grammar.productions:
            self.of.setdefault(production.lhs, []).append(production)
        self.cost = _least_lengths(grammar)
        self.gap = 0.0
        self.spacing = spacing if any(_reads_blank(grammar, t) for t in grammar.ignore) else 0.0

    def one(self) -> str:
        """One text."""
        self.gap = self.spacing if self.rng.random() < 0.3 else float(self.spacing > 0)
        return self._text(self._terminals())

    def _terminals(self) -> list[int]:
        """First the shortest way to the goal, all else as short as can be; then whatever fits."""
        goal = self.rng.choice([p for p in self.grammar.productions if p in self.unused] or [None])
        towards = self._towards(goal)
        left = self.rng.randint(self.budget // 4, self.budget)
        todo: list[tuple[int, bool]] = [(self.grammar.start, goal is not None)]
        found: list[int] = []
        heading = goal is not None
        while todo:
            symbol, is_way = todo.pop()
            if symbol < self.grammar.n_terminals:
                found.append(symbol)
                continue
            room = 0 if heading else left - len(found) - len(todo)
            production, place = towards[symbol] if is_way else (self._choose(symbol, room), -1)
            if production is goal:
                heading, place = False, -1
            self.unused.discard(production)
            todo += reversed([(s, at == place) for at, s in enumerate(production.rhs)])
        return found

    def _towards(self, goal: Production | None) -> dict[int, tuple[Production, int]]:
        """For each nonterminal that can lead to ``goal``: how, and by which symbol of it."""
        if goal is None:
            return {}
        found: dict[int, tuple[Production, int]] = {goal.lhs: (goal, -1)}
        level = {goal.lhs}
        while level:
            above = {
                p.lhs: (p, at)
                for p in self.grammar.productions
                for at, s in enumerate(p.rhs)
                if s in level and p.lhs not in found
            }
            found |= above
            level = set(above)
        return found

    def _choose(self, symbol: int, room: int) -> Production:
        options = self.of[symbol]
        costs = [sum(self.cost[s] for s in p.rhs) for p in options]
        fits = [p for p, cost in zip(options, costs, strict=True) if cost <= room]
        least = min(costs)
        return self.rng.choice(fits or [p for p, cost in zip(options, costs, strict=True) if cost == least])

    def _text(self, terminals: list[int]) -> str:
        rules = self.grammar.indentation
        out: list[str] = []
        depth = 0
        for at, terminal in enumerate(terminals):
            if rules is not None and terminal in (rules.indent, rules.dedent):
                continue
            if rules is not None and terminal == rules.newline:
                follow = at + 1
                while follow < len(terminals) and terminals[follow] in (rules.indent, rules.dedent):
                    depth += 1 if terminals[follow] == rules.indent else -1
                    follow += 1
                out.append("\n" + "    " * depth)
                continue
            if out and self.rng.random() < self.gap and not out[-1].endswith((" ", "\n")):
                out.append(" ")
            out.append(self._lexeme(terminal))
        return "".join(out)

    def _lexeme(self, terminal: int) -> str:
        found = self.grammar.terminals[terminal]
        if found.name in self.lexemes:
            return self.lexemes[found.name](self.rng)
        assert found.pattern is not None, found.name
        if found.literal is not None and "i" not in found.flags:
            return found.literal
        for _ in range(200):
            text = sample(found.pattern, self.rng)
            if any(_is_match(found.source, text, after) for after in ("", " ", " x", "\n")):
                return text
        raise AssertionError(f"no lexeme of {found.name} was found")


def sample(pattern: Pattern, rng: random.Random) -> str:
    """A text of ``pattern``, its assertions ignored; mostly printable ASCII."""
    if isinstance(pattern, Characters):
        return _character(pattern, rng)
    if isinstance(pattern, Sequence):
        return "".join(sample(part, rng) for part in pattern.parts)
    if isinstance(pattern, Alternatives):
        return sample(rng.choice(pattern.parts), rng)
    if isinstance(pattern, Repeat):
        most = pattern.low + 4 if pattern.high is None else min(pattern.high, pattern.low + 4)
        return "".join(sample(pattern.part, rng) for _ in range(rng.randint(pattern.low, most)))
    assert isinstance(pattern, Look)
    return ""


def _character(pattern: Characters, rng: random.Random) -> str:
    printable = [c for low, high in pattern.ranges for c in range(max(low, 32), min(high, 126) + 1)]
    letters = [c for c in printable if chr(c).isalnum()]
    if letters and rng.random() < 0.7:
        return chr(rng.choice(letters))
    if printable and rng.random() < 0.95:
        return chr(rng.choice(printable))
    low, high = rng.choice(pattern.ranges)
    return chr(rng.randint(low, high))


def _is_match(source: str, text: str, after: str) -> bool:
    """Whether ``text`` is a lexeme of its own before ``after``."""
    match = re.match(source, text + after)
    return match is not None and match.end() == len(text)


def _least_lengths(grammar: Grammar) -> dict[int, float]:
    """The fewest terminals that each symbol derives."""
    cost: dict[int, float] = dict.fromkeys(range(grammar.n_terminals), 1)
    changed = True
    while changed:
        changed = False
        for production in grammar.productions:
            total = sum(cost.get(s, INFINITE) for s in production.rhs)
            if total < cost.get(production.lhs, INFINITE):
                cost[production.lhs] = total
                changed = True
    return cost


def _reads_blank(grammar: Grammar, terminal: int) -> bool:
    return bool(re.fullmatch(grammar.terminals[terminal].source, " "))


def mutations(texts: list[str], n: int, rng: random.Random) -> list[bytes]:
    """``n`` texts with one byte changed, dropped, doubled or put in; bytes mostly from the texts themselves."""
    alphabet = sorted({byte for text in texts for byte in text.encode()})
    found: list[bytes] = []
    while len(found) < n:
        data = bytearray(rng.choice(texts).encode())
        at = rng.randint(0, len(data))
        byte = rng.choice(alphabet) if rng.random() < 0.9 else rng.randrange(256)
        kind = rng.randrange(4)
        if kind == 0 or at == len(data):
            data.insert(at, byte)
        elif kind == 1:
            data[at] = byte
        elif kind == 2:
            del data[at]
        else:
            data.insert(at, data[at])
        found.append(bytes(data))
    return found
