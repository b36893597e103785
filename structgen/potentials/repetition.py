"""A penalty on repeating structure: the grammar-based repetition penalty (RPG).

Small models fall into loops that a grammar is happy with: the same statement, the same list
item, again and again. A penalty on repeated *tokens* hurts what must repeat (brackets,
names); this one looks at the rules the parser has completed. Where the rule sequence ends in a
block that repeated n times, every token that would start the block again is weighed by
``alpha ** n``. It is a soft potential, so weights stay proper for the target
``p(x) 1[x in L] prod alpha^n``.

The block is found from the reversed rule sequence with the Z-function: ``z[l]`` symbols of it
recur l places further, so a block of length l stands there ``1 + z[l] // l`` times. Linear time
per token. A rolling hash finds the same and can be fooled.

``LarkRules`` reads the rules of a Lark grammar (LALR): the shapes of the completed subtrees
on the parser's stack, from left to right. A shape is the tree with its terminals' types in place
of their texts, so ``x = 1`` and ``y = 2`` are the same statement.

Reference: grammar-based repetition penalty (2025), arXiv:2505.10402.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from structgen.vocab.vocabulary import Vocabulary

__all__ = ["BoundRepetition", "LarkRules", "Repetition", "RuleReader", "repeated_block"]

FloatArray = npt.NDArray[np.float64]


def repeated_block(symbols: Sequence[Hashable]) -> tuple[int, int]:
    """How often the end of the sequence repeats, and how long the repeated block is.

    Parameters
    ----------
    symbols : completed rules, oldest first

    Returns
    -------
    (n, length): the last ``n * length`` symbols are n copies of one block, n as large as possible and
    then the block as short as possible; (1, 0) where nothing repeats

    Examples
    --------
    >>> repeated_block(["def", "A", "B", "A", "B"])
    (2, 2)
    """
    backwards = list(symbols)[::-1]
    best = (1, 0)
    for length, matched in enumerate(_z_function(backwards)):
        if length and 1 + matched // length > best[0]:
            best = (1 + matched // length, length)
    return best


def _z_function(items: Sequence[Hashable]) -> list[int]:
    """``z[i]``: how many items from i on equal those from 0 on; linear time."""
    n = len(items)
    z = [0] * n
    left = right = 0
    for i in range(1, n):
        if i < right:
            z[i] = min(right - i, z[i - left])
        while i + z[i] < n and items[z[i]] == items[i + z[i]]:
            z[i] += 1
        if i + z[i] > right:
            left, right = i, i + z[i]
    return z


class RuleReader(Protocol):
    """Reads the rules out of unfinished text."""

    def rules(self, data: bytes) -> list[tuple[Hashable, frozenset[int]]]:
        """Completed rules, oldest first: (rule, bytes that can start it)."""
        ...

    @property
    def skipped(self) -> bytes:
        """Bytes that may precede a rule without belonging to it, such as blanks."""
        ...


@dataclass(frozen=True)
class Repetition:
    """The penalty, not yet bound to a vocabulary.

    Parameters
    ----------
    reader : where rules come from, such as ``LarkRules(grammar)``
    alpha : in (0, 1]; factor per repetition already there
    """

    reader: RuleReader
    alpha: float = 0.9

    def __post_init__(self) -> None:
        if not 0.0 < self.alpha <= 1.0:
            raise ValueError(f"alpha must lie in (0, 1], not {self.alpha}")

    def bind(self, vocabulary: Vocabulary) -> BoundRepetition:
        """The penalty over this vocabulary's tokens."""
        return BoundRepetition(self, vocabulary)


class BoundRepetition:
    """A ``Potential``: ``prefix`` is the sum of the penalties of the tokens so far."""

    def __init__(self, source: Repetition, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.key = ""
        self._source = source
        self._first = self._first_bytes()
        self._rest = lru_cache(maxsize=4096)(self._penalties)

    def prefix(self, token_ids: Sequence[int]) -> float:
        """Sum of the tokens' penalties, nats, at most 0."""
        total, data = 0.0, b""
        for token_id in token_ids:
            total += float(self._rest(data)[token_id])
            data += self.vocabulary.token_bytes(token_id)
        return total

    def complete(self, token_ids: Sequence[int]) -> float:
        """As ``prefix``: ending is never penalised."""
        return self.prefix(token_ids)

    def logw_next(self, token_ids: Sequence[int]) -> FloatArray:
        """(V,) ``-n log(1/alpha)`` for tokens that would start the repeated block again, else 0."""
        return self._rest(self.vocabulary.decode(token_ids))

    def _penalties(self, data: bytes) -> FloatArray:
        weights = np.zeros(self.vocabulary.n_tokens)
        rules = self._source.reader.rules(data)
        n, length = repeated_block([rule for rule, _ in rules])
        if n > 1:
            starts = rules[len(rules) - length][1]
            weights[np.isin(self._first, list(starts))] = n * math.log(self._source.alpha)
        weights.flags.writeable = False
        return weights

    def _first_bytes(self) -> npt.NDArray[np.int64]:
        """Per token, its first byte that is not skipped; -1 where there is none."""
        skipped = self._source.reader.skipped
        bodies = [self.vocabulary.token_bytes(t).lstrip(skipped) for t in range(self.vocabulary.n_tokens)]
        return np.array([body[0] if body else -1 for body in bodies], dtype=np.int64)


class LarkRules:
    """Rules of a Lark grammar, read by Lark's LALR parser as far as the text goes.

    Parameters
    ----------
    grammar : Lark text; must be LALR(1)
    start : start rule
    skipped : bytes that the grammar ignores between rules

    Raises
    ------
    lark.exceptions.LarkError : the grammar is wrong or not LALR(1)
    """

    def __init__(self, grammar: str, *, start: str = "start", skipped: bytes = b" \t\r\n") -> None:
        from lark import Lark

        self._lark = Lark(grammar, parser="lalr", start=start, keep_all_tokens=True, maybe_placeholders=False)
        self._starts = {t.name: first_bytes(t.pattern.to_regexp()) for t in self._lark.terminals}
        self.skipped = skipped

    def rules(self, data: bytes) -> list[tuple[Hashable, frozenset[int]]]:
        """Shapes of the completed subtrees on the stack; what cannot be lexed yet is left out."""
        from lark.exceptions import LarkError

        parser = self._lark.parse_interactive(data.decode("utf-8", "ignore"))
        try:
            for _ in parser.iter_parse():
                pass
        except LarkError:
            pass  # the unfinished lexeme at the end
        return [(_shape(node), self._first_of(node)) for node in _flat(_settled_stack(parser))]

    def _first_of(self, node: Any) -> frozenset[int]:
        while hasattr(node, "children"):
            if not node.children:
                return frozenset()
            node = node.children[0]
        return self._starts.get(str(node.type), frozenset())


def _settled_stack(parser: Any) -> list[Any]:
    """The values on the stack, after the reduction that no next terminal could avoid.

    LALR reduces a rule when it sees what follows; at the end of the text nothing does.
    """
    state = parser.parser_state
    actions = state.parse_conf.parse_table.states[state.state_stack[-1]]
    goals = {argument for _, argument in actions.values()}
    waiting = [name for name in actions if name != "$END"]
    if len(goals) != 1 or not waiting or not hasattr(next(iter(goals)), "origin"):
        return list(state.value_stack)
    from lark import Token

    ahead = parser.copy()
    ahead.feed_token(Token(waiting[0], ""))
    return list(ahead.parser_state.value_stack)[:-1]


def _flat(nodes: Sequence[Any]) -> list[Any]:
    """Subtrees in order; the helper rules Lark makes for repetition dissolve into their children."""
    found = []
    for node in nodes:
        if hasattr(node, "children") and str(node.data).startswith("_"):
            found += _flat(node.children)
        else:
            found.append(node)
    return found


def _shape(node: Any) -> Hashable:
    if not hasattr(node, "children"):
        return str(node.type)
    return (str(node.data), *(_shape(child) for child in node.children))


def first_bytes(pattern: str) -> frozenset[int]:
    """Bytes that a match of a Python regex can start with; all of them where that is not easily told."""
    found, _ = _first_of(_parser.parse(pattern))
    return frozenset(found)


def _first_of(nodes: Any) -> tuple[set[int], bool]:
    """(first bytes, whether the empty string matches) of a parsed sequence."""
    found: set[int] = set()
    for op, argument in nodes:
        starts, is_nullable = _first_of_one(op, argument)
        found |= starts
        if not is_nullable:
            return found, False
    return found, True


def _first_of_one(op: Any, argument: Any) -> tuple[set[int], bool]:
    if op is sre.LITERAL:
        return {chr(argument).encode()[0]}, False
    if op is sre.SUBPATTERN:
        return _first_of(argument[-1])
    if op in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
        starts, is_nullable = _first_of(argument[2])
        return starts, is_nullable or argument[0] == 0
    if op is sre.BRANCH:
        parts = [_first_of(branch) for branch in argument[1]]
        return set().union(*(starts for starts, _ in parts)), any(nullable for _, nullable in parts)
    if op in (sre.ASSERT, sre.ASSERT_NOT, sre.AT):
        return set(), True
    if op is sre.IN:
        return _class_starts(argument), False
    return set(range(256)), op not in (sre.ANY, sre.NOT_LITERAL)


def _class_starts(items: Any) -> set[int]:
    """First bytes of a character class; categories such as ``\\w`` count as every byte."""
    if items and items[0][0] is sre.NEGATE:
        excluded = {argument for op, argument in items[1:] if op is sre.LITERAL and argument < 128}
        return set(range(256)) - excluded
    found: set[int] = set()
    for op, argument in items:
        if op is sre.LITERAL:
            found.add(chr(argument).encode()[0])
        elif op is sre.RANGE and argument[1] < 128:
            found |= set(range(argument[0], argument[1] + 1))
        else:
            return set(range(256))
    return found
