"""The text around the cursor, put to an engine, with its answers remembered.

What is analysed is always ``prefix + generated + suffix``: the file before the cursor,
what has been generated up to the place that asks, and the file after the cursor. Answers
are kept by that place, UNKNOWN after an overrun too: within one generation the same place
must not be constrained now and free a moment later.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar

from structgen.monitors.engines.protocol import UNKNOWN, Completion, Engine, Signature, Unknown
from structgen.monitors.sites import Site

__all__ = ["Analysis"]

T = TypeVar("T")

MOST_ANSWERS = 4096
_MATCH = re.compile(r"^([ \t]*)match\b", re.MULTILINE)


class Analysis:
    """One file with a hole, and the engine that knows its project; shared by monitors and threads."""

    def __init__(self, engine: Engine, prefix: str = "", suffix: str = "") -> None:
        self.engine = engine
        self.prefix = prefix
        self.suffix = suffix
        self._prefix_bytes = prefix.encode()
        self.prefix_length = len(self._prefix_bytes)
        self._answers: OrderedDict[tuple[str, bytes | int], object] = OrderedDict()
        self._lock = threading.Lock()

    def complete(self, generated: bytes, offset: int) -> Completion | Unknown:
        """Names offered at byte ``offset`` of prefix and ``generated``, as if the text stopped there."""
        return self._remembered("complete", generated, offset, self.engine.complete)

    def complete_instead(self, before: str) -> Completion | Unknown:
        """Names offered at the end of ``before``, a text made up in place of the real one."""
        key = ("instead", before.encode())
        with self._lock:
            if key in self._answers:
                return self._answers[key]  # type: ignore[return-value]
        answer = self.engine.complete(before + self.suffix, len(before))
        with self._lock:
            self._answers[key] = answer
        return answer

    def complete_pattern(self, generated: bytes, site: Site) -> Completion | Unknown:
        """Members of what a ``case`` names, asked where its ``match`` starts.

        Engines cannot read half a pattern: they take it for something else and list that.
        """
        before = self.text_before(generated, site.trigger)
        starts = [match.end(1) for match in _MATCH.finditer(before)]
        if not starts:
            return UNKNOWN
        return self.complete_instead(before[: starts[-1]] + site.receiver.decode("utf-8", "replace") + ".")

    def text_before(self, generated: bytes, offset: int) -> str:
        """The file up to byte ``offset``."""
        return (self._prefix_bytes + generated)[:offset].decode("utf-8", "replace")

    def signatures(self, generated: bytes, offset: int) -> tuple[Signature, ...] | Unknown:
        """Overloads of the call that is open at byte ``offset``."""
        return self._remembered("signatures", generated, offset, self.engine.signatures)

    def _remembered(
        self, question: str, generated: bytes, offset: int, ask: Callable[[str, int], T | Unknown]
    ) -> T | Unknown:
        cut = offset - self.prefix_length
        key = (question, generated[:cut] if cut >= 0 else cut)
        with self._lock:
            if key in self._answers:
                self._answers.move_to_end(key)
                return self._answers[key]  # type: ignore[return-value]
        try:
            before = self.prefix + generated[:cut].decode() if cut >= 0 else self._prefix_bytes[:offset].decode()
        except UnicodeDecodeError:
            return UNKNOWN
        answer = ask(before + self.suffix, len(before))
        with self._lock:
            self._answers[key] = answer
            while len(self._answers) > MOST_ANSWERS:
                self._answers.popitem(last=False)
        return answer
