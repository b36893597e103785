"""An engine that is started when it is first asked.

``sg.monitors.python(...)`` stands in decorators, so it runs at import: it checks there
what costs nothing (the project, the program) and starts no process. With ``optional``, an
engine that cannot be started or talks nonsense leaves everything UNKNOWN instead of
raising, and says so once, as a warning.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable

from structgen.errors import MonitorError
from structgen.monitors.engines.protocol import UNKNOWN, Completion, Engine, EngineStats, Signature, Unknown

__all__ = ["LazyEngine"]


class LazyEngine:
    """Starts ``build()`` at the first question, once, whichever thread asks it."""

    def __init__(self, name: str, build: Callable[[], Engine], *, optional: bool = False) -> None:
        self.name = name
        self._build = build
        self._optional = optional
        self._engine: Engine | None = None
        self._failed: MonitorError | None = None
        self._lock = threading.Lock()

    @property
    def stats(self) -> EngineStats:
        if self._engine is not None:
            return self._engine.stats
        return EngineStats(disabled=self._failed.message if self._failed is not None else "")

    @property
    def started(self) -> Engine | None:
        """The engine behind it, starting it if need be; None where it failed and is optional.

        Raises
        ------
        MonitorError : it cannot be started, and is not optional
        """
        with self._lock:
            if self._engine is None and self._failed is None:
                try:
                    self._engine = self._build()
                except MonitorError as error:
                    self._failed = error
                    if self._optional:
                        warnings.warn(f"generating without the monitor: {error.message}", RuntimeWarning, stacklevel=4)
            if self._failed is not None and not self._optional:
                raise self._failed
            return self._engine

    def complete(self, text: str, offset: int) -> Completion | Unknown:
        engine = self.started
        return UNKNOWN if engine is None else engine.complete(text, offset)

    def signatures(self, text: str, offset: int) -> tuple[Signature, ...] | Unknown:
        engine = self.started
        return UNKNOWN if engine is None else engine.signatures(text, offset)

    def close(self) -> None:
        """Stop it; a later question starts it anew."""
        with self._lock:
            engine, self._engine = self._engine, None
        if engine is not None:
            engine.close()
