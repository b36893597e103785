"""Names in scope: a guard against names that nothing defines.

It speaks only where a bare name is certainly read: outside brackets (inside them a
comprehension may define the name *after* its use), not at a statement's start (it may be
assigned to), not in a line with a ``lambda``, and not in a file with ``import *`` that
the engine may not have followed.
"""

from __future__ import annotations

import builtins
import keyword

from structgen.monitors.analysis import Analysis
from structgen.monitors.engines.protocol import UNKNOWN, Names
from structgen.monitors.gates import NameSet, NamesGate
from structgen.monitors.python_scanner import PythonScanner
from structgen.monitors.sites import IDENTIFIER_BYTES, SiteKind
from structgen.monitors.text import TextState

__all__ = ["ScopeRule"]

_ANYWHERE: Names = frozenset(dir(builtins)) | frozenset(keyword.kwlist) | frozenset(keyword.softkwlist)
_PREFIXES = ("r", "b", "u", "f", "br", "rb", "fr", "rf", "t", "tr", "rt")
_STRING_STARTS = frozenset(p for low in _PREFIXES for p in (low, low.upper(), low.capitalize(), low.swapcase()))
_OTHERWISE = bytes(b for b in range(256) if b not in IDENTIFIER_BYTES) + b"0123456789"


class ScopeRule:
    """Only names that are defined at the cursor, builtins and keywords."""

    name = "scope"
    triggers = b""
    is_dense = False
    kinds = frozenset({SiteKind.LOAD})

    def __init__(self, analysis: Analysis, *, habitually_incomplete: bool = False) -> None:
        self.analysis = analysis
        self._habitually_incomplete = habitually_incomplete
        self._has_star = "import *" in analysis.prefix or "import *" in analysis.suffix
        self._sets: dict[Names, NameSet] = {}

    def live_triggers(self, state: TextState) -> bytes:
        """See ``Rule``."""
        return b""

    def pre(self, state: TextState) -> bool:
        """See ``Rule``."""
        scanner = state.scanner
        if self._has_star or not isinstance(scanner, PythonScanner):
            return False
        site = state.site
        if site is None or site.kind is not SiteKind.LOAD or site.is_target or scanner.depth:
            return False
        return site.keyword not in (b"import", b"from", b"as") and not scanner.has_lambda

    def gate(self, state: TextState) -> NamesGate | None:
        """See ``Rule``."""
        site = state.site
        if site is None or b"import *" in state.text:
            return None
        completion = self.analysis.complete(state.text, site.trigger)
        if completion is UNKNOWN or not completion.names:
            return None
        if completion.incomplete and not self._habitually_incomplete:
            return None
        names = self._sets.get(completion.names)
        if names is None:
            if len(self._sets) > 100:
                self._sets.clear()
            names = NameSet(completion.names | _ANYWHERE | _STRING_STARTS)
            self._sets[completion.names] = names
        return NamesGate(names, site.typed, lifts=_OTHERWISE) if names.has_prefix(site.typed) else None
