"""The seam between byte automata bound to a vocabulary and the matcher that drives them.

A *machine* is one constraint bound to one vocabulary: immutable to its users, shared by
threads, caching inside. It moves between *configurations*: hashable immutable values
(ints or tuples of ints; stacks are hash-consed in an arena), so a matcher keeps a list of
them and rollback and fork cost nothing. Three machines exist: ``DfaMachine`` (regex,
choice), ``DocumentMachine`` (JSON under a schema) and ``GrammarMachine`` (Lark, GBNF).
"""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias

from structgen.dtypes import TokenMask
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["Config", "TokenMachine"]

Config: TypeAlias = Any
"""A place in a machine; only the machine that made it can read it."""


class TokenMachine(Protocol):
    """What a matcher asks of a constraint bound to a vocabulary.

    Every configuration a machine returns is live: some completion makes it accepted.
    """

    @property
    def vocabulary(self) -> Vocabulary: ...

    def start(self) -> Config:
        """The configuration before any byte."""
        ...

    def fill_mask(self, config: Config, row: TokenMask) -> None:
        """Overwrite ``row`` (exactly ``ceil(V/32)`` words) with the tokens whose bytes keep ``config`` live.

        End-of-sequence ids are set exactly when ``config`` is accepting; other special ids
        and tokens without bytes never are.
        """
        ...

    def advance(self, config: Config, token_id: int) -> Config | None:
        """The configuration after the token's bytes; None where it is not allowed (never for end of sequence)."""
        ...

    def advance_bytes(self, config: Config, data: bytes) -> Config | None:
        """The same for plain bytes, whatever their split into tokens."""
        ...

    def is_accepting(self, config: Config) -> bool:
        """Whether the bytes so far are acceptable as they are."""
        ...

    def forced_bytes(self, config: Config, limit: int = 256) -> bytes:
        """The bytes that every completion starts with, at most ``limit``; stops where acceptance is possible."""
        ...

    def shortest_completion(self, config: Config) -> bytes:
        """A completion of least length in bytes (empty where accepting)."""
        ...
