"""JSON-RPC 2.0 with ``Content-Length`` framing over a child's pipes, with deadlines.

Every wait has a limit, the write side too: a hung server stops reading, the pipe fills
(64 KiB on Linux) and a plain ``write`` would block for good. So the child's stdin is
non-blocking and written under ``select``. One thread reads: servers ask questions of
their own (configuration, capabilities) at any time and some wait for the answer.

Rejected: asyncio (a loop in the caller's process, and a monitor is asked synchronously
from a mask) and the LSP libraries on the registries, which time out per call but not per
write and know no restart.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from structgen.errors import MonitorError

__all__ = ["Overrun", "ServerGone", "Transport"]

_MAX_HEADER = 4096
_MAX_BODY = 256 << 20


class Overrun(Exception):
    """The time limit of a request passed; its answer, if it ever comes, is dropped."""


class ServerGone(Exception):
    """The child exited, closed its pipe, or wrote what is not JSON-RPC."""


class Transport:
    """One child process that speaks JSON-RPC; not restarted here.

    ``answer(method, params)`` replies to the server's own requests, ``hear`` is told of its
    notifications; neither may block.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        cwd: str,
        engine: str,
        env: Mapping[str, str] | None = None,
        answer: Callable[[str, Any], Any] = lambda method, params: None,
        hear: Callable[[str, Any], None] = lambda method, params: None,
        hint: str | None = None,
    ) -> None:
        try:
            self._process = subprocess.Popen(
                list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=cwd,
                env=dict(os.environ, **(env or {})),
                start_new_session=True,
                bufsize=0,
            )
        except (FileNotFoundError, PermissionError, NotADirectoryError) as error:
            raise MonitorError(f"cannot start {command[0]}: {error.strerror}", engine=engine, hint=hint) from error
        # A server nobody closed, a hung one above all, must not outlive the interpreter.
        self._at_exit = weakref.finalize(self, kill_group, self._process.pid)
        assert self._process.stdin is not None
        self._stdin = self._process.stdin.fileno()
        os.set_blocking(self._stdin, False)
        self._answer = answer
        self._hear = hear
        self._changed = threading.Condition()
        self._write_lock = threading.Lock()
        self._answers: dict[int, Any] = {}
        self._waiting: set[int] = set()
        self._next_id = 0
        self.gone = ""
        self.stderr: deque[str] = deque(maxlen=40)
        threading.Thread(target=self._read, daemon=True, name=f"{engine}-stdout").start()
        threading.Thread(target=self._drain, daemon=True, name=f"{engine}-stderr").start()

    # --- requests

    def request(self, method: str, params: Any, *, limit: float) -> Any:
        """The ``result`` of a request, waiting at most ``limit`` seconds.

        Raises
        ------
        Overrun : no answer in time
        ServerGone : the server is not there any more, or talks nonsense
        LookupError : the server answered with an error of its own
        """
        deadline = time.monotonic() + limit
        with self._changed:
            self._next_id += 1
            request_id = self._next_id
            self._waiting.add(request_id)
        try:
            self._send({"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}, deadline)
            with self._changed:
                while request_id not in self._answers:
                    if self.gone:
                        raise ServerGone(self.gone)
                    left = deadline - time.monotonic()
                    if left <= 0:
                        raise Overrun(f"no answer to {method} within {limit:g} s")
                    self._changed.wait(left)
                message = self._answers.pop(request_id)
        finally:
            with self._changed:
                self._waiting.discard(request_id)
                self._answers.pop(request_id, None)
        if "error" in message:
            raise LookupError(str(message["error"]))
        return message.get("result")

    def notify(self, method: str, params: Any, *, limit: float) -> None:
        """Send a notification, waiting at most ``limit`` seconds for the server to read."""
        self._send({"jsonrpc": "2.0", "method": method, "params": params}, time.monotonic() + limit)

    def close(self, grace: float = 0.5) -> None:
        """End the process group, first politely; never waits longer than ``2 * grace`` seconds."""
        with self._changed:
            self.gone = self.gone or "closed"
            self._changed.notify_all()
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        for stop in (signal.SIGTERM, signal.SIGKILL):
            try:
                self._process.wait(grace)
                break
            except subprocess.TimeoutExpired:
                self._signal(stop)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(grace)
        self._at_exit.detach()
        self._signal(signal.SIGKILL)  # what the server itself started and left behind
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError, ValueError):
                    pipe.close()

    def _signal(self, number: signal.Signals) -> None:
        """Signal the child's whole group: launchers of node servers do not pass signals on."""
        kill_group(self._process.pid, number)

    @property
    def pid(self) -> int:
        return self._process.pid

    # --- wire

    def _send(self, message: Mapping[str, Any], deadline: float) -> None:
        body = json.dumps(message, separators=(",", ":")).encode()
        data = memoryview(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        with self._write_lock:
            while data:
                if self.gone:
                    raise ServerGone(self.gone)
                try:
                    data = data[os.write(self._stdin, data) :]
                except BlockingIOError:
                    left = deadline - time.monotonic()
                    if left <= 0:
                        # A message cut in half desynchronises the stream: this server is lost.
                        self._fail("the server stopped reading")
                        raise Overrun("the server stopped reading") from None
                    select.select([], [self._stdin], [], left)
                except (OSError, ValueError) as error:
                    self._fail("the server closed its input")
                    raise ServerGone(self.gone) from error

    def _read(self) -> None:
        assert self._process.stdout is not None
        stream = os.fdopen(os.dup(self._process.stdout.fileno()), "rb", buffering=1 << 16)
        try:
            while True:
                self._dispatch(read_message(stream))
        except EOFError:
            self._fail("the server exited")
        except (ValueError, OSError) as error:
            self._fail(f"the server does not speak JSON-RPC: {error}")
        finally:
            stream.close()

    def _dispatch(self, message: Any) -> None:
        if not isinstance(message, dict):
            raise ValueError("a message that is no object")
        if "method" in message:
            if "id" in message:
                result = self._answer(message["method"], message.get("params"))
                with contextlib.suppress(ServerGone, Overrun):
                    self._send({"jsonrpc": "2.0", "id": message["id"], "result": result}, time.monotonic() + 1.0)
            else:
                self._hear(message["method"], message.get("params"))
            return
        with self._changed:
            if message.get("id") in self._waiting:
                self._answers[message["id"]] = message
                self._changed.notify_all()

    def _drain(self) -> None:
        assert self._process.stderr is not None
        stream = os.fdopen(os.dup(self._process.stderr.fileno()), "rb", buffering=1 << 12)
        with contextlib.suppress(OSError, ValueError), stream:
            for line in stream:
                self.stderr.append(line.decode("utf-8", "replace").rstrip()[:400])

    def _fail(self, why: str) -> None:
        with self._changed:
            self.gone = self.gone or why
            self._changed.notify_all()


def kill_group(pid: int, number: signal.Signals = signal.SIGKILL) -> None:
    """Signal a process group that may be gone already."""
    with contextlib.suppress(OSError):
        os.killpg(pid, number)


def read_message(stream: Any) -> Any:
    """The next framed JSON message.

    Raises
    ------
    EOFError : the stream ended between or inside messages
    ValueError : headers or body are not what the protocol says
    """
    length = -1
    while True:
        line = stream.readline(_MAX_HEADER)
        if not line:
            raise EOFError
        if line in (b"\r\n", b"\n"):
            break
        key, colon, value = line.partition(b":")
        if not colon:
            raise ValueError(f"header {line[:60]!r}")
        if key.strip().lower() == b"content-length":
            length = int(value)
    if not 0 <= length <= _MAX_BODY:
        raise ValueError(f"content length {length}")
    body = stream.read(length)
    if len(body) < length:
        raise EOFError
    return json.loads(body)
