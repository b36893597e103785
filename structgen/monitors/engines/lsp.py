"""Any language server as an engine: one open file, incremental edits, time limits, recovery.

The file under the cursor exists for the server only as an open document, so nothing is
written to disk. Each query sends the difference to the text the server has last seen
(one ranged change) and asks for completion there.

**A hung or crashed server costs one time limit.** A query that overruns is UNKNOWN, and
so is every later one, at once, while a thread in the background tries the server again,
then restarts it, and lets queries through only after it has answered one. After
``max_restarts`` restarts the engine stays UNKNOWN for good and says why in its stats.
What fails *at the start* is an error instead: nothing has been generated yet, and the
caller can still fix it.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from structgen.errors import MonitorError
from structgen.monitors.engines.profiles import SCRATCH, Profile, environment, find_command
from structgen.monitors.engines.protocol import UNKNOWN, Completion, EngineStats, Signature, Unknown
from structgen.monitors.engines.signatures import parse_signature
from structgen.monitors.engines.transport import Overrun, ServerGone, Transport

__all__ = ["LspEngine"]

_TROUBLE = (Overrun, ServerGone, MonitorError, LookupError, ValueError)
_IDENTIFIER = re.compile(r"[^\W\d]\w*\Z|\$?[^\W\d][\w$]*\Z")
_SNIPPET, _KEYWORD, _TEXT = 15, 14, 1

_CAPABILITIES: Mapping[str, Any] = {
    "general": {"positionEncodings": ["utf-32", "utf-16"]},
    "workspace": {"configuration": True, "workspaceFolders": True},
    "textDocument": {
        "synchronization": {"dynamicRegistration": False},
        "completion": {
            "completionItem": {"snippetSupport": False, "labelDetailsSupport": True},
            # Without the list, newer kinds (enum members) are sent as the nearest older one.
            "completionItemKind": {"valueSet": list(range(1, 26))},
            "contextSupport": True,
        },
        "signatureHelp": {"signatureInformation": {"parameterInformation": {"labelOffsetSupport": True}}},
    },
}


class LspEngine:
    """A language server on one file of a project.

    Parameters
    ----------
    profile : how to start it
    project : the folder it analyses
    file : the file being written, absolute or relative to ``project``; it need not exist
    limit : seconds a query may take before it is UNKNOWN
    max_restarts : restarts after which the engine stays UNKNOWN

    Raises
    ------
    MonitorError : program or project missing, or the server does not come up
    """

    def __init__(
        self, profile: Profile, project: str | Path, file: str | Path, *, limit: float = 1.0, max_restarts: int = 3
    ) -> None:
        self.profile = profile
        self.stats = EngineStats()
        self._limit = limit
        self._max_restarts = max_restarts
        self._project = Path(project).resolve()
        if not self._project.is_dir():
            raise MonitorError(f"no project at {project}", engine=profile.name, hint="pass the folder of the project")
        self._uri = (self._project / file).resolve().as_uri()
        self._command = find_command(profile)
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._ready = False
        self._recovering: threading.Thread | None = None
        self._transport: Transport | None = None
        self._scratch = ""
        self._text = ""
        self._version = 0
        self._encoding = "utf-16"
        self._headers: tuple[str, ...] = ()
        self._diagnosed = threading.Condition()
        self._diagnosed_version = 0
        self._incremental = True
        try:
            self._start("")
        except MonitorError:
            raise
        except _TROUBLE as error:
            said: list[str] = list(self._transport.stderr)[-3:] if self._transport else []
            self.close()
            raise MonitorError(
                f"{profile.name} does not come up: {error}" + "".join(f"\n  {line}" for line in said),
                engine=profile.name,
                hint=f"try `{' '.join(profile.command)}` by hand, or reinstall it: {profile.install}",
            ) from error

    @property
    def name(self) -> str:
        return self.profile.name

    # --- questions

    def complete(self, text: str, offset: int) -> Completion | Unknown:
        """Names offered at ``offset``; see ``Engine``."""
        trigger = text[offset - 1 : offset]
        context = {"triggerKind": 2, "triggerCharacter": "."} if trigger == "." else {"triggerKind": 1}
        answer: Completion | Unknown = self._ask("textDocument/completion", text, offset, context, read_completion)
        return answer

    def signatures(self, text: str, offset: int) -> tuple[Signature, ...] | Unknown:
        """Overloads of the open call; see ``Engine``."""
        answer: tuple[Signature, ...] | Unknown
        answer = self._ask("textDocument/signatureHelp", text, offset, None, read_signatures)
        return answer

    def _ask(self, method: str, text: str, offset: int, context: Any, read: Callable[[Any], Any]) -> Any:
        if not 0 <= offset <= len(text):
            raise MonitorError(
                f"offset {offset} is outside the file of {len(text)} characters", engine=self.name, hint="check --at"
            )
        with self._lock:
            if not self._ready or self._transport is None:
                return UNKNOWN
            self.stats.queries += 1
            started = time.perf_counter()
            try:
                return read(self._query(self._transport, method, text, offset, context, self._limit))
            except LookupError:  # the server's own error, such as a cancelled request
                self.stats.failures += 1
                return UNKNOWN
            except Overrun:
                self.stats.overruns += 1
            except (ServerGone, ValueError):
                self.stats.failures += 1
            finally:
                self.stats.seconds += time.perf_counter() - started
            self._recover_in_background()
            return UNKNOWN

    def _query(self, transport: Transport, method: str, text: str, offset: int, context: Any, limit: float) -> Any:
        deadline = time.monotonic() + limit
        self._sync(transport, text, limit)
        self._settle(text, 0.8 * limit)
        params: dict[str, Any] = {"textDocument": {"uri": self._uri}, "position": self._position(text, offset)}
        if context is not None:
            params["context"] = context
        return transport.request(method, params, limit=max(0.0, deadline - time.monotonic()))

    # --- document

    def _settle(self, text: str, limit: float) -> None:
        """Wait until the server has read the files that ``text`` includes, if they have changed."""
        if not self.profile.headers:
            return
        headers = tuple(re.findall(self.profile.headers, text))
        if headers != self._headers:
            with self._diagnosed:
                if self._diagnosed.wait_for(lambda: self._diagnosed_version >= self._version, limit):
                    self._headers = headers

    def _hear(self, method: str, params: Any) -> None:
        if method == "textDocument/publishDiagnostics" and isinstance(params, dict) and params.get("uri") == self._uri:
            version = params.get("version")
            with self._diagnosed:
                self._diagnosed_version = version if isinstance(version, int) else self._version
                self._diagnosed.notify_all()

    def _sync(self, transport: Transport, text: str, limit: float) -> None:
        old = self._text
        if text == old:
            return
        self._version += 1
        change: dict[str, Any] = {"text": text}
        if self._incremental:
            start = common_prefix(old, text)
            end = common_suffix(old, text, min(len(old), len(text)) - start)
            change = {
                "range": {"start": self._position(old, start), "end": self._position(old, len(old) - end)},
                "text": text[start : len(text) - end],
            }
        document = {"uri": self._uri, "version": self._version}
        transport.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [change]}, limit=limit)
        self._text = text

    def _position(self, text: str, offset: int) -> dict[str, int]:
        line_start = text.rfind("\n", 0, offset) + 1
        column = offset - line_start
        if self._encoding == "utf-16":
            column = len(text[line_start:offset].encode("utf-16-le")) // 2
        return {"line": text.count("\n", 0, offset), "character": column}

    # --- life

    def _start(self, text: str) -> None:
        if SCRATCH in self._command:
            self._scratch = tempfile.mkdtemp(prefix=f"{self.name}-")
            self._command = [self._scratch if part == SCRATCH else part for part in self._command]
        transport = Transport(
            self._command,
            cwd=str(self._project),
            engine=self.name,
            env=environment(self.profile, self._command),
            answer=self._answer,
            hear=self._hear,
            hint=self.profile.install,
        )
        self._transport = transport
        limit = self.profile.start_limit
        root = self._project.as_uri()
        result = transport.request(
            "initialize",
            {
                "processId": None,
                "rootUri": root,
                "workspaceFolders": [{"uri": root, "name": self._project.name}],
                "initializationOptions": dict(self.profile.options),
                "capabilities": _CAPABILITIES,
            },
            limit=limit,
        )
        if not isinstance(result, dict) or not isinstance(result.get("capabilities"), dict):
            raise ServerGone("the answer to initialize has no capabilities")
        capabilities = result["capabilities"]
        if "completionProvider" not in capabilities:
            raise ServerGone("the server offers no completion")
        self._encoding = capabilities.get("positionEncoding", "utf-16")
        sync = capabilities.get("textDocumentSync", 1)
        self._incremental = (sync.get("change") if isinstance(sync, dict) else sync) == 2
        transport.notify("initialized", {}, limit=limit)
        document = {"uri": self._uri, "languageId": self.profile.language_id, "version": 1, "text": text}
        transport.notify("textDocument/didOpen", {"textDocument": document}, limit=limit)
        self._text, self._version = text, 1
        self._headers, self._diagnosed_version = (), 0
        # Ready means: has answered once, in words that can be read.
        read_completion(self._query(transport, "textDocument/completion", text, len(text), {"triggerKind": 1}, limit))
        self._ready = True

    def _answer(self, method: str, params: Any) -> Any:
        if method == "workspace/configuration" and isinstance(params, dict):
            return [self._setting(item.get("section", "")) for item in params.get("items", [])]
        if method == "workspace/workspaceFolders":
            return [{"uri": self._project.as_uri(), "name": self._project.name}]
        return None

    def _setting(self, section: str) -> Any:
        value: Any = self.profile.settings
        for part in section.split(".") if section else ():
            value = value.get(part) if isinstance(value, Mapping) else None
        return value if value is not None else {}

    def _recover_in_background(self) -> None:
        self._ready = False
        if self._closed.is_set() or (self._recovering is not None and self._recovering.is_alive()):
            return
        self._recovering = threading.Thread(target=self._recover, daemon=True, name=f"{self.name}-recover")
        self._recovering.start()

    def _recover(self) -> None:
        """Try the server once more, then restart it; sets ``_ready`` only after an answer."""
        text, transport = self._text, self._transport
        if transport is not None and not transport.gone:
            try:
                context = {"triggerKind": 1}
                read_completion(
                    self._query(transport, "textDocument/completion", text, len(text), context, 5 * self._limit)
                )
                self._ready = not self._closed.is_set()
                return
            except _TROUBLE:
                pass
        while not self._closed.is_set():
            if transport is not None:
                transport.close(grace=0.1)
            if self.stats.restarts >= self._max_restarts:
                self.stats.disabled = f"{self.name} failed {self.stats.restarts + 1} times"
                return
            self.stats.restarts += 1
            try:
                self._start(text)
                return
            except _TROUBLE:
                transport = self._transport

    def close(self) -> None:
        """Shut the server down; safe to call twice."""
        self._closed.set()
        self._ready = False
        transport, self._transport = self._transport, None
        if transport is None:
            return
        if not transport.gone:
            try:
                transport.request("shutdown", None, limit=0.5)
                transport.notify("exit", None, limit=0.1)
            except _TROUBLE:
                pass
        transport.close()
        if self._scratch:
            shutil.rmtree(self._scratch, ignore_errors=True)

    def __enter__(self) -> LspEngine:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def read_completion(answer: Any) -> Completion | Unknown:
    """The names in an answer to ``textDocument/completion``.

    Keywords, snippets, plain words and names that would first have to be imported are left out.

    Raises
    ------
    ValueError : the answer is not what the protocol says
    """
    if answer is None:
        return UNKNOWN
    incomplete = False
    if isinstance(answer, dict):
        incomplete = bool(answer.get("isIncomplete"))
        answer = answer.get("items")
    if not isinstance(answer, list):
        raise ValueError("a completion list that is no list")
    kinds: dict[str, int] = {}
    for item in answer:
        if not isinstance(item, dict) or not isinstance(item.get("label"), str):
            raise ValueError("a completion item without a label")
        kind = item.get("kind") or 0
        if kind in (_SNIPPET, _KEYWORD, _TEXT) or item.get("additionalTextEdits"):
            continue
        name = _name_of(item)
        if name is not None:
            kinds[name] = kind
    return Completion(frozenset(kinds), kinds, incomplete)


def read_signatures(answer: Any) -> tuple[Signature, ...] | Unknown:
    """The overloads in an answer to ``textDocument/signatureHelp``; UNKNOWN if one cannot be read."""
    if answer is None:
        return UNKNOWN
    if not isinstance(answer, dict) or not isinstance(answer.get("signatures"), list):
        raise ValueError("signature help without signatures")
    found: list[Signature] = []
    for item in answer["signatures"]:
        parsed = parse_signature(item)
        if parsed is None:
            return UNKNOWN
        found += parsed
    return tuple(found) or UNKNOWN


def _name_of(item: Mapping[str, Any]) -> str | None:
    """The identifier an item stands for; None where it inserts anything else."""
    label: str = item["label"]
    if label.isidentifier():
        return label
    edit = item.get("textEdit")
    inserted = edit.get("newText") if isinstance(edit, dict) else item.get("insertText")
    for text in (inserted, item.get("filterText"), label):
        if isinstance(text, str):
            text = text.strip().split("(")[0]
            if _IDENTIFIER.match(text):
                return text
    return None


def common_prefix(a: str, b: str) -> int:
    """Length of the longest common prefix; binary search over ``memcmp``."""
    low, high = 0, min(len(a), len(b))
    if a[:high] == b[:high]:
        return high
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def common_suffix(a: str, b: str, limit: int) -> int:
    """Length of the longest common suffix, at most ``limit``."""
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        if a[len(a) - middle : len(a) - low] == b[len(b) - middle : len(b) - low]:
            low = middle
        else:
            high = middle - 1
    return low
