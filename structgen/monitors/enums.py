"""Enum members in patterns: after ``case Colour.`` only members of the enum can match.

Elsewhere an enum's other attributes are fine and ``MemberRule`` has them all.
"""

from __future__ import annotations

import enum
from typing import Final

from structgen.monitors.analysis import Analysis
from structgen.monitors.engines.protocol import UNKNOWN, Completion
from structgen.monitors.gates import NameSet, NamesGate
from structgen.monitors.sites import SiteKind
from structgen.monitors.text import TextState

__all__ = ["EnumRule"]

_METHOD, _FUNCTION, _PROPERTY, _ENUM_MEMBER = 2, 3, 10, 20  # of CompletionItemKind
_OF_EVERY_ENUM: Final = frozenset(name for kind in (enum.Flag, enum.IntEnum, enum.EnumMeta) for name in dir(kind))


class EnumRule:
    """Only enum members where a pattern names one; UNKNOWN for engines that do not tell them apart."""

    name = "enums"
    triggers = b"."
    is_dense = False
    kinds = frozenset({SiteKind.MEMBER})

    def __init__(self, analysis: Analysis) -> None:
        self.analysis = analysis

    def live_triggers(self, state: TextState) -> bytes:
        """See ``Rule``."""
        return self.triggers

    def pre(self, state: TextState) -> bool:
        """See ``Rule``."""
        if state.scanner.kind is not SiteKind.MEMBER:
            return False
        site = state.site
        return site is not None and site.keyword == b"case"

    def gate(self, state: TextState) -> NamesGate | None:
        """See ``Rule``."""
        site = state.site
        if site is None:
            return None
        completion = self.analysis.complete_pattern(state.text, site, state.unknown)
        members = frozenset() if completion is UNKNOWN else enum_members(completion)
        names = NameSet(members)
        return NamesGate(names, site.typed, blanks=b" \t", lifts=b"\\#") if names.has_prefix(site.typed) else None


def enum_members(completion: Completion) -> frozenset[str]:
    """The members among an enum class's attributes; empty where it is no enum.

    Some engines mark them. For the others: a class with ``__members__`` or ``_missing_`` is an enum, and
    what is no method and not every enum's is a member (or a plain attribute, which a
    pattern may name too).
    """
    marked = frozenset(name for name, kind in completion.kinds.items() if kind == _ENUM_MEMBER)
    if marked or not completion.names & {"__members__", "_missing_"}:
        return marked
    others = {name for name, kind in completion.kinds.items() if kind in (_METHOD, _FUNCTION, _PROPERTY)}
    return frozenset(n for n in completion.names - others - _OF_EVERY_ENUM if not n.startswith("_"))
