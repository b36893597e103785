"""Imported names: what a module has, after ``from x import`` and inside a module's path.

The first part of a module's path is never constrained (any installed package will do),
nor are the names of a module that defines ``__getattr__``, nor what an engine offers that
leaves out a package's modules (``Profile.hides_submodules``).
"""

from __future__ import annotations

from collections.abc import Hashable

from structgen.monitors.analysis import Analysis
from structgen.monitors.engines.protocol import UNKNOWN, Names
from structgen.monitors.gates import NameSet, NamesGate
from structgen.monitors.python_scanner import PythonScanner
from structgen.monitors.rules import is_trusted
from structgen.monitors.sites import SiteKind
from structgen.monitors.text import TextState

__all__ = ["ImportRule"]

_AFTER_KEYWORD = (" *", " (", "  ", " \\", " \t", "\t", "\\")
"""What may follow the keyword besides a blank and a name."""


class ImportRule:
    """Only names that the module has, and only modules that the package has."""

    name = "imports"
    triggers = b",(."
    is_dense = False
    kinds = frozenset({SiteKind.IMPORTED, SiteKind.MODULE, SiteKind.IMPORT_END})

    def __init__(
        self, analysis: Analysis, *, habitually_incomplete: bool = False, hides_submodules: bool = False
    ) -> None:
        self.analysis = analysis
        self._habitually_incomplete = habitually_incomplete
        self._hides_submodules = hides_submodules
        self._sets: dict[tuple[Names, str], NameSet] = {}

    def live_triggers(self, state: TextState) -> bytes:
        """See ``Rule``."""
        scanner = state.scanner
        return self.triggers if isinstance(scanner, PythonScanner) and scanner.is_import else b""

    def pre(self, state: TextState) -> bool:
        """See ``Rule``."""
        return state.scanner.kind in self.kinds

    def gate(self, state: TextState) -> NamesGate | None:
        """See ``Rule``."""
        site = state.site
        if site is None or site.kind not in (SiteKind.IMPORTED, SiteKind.MODULE):
            # At the very end of the keyword: a blank must come before the name.
            names = self._names(state.text + b" ", state.scanner.position + 1, "import", state.unknown)
            return None if names is None else NamesGate(names)
        names = self._names(state.text, site.trigger, site.kind.value, state.unknown)
        if names is None:
            return None
        if not names.has_prefix(site.typed):
            return None
        odd = b"*(" if site.kind is SiteKind.IMPORTED else b"."
        blanks = bytes(b for b in site.blanks if b not in b"\\#")
        # A closing parenthesis may follow a trailing comma.
        return NamesGate(names, site.typed, blanks=blanks, lifts=odd + b"\\#)")

    def _names(self, text: bytes, offset: int, how: str, unknown: set[Hashable]) -> NameSet | None:
        if self._hides_submodules and how != SiteKind.MODULE.value:
            return None
        completion = self.analysis.complete(text, offset, unknown)
        if completion is UNKNOWN:
            return None
        if not is_trusted(completion, habitually_incomplete=self._habitually_incomplete):
            return None
        names: Names = completion.names
        key = (names, how)
        found = self._sets.get(key)
        if found is None:
            if how == "import":
                found = NameSet([*(f" {name}" for name in names), *_AFTER_KEYWORD])
            else:
                # ``from . import`` : after dots alone the keyword may follow.
                found = NameSet(names | {"import"} if how == SiteKind.MODULE.value else names)
            if len(self._sets) > 1000:
                self._sets.clear()
            self._sets[key] = found
        return found
