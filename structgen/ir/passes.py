"""What a grammar's symbols can do, and grammars without empty rules and unit cycles.

``check_grammar`` refuses what derives no text and names what has no effect.
``without_empty_rules`` is for nondeterministic parsing: with neither empty productions nor
cycles of single nonterminals, every reduction ends a symbol that spans text, so a stack
graph is finished after finitely many steps, however ambiguous the grammar is.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import replace

from structgen.errors import GrammarSyntaxError, LimitError
from structgen.ir.grammar import Grammar, Production

__all__ = [
    "check_grammar",
    "definition_of",
    "ignored_in_rules",
    "least_costs",
    "nullable_symbols",
    "productive_symbols",
    "reachable_symbols",
    "with_ignored_apart",
    "without_empty_rules",
]

MAX_PRODUCTIONS = 200_000


def productive_symbols(grammar: Grammar) -> frozenset[int]:
    """Symbols that derive some sequence of terminals; all terminals do."""
    return _fixpoint(grammar.productions, frozenset(range(grammar.n_terminals)))


def nullable_symbols(productions: Iterable[Production]) -> frozenset[int]:
    """Nonterminals that derive the empty sequence."""
    return _fixpoint(tuple(productions), frozenset())


def _fixpoint(productions: tuple[Production, ...], known: frozenset[int]) -> frozenset[int]:
    """``known`` and the left-hand sides whose right-hand sides are known, each production looked at once per symbol."""
    found = set(known)
    missing: list[int] = []
    users: dict[int, list[int]] = {}
    todo = []
    for number, production in enumerate(productions):
        unknown = {symbol for symbol in production.rhs if symbol not in found}
        missing.append(len(unknown))
        for symbol in unknown:
            users.setdefault(symbol, []).append(number)
        if not unknown:
            todo.append(production.lhs)
    while todo:
        symbol = todo.pop()
        if symbol in found:
            continue
        found.add(symbol)
        for number in users.get(symbol, ()):
            missing[number] -= 1
            if not missing[number]:
                todo.append(productions[number].lhs)
    return frozenset(found)


def least_costs(
    productions: Iterable[Production], terminals: dict[int, float]
) -> tuple[dict[int, float], dict[int, Production]]:
    """The least cost of any sentence of each symbol, and the production that it begins with (Knuth 1977)."""
    cost = dict(terminals)
    best: dict[int, Production] = {}
    missing: list[int] = []
    rules = tuple(productions)
    users: dict[int, list[int]] = {}
    queue: list[tuple[float, int]] = []

    def offer(number: int) -> None:
        heapq.heappush(queue, (sum(cost[symbol] for symbol in rules[number].rhs), number))

    for number, production in enumerate(rules):
        unknown = {symbol for symbol in production.rhs if symbol not in cost}
        missing.append(len(unknown))
        for symbol in unknown:
            users.setdefault(symbol, []).append(number)
        if not unknown:
            offer(number)
    while queue:
        total, number = heapq.heappop(queue)
        left = rules[number].lhs
        if left in cost:
            continue
        cost[left], best[left] = total, rules[number]
        for user in users.get(left, ()):
            missing[user] -= 1
            if not missing[user]:
                offer(user)
    return cost, best


def reachable_symbols(grammar: Grammar) -> frozenset[int]:
    """Symbols that occur in some derivation from the start."""
    by_left: dict[int, list[Production]] = {}
    for production in grammar.productions:
        by_left.setdefault(production.lhs, []).append(production)
    seen, todo = {grammar.start}, [grammar.start]
    while todo:
        for production in by_left.get(todo.pop(), ()):
            for symbol in production.rhs:
                if symbol not in seen:
                    seen.add(symbol)
                    todo.append(symbol)
    return frozenset(seen)


def ignored_in_rules(grammar: Grammar) -> tuple[int, ...]:
    """Ignored terminals that rules ask for, too."""
    if not grammar.ignore:
        return ()
    return tuple(sorted(grammar.ignore & {symbol for production in grammar.productions for symbol in production.rhs}))


def with_ignored_apart(grammar: Grammar) -> Grammar:
    """The grammar in which each ignored terminal that rules ask for is two: one that they read, one that is ignored.

    Lark's dynamic lexer reads such a lexeme either way; its contextual lexer throws it away.
    """
    doubled = ignored_in_rules(grammar)
    if not doubled:
        return grammar
    n, more = grammar.n_terminals, len(doubled)
    moved = [
        Production(p.lhs + more, tuple([s + more if s >= n else s for s in p.rhs]), p.priority)
        for p in grammar.productions
    ]
    return replace(
        grammar,
        terminals=(*grammar.terminals, *[grammar.terminals[t] for t in doubled]),
        productions=tuple(moved),
        start=grammar.start + more,
        ignore=(grammar.ignore - set(doubled)) | set(range(n, n + more)),
    )


def check_grammar(grammar: Grammar, source: str) -> tuple[str, ...]:
    """Refuse rules that derive no text; returns warnings about what has no effect.

    Raises
    ------
    GrammarSyntaxError : a reachable rule has no finite derivation
    """
    productive = productive_symbols(grammar)
    reachable = reachable_symbols(grammar)
    barren = sorted(reachable - productive)
    if barren:
        name = grammar.name(next((s for s in barren if _leads_to_itself(grammar, s, productive)), barren[0]))
        raise GrammarSyntaxError(
            f"rule {name!r} derives no text: every alternative leads back to itself",
            source=source or None,
            span=definition_of(source, name),
            hint="add an alternative that ends the recursion",
        )
    used = reachable | grammar.ignore
    if grammar.indentation is not None:
        used |= {grammar.indentation.newline, grammar.indentation.indent, grammar.indentation.dedent}
    idle = [terminal.name for i, terminal in enumerate(grammar.terminals) if i not in used]
    names = dict.fromkeys([*idle, *grammar.unused])
    return tuple(f"{'terminal' if name.isupper() else 'rule'} {name} is not used" for name in names)


def _leads_to_itself(grammar: Grammar, symbol: int, productive: frozenset[int]) -> bool:
    """Whether ``symbol`` is reached from itself by way of symbols that derive no text."""
    seen: set[int] = set()
    todo = [symbol]
    while todo:
        at = todo.pop()
        for production in grammar.productions:
            if production.lhs == at:
                fresh = {s for s in production.rhs if s not in productive} - seen
                seen |= fresh
                todo += fresh
    return symbol in seen


def definition_of(source: str, name: str) -> tuple[int, int] | None:
    """Where ``name`` is defined in a grammar's text."""
    import re

    found = re.search(rf"^[ \t]*[!?]*({re.escape(name)})\b", source, re.MULTILINE)
    return found.span(1) if found else None


def without_empty_rules(grammar: Grammar) -> tuple[tuple[Production, ...], int, bool]:
    """Productions of the same language less the empty sentence, their start, and whether that was in it.

    Long right-hand sides are cut in two first, so that leaving out nullable parts doubles
    pairs only. No production is empty or a lone nonterminal that leads back to itself.

    Raises
    ------
    LimitError : more productions than ``MAX_PRODUCTIONS``
    """
    split = _binarised(grammar)
    nullable = nullable_symbols(split)
    rules: dict[int, set[tuple[int, ...]]] = {}
    for production in split:
        for rhs in _without(production.rhs, nullable):
            if rhs:
                rules.setdefault(production.lhs, set()).add(rhs)
    _drop_empty_only(rules, grammar.n_terminals)
    found, start = _without_unit_cycles(rules, grammar.n_terminals, grammar.start)
    if len(found) > MAX_PRODUCTIONS:
        raise LimitError(
            "the grammar has too many productions", what="productions", given=len(found), limit=MAX_PRODUCTIONS
        )
    return tuple(found), start, grammar.start in nullable


def _binarised(grammar: Grammar) -> list[Production]:
    """At most two symbols on the right; equal tails share their new symbol."""
    fresh = grammar.n_terminals + len(grammar.nonterminals) + 1
    tails: dict[tuple[int, ...], int] = {}
    found: list[Production] = []
    for production in grammar.productions:
        left, rhs = production.lhs, production.rhs
        while len(rhs) > 2:
            tail = rhs[1:]
            known = tails.get(tail)
            name = known if known is not None else fresh
            found.append(Production(left, (rhs[0], name)))
            if known is not None:
                break
            tails[tail] = fresh
            fresh += 1
            left, rhs = name, tail
        else:
            found.append(Production(left, rhs))
    return found


def _without(rhs: tuple[int, ...], nullable: frozenset[int]) -> list[tuple[int, ...]]:
    """``rhs`` with every subset of its nullable symbols left out."""
    found: list[tuple[int, ...]] = [()]
    for symbol in rhs:
        longer = [(*part, symbol) for part in found]
        found = longer + found if symbol in nullable else longer
    return found


def _drop_empty_only(rules: dict[int, set[tuple[int, ...]]], n_terminals: int) -> None:
    """Remove productions of symbols that derived nothing but the empty sequence."""
    changed = True
    while changed:
        changed = False
        for left in list(rules):
            kept = {rhs for rhs in rules[left] if all(s < n_terminals or s in rules for s in rhs)}
            if len(kept) != len(rules[left]):
                changed = True
                rules[left] = kept
                if not kept:
                    del rules[left]


def _without_unit_cycles(
    rules: dict[int, set[tuple[int, ...]]], n_terminals: int, start: int
) -> tuple[list[Production], int]:
    """Merge nonterminals that lead to each other through lone nonterminals."""
    units = {
        left: {rhs[0] for rhs in found if len(rhs) == 1 and rhs[0] >= n_terminals} for left, found in rules.items()
    }
    reach: dict[int, set[int]] = {}
    for left in rules:
        seen, todo = {left}, [left]
        while todo:
            for other in units.get(todo.pop(), ()):
                if other not in seen:
                    seen.add(other)
                    todo.append(other)
        reach[left] = seen
    merged = {left: min(other for other in reach[left] if left in reach.get(other, ())) for left in rules}
    found: dict[Production, None] = {}
    for left, alternatives in rules.items():
        for rhs in sorted(alternatives):
            renamed = tuple(merged.get(symbol, symbol) for symbol in rhs)
            if renamed != (merged[left],):
                found[Production(merged[left], renamed)] = None
    return list(found), merged.get(start, start)
