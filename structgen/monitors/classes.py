"""Constructor names: what may follow ``new`` (Java, TypeScript, C++) or ``except`` (Python).

After ``new`` only names of types, of the packages and namespaces that hold them, and, where
the language allows it, of variables; functions are left out. ``raise`` is not such a place:
a function that makes the exception may stand there.
"""

from __future__ import annotations

from structgen.monitors.analysis import Analysis
from structgen.monitors.engines.protocol import UNKNOWN, Names
from structgen.monitors.gates import NameSet, NamesGate
from structgen.monitors.python_scanner import PythonScanner
from structgen.monitors.scope import names_around
from structgen.monitors.sites import SiteKind
from structgen.monitors.text import TextState

__all__ = ["ClassRule"]

_METHOD, _FUNCTION, _KEYWORD, _UNIT = 2, 3, 14, 11
_NOT_CLASSES = frozenset((0, _METHOD, _FUNCTION, _KEYWORD, _UNIT))


class ClassRule:
    """Only names that can be classes; UNKNOWN where the engine gives no kinds or no class."""

    name = "classes"
    triggers = b""
    is_dense = False
    kinds = frozenset({SiteKind.LOAD})

    def __init__(self, analysis: Analysis, *, always: Names = frozenset()) -> None:
        self.analysis = analysis
        self._always = always

    def live_triggers(self, state: TextState) -> bytes:
        """See ``Rule``."""
        return b""

    def pre(self, state: TextState) -> bool:
        """See ``Rule``."""
        if state.scanner.kind is not SiteKind.LOAD:
            return False
        site = state.site
        return site is not None and site.keyword in (b"new", b"except")

    def gate(self, state: TextState) -> NamesGate | None:
        """See ``Rule``."""
        site = state.site
        if site is None:
            return None
        completion = self.analysis.complete(state.text, site.trigger, state.unknown)
        if completion is UNKNOWN or completion.incomplete:
            return None
        if not any(kind == 7 for kind in completion.kinds.values()):
            return None
        offered = self._always | {name for name, kind in completion.kinds.items() if kind not in _NOT_CLASSES}
        if isinstance(state.scanner, PythonScanner):  # see ``scope``: engines may forget the function around
            offered |= names_around(self.analysis.text_before(state.text, site.trigger))
        names = NameSet(offered)
        if not names.has_prefix(site.typed):
            return None
        blanks = bytes(b for b in site.blanks if b in b" \t\r\n")
        return NamesGate(names, site.typed, blanks=blanks, lifts=b"(*\\#/:")
