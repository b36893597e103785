"""Keep a worker process at work: limits, kill, restart, and a verdict for every task.

An engine may hang inside native code, crash or eat all memory, so limits are enforced from
outside: the parent waits for lines with a deadline, watches the child's resident memory,
and kills. Seconds are those of the child's processor, so that a busy machine does not turn
a slow schema into a timeout; a child that merely sleeps is killed after four times as long
by the clock. The next task starts a fresh process. Whatever ended a task is an ``Outcome``
and becomes a row; nothing here raises for what an engine does.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jsonschemabench.errors import WorkerStartError

__all__ = ["Limits", "Outcome", "Supervisor"]

_POLL_SECONDS = 0.05
_PATIENCE = 4.0
"""Clock seconds a child may take for one second of its limit."""


@dataclass(frozen=True)
class Limits:
    """Processor seconds until compiled and for the whole task, bytes of resident memory, clock seconds to start."""

    compile_seconds: float = 60.0
    task_seconds: float = 120.0
    memory_bytes: int = 8 * 2**30
    start_seconds: float = 900.0


@dataclass
class Outcome:
    """``status`` is the row's own, or ``timeout``, ``memory`` or ``crash``; ``row`` holds what was known by then."""

    status: str
    row: dict[str, Any] = field(default_factory=dict)

    def as_row(self) -> dict[str, Any]:
        return self.row | {"status": self.status}


class Supervisor:
    """One worker for the given engines, restarted as often as needed.

    Use as a context manager; leaving it kills the worker.
    """

    def __init__(self, engines: list[str], tokenizer: Path, limits: Limits, eos: tuple[str, ...] = ()) -> None:
        self.engines = engines
        self.limits = limits
        self.versions: dict[str, str] = {}
        self.start_seconds = 0.0
        self.n_starts = 0
        self._configuration = {"engines": engines, "tokenizer": str(tokenizer.resolve()), "eos": list(eos)}
        self._process: subprocess.Popen[bytes] | None = None
        self._selector: selectors.BaseSelector | None = None
        self._buffer = b""
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()

    def __enter__(self) -> Supervisor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._kill()
        self._log.close()

    def run(self, task: str, request: dict[str, Any], limits: Limits | None = None) -> Outcome:
        """Run one task; starts the worker first if there is none.

        Raises
        ------
        WorkerStartError : the worker cannot start, so there is nothing to measure
        """
        limits = limits or self.limits
        self.ensure_started()
        line = json.dumps(request | {"task": task}).encode() + b"\n"
        try:
            self._send(line)
        except OSError:
            return self._crashed({})
        return self._await(limits)

    def ensure_started(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        self._spawn()
        deadline = time.monotonic() + self.limits.start_seconds
        message = self._read(deadline)
        if not isinstance(message, dict) or message.get("event") != "ready":
            detail = message.get("error", "") if isinstance(message, dict) else f"{message}; {self._tail()}"
            self._kill()
            raise WorkerStartError(", ".join(self.engines), detail or "no answer")
        self.versions = message["versions"]
        self.start_seconds = message["seconds"]

    def _await(self, limits: Limits) -> Outcome:
        assert self._process is not None
        watch = _Watch(self._process.pid)
        known: dict[str, Any] = {}
        limit = min(limits.compile_seconds, limits.task_seconds)
        while True:
            message = self._read(watch.started + limit, limits.memory_bytes)
            while message == "timeout" and (more := watch.seconds_left(limit)) > 0.0:
                message = self._read(time.monotonic() + more, limits.memory_bytes)
            if isinstance(message, dict):
                if message["event"] == "done":
                    return Outcome(message["row"].get("status", "ok"), message["row"])
                known = message["row"]
                limit = limits.task_seconds
                continue
            if message == "crash":
                return self._crashed(known)
            self._kill()
            said = f"{limit:g} s" if message == "timeout" else f"{limits.memory_bytes / 2**30:g} GiB"
            phase = "walk" if "first_mask_us" in known else "first mask" if "compile_us" in known else "compile"
            return Outcome(message, known | {"error": f"{message} during {phase}: over {said}", "phase": phase})

    def _crashed(self, known: dict[str, Any]) -> Outcome:
        code = self._process.wait() if self._process is not None else None
        tail = self._tail()
        self._kill()
        return Outcome("crash", known | {"error": f"worker ended with code {code}: {tail}"})

    def _spawn(self) -> None:
        self._kill()
        environment = os.environ | {
            "OMP_NUM_THREADS": "1",
            "RAYON_NUM_THREADS": "1",
            "MKL_NUM_THREADS": "1",
            "NUMBA_NUM_THREADS": "1",
            "TOKENIZERS_PARALLELISM": "false",
            "PYTHONPATH": os.pathsep.join([str(Path(__file__).resolve().parent.parent), *filter(None, sys.path)]),
        }
        self._log.seek(0)
        self._log.truncate()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "jsonschemabench.worker", json.dumps(self._configuration)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=environment,
        )
        self.n_starts += 1
        self._buffer = b""
        self._selector = selectors.DefaultSelector()
        assert self._process.stdout is not None
        self._selector.register(self._process.stdout, selectors.EVENT_READ)

    def _send(self, line: bytes) -> None:
        assert self._process is not None and self._process.stdin is not None
        self._process.stdin.write(line)
        self._process.stdin.flush()

    def _read(self, deadline: float, memory_bytes: int | None = None) -> dict[str, Any] | str:
        """The next message, or ``timeout``, ``memory`` or ``crash``."""
        assert self._process is not None and self._process.stdout is not None and self._selector is not None
        while b"\n" not in self._buffer:
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                return "timeout"
            if self._selector.select(min(remaining, _POLL_SECONDS)):
                chunk = os.read(self._process.stdout.fileno(), 1 << 20)
                if not chunk:
                    return "crash"
                self._buffer += chunk
            elif memory_bytes is not None and _resident_bytes(self._process.pid) > memory_bytes:
                return "memory"
        line, _, self._buffer = self._buffer.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        return message

    def _tail(self) -> str:
        """The end of what the worker wrote to stderr."""
        size = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, size - 1500))
        return self._log.read().decode(errors="replace").strip()

    def _kill(self) -> None:
        if self._selector is not None:
            self._selector.close()
            self._selector = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for stream in (self._process.stdin, self._process.stdout):
                if stream is not None:
                    with contextlib.suppress(OSError):  # a pipe with unsent bytes to a dead process
                        stream.close()
            self._process = None


class _Watch:
    """How long a child has worked on a task."""

    def __init__(self, pid: int) -> None:
        self.started = time.monotonic()
        self._pid = pid
        self._used_before = _processor_seconds(pid)

    def seconds_left(self, limit: float) -> float:
        """Clock seconds before which the limit cannot be reached; 0 where it is."""
        patience = self.started + _PATIENCE * limit - time.monotonic()
        used = _processor_seconds(self._pid)
        if used is None or self._used_before is None:
            return 0.0
        return max(0.0, min(limit - (used - self._used_before), patience))


def _processor_seconds(pid: int) -> float | None:
    """Processor time of a process and its threads; None where the system does not say."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError, ValueError):
        return None


def _resident_bytes(pid: int) -> int:
    """Resident memory of a process; 0 where the system does not say."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return 0
    return pages * os.sysconf("SC_PAGESIZE")
