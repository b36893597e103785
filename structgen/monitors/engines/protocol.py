"""What a monitor asks of static analysis: names at a place, signatures of a call.

An *engine* answers questions about a text and an offset into it; it knows nothing of
tokens or bytes to come. Any question may be answered by ``UNKNOWN``, which never
constrains: an engine that overran its time, crashed, or has an honest "no idea" all look
the same to the generation.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Protocol

__all__ = ["UNKNOWN", "Completion", "Engine", "EngineStats", "Names", "Parameter", "Signature", "Unknown"]


class Unknown(Enum):
    """The answer that allows everything; compare with ``is UNKNOWN``."""

    UNKNOWN = "UNKNOWN"

    def __repr__(self) -> str:
        return "UNKNOWN"

    def __bool__(self) -> bool:
        return False


UNKNOWN: Final = Unknown.UNKNOWN

Names = frozenset[str]
"""The identifiers that may stand at a place, complete and case-sensitive."""


@dataclass(frozen=True, slots=True, eq=False)
class Completion:
    """The names an engine offers at an offset; compared by identity."""

    names: Names
    kinds: dict[str, int] = field(default_factory=dict)
    """LSP ``CompletionItemKind`` of each name, where the engine says."""
    incomplete: bool = False
    """The engine cut the list short; such a list cannot constrain."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a signature, as much as a caller's argument list depends on it."""

    name: str
    positional: bool
    keyword: bool
    required: bool
    variadic: bool = False
    """``*args`` (positional) or ``**kwargs`` (keyword)."""


@dataclass(frozen=True, slots=True)
class Signature:
    """One overload of a callable, bound receiver left out."""

    parameters: tuple[Parameter, ...]

    @property
    def max_positional(self) -> int | None:
        """Most positional arguments; None where ``*args`` takes any number."""
        if any(p.variadic and p.positional for p in self.parameters):
            return None
        return sum(p.positional for p in self.parameters)

    @property
    def keywords(self) -> frozenset[str] | None:
        """Names that may be passed by keyword; None where ``**kwargs`` takes any."""
        if any(p.variadic and p.keyword for p in self.parameters):
            return None
        return frozenset(p.name for p in self.parameters if p.keyword)

    @property
    def n_required(self) -> int:
        """Fewest arguments of any kind."""
        return sum(p.required for p in self.parameters)


@dataclass(slots=True)
class EngineStats:
    """Counts of one engine's life; times in seconds."""

    queries: int = 0
    overruns: int = 0
    restarts: int = 0
    failures: int = 0
    seconds: float = 0.0
    disabled: str = ""
    """Why the engine gave up for good; empty while it works."""


class Engine(Protocol):
    """Static analysis of one file that is being written, inside its project."""

    @property
    def name(self) -> str: ...

    @property
    def stats(self) -> EngineStats: ...

    def complete(self, text: str, offset: int) -> Completion | Unknown:
        """Names offered at ``offset`` (code points) of ``text``; UNKNOWN on any trouble."""
        ...

    def signatures(self, text: str, offset: int) -> tuple[Signature, ...] | Unknown:
        """Signatures of the call whose argument list is open at ``offset``."""
        ...

    def close(self) -> None:
        """Release the process or cache behind it; safe to call twice."""
        ...
