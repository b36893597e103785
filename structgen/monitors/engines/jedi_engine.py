"""jedi in process: no server to install or lose, and no way to interrupt it.

A query runs in a worker thread so that the caller can stop waiting; the thread itself
runs on to its end (Python cannot stop it), and until then every query is UNKNOWN.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from pathlib import Path
from typing import Any

from structgen.errors import MonitorError
from structgen.monitors.engines.protocol import UNKNOWN, Completion, EngineStats, Signature, Unknown
from structgen.monitors.engines.signatures import parse_parameters

__all__ = ["JediEngine"]

_KEYWORD = 14
_KINDS = {"function": 3, "statement": 6, "instance": 6, "param": 6, "class": 7, "module": 9, "property": 10} | {
    "keyword": _KEYWORD
}
"""LSP's ``CompletionItemKind`` for jedi's types of names."""


class JediEngine:
    """jedi on one file of a project; parameters and errors as for ``LspEngine``."""

    def __init__(self, project: str | Path, file: str | Path, *, limit: float = 1.0) -> None:
        try:
            import jedi  # type: ignore[import-not-found,import-untyped,unused-ignore]
        except ImportError as error:
            raise MonitorError("jedi is not installed", engine="jedi", hint="pip install jedi") from error
        root = Path(project).resolve()
        if not root.is_dir():
            raise MonitorError(f"no project at {project}", engine="jedi", hint="pass the folder of the project")
        self.stats = EngineStats()
        self._jedi = jedi
        self._project = jedi.Project(str(root))
        self._path = str((root / file).resolve())
        self._limit = limit
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="jedi")
        self._running: Future[Any] | None = None
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        return "jedi"

    def complete(self, text: str, offset: int) -> Completion | Unknown:
        """Names offered at ``offset``; see ``Engine``."""

        def run(script: Any, line: int, column: int) -> Completion:
            kinds = {item.name: _KINDS.get(item.type, 0) for item in script.complete(line, column)}
            names = {name: kind for name, kind in kinds.items() if kind != _KEYWORD}
            return Completion(frozenset(names), names)

        answer: Completion | Unknown = self._ask(run, text, offset)
        return answer

    def signatures(self, text: str, offset: int) -> tuple[Signature, ...] | Unknown:
        """Overloads of the open call; see ``Engine``."""

        def run(script: Any, line: int, column: int) -> tuple[Signature, ...] | Unknown:
            found = [
                parse_parameters(p.to_string() for p in item.params) for item in script.get_signatures(line, column)
            ]
            return UNKNOWN if not found or None in found else tuple(s for s in found if s is not None)

        answer: tuple[Signature, ...] | Unknown = self._ask(run, text, offset)
        return answer

    def _ask(self, run: Any, text: str, offset: int) -> Any:
        if not 0 <= offset <= len(text):
            raise MonitorError(f"offset {offset} is outside the file of {len(text)} characters", engine="jedi")
        line = text.count("\n", 0, offset) + 1
        column = offset - (text.rfind("\n", 0, offset) + 1)

        def work() -> Any:
            return run(self._jedi.Script(text, path=self._path, project=self._project), line, column)

        with self._lock:
            if self._running is not None and not self._running.done():
                return UNKNOWN
            self.stats.queries += 1
            started = time.perf_counter()
            try:
                self._running = self._pool.submit(work)
                return self._running.result(self._limit)
            except FutureTimeout:
                self.stats.overruns += 1
                return UNKNOWN
            except Exception:  # jedi raises whatever its inference stumbles over, RecursionError included
                self.stats.failures += 1
                return UNKNOWN
            finally:
                self.stats.seconds += time.perf_counter() - started

    def close(self) -> None:
        """Let go of the worker; safe to call twice."""
        self._pool.shutdown(wait=False, cancel_futures=True)
