"""What can go wrong outside of an engine; an engine's own failures are rows, not errors.

::

    BenchError
    ├─ EngineMissingError   .engine .extra: the peer is not installed
    ├─ EngineUnknownError   .engine .known
    ├─ InputError           .path: unreadable, or not what it should be
    ├─ OutputError          .path .written: the rows written so far stay
    ├─ WorkerStartError     .engine .detail: the engine's process never came up
    └─ NetworkError         .url: a data set could not be fetched
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

__all__ = [
    "BenchError",
    "EngineMissingError",
    "EngineUnknownError",
    "InputError",
    "NetworkError",
    "OutputError",
    "WorkerStartError",
]


class BenchError(Exception):
    """Base of the harness's own errors; ``exit_code`` is what the command line returns."""

    exit_code = 2


class EngineMissingError(BenchError):
    """A peer engine is not installed; ``extra`` names what to install."""

    def __init__(self, engine: str, extra: str, detail: str) -> None:
        self.engine = engine
        self.extra = extra
        super().__init__(f"engine {engine!r} cannot be imported ({detail}); install it with: pip install '{extra}'")


class EngineUnknownError(BenchError):
    """No engine of that name, and not a ``module:Class`` either."""

    def __init__(self, engine: str, known: Sequence[str], detail: str = "") -> None:
        self.engine = engine
        self.known = tuple(known)
        tail = f" ({detail})" if detail else ""
        super().__init__(f"no engine {engine!r}{tail}; known: {', '.join(known)}, or module:Class")


class InputError(BenchError):
    """An input file is missing, unreadable or malformed."""

    exit_code = 3

    def __init__(self, path: Path | str, detail: str) -> None:
        self.path = Path(path)
        super().__init__(f"{path}: {detail}")


class OutputError(BenchError):
    """Rows can no longer be written, such as on a full disk; ``written`` rows are safe."""

    exit_code = 3

    def __init__(self, path: Path | str, written: int, detail: str) -> None:
        self.path = Path(path)
        self.written = written
        super().__init__(
            f"{path}: cannot write ({detail}); the {written} rows written so far are safe, "
            "and the same command continues after them"
        )


class WorkerStartError(BenchError):
    """An engine's process did not come up; nothing of that engine was measured."""

    def __init__(self, engine: str, detail: str) -> None:
        self.engine = engine
        self.detail = detail
        super().__init__(f"engine {engine!r} did not start: {detail}")


class NetworkError(BenchError):
    """A download failed; nothing was changed."""

    exit_code = 3

    def __init__(self, url: str, detail: str) -> None:
        self.url = url
        super().__init__(f"cannot fetch {url}: {detail}")
