"""Names in scope: a guard against names that nothing defines.

It speaks only where a bare name is certainly read: outside brackets (inside them a
comprehension may define the name *after* its use), not at a statement's start (it may be
assigned to) nor right behind ``if`` (``if x := f():``), not in a line with a ``lambda``,
and not in a file with ``import *`` that the engine may not have followed. Where nothing
comes after the cursor, neither does it in functions and classes: they may name what the
module will define further down.

Names that the definition around the cursor uses already are offered too, whatever the engine
says: at the end of a file some engines take a line without its right-hand side for one
of the module, and forget the function's parameters.
"""

from __future__ import annotations

import builtins
import keyword
import re

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
_DEFINITION = re.compile(r"^(?:async[ \t]+def|def|class)\b", re.MULTILINE)
_BARE_NAME = re.compile(r"(?<![\w.])[^\W\d]\w*")
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
        self._is_open_ended = not analysis.suffix.strip()

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
        if scanner.may_be_walrus or scanner.has_lambda:
            return False
        return site.keyword not in (b"import", b"from", b"as")

    def gate(self, state: TextState) -> NamesGate | None:
        """See ``Rule``."""
        site = state.site
        if site is None or b"import *" in state.text:
            return None
        before = self.analysis.text_before(state.text, site.trigger)
        if self._is_open_ended and is_indented(before):
            return None
        completion = self.analysis.complete(state.text, site.trigger, state.unknown)
        if completion is UNKNOWN or not completion.names:
            return None
        if completion.incomplete and not self._habitually_incomplete:
            return None
        names = NameSet(completion.names | _ANYWHERE | _STRING_STARTS | names_around(before))
        return NamesGate(names, site.typed, lifts=_OTHERWISE) if names.has_prefix(site.typed) else None


def is_indented(text: str) -> bool:
    """Whether the last line of ``text`` starts with a blank."""
    return any(line[:1] in (" ", "\t") for line in text.splitlines()[-1:])


def names_around(text: str) -> Names:
    """Names in the last definition of the module, as far as ``text`` goes; in all of it where there is none."""
    starts = [match.start() for match in _DEFINITION.finditer(text)]
    return frozenset(_BARE_NAME.findall(text, starts[-1] if starts else 0))
