"""The text around the cursor, put to an engine, with its answers remembered.

What is analysed is always ``prefix + generated + suffix``: the file before the cursor,
what has been generated up to the place that asks, and the file after the cursor. Answers
are kept by that place. UNKNOWN, which may mean that the engine was late, is kept for one
generation only: within it the same place must not be free now and constrained a moment
later, but the next may find the engine warm.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from structgen.monitors.engines.protocol import UNKNOWN, Completion, Engine, Signature, Unknown
from structgen.monitors.sites import Site

__all__ = ["Analysis"]

T = TypeVar("T")

MOST_ANSWERS = 4096
_MATCH = re.compile(r"^([ \t]*)match\b", re.MULTILINE)


class Analysis:
    """One file with a hole, and the engine that knows its project; shared by monitors and threads.

    ``unknown``, in each question, holds what one generation has asked in vain; see the module.
    """

    def __init__(self, engine: Engine, prefix: str = "", suffix: str = "") -> None:
        self.engine = engine
        self.prefix = prefix
        self.suffix = suffix
        self._prefix_bytes = prefix.encode()
        self.prefix_length = len(self._prefix_bytes)
        self._answers: OrderedDict[Hashable, object] = OrderedDict()
        self._lock = threading.Lock()

    def complete(self, generated: bytes, offset: int, unknown: set[Hashable]) -> Completion | Unknown:
        """Names offered at byte ``offset`` of prefix and ``generated``, as if the text stopped there."""
        return self._remembered("complete", generated, offset, self.engine.complete, unknown)

    def complete_instead(self, before: str, unknown: set[Hashable]) -> Completion | Unknown:
        """Names offered at the end of ``before``, a text made up in place of the real one."""
        key = ("instead", before)
        known: Completion | Unknown | None = self._look_up(key, unknown)
        if known is None:
            known = self._keep(key, self.engine.complete(before + self.suffix, len(before)), unknown)
        return known

    def complete_pattern(self, generated: bytes, site: Site, unknown: set[Hashable]) -> Completion | Unknown:
        """Members of what a ``case`` names, asked where its ``match`` starts.

        Engines cannot read half a pattern: they take it for something else and list that.
        """
        before = self.text_before(generated, site.trigger)
        starts = [match.end(1) for match in _MATCH.finditer(before)]
        if not starts:
            return UNKNOWN
        return self.complete_instead(before[: starts[-1]] + site.receiver.decode("utf-8", "replace") + ".", unknown)

    def text_before(self, generated: bytes, offset: int) -> str:
        """The file up to byte ``offset``."""
        return (self._prefix_bytes + generated)[:offset].decode("utf-8", "replace")

    def signatures(self, generated: bytes, offset: int, unknown: set[Hashable]) -> tuple[Signature, ...] | Unknown:
        """Overloads of the call that is open at byte ``offset``."""
        return self._remembered("signatures", generated, offset, self.engine.signatures, unknown)

    def _remembered(
        self,
        question: str,
        generated: bytes,
        offset: int,
        ask: Callable[[str, int], T | Unknown],
        unknown: set[Hashable],
    ) -> T | Unknown:
        cut = offset - self.prefix_length
        key = (question, generated[:cut] if cut >= 0 else cut)
        known: T | Unknown | None = self._look_up(key, unknown)
        if known is not None:
            return known
        try:
            before = self.prefix + generated[:cut].decode() if cut >= 0 else self._prefix_bytes[:offset].decode()
        except UnicodeDecodeError:
            return UNKNOWN
        return self._keep(key, ask(before + self.suffix, len(before)), unknown)

    def _look_up(self, key: Hashable, unknown: set[Hashable]) -> Any:
        """The answer to a question that was asked before; None where it was not."""
        if key in unknown:
            return UNKNOWN
        with self._lock:
            found = self._answers.get(key)
            if found is not None:
                self._answers.move_to_end(key)
            return found

    def _keep(self, key: Hashable, answer: T | Unknown, unknown: set[Hashable]) -> T | Unknown:
        if answer is UNKNOWN:
            unknown.add(key)
            return answer
        with self._lock:
            self._answers[key] = answer
            while len(self._answers) > MOST_ANSWERS:
                self._answers.popitem(last=False)
        return answer
