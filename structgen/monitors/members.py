"""Members after a dot: the monitor that monitor-guided decoding is named for.

Names with a leading underscore are let through unless asked for: stubs leave them out,
some servers hide them outside their class, and in the standard library they were four of
five true names that a monitor would have forbidden.

UNKNOWN, beyond the rules of ``rules``: where the name may be a new one, because the
dereference starts a statement and may be assigned to (``self.x =``); where the receiver is
an instance whose class is still being written (no text after the cursor, so its later
methods are not there yet); where the text asks ``hasattr`` of the receiver or sets its
attributes by name, since engines narrow to nothing but what was asked (not where they know
the class, as of ``self``), or know nothing of them; and where ``isinstance`` narrows it in
the very line that is unfinished, which engines cannot read.
"""

from __future__ import annotations

import re
from collections.abc import Hashable

from structgen.monitors.analysis import Analysis
from structgen.monitors.engines.protocol import UNKNOWN, Completion, Names, Unknown
from structgen.monitors.gates import NameSet, NamesGate
from structgen.monitors.rules import ALWAYS, is_trusted
from structgen.monitors.sites import Site, SiteKind
from structgen.monitors.text import TextState

__all__ = ["MemberRule"]

MOST_SETS = 1000
"""Answers whose names are kept as they are read here."""
_PROBED = re.compile(rb"\b(?:setattr\(\s*|hasattr\(\s*(?!(?:self|cls)\s*,))([\w.]+)\s*,")
_NARROWED = re.compile(rb"\bisinstance\(\s*([\w.]+)\s*,")
_OF_CLASSES = frozenset((2, 5, 20))
"""Kinds of what only a class or an enum has: methods, fields, members. clangd lists namespaces from an index of its
own, which may lack anything."""
_SELVES = (b"self", b"cls", b"mcs", b"mcls", b"klass", b"this")


class MemberRule:
    """Only names that the receiver has.

    Parameters
    ----------
    analysis : the file and its engine
    private : names with a leading underscore are constrained too
    habitually_incomplete : see ``Profile``
    always : names offered at every dereference that is constrained
    any_target : every possible assignment target is UNKNOWN, not only ``self``'s
    """

    name = "members"
    triggers = b"."
    is_dense = False
    kinds = frozenset({SiteKind.MEMBER})

    def __init__(
        self,
        analysis: Analysis,
        *,
        private: bool = False,
        habitually_incomplete: bool = False,
        any_target: bool = False,
        always: Names = ALWAYS,
    ) -> None:
        self.analysis = analysis
        self._private = private
        self._habitually_incomplete = habitually_incomplete
        self._any_target = any_target
        self._always = tuple(always if private else (name for name in always if name[0] != "_"))
        self._is_open_ended = not analysis.suffix.strip()
        self._probed = frozenset(_PROBED.findall(analysis.prefix.encode()))
        self._sets: dict[Completion, NameSet | None] = {}

    def live_triggers(self, state: TextState) -> bytes:
        """See ``Rule``."""
        return b"" if state.scanner.error else self.triggers

    def pre(self, state: TextState) -> bool:
        """See ``Rule``."""
        if state.scanner.kind is not SiteKind.MEMBER:
            return False
        site = state.site
        return site is not None and not self._is_open(site)

    def _is_open(self, site: Site) -> bool:
        """Whether the name may be new here."""
        if site.is_target and self._any_target:
            return True
        if not site.is_target and not self._is_open_ended:
            return False
        root = site.receiver.split(b".", 1)[0]
        return root in _SELVES and (site.is_target or root == site.receiver)

    def _is_probed(self, state: TextState, receiver: bytes) -> bool:
        """Whether attributes are probed or set by name, or the type is narrowed in the unfinished line."""
        if receiver in self._probed:
            return True
        if b"attr(" in state.text and receiver in _PROBED.findall(state.text):
            return True
        line = state.scanner.line
        return b"isinstance(" in line and receiver in _NARROWED.findall(line)

    def names(self, state: TextState, site: Site) -> NameSet | None:
        """The members at ``site``; None for UNKNOWN."""
        if self._is_probed(state, site.receiver):
            return None
        answer = self._ask(state.text, site, state.unknown)
        if answer is UNKNOWN or (site.arrow == b"::" and not _OF_CLASSES.intersection(answer.kinds.values())):
            return None
        if answer not in self._sets:
            if len(self._sets) > MOST_SETS:
                self._sets.clear()
            self._sets[answer] = self._set_of(answer)
        return self._sets[answer]

    def _ask(self, text: bytes, site: Site, unknown: set[Hashable]) -> Completion | Unknown:
        """Ask behind the dot. ``x .`` is put as ``x.``, so that the two are one question."""
        if site.keyword == b"case":
            return self.analysis.complete_pattern(text, site, unknown)
        cut = site.trigger - self.analysis.prefix_length
        before = text[: cut - 1].rstrip(b" \t") if cut > 0 else b""
        if not before or len(before) == cut - 1 or site.receiver[:1].isdigit():  # "1 .real" is no "1.real"
            return self.analysis.complete(text, site.trigger, unknown)
        before += b"."
        return self.analysis.complete(before, self.analysis.prefix_length + len(before), unknown)

    def _set_of(self, answer: Completion) -> NameSet | None:
        if not is_trusted(answer, habitually_incomplete=self._habitually_incomplete):
            return None
        # Where private names are let through, they need not be listed.
        names = answer.names if self._private else [name for name in answer.names if name[0] != "_"]
        return NameSet([*names, *self._always])

    def gate(self, state: TextState) -> NamesGate | None:
        """See ``Rule``."""
        site = state.site
        if site is None:
            return None
        names = self.names(state, site)
        if names is None or (not self._private and site.typed[:1] == b"_"):
            return None
        if not names.has_prefix(site.typed):
            return None  # typed before the analysis was there to forbid it: nothing to hold on to
        blanks = bytes(b for b in site.blanks if b not in b"\\#")
        lifts = site.lifts + bytes(b for b in site.blanks if b in b"\\#") + (b"" if self._private else b"_")
        return NamesGate(names, site.typed, blanks=blanks, lifts=lifts)
