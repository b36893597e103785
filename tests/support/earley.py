"""A byte-by-byte Earley recogniser over single-byte terminals: slow, obvious, for comparisons."""

from __future__ import annotations

Rules = dict[str, list[tuple[str, ...]]]
"""Nonterminals are keys; every other symbol is one character."""

Item = tuple[str, tuple[str, ...], int, int]


class Earley:
    """Says of each text whether it can still become a sentence, and whether it is one."""

    def __init__(self, rules: Rules, start: str) -> None:
        self.rules = rules
        self.start = start
        self.nullable: set[str] = set()
        while True:
            more = {left for left, rhss in rules.items() for rhs in rhss if all(s in self.nullable for s in rhs)}
            if more == self.nullable:
                break
            self.nullable = more

    def columns(self, text: str) -> list[set[Item]]:
        """The item sets before each character and at the end."""
        columns: list[set[Item]] = [{(self.start, rhs, 0, 0) for rhs in self.rules[self.start]}]
        for place in range(len(text) + 1):
            column = columns[place]
            todo = list(column)
            while todo:
                todo += self._more(todo.pop(), place, columns)
            if place < len(text):
                columns.append(
                    {
                        (a, r, d + 1, o)
                        for a, r, d, o in column
                        if d < len(r) and r[d] == text[place] and r[d] not in self.rules
                    }
                )
        return columns

    def _more(self, item: Item, place: int, columns: list[set[Item]]) -> list[Item]:
        left, rhs, dot, origin = item
        found: list[Item] = []
        if dot < len(rhs):
            symbol = rhs[dot]
            if symbol in self.rules:
                found += [(symbol, other, 0, place) for other in self.rules[symbol]]
                if symbol in self.nullable:
                    found.append((left, rhs, dot + 1, origin))
        else:
            found += [(a, r, d + 1, o) for a, r, d, o in columns[origin] if d < len(r) and r[d] == left]
        new = [each for each in found if each not in columns[place]]
        columns[place].update(new)
        return new

    def is_viable(self, text: str) -> bool:
        """Some sentence starts with ``text`` (every rule of the grammar derives some text)."""
        return bool(self.columns(text)[-1])

    def accepts(self, text: str) -> bool:
        return any(a == self.start and d == len(r) and o == 0 for a, r, d, o in self.columns(text)[-1])


def lark_text(rules: Rules) -> str:
    """The same grammar in Lark's notation; nonterminals are lower-case names."""
    lines = []
    for left, alternatives in rules.items():
        shown = [" ".join(s if s in rules else f'"{s}"' for s in rhs) for rhs in alternatives]
        lines.append(f"{left}: " + " | ".join(shown))
    return "\n".join(lines) + "\n"


def productive(rules: Rules) -> bool:
    """Every nonterminal derives some text."""
    known: set[str] = set()
    while True:
        more = {left for left, rhss in rules.items() for rhs in rhss if all(s in known or s not in rules for s in rhs)}
        if more == known:
            return more == set(rules)
        known = more
