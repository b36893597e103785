"""What the harness asks of an engine: four small protocols and a vocabulary.

An adapter is deliberately thin, because everything it does is timed with the engine. A
``row`` is always the same writable uint32 array of ``ceil(V / 32)`` words within one
process, so an adapter may keep its address (``RowPointer``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

__all__ = [
    "CompileOptions",
    "Compiled",
    "Completing",
    "Emptiness",
    "Engine",
    "EngineVocabulary",
    "Matcher",
    "RowPointer",
    "TokenRow",
]

TokenRow = npt.NDArray[np.uint32]
"""(ceil(V / 32),) packed mask: bit ``t & 31`` of word ``t >> 5`` stands for token id ``t``."""


@dataclass(frozen=True)
class EngineVocabulary:
    """The tokenizer as every engine gets it: a ``tokenizer.json`` and the bytes of each id.

    ``token_bytes[i]`` is empty for special tokens. ``n_tokens`` is ``V``.
    """

    path: Path
    token_bytes: Sequence[bytes]
    eos_ids: tuple[int, ...]
    special_ids: frozenset[int]

    @property
    def n_tokens(self) -> int:
        return len(self.token_bytes)

    @property
    def n_words(self) -> int:
        return (self.n_tokens + 31) // 32


@dataclass(frozen=True)
class CompileOptions:
    """What a schema may need besides itself.

    ``registry`` maps URIs to remote schemas; an engine that cannot take it is measured
    without (it will refuse or fail the reference, which is what its users see).
    ``assert_format`` asks for ``format`` as an assertion, None leaves the engine's default.
    """

    registry: dict[str, Any] = field(default_factory=dict)
    assert_format: bool | None = None


class Matcher(Protocol):
    """One sequence being generated."""

    def fill_mask(self, row: TokenRow) -> None:
        """Overwrite ``row`` with the tokens allowed next."""
        ...

    def advance(self, token_id: int) -> bool:
        """Take one token; False where the engine does not allow it (the matcher is then not used again)."""
        ...

    def may_stop(self) -> bool:
        """Whether the text so far is complete."""
        ...


@runtime_checkable
class Completing(Matcher, Protocol):
    """A matcher that can also tell how the text could end; asked for by ``exact`` alone."""

    def completion(self) -> list[int]:
        """Tokens that complete the text, end of sequence left out."""
        ...


class Compiled(Protocol):
    """One constraint, ready to start sequences."""

    def matcher(self) -> Matcher: ...


class Engine(Protocol):
    """An engine bound to a vocabulary; ``compile`` raises whatever the engine raises on refusal."""

    version: str

    def __init__(self, vocabulary: EngineVocabulary) -> None: ...

    def compile(self, schema: Any, options: CompileOptions) -> Compiled: ...

    def compile_grammar(self, text: str, notation: str) -> Compiled:
        """Compile a grammar in ``lark`` or ``gbnf`` notation; ``NotImplementedError`` where it has none."""
        ...


@runtime_checkable
class Emptiness(Protocol):
    """An engine that refuses some schemas because it knows that no document satisfies them."""

    def is_unsatisfiable(self, error: Exception) -> bool:
        """Whether what ``compile`` raised says so."""
        ...


class RowPointer:
    """Remembers the address and size of the last row, since asking NumPy costs a microsecond."""

    __slots__ = ("address", "n_bytes", "row")

    def __init__(self) -> None:
        self.row: TokenRow | None = None
        self.address = 0
        self.n_bytes = 0

    def point_at(self, row: TokenRow) -> None:
        self.row = row
        self.address = row.ctypes.data
        self.n_bytes = row.nbytes
