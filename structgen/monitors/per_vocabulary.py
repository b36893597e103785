"""What depends on a vocabulary alone: made at the first time it is asked for, and kept."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from structgen.vocab.vocabulary import Vocabulary

__all__ = ["MOST_TABLES", "PerVocabulary"]

Table = TypeVar("Table")

MOST_TABLES = 8
"""Vocabularies whose tables are kept; the first made goes first."""


class PerVocabulary(Generic[Table]):
    """The one table for a vocabulary and further hashable arguments, as ``make`` makes it of them.

    Two threads may make the same table at once; one of them is kept, and both say the same.
    """

    def __init__(self, make: Callable[..., Table]) -> None:
        self._make = make
        self._made: dict[tuple[Hashable, ...], Table] = {}

    def __call__(self, vocabulary: Vocabulary, *arguments: Hashable) -> Table:
        key = (vocabulary.content_hash, *arguments)
        found = self._made.get(key)
        if found is None:
            while len(self._made) >= MOST_TABLES:
                self._made.pop(next(iter(self._made)), None)
            found = self._made[key] = self._make(vocabulary, *arguments)
        return found
