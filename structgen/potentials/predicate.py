"""Constraints from plain Python functions: "sqlite3 prepares it", "compile() accepts it".

A predicate says yes or no to a text. Two questions exist, and a user answers one or both:

- *complete*: is this text acceptable as it is? Asked only where the model wants to stop.
- *prefix*: can this text still become acceptable? Must be monotone: once no, always no.
  It is what prunes early; without it a sampler learns of a failure only at the end.

Predicates are taken to be pure: answers are remembered (a bounded number of them), so that
particles at the same text share one call. A function that raises, returns something other
than a bool, or says yes to a text after it said no to a prefix of it, is a
``PredicateError`` carrying the text: treating it as "no" would change the target silently. A
contradiction is noticed where both answers come up; what only begins with refused prefixes is
never asked about, and is not in the language.

On ``text``, bytes that cannot begin valid UTF-8 are "no" without a call, and a character
that is still incomplete at the end of a prefix is left out of what the function sees.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from structgen.dtypes import TokenMask
from structgen.errors import PredicateError, UnsatisfiableError
from structgen.potentials.cursor import CheckCounter, base_mask, set_token_ids
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["BoundPredicate", "Predicate", "predicate"]

FloatArray = npt.NDArray[np.float64]
Ask = Callable[[Any], bool]

_REMEMBERED = 1 << 16
"""Answers remembered per bound predicate and question."""


@dataclass(frozen=True)
class Predicate:
    """A yes-or-no question about texts, not yet bound to a vocabulary; see ``predicate``."""

    complete: Ask | None
    prefix: Ask | None
    on: Literal["text", "bytes"] = "text"
    name: str = ""

    def bind(self, vocabulary: Vocabulary) -> BoundPredicate:
        """The predicate over this vocabulary's tokens."""
        return BoundPredicate(self, vocabulary)


def predicate(
    fn: Ask | None = None, *, prefix: Ask | None = None, on: Literal["text", "bytes"] = "text", name: str = ""
) -> Any:
    """Make a constraint from a Python function; usable as a decorator.

    Parameters
    ----------
    fn : asked about complete texts, where the model stops; None accepts any text whose prefix is viable
    prefix : asked about unfinished texts; must be monotone (no stays no). None prunes nothing early
    on : what the functions see, ``text`` (str) or ``bytes``
    name : stable name, needed only to save tries; say something that changes when the function does

    Returns
    -------
    ``Predicate``, or a decorator where neither function was given

    Raises
    ------
    ValueError : ``on`` is neither ``text`` nor ``bytes``

    Examples
    --------
    >>> even = predicate(lambda text: len(text) % 2 == 0)
    >>> even.complete("ab")
    True
    """
    if on not in ("text", "bytes"):
        raise ValueError(f"a predicate sees 'text' or 'bytes', not {on!r}")
    if fn is None and prefix is None:
        return lambda function: Predicate(function, None, on, name)
    return Predicate(fn, prefix, on, name)


@dataclass
class _Question:
    """One of a predicate's two functions, with its remembered answers."""

    ask: Ask
    on: str
    may_be_cut: bool
    answers: dict[bytes, bool] = field(default_factory=dict)

    def answer(self, data: bytes, checks: CheckCounter) -> bool:
        known = self.answers.get(data)
        if known is not None:
            return known
        seen = self._shown(data)
        verdict = False if seen is None else self._call(seen, checks)
        if len(self.answers) >= _REMEMBERED:
            self.answers.pop(next(iter(self.answers)))
        self.answers[data] = verdict
        return verdict

    def _shown(self, data: bytes) -> bytes | str | None:
        """What the function sees of ``data``; None where that is no text at all."""
        if self.on == "bytes":
            return data
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError as error:
            unfinished = error.reason == "unexpected end of data"
            return data[: error.start].decode("utf-8") if unfinished and self.may_be_cut else None

    def _call(self, seen: bytes | str, checks: CheckCounter) -> bool:
        checks.n += 1
        try:
            verdict = self.ask(seen)
        except Exception as error:
            raise PredicateError(
                f"the predicate raised {type(error).__name__}: {error}",
                text=seen,
                hint="catch what it may raise and return False",
            ) from error
        if not isinstance(verdict, bool | np.bool_):
            raise PredicateError(f"the predicate returned {type(verdict).__name__}, not bool", text=seen)
        return bool(verdict)


class BoundPredicate:
    """A predicate over one vocabulary; a ``Potential`` with values 0 and ``-inf``."""

    def __init__(self, source: Predicate, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.key = f"predicate:{source.name}" if source.name else ""
        self.base = base_mask(vocabulary)
        self._eos = frozenset(vocabulary.eos_ids)
        self._complete = None if source.complete is None else _Question(source.complete, source.on, False)
        self._prefix = None if source.prefix is None else _Question(source.prefix, source.on, True)

    @property
    def has_prefix(self) -> bool:
        """Whether unfinished texts can be asked about."""
        return self._prefix is not None

    def begin(self, checks: CheckCounter) -> PredicateCursor:
        """A cursor before the first token.

        Raises
        ------
        UnsatisfiableError : the predicate says no to the empty prefix
        """
        if not self.viable(b"", b"", checks):
            raise UnsatisfiableError("the predicate refuses the empty prefix, so no text satisfies it")
        return PredicateCursor(self, b"", checks)

    def viable(self, parent: bytes, data: bytes, checks: CheckCounter) -> bool:
        """Whether ``data``, which extends the viable ``parent``, is viable."""
        if self._prefix is None:
            return True
        verdict = self._prefix.answer(data, checks)
        if verdict:
            self._refuse_contradiction(parent, data)
        return verdict

    def accepts(self, data: bytes, checks: CheckCounter) -> bool:
        """Whether the viable ``data`` is acceptable as it is."""
        return True if self._complete is None else self._complete.answer(data, checks)

    def is_eos(self, token_id: int) -> bool:
        return token_id in self._eos

    def prefix(self, token_ids: Sequence[int]) -> float:
        """0 where every prefix of the text is viable, else ``-inf``."""
        return 0.0 if self._viable_throughout(token_ids, CheckCounter()) else -math.inf

    def complete(self, token_ids: Sequence[int]) -> float:
        """0 where the text is acceptable, else ``-inf``.

        Raises
        ------
        PredicateError : it is acceptable although a prefix of it is not viable
        """
        checks = CheckCounter()
        data = self.vocabulary.decode(token_ids)
        accepted = self.accepts(data, checks)
        if not self._viable_throughout(token_ids, checks):
            if accepted and self._complete is not None:
                raise _contradiction(data, data)
            return -math.inf
        return 0.0 if accepted else -math.inf

    def logw_next(self, token_ids: Sequence[int]) -> FloatArray:
        """(V,) 0 or ``-inf`` per token; asks about every token where there is a prefix question."""
        weights = np.full(self.vocabulary.n_tokens, -math.inf)
        checks = CheckCounter()
        if self._viable_throughout(token_ids, checks):
            row = self.base.copy()
            PredicateCursor(self, self.vocabulary.decode(token_ids), checks).settle(row)
            weights[set_token_ids(row, len(weights))] = 0.0
        return weights

    def _viable_throughout(self, token_ids: Sequence[int], checks: CheckCounter) -> bool:
        data = b""
        viable = self.viable(data, data, checks)
        for token_id in token_ids:
            parent, data = data, data + self.vocabulary.token_bytes(token_id)
            viable = viable and self.viable(parent, data, checks)
        return viable

    def _refuse_contradiction(self, parent: bytes, data: bytes) -> None:
        """``data`` is viable: then so must be what lies between it and its parent, where that was asked."""
        assert self._prefix is not None
        for length in range(len(parent) + 1, len(data)):
            if self._prefix.answers.get(data[:length]) is False and self._prefix._shown(data[:length]) is not None:
                raise _contradiction(data[:length], data)


def _contradiction(refused: bytes, accepted: bytes) -> PredicateError:
    return PredicateError(
        f"the predicate refused the prefix {refused!r} but accepts {accepted!r}",
        text=accepted,
        hint="a prefix predicate must be monotone: False for a text means False for everything that begins with it",
    )


class PredicateCursor:
    """One sequence under a predicate."""

    is_opaque = True

    __slots__ = ("_bound", "_checks", "_data")

    def __init__(self, bound: BoundPredicate, data: bytes, checks: CheckCounter) -> None:
        self._bound = bound
        self._data = data
        self._checks = checks

    def narrow(self, row: TokenMask, budget: int | None = None) -> None:
        row &= self._bound.base

    def settle(self, row: TokenMask) -> None:
        bound = self._bound
        tokens = set_token_ids(row, bound.vocabulary.n_tokens) if bound.has_prefix else bound.vocabulary.eos_ids
        for token_id in map(int, tokens):
            word, bit = token_id >> 5, np.uint32(1 << (token_id & 31))
            if row[word] & bit and not self.allows(token_id):
                row[word] &= ~bit

    def allows(self, token_id: int) -> bool:
        bound = self._bound
        if bound.is_eos(token_id):
            return bound.accepts(self._data, self._checks)
        if not bound.has_prefix:
            return True
        return bound.viable(self._data, self._data + bound.vocabulary.token_bytes(token_id), self._checks)

    def log_factors(self) -> None:
        return None

    def advance(self, token_id: int) -> None:
        self._data += self._bound.vocabulary.token_bytes(token_id)

    def fork(self) -> PredicateCursor:
        return PredicateCursor(self._bound, self._data, self._checks)
