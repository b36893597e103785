"""Engines and servers for tests: answers by table, and a language server that misbehaves on demand."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from structgen.monitors.analysis import Analysis
from structgen.monitors.engines.profiles import Profile
from structgen.monitors.engines.protocol import UNKNOWN, Completion, EngineStats, Signature, Unknown
from structgen.monitors.machine import FreeMachine, MonitoredMachine
from structgen.monitors.members import MemberRule
from structgen.monitors.python_scanner import PythonScanner
from structgen.monitors.text import TextMonitor
from structgen.vocab.vocabulary import Vocabulary


class FakeEngine:
    """Answers from functions of the text before the cursor; remembers what it was asked."""

    name = "fake"

    def __init__(
        self,
        members: Iterable[str] | Callable[[str], Iterable[str] | None] = (),
        *,
        signatures: tuple[Signature, ...] = (),
        incomplete: bool = False,
    ) -> None:
        self._members = members
        self._signatures = signatures
        self._incomplete = incomplete
        self.stats = EngineStats()
        self.asked: list[str] = []

    def complete(self, text: str, offset: int) -> Completion | Unknown:
        self.asked.append(text[:offset])
        self.stats.queries += 1
        names = self._members(text[:offset]) if callable(self._members) else self._members
        return UNKNOWN if names is None else Completion(frozenset(names), incomplete=self._incomplete)

    def signatures(self, text: str, offset: int) -> tuple[Signature, ...] | Unknown:
        self.asked.append(text[:offset])
        return self._signatures or UNKNOWN

    def close(self) -> None:
        return None


def member_monitor(engine: FakeEngine, prefix: str = "", suffix: str = "\nend = 1\n", **options: bool) -> TextMonitor:
    rule = MemberRule(Analysis(engine, prefix, suffix), **options)
    return TextMonitor("python", PythonScanner(), [rule], prefix=prefix.encode())


def free_product(vocabulary: Vocabulary, *monitors: TextMonitor, min_group: int = 1) -> MonitoredMachine:
    return MonitoredMachine(FreeMachine(vocabulary), monitors, min_group=min_group)


SERVER = """
import json, os, sys, time

mode, count_file = sys.argv[1], sys.argv[2]
with open(count_file, "a") as stream:
    stream.write("start\\n")
starts = sum(1 for _ in open(count_file))

def read():
    length = 0
    while True:
        line = sys.stdin.buffer.readline()
        if not line:
            sys.exit(0)
        if line == b"\\r\\n":
            break
        if line.lower().startswith(b"content-length"):
            length = int(line.split(b":")[1])
    return json.loads(sys.stdin.buffer.read(length))

def write(message):
    body = json.dumps(message).encode()
    sys.stdout.buffer.write(b"Content-Length: %d\\r\\n\\r\\n%s" % (len(body), body))
    sys.stdout.buffer.flush()

text = ""
asked = 0
if mode == "garbage":
    sys.stdout.write("Hello, I am no language server\\n")
    sys.stdout.flush()
if mode == "exits":
    sys.exit(3)
while True:
    message = read()
    method = message.get("method")
    if method == "initialize":
        if mode == "mute":
            continue
        sync = 2 if mode != "full" else 1
        capabilities = {"completionProvider": {}, "signatureHelpProvider": {}, "textDocumentSync": sync}
        capabilities = {} if mode == "useless" else capabilities
        write({"jsonrpc": "2.0", "id": message["id"], "result": {"capabilities": capabilities}})
    elif method == "textDocument/didOpen":
        text = message["params"]["textDocument"]["text"]
    elif method == "textDocument/didChange":
        for change in message["params"]["contentChanges"]:
            if "range" not in change:
                text = change["text"]
                continue
            lines = text.split("\\n")
            def at(position):
                before = sum(len(line) + 1 for line in lines[: position["line"]])
                units = lines[position["line"]].encode("utf-16-le")[: 2 * position["character"]]
                return before + len(units.decode("utf-16-le"))
            text = text[: at(change["range"]["start"])] + change["text"] + text[at(change["range"]["end"]) :]
    elif method == "textDocument/completion":
        asked += 1
        if asked > 1 and starts == 1:
            if mode == "hangs":
                time.sleep(600)
            if mode == "crashes":
                os._exit(1)
            if mode == "nonsense":
                write({"jsonrpc": "2.0", "id": message["id"], "result": {"items": 7}})
                continue
        if asked > 1 and mode == "hangs-always":
            time.sleep(600)
        if mode == "slow" and asked == 2:
            time.sleep(0.5)
        write({"jsonrpc": "2.0", "method": "window/logMessage", "params": {}})
        write({"jsonrpc": "2.0", "id": 900 + asked, "method": "workspace/configuration", "params": {"items": [{}]}})
        items = [{"label": name} for name in ("alpha", "beta", "n%d" % len(text))]
        items += [{"label": "kw", "kind": 14}, {"label": "imported", "additionalTextEdits": [{}]}]
        write({"jsonrpc": "2.0", "id": message["id"], "result": {"isIncomplete": mode == "cut", "items": items}})
    elif method == "shutdown":
        write({"jsonrpc": "2.0", "id": message["id"], "result": None})
    elif method == "exit":
        sys.exit(0)
    elif "id" in message and "method" in message:
        write({"jsonrpc": "2.0", "id": message["id"], "error": {"code": -1, "message": "no"}})
"""


def server_profile(folder: Path, mode: str, *, start_limit: float = 5.0) -> Profile:
    """A language server in ``folder`` that works, or fails in the way ``mode`` says."""
    script = folder / "fake_server.py"
    script.write_text(SERVER, encoding="utf-8")
    command = (sys.executable, str(script), mode, str(folder / "starts"))
    return Profile("fake", command, "python", "write it again", start_limit=start_limit)


def n_starts(folder: Path) -> int:
    return len((folder / "starts").read_text(encoding="utf-8").splitlines())
