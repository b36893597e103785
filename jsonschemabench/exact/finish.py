"""Let an engine finish a document after given tokens, by its own masks alone.

The aim is a short document of any verdict, not a likely one: first the rest of the original
instance is tried, then a walk that prefers the tokens that close things, with some chance
taken so that a second try goes another way. Nothing guarantees an end; tries are bounded.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from jsonschemabench.engines.base import Compiled, Completing, EngineVocabulary, Matcher, TokenRow
from jsonschemabench.exact.shapes import TokenIds, allowed_ids, is_allowed, ordinary_row

__all__ = ["Finished", "Finisher"]

_CLOSERS = (
    b'"',
    b"}",
    b"]",
    b'"}',
    b'"]',
    b"0",
    b'":',
    b":",
    b"1",
    b"e",
    b"l",
    b"u",
    b"r",
    b"s",
    b",",
    b'"a',
    b"{",
    b"[",
    b"a",
)


@dataclass
class Finished:
    """``outcome`` is one of ``complete``, ``unfinished`` (out of steps), ``dead end``, ``disagreement``
    (a token of the mask was not taken), ``refused`` (a given token was not taken) and ``error``."""

    outcome: str
    tokens: list[int]
    error: str = ""


class Finisher:
    """Completes documents under one vocabulary; ``row`` is the worker's own."""

    def __init__(self, vocabulary: EngineVocabulary, row: TokenRow, rng: random.Random, max_tokens: int = 160) -> None:
        self._vocabulary = vocabulary
        self._row = row
        self._rng = rng
        self._max_tokens = max_tokens

    @cached_property
    def _closers(self) -> list[int]:
        ids = {spelling: token for token, spelling in enumerate(self._vocabulary.token_bytes)}
        return [ids[spelling] for spelling in _CLOSERS if spelling in ids]

    def finish(
        self, compiled: Compiled, prefix: Sequence[int], rest: Sequence[int] = (), chance: float = 0.15
    ) -> Finished:
        """Replay ``prefix``, try ``rest``, then walk to an end."""
        tokens = list(prefix)
        try:
            matcher = compiled.matcher()
            for token in prefix:
                if not matcher.advance(token):
                    return Finished("refused", tokens)
            matcher = self._follow(compiled, matcher, tokens, rest)
            return Finished(self._walk(matcher, tokens, chance), tokens)
        except Exception as error:  # a foreign engine may raise anything, and that is a finding
            return Finished("error", tokens, f"{type(error).__name__}: {error}"[:300])

    def _follow(self, compiled: Compiled, matcher: Matcher, tokens: list[int], rest: Sequence[int]) -> Matcher:
        """Take as many of ``rest`` as go; a refused token may spoil a matcher, so that one is then rebuilt."""
        for token in rest:
            self._fill(matcher)
            if not is_allowed(self._row, token):
                break
            if not matcher.advance(token):
                matcher = compiled.matcher()
                for taken in tokens:
                    matcher.advance(taken)
                break
            tokens.append(token)
        return matcher

    def random_walk(self, compiled: Compiled) -> Finished:
        """From the start, by chance alone or mostly through structure, then towards an end.

        An engine that can tell a completion is taken at its word; others walk on.
        """
        tokens: list[int] = []
        chance = self._rng.choice((0.25, 1.0))
        try:
            matcher = compiled.matcher()
            for _ in range(self._rng.randrange(1, 40)):
                allowed = self._allowed(matcher)
                if not allowed.size:
                    break
                token = self._choose(allowed, chance)
                tokens.append(token)
                if not matcher.advance(token):
                    return Finished("disagreement", tokens)
            if isinstance(matcher, Completing):
                return Finished(self._complete(matcher, tokens), tokens)
            return Finished(self._walk(matcher, tokens, 0.15), tokens)
        except Exception as error:
            return Finished("error", tokens, f"{type(error).__name__}: {error}"[:300])

    def _complete(self, matcher: Completing, tokens: list[int]) -> str:
        """Follow the engine's own completion: every token in its mask, and an end where it says so."""
        for token in matcher.completion():
            self._fill(matcher)
            allowed = is_allowed(self._row, token)
            tokens.append(token)
            if not allowed or not matcher.advance(token):
                return "disagreement"
        return "complete" if matcher.may_stop() else "dead end"

    def _walk(self, matcher: Matcher, tokens: list[int], chance: float) -> str:
        for _ in range(self._max_tokens):
            if matcher.may_stop():
                return "complete"
            allowed = self._allowed(matcher)
            if not allowed.size:
                return "dead end"
            token = self._choose(allowed, chance)
            tokens.append(token)
            if not matcher.advance(token):
                return "disagreement"
        return "complete" if matcher.may_stop() else "unfinished"

    def _choose(self, allowed: TokenIds, chance: float) -> int:
        if self._rng.random() >= chance:
            for token in self._closers:
                if is_allowed(self._row, token):
                    return token
        return int(allowed[self._rng.randrange(len(allowed))])

    def _fill(self, matcher: Matcher) -> None:
        matcher.fill_mask(self._row)

    def _allowed(self, matcher: Matcher) -> TokenIds:
        """Allowed ordinary tokens; end-of-sequence and special ids are left out."""
        self._fill(matcher)
        return allowed_ids(self._row & self._ordinary, self._vocabulary.n_tokens)

    @cached_property
    def _ordinary(self) -> TokenRow:
        return ordinary_row(self._vocabulary)
